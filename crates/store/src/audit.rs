//! The audit log: rows are inserted in the transaction that they describe and sealed into a hash chain afterwards.

use cardea_model::Timestamp;
use cardea_model::id::{AccountId, AuditId, RequestId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// One audit event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The event.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// In which account; none for the instance's own.
    pub account: Option<AccountId>,
    /// Who: `person:usr_…`, `directory:okta`, `operator:ci`, `system:…`.
    pub actor: String,
    /// What, dotted: `key.created`.
    pub action: String,
    /// To what: an id.
    pub target: String,
    /// In which request.
    pub request: RequestId,
    /// More, as JSON, without secrets.
    pub detail: String,
}

impl FromRow for Event {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let account: Option<String> = row.get("account_id")?;
        Ok(Self {
            id: row.parsed("id")?,
            at: row.get("at")?,
            account: account.and_then(|text| text.parse().ok()),
            actor: row.get("actor")?,
            action: row.get("action")?,
            target: row.get("target")?,
            request: row.parsed("request_id")?,
            detail: row.get("detail")?,
        })
    }
}

/// An event with its place in the chain.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The event.
    pub event: Event,
    /// Its place, from 1.
    pub seq: i64,
    /// SHA-256 over the hash before it and the event.
    pub hash: Vec<u8>,
}

impl FromRow for Sealed {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { event: Event::from_row(row)?, seq: row.get("seq")?, hash: row.get("hash")? })
    }
}

/// Writes an event, unsealed.
pub async fn add(tx: &mut Tx, event: &Event) -> Result<(), DbError> {
    let account = event.account.map(|id| id.to_string());
    tx.execute(
        sql!(
            "INSERT INTO audit (id, at, account_id, actor, action, target, request_id, detail)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        ),
        args![
            &event.id.to_string(),
            event.at,
            account.as_deref(),
            &event.actor,
            &event.action,
            &event.target,
            &event.request.to_string(),
            &event.detail
        ],
    )
    .await?;
    Ok(())
}

/// Locks the chain against other sealers until the commit, and moves its end by `count`; returns the new end.
pub async fn advance(tx: &mut Tx, count: i64) -> Result<i64, DbError> {
    tx.one(sql!("UPDATE counter SET value = value + $1 WHERE name = 'audit' RETURNING value"), args![count]).await
}

/// The end of the chain: how many events are sealed.
pub async fn sealed_count(conn: &mut Conn) -> Result<i64, DbError> {
    conn.one(sql!("SELECT value FROM counter WHERE name = 'audit'"), args![]).await
}

/// At the most `limit` events that are not sealed, oldest first.
pub async fn unsealed(conn: &mut Conn, limit: i64) -> Result<Vec<Event>, DbError> {
    conn.all(
        sql!(
            "SELECT id, at, account_id, actor, action, target, request_id, detail FROM audit
             WHERE seq IS NULL ORDER BY at, id LIMIT $1"
        ),
        args![limit],
    )
    .await
}

/// Gives an event its place and hash.
pub async fn seal(tx: &mut Tx, id: AuditId, seq: i64, hash: &[u8]) -> Result<bool, DbError> {
    let sealed = tx
        .execute(
            sql!("UPDATE audit SET seq = $2, hash = $3 WHERE id = $1 AND seq IS NULL"),
            args![&id.to_string(), seq, hash],
        )
        .await?;
    Ok(sealed == 1)
}

/// At the most `limit` sealed events after place `seq`, in order.
pub async fn sealed_after(conn: &mut Conn, seq: i64, limit: i64) -> Result<Vec<Sealed>, DbError> {
    conn.all(
        sql!(
            "SELECT id, at, account_id, actor, action, target, request_id, detail, seq, hash FROM audit
             WHERE seq > $1 ORDER BY seq LIMIT $2"
        ),
        args![seq, limit],
    )
    .await
}

/// Events of this account with an id below `before`, newest first.
pub async fn page(conn: &mut Conn, account: AccountId, before: &str, limit: i64) -> Result<Vec<Event>, DbError> {
    conn.all(
        sql!(
            "SELECT id, at, account_id, actor, action, target, request_id, detail FROM audit
             WHERE account_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
        ),
        args![&account.to_string(), before, limit],
    )
    .await
}

/// When this actor last did this in this account: the times since `since`, the oldest first. Of the ids that begin then,
/// `from` is the least.
pub async fn times(
    conn: &mut Conn,
    account: AccountId,
    (actor, action): (&str, &str),
    (since, from): (Timestamp, AuditId),
) -> Result<Vec<Timestamp>, DbError> {
    conn.all(
        sql!(
            "SELECT at FROM audit
             WHERE account_id = $1 AND id >= $5 AND at > $4 AND actor = $2 AND action = $3 ORDER BY at"
        ),
        args![&account.to_string(), actor, action, since, &from.to_string()],
    )
    .await
}
