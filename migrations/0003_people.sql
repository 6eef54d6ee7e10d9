-- Orgs, people, roles and membership rules.

-- What an org is to its customer: the number that account and org share, and a description for people.
ALTER TABLE account ADD COLUMN number BIGINT;
ALTER TABLE account ADD COLUMN description TEXT NOT NULL DEFAULT '';
UPDATE account SET number = (SELECT COUNT(*) FROM account other WHERE other.id <= account.id);
CREATE UNIQUE INDEX account_number ON account (number);
INSERT INTO counter (name, value) SELECT 'account', COUNT(*) FROM account;

-- `state` is `active` or `suspended`; an entitlement ends by itself at `ends_at`.
ALTER TABLE entitlement ADD COLUMN state TEXT NOT NULL DEFAULT 'active';
ALTER TABLE entitlement ADD COLUMN ends_at BIGINT;

-- A product that somebody may claim for an account of theirs: `state` is `offered`, `claimed` or `revoked`.
CREATE TABLE activation (
    id TEXT PRIMARY KEY,
    mac BYTEA NOT NULL UNIQUE,
    service TEXT NOT NULL,
    email TEXT NOT NULL,
    email_normal TEXT NOT NULL,
    state TEXT NOT NULL,
    transferable BOOLEAN NOT NULL,
    entitlement_ends_at BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    claimed_at BIGINT,
    claimed_by TEXT REFERENCES account (id),
    version BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX activation_email ON activation (email_normal, id);

-- Whoever left the org has no roles there, whatever rules say, until somebody adds them again; whoever left the account
-- is held besides.
ALTER TABLE member ADD COLUMN left_org_at BIGINT;
ALTER TABLE member ADD COLUMN left_account_at BIGINT;
-- The generation of rules since which rules alone give this member's roles; none while nobody has noted that.
ALTER TABLE member ADD COLUMN managed_since BIGINT;
CREATE INDEX member_page ON member (account_id, id);

-- A group as one connection says it. The number, from the counter, stands for it in snapshots.
CREATE TABLE external_group (
    id BIGINT PRIMARY KEY,
    connection_id TEXT NOT NULL REFERENCES connection (id),
    value TEXT NOT NULL,
    UNIQUE (connection_id, value)
);

-- The groups that a connection last said somebody is in: their numbers in ascending order, with commas. `said` tells what
-- it said last: `present`, `missing` or `overage`; `seen_at` is when the list was last told whole, to the hour.
CREATE TABLE group_snapshot (
    identity_id TEXT PRIMARY KEY REFERENCES identity (id),
    member_id TEXT NOT NULL REFERENCES member (id),
    connection_id TEXT NOT NULL REFERENCES connection (id),
    group_ids TEXT NOT NULL,
    said TEXT NOT NULL,
    seen_at BIGINT NOT NULL
);
CREATE INDEX group_snapshot_member ON group_snapshot (member_id);

-- Until now every role that a rule gave was a row; the groups behind them become the first snapshots.
INSERT INTO external_group (id, connection_id, value)
    SELECT ROW_NUMBER() OVER (ORDER BY connection_id, value), connection_id, value
    FROM (SELECT DISTINCT r.connection_id, g.because AS value FROM role_grant g JOIN rule r ON r.id = g.rule_id
          WHERE g.source = 'rule') AS said;
INSERT INTO counter (name, value) SELECT 'external_group', COUNT(*) FROM external_group;
INSERT INTO group_snapshot (identity_id, member_id, connection_id, group_ids, said, seen_at)
    SELECT i.id, i.member_id, i.connection_id, STRING_AGG(CAST(told.id AS TEXT), ',' ORDER BY told.id), 'present',
           COALESCE(i.last_login_at, i.modified_at)
    FROM identity i
    JOIN (SELECT DISTINCT g.member_id, e.connection_id, e.id FROM role_grant g JOIN rule r ON r.id = g.rule_id
          JOIN external_group e ON e.connection_id = r.connection_id AND e.value = g.because WHERE g.source = 'rule') AS told
      ON told.member_id = i.member_id AND told.connection_id = i.connection_id
    WHERE i.deleted_at IS NULL
    GROUP BY i.id, i.member_id, i.connection_id, i.last_login_at, i.modified_at;

-- Roles given by hand. What rules give is never copied: it is worked out from `group_snapshot` and the rules in force.
CREATE TABLE manual_grant (
    member_id TEXT NOT NULL REFERENCES member (id),
    team_id TEXT NOT NULL,
    service TEXT NOT NULL,
    role TEXT NOT NULL,
    granted_by TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (member_id, team_id, service, role)
);
INSERT INTO manual_grant (member_id, team_id, service, role, granted_by, granted_at)
    SELECT member_id, team_id, service, role, '', MIN(granted_at) FROM role_grant WHERE source = 'manual'
    GROUP BY member_id, team_id, service, role;
DROP TABLE role_grant;
CREATE INDEX manual_grant_team ON manual_grant (team_id);

-- The table `rule` is what an admin edits. A generation is a frozen copy of it; the org names the one in force, 0 for none.
-- `settled` is the newest generation whose people all carry their mark in `managed_since`.
ALTER TABLE org ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;
ALTER TABLE org ADD COLUMN settled BIGINT NOT NULL DEFAULT 0;
-- `kind` is `activate`, `undo`, `revoke` or `apply`; `rules` and `marks` are JSON.
CREATE TABLE generation (
    org_id TEXT NOT NULL REFERENCES org (id),
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    rules TEXT NOT NULL,
    marks TEXT NOT NULL,
    previous BIGINT NOT NULL,
    digest TEXT NOT NULL,
    summary TEXT NOT NULL,
    activated_at BIGINT NOT NULL,
    activated_by TEXT NOT NULL,
    PRIMARY KEY (org_id, number)
);
INSERT INTO generation (org_id, number, kind, rules, marks, previous, digest, summary, activated_at, activated_by)
    SELECT o.id, 1, 'apply', '[' || COALESCE((SELECT STRING_AGG(
               '{"id":"' || r.id || '","connection":"' || r.connection_id || '","name":' || n.quoted || ',"body":' || r.document || '}',
               ',' ORDER BY r.position, r.name)
             FROM rule r JOIN (SELECT id, '"' || REPLACE(REPLACE(name, '\', '\\'), '"', '\"') || '"' AS quoted FROM rule) AS n
               ON n.id = r.id WHERE r.org_id = o.id), '') || ']',
           '{}', 0, '', '{}', o.created_at, ''
    FROM org o WHERE o.rules_active = TRUE;
UPDATE org SET generation = 1 WHERE rules_active = TRUE;
UPDATE member SET account_role = 'member' WHERE account_role = 'admin' AND owner = FALSE
    AND account_id IN (SELECT account_id FROM org WHERE rules_active = TRUE);

-- Who was asked to come: `kind` is `member` or `owner`; `state` is `pending`, `accepted` or `revoked`. `roles` is a list of
-- `{team?, service, role}`, given when the invitation is accepted. `validity` is in microseconds.
CREATE TABLE invitation (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id),
    kind TEXT NOT NULL,
    email TEXT NOT NULL,
    email_normal TEXT NOT NULL,
    account_role TEXT NOT NULL,
    roles TEXT NOT NULL,
    message TEXT NOT NULL,
    mac BYTEA NOT NULL UNIQUE,
    validity BIGINT NOT NULL,
    state TEXT NOT NULL,
    invited_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    member_id TEXT REFERENCES member (id),
    version BIGINT NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX invitation_pending ON invitation (account_id, email_normal) WHERE state = 'pending';
CREATE INDEX invitation_account ON invitation (account_id, id);

-- Links that prove an address name whose it is.
ALTER TABLE link ADD COLUMN person_id TEXT REFERENCES person (id);

-- A session that was opened by switching from another account ends with the member it came from, too.
ALTER TABLE session ADD COLUMN origin_member_id TEXT REFERENCES member (id);
ALTER TABLE session ADD COLUMN origin_epoch BIGINT;

-- Raised by each change of the team.
ALTER TABLE team ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
