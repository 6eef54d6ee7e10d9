-- The foundation: tenants, people, what they hold, and the machinery that ends it.
-- Times are microseconds since 1970 in UTC. Ids are text with a prefix. JSON is text.

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Locked counter rows: a number taken here is gapless and in commit order.
CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('feed', 0);
INSERT INTO counter (name, value) VALUES ('audit', 0);

CREATE TABLE account (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    recovery_email TEXT,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1
);

CREATE TABLE org (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL UNIQUE REFERENCES account (id),
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    rules_active BOOLEAN NOT NULL DEFAULT FALSE,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1
);

CREATE TABLE entitlement (
    org_id TEXT NOT NULL REFERENCES org (id),
    service TEXT NOT NULL,
    PRIMARY KEY (org_id, service)
);

-- The name of a deleted team is never given again: keys that name it must not come back to life.
CREATE TABLE team (
    id TEXT PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES org (id),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    deleted_at BIGINT,
    UNIQUE (org_id, name)
);

-- A user. `email_normal` is set only when the address is trusted; it is then unique among the living.
-- `search` is name and address, folded, because the engines fold case differently.
CREATE TABLE person (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT,
    email_normal TEXT,
    search TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT,
    version BIGINT NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX person_email ON person (email_normal) WHERE deleted_at IS NULL AND email_normal IS NOT NULL;

CREATE TABLE password (
    person_id TEXT PRIMARY KEY REFERENCES person (id),
    hash TEXT NOT NULL,
    set_at BIGINT NOT NULL
);

-- One user in one account. Never deleted: it carries the numbers by which access ends.
CREATE TABLE member (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id),
    person_id TEXT NOT NULL REFERENCES person (id),
    account_role TEXT NOT NULL,
    owner BOOLEAN NOT NULL DEFAULT FALSE,
    epoch BIGINT NOT NULL DEFAULT 1,
    session_floor BIGINT NOT NULL DEFAULT 0,
    roles_version BIGINT NOT NULL DEFAULT 1,
    held BOOLEAN NOT NULL DEFAULT FALSE,
    issued BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    last_login_at BIGINT,
    UNIQUE (account_id, person_id)
);
CREATE INDEX member_person ON member (person_id);
CREATE INDEX member_login ON member (account_id, last_login_at);

CREATE TABLE hold (
    member_id TEXT NOT NULL REFERENCES member (id),
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    since BIGINT NOT NULL,
    receipt_id TEXT NOT NULL,
    PRIMARY KEY (member_id, source, kind)
);

-- `source` is `manual` or `rule`; a rule's grant says which rule and which group gave it.
CREATE TABLE role_grant (
    member_id TEXT NOT NULL REFERENCES member (id),
    team_id TEXT NOT NULL,
    service TEXT NOT NULL,
    role TEXT NOT NULL,
    source TEXT NOT NULL,
    rule_id TEXT NOT NULL,
    rule_name TEXT NOT NULL,
    because TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (member_id, team_id, service, role, source, rule_id, because)
);

CREATE TABLE connection (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id),
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    stage TEXT NOT NULL,
    settings TEXT NOT NULL,
    secret BYTEA,
    created_at BIGINT NOT NULL,
    last_login_at BIGINT,
    version BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX connection_account ON connection (account_id);

CREATE TABLE domain (
    name TEXT PRIMARY KEY,
    connection_id TEXT NOT NULL REFERENCES connection (id),
    verified_at BIGINT NOT NULL
);
CREATE INDEX domain_connection ON domain (connection_id);

