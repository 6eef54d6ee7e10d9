-- Membership rules, taken out of force and left standing as roles by hand.

-- The newest generation that left people by hand what rules had given, of which that is written for this member.
ALTER TABLE member ADD COLUMN frozen BIGINT NOT NULL DEFAULT 0;
