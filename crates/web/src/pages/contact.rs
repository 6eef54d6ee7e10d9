//! A person writes to the owners of their org, from a template that can be edited.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use cardea_gateway::contact::{self, ContactError, Template, Written};
use cardea_gateway::orgs::teams;
use cardea_gateway::{App, people};
use cardea_model::id::AccountId;
use cardea_model::{Fault, Permission};
use serde::Deserialize;

use super::done::Done;
use super::fields::Fields;
use super::reader::Reader;
use crate::console::contact::{About, ContactPage, Draft};
use crate::console::frame::Room;
use crate::console::{Problem as FieldProblem, Problems};
use crate::login::{page, say_when, see_other, sentence};
use crate::problem::{Problem, status};

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/o/{org}/contact", get(show).post(send))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    about: String,
    #[serde(default)]
    team: String,
}

async fn account(app: &App, reader: &Reader, org: &str) -> Result<AccountId, Problem> {
    Ok(people::account_of(app, &reader.ctx, org, Permission::ContactOwners).await?.id)
}

async fn show(
    State(app): State<App>,
    reader: Reader,
    Path(org): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    let (about, team) = (About::of(&asked.about), asked.team);
    let filled = match (about, team.as_str()) {
        (About::Team, "") => Ok(None),
        (About::Team, team) => filled(&app, &reader, account, (about, Some(team))).await.map(Some),
        (About::Product, _) => filled(&app, &reader, account, (about, None)).await.map(Some),
    };
    let (status, draft, problems) = match filled {
        Ok(draft) => (StatusCode::OK, draft, Problems::default()),
        Err(error @ ContactError::Team(_)) => (status(error.kind()), None, wrong("team", &error)),
        Err(error) => return Err(error.into()),
    };
    page(status, &whole(&app, &reader, account, (about, team), (draft, problems)).await?)
}

const fn template(about: About) -> Template {
    match about {
        About::Product => Template::ProductRequest,
        About::Team => Template::TeamAccessRequest,
    }
}

/// The template with the org and the team in it.
async fn filled(
    app: &App,
    reader: &Reader,
    account: AccountId,
    (about, team): (About, Option<&str>),
) -> Result<Draft, ContactError> {
    let mut all = contact::templates(app, &reader.ctx, account, team).await?.into_iter();
    let found = all.find(|filled| filled.template == template(about)).ok_or(ContactError::Missing)?;
    Ok(Draft { subject: found.subject, body: found.body })
}

async fn whole(
    app: &App,
    reader: &Reader,
    account: AccountId,
    (about, team): (About, String),
    (draft, problems): (Option<Draft>, Problems),
) -> Result<ContactPage, Problem> {
    let teams = teams::list(app, &reader.ctx, account).await?.into_iter().map(|team| team.name).collect();
    Ok(ContactPage { frame: reader.frame(Room::Contact), about, teams, team, draft, problems })
}

async fn send(
    State(app): State<App>,
    reader: Reader,
    Path(org): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    let (about, team) = (About::of(fields.one("about")), fields.one("team").to_owned());
    // A browser ends the lines of a form with both.
    let draft = Draft { subject: fields.one("subject").to_owned(), body: fields.one("body").replace("\r\n", "\n") };
    let written = Written {
        template: template(about),
        subject: Some(draft.subject.clone()),
        body: draft.body.clone(),
        team: Some(team.clone()).filter(|team| !team.is_empty()),
    };
    let error = match contact::send(&app, &reader.ctx, account, written).await {
        Ok(()) => return see_other(&format!("/o/{}/contact?done={}", reader.here.org, Done::MessageSent.word())),
        Err(error) => error,
    };
    let Some(field) = field_of(&error, &draft) else { return Err(error.into()) };
    let again = (Some(draft), wrong(field, &error));
    let mut response = page(status(error.kind()), &whole(&app, &reader, account, (about, team), again).await?)?;
    say_when(&mut response, error.kind());
    Ok(response)
}

fn wrong(field: &'static str, error: &ContactError) -> Problems {
    Problems(vec![FieldProblem { field, text: sentence(&error.to_string()) }])
}

/// The field that an error is about; nothing for those that no typing mends.
fn field_of(error: &ContactError, draft: &Draft) -> Option<&'static str> {
    match error {
        ContactError::Text if !contact::is_subject(&draft.subject) => Some("subject"),
        ContactError::Text | ContactError::TooMany(_) => Some("body"),
        ContactError::Team(_) | ContactError::NoTeam => Some("team"),
        ContactError::Denied(_) | ContactError::Missing | ContactError::Database(_) => None,
    }
}
