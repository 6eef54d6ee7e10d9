//! The outbox: mail that is to be sent, written in the transaction of its cause.
//!
//! ```text
//! waiting (due_at, document) ─claim─► in a node's hands (due_at put off) ─┬─► sent (sent_at; no due_at, no document)
//!        ▲                                                                ├─► given up (error; no due_at)
//!        └─────────── put off, or the node died and its time ran out ─────┘
//! ```

use cardea_model::Timestamp;
use cardea_model::id::MailId;

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// A message in the outbox.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The message.
    pub id: MailId,
    /// To whom.
    pub to: String,
    /// What kind of message, such as `account_invitation`.
    pub kind: String,
    /// What it says, sealed.
    pub document: Vec<u8>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it is to be tried; whoever tries it shows with this that nobody else has begun to.
    pub due_at: Timestamp,
    /// How often it was tried.
    pub attempts: i64,
}

impl FromRow for Mail {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parsed("id")?,
            to: row.get("to_address")?,
            kind: row.get("kind")?,
            document: row.get("document")?,
            created_at: row.get("created_at")?,
            due_at: row.get("due_at")?,
            attempts: row.get("attempts")?,
        })
    }
}

/// Puts a message into the outbox; `false`: there is one with this key already, and it stays as it is.
pub async fn add(tx: &mut Tx, mail: &Mail, dedup_key: &str) -> Result<bool, DbError> {
    let added = tx
        .execute(
            sql!(
                "INSERT INTO mail_outbox (id, dedup_key, to_address, kind, document, created_at, due_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (dedup_key) DO NOTHING"
            ),
            args![&mail.id.to_string(), dedup_key, &mail.to, &mail.kind, &mail.document, mail.created_at, mail.due_at],
        )
        .await?;
    Ok(added == 1)
}

/// At the most `limit` messages that are due, the longest due first.
pub async fn due(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<Mail>, DbError> {
    conn.all(
        sql!(
            "SELECT id, to_address, kind, document, created_at, due_at, attempts FROM mail_outbox
             WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2"
        ),
        args![now, limit],
    )
    .await
}

/// Takes the message in hand until `until`, and counts the try; `false` if another has taken it since it was read.
pub async fn claim(tx: &mut Tx, mail: &Mail, until: Timestamp) -> Result<bool, DbError> {
    let claimed = tx
        .execute(
            sql!("UPDATE mail_outbox SET due_at = $3, attempts = attempts + 1 WHERE id = $1 AND due_at = $2"),
            args![&mail.id.to_string(), mail.due_at, until],
        )
        .await?;
    Ok(claimed == 1)
}

/// The message has left; what it said is forgotten. `claimed_until` shows whose it was: `false` if it is another's by now.
pub async fn sent(tx: &mut Tx, id: MailId, claimed_until: Timestamp, now: Timestamp) -> Result<bool, DbError> {
    let sent = tx
        .execute(
            sql!(
                "UPDATE mail_outbox SET sent_at = $3, due_at = NULL, document = NULL, error = NULL
                 WHERE id = $1 AND due_at = $2"
            ),
            args![&id.to_string(), claimed_until, now],
        )
        .await?;
    Ok(sent == 1)
}

/// The message did not leave; it is tried again at `due_at`, or never.
pub async fn failed(
    tx: &mut Tx,
    id: MailId,
    claimed_until: Timestamp,
    error: &str,
    due_at: Option<Timestamp>,
) -> Result<bool, DbError> {
    let failed = tx
        .execute(
            sql!("UPDATE mail_outbox SET error = $3, due_at = $4 WHERE id = $1 AND due_at = $2"),
            args![&id.to_string(), claimed_until, error, due_at],
        )
        .await?;
    Ok(failed == 1)
}

/// How many messages wait, how many of those have failed before, and how many were given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Messages that are to be sent.
    pub waiting: i64,
    /// Those that have failed at least once.
    pub failing: i64,
    /// Messages that will not be tried again.
    pub given_up: i64,
}

impl FromRow for Counts {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { waiting: row.get("waiting")?, failing: row.get("failing")?, given_up: row.get("given_up")? })
    }
}

/// How the outbox is.
pub async fn counts(conn: &mut Conn) -> Result<Counts, DbError> {
    conn.one(
        sql!(
            "SELECT COUNT(due_at) AS waiting,
                    COUNT(CASE WHEN due_at IS NOT NULL THEN error END) AS failing,
                    COUNT(CASE WHEN due_at IS NULL THEN 1 END) AS given_up
             FROM mail_outbox WHERE sent_at IS NULL"
        ),
        args![],
    )
    .await
}

/// Why the message that failed last has failed, if one that was not sent has.
pub async fn last_error(conn: &mut Conn) -> Result<Option<String>, DbError> {
    conn.optional(
        sql!(
            "SELECT error FROM mail_outbox WHERE sent_at IS NULL AND error IS NOT NULL
             ORDER BY created_at DESC, id DESC LIMIT 1"
        ),
        args![],
    )
    .await
}

/// Forgets messages that were written before this and are over.
pub async fn sweep(tx: &mut Tx, before: Timestamp) -> Result<u64, DbError> {
    tx.execute(sql!("DELETE FROM mail_outbox WHERE created_at < $1 AND due_at IS NULL"), args![before]).await
}
