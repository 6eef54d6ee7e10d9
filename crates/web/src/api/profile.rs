//! `/api/v1/orgs/{org}` and its teams. `{org}` and `{team}` are a name or an id.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cardea_gateway::orgs::{self, teams};
use cardea_gateway::{App, people};
use cardea_model::Permission;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::orgs::Page;
use super::shapes::orgs as shapes;
use super::version::{if_match, with_etag};
use crate::extract::{Json as Body, Somebody};
use crate::problem::Problem;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(org, describe)).routes(routes!(list, create)).routes(routes!(
        team,
        describe_team,
        end
    ))
}

/// A description of an org or a team.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Description {
    /// At the most 1000 bytes.
    description: String,
}

/// What a new team shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTeam {
    /// Lower case: `^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$`; never one that a team of the org has had.
    name: String,
    #[serde(default)]
    description: String,
}

/// An org: what it is, has, and who owns it.
#[utoipa::path(get, path = "/api/v1/orgs/{org}", tag = "orgs", responses(
    (status = 200, body = shapes::Org, description = "The org; its version is the ETag"), (status = 404, description = "No such org for you")))]
async fn org(State(app): State<App>, Somebody(ctx): Somebody, Path(org): Path<String>) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SeeOrg).await?;
    let profile = orgs::profile(&app, &ctx, account.id).await?;
    Ok(with_etag(profile.version, &profile))
}

/// Describe an org anew; for the account's owner.
#[utoipa::path(patch, path = "/api/v1/orgs/{org}", tag = "orgs", request_body = Description, responses(
    (status = 200, body = shapes::Org, description = "The org as it is now"), (status = 403, description = "Only the account's owner"),
    (status = 404, description = "No such org for you"), (status = 412, description = "Changed since you read it"), (status = 422, description = "Too long")))]
async fn describe(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    headers: HeaderMap,
    Body(body): Body<Description>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ManageAccount).await?;
    let profile = orgs::describe(&app, &ctx, account.id, &body.description, if_match(&headers)?).await?;
    Ok(with_etag(profile.version, &profile))
}

/// The teams of the org.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/teams", tag = "orgs", responses(
    (status = 200, body = shapes::Teams, description = "By name"), (status = 404, description = "No such org for you")))]
async fn list(State(app): State<App>, Somebody(ctx): Somebody, Path(org): Path<String>) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SeeOrg).await?;
    let items = teams::list(&app, &ctx, account.id).await?;
    Ok(Json(Page { items, cursor: None }).into_response())
}

/// Make a team.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/teams", tag = "orgs", request_body = NewTeam, responses(
    (status = 201, body = shapes::Team, description = "The team"), (status = 403, description = "Only owners and user_admins of the org"),
    (status = 409, description = "`team_name_taken`, `team_name_ended` or `individual_org`"),
    (status = 422, description = "A name that cannot be; of one with capitals, how it could be")))]
async fn create(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    Body(new): Body<NewTeam>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ManageTeams).await?;
    let team = teams::create(&app, &ctx, account.id, &new.name, &new.description).await?;
    let location = format!("/api/v1/orgs/{}/teams/{}", account.org_name, team.name);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], with_etag(team.version, &team)).into_response())
}

/// One team.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/teams/{team}", tag = "orgs", responses(
    (status = 200, body = shapes::Team, description = "The team; its version is the ETag"), (status = 404, description = "No such team in this org")))]
async fn team(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, team)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SeeOrg).await?;
    let team = teams::show(&app, &ctx, account.id, &team).await?;
    Ok(with_etag(team.version, &team))
}

/// Describe a team anew. Its name stays for ever.
#[utoipa::path(patch, path = "/api/v1/orgs/{org}/teams/{team}", tag = "orgs", request_body = Description, responses(
    (status = 200, body = shapes::Team, description = "The team as it is now"), (status = 403, description = "Only owners and user_admins of the org"),
    (status = 404, description = "No such team in this org"), (status = 412, description = "Changed since you read it"), (status = 422, description = "Too long")))]
async fn describe_team(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, team)): Path<(String, String)>,
    headers: HeaderMap,
    Body(body): Body<Description>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ManageTeams).await?;
    let change = (body.description.as_str(), if_match(&headers)?);
    let team = teams::describe(&app, &ctx, account.id, &team, change).await?;
    Ok(with_etag(team.version, &team))
}

/// End a team, and with it every role there, on every node. Its name is never given again.
#[utoipa::path(delete, path = "/api/v1/orgs/{org}/teams/{team}", tag = "orgs", responses(
    (status = 204, description = "It has ended"), (status = 403, description = "Only owners and user_admins of the org"),
    (status = 404, description = "No such team in this org"), (status = 412, description = "Changed since you read it")))]
async fn end(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, team)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ManageTeams).await?;
    teams::end(&app, &ctx, account.id, &team, if_match(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
