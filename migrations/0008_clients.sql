-- How clients prove who they are, and those that are made over the API.

-- The ids of signed assertions that a client has shown: each is good once, until it expires. `hash` is SHA-256 of the id.
CREATE TABLE client_assertion (
    client TEXT NOT NULL,
    hash BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (client, hash)
);
CREATE INDEX client_assertion_expiry ON client_assertion (expires_at);

-- Apps are clients that people of an account make; a declaration does not speak of them. One that is off is as good as not
-- there. The secret before the current one may work on for a while.
ALTER TABLE client ADD COLUMN app BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE client ADD COLUMN enabled BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE client ADD COLUMN old_mac BYTEA;
ALTER TABLE client ADD COLUMN old_until BIGINT;
