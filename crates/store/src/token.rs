//! Access and refresh tokens. Only the codes of their texts are stored.

use cardea_model::Timestamp;
use cardea_model::id::FamilyId;

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// A token.
#[derive(Clone, Debug)]
pub struct Token {
    /// The public part of its text, or the id in a signed one.
    pub kid: String,
    /// `access` or `refresh`.
    pub kind: String,
    /// HMAC of its text.
    pub mac: Vec<u8>,
    /// What it hangs on.
    pub family: FamilyId,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was exchanged for the next one.
    pub used_at: Option<Timestamp>,
}

impl FromRow for Token {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            kid: row.get("kid")?,
            kind: row.get("kind")?,
            mac: row.get("mac")?,
            family: row.parsed("family_id")?,
            issued_at: row.get("issued_at")?,
            expires_at: row.get("expires_at")?,
            used_at: row.get("used_at")?,
        })
    }
}

/// A new token.
pub async fn add(tx: &mut Tx, token: &Token) -> Result<(), DbError> {
    tx.execute(
        sql!("INSERT INTO token (kid, kind, mac, family_id, issued_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)"),
        args![
            &token.kid,
            &token.kind,
            token.mac.as_slice(),
            &token.family.to_string(),
            token.issued_at,
            token.expires_at
        ],
    )
    .await?;
    Ok(())
}

/// The token with this public part.
pub async fn find(conn: &mut Conn, kid: &str) -> Result<Option<Token>, DbError> {
    conn.optional(
        sql!("SELECT kid, kind, mac, family_id, issued_at, expires_at, used_at FROM token WHERE kid = $1"),
        args![kid],
    )
    .await
}

/// Uses a token up: of several who try, one is told `true`.
pub async fn spend(tx: &mut Tx, kid: &str, now: Timestamp) -> Result<bool, DbError> {
    let spent =
        tx.execute(sql!("UPDATE token SET used_at = $2 WHERE kid = $1 AND used_at IS NULL"), args![kid, now]).await?;
    Ok(spent == 1)
}

/// Forgets one token.
pub async fn remove(tx: &mut Tx, kid: &str) -> Result<(), DbError> {
    tx.execute(sql!("DELETE FROM token WHERE kid = $1"), args![kid]).await?;
    Ok(())
}

/// Forgets the access tokens that ended before `before`, and the refresh tokens that did.
pub async fn sweep(tx: &mut Tx, before: Timestamp) -> Result<u64, DbError> {
    tx.execute(sql!("DELETE FROM token WHERE expires_at < $1"), args![before]).await
}
