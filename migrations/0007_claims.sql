-- Groups that a rule finds in another claim than the connection's own. Each claim of somebody is a list of its own, with
-- its own age; the connection's own has the empty name.

CREATE TABLE claimed_group (
    id BIGINT PRIMARY KEY,
    connection_id TEXT NOT NULL REFERENCES connection (id),
    claim TEXT NOT NULL DEFAULT '',
    value TEXT NOT NULL,
    UNIQUE (connection_id, claim, value)
);
INSERT INTO claimed_group (id, connection_id, value) SELECT id, connection_id, value FROM external_group;
DROP TABLE external_group;
ALTER TABLE claimed_group RENAME TO external_group;

CREATE TABLE claim_snapshot (
    identity_id TEXT NOT NULL REFERENCES identity (id),
    claim TEXT NOT NULL DEFAULT '',
    member_id TEXT NOT NULL REFERENCES member (id),
    connection_id TEXT NOT NULL REFERENCES connection (id),
    group_ids TEXT NOT NULL,
    said TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    source TEXT NOT NULL DEFAULT 'claims',
    PRIMARY KEY (identity_id, claim)
);
INSERT INTO claim_snapshot (identity_id, member_id, connection_id, group_ids, said, seen_at, source)
    SELECT identity_id, member_id, connection_id, group_ids, said, seen_at, source FROM group_snapshot;
DROP TABLE group_snapshot;
ALTER TABLE claim_snapshot RENAME TO group_snapshot;
CREATE INDEX group_snapshot_member ON group_snapshot (member_id);
