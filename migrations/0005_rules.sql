-- Membership rules, taken out of force and left standing as roles by hand.

-- The newest generation that left people by hand what rules had given, of which that is written for this member.
ALTER TABLE member ADD COLUMN frozen BIGINT NOT NULL DEFAULT 0;

-- Who says the groups of a connection's people: `claims`, `scim` or `scim_then_claims`; and who has said a list. What
-- sign-ins have said counts no more where the directory says the groups.
ALTER TABLE connection ADD COLUMN groups_from TEXT NOT NULL DEFAULT 'claims';
UPDATE connection SET groups_from = 'scim' WHERE settings LIKE '%"from":"scim"%';
UPDATE connection SET groups_from = 'scim_then_claims' WHERE settings LIKE '%"from":"scim_then_claims"%';
ALTER TABLE group_snapshot ADD COLUMN source TEXT NOT NULL DEFAULT 'claims';
