//! One-time links: the first start, and invitations of owners. Only the MAC of a link's secret is stored.

use cardea_model::Timestamp;
use cardea_model::id::{AccountId, LinkId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// A one-time link.
#[derive(Clone, Debug)]
pub struct Link {
    /// The link.
    pub id: LinkId,
    /// `first_start` or `owner`.
    pub kind: String,
    /// The account that gets the owner.
    pub account: Option<AccountId>,
    /// The address that was invited.
    pub email: Option<String>,
    /// When it is too late.
    pub expires_at: Timestamp,
}

impl FromRow for Link {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parsed("id")?,
            kind: row.get("kind")?,
            account: row.parsed_optional("account_id")?,
            email: row.get("email")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

/// A new link.
pub async fn add(tx: &mut Tx, link: &Link, mac: &[u8], now: Timestamp) -> Result<(), DbError> {
    let account = link.account.map(|id| id.to_string());
    tx.execute(
        sql!(
            "INSERT INTO link (id, kind, mac, account_id, email, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)"
        ),
        args![&link.id.to_string(), &link.kind, mac, account.as_deref(), link.email.as_deref(), now, link.expires_at],
    )
    .await?;
    Ok(())
}

/// The link with this MAC, if it can still be used. Reading it does not use it: a mail scanner follows links too.
pub async fn find(conn: &mut Conn, mac: &[u8], now: Timestamp) -> Result<Option<Link>, DbError> {
    conn.optional(
        sql!(
            "SELECT id, kind, account_id, email, expires_at FROM link WHERE mac = $1 AND used_at IS NULL AND expires_at > $2"
        ),
        args![mac, now],
    )
    .await
}

/// Uses the link up; `false` if it was used or has expired meanwhile.
pub async fn take(tx: &mut Tx, id: LinkId, now: Timestamp) -> Result<bool, DbError> {
    let taken = tx
        .execute(
            sql!("UPDATE link SET used_at = $2 WHERE id = $1 AND used_at IS NULL AND expires_at > $2"),
            args![&id.to_string(), now],
        )
        .await?;
    Ok(taken == 1)
}

/// Ends every unused link of this kind.
pub async fn end_all(tx: &mut Tx, kind: &str, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(sql!("UPDATE link SET used_at = $2 WHERE kind = $1 AND used_at IS NULL"), args![kind, now]).await
}

/// The addresses to whom a link of this kind into this account is on its way.
pub async fn pending(conn: &mut Conn, account: AccountId, kind: &str, now: Timestamp) -> Result<Vec<String>, DbError> {
    conn.all(
        sql!(
            "SELECT email FROM link
             WHERE account_id = $1 AND kind = $2 AND used_at IS NULL AND expires_at > $3 AND email IS NOT NULL ORDER BY id"
        ),
        args![&account.to_string(), kind, now],
    )
    .await
}
