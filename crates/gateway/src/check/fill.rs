//! From rows to what a check reads in memory: all of them at the start, and one after the other as the feed names them.

use std::collections::HashMap;
use std::sync::Arc;

use cardea_model::Timestamp;
use cardea_model::catalogue::ServiceIndex;
use cardea_model::id::{AccountId, KeyId, OrgId};
use cardea_model::key::{GrantSpec, KeyGrants, KeyState};
use cardea_store::db::{Conn, DbError};
use cardea_store::secret::{self, Resident};
use cardea_store::{account, client, entitlement, key_policy};
use cardea_tokens::format::Kid;
use cardea_tokens::pepper::Mac;

use crate::app::App;
use crate::declare::stored_client;
use crate::memory::{AppEntry, ClientEntry, HolderEntry, KeyEntry, Memory, NEVER, Org};

/// A key's entry. Nothing if its row cannot be read: such a key is refused as unknown.
pub(super) fn entry(app: &App, memory: &Memory, row: &Resident, holder: Arc<HolderEntry>) -> Option<KeyEntry> {
    let state = KeyState::parse(&row.state)?;
    // What has ended is kept only to be told from a forgery; what it could do once is not.
    let ended = matches!(state, KeyState::Revoked | KeyState::Deleted);
    let grants = if ended { "[]" } else { &row.grants };
    let parse = || {
        let specs: Vec<GrantSpec> = serde_json::from_str(grants).ok()?;
        Some(KeyGrants::load(&specs, &app.catalogue))
    };
    KeyEntry::new(row, memory.share_grants(grants, parse)?, holder)
}

/// Who holds the key: a member, or for a service key the org.
pub(super) fn holder(memory: &Memory, row: &Resident) -> Arc<HolderEntry> {
    row.member.map_or_else(|| memory.holder(row.org), |member| memory.member(member))
}

/// Keeps rows of keys that were changed by this node or read because the feed names them.
pub(crate) fn keep_keys(app: &App, memory: &Memory, rows: &[Resident]) {
    for row in rows {
        let Some(kid) = Kid::parse(&row.kid) else { continue };
        match entry(app, memory, row, holder(memory, row)) {
            Some(entry) => memory.keep_key(kid, entry),
            // A newer release may have written what this one cannot read: then the old entry must not answer on.
            None => memory.forget_key(kid),
        }
    }
}

/// Reads one key anew, by its id; returns it and who holds it.
pub(crate) async fn reload_key(app: &App, id: &str) -> Result<Option<(KeyId, Arc<HolderEntry>)>, DbError> {
    let rows = secret::residents_of(&mut app.db.read_reserved().await?, id).await?;
    let memory = app.memory();
    keep_keys(app, &memory, &rows);
    Ok(rows.first().map(|row| (row.id, holder(&memory, row))))
}

/// Reads what one org has anew, by its id; returns its account and its name.
pub(crate) async fn reload_org(app: &App, id: &str) -> Result<Option<(AccountId, Arc<str>)>, DbError> {
    let mut conn = app.db.read_reserved().await?;
    let Some(row) = account::of_org(&mut conn, id).await? else { return Ok(None) };
    let Some((id, facts)) = read_org(app, &mut conn, row.id, app.clock.now()).await? else { return Ok(None) };
    let name = Arc::clone(&facts.name);
    app.memory().keep_org(id, facts);
    Ok(Some((row.id, name)))
}

/// What an org has at this moment, and for how long nothing of that ends by itself.
pub(super) async fn read_org(
    app: &App,
    conn: &mut Conn,
    id: AccountId,
    now: Timestamp,
) -> Result<Option<(OrgId, Org)>, DbError> {
    let Some(row) = account::find(conn, id).await? else { return Ok(None) };
    let mut given = entitlement::of(conn, row.org).await?;
    given.retain(|entitlement| entitlement.is_in_force(now));
    let enabled = app.catalogue.services_named(given.iter().map(|entitlement| entitlement.service.as_str()));
    let ends_at = given.iter().filter_map(|entitlement| entitlement.ends_at).min().unwrap_or(NEVER);
    let legacy = key_policy::of(conn, row.org).await?.legacy;
    Ok(Some((row.org, Org { name: row.org_name.into(), enabled, legacy, version: row.rules.version, ends_at })))
}

/// A client's entry. Nothing if its row cannot be read: such a client is refused as unknown.
pub(crate) fn client_entry(app: &App, row: client::Client) -> Option<ClientEntry> {
    let declared = stored_client(&row).ok()?;
    Some(ClientEntry {
        id: row.id,
        account: row.account,
        // One whose secret cannot be read is not one without.
        mac: match row.mac.as_deref() {
            Some(bytes) => Some(Mac::from_bytes(bytes)?),
            None => None,
        },
        resource_server: row.resource_server,
        app: match row.app {
            None => None,
            Some(state) => {
                let old = state.old.and_then(|(mac, until)| Some((Mac::from_bytes(&mac)?, until)));
                Some(AppEntry { enabled: state.enabled, old })
            }
        },
        services: app.catalogue.services_named(declared.services.iter().map(String::as_str)),
        declared,
    })
}

pub(super) async fn read_client(app: &App, client_id: &str) -> Result<Option<Arc<ClientEntry>>, DbError> {
    let row = client::find(&mut app.db.read().await?, client_id).await?;
    Ok(row.and_then(|row| client_entry(app, row)).map(Arc::new))
}

/// The clients that run the service, by name, the operator's last.
pub(crate) async fn clients_of(app: &App, service: ServiceIndex) -> Result<Vec<Arc<ClientEntry>>, DbError> {
    let rows = client::all(&mut app.db.read().await?).await?;
    let entries = rows.into_iter().filter_map(|row| client_entry(app, row));
    let mut clients: Vec<_> = entries.filter(|entry| entry.services.has(service)).map(Arc::new).collect();
    clients.sort_by(|a, b| {
        let order = |entry: &ClientEntry| (entry.account.is_none(), entry.declared.client_id.clone());
        order(a).cmp(&order(b))
    });
    Ok(clients)
}

/// Reads all clients anew.
pub(crate) async fn fill_clients(app: &App, memory: &Memory) -> Result<(), DbError> {
    let rows = client::all(&mut app.db.read_reserved().await?).await?;
    let entries = rows.into_iter().filter_map(|row| client_entry(app, row));
    let clients = entries.map(|entry| (entry.declared.client_id.clone(), Arc::new(entry)));
    memory.keep_clients(clients.collect::<HashMap<_, _>>());
    Ok(())
}

const PAGE: i64 = 2000;

/// Fills a memory: clients, and every key that has not ended. Members' roles are read when they are first asked for.
pub(crate) async fn fill(app: &App, memory: &Memory) -> Result<(), DbError> {
    fill_clients(app, memory).await?;
    let mut conn = app.db.read_reserved().await?;
    let (mut last, now) = (String::new(), app.clock.now());
    loop {
        let rows = secret::residents_after(&mut conn, &last, now, PAGE).await?;
        let Some(end) = rows.last() else { return Ok(()) };
        last.clone_from(&end.kid);
        keep_keys(app, memory, &rows);
    }
}
