//! `/api/v1/orgs/{org}/owners` and `…/contact`: who owns an org, and how its people write to them.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cardea_gateway::contact::{self, Prefilled, Template, Written};
use cardea_gateway::owners::{self, Owners};
use cardea_gateway::{App, people};
use cardea_model::Permission;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::shapes::owners as shapes;
use crate::extract::{Json as Body, Somebody};
use crate::problem::Problem;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(remove)).routes(routes!(write)).routes(routes!(templates))
}

/// The owners of the org, and who is invited to become one.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/owners", tag = "people", responses(
    (status = 200, body = shapes::Owners, description = "The oldest first"),
    (status = 403, description = "Only who sees the users of the org")))]
async fn list(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
) -> Result<Json<Owners>, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SeeUsers).await?;
    Ok(Json(owners::list(&app, &ctx, account.id).await?))
}

/// Who takes the account.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Heir {
    /// The owner of the org who takes the account, by id or address, if its one owner goes.
    account_owner: Option<String>,
}

/// Remove an owner; they stay a member without roles, and the remaining owners are told. It asks for a sign-in of the last
/// 15 minutes.
#[utoipa::path(delete, path = "/api/v1/orgs/{org}/owners/{user}", tag = "people", responses(
    (status = 204, description = "They own nothing here any more"), (status = 404, description = "No such owner"),
    (status = 403, description = "Only owners; `reauthentication_required`"),
    (status = 409, description = "`last_owner`, `own_ownership` or `account_owner_required`")))]
async fn remove(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, user)): Path<(String, String)>,
    Query(heir): Query<Heir>,
) -> Result<StatusCode, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ManageOwners).await?;
    owners::remove(&app, &ctx, account.id, &user, heir.account_owner.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A message to the owners.
#[derive(Deserialize, ToSchema)]
#[schema(as = Contact)]
#[serde(deny_unknown_fields)]
struct Contact {
    #[schema(value_type = shapes::ContactTemplate)]
    template: Template,
    /// One line; the template's, if there is none.
    #[serde(default)]
    subject: Option<String>,
    /// Plain text.
    body: String,
    /// The team that it is about; with `team_access_request` always.
    #[serde(default)]
    team: Option<String>,
}

/// Write to all owners of your org. The answer goes to your address. Five messages a day.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/contact", tag = "people", request_body = Contact, responses(
    (status = 204, description = "The message is on its way"), (status = 404, description = "No such org for you"),
    (status = 422, description = "A text or team that cannot be"), (status = 429, description = "Five were sent in a day")))]
async fn write(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    Body(body): Body<Contact>,
) -> Result<StatusCode, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ContactOwners).await?;
    let written = Written { template: body.template, subject: body.subject, body: body.body, team: body.team };
    contact::send(&app, &ctx, account.id, written).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which team.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct About {
    /// The team with which the templates are filled in.
    team: Option<String>,
}

/// Every template.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactTemplates)]
struct Templates {
    #[schema(value_type = Vec<shapes::Prefilled>)]
    templates: Vec<Prefilled>,
}

/// What a message to the owners can be about, filled in with the org, and the team if you name one.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/contact/templates", tag = "people", responses(
    (status = 200, body = Templates, description = "To be completed and sent"), (status = 404, description = "No such org for you"),
    (status = 422, description = "No such team")))]
async fn templates(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    Query(about): Query<About>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ContactOwners).await?;
    let templates = contact::templates(&app, &ctx, account.id, about.team.as_deref()).await?;
    Ok(Json(Templates { templates }).into_response())
}
