//! What is changed of one person: roles given and taken by hand, removal from the org and the way back.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use cardea_gateway::members::{self, MemberError, Role};
use cardea_gateway::{App, GatewayError, people};
use cardea_model::{Fault, Kind, Permission};

use super::done::Done;
use super::fields::Fields;
use super::person;
use super::reader::Reader;
use super::role_form::{self, Chosen};
use crate::console::{Notice, Tone};
use crate::login::{page, see_other};
use crate::problem::{Problem, status};

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/o/{org}/people/{user}/roles", post(give))
        .route("/o/{org}/people/{user}/roles/take", get(ask).post(take))
        .route("/o/{org}/people/{user}/remove", get(before_removal).post(remove))
        .route("/o/{org}/people/{user}/add", post(add))
}

/// Where a person's page is, with what was done.
fn shown(reader: &Reader, user: &str, done: Done) -> Result<Response, Problem> {
    see_other(&format!("{}?done={}", reader.at(&format!("people/{user}")), done.word()))
}

async fn give(
    State(app): State<App>,
    reader: Reader,
    Path((org, user)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::SeeUsers).await?.id;
    let id = people::show(&app, &reader.ctx, account, &user).await?.user.id.to_string();
    let chosen = Chosen::of(&fields);
    let role = match chosen.role() {
        Ok(role) => role,
        Err(problems) => {
            let shown = person::whole(&app, &reader, account, &id, (chosen, problems)).await?;
            return page(StatusCode::UNPROCESSABLE_ENTITY, &shown);
        }
    };
    match members::give(&app, &reader.ctx, account, &id, &role).await {
        Ok(_) => shown(&reader, &id, Done::RoleGiven),
        Err(error) => {
            let problems = role_form::problems(&error);
            if problems.is_none() && error.kind() != Kind::Conflict {
                return Err(error.into());
            }
            let mut shown = person::whole(&app, &reader, account, &id, (chosen, problems.unwrap_or_default())).await?;
            refuse(&mut shown.frame.notice, &error);
            page(status(error.kind()), &shown)
        }
    }
}

/// Says on the page why nothing was changed, where no field does.
fn refuse(notice: &mut Option<Notice>, error: &MemberError) {
    if error.kind() == Kind::Conflict {
        let text = format!("Nothing was changed: {error}.");
        *notice = Some(Notice { tone: Tone::Danger, text });
    }
}

/// The role that a query names.
fn named(query: &str) -> Role {
    let pairs = || url::form_urlencoded::parse(query.as_bytes());
    let find = |name: &str| pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    Role { team: find("team"), service: find("service").unwrap_or_default(), role: find("role").unwrap_or_default() }
}

/// What taking the role does, before it does.
async fn ask(
    State(app): State<App>,
    reader: Reader,
    Path((org, user)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::SeeUsers).await?.id;
    let query = query.unwrap_or_default();
    page(StatusCode::OK, &person::before_taking(&app, &reader, account, &user, &query).await?)
}

async fn take(
    State(app): State<App>,
    reader: Reader,
    Path((org, user)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::SeeUsers).await?.id;
    let id = people::show(&app, &reader.ctx, account, &user).await?.user.id.to_string();
    match members::take(&app, &reader.ctx, account, &id, &named(&query.unwrap_or_default())).await {
        // Whoever manages a team sees nobody who has no role there any more.
        Ok(_) => match people::show(&app, &reader.ctx, account, &id).await {
            Err(GatewayError::Missing(_)) => {
                see_other(&format!("{}?done={}", reader.at("people"), Done::RoleTaken.word()))
            }
            Ok(_) | Err(_) => shown(&reader, &id, Done::RoleTaken),
        },
        // Somebody else has taken it meanwhile, or its team has ended.
        Err(MemberError::Missing(_) | MemberError::UnknownTeam(_)) => shown(&reader, &id, Done::RoleGone),
        Err(error) => Err(error.into()),
    }
}

/// What ends, before it does.
async fn before_removal(
    State(app): State<App>,
    reader: Reader,
    Path((org, user)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::RemoveUsers).await?.id;
    page(StatusCode::OK, &person::before_removal(&app, &reader, account, &user, None).await?)
}

async fn remove(
    State(app): State<App>,
    reader: Reader,
    Path((org, user)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::RemoveUsers).await?.id;
    let error = match members::remove(&app, &reader.ctx, account, &user).await {
        Ok(ended) => return see_other(&reader.at(&format!("revocations/{}", ended.receipt))),
        Err(error) => error,
    };
    if !matches!(error, MemberError::Reauthenticate | MemberError::LastOwner | MemberError::AccountOwner) {
        return Err(error.into());
    }
    let back = reader.at(&format!("people/{user}/remove"));
    let sign_in = matches!(error, MemberError::Reauthenticate).then(|| reader.sign_in_for(&back));
    let mut shown = person::before_removal(&app, &reader, account, &user, sign_in).await?;
    refuse(&mut shown.frame.notice, &error);
    page(status(error.kind()), &shown)
}

async fn add(
    State(app): State<App>,
    reader: Reader,
    Path((org, user)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::InviteUsers).await?.id;
    let added = members::add(&app, &reader.ctx, account, &user).await?;
    shown(&reader, &added.user.id.to_string(), Done::AddedAgain)
}
