//! What an org is: its profile, and its teams.

mod error;
pub mod teams;

pub use error::OrgError;

use cardea_model::id::{AccountId, OrgId, UserId};
use cardea_model::{Denied, Permission, Timestamp};
use cardea_store::{account, connection, member, profile as rows};
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::rules;
use crate::session;

/// A description has at the most so many bytes.
const LONGEST: usize = 1_000;

/// An org as its people see it.
#[derive(Clone, Debug, Serialize)]
pub struct Profile {
    /// The org.
    pub id: OrgId,
    /// Unique in the instance.
    pub name: String,
    /// The account that it is linked to, one to one.
    pub account: String,
    /// The number that account and org share.
    pub number: i64,
    /// `individual` or `enterprise`.
    pub kind: String,
    /// What the account's owner says of it.
    pub description: String,
    /// What it was given, by name.
    pub services: Vec<ServiceView>,
    /// Whether an identity provider of it has passed its test, so that rules can read groups.
    pub linked: bool,
    /// Who owns it, the oldest first.
    pub owners: Vec<OwnerView>,
    /// Raised by each change of the account.
    pub version: i64,
}

/// A service of an org.
#[derive(Clone, Debug, Serialize)]
pub struct ServiceView {
    /// Its name.
    pub service: String,
    /// Its title; the name, where the catalogue does not know it.
    pub title: String,
    /// `active`, `suspended` or `ended`.
    pub state: String,
    /// When it ends by itself, if it does.
    pub ends_at: Option<Timestamp>,
}

/// An owner, as the people of the org see them.
#[derive(Clone, Debug, Serialize)]
pub struct OwnerView {
    /// The user.
    pub id: UserId,
    /// Their name.
    pub name: String,
    /// Their address; for those who may see the org's users.
    pub email: Option<String>,
}

/// What an org is.
///
/// # Errors
/// [`OrgError`].
pub async fn profile(app: &App, ctx: &Ctx, account: AccountId) -> Result<Profile, OrgError> {
    ctx.may(Permission::SeeOrg, account)?;
    let mut conn = app.db.read().await?;
    let row = account::find(&mut conn, account).await?.ok_or(OrgError::Missing("org"))?;
    let services = rows::entitlements(&mut conn, row.org).await?.into_iter();
    let sees_users = ctx.may(Permission::SeeUsers, account).is_ok();
    let owners = member::owners(&mut conn, account).await?.into_iter();
    let owner = |owner: member::Owner| OwnerView {
        id: owner.user,
        name: owner.name,
        email: owner.email.filter(|_| sees_users),
    };
    Ok(Profile {
        id: row.org,
        name: row.org_name,
        account: row.name,
        number: row.number,
        kind: row.org_kind,
        description: row.description,
        services: services.map(|service| view(app, service, ctx.now)).collect(),
        linked: rules::is_linked(&connection::of_account(&mut conn, account).await?),
        owners: owners.map(owner).collect(),
        version: rows::version(&mut conn, account).await?,
    })
}

fn view(app: &App, row: rows::Entitlement, now: Timestamp) -> ServiceView {
    let known = app.catalogue.service_named(&row.service).and_then(|index| app.catalogue.service(index));
    let ended = row.ends_at.is_some_and(|end| end <= now);
    ServiceView {
        title: known.map_or_else(|| row.service.clone(), |service| service.title.to_string()),
        state: if ended { "ended".to_owned() } else { row.state },
        service: row.service,
        ends_at: row.ends_at,
    }
}

/// Gives the account and its org another description; `version` is the one that the caller read, none for any.
///
/// # Errors
/// [`OrgError`].
pub async fn describe(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    description: &str,
    version: Option<i64>,
) -> Result<Profile, OrgError> {
    ctx.may(Permission::ManageAccount, account)?;
    let description = text(description)?;
    let (mut tx, ctx) = session::write(app, ctx, None).await?.ok_or(Denied::Unknown)?;
    ctx.may(Permission::ManageAccount, account)?;
    account::lock(&mut tx, account).await?;
    // The lock has raised it by one.
    let standing = rows::version(&mut tx, account).await?.saturating_sub(1);
    if version.is_some_and(|version| version != standing) {
        return Err(OrgError::Stale);
    }
    rows::describe(&mut tx, account, description).await?;
    let detail = json!({"settings": ["description"]});
    audit::record(app, &mut tx, &ctx, Some(account), "account.described", &account.to_string(), detail).await?;
    tx.commit().await?;
    profile(app, &ctx, account).await
}

/// A description as it is kept: trimmed, of one paragraph.
fn text(description: &str) -> Result<&str, OrgError> {
    let text = description.trim();
    if text.len() > LONGEST || text.chars().any(char::is_control) { Err(OrgError::Description) } else { Ok(text) }
}
