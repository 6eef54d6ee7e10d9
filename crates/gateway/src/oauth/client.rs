//! Who asks: a client that has proven itself, or a public one that has nothing to prove itself with.

use std::sync::Arc;

use cardea_model::id::ClientId;
use cardea_store::client as rows;
use cardea_store::db::{Conn, DbError};

use super::OAuthError;
use crate::app::App;
use crate::check::{self, CheckError};
use crate::error::GatewayError;
use crate::memory::ClientEntry;
use crate::state::GrantType;

/// A client whose credentials were checked.
#[derive(Clone)]
pub struct Client(pub(super) Arc<ClientEntry>);

/// What a client proves itself with.
#[derive(Clone, Copy)]
pub enum Proof<'a> {
    /// Its secret.
    Secret(&'a str),
    /// Nothing: only a client without a secret may.
    Nothing,
}

impl Client {
    /// Its row.
    #[must_use]
    pub fn id(&self) -> ClientId {
        self.0.id
    }

    /// The name it authenticates with.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.0.declared.client_id
    }

    /// Whether it proved itself with a secret.
    pub(super) fn is_confidential(&self) -> bool {
        self.0.mac.is_some()
    }

    pub(super) fn may(&self, grant: GrantType) -> Result<(), OAuthError> {
        if self.0.declared.grants.contains(&grant) { Ok(()) } else { Err(OAuthError::NotGranted) }
    }

    /// Whether tokens of this audience are for it. What is for the gateway is for every service behind it.
    pub(super) fn answers_for(&self, app: &App, audience: &str) -> bool {
        let own = audience == self.client_id() || self.0.declared.resources.iter().any(|known| known == audience);
        own || audience == app.settings.public_url
    }
}

/// Makes out the client that asks.
///
/// # Errors
/// [`OAuthError::Client`] for whatever does not fit, and the database's.
pub async fn authenticate(app: &App, client_id: &str, proof: Proof<'_>) -> Result<Client, OAuthError> {
    match proof {
        Proof::Secret(secret) => match check::prove_client(app, client_id, secret).await {
            Ok(entry) => Ok(Client(entry)),
            Err(CheckError::Unavailable(error)) => Err(error.into()),
            Err(CheckError::Client | CheckError::NotAResourceServer) => Err(OAuthError::Client),
        },
        Proof::Nothing => {
            let entry = check::known_client(app, client_id).await?;
            entry.filter(|entry| entry.mac.is_none()).map(Client).ok_or(OAuthError::Client)
        }
    }
}

/// The client of this row, if it is still there.
pub(super) async fn with_id(app: &App, conn: &mut Conn, id: ClientId) -> Result<Option<Client>, DbError> {
    let row = rows::with_id(conn, id).await?;
    Ok(row.and_then(|row| check::client_entry(app, row)).map(|entry| Client(Arc::new(entry))))
}

/// Whom access tokens are for (RFC 8707 §2): the one resource that was asked for, else the client itself where it is a
/// service, else every service behind the gateway (RFC 9068 §3).
pub(super) async fn audience(app: &App, client: &Client, resource: Option<&str>) -> Result<String, OAuthError> {
    let Some(resource) = resource else {
        let own = if client.0.resource_server { client.client_id() } else { &app.settings.public_url };
        return Ok(own.to_owned());
    };
    if resource == app.settings.public_url {
        return Ok(resource.to_owned());
    }
    let all = rows::all(&mut app.db.read().await.map_err(GatewayError::from)?).await?;
    // The operator's own services are for everybody; those of an account for its own clients and the operator's.
    let seen =
        |row: &rows::Client| row.account.is_none() || client.0.account.is_none_or(|own| row.account == Some(own));
    let mut services = all.into_iter().filter(seen).filter_map(|row| check::client_entry(app, row));
    let known = services.any(|entry| entry.declared.resources.iter().any(|known| known == resource));
    if known { Ok(resource.to_owned()) } else { Err(OAuthError::Target) }
}
