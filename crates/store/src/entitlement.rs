//! Entitlements: which services an org was given, until when, and which of them are held back.

use cardea_model::entitlement::{Entitlement, State};
use cardea_model::id::OrgId;

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

impl FromRow for Entitlement {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let state: String = row.get("state")?;
        Ok(Self { service: row.get("service")?, state: State::parse(&state), ends_at: row.get("ends_at")? })
    }
}

/// What the org was given, by the services' names.
pub async fn of(conn: &mut Conn, org: OrgId) -> Result<Vec<Entitlement>, DbError> {
    conn.all(
        sql!("SELECT service, state, ends_at FROM entitlement WHERE org_id = $1 ORDER BY service"),
        args![&org.to_string()],
    )
    .await
}

/// The org's entitlement to this service.
pub async fn find(conn: &mut Conn, org: OrgId, service: &str) -> Result<Option<Entitlement>, DbError> {
    conn.optional(
        sql!("SELECT service, state, ends_at FROM entitlement WHERE org_id = $1 AND service = $2"),
        args![&org.to_string(), service],
    )
    .await
}

/// Gives the org a service, or another end or state to the one that it has.
pub async fn put(tx: &mut Tx, org: OrgId, entitlement: &Entitlement) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "INSERT INTO entitlement (org_id, service, state, ends_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (org_id, service) DO UPDATE SET state = excluded.state, ends_at = excluded.ends_at"
        ),
        args![&org.to_string(), &entitlement.service, entitlement.state.as_str(), entitlement.ends_at],
    )
    .await?;
    Ok(())
}

/// Takes a service from the org; what was granted of it stays stored.
pub async fn remove(tx: &mut Tx, org: OrgId, service: &str) -> Result<bool, DbError> {
    let removed = tx
        .execute(sql!("DELETE FROM entitlement WHERE org_id = $1 AND service = $2"), args![&org.to_string(), service])
        .await?;
    Ok(removed == 1)
}
