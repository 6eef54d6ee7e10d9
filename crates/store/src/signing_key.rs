//! The key pairs that sign tokens. The private halves are sealed.

use cardea_model::Timestamp;

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// A key pair.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// Its thumbprint (RFC 7638).
    pub kid: String,
    /// Its algorithm, as RFC 7518 §3.1 names it.
    pub algorithm: String,
    /// `next`, `current` or `retired`.
    pub state: String,
    /// The pair, sealed.
    pub sealed: Vec<u8>,
    /// When that state began.
    pub since: Timestamp,
}

impl FromRow for SigningKey {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            kid: row.get("kid")?,
            algorithm: row.get("algorithm")?,
            state: row.get("state")?,
            sealed: row.get("sealed")?,
            since: row.get("since")?,
        })
    }
}

/// Holds off whoever else would turn the keys, until the commit.
pub async fn lock(tx: &mut Tx) -> Result<(), DbError> {
    tx.execute(sql!("UPDATE counter SET value = value + 1 WHERE name = 'signing_key'"), args![]).await?;
    Ok(())
}

/// Every key pair, in the order in which their states began.
pub async fn all(conn: &mut Conn) -> Result<Vec<SigningKey>, DbError> {
    conn.all(sql!("SELECT kid, algorithm, state, sealed, since FROM signing_key ORDER BY since, kid"), args![]).await
}

/// A new key pair.
pub async fn add(tx: &mut Tx, key: &SigningKey) -> Result<(), DbError> {
    tx.execute(
        sql!("INSERT INTO signing_key (kid, algorithm, state, sealed, since) VALUES ($1, $2, $3, $4, $5)"),
        args![&key.kid, &key.algorithm, &key.state, key.sealed.as_slice(), key.since],
    )
    .await?;
    Ok(())
}

/// The next state of a key pair.
pub async fn advance(tx: &mut Tx, kid: &str, state: &str, now: Timestamp) -> Result<(), DbError> {
    tx.execute(sql!("UPDATE signing_key SET state = $2, since = $3 WHERE kid = $1"), args![kid, state, now]).await?;
    Ok(())
}

/// Forgets a key pair.
pub async fn remove(tx: &mut Tx, kid: &str) -> Result<(), DbError> {
    tx.execute(sql!("DELETE FROM signing_key WHERE kid = $1"), args![kid]).await?;
    Ok(())
}
