//! What an org says of itself: its services with their state, and the account's description with its version.

use cardea_model::Timestamp;
use cardea_model::id::{AccountId, OrgId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// A service that the org was given.
#[derive(Clone, Debug)]
pub struct Entitlement {
    /// The service's name.
    pub service: String,
    /// `active` or `suspended`.
    pub state: String,
    /// When it ends by itself.
    pub ends_at: Option<Timestamp>,
}

impl FromRow for Entitlement {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { service: row.get("service")?, state: row.get("state")?, ends_at: row.get("ends_at")? })
    }
}

/// Every service that the org was given, by name.
pub async fn entitlements(conn: &mut Conn, org: OrgId) -> Result<Vec<Entitlement>, DbError> {
    conn.all(
        sql!("SELECT service, state, ends_at FROM entitlement WHERE org_id = $1 ORDER BY service"),
        args![&org.to_string()],
    )
    .await
}

/// The account's version, raised by each change of it.
pub async fn version(conn: &mut Conn, account: AccountId) -> Result<i64, DbError> {
    conn.one(sql!("SELECT version FROM account WHERE id = $1"), args![&account.to_string()]).await
}

/// Gives the account another description.
pub async fn describe(tx: &mut Tx, account: AccountId, description: &str) -> Result<bool, DbError> {
    let changed = tx
        .execute(sql!("UPDATE account SET description = $2 WHERE id = $1"), args![&account.to_string(), description])
        .await?;
    Ok(changed == 1)
}
