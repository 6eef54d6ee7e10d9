//! `/api/v1/me/orgs` and `/api/v1/me/switch`: from one org to another.

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use cardea_gateway::App;
use cardea_gateway::switching::{self, Place};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::shapes::owners as shapes;
use crate::extract::{Json as Body, Somebody};
use crate::login::keep_session;
use crate::problem::Problem;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(orgs)).routes(routes!(switch))
}

/// Which orgs.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Search {
    /// A part of the org's or account's name.
    #[serde(default)]
    q: String,
}

/// Orgs, by name.
#[derive(Serialize, ToSchema)]
#[schema(as = Places)]
struct Places {
    #[schema(value_type = Vec<shapes::Place>)]
    orgs: Vec<Place>,
}

/// The orgs that you are in, where your session can speak for you.
#[utoipa::path(get, path = "/api/v1/me/orgs", tag = "me", responses(
    (status = 200, body = Places, description = "By name"), (status = 401, description = "No live session")))]
async fn orgs(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Query(search): Query<Search>,
) -> Result<Response, Problem> {
    Ok(Json(Places { orgs: switching::orgs(&app, &ctx, &search.q).await? }).into_response())
}

/// An org of yours.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = ChosenOrg)]
#[serde(deny_unknown_fields)]
struct Chosen {
    /// By name or id.
    org: String,
}

/// Move your session to another org of yours. It has a new cookie, and ends when your membership in the org that you signed
/// in to does.
#[utoipa::path(post, path = "/api/v1/me/switch", tag = "me", request_body = Chosen, responses(
    (status = 200, body = Chosen, description = "Your session speaks there now"),
    (status = 403, description = "`sign_in_required` says where to sign in; `access_ended`"),
    (status = 404, description = "You are in no such org")))]
async fn switch(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Body(chosen): Body<Chosen>,
) -> Result<Response, Problem> {
    let switched = switching::switch(&app, &ctx, &chosen.org).await?;
    let mut response = Json(Chosen { org: switched.org }).into_response();
    keep_session(&app, &mut response, &switched.session);
    Ok(response)
}
