//! Requests that made a key under a name of the caller's own (`Idempotency-Key`).

use cardea_model::Timestamp;
use cardea_model::id::{KeyId, MemberId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// What was asked for under a name, and what came of it.
#[derive(Clone, Debug)]
pub struct Made {
    /// SHA-256 of what was asked for.
    pub request_hash: Vec<u8>,
    /// The key that was made.
    pub key: KeyId,
}

impl FromRow for Made {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { request_hash: row.get("request_hash")?, key: row.parsed("key_id")? })
    }
}

/// What this member asked for under this name.
pub async fn find(conn: &mut Conn, member: MemberId, token: &str) -> Result<Option<Made>, DbError> {
    conn.optional(
        sql!("SELECT request_hash, key_id FROM idempotency WHERE member_id = $1 AND token = $2"),
        args![&member.to_string(), token],
    )
    .await
}

/// Notes it; the caller holds the lock of the member and has found nothing.
pub async fn add(tx: &mut Tx, member: MemberId, token: &str, made: &Made, now: Timestamp) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "INSERT INTO idempotency (member_id, token, request_hash, key_id, created_at) VALUES ($1, $2, $3, $4, $5)"
        ),
        args![&member.to_string(), token, &made.request_hash, &made.key.to_string(), now],
    )
    .await?;
    Ok(())
}

/// Forgets what was noted before this.
pub async fn sweep(tx: &mut Tx, before: Timestamp) -> Result<u64, DbError> {
    tx.execute(sql!("DELETE FROM idempotency WHERE created_at < $1"), args![before]).await
}
