//! The service keys of an org: listed, made in two steps, changed, switched off and on, and revoked.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use cardea_gateway::keys::service::{self, Draft};
use cardea_gateway::keys::{self, Change, Created, KeyError, KeyView, Whose};
use cardea_gateway::{App, apps, people};
use cardea_model::id::{AccountId, KeyId};
use cardea_model::{Fault, Permission, Standing};

use super::done::Done;
use super::fields::Fields;
use super::keys::key_id;
use super::reader::Reader;
use super::service_key_form::{Choices, Typed};
use super::{key_form, service_key};
use crate::console::Problems;
use crate::console::frame::Room;
use crate::console::keys::CreatedKey;
use crate::console::service_keys::{ReviewPage, ServiceKeyFormPage, ServiceKeyRow, ServiceKeysPage};
use crate::login::{page, see_other};
use crate::problem::{Problem, status};

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/o/{org}/service-keys", get(list))
        .route("/o/{org}/service-keys/new", get(new).post(create))
        .route("/o/{org}/service-keys/{id}/edit", get(edit).post(change))
        .route("/o/{org}/service-keys/{id}/disable", post(disable))
        .route("/o/{org}/service-keys/{id}/enable", post(enable))
        .merge(service_key::routes())
}

/// The account whose service keys these are, for whoever may manage them.
pub(super) async fn account(app: &App, reader: &Reader, org: &str) -> Result<AccountId, Problem> {
    Ok(people::account_of(app, &reader.ctx, org, Permission::ManageServiceKeys).await?.id)
}

/// The page of a key, with what was done.
pub(super) fn done(reader: &Reader, id: KeyId, done: Done) -> Result<Response, Problem> {
    see_other(&format!("{}?done={}", reader.at(&format!("service-keys/{id}")), done.word()))
}

async fn list(State(app): State<App>, reader: Reader, Path(org): Path<String>) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    page(StatusCode::OK, &whole(&app, &reader, account, None).await?)
}

async fn whole(
    app: &App,
    reader: &Reader,
    account: AccountId,
    created: Option<CreatedKey>,
) -> Result<ServiceKeysPage, Problem> {
    let keys = keys::list(app, &reader.ctx, &Whose::Service(account)).await?;
    let row =
        |key: KeyView| ServiceKeyRow { grants: service_key::grants(app, &key.grants), key: key_form::row(app, key) };
    Ok(ServiceKeysPage {
        frame: reader.frame(Room::ServiceKeys),
        keys: keys.into_iter().rev().map(row).collect(),
        apps: apps::list(app, &reader.ctx).await?.len(),
        limit: usize::try_from(app.settings.service_keys_per_org).unwrap_or_default(),
        created,
    })
}

/// What the org has to choose from: recipes only of services that it has.
async fn choices(app: &App, reader: &Reader, account: AccountId) -> Result<Choices, KeyError> {
    let mut recipes = service::recipes(app, &reader.ctx, account).await?;
    recipes.retain(|recipe| recipe.available);
    Ok(Choices { services: service::services(app, &reader.ctx, account).await?, recipes })
}

/// The form, with what was wrong with it.
async fn form(
    app: &App,
    reader: &Reader,
    account: AccountId,
    (id, typed): (Option<KeyId>, Typed),
    (code, problems, stale): (StatusCode, Problems, bool),
) -> Result<Response, Problem> {
    let form = typed.form(app, &choices(app, reader, account).await?, problems);
    let frame = reader.frame(Room::ServiceKeys);
    page(code, &ServiceKeyFormPage { frame, id: id.map(|id| id.to_string()), form, stale })
}

fn fresh() -> (StatusCode, Problems, bool) {
    (StatusCode::OK, Problems::default(), false)
}

async fn new(State(app): State<App>, reader: Reader, Path(org): Path<String>) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    form(&app, &reader, account, (None, Typed::nothing()), fresh()).await
}

