//! One-time links: the first start, invitations of owners, the choice of a password. Only the MAC of a link's secret is
//! stored.

use cardea_model::Timestamp;
use cardea_model::id::{AccountId, LinkId, UserId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// A one-time link.
#[derive(Clone, Debug)]
pub struct Link {
    /// The link.
    pub id: LinkId,
    /// `first_start`, `owner`, `sign_up`, `password` or `temporary_password`.
    pub kind: String,
    /// The account that gets the owner, or is the one of the person.
    pub account: Option<AccountId>,
    /// The address that was invited.
    pub email: Option<String>,
    /// Who chooses a password with it, and the epoch of their member when it was made.
    pub person: Option<(UserId, i64)>,
    /// When it is too late.
    pub expires_at: Timestamp,
}

impl FromRow for Link {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let person: Option<UserId> = row.parsed_optional("person_id")?;
        Ok(Self {
            id: row.parsed("id")?,
            kind: row.get("kind")?,
            account: row.parsed_optional("account_id")?,
            email: row.get("email")?,
            person: person.zip(row.get("epoch")?),
            expires_at: row.get("expires_at")?,
        })
    }
}

/// A new link.
pub async fn add(tx: &mut Tx, link: &Link, mac: &[u8], now: Timestamp) -> Result<(), DbError> {
    let account = link.account.map(|id| id.to_string());
    let (person, epoch) = link.person.map(|(id, epoch)| (id.to_string(), epoch)).unzip();
    tx.execute(
        sql!(
            "INSERT INTO link (id, kind, mac, account_id, email, person_id, epoch, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        ),
        args![
            &link.id.to_string(),
            &link.kind,
            mac,
            account.as_deref(),
            link.email.as_deref(),
            person.as_deref(),
            epoch,
            now,
            link.expires_at
        ],
    )
    .await?;
    Ok(())
}

/// The link with this MAC, if it can still be used. Reading it does not use it: a mail scanner follows links too.
pub async fn find(conn: &mut Conn, mac: &[u8], now: Timestamp) -> Result<Option<Link>, DbError> {
    conn.optional(
        sql!(
            "SELECT id, kind, account_id, email, person_id, epoch, expires_at FROM link
             WHERE mac = $1 AND used_at IS NULL AND expires_at > $2"
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

/// Ends every unused link by which this user chooses a password.
pub async fn end_of(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(
        sql!("UPDATE link SET used_at = $2 WHERE person_id = $1 AND used_at IS NULL"),
        args![&user.to_string(), now],
    )
    .await
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
