//! `/api/v1/apps`, and `/api/v1/service-accounts` for scripts that call them so: clients that an account makes for its scripts.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use cardea_gateway::App;
use cardea_gateway::apps::{self, AppError, AppView, Made};
use cardea_model::ShownOnce;
use cardea_model::id::ClientId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::shapes::apps as shapes;
use crate::extract::{Json as Body, Somebody};
use crate::problem::Problem;

const OTHER_NAME: &str = "/api/v1/service-accounts";

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one, change, delete))
        .routes(routes!(secret))
        .route(OTHER_NAME, get(list).post(create))
        .route(&format!("{OTHER_NAME}/{{id}}"), get(one).patch(change).delete(delete))
        .route(&format!("{OTHER_NAME}/{{id}}/secret"), post(secret))
}

fn named(id: &str) -> Result<ClientId, AppError> {
    id.parse().map_err(|_| AppError::Missing)
}

/// An app, and its secret for this one answer.
#[derive(Serialize, ToSchema)]
#[schema(as = AppWithSecret)]
struct WithSecret {
    #[serde(flatten)]
    #[schema(value_type = shapes::App)]
    app: AppView,
    /// It stands in this answer and nowhere else.
    secret: String,
}

impl From<Made> for WithSecret {
    fn from(made: Made) -> Self {
        Self { app: made.app, secret: ShownOnce::reveal(made.secret) }
    }
}

/// The apps of your account.
#[utoipa::path(get, path = "/api/v1/apps", tag = "apps", responses(
    (status = 200, body = Vec<shapes::App>, description = "Oldest first"), (status = 403, description = "Only owners and user_admins")))]
async fn list(State(app): State<App>, Somebody(ctx): Somebody) -> Result<Json<Vec<AppView>>, Problem> {
    Ok(Json(apps::list(&app, &ctx).await?))
}

/// What a new app shall be.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewApp)]
struct Create {
    /// Small letters, digits, `-` and `_`; the last two are dropped.
    name: String,
}

/// Make an app: a client that acts for itself in the services of your org (`client_credentials`). Its secret stands in this answer and nowhere else.
#[utoipa::path(post, path = "/api/v1/apps", tag = "apps", request_body = Create, responses(
    (status = 201, body = WithSecret, description = "The app with its secret"),
    (status = 403, description = "Only owners and user_admins"),
    (status = 409, description = "`name_taken` or `limit_reached`"), (status = 422, description = "A name that cannot be")))]
async fn create(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Body(body): Body<Create>,
) -> Result<Response, Problem> {
    let made: WithSecret = apps::create(&app, &ctx, &body.name).await?.into();
    let headers = [(header::LOCATION, format!("/api/v1/apps/{}", made.app.id))];
    Ok((StatusCode::CREATED, headers, Json(made)).into_response())
}

/// One of the apps of your account.
#[utoipa::path(get, path = "/api/v1/apps/{id}", tag = "apps", responses(
    (status = 200, body = shapes::App, description = "The app"), (status = 404, description = "There is none")))]
async fn one(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(id): Path<String>,
) -> Result<Json<AppView>, Problem> {
    Ok(Json(apps::get(&app, &ctx, named(&id)?).await?))
}

/// What changes.
#[derive(Deserialize, ToSchema)]
#[schema(as = ChangedApp)]
#[serde(deny_unknown_fields)]
struct Change {
    /// Whether it works; while it does not, nothing that it was given does either.
    enabled: bool,
}

/// Switch an app on or off.
#[utoipa::path(patch, path = "/api/v1/apps/{id}", tag = "apps", request_body = Change, responses(
    (status = 200, body = shapes::App, description = "As it is now"), (status = 404, description = "There is none")))]
async fn change(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(id): Path<String>,
    Body(body): Body<Change>,
) -> Result<Json<AppView>, Problem> {
    Ok(Json(apps::enable(&app, &ctx, named(&id)?, body.enabled).await?))
}

/// Delete an app, at once and for good.
#[utoipa::path(delete, path = "/api/v1/apps/{id}", tag = "apps", responses(
    (status = 204, description = "It is gone"), (status = 404, description = "There is none")))]
async fn delete(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    apps::delete(&app, &ctx, named(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How long the old secret works on.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = NewAppSecret)]
#[serde(rename_all = "camelCase", default)]
struct Grace {
    /// At most 86400; 0 if not given.
    grace_seconds: u64,
}

/// The new secret, for this one answer.
#[derive(Serialize, ToSchema)]
#[schema(as = AppSecret)]
struct Secret {
    secret: String,
}

/// Give an app another secret. The old one works no more, unless it is given some time.
#[utoipa::path(post, path = "/api/v1/apps/{id}/secret", tag = "apps", request_body = Grace, responses(
    (status = 200, body = Secret, description = "It stands in this answer and nowhere else"),
    (status = 404, description = "There is none"), (status = 422, description = "`invalid_grace`")))]
async fn secret(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(id): Path<String>,
    Body(body): Body<Grace>,
) -> Result<Json<Secret>, Problem> {
    let made = apps::another_secret(&app, &ctx, named(&id)?, Duration::from_secs(body.grace_seconds)).await?;
    Ok(Json(Secret { secret: made.secret.reveal() }))
}
