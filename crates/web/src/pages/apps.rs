//! Apps: clients that an account makes for its scripts; listed, made, switched off and on, given another secret, deleted.

use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use cardea_gateway::apps::{self, AppError, AppView, Made};
use cardea_gateway::keys::{self, Whose};
use cardea_gateway::{App, Ctx};
use cardea_model::Fault;
use cardea_model::id::{AccountId, ClientId};

use super::done::Done;
use super::fields::Fields;
use super::reader::Reader;
use super::role_form::wrong;
use super::service_keys::account;
use crate::console::Problems;
use crate::console::apps::{AppForm, AppRow, AppSecretPage, AppsPage, DeleteAppPage};
use crate::console::frame::Room;
use crate::console::keys::CreatedKey;
use crate::login::{page, see_other, sentence};
use crate::problem::{Problem, status};

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/o/{org}/apps", get(list).post(create))
        .route("/o/{org}/apps/new", get(new))
        .route("/o/{org}/apps/{id}/disable", post(disable))
        .route("/o/{org}/apps/{id}/enable", post(enable))
        .route("/o/{org}/apps/{id}/secret", get(before_secret).post(secret))
        .route("/o/{org}/apps/{id}/delete", get(ask).post(delete))
}

fn row(view: AppView) -> AppRow {
    AppRow {
        id: view.id.to_string(),
        name: view.name,
        client_id: view.client_id,
        enabled: view.enabled,
        created: view.created_at,
    }
}

fn app_id(text: &str) -> Result<ClientId, AppError> {
    text.parse().map_err(|_| AppError::Missing)
}

async fn whole(app: &App, reader: &Reader, account: AccountId) -> Result<AppsPage, Problem> {
    let standing = apps::list(app, &reader.ctx).await?;
    Ok(AppsPage {
        frame: reader.frame(Room::Apps),
        apps: standing.into_iter().rev().map(row).collect(),
        keys: keys::list(app, &reader.ctx, &Whose::Service(account)).await?.len(),
        limit: usize::try_from(app.settings.service_keys_per_org).unwrap_or_default(),
        token_url: format!("{}/api/v1/token", app.settings.public_url),
        form: None,
        created: None,
    })
}

async fn list(State(app): State<App>, reader: Reader, Path(org): Path<String>) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    page(StatusCode::OK, &whole(&app, &reader, account).await?)
}

async fn new(State(app): State<App>, reader: Reader, Path(org): Path<String>) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    let form = Some(AppForm { name: String::new(), problems: Problems::default() });
    page(StatusCode::OK, &AppsPage { form, ..whole(&app, &reader, account).await? })
}

/// Makes an app; its secret stands in this answer and nowhere else.
async fn create(
    State(app): State<App>,
    reader: Reader,
    Path(org): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    let name = fields.one("name").trim();
    match apps::create(&app, &reader.ctx, name).await {
        Ok(made) => shown(&app, &reader, account, StatusCode::CREATED, (made, Duration::ZERO)).await,
        Err(error @ (AppError::Name | AppError::NameTaken | AppError::Limit(_))) => {
            let problems = wrong("name", &sentence(&error.to_string()));
            let form = Some(AppForm { name: name.to_owned(), problems });
            page(status(error.kind()), &AppsPage { form, ..whole(&app, &reader, account).await? })
        }
        Err(error) => Err(error.into()),
    }
}

/// The list with a secret that was just made; the one before it works on for this long.
async fn shown(
    app: &App,
    reader: &Reader,
    account: AccountId,
    code: StatusCode,
    (made, grace): (Made, Duration),
) -> Result<Response, Problem> {
    let first = CreatedKey::first(made.app.name, made.secret.reveal());
    let old_until = (!grace.is_zero()).then(|| reader.ctx.now.after(grace));
    let created = Some(CreatedKey { client_id: Some(made.app.client_id), old_until, ..first });
    page(code, &AppsPage { created, ..whole(app, reader, account).await? })
}

async fn disable(
    State(app): State<App>,
    reader: Reader,
    Path((org, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    account(&app, &reader, &org).await?;
    apps::enable(&app, &reader.ctx, app_id(&id)?, false).await?;
    done(&reader, Done::AppDisabled)
}

async fn enable(
    State(app): State<App>,
    reader: Reader,
    Path((org, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    account(&app, &reader, &org).await?;
    apps::enable(&app, &reader.ctx, app_id(&id)?, true).await?;
    done(&reader, Done::AppEnabled)
}

fn done(reader: &Reader, done: Done) -> Result<Response, Problem> {
    see_other(&format!("{}?done={}", reader.at("apps"), done.word()))
}

async fn named(app: &App, ctx: &Ctx, id: &str) -> Result<AppRow, Problem> {
    Ok(row(apps::get(app, ctx, app_id(id)?).await?))
}

/// What another secret does, before it does.
async fn before_secret(
    State(app): State<App>,
    reader: Reader,
    Path((org, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    account(&app, &reader, &org).await?;
    let shown = AppSecretPage { frame: reader.frame(Room::Apps), app: named(&app, &reader.ctx, &id).await? };
    page(StatusCode::OK, &shown)
}

/// Gives an app another secret, which stands in this answer and nowhere else.
async fn secret(
    State(app): State<App>,
    reader: Reader,
    Path((org, id)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    let grace = Duration::from_secs(fields.one("grace").parse().map_err(|_| AppError::Grace)?);
    let made = apps::another_secret(&app, &reader.ctx, app_id(&id)?, grace).await?;
    shown(&app, &reader, account, StatusCode::OK, (made, grace)).await
}

/// What deleting ends, before it does.
async fn ask(
    State(app): State<App>,
    reader: Reader,
    Path((org, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    account(&app, &reader, &org).await?;
    let shown = DeleteAppPage { frame: reader.frame(Room::Apps), app: named(&app, &reader.ctx, &id).await? };
    page(StatusCode::OK, &shown)
}

async fn delete(
    State(app): State<App>,
    reader: Reader,
    Path((org, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    account(&app, &reader, &org).await?;
    apps::delete(&app, &reader.ctx, app_id(&id)?).await?;
    done(&reader, Done::AppDeleted)
}
