-- Signing in with SAML 2.0.

-- Our key pairs towards identity providers, sealed, with their certificates. `purpose` is `signing` or `encryption`, `state`
-- is `next`, `current` or `retired`.
CREATE TABLE saml_key (
    id TEXT PRIMARY KEY,
    purpose TEXT NOT NULL,
    state TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    certificate BYTEA NOT NULL,
    since BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('saml_key', 0);

-- Assertions that have signed somebody in: none does so twice.
CREATE TABLE assertion (
    connection_id TEXT NOT NULL REFERENCES connection (id),
    assertion_hash BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, assertion_hash)
);
CREATE INDEX assertion_expiry ON assertion (expires_at);

-- What identity providers publish about themselves, as it was last good. `problem` says why the last look brought nothing new.
CREATE TABLE provider_metadata (
    connection_id TEXT PRIMARY KEY REFERENCES connection (id),
    url TEXT NOT NULL,
    document TEXT NOT NULL,
    etag TEXT,
    fetched_at BIGINT NOT NULL,
    checked_at BIGINT NOT NULL,
    problem TEXT
);

-- The provider's own name of the session (`sid`, `SessionIndex`), by which it later ends it; and how it named the person.
ALTER TABLE session ADD COLUMN provider_session TEXT;
ALTER TABLE session ADD COLUMN provider_subject TEXT;
CREATE INDEX session_of_provider ON session (connection_id, provider_session) WHERE provider_session IS NOT NULL;
