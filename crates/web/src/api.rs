//! Our own API under `/api/v1`: JSON in, JSON or a problem out, documented from these functions.

mod accounts;
mod activations;
mod apps;
pub(crate) mod invitations;
pub(crate) mod keys;
pub(crate) mod leaks;
mod members;
pub(crate) mod orgs;
pub(crate) mod owners;
mod people_keys;
mod profile;
pub(crate) mod rules;
mod service_keys;
pub(crate) mod sessions;
pub(crate) mod shapes;
pub(crate) mod switching;
mod users;
mod version;

use axum::Json;
use axum::extract::State;
use cardea_gateway::App;
use cardea_gateway::people::{self, Me};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::Somebody;
use crate::problem::Problem;

/// The routes, with their documentation.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(me))
        .merge(sessions::routes())
        .merge(keys::routes())
        .merge(service_keys::routes())
        .merge(people_keys::routes())
        .merge(leaks::routes())
        .merge(apps::routes())
        .merge(orgs::routes())
        .merge(rules::routes())
        .merge(profile::routes())
        .merge(members::routes())
        .merge(accounts::routes())
        .merge(activations::routes())
        .merge(invitations::routes())
        .merge(owners::routes())
        .merge(switching::routes())
        .merge(users::routes())
}

/// Who you are, where, with which roles and why.
#[utoipa::path(get, path = "/api/v1/me", tag = "me", responses(
    (status = 200, body = shapes::Me, description = "You, your orgs, your roles and the reason for each"),
    (status = 401, description = "No live session")))]
async fn me(State(app): State<App>, Somebody(ctx): Somebody) -> Result<Json<Me>, Problem> {
    Ok(Json(people::me(&app, &ctx).await?))
}
