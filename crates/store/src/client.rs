//! Clients: the services behind the gateway.

use cardea_model::Timestamp;
use cardea_model::id::{AccountId, ClientId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// A client.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its row.
    pub id: ClientId,
    /// The account whose people and keys it sees; none for the operator's own, which serve every org.
    pub account: Option<AccountId>,
    /// The name it authenticates with.
    pub client_id: String,
    /// For people.
    pub name: String,
    /// HMAC of its secret; none for a public client.
    pub mac: Option<Vec<u8>>,
    /// Whether it may check keys.
    pub resource_server: bool,
    /// The services it stands for, as a JSON list.
    pub services: String,
    /// The rest of its declaration, as JSON.
    pub document: String,
}

impl FromRow for Client {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let account: Option<String> = row.get("account_id")?;
        Ok(Self {
            id: row.parsed("id")?,
            account: account.and_then(|text| text.parse().ok()),
            client_id: row.get("client_id")?,
            name: row.get("name")?,
            mac: row.get("mac")?,
            resource_server: row.get("resource_server")?,
            services: row.get("services")?,
            document: row.get("document")?,
        })
    }
}

/// Inserts the client or brings it up to date; an absent `mac` leaves the stored one.
pub async fn put(tx: &mut Tx, client: &Client, now: Timestamp) -> Result<(), DbError> {
    let account = client.account.map(|id| id.to_string());
    tx.execute(
        sql!(
            "INSERT INTO client (id, account_id, client_id, name, mac, resource_server, services, document, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (client_id) DO UPDATE SET name = excluded.name, mac = COALESCE(excluded.mac, client.mac),
                 resource_server = excluded.resource_server, services = excluded.services,
                 document = excluded.document, version = client.version + 1"
        ),
        args![
            &client.id.to_string(),
            account.as_deref(),
            &client.client_id,
            &client.name,
            client.mac.as_deref(),
            client.resource_server,
            &client.services,
            &client.document,
            now
        ],
    )
    .await?;
    Ok(())
}

/// Deletes the client.
pub async fn remove(tx: &mut Tx, client_id: &str) -> Result<bool, DbError> {
    Ok(tx.execute(sql!("DELETE FROM client WHERE client_id = $1"), args![client_id]).await? == 1)
}

/// The client with this name.
pub async fn find(conn: &mut Conn, client_id: &str) -> Result<Option<Client>, DbError> {
    conn.optional(
        sql!(
            "SELECT id, account_id, client_id, name, mac, resource_server, services, document FROM client
             WHERE client_id = $1"
        ),
        args![client_id],
    )
    .await
}

/// The client of this row.
pub async fn with_id(conn: &mut Conn, id: ClientId) -> Result<Option<Client>, DbError> {
    conn.optional(
        sql!(
            "SELECT id, account_id, client_id, name, mac, resource_server, services, document FROM client WHERE id = $1"
        ),
        args![&id.to_string()],
    )
    .await
}

/// The clients of an account, or the operator's own, by name.
pub async fn of_account(conn: &mut Conn, account: Option<AccountId>) -> Result<Vec<Client>, DbError> {
    let account = account.map(|id| id.to_string()).unwrap_or_default();
    conn.all(
        sql!(
            "SELECT id, account_id, client_id, name, mac, resource_server, services, document FROM client
             WHERE COALESCE(account_id, '') = $1 ORDER BY client_id"
        ),
        args![&account],
    )
    .await
}

/// Every client, by name.
pub async fn all(conn: &mut Conn) -> Result<Vec<Client>, DbError> {
    conn.all(
        sql!(
            "SELECT id, account_id, client_id, name, mac, resource_server, services, document FROM client
             ORDER BY client_id"
        ),
        args![],
    )
    .await
}
