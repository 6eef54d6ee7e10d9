//! My API keys: see them, make one, switch one off and on, delete one.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use cardea_gateway::keys::{self, Change, KeyError, Whose};
use cardea_gateway::{App, people};
use cardea_model::Fault;
use cardea_model::id::KeyId;

use super::done::Done;
use super::fields::Fields;
use super::key_form::{self, Typed};
use super::reader::Reader;
use crate::console::Problems;
use crate::console::frame::Room;
use crate::console::keys::{CreatedKey, DeleteKeyPage, KeyForm, KeysPage};
use crate::login::{page, see_other};
use crate::problem::{Problem, status};

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/me/keys", get(list).post(create))
        .route("/me/keys/new", get(new))
        .route("/me/keys/{id}/disable", post(disable))
        .route("/me/keys/{id}/enable", post(enable))
        .route("/me/keys/{id}/delete", get(ask).post(delete))
}

async fn list(State(app): State<App>, reader: Reader) -> Result<Response, Problem> {
    let mut shown = all(&app, &reader).await?;
    if shown.keys.is_empty() {
        shown.form = Some(form(&app, &reader, Typed::nothing(), Problems::default()).await?);
    }
    page(StatusCode::OK, &shown)
}

async fn new(State(app): State<App>, reader: Reader) -> Result<Response, Problem> {
    let form = form(&app, &reader, Typed::nothing(), Problems::default()).await?;
    let shown = KeysPage { form: Some(form), ..all(&app, &reader).await? };
    page(StatusCode::OK, &shown)
}

/// Makes a key; its secret stands in this answer and nowhere else.
async fn create(State(app): State<App>, reader: Reader, fields: Fields) -> Result<Response, Problem> {
    let typed = Typed::of(&fields);
    match make(&app, &reader, &typed).await {
        Ok(created) => {
            let shown = KeysPage { created: Some(created), ..all(&app, &reader).await? };
            page(StatusCode::CREATED, &shown)
        }
        Err(error) => {
            let Some(problems) = typed.problems(&error) else { return Err(error.into()) };
            let form = form(&app, &reader, typed, problems).await?;
            page(status(error.kind()), &KeysPage { form: Some(form), ..all(&app, &reader).await? })
        }
    }
}

async fn make(app: &App, reader: &Reader, typed: &Typed) -> Result<CreatedKey, KeyError> {
    let made = keys::create(app, &reader.ctx, typed.wanted()?).await?;
    Ok(CreatedKey::first(made.key.name, made.secret.reveal()))
}

/// The page without a form: every key, newest first.
async fn all(app: &App, reader: &Reader) -> Result<KeysPage, KeyError> {
    let keys = keys::list(app, &reader.ctx, &Whose::Own).await?;
    Ok(KeysPage {
        frame: reader.frame(Room::Keys),
        keys: keys.into_iter().rev().map(|key| key_form::row(app, key)).collect(),
        limit: usize::try_from(app.settings.personal_keys_per_user).unwrap_or_default(),
        form: None,
        created: None,
    })
}

async fn form(app: &App, reader: &Reader, typed: Typed, problems: Problems) -> Result<KeyForm, Problem> {
    let choices = keys::choices(app, &reader.ctx).await?;
    let mut orgs = people::me(app, &reader.ctx).await?.orgs;
    orgs.retain(|org| org.org == reader.here.org);
    Ok(typed.form(app, choices, &orgs, problems))
}

/// The key that an address names.
pub(super) fn key_id(text: &str) -> Result<KeyId, Problem> {
    text.parse().map_err(|_| KeyError::Missing.into())
}

async fn disable(State(app): State<App>, reader: Reader, Path(id): Path<String>) -> Result<Response, Problem> {
    switch(&app, &reader, &id, false).await
}

async fn enable(State(app): State<App>, reader: Reader, Path(id): Path<String>) -> Result<Response, Problem> {
    switch(&app, &reader, &id, true).await
}

async fn switch(app: &App, reader: &Reader, id: &str, active: bool) -> Result<Response, Problem> {
    let change = Change { active: Some(active), ..Change::default() };
    let done = match (keys::change(app, &reader.ctx, &Whose::Own, key_id(id)?, change).await, active) {
        (Ok(_), true) => Done::KeyEnabled,
        (Ok(_), false) => Done::KeyDisabled,
        (Err(KeyError::State(_)), _) => Done::KeyEnded,
        (Err(error), _) => return Err(error.into()),
    };
    see_other(&format!("/me/keys?done={}", done.word()))
}

/// What deleting does, before it does.
async fn ask(State(app): State<App>, reader: Reader, Path(id): Path<String>) -> Result<Response, Problem> {
    let key = keys::get(&app, &reader.ctx, &Whose::Own, key_id(&id)?).await?;
    page(StatusCode::OK, &DeleteKeyPage { frame: reader.frame(Room::Keys), key: key_form::row(&app, key) })
}

async fn delete(State(app): State<App>, reader: Reader, Path(id): Path<String>) -> Result<Response, Problem> {
    keys::delete(&app, &reader.ctx, &Whose::Own, key_id(&id)?).await?;
    see_other(&format!("/me/keys?done={}", Done::KeyDeleted.word()))
}
