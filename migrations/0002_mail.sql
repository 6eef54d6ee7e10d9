-- Mail that is to be sent, written with its cause. `document` is sealed, and forgotten once it was sent. `due_at` is when it
-- is tried next; whoever tries it puts that off first, so that nobody else does. None: it was sent, or given up.
CREATE TABLE mail_outbox (
    id TEXT PRIMARY KEY,
    dedup_key TEXT NOT NULL UNIQUE,
    to_address TEXT NOT NULL,
    kind TEXT NOT NULL,
    document BYTEA,
    created_at BIGINT NOT NULL,
    due_at BIGINT,
    sent_at BIGINT,
    attempts BIGINT NOT NULL DEFAULT 0,
    error TEXT
);
CREATE INDEX mail_outbox_due ON mail_outbox (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX mail_outbox_created ON mail_outbox (created_at);
