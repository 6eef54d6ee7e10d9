//! Our own API under `/api/v1`: JSON in, JSON or a problem out, documented from these functions.

pub(crate) mod keys;
pub(crate) mod orgs;
pub(crate) mod rules;
pub(crate) mod shapes;

use axum::Json;
use axum::extract::State;
use cardea_gateway::people::{self, Me};
use cardea_gateway::{App, session};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::Somebody;
use crate::problem::Problem;

/// The routes, with their documentation.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(me))
        .routes(routes!(sign_out_everywhere))
        .merge(keys::routes())
        .merge(orgs::routes())
        .merge(rules::routes())
}

/// Who you are, where, with which roles and why.
#[utoipa::path(get, path = "/api/v1/me", tag = "me", responses(
    (status = 200, body = shapes::Me, description = "You, your orgs, your roles and the reason for each"),
    (status = 401, description = "No live session")))]
async fn me(State(app): State<App>, Somebody(ctx): Somebody) -> Result<Json<Me>, Problem> {
    Ok(Json(people::me(&app, &ctx).await?))
}

/// End all of your sessions, this one too. Your keys live on.
#[utoipa::path(delete, path = "/api/v1/me/sessions", tag = "me", responses(
    (status = 204, description = "Every session of yours has ended"), (status = 401, description = "No live session")))]
async fn sign_out_everywhere(State(app): State<App>, Somebody(ctx): Somebody) -> Result<http::StatusCode, Problem> {
    session::sign_out_everywhere(&app, &ctx).await?;
    Ok(http::StatusCode::NO_CONTENT)
}
