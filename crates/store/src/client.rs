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
    /// What an app has besides; none for a declared client.
    pub app: Option<AppState>,
}

/// What a client has that an account has made.
#[derive(Clone, Debug)]
pub struct AppState {
    /// Whether anything of it works.
    pub enabled: bool,
    /// HMAC of the secret before the current one, and until when that works.
    pub old: Option<(Vec<u8>, Timestamp)>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How every statement begins that reads a [`Client`].
macro_rules! select_clients {
    () => {
        "SELECT id, account_id, client_id, name, mac, resource_server, services, document, app, enabled, old_mac, old_until,
                created_at
         FROM client"
    };
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
            app: if row.get("app")? {
                let (old, until): (Option<Vec<u8>>, Option<Timestamp>) = (row.get("old_mac")?, row.get("old_until")?);
                let (enabled, created_at) = (row.get("enabled")?, row.get("created_at")?);
                Some(AppState { enabled, old: old.zip(until), created_at })
            } else {
                None
            },
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

/// Takes the secret of a client away, which authenticates otherwise from now on.
pub async fn forget_secret(tx: &mut Tx, client_id: &str) -> Result<(), DbError> {
    tx.execute(sql!("UPDATE client SET mac = NULL WHERE client_id = $1"), args![client_id]).await?;
    Ok(())
}

/// Inserts an app; `Conflict` means that the name it authenticates with is taken.
pub async fn add_app(tx: &mut Tx, app: &Client, now: Timestamp) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "INSERT INTO client (id, account_id, client_id, name, mac, resource_server, services, document, created_at, app)
             VALUES ($1, $2, $3, $4, $5, FALSE, $6, $7, $8, TRUE)"
        ),
        args![
            &app.id.to_string(),
            app.account.map(|id| id.to_string()).as_deref(),
            &app.client_id,
            &app.name,
            app.mac.as_deref(),
            &app.services,
            &app.document,
            now
        ],
    )
    .await?;
    Ok(())
}

/// Switches an app on or off.
pub async fn set_enabled(tx: &mut Tx, id: ClientId, enabled: bool) -> Result<(), DbError> {
    tx.execute(
        sql!("UPDATE client SET enabled = $2, version = version + 1 WHERE id = $1 AND app = TRUE"),
        args![&id.to_string(), enabled],
    )
    .await?;
    Ok(())
}

/// Gives an app another secret; the old one works until then, if any does.
pub async fn set_mac(tx: &mut Tx, id: ClientId, mac: &[u8], old: Option<(&[u8], Timestamp)>) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "UPDATE client SET mac = $2, old_mac = $3, old_until = $4, version = version + 1
             WHERE id = $1 AND app = TRUE"
        ),
        args![&id.to_string(), mac, old.map(|(mac, _)| mac), old.map(|(_, until)| until)],
    )
    .await?;
    Ok(())
}

/// The client with this name.
pub async fn find(conn: &mut Conn, client_id: &str) -> Result<Option<Client>, DbError> {
    conn.optional(sql!(select_clients!(), " WHERE client_id = $1"), args![client_id]).await
}

/// The client of this row.
pub async fn with_id(conn: &mut Conn, id: ClientId) -> Result<Option<Client>, DbError> {
    conn.optional(sql!(select_clients!(), " WHERE id = $1"), args![&id.to_string()]).await
}

/// The declared clients of an account, or the operator's own, by name.
pub async fn of_account(conn: &mut Conn, account: Option<AccountId>) -> Result<Vec<Client>, DbError> {
    let account = account.map(|id| id.to_string()).unwrap_or_default();
    conn.all(
        sql!(select_clients!(), " WHERE COALESCE(account_id, '') = $1 AND app = FALSE ORDER BY client_id"),
        args![&account],
    )
    .await
}

/// The apps of an account, the oldest first.
pub async fn apps(conn: &mut Conn, account: AccountId) -> Result<Vec<Client>, DbError> {
    conn.all(
        sql!(select_clients!(), " WHERE account_id = $1 AND app = TRUE ORDER BY created_at, id"),
        args![&account.to_string()],
    )
    .await
}

/// Every client, by name.
pub async fn all(conn: &mut Conn) -> Result<Vec<Client>, DbError> {
    conn.all(sql!(select_clients!(), " ORDER BY client_id"), args![]).await
}
