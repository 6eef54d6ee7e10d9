//! What signing in with SAML leaves: our key pairs, assertions that were used, and providers' metadata as it was last good.

use cardea_model::Timestamp;
use cardea_model::id::ConnectionId;

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// A key pair towards identity providers.
#[derive(Clone, Debug)]
pub struct SamlKey {
    /// Its thumbprint (RFC 7638).
    pub id: String,
    /// `signing` or `encryption`.
    pub purpose: String,
    /// `next`, `current` or `retired`.
    pub state: String,
    /// The pair, sealed.
    pub sealed: Vec<u8>,
    /// Its certificate in DER.
    pub certificate: Vec<u8>,
    /// When that state began.
    pub since: Timestamp,
}

impl FromRow for SamlKey {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            purpose: row.get("purpose")?,
            state: row.get("state")?,
            sealed: row.get("sealed")?,
            certificate: row.get("certificate")?,
            since: row.get("since")?,
        })
    }
}

/// Holds off whoever else would make or turn the keys, until the commit.
pub async fn lock_keys(tx: &mut Tx) -> Result<(), DbError> {
    tx.execute(sql!("UPDATE counter SET value = value + 1 WHERE name = 'saml_key'"), args![]).await?;
    Ok(())
}

/// Every key pair, in the order in which their states began.
pub async fn keys(conn: &mut Conn) -> Result<Vec<SamlKey>, DbError> {
    conn.all(sql!("SELECT id, purpose, state, sealed, certificate, since FROM saml_key ORDER BY since, id"), args![])
        .await
}

/// A new key pair.
pub async fn add_key(tx: &mut Tx, key: &SamlKey) -> Result<(), DbError> {
    tx.execute(
        sql!("INSERT INTO saml_key (id, purpose, state, sealed, certificate, since) VALUES ($1, $2, $3, $4, $5, $6)"),
        args![&key.id, &key.purpose, &key.state, key.sealed.as_slice(), key.certificate.as_slice(), key.since],
    )
    .await?;
    Ok(())
}

/// The next state of a key pair.
pub async fn advance_key(tx: &mut Tx, id: &str, state: &str, now: Timestamp) -> Result<(), DbError> {
    tx.execute(sql!("UPDATE saml_key SET state = $2, since = $3 WHERE id = $1"), args![id, state, now]).await?;
    Ok(())
}

/// Forgets a key pair.
pub async fn remove_key(tx: &mut Tx, id: &str) -> Result<(), DbError> {
    tx.execute(sql!("DELETE FROM saml_key WHERE id = $1"), args![id]).await?;
    Ok(())
}

/// Notes an assertion by the hash of its id, for as long as anybody would take it; `false` if it was used before.
pub async fn use_assertion(
    tx: &mut Tx,
    connection: ConnectionId,
    hash: &[u8],
    expires_at: Timestamp,
) -> Result<bool, DbError> {
    let used = tx
        .execute(
            sql!(
                "INSERT INTO assertion (connection_id, assertion_hash, expires_at) VALUES ($1, $2, $3)
                 ON CONFLICT (connection_id, assertion_hash) DO NOTHING"
            ),
            args![&connection.to_string(), hash, expires_at],
        )
        .await?;
    Ok(used == 1)
}

/// Forgets assertions that nobody would take any more.
pub async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(sql!("DELETE FROM assertion WHERE expires_at < $1"), args![now]).await
}

/// What a provider publishes about itself.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// The connection.
    pub connection: ConnectionId,
    /// Where it was read.
    pub url: String,
    /// The document as it was last good.
    pub document: String,
    /// The server's name of this version (RFC 9110 §8.8.3).
    pub etag: Option<String>,
    /// When this document was read.
    pub fetched_at: Timestamp,
    /// When it was looked for last.
    pub checked_at: Timestamp,
    /// Why the last look brought nothing; none if it did.
    pub problem: Option<String>,
}

impl FromRow for Metadata {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            connection: row.parsed("connection_id")?,
            url: row.get("url")?,
            document: row.get("document")?,
            etag: row.get("etag")?,
            fetched_at: row.get("fetched_at")?,
            checked_at: row.get("checked_at")?,
            problem: row.get("problem")?,
        })
    }
}

/// What is kept of a connection's provider.
pub async fn metadata(conn: &mut Conn, connection: ConnectionId) -> Result<Option<Metadata>, DbError> {
    conn.optional(
        sql!(
            "SELECT connection_id, url, document, etag, fetched_at, checked_at, problem FROM provider_metadata
             WHERE connection_id = $1"
        ),
        args![&connection.to_string()],
    )
    .await
}

/// What was looked for last before this.
pub async fn due(conn: &mut Conn, before: Timestamp) -> Result<Vec<Metadata>, DbError> {
    conn.all(
        sql!(
            "SELECT connection_id, url, document, etag, fetched_at, checked_at, problem FROM provider_metadata
             WHERE checked_at <= $1 ORDER BY checked_at, connection_id"
        ),
        args![before],
    )
    .await
}

/// Notes that somebody looks now; `false` if another was faster.
pub async fn claim(
    tx: &mut Tx,
    connection: ConnectionId,
    checked_at: Timestamp,
    now: Timestamp,
) -> Result<bool, DbError> {
    let claimed = tx
        .execute(
            sql!("UPDATE provider_metadata SET checked_at = $3 WHERE connection_id = $1 AND checked_at = $2"),
            args![&connection.to_string(), checked_at, now],
        )
        .await?;
    Ok(claimed == 1)
}

/// Keeps what a provider publishes.
pub async fn put_metadata(tx: &mut Tx, metadata: &Metadata) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "INSERT INTO provider_metadata (connection_id, url, document, etag, fetched_at, checked_at, problem)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (connection_id) DO UPDATE SET url = excluded.url, document = excluded.document,
                 etag = excluded.etag, fetched_at = excluded.fetched_at, checked_at = excluded.checked_at,
                 problem = excluded.problem"
        ),
        args![
            &metadata.connection.to_string(),
            &metadata.url,
            &metadata.document,
            metadata.etag.as_deref(),
            metadata.fetched_at,
            metadata.checked_at,
            metadata.problem.as_deref()
        ],
    )
    .await?;
    Ok(())
}
