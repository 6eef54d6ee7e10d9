//! What the org is and has: its profile, described anew by the account's owner, and its subscriptions.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use cardea_gateway::orgs::{self, OrgError, Profile, ServiceView};
use cardea_gateway::owners::{self, Owners};
use cardea_gateway::{App, people};
use cardea_model::catalogue::Service;
use cardea_model::id::AccountId;
use cardea_model::{Caller, Denied, Fault, Permission};

use super::done::Done;
use super::fields::Fields;
use super::reader::Reader;
use super::roles;
use crate::console::frame::Room;
use crate::console::organization::{
    DescriptionForm, Held, Kind, OwnerRow, ProfilePage, SubscriptionRow, SubscriptionsPage,
};
use crate::console::{Problem as FieldProblem, Problems};
use crate::login::{page, see_other, sentence};
use crate::problem::{Problem, status};

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/o/{org}/profile", get(show).post(describe))
        .route("/o/{org}/subscriptions", get(subscriptions))
}

async fn show(State(app): State<App>, reader: Reader, Path(org): Path<String>) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::SeeOrg).await?;
    page(StatusCode::OK, &whole(&app, &reader, account.id, None).await?)
}

async fn describe(
    State(app): State<App>,
    reader: Reader,
    Path(org): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::ManageAccount).await?;
    let typed = fields.one("description");
    // No version of ours is another one than what stands.
    let version = fields.one("version").parse().unwrap_or_default();
    match orgs::describe(&app, &reader.ctx, account.id, typed, Some(version)).await {
        Ok(_) => see_other(&format!("/o/{}/profile?done={}", reader.here.org, Done::Described.word())),
        Err(error @ (OrgError::Stale | OrgError::Description)) => {
            let status = status(error.kind());
            page(status, &whole(&app, &reader, account.id, Some((typed, error))).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// The page; `refused` is the description that was not taken.
async fn whole(
    app: &App,
    reader: &Reader,
    account: AccountId,
    refused: Option<(&str, OrgError)>,
) -> Result<ProfilePage, Problem> {
    let profile = orgs::profile(app, &reader.ctx, account).await?;
    let owners = match owners::list(app, &reader.ctx, account).await {
        Ok(owners) => Some(owners),
        Err(owners::OwnerError::Denied(Denied::Refused)) => None,
        Err(error) => return Err(error.into()),
    };
    let premium = app.catalogue.services().filter(|(_, service)| service.premium);
    let may = |permission| reader.ctx.may(permission, account).is_ok();
    Ok(ProfilePage {
        frame: reader.frame(Room::Profile),
        id: profile.id.to_string(),
        number: profile.number,
        kind: Kind::of(&profile.kind),
        premium: premium.map(|(_, service)| service.title.to_string()).collect(),
        linked: profile.linked,
        form: may(Permission::ManageAccount).then(|| form(&profile, refused)),
        sees_people: owners.is_some(),
        manages_owners: may(Permission::ManageOwners),
        most: app.settings.org_owners,
        owners: rows(reader, &profile, owners.as_ref()),
        invited: owners.map(|owners| owners.invited).unwrap_or_default(),
        description: profile.description,
    })
}

fn form(profile: &Profile, refused: Option<(&str, OrgError)>) -> DescriptionForm {
    let standing = profile.description.clone();
    let Some((typed, error)) = refused else {
        return DescriptionForm {
            text: standing,
            theirs: None,
            version: profile.version,
            problems: Problems::default(),
        };
    };
    let is_stale = matches!(error, OrgError::Stale);
    let text = if is_stale {
        "The account was changed while you wrote, so nothing was saved. Look at what it says now, and save again to replace it".to_owned()
    } else {
        sentence(&error.to_string())
    };
    DescriptionForm {
        text: typed.to_owned(),
        theirs: is_stale.then_some(standing),
        version: profile.version,
        problems: Problems(vec![FieldProblem { field: "description", text }]),
    }
}

/// The owners as far as the reader sees them.
fn rows(reader: &Reader, profile: &Profile, known: Option<&Owners>) -> Vec<OwnerRow> {
    let is_you = |id| matches!(&reader.ctx.caller, Caller::Person(person) if person.user == id);
    let seen = |owner: &owners::OwnerView| OwnerRow {
        person: roles::link(owner.id, &owner.name, owner.email.as_deref()),
        account_role: Some(owner.account_role.clone()),
        active: owner.active,
        is_you: is_you(owner.id),
    };
    let named = |owner: &orgs::OwnerView| OwnerRow {
        person: roles::link(owner.id, &owner.name, owner.email.as_deref()),
        account_role: None,
        active: true,
        is_you: is_you(owner.id),
    };
    match known {
        Some(owners) => owners.items.iter().map(seen).collect(),
        None => profile.owners.iter().map(named).collect(),
    }
}

async fn subscriptions(State(app): State<App>, reader: Reader, Path(org): Path<String>) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::SeeOrg).await?;
    let services = orgs::profile(&app, &reader.ctx, account.id).await?.services.into_iter();
    let rows = services.map(|service| subscription(&app, service)).collect();
    page(StatusCode::OK, &SubscriptionsPage { frame: reader.frame(Room::Subscriptions), rows })
}

fn subscription(app: &App, view: ServiceView) -> SubscriptionRow {
    let known = app.catalogue.service_named(&view.service).and_then(|index| app.catalogue.service(index));
    SubscriptionRow {
        premium: known.is_some_and(|service| service.premium),
        held: Held::of(&view.state),
        ends: view.ends_at,
        roles: known.map(given).unwrap_or_default(),
        keys: known.map(keys).unwrap_or_default(),
        unlocks: known.and_then(|service| unlocked(app, service)),
        title: view.title,
        name: view.service,
    }
}

/// The roles that can still be given.
fn given(service: &Service) -> Vec<String> {
    let standing = service.roles.values().filter(|role| role.replaced_by.is_none());
    standing.map(|role| role.title.to_string()).collect()
}

fn keys(service: &Service) -> String {
    let kinds: Vec<&str> = service.key_kinds.iter().map(|kind| kind.as_str()).collect();
    if kinds.is_empty() { String::new() } else { format!("{} keys", kinds.join(" and ")) }
}

fn unlocked(app: &App, service: &Service) -> Option<String> {
    let unlock = service.unlocks.as_ref()?;
    let other = app.catalogue.service(unlock.service)?;
    Some(format!("Opens what {} keeps for `{}`", other.title, unlock.label))
}
