//! Who asks: a client that has proven itself, or a public one that has nothing to prove itself with.

use std::sync::Arc;
use std::time::Duration;

use cardea_model::Timestamp;
use cardea_model::id::ClientId;
use cardea_store::account;
use cardea_store::client as rows;
use cardea_store::db::{Conn, DbError};
use cardea_tokens::jose::Algorithm;

use super::{OAuthError, assertion};
use crate::app::App;
use crate::check::{self, CheckError};
use crate::context::Ctx;
use crate::entitlements;
use crate::error::GatewayError;
use crate::memory::ClientEntry;
use crate::state::{GrantType, SigningAlgorithm};
use crate::tries::{network, seconds};

/// A client whose credentials were checked.
#[derive(Clone)]
pub struct Client(pub(super) Arc<ClientEntry>);

/// What a client proves itself with.
#[derive(Clone, Copy)]
pub enum Proof<'a> {
    /// Its secret.
    Secret(&'a str),
    /// What it has signed, for the endpoint of this path; the client may name itself besides.
    Assertion(&'a str, &'a str),
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

    /// Whether it can prove who it is.
    pub(super) fn is_confidential(&self) -> bool {
        self.0.mac.is_some() || self.0.declared.has_keys()
    }

    /// The services that it is for now: of an app, those that the org of its account has.
    pub(super) async fn services(&self, app: &App, now: Timestamp) -> Result<Vec<String>, DbError> {
        let (Some(_), Some(account)) = (&self.0.app, self.0.account) else {
            return Ok(self.0.declared.services.clone());
        };
        let mut conn = app.db.read().await?;
        match account::find(&mut conn, account).await? {
            Some(account) => entitlements::in_force(&mut conn, account.org, now).await,
            None => Ok(Vec::new()),
        }
    }

    /// How what is said to it alone is signed.
    pub(super) fn id_token_algorithm(&self) -> Algorithm {
        match self.0.declared.id_token_alg {
            SigningAlgorithm::Rs256 => Algorithm::Rs256,
            SigningAlgorithm::Es256 => Algorithm::Es256,
        }
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

/// How many wrong secrets of a client one network may send in [`SPAN`].
const MOST_WRONG: u32 = 30;
const SPAN: Duration = Duration::from_secs(300);

/// Makes out the client that asks. Whoever shows an assertion need not say its name.
///
/// # Errors
/// [`OAuthError::Client`] for whatever does not fit, [`OAuthError::TooMany`], and the database's.
pub async fn authenticate(
    app: &App,
    ctx: &Ctx,
    client_id: Option<&str>,
    proof: Proof<'_>,
) -> Result<Client, OAuthError> {
    if let Proof::Assertion(text, path) = proof {
        let entry = assertion::prove(app, ctx, text, path).await?;
        return match client_id {
            Some(id) if id != entry.declared.client_id => Err(OAuthError::Request("two client ids, and not the same")),
            Some(_) | None => Ok(Client(entry)),
        };
    }
    let client_id = client_id.ok_or(OAuthError::Client)?;
    let known = check::known_client(app, client_id).await?.map(Client);
    let Proof::Secret(secret) = proof else {
        return known.filter(|client| !client.is_confidential()).ok_or(OAuthError::Client);
    };
    // Only clients that there are: names that somebody makes up must not fill the table.
    let name = known.map(|_| format!("client {} {client_id}", network(ctx.ip)));
    if let Some(wait) = name.as_ref().and_then(|name| app.tries.wait(name, MOST_WRONG, ctx.now)) {
        return Err(OAuthError::TooMany(seconds(wait)));
    }
    match check::prove_client(app, client_id, secret).await {
        Ok(entry) if entry.is_on() => Ok(Client(entry)),
        Ok(_) => Err(OAuthError::Disabled),
        Err(CheckError::Unavailable(error)) => Err(error.into()),
        Err(CheckError::Client | CheckError::NotAResourceServer) => {
            if let Some(name) = &name {
                app.tries.count(name, SPAN, ctx.now);
            }
            Err(OAuthError::Client)
        }
    }
}

/// The client of this row, if it is still there.
pub(super) async fn with_id(app: &App, conn: &mut Conn, id: ClientId) -> Result<Option<Client>, DbError> {
    let row = rows::with_id(conn, id).await?;
    let entry = row.and_then(|row| check::client_entry(app, row)).filter(|entry| entry.is_on());
    Ok(entry.map(|entry| Client(Arc::new(entry))))
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