async fn edit(
    State(app): State<App>,
    reader: Reader,
    Path((org, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    let key = keys::get(&app, &reader.ctx, &Whose::Service(account), key_id(&id)?).await?;
    form(&app, &reader, account, (Some(key.id), Typed::standing(key)), fresh()).await
}

async fn create(
    State(app): State<App>,
    reader: Reader,
    Path(org): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    step(&app, &reader, account, (None, Typed::of(&fields, false)), &fields).await
}

async fn change(
    State(app): State<App>,
    reader: Reader,
    Path((org, id)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    let key = keys::get(&app, &reader.ctx, &Whose::Service(account), key_id(&id)?).await?;
    step(&app, &reader, account, (Some(key.id), Typed::of(&fields, true)), &fields).await
}

/// One step of the form: a part more or less, the review of what was typed, or, once that was confirmed, the key itself.
async fn step(
    app: &App,
    reader: &Reader,
    account: AccountId,
    (id, typed): (Option<KeyId>, Typed),
    fields: &Fields,
) -> Result<Response, Problem> {
    let edit = fields.one("edit");
    if !edit.is_empty() {
        let typed = typed.edited(edit, &choices(app, reader, account).await?);
        return form(app, reader, account, (id, typed), fresh()).await;
    }
    let taken = match (fields.one("confirm").is_empty(), id) {
        (true, _) => review(app, reader, account, id, &typed).await,
        (false, None) => made(app, reader, account, &typed).await,
        (false, Some(id)) => changed(app, reader, account, id, &typed).await,
    };
    match taken {
        Ok(response) => response,
        Err(KeyError::Stale) => {
            let id = id.ok_or(KeyError::Missing)?;
            let now = keys::get(app, &reader.ctx, &Whose::Service(account), id).await?.version;
            let wrong = (StatusCode::PRECONDITION_FAILED, Problems::default(), true);
            form(app, reader, account, (Some(id), typed.at_version(now)), wrong).await
        }
        Err(error) => {
            let Some(problems) = typed.problems(&error) else { return Err(error.into()) };
            form(app, reader, account, (id, typed), (status(error.kind()), problems, false)).await
        }
    }
}

/// An answer, or an error that the form may tell.
type Taken = Result<Result<Response, Problem>, KeyError>;

/// What the key would be; nothing is made.
async fn review(app: &App, reader: &Reader, account: AccountId, id: Option<KeyId>, typed: &Typed) -> Taken {
    let whose = Whose::Service(account);
    let Draft { reached, expires_at } = match id {
        None => service::draft(app, &reader.ctx, account, &typed.wanted(app)?).await?,
        Some(id) => Draft {
            reached: keys::preview(app, &reader.ctx, &whose, typed.grants(app)).await?,
            expires_at: keys::get(app, &reader.ctx, &whose, id).await?.expires_at,
        },
    };
    let shown = ReviewPage {
        frame: reader.frame(Room::ServiceKeys),
        id: id.map(|id| id.to_string()),
        name: typed.name().trim().to_owned(),
        expires: expires_at,
        kept: typed.kept(),
        reaches: service_key::reaches(app, reached.reaches),
        warnings: reached.warnings,
        tells_owners: reader.here.standing != Standing::Owner,
    };
    Ok(page(StatusCode::OK, &shown))
}

/// Makes the key; its secret stands in this answer and nowhere else.
async fn made(app: &App, reader: &Reader, account: AccountId, typed: &Typed) -> Taken {
    let Created { key, secret, warnings: _ } = service::create(app, &reader.ctx, account, typed.wanted(app)?).await?;
    let created = CreatedKey::first(key.name, secret.reveal());
    Ok(match whole(app, reader, account, Some(created)).await {
        Ok(shown) => page(StatusCode::CREATED, &shown),
        Err(problem) => Err(problem),
    })
}

async fn changed(app: &App, reader: &Reader, account: AccountId, id: KeyId, typed: &Typed) -> Taken {
    let change = Change {
        name: Some(typed.name().to_owned()),
        active: None,
        grants: Some(typed.grants(app)),
        version: Some(typed.version()),
    };
    keys::change(app, &reader.ctx, &Whose::Service(account), id, change).await?;
    Ok(done(reader, id, Done::ServiceKeyChanged))
}

async fn disable(
    State(app): State<App>,
    reader: Reader,
    Path((org, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    switch(&app, &reader, (&org, &id), false).await
}

async fn enable(
    State(app): State<App>,
    reader: Reader,
    Path((org, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    switch(&app, &reader, (&org, &id), true).await
}

async fn switch(app: &App, reader: &Reader, (org, id): (&str, &str), active: bool) -> Result<Response, Problem> {
    let account = account(app, reader, org).await?;
    let (id, change) = (key_id(id)?, Change { active: Some(active), ..Change::default() });
    let said = match (keys::change(app, &reader.ctx, &Whose::Service(account), id, change).await, active) {
        (Ok(_), true) => Done::KeyEnabled,
        (Ok(_), false) => Done::KeyDisabled,
        (Err(KeyError::State(_)), _) => Done::KeyEnded,
        (Err(error), _) => return Err(error.into()),
    };
    done(reader, id, said)
}
