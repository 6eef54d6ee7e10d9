//! Authorization codes, good once. Only their hashes are stored.

use cardea_model::Timestamp;
use cardea_model::id::FamilyId;

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// A code.
#[derive(Clone, Debug)]
pub struct Code {
    /// SHA-256 of its text.
    pub hash: Vec<u8>,
    /// What it stands for.
    pub family: FamilyId,
    /// Where it was sent.
    pub redirect_uri: String,
    /// SHA-256 of the client's verifier, in base 64 for URLs (RFC 7636 §4.2).
    pub challenge: String,
    /// When it is too late.
    pub expires_at: Timestamp,
    /// When it was redeemed.
    pub used_at: Option<Timestamp>,
}

impl FromRow for Code {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            hash: row.get("hash")?,
            family: row.parsed("family_id")?,
            redirect_uri: row.get("redirect_uri")?,
            challenge: row.get("challenge")?,
            expires_at: row.get("expires_at")?,
            used_at: row.get("used_at")?,
        })
    }
}

/// A new code.
pub async fn add(tx: &mut Tx, code: &Code) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "INSERT INTO authorization_code (hash, family_id, redirect_uri, challenge, expires_at)
             VALUES ($1, $2, $3, $4, $5)"
        ),
        args![code.hash.as_slice(), &code.family.to_string(), &code.redirect_uri, &code.challenge, code.expires_at],
    )
    .await?;
    Ok(())
}

/// The code with this hash.
pub async fn find(conn: &mut Conn, hash: &[u8]) -> Result<Option<Code>, DbError> {
    conn.optional(
        sql!(
            "SELECT hash, family_id, redirect_uri, challenge, expires_at, used_at FROM authorization_code
             WHERE hash = $1"
        ),
        args![hash],
    )
    .await
}

/// Redeems a code: of several who try, one is told `true`.
pub async fn spend(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<bool, DbError> {
    let spent = tx
        .execute(
            sql!("UPDATE authorization_code SET used_at = $2 WHERE hash = $1 AND used_at IS NULL"),
            args![hash, now],
        )
        .await?;
    Ok(spent == 1)
}
