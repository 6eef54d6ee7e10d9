//! Generations: rules as they were put in force, frozen. The org names the one that counts.

use cardea_model::Timestamp;
use cardea_model::id::OrgId;

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// Rules that were put in force together.
#[derive(Clone, Debug)]
pub struct Generation {
    /// Counts up within the org, from 1.
    pub number: i64,
    /// `activate`, `undo`, `revoke` or `apply`.
    pub kind: String,
    /// The rules, as JSON.
    pub rules: String,
    /// Whose mark counts under these rules, as JSON.
    pub marks: String,
    /// The generation before, 0 for none.
    pub previous: i64,
    /// The digest by which it was put in force; empty where nobody previewed it.
    pub digest: String,
    /// What it changed, as JSON.
    pub summary: String,
    /// When it was put in force.
    pub activated_at: Timestamp,
    /// By whom.
    pub activated_by: String,
}

impl FromRow for Generation {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            number: row.get("number")?,
            kind: row.get("kind")?,
            rules: row.get("rules")?,
            marks: row.get("marks")?,
            previous: row.get("previous")?,
            digest: row.get("digest")?,
            summary: row.get("summary")?,
            activated_at: row.get("activated_at")?,
            activated_by: row.get("activated_by")?,
        })
    }
}

/// One generation of an org.
pub async fn find(conn: &mut Conn, org: OrgId, number: i64) -> Result<Option<Generation>, DbError> {
    conn.optional(
        sql!(
            "SELECT number, kind, rules, marks, previous, digest, summary, activated_at, activated_by FROM generation
             WHERE org_id = $1 AND number = $2"
        ),
        args![&org.to_string(), number],
    )
    .await
}

/// Whose mark counts under a generation, as JSON.
pub async fn marks(conn: &mut Conn, org: OrgId, number: i64) -> Result<Option<String>, DbError> {
    conn.optional(
        sql!("SELECT marks FROM generation WHERE org_id = $1 AND number = $2"),
        args![&org.to_string(), number],
    )
    .await
}

/// When a generation was put in force.
pub async fn activated_at(conn: &mut Conn, org: OrgId, number: i64) -> Result<Option<Timestamp>, DbError> {
    conn.optional(
        sql!("SELECT activated_at FROM generation WHERE org_id = $1 AND number = $2"),
        args![&org.to_string(), number],
    )
    .await
}

/// The newest generations of an org, the newest first.
pub async fn newest(conn: &mut Conn, org: OrgId, limit: i64) -> Result<Vec<Generation>, DbError> {
    conn.all(
        sql!(
            "SELECT number, kind, rules, marks, previous, digest, summary, activated_at, activated_by FROM generation
             WHERE org_id = $1 ORDER BY number DESC LIMIT $2"
        ),
        args![&org.to_string(), limit],
    )
    .await
}

/// The rules in force of every org, as JSON.
pub async fn all_in_force(conn: &mut Conn) -> Result<Vec<String>, DbError> {
    conn.all(
        sql!(
            "SELECT g.rules FROM generation g JOIN org o ON o.id = g.org_id AND o.generation = g.number
             WHERE o.rules_active = TRUE ORDER BY g.org_id"
        ),
        args![],
    )
    .await
}

/// Adds a generation and puts it in force; under the lock of the org. `active` says whether its rules give roles.
pub async fn put_in_force(tx: &mut Tx, org: OrgId, generation: &Generation, active: bool) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "INSERT INTO generation (org_id, number, kind, rules, marks, previous, digest, summary, activated_at, activated_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        ),
        args![
            &org.to_string(),
            generation.number,
            &generation.kind,
            &generation.rules,
            &generation.marks,
            generation.previous,
            &generation.digest,
            &generation.summary,
            generation.activated_at,
            &generation.activated_by
        ],
    )
    .await?;
    tx.execute(
        sql!("UPDATE org SET generation = $2, rules_active = $3, version = version + 1 WHERE id = $1"),
        args![&org.to_string(), generation.number, active],
    )
    .await?;
    Ok(())
}

/// Notes that everybody whom generations up to this one manage carries their mark.
pub async fn settled(tx: &mut Tx, org: OrgId, number: i64) -> Result<bool, DbError> {
    let settled = tx
        .execute(
            sql!("UPDATE org SET settled = $2, version = version + 1 WHERE id = $1 AND settled < $2"),
            args![&org.to_string(), number],
        )
        .await?;
    Ok(settled == 1)
}
