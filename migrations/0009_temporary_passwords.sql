-- People whom an admin makes, and passwords that somebody else makes for them.

-- Such a password is good for choosing another one, and for nothing else.
ALTER TABLE password ADD COLUMN temporary BOOLEAN NOT NULL DEFAULT FALSE;

-- FALSE while only an admin of some account says that the address is theirs.
ALTER TABLE person ADD COLUMN email_proven BOOLEAN NOT NULL DEFAULT TRUE;

-- A link by which somebody chooses a password dies with the epoch of the member for whom it was made.
ALTER TABLE link ADD COLUMN epoch BIGINT;
CREATE INDEX link_person ON link (person_id);
