//! Jobs: work that follows a commit, written in the transaction that causes it. Each is idempotent.

use cardea_model::Timestamp;
use cardea_model::id::JobId;

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// A piece of work.
#[derive(Clone, Debug)]
pub struct Job {
    /// The job.
    pub id: JobId,
    /// Its kind, such as `receipt.list`.
    pub kind: String,
    /// What it is about: an id.
    pub subject: String,
    /// How often it has failed.
    pub attempts: i64,
}

impl FromRow for Job {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parsed("id")?,
            kind: row.get("kind")?,
            subject: row.get("subject")?,
            attempts: row.get("attempts")?,
        })
    }
}

/// Writes a job, due at `run_at`.
pub async fn add(tx: &mut Tx, id: JobId, kind: &str, subject: &str, run_at: Timestamp) -> Result<(), DbError> {
    tx.execute(
        sql!("INSERT INTO job (id, kind, subject, run_at) VALUES ($1, $2, $3, $4)"),
        args![&id.to_string(), kind, subject, run_at],
    )
    .await?;
    Ok(())
}

/// At the most `limit` jobs that are due, oldest first.
pub async fn due(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<Job>, DbError> {
    conn.all(
        sql!("SELECT id, kind, subject, attempts FROM job WHERE run_at <= $1 ORDER BY run_at, id LIMIT $2"),
        args![now, limit],
    )
    .await
}

/// Takes the job away, in the transaction that did it; `false` if another node has done it meanwhile.
pub async fn done(tx: &mut Tx, id: JobId) -> Result<bool, DbError> {
    Ok(tx.execute(sql!("DELETE FROM job WHERE id = $1"), args![&id.to_string()]).await? == 1)
}

/// The job failed; it is tried again at `run_at`.
pub async fn failed(tx: &mut Tx, id: JobId, error: &str, run_at: Timestamp) -> Result<(), DbError> {
    tx.execute(
        sql!("UPDATE job SET attempts = attempts + 1, error = $2, run_at = $3 WHERE id = $1"),
        args![&id.to_string(), error, run_at],
    )
    .await?;
    Ok(())
}

/// How many jobs there are.
pub async fn count(conn: &mut Conn) -> Result<i64, DbError> {
    conn.one(sql!("SELECT COUNT(*) AS value FROM job"), args![]).await
}
