-- Keys of every kind. `owner` is the user of a personal or legacy key, and the org of a service key, which has no member.
-- SQLite cannot take NOT NULL from a column, so both tables are made anew.
CREATE TABLE api_key_next (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    org_id TEXT NOT NULL REFERENCES org (id),
    owner TEXT NOT NULL,
    member_id TEXT REFERENCES member (id),
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    state TEXT NOT NULL,
    grants TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    warned BIGINT NOT NULL DEFAULT 0,
    old_kid TEXT,
    ended_at BIGINT,
    version BIGINT NOT NULL DEFAULT 1
);
INSERT INTO api_key_next (id, kind, org_id, owner, member_id, name, name_folded, state, grants, epoch, created_by,
                          created_at, expires_at, ended_at, version)
    SELECT id, kind, org_id, person_id, member_id, name, name_folded, state, grants, epoch, person_id, created_at,
           expires_at, ended_at, version
    FROM api_key;

-- `valid_until` is set when another secret takes its place: then it works until its grace is over. The others have none.
CREATE TABLE api_key_secret_next (
    kid TEXT PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES api_key_next (id),
    mac BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT,
    valid_until BIGINT
);
INSERT INTO api_key_secret_next (kid, key_id, mac, created_at, used_at)
    SELECT kid, key_id, mac, created_at, used_at FROM api_key_secret;
DROP TABLE api_key_secret;
DROP TABLE api_key;
ALTER TABLE api_key_next RENAME TO api_key;
ALTER TABLE api_key_secret_next RENAME TO api_key_secret;

CREATE UNIQUE INDEX api_key_name ON api_key (owner, name_folded) WHERE ended_at IS NULL;
CREATE INDEX api_key_owner ON api_key (owner, kind);
CREATE INDEX api_key_member ON api_key (member_id);
CREATE INDEX api_key_org ON api_key (org_id, id) WHERE ended_at IS NULL;
CREATE INDEX api_key_expiry ON api_key (expires_at) WHERE ended_at IS NULL AND warned < 2;
CREATE INDEX api_key_ended ON api_key (ended_at) WHERE ended_at IS NOT NULL;
CREATE UNIQUE INDEX api_key_secret_current ON api_key_secret (key_id) WHERE valid_until IS NULL;
CREATE INDEX api_key_secret_key ON api_key_secret (key_id);

-- What a legacy key's user was in each of their accounts when it was made; an account that came later has stamp 1.
CREATE TABLE legacy_stamp (
    key_id TEXT NOT NULL REFERENCES api_key (id),
    member_id TEXT NOT NULL REFERENCES member (id),
    epoch BIGINT NOT NULL,
    PRIMARY KEY (key_id, member_id)
);

-- Requests that made a key under a name of the caller's own, so that a repeated one makes no second key.
CREATE TABLE idempotency (
    member_id TEXT NOT NULL REFERENCES member (id),
    token TEXT NOT NULL,
    request_hash BYTEA NOT NULL,
    key_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (member_id, token)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

-- What an org wants of its keys: the longest life in seconds, none for any, and whether legacy keys work there.
ALTER TABLE org ADD COLUMN key_max_age BIGINT;
ALTER TABLE org ADD COLUMN legacy_keys BOOLEAN NOT NULL DEFAULT FALSE;
