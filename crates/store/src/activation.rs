//! Activations: services that somebody may claim for an account of theirs. Only the MAC of a link's secret is stored.

use cardea_model::Timestamp;
use cardea_model::id::{AccountId, ActivationId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// A service that somebody may claim.
#[derive(Clone, Debug)]
pub struct Activation {
    /// The activation.
    pub id: ActivationId,
    /// The service.
    pub service: String,
    /// Whose it is, as it was written.
    pub email: String,
    /// The same for comparing.
    pub email_normal: String,
    /// `offered`, `claimed` or `revoked`.
    pub state: String,
    /// Whether they may hand it on.
    pub transferable: bool,
    /// When the entitlement ends that it gives; none for never.
    pub entitlement_ends_at: Option<Timestamp>,
    /// When it was offered.
    pub created_at: Timestamp,
    /// When it is too late.
    pub expires_at: Timestamp,
    /// When it was claimed.
    pub claimed_at: Option<Timestamp>,
    /// For which account.
    pub claimed_by: Option<AccountId>,
    /// Raised by each change; a link is of one version.
    pub version: i64,
}

impl FromRow for Activation {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parsed("id")?,
            service: row.get("service")?,
            email: row.get("email")?,
            email_normal: row.get("email_normal")?,
            state: row.get("state")?,
            transferable: row.get("transferable")?,
            entitlement_ends_at: row.get("entitlement_ends_at")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            claimed_at: row.get("claimed_at")?,
            claimed_by: row.parsed_optional("claimed_by")?,
            version: row.get("version")?,
        })
    }
}

/// The columns of an [`Activation`].
macro_rules! activation_columns {
    () => {
        "id, service, email, email_normal, state, transferable, entitlement_ends_at, created_at, expires_at, claimed_at,
         claimed_by, version"
    };
}

/// A new one, offered.
pub async fn add(tx: &mut Tx, new: &Activation, mac: &[u8]) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "INSERT INTO activation (id, mac, service, email, email_normal, state, transferable, entitlement_ends_at,
                    created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, 'offered', $6, $7, $8, $9)"
        ),
        args![
            &new.id.to_string(),
            mac,
            &new.service,
            &new.email,
            &new.email_normal,
            new.transferable,
            new.entitlement_ends_at,
            new.created_at,
            new.expires_at
        ],
    )
    .await?;
    Ok(())
}

/// The one whose link has this MAC, whatever has become of it. Reading it does not use it: a mail scanner follows links too.
pub async fn with_mac(conn: &mut Conn, mac: &[u8]) -> Result<Option<Activation>, DbError> {
    conn.optional(sql!("SELECT ", activation_columns!(), " FROM activation WHERE mac = $1"), args![mac]).await
}

/// The one with this id.
pub async fn find(conn: &mut Conn, id: ActivationId) -> Result<Option<Activation>, DbError> {
    conn.optional(sql!("SELECT ", activation_columns!(), " FROM activation WHERE id = $1"), args![&id.to_string()])
        .await
}

/// At the most `limit` of them after this one, the oldest first.
pub async fn page(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<Activation>, DbError> {
    conn.all(
        sql!("SELECT ", activation_columns!(), " FROM activation WHERE id > $1 ORDER BY id LIMIT $2"),
        args![after, limit],
    )
    .await
}

/// Uses it up, as it was read; `false` if it was used, handed on or withdrawn meanwhile, or it is too late.
pub async fn take(tx: &mut Tx, read: &Activation, now: Timestamp) -> Result<bool, DbError> {
    let taken = tx
        .execute(
            sql!(
                "UPDATE activation SET state = 'claimed', claimed_at = $3, version = version + 1
                 WHERE id = $1 AND version = $2 AND state = 'offered' AND expires_at > $3"
            ),
            args![&read.id.to_string(), read.version, now],
        )
        .await?;
    Ok(taken == 1)
}

/// Notes for which account it was used.
pub async fn claimed_by(tx: &mut Tx, id: ActivationId, account: AccountId) -> Result<(), DbError> {
    tx.execute(
        sql!("UPDATE activation SET claimed_by = $2 WHERE id = $1"),
        args![&id.to_string(), &account.to_string()],
    )
    .await?;
    Ok(())
}

/// Hands it on, as it was read, with another link; the old one is dead. `false` as [`take`].
pub async fn hand_on(
    tx: &mut Tx,
    read: &Activation,
    (email, normal): (&str, &str),
    mac: &[u8],
    now: Timestamp,
) -> Result<bool, DbError> {
    let handed = tx
        .execute(
            sql!(
                "UPDATE activation SET email = $3, email_normal = $4, mac = $5, version = version + 1
                 WHERE id = $1 AND version = $2 AND state = 'offered' AND expires_at > $6"
            ),
            args![&read.id.to_string(), read.version, email, normal, mac, now],
        )
        .await?;
    Ok(handed == 1)
}

/// Withdraws it; `false` if it is not offered any more.
pub async fn withdraw(tx: &mut Tx, id: ActivationId) -> Result<bool, DbError> {
    let withdrawn = tx
        .execute(
            sql!("UPDATE activation SET state = 'revoked', version = version + 1 WHERE id = $1 AND state = 'offered'"),
            args![&id.to_string()],
        )
        .await?;
    Ok(withdrawn == 1)
}
