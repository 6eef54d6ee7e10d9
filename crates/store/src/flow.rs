//! Logins that were begun: single use, bound to the browser that began them.

use cardea_model::Timestamp;
use cardea_model::id::ConnectionId;

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// A login that was begun.
#[derive(Clone, Debug)]
pub struct Flow {
    /// The connection.
    pub connection: ConnectionId,
    /// Must come back in the ID token.
    pub nonce: String,
    /// The PKCE verifier, sealed.
    pub verifier: Vec<u8>,
    /// SHA-256 of the cookie of the browser that began it.
    pub browser_hash: Vec<u8>,
    /// A path of ours.
    pub return_to: String,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When it is too late.
    pub expires_at: Timestamp,
}

impl FromRow for Flow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            connection: row.parsed("connection_id")?,
            nonce: row.get("nonce")?,
            verifier: row.get("verifier")?,
            browser_hash: row.get("browser_hash")?,
            return_to: row.get("return_to")?,
            begun_at: row.get("begun_at")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

/// Begins a login under the hash of its state.
pub async fn add(tx: &mut Tx, state_hash: &[u8], flow: &Flow) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "INSERT INTO login_flow (state_hash, connection_id, nonce, verifier, browser_hash, return_to, begun_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        ),
        args![
            state_hash,
            &flow.connection.to_string(),
            &flow.nonce,
            flow.verifier.as_slice(),
            flow.browser_hash.as_slice(),
            &flow.return_to,
            flow.begun_at,
            flow.expires_at
        ],
    )
    .await?;
    Ok(())
}

/// The login under the hash of its state, which stays.
pub async fn find(conn: &mut Conn, state_hash: &[u8]) -> Result<Option<Flow>, DbError> {
    conn.optional(
        sql!(
            "SELECT connection_id, nonce, verifier, browser_hash, return_to, begun_at, expires_at FROM login_flow
             WHERE state_hash = $1"
        ),
        args![state_hash],
    )
    .await
}

/// Uses the login up: `false` for the second who asks.
pub async fn take(tx: &mut Tx, state_hash: &[u8]) -> Result<bool, DbError> {
    let taken = tx.execute(sql!("DELETE FROM login_flow WHERE state_hash = $1"), args![state_hash]).await?;
    Ok(taken == 1)
}

/// Removes logins that nobody finished in time.
pub async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(sql!("DELETE FROM login_flow WHERE expires_at < $1"), args![now]).await
}
