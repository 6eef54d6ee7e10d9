//! Which services an org has, and until when.
//!
//! ```text
//! (none) ─► active ◄─► suspended        by an operator, a declaration, or an activation that somebody claims
//!             └─ its end comes ─► ended   by itself: nobody has to write anything
//! ```
//! What was granted of a service that is suspended or has ended stays stored and gives nothing; the other services work on.
//! A node learns the next end with what the org has, and asks anew when it has come: see [`crate::memory`].

use cardea_model::catalogue::Service;
use cardea_model::entitlement::{Entitlement, State};
use cardea_model::id::OrgId;
use cardea_model::{Denied, Fault, Kind, Permission, Place, Timestamp};
use cardea_store::account::{self, Account};
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::entitlement as rows;
use serde::Serialize;
use serde_json::json;

use crate::accounts::{self, AccountError};
use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::{feed, rules, session};

/// An entitlement as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntitlementView {
    /// The service.
    pub service: String,
    /// Its title; the name, where the catalogue does not know it.
    pub title: String,
    /// Whether it makes an individual org an enterprise.
    pub premium: bool,
    /// `active`, `suspended` or `ended`.
    pub state: &'static str,
    /// When it ends by itself; none for never.
    pub ends_at: Option<Timestamp>,
}

/// Why an entitlement was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EntitlementError {
    /// The account is not there, or not for the caller.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The catalogue has no such service (422).
    #[error("the catalogue has no service `{0}`")]
    NoService(String),
    /// The org does not have this service (404).
    #[error("this org does not have the service `{0}`")]
    NotEntitled(String),
}

impl From<DbError> for EntitlementError {
    fn from(error: DbError) -> Self {
        Self::Account(error.into())
    }
}

impl From<Denied> for EntitlementError {
    fn from(denied: Denied) -> Self {
        Self::Account(denied.into())
    }
}

impl Fault for EntitlementError {
    fn kind(&self) -> Kind {
        match self {
            Self::Account(error) => error.kind(),
            Self::NoService(_) => Kind::Unprocessable,
            Self::NotEntitled(_) => Kind::Missing,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Account(error) => error.code(),
            Self::NoService(_) => "unknown_service",
            Self::NotEntitled(_) => "not_found",
        }
    }
}

/// What the account's org was given, by the services' names.
///
/// # Errors
/// [`EntitlementError`].
pub async fn list(app: &App, ctx: &Ctx, account: &str) -> Result<Vec<EntitlementView>, EntitlementError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    let mut conn = app.db.read().await?;
    let row = accounts::known(&mut conn, account).await?;
    Ok(rows::of(&mut conn, row.org).await?.into_iter().map(|given| view(app, given, ctx.now)).collect())
}

fn view(app: &App, given: Entitlement, now: Timestamp) -> EntitlementView {
    let state = match given.state {
        State::Suspended => "suspended",
        State::Active if given.has_ended(now) => "ended",
        State::Active => "active",
    };
    let title = service(app, &given.service).map_or_else(|| given.service.clone(), |known| known.title.to_string());
    let premium = is_premium(app, &given.service);
    EntitlementView { service: given.service, title, premium, state, ends_at: given.ends_at }
}

/// Gives the account's org a service, or another end or state to one that it has.
///
/// # Errors
/// [`EntitlementError`].
pub async fn put(app: &App, ctx: &Ctx, account: &str, given: Entitlement) -> Result<EntitlementView, EntitlementError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    let (mut tx, ctx) = session::write(app, ctx, None).await?.ok_or(Denied::Unknown)?;
    let row = locked(&mut tx, account).await?;
    // What stands may be held back or ended though the catalogue has lost the service; nothing new is given of it.
    if service(app, &given.service).is_none() && rows::find(&mut tx, row.org, &given.service).await?.is_none() {
        return Err(EntitlementError::NoService(cardea_model::name::excerpt(&given.service)));
    }
    give(app, &mut tx, &ctx, &row, &given).await?;
    rules::tell(app, &mut tx, row.org).await?;
    tx.commit().await?;
    feed::catch_up(app).await?;
    Ok(view(app, given, ctx.now))
}

/// Takes a service from the account's org. What was granted of it stays stored.
///
/// # Errors
/// [`EntitlementError`].
pub async fn remove(app: &App, ctx: &Ctx, account: &str, service: &str) -> Result<(), EntitlementError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    let (mut tx, ctx) = session::write(app, ctx, None).await?.ok_or(Denied::Unknown)?;
    let row = locked(&mut tx, account).await?;
    // Nothing stored has a NUL, and no database takes one.
    if service.contains('\0') || !rows::remove(&mut tx, row.org, service).await? {
        return Err(EntitlementError::NotEntitled(cardea_model::name::excerpt(service)));
    }
    audit::record(app, &mut tx, &ctx, Some(row.id), "entitlement.removed", service, json!({})).await?;
    rules::tell(app, &mut tx, row.org).await?;
    tx.commit().await?;
    feed::catch_up(app).await?;
    Ok(())
}

/// The account, with its org locked and read under the lock.
async fn locked(tx: &mut Tx, account: &str) -> Result<Account, AccountError> {
    let row = accounts::known(tx, account).await?;
    account::lock_org(tx, row.org).await?;
    accounts::known(tx, &row.id.to_string()).await
}

/// Gives an org a service in the caller's transaction, which holds the lock of the org; an individual one that gets a premium
/// service becomes an enterprise, for good. The caller tells the nodes, last. Returns the kind of the org from now on.
pub(crate) async fn give(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    account: &Account,
    given: &Entitlement,
) -> Result<&'static str, DbError> {
    rows::put(tx, account.org, given).await?;
    let detail = json!({"state": given.state, "ends_at": given.ends_at});
    audit::record(app, tx, ctx, Some(account.id), "entitlement.given", &given.service, detail).await?;
    if account.org_kind != "individual" {
        return Ok("enterprise");
    }
    if is_premium(app, &given.service) && account::convert(tx, account.org).await? {
        let detail = json!({"kind": "enterprise", "because": given.service});
        audit::record(app, tx, ctx, Some(account.id), "org.converted", &account.org.to_string(), detail).await?;
        return Ok("enterprise");
    }
    Ok("individual")
}

/// The services that the org has now, by name.
pub(crate) async fn in_force(conn: &mut Conn, org: OrgId, now: Timestamp) -> Result<Vec<String>, DbError> {
    let given = rows::of(conn, org).await?.into_iter().filter(|given| given.is_in_force(now));
    Ok(given.map(|given| given.service).collect())
}

/// The catalogue's service of this name.
pub(crate) fn service<'a>(app: &'a App, name: &str) -> Option<&'a Service> {
    app.catalogue.service(app.catalogue.service_named(name)?)
}

/// Whether having it makes an individual org an enterprise.
pub(crate) fn is_premium(app: &App, name: &str) -> bool {
    service(app, name).is_some_and(|service| service.premium)
}
