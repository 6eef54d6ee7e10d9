-- Clients that authenticate, and what they are given.
INSERT INTO counter (name, value) VALUES ('signing_key', 0);

-- The key pairs that sign tokens, sealed. `state` is `next`, `current` or `retired`; `since` is when that began.
CREATE TABLE signing_key (
    kid TEXT PRIMARY KEY,
    algorithm TEXT NOT NULL,
    state TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    since BIGINT NOT NULL
);

-- What was granted once, to a client itself or by somebody's sign-in: codes and tokens hang on it, and end with it. `client`
-- is a row of `client`, which may be gone; `session_id` is the session that it came of, with which the tokens end unless they are `offline`.
CREATE TABLE token_family (
    id TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    member_id TEXT REFERENCES member (id),
    session_id TEXT,
    offline BOOLEAN NOT NULL,
    epoch BIGINT NOT NULL,
    scope TEXT NOT NULL,
    audience TEXT NOT NULL,
    nonce TEXT,
    auth_time BIGINT NOT NULL,
    minted_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX token_family_expiry ON token_family (expires_at);
CREATE INDEX token_family_session ON token_family (session_id);

-- An authorization code, good once.
CREATE TABLE authorization_code (
    hash BYTEA PRIMARY KEY,
    family_id TEXT NOT NULL REFERENCES token_family (id),
    redirect_uri TEXT NOT NULL,
    challenge TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX authorization_code_family ON authorization_code (family_id);

-- An access or refresh token. `kid` is the public part of its text, or the id in a signed one; a refresh token is used once.
CREATE TABLE token (
    kid TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    mac BYTEA NOT NULL,
    family_id TEXT NOT NULL REFERENCES token_family (id),
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX token_family_id ON token (family_id);
