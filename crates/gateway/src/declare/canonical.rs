//! The one form of each thing: defaults written out, sets sorted, addresses normalised. What is compared, stored and
//! exported is always this form, so that equal meanings are equal texts.

use cardea_model::entitlement::Entitlement;
use cardea_model::name::domain;
use cardea_store::client::Client as ClientRow;
use cardea_store::connection::Connection as ConnectionRow;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::DeclareError;
use crate::state::{Account, Client, Connection, Org, Protocol, Signal, Stage};

/// What the account would be: the document's sections, and for those that it leaves out the standing ones.
pub(super) fn merged(declared: &Account, before: &Account) -> Account {
    let org = match (&declared.org, &before.org) {
        (Some(new), Some(old)) => Some(Org {
            name: new.name.clone(),
            kind: new.kind,
            services: new.services.as_ref().map(|list| entitlements(list)).or_else(|| old.services.clone()),
            teams: new.teams.clone().or_else(|| old.teams.clone()),
            keys: new.keys.or(old.keys),
        }),
        (new, old) => new.clone().or_else(|| old.clone()),
    };
    Account {
        name: declared.name.clone(),
        owner: declared.owner.clone().or_else(|| before.owner.clone()),
        description: declared.description.clone().or_else(|| before.description.clone()),
        recovery_email: declared.recovery_email.clone().or_else(|| before.recovery_email.clone()),
        org,
        connections: connections(declared, before),
        directories: declared.directories.clone().or_else(|| before.directories.clone()),
        signals: declared.signals.clone().or_else(|| before.signals.clone()),
        rules: declared.rules.clone().or_else(|| before.rules.clone()),
        rules_state: declared.rules_state.or(before.rules_state),
        rules_in_force: declared.rules_in_force.clone(),
        users: declared.users.clone(),
        invitations: declared.invitations.clone(),
        clients: declared.clients.as_ref().map(|list| clients(list)).or_else(|| before.clients.clone()),
    }
}

/// The document's connections, and after them those that it leaves out: they stay, suspended and without domains.
fn connections(declared: &Account, before: &Account) -> Option<Vec<Connection>> {
    let Some(list) = &declared.connections else { return before.connections.clone() };
    let left_out = before.connections.iter().flatten().filter(|old| !list.iter().any(|new| new.name == old.name));
    let off = left_out.map(|old| Connection { stage: Stage::Off, domains: Vec::new(), ..old.clone() });
    Some(list.iter().map(connection).chain(off).collect())
}

/// A connection with its defaults. Without the protocol's needed settings it stays as it is; the checks have named them.
pub(super) fn connection(written: &Connection) -> Connection {
    let mut connection = written.clone();
    match written.protocol() {
        Some(Protocol::Oidc(oidc)) => {
            connection.token_auth = Some(oidc.token_auth);
            connection.scopes = Some(oidc.scopes);
            connection.subject_claim = Some(oidc.subject_claim);
            if connection.groups.claim.is_none() && connection.groups.pointer.is_none() {
                connection.groups.claim = Some("groups".to_owned());
            }
        }
        Some(Protocol::Saml(saml)) => {
            connection.attributes = Some(saml.attributes);
            connection.idp_initiated = Some(saml.idp_initiated);
        }
        None => {}
    }
    connection.domains = written.domains.iter().filter_map(|text| domain(text)).collect();
    connection.domains.sort();
    connection
}

/// Clients with their services and webhooks sorted.
pub(super) fn clients(list: &[Client]) -> Vec<Client> {
    let mut list = list.to_vec();
    for client in &mut list {
        client.services = sorted(&client.services);
        client.webhooks.iter_mut().for_each(|hooks| hooks.sort_by(|one, other| one.url.cmp(&other.url)));
    }
    list
}

/// Signals in the order of their names.
pub(super) fn signals(list: &[Signal]) -> Vec<Signal> {
    let mut list = list.to_vec();
    list.sort_by(|one, other| one.name.cmp(&other.name));
    list
}

/// Entitlements in the order of their services' names.
pub(super) fn entitlements(list: &[Entitlement]) -> Vec<Entitlement> {
    let mut list = list.to_vec();
    list.sort();
    list
}

pub(super) fn sorted(list: &[String]) -> Vec<String> {
    let mut list = list.to_vec();
    list.sort();
    list.dedup();
    list
}

/// The keys of a connection that have columns or rows of their own.
const CONNECTION_COLUMNS: [&str; 3] = ["stage", "domains", "client_secret"];
/// The keys of a client that have columns or rows of their own.
const CLIENT_COLUMNS: [&str; 6] = ["client_id", "name", "secret", "resource_server", "services", "webhooks"];

/// The settings of a connection as they are stored.
pub(super) fn connection_settings(connection: &Connection) -> Result<String, DeclareError> {
    Ok(without(json(connection)?, &CONNECTION_COLUMNS).to_string())
}

/// A stored connection, without its secret.
pub(super) fn stored_connection(row: &ConnectionRow, domains: &[String]) -> Result<Connection, DeclareError> {
    let settings: Connection = read(&row.settings, "connection")?;
    let stage = serde_json::from_value(Value::String(row.stage.clone()));
    let stage = stage.map_err(|_| DeclareError::Corrupt("stage"))?;
    Ok(connection(&Connection { stage, domains: domains.to_vec(), client_secret: None, ..settings }))
}

/// What a client says beyond its columns, as it is stored.
pub(super) fn client_document(client: &Client) -> Result<String, DeclareError> {
    Ok(without(json(client)?, &CLIENT_COLUMNS).to_string())
}

/// A stored client, without its secret and webhooks.
pub(crate) fn stored_client(row: &ClientRow) -> Result<Client, DeclareError> {
    let services: Vec<String> = read(&row.services, "client")?;
    let mut document: Value = read(&row.document, "client")?;
    let fields = document.as_object_mut().ok_or(DeclareError::Corrupt("client"))?;
    fields.insert("client_id".to_owned(), row.client_id.clone().into());
    fields.insert("name".to_owned(), row.name.clone().into());
    fields.insert("resource_server".to_owned(), row.resource_server.into());
    fields.insert("services".to_owned(), sorted(&services).into());
    serde_json::from_value(document).map_err(|_| DeclareError::Corrupt("client"))
}

/// A value without these keys.
pub(super) fn without(mut value: Value, keys: &[&str]) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|key, _| !keys.contains(&key.as_str()));
    }
    value
}

pub(super) fn json(value: &impl Serialize) -> Result<Value, DeclareError> {
    serde_json::to_value(value).map_err(|_| DeclareError::Corrupt("document"))
}

pub(super) fn read<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T, DeclareError> {
    serde_json::from_str(text).map_err(|_| DeclareError::Corrupt(what))
}
