//! Connections, the domains that are theirs, their directory tokens and their rules.

use cardea_model::Timestamp;
use cardea_model::id::{AccountId, ConnectionId, DirectoryTokenId, OrgId, RuleId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// An identity provider of an account.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The connection.
    pub id: ConnectionId,
    /// The account.
    pub account: AccountId,
    /// Unique in the instance; stands in URLs.
    pub name: String,
    /// `oidc` or `saml`.
    pub kind: String,
    /// `draft`, `tested`, `live` or `off`.
    pub stage: String,
    /// The rest of its declaration without secrets, as JSON.
    pub settings: String,
    /// Its client secret, sealed.
    pub secret: Option<Vec<u8>>,
    /// When somebody last signed in through it.
    pub last_login_at: Option<Timestamp>,
    /// Raised by each change.
    pub version: i64,
}

impl FromRow for Connection {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parsed("id")?,
            account: row.parsed("account_id")?,
            name: row.get("name")?,
            kind: row.get("kind")?,
            stage: row.get("stage")?,
            settings: row.get("settings")?,
            secret: row.get("secret")?,
            last_login_at: row.get("last_login_at")?,
            version: row.get("version")?,
        })
    }
}

/// A membership rule as it is stored.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The rule.
    pub id: RuleId,
    /// The connection whose groups it reads.
    pub connection: ConnectionId,
    /// Unique in the org.
    pub name: String,
    /// The rule, as JSON.
    pub document: String,
}

impl FromRow for Rule {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parsed("id")?,
            connection: row.parsed("connection_id")?,
            name: row.get("name")?,
            document: row.get("document")?,
        })
    }
}

/// Inserts the connection or brings it up to date; an absent secret leaves the stored one. The account never changes:
/// `false` if the name belongs to another account.
pub async fn put(tx: &mut Tx, connection: &Connection, now: Timestamp) -> Result<bool, DbError> {
    let put = tx
        .execute(
            sql!(
                "INSERT INTO connection (id, account_id, name, kind, stage, settings, secret, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                 ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, stage = excluded.stage,
                     settings = excluded.settings, secret = COALESCE(excluded.secret, connection.secret),
                     version = connection.version + 1
                 WHERE connection.account_id = excluded.account_id"
            ),
            args![
                &connection.id.to_string(),
                &connection.account.to_string(),
                &connection.name,
                &connection.kind,
                &connection.stage,
                &connection.settings,
                connection.secret.as_deref(),
                now
            ],
        )
        .await?;
    Ok(put == 1)
}

/// Notes who says the groups of its people: `claims`, `scim` or `scim_then_claims`. `false`: it was so already.
pub async fn set_groups_from(tx: &mut Tx, id: ConnectionId, from: &str) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            sql!("UPDATE connection SET groups_from = $2 WHERE id = $1 AND groups_from <> $2"),
            args![&id.to_string(), from],
        )
        .await?;
    Ok(changed == 1)
}

/// The connection with this name.
pub async fn named(conn: &mut Conn, name: &str) -> Result<Option<Connection>, DbError> {
    conn.optional(
        sql!(
            "SELECT id, account_id, name, kind, stage, settings, secret, last_login_at, version FROM connection
             WHERE name = $1"
        ),
        args![name],
    )
    .await
}

/// The connection with this id.
pub async fn find(conn: &mut Conn, id: ConnectionId) -> Result<Option<Connection>, DbError> {
    conn.optional(
        sql!(
            "SELECT id, account_id, name, kind, stage, settings, secret, last_login_at, version FROM connection
             WHERE id = $1"
        ),
        args![&id.to_string()],
    )
    .await
}

/// The stage of the connection with this id.
pub async fn stage(conn: &mut Conn, id: ConnectionId) -> Result<Option<String>, DbError> {
    conn.optional(sql!("SELECT stage FROM connection WHERE id = $1"), args![&id.to_string()]).await
}

/// The connections of an account, by name.
pub async fn of_account(conn: &mut Conn, account: AccountId) -> Result<Vec<Connection>, DbError> {
    conn.all(
        sql!(
            "SELECT id, account_id, name, kind, stage, settings, secret, last_login_at, version FROM connection
             WHERE account_id = $1 ORDER BY name"
        ),
        args![&account.to_string()],
    )
    .await
}

/// Writes the row without changing what it says: holds off whoever else is about to create a person of this connection,
/// until the commit. No member who was there before may be locked after it.
pub async fn lock(tx: &mut Tx, id: ConnectionId) -> Result<bool, DbError> {
    let locked = tx
        .execute(sql!("UPDATE connection SET last_login_at = last_login_at WHERE id = $1"), args![&id.to_string()])
        .await?;
    Ok(locked == 1)
}

/// Notes a sign-in through the connection.
pub async fn signed_in(tx: &mut Tx, id: ConnectionId, now: Timestamp) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "UPDATE connection SET last_login_at = $2 WHERE id = $1 AND (last_login_at IS NULL OR last_login_at < $2)"
        ),
        args![&id.to_string(), now],
    )
    .await?;
    Ok(())
}

/// The connection to which this domain belongs.
pub async fn of_domain(conn: &mut Conn, domain: &str) -> Result<Option<Connection>, DbError> {
    conn.optional(
        sql!(
            "SELECT c.id, c.account_id, c.name, c.kind, c.stage, c.settings, c.secret, c.last_login_at, c.version
             FROM connection c JOIN domain d ON d.connection_id = c.id WHERE d.name = $1"
        ),
        args![domain],
    )
    .await
}

