//! Reports of keys that somebody has found: by anybody, and by GitHub's secret scanning.

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use cardea_gateway::App;
use cardea_gateway::leaks::github::{self, Signed, Verdict};
use cardea_gateway::leaks::{self, LeakError};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{Json as Body, Visitor};
use crate::problem::Problem;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(report))
}

/// What GitHub calls: no browser comes here.
pub(crate) fn of_partners() -> Router<App> {
    Router::new().route("/.well-known/secret-scanning/github", post(scanned))
}

/// What was found.
#[derive(Deserialize, ToSchema)]
#[schema(as = FoundKey)]
struct Found {
    /// The whole key.
    token: String,
}

/// Report a key that has leaked. A key that works is revoked, and its holder and the owners of its org are told; the answer is the same whatever it is.
#[utoipa::path(post, path = "/api/v1/leaks", tag = "keys", request_body = Found, responses(
    (status = 202, description = "Taken, whatever it is"), (status = 429, description = "Ten a minute from one network")))]
async fn report(
    State(app): State<App>,
    Visitor(ctx): Visitor,
    Body(found): Body<Found>,
) -> Result<StatusCode, Problem> {
    leaks::report(&app, &ctx, &found.token).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn scanned(
    State(app): State<App>,
    Visitor(ctx): Visitor,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Vec<Verdict>>, Problem> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let key_id = header("github-public-key-identifier").ok_or(LeakError::UnknownKey)?;
    let signature = header("github-public-key-signature").ok_or(LeakError::Signature)?;
    Ok(Json(github::scanned(&app, &ctx, Signed { key_id, signature, body: &body }).await?))
}
