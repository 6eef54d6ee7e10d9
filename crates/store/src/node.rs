//! Nodes: running processes that follow the feed, and when they last said so.

use cardea_model::Timestamp;
use cardea_model::id::NodeId;

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// A running process.
#[derive(Clone, Debug)]
pub struct Node {
    /// The process.
    pub id: NodeId,
    /// What its configuration calls it.
    pub name: String,
    /// Its release.
    pub version: String,
    /// Its last heartbeat.
    pub seen_at: Timestamp,
}

impl FromRow for Node {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parsed("id")?,
            name: row.get("name")?,
            version: row.get("version")?,
            seen_at: row.get("seen_at")?,
        })
    }
}

/// A heartbeat; the first one announces the node.
pub async fn beat(tx: &mut Tx, id: NodeId, name: &str, version: &str, now: Timestamp) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "INSERT INTO node (id, name, version, started_at, seen_at) VALUES ($1, $2, $3, $4, $4)
             ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at"
        ),
        args![&id.to_string(), name, version, now],
    )
    .await?;
    Ok(())
}

/// The node has stopped and follows the feed no more.
pub async fn stopped(tx: &mut Tx, id: NodeId, now: Timestamp) -> Result<(), DbError> {
    tx.execute(sql!("UPDATE node SET stopped_at = $2 WHERE id = $1"), args![&id.to_string(), now]).await?;
    Ok(())
}

/// The nodes whose last heartbeat is later than `since`.
pub async fn alive(conn: &mut Conn, since: Timestamp) -> Result<Vec<Node>, DbError> {
    conn.all(
        sql!("SELECT id, name, version, seen_at FROM node WHERE seen_at > $1 AND stopped_at IS NULL ORDER BY name, id"),
        args![since],
    )
    .await
}

/// What the database's own clock says, as its engine writes it, in UTC. For comparing clocks only: rows take their
/// times from the process that writes them.
pub async fn clock(conn: &mut Conn) -> Result<String, DbError> {
    conn.one(sql!("SELECT CAST(CURRENT_TIMESTAMP AS TEXT) AS value"), args![]).await
}
