//! Owners come and go: one is invited under conditions that the page says first, one is removed by another.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use cardea_gateway::accounts::AccountError;
use cardea_gateway::invitations::{self, InvitationError, InvitedAs, Wanted};
use cardea_gateway::owners::{self, OwnerError, OwnerView, Owners};
use cardea_gateway::{App, people};
use cardea_model::id::AccountId;
use cardea_model::name::Email;
use cardea_model::rule::AccountRole;
use cardea_model::{Fault, Permission};
use serde::Deserialize;
use url::form_urlencoded::Serializer;

use super::done::Done;
use super::fields::Fields;
use super::reader::Reader;
use super::roles;
use crate::console::frame::Room;
use crate::console::organization::{AddOwnerPage, RemoveOwnerPage};
use crate::console::{Problem as FieldProblem, Problems};
use crate::login::{page, see_other, sentence};
use crate::problem::{Problem, status};

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/o/{org}/owners/new", get(new).post(invite))
        .route("/o/{org}/owners/{user}/remove", get(ask).post(remove))
}

/// What was typed before, for whoever comes back from signing in again.
#[derive(Deserialize)]
struct Before {
    #[serde(default)]
    email: String,
    #[serde(default)]
    account_owner: String,
}

async fn account(app: &App, reader: &Reader, org: &str) -> Result<AccountId, Problem> {
    Ok(people::account_of(app, &reader.ctx, org, Permission::ManageOwners).await?.id)
}

fn profile(reader: &Reader, done: Done) -> Result<Response, Problem> {
    see_other(&format!("/o/{}/profile?done={}", reader.here.org, done.word()))
}

async fn new(
    State(app): State<App>,
    reader: Reader,
    Path(org): Path<String>,
    Query(before): Query<Before>,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    page(StatusCode::OK, &form(&app, &reader, account, (&before.email, None)).await?)
}

async fn invite(
    State(app): State<App>,
    reader: Reader,
    Path(org): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    let email = fields.one("email").trim();
    match invitations::create(&app, &reader.ctx, account, wanted(email)).await {
        Ok(_) => profile(&reader, Done::OwnerAsked),
        Err(error) if is_for_form(&error) => {
            let status = status(error.kind());
            page(status, &form(&app, &reader, account, (email, Some(error))).await?)
        }
        Err(error) => Err(error.into()),
    }
}

fn wanted(email: &str) -> Wanted {
    Wanted {
        email: email.to_owned(),
        invited_as: InvitedAs::Owner,
        account_role: AccountRole::Admin,
        message: None,
        valid_for: None,
        roles: Vec::new(),
    }
}

/// Whether another address or another sign-in mends it.
const fn is_for_form(error: &InvitationError) -> bool {
    matches!(
        error,
        InvitationError::Email
            | InvitationError::AlreadyMember
            | InvitationError::Pending
            | InvitationError::Individual
            | InvitationError::Reauthenticate
            | InvitationError::Account(AccountError::Owners | AccountError::OwnerDomain(_) | AccountError::Email)
    )
}

async fn form(
    app: &App,
    reader: &Reader,
    account: AccountId,
    (email, refused): (&str, Option<InvitationError>),
) -> Result<AddOwnerPage, Problem> {
    let Owners { items, invited, most } = owners::list(app, &reader.ctx, account).await?;
    let domain =
        items.iter().filter_map(|owner| Email::parse(owner.email.as_deref()?)).map(|email| email.domain).next();
    let back = || {
        let query: String = Serializer::new(String::new()).append_pair("email", email).finish();
        reader.sign_in_for(&format!("/o/{}/owners/new?{query}", reader.here.org))
    };
    let (sign_in, problems) = match refused {
        None => (None, Problems::default()),
        Some(InvitationError::Reauthenticate) => (Some(back()), Problems::default()),
        Some(error) => (None, wrong("email", &error)),
    };
    Ok(AddOwnerPage {
        frame: reader.frame(Room::Profile),
        email: email.to_owned(),
        domain,
        most,
        free: most.saturating_sub(items.len() + invited.len()),
        hours: app.settings.link_life.as_secs() / 3600,
        sign_in,
        problems,
    })
}

fn wrong(field: &'static str, error: &impl Fault) -> Problems {
    Problems(vec![FieldProblem { field, text: sentence(&error.to_string()) }])
}

/// What removing does, before it does.
async fn ask(
    State(app): State<App>,
    reader: Reader,
    Path((org, user)): Path<(String, String)>,
    Query(before): Query<Before>,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    page(StatusCode::OK, &before_removal(&app, &reader, account, (&user, &before.account_owner), None).await?)
}

async fn remove(
    State(app): State<App>,
    reader: Reader,
    Path((org, user)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    let chosen = fields.one("account_owner");
    let heir = Some(chosen).filter(|chosen| !chosen.is_empty());
    match owners::remove(&app, &reader.ctx, account, &user, heir).await {
        Ok(()) => profile(&reader, Done::OwnerRemoved),
        Err(error @ (OwnerError::Reauthenticate | OwnerError::AccountOwner | OwnerError::NotHeir)) => {
            let status = status(error.kind());
            page(status, &before_removal(&app, &reader, account, (&user, chosen), Some(error)).await?)
        }
        Err(error) => Err(error.into()),
    }
}

async fn before_removal(
    app: &App,
    reader: &Reader,
    account: AccountId,
    (user, heir): (&str, &str),
    refused: Option<OwnerError>,
) -> Result<RemoveOwnerPage, Problem> {
    let owners = owners::list(app, &reader.ctx, account).await?.items;
    let goes = owners.iter().find(|owner| owner.id.to_string() == user).ok_or(OwnerError::Missing)?;
    let link = |owner: &OwnerView| roles::link(owner.id, &owner.name, owner.email.as_deref());
    let others = owners.iter().filter(|owner| goes.account_role == "owner" && owner.id != goes.id);
    let back = || {
        let query: String = Serializer::new(String::new()).append_pair("account_owner", heir).finish();
        reader.sign_in_for(&format!("/o/{}/owners/{}/remove?{query}", reader.here.org, goes.id))
    };
    let (sign_in, problems) = match refused {
        None => (None, Problems::default()),
        Some(OwnerError::Reauthenticate) => (Some(back()), Problems::default()),
        Some(_) => {
            let text = "Choose the owner who takes the account".to_owned();
            (None, Problems(vec![FieldProblem { field: "account_owner", text }]))
        }
    };
    Ok(RemoveOwnerPage {
        frame: reader.frame(Room::Profile),
        person: link(goes),
        heirs: others.map(link).collect(),
        heir: heir.to_owned(),
        sign_in,
        problems,
    })
}