/// The domains of a connection, by name.
pub async fn domains(conn: &mut Conn, id: ConnectionId) -> Result<Vec<String>, DbError> {
    conn.all(sql!("SELECT name FROM domain WHERE connection_id = $1 ORDER BY name"), args![&id.to_string()]).await
}

/// Gives a domain to a connection; `Conflict` means that it is another's.
pub async fn add_domain(tx: &mut Tx, id: ConnectionId, domain: &str, now: Timestamp) -> Result<(), DbError> {
    tx.execute(
        sql!("INSERT INTO domain (name, connection_id, verified_at) VALUES ($1, $2, $3)"),
        args![domain, &id.to_string(), now],
    )
    .await?;
    Ok(())
}

/// Takes a domain from a connection.
pub async fn remove_domain(tx: &mut Tx, id: ConnectionId, domain: &str) -> Result<bool, DbError> {
    let removed = tx
        .execute(sql!("DELETE FROM domain WHERE connection_id = $1 AND name = $2"), args![&id.to_string(), domain])
        .await?;
    Ok(removed == 1)
}

/// The connection whose directory has a token with this MAC.
pub async fn of_directory_token(conn: &mut Conn, mac: &[u8]) -> Result<Option<Connection>, DbError> {
    conn.optional(
        sql!(
            "SELECT c.id, c.account_id, c.name, c.kind, c.stage, c.settings, c.secret, c.last_login_at, c.version
             FROM connection c JOIN directory_token t ON t.connection_id = c.id WHERE t.mac = $1"
        ),
        args![mac],
    )
    .await
}

/// Inserts or replaces the directory token of this name; `Conflict` means that the secret is another's.
pub async fn put_directory_token(
    tx: &mut Tx,
    id: DirectoryTokenId,
    connection: ConnectionId,
    name: &str,
    mac: &[u8],
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "INSERT INTO directory_token (id, connection_id, name, mac, created_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (connection_id, name) DO UPDATE SET mac = excluded.mac"
        ),
        args![&id.to_string(), &connection.to_string(), name, mac, now],
    )
    .await?;
    Ok(())
}

/// The names of the directory tokens of a connection.
pub async fn directory_tokens(conn: &mut Conn, id: ConnectionId) -> Result<Vec<String>, DbError> {
    conn.all(sql!("SELECT name FROM directory_token WHERE connection_id = $1 ORDER BY name"), args![&id.to_string()])
        .await
}

/// The MACs of the directory tokens of a connection, each with its token's name.
pub async fn directory_token_macs(conn: &mut Conn, id: ConnectionId) -> Result<Vec<(String, Vec<u8>)>, DbError> {
    struct Token((String, Vec<u8>));
    impl FromRow for Token {
        fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
            Ok(Self((row.get("name")?, row.get("mac")?)))
        }
    }
    let tokens: Vec<Token> = conn
        .all(
            sql!("SELECT name, mac FROM directory_token WHERE connection_id = $1 ORDER BY name"),
            args![&id.to_string()],
        )
        .await?;
    Ok(tokens.into_iter().map(|Token(token)| token).collect())
}

/// Ends a directory token.
pub async fn remove_directory_token(tx: &mut Tx, connection: ConnectionId, name: &str) -> Result<bool, DbError> {
    let removed = tx
        .execute(
            sql!("DELETE FROM directory_token WHERE connection_id = $1 AND name = $2"),
            args![&connection.to_string(), name],
        )
        .await?;
    Ok(removed == 1)
}

/// The rules of an org in their order.
pub async fn rules(conn: &mut Conn, org: OrgId) -> Result<Vec<Rule>, DbError> {
    conn.all(
        sql!("SELECT id, connection_id, name, document FROM rule WHERE org_id = $1 ORDER BY position, name"),
        args![&org.to_string()],
    )
    .await
}

/// What the rules say that read this connection's groups and name a claim.
pub async fn documents_with_claims(
    conn: &mut Conn,
    org: OrgId,
    connection: ConnectionId,
) -> Result<Vec<String>, DbError> {
    conn.all(
        sql!(
            "SELECT document FROM rule WHERE org_id = $1 AND connection_id = $2 AND document LIKE '%\"claim\":%'
             ORDER BY position, name"
        ),
        args![&org.to_string(), &connection.to_string()],
    )
    .await
}

/// Inserts a rule or brings the one with its id up to date, its name too; `Conflict` means that the name is another's.
pub async fn put_rule(tx: &mut Tx, org: OrgId, rule: &Rule, position: i64) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "INSERT INTO rule (id, org_id, connection_id, name, position, document) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO UPDATE SET connection_id = excluded.connection_id, name = excluded.name,
                 position = excluded.position, document = excluded.document"
        ),
        args![
            &rule.id.to_string(),
            &org.to_string(),
            &rule.connection.to_string(),
            &rule.name,
            position,
            &rule.document
        ],
    )
    .await?;
    Ok(())
}

/// Removes a rule.
pub async fn remove_rule(tx: &mut Tx, org: OrgId, name: &str) -> Result<bool, DbError> {
    let removed =
        tx.execute(sql!("DELETE FROM rule WHERE org_id = $1 AND name = $2"), args![&org.to_string(), name]).await?;
    Ok(removed == 1)
}