-- One user at one connection: the subject that signs in and the record that the directory manages.
-- Soft-deleted rows stay, so that a login cannot re-create whom the directory deleted.
CREATE TABLE identity (
    id TEXT PRIMARY KEY,
    connection_id TEXT NOT NULL REFERENCES connection (id),
    person_id TEXT NOT NULL REFERENCES person (id),
    member_id TEXT NOT NULL REFERENCES member (id),
    issuer TEXT,
    subject TEXT,
    user_name TEXT NOT NULL,
    user_name_folded TEXT NOT NULL,
    external_id TEXT,
    email_normal TEXT,
    managed BOOLEAN NOT NULL,
    active BOOLEAN NOT NULL,
    document TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    last_login_at BIGINT,
    deleted_at BIGINT,
    version BIGINT NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX identity_subject ON identity (connection_id, subject) WHERE deleted_at IS NULL AND subject IS NOT NULL;
CREATE UNIQUE INDEX identity_user_name ON identity (connection_id, user_name_folded) WHERE deleted_at IS NULL;
CREATE INDEX identity_any_user_name ON identity (connection_id, user_name_folded);
CREATE INDEX identity_page ON identity (connection_id, id) WHERE deleted_at IS NULL;
CREATE INDEX identity_external ON identity (connection_id, external_id);
CREATE INDEX identity_by_email ON identity (connection_id, email_normal);
CREATE INDEX identity_any_subject ON identity (connection_id, subject);
CREATE UNIQUE INDEX identity_person ON identity (connection_id, person_id);
CREATE INDEX identity_member ON identity (member_id);

-- What else than the primary address a record has: a directory may look for any of them.
CREATE TABLE identity_email (
    connection_id TEXT NOT NULL REFERENCES connection (id),
    email_normal TEXT NOT NULL,
    identity_id TEXT NOT NULL REFERENCES identity (id),
    PRIMARY KEY (connection_id, email_normal, identity_id)
);
CREATE INDEX identity_email_identity ON identity_email (identity_id);

CREATE TABLE directory_token (
    id TEXT PRIMARY KEY,
    connection_id TEXT NOT NULL REFERENCES connection (id),
    name TEXT NOT NULL,
    mac BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    UNIQUE (connection_id, name)
);

CREATE TABLE rule (
    id TEXT PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES org (id),
    connection_id TEXT NOT NULL REFERENCES connection (id),
    name TEXT NOT NULL,
    position BIGINT NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (org_id, name)
);

-- A login that was begun: single use, bound to the browser by the hash of its cookie.
CREATE TABLE login_flow (
    state_hash BYTEA PRIMARY KEY,
    connection_id TEXT NOT NULL REFERENCES connection (id),
    nonce TEXT NOT NULL,
    verifier BYTEA NOT NULL,
    browser_hash BYTEA NOT NULL,
    return_to TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX login_flow_expiry ON login_flow (expires_at);

CREATE TABLE session (
    id TEXT PRIMARY KEY,
    secret_hash BYTEA NOT NULL UNIQUE,
    member_id TEXT NOT NULL REFERENCES member (id),
    connection_id TEXT,
    epoch BIGINT NOT NULL,
    minted_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX session_member ON session (member_id);
CREATE INDEX session_expiry ON session (expires_at);

-- Personal keys have a member; the numbers of that member decide whether they live.
CREATE TABLE api_key (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    org_id TEXT NOT NULL REFERENCES org (id),
    member_id TEXT NOT NULL REFERENCES member (id),
    person_id TEXT NOT NULL REFERENCES person (id),
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    state TEXT NOT NULL,
    grants TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    ended_at BIGINT,
    version BIGINT NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX api_key_name ON api_key (person_id, name_folded) WHERE ended_at IS NULL;
CREATE INDEX api_key_member ON api_key (member_id);
CREATE INDEX api_key_org ON api_key (org_id);

-- A kid is never given twice; rows of ended keys stay, so that a leak can be told apart from a forgery.
CREATE TABLE api_key_secret (
    kid TEXT PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES api_key (id),
    mac BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX api_key_secret_key ON api_key_secret (key_id);

CREATE TABLE client (
    id TEXT PRIMARY KEY,
    account_id TEXT REFERENCES account (id),
    client_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    mac BYTEA,
    resource_server BOOLEAN NOT NULL,
    services TEXT NOT NULL,
    document TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1
);

CREATE TABLE operator_token (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    mac BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

-- One-time links: first start, owner invitation.
CREATE TABLE link (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    mac BYTEA NOT NULL UNIQUE,
    account_id TEXT REFERENCES account (id),
    email TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

-- Sections of the declarative state whose routes do not exist yet, kept as they were written; their secrets are sealed
-- apart. The account is empty for the operator's own.
CREATE TABLE state_section (
    account_id TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    secrets BYTEA,
    PRIMARY KEY (account_id, name)
);

-- The feed: every change that a node's memory must hear of. `seq` comes from the counter `feed`.
CREATE TABLE feed (
    seq BIGINT PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    session_floor BIGINT NOT NULL,
    roles_version BIGINT NOT NULL,
    held BOOLEAN NOT NULL,
    at BIGINT NOT NULL
);

CREATE TABLE node (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    stopped_at BIGINT
);

-- What a node has taken into its memory: one row a batch that held an end of access.
CREATE TABLE node_applied (
    node_id TEXT NOT NULL REFERENCES node (id),
    first_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    applied_at BIGINT NOT NULL,
    PRIMARY KEY (node_id, last_seq)
);
CREATE INDEX node_applied_range ON node_applied (last_seq, first_seq);

CREATE TABLE receipt (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id),
    member_id TEXT NOT NULL REFERENCES member (id),
    what TEXT NOT NULL,
    cause TEXT NOT NULL,
    source TEXT NOT NULL,
    message TEXT NOT NULL,
    actor TEXT NOT NULL,
    request_id TEXT NOT NULL,
    nodes TEXT NOT NULL,
    seq BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    committed_at BIGINT NOT NULL,
    ended TEXT
);
CREATE INDEX receipt_account ON receipt (account_id, seq);
CREATE INDEX receipt_member ON receipt (member_id, seq);

-- Rows are inserted unchained; one sealer numbers and chains them within a second.
CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    account_id TEXT,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    request_id TEXT NOT NULL,
    detail TEXT NOT NULL,
    seq BIGINT UNIQUE,
    hash BYTEA
);
CREATE INDEX audit_unsealed ON audit (at, id) WHERE seq IS NULL;
CREATE INDEX audit_account ON audit (account_id, id);

CREATE TABLE job (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    run_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    error TEXT
);
CREATE INDEX job_due ON job (run_at, id);
