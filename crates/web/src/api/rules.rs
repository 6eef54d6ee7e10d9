//! `/api/v1/orgs/{org}/rules`: membership rules as they are edited, what they would do, and what is in force; and why
//! somebody has the roles that they have.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cardea_gateway::rules::{
    self, Activated, Asked, Deactivation, Explanation, Preview, RuleView, RulesError, RulesView, Tried, Written,
};
use cardea_gateway::{App, people};
use cardea_model::Permission;
use cardea_model::id::RuleId;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::shapes::rules as shapes;
use crate::csv;
use crate::extract::{Json as Body, Somebody};
use crate::problem::Problem;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(change, remove))
        .routes(routes!(preview))
        .routes(routes!(activate))
        .routes(routes!(undo))
        .routes(routes!(before_deactivating))
        .routes(routes!(deactivate))
        .routes(routes!(try_out))
        .routes(routes!(explain))
}

/// The rules of the org as they are edited, and whether they are in force.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/rules", tag = "rules", responses(
    (status = 200, body = shapes::Rules, description = "In their order"), (status = 403, description = "Only owners and user_admins")))]
async fn list(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
) -> Result<Json<RulesView>, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ManageRules).await?;
    Ok(Json(rules::list(&app, &ctx, account.id).await?))
}

/// Add a rule. It gives nothing before the rules are activated.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/rules", tag = "rules", request_body = shapes::NewRule, responses(
    (status = 201, body = shapes::Rule, description = "The rule"), (status = 409, description = "The name is taken, or the org is not linked to an identity provider"),
    (status = 422, description = "What is wrong with the rule")))]
async fn add(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    Body(written): Body<Written>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ManageRules).await?;
    let rule = rules::put(&app, &ctx, account.id, None, written).await?;
    Ok((StatusCode::CREATED, Json(rule)).into_response())
}

/// Replace a rule. What is in force stays as it is until the rules are activated again.
#[utoipa::path(put, path = "/api/v1/orgs/{org}/rules/{rule}", tag = "rules", request_body = shapes::NewRule, responses(
    (status = 200, body = shapes::Rule, description = "The rule"), (status = 404, description = "No such rule in this org"),
    (status = 409, description = "The name is taken"), (status = 422, description = "What is wrong with the rule")))]
async fn change(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, rule)): Path<(String, String)>,
    Body(written): Body<Written>,
) -> Result<Json<RuleView>, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ManageRules).await?;
    Ok(Json(rules::put(&app, &ctx, account.id, Some(id(&rule)?), written).await?))
}

fn id(rule: &str) -> Result<RuleId, RulesError> {
    rule.parse().map_err(|_| RulesError::Missing("rule"))
}

/// Remove a rule. What is in force stays as it is until the rules are activated again.
#[utoipa::path(delete, path = "/api/v1/orgs/{org}/rules/{rule}", tag = "rules", responses(
    (status = 204, description = "It is gone"), (status = 404, description = "No such rule in this org")))]
async fn remove(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, rule)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ManageRules).await?;
    rules::remove(&app, &ctx, account.id, id(&rule)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// In which form a preview is wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Form {
    /// `csv` for everybody whom it changes, as a table; `Accept: text/csv` says the same.
    format: Option<String>,
}

fn wants_csv(form: &Form, headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    form.format.as_deref() == Some("csv") || accepted.split(',').any(|one| one.trim().starts_with("text/csv"))
}

/// What activating the rules as they are now would do, person by person. Nothing is written.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/rules/preview", tag = "rules", responses(
    (status = 200, body = shapes::Preview, description = "The difference; its digest is the ETag. As CSV, everybody whom it changes")))]
async fn preview(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    Query(form): Query<Form>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ManageRules).await?;
    if wants_csv(&form, &headers) {
        return Ok(csv::people(rules::preview_rows(&app, &ctx, account.id).await?));
    }
    let preview: Preview = rules::preview(&app, &ctx, account.id).await?;
    let tag = format!("\"{}\"", preview.digest);
    Ok(([(header::ETAG, tag)], Json(preview)).into_response())
}

/// Which rules shall count.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = Activation)]
#[serde(default, deny_unknown_fields)]
struct Activate {
    /// The digest of the preview; `If-Match` says the same.
    digest: Option<String>,
    /// The org's name, where the preview has guards.
    confirm: Option<String>,
}

/// Put the previewed rules in force, for everybody at once.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/rules/activate", tag = "rules", request_body = Activate, responses(
    (status = 200, body = shapes::Activated, description = "They are in force"),
    (status = 409, description = "A guard asks for the org's name in `confirm`"),
    (status = 412, description = "Rules, catalogue or generation have changed since the preview")))]
async fn activate(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    headers: HeaderMap,
    Body(wanted): Body<Activate>,
) -> Result<Json<Activated>, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ManageRules).await?;
    let tag = headers.get(header::IF_MATCH).and_then(|tag| tag.to_str().ok()).map(|tag| tag.trim_matches('"'));
    let digest = wanted.digest.as_deref().or(tag).ok_or_else(|| RulesError::Stale(Vec::new()))?;
    Ok(Json(rules::activate(&app, &ctx, account.id, digest, wanted.confirm.as_deref()).await?))
}

/// What is to be taken back.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = Undoing)]
#[serde(default, deny_unknown_fields)]
struct Undo {
    /// The generation that is meant; whichever is in force, if left out.
    generation: Option<i64>,
}

/// Take the last activation of the last 30 days back.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/rules/undo", tag = "rules", request_body = Undo, responses(
    (status = 200, body = shapes::Generation, description = "The rules before it are in force"),
    (status = 409, description = "There is nothing to undo"), (status = 412, description = "Another generation is in force")))]
async fn undo(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    Body(meant): Body<Undo>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ManageRules).await?;
    let generation = rules::undo(&app, &ctx, account.id, meant.generation).await?;
    Ok(Json(serde_json::json!({"generation": generation})).into_response())
}

/// How the rules shall count no more.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = Deactivation)]
#[serde(default, deny_unknown_fields)]
struct Deactivate {
    /// `revoke`, the default: what they gave is gone. `freeze`: it stays with those who have it, as if given by hand.
    #[schema(value_type = String)]
    how: Deactivation,
    /// The org's name.
    confirm: Option<String>,
}

/// What becomes of the roles.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = DeactivationToPreview)]
#[serde(default, deny_unknown_fields)]
struct How {
    /// `revoke`, the default, or `freeze`.
    #[schema(value_type = String)]
    how: Deactivation,
}

/// What taking the rules out of force would do, person by person. Nothing is written.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/rules/deactivate/preview", tag = "rules", request_body = How, responses(
    (status = 200, body = shapes::Preview, description = "The difference"), (status = 409, description = "No rules are in force")))]
async fn before_deactivating(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    Body(wanted): Body<How>,
) -> Result<Json<Preview>, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ManageRules).await?;
    Ok(Json(rules::before_deactivating(&app, &ctx, account.id, wanted.how).await?))
}

/// Take the rules out of force: with every role that they gave, or leaving these with everybody as roles by hand.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/rules/deactivate", tag = "rules", request_body = Deactivate, responses(
    (status = 200, body = shapes::Generation, description = "No rules are in force"),
    (status = 409, description = "`confirm` must be the org's name; or no rules are in force")))]
async fn deactivate(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    Body(wanted): Body<Deactivate>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ManageRules).await?;
    let generation = rules::deactivate(&app, &ctx, account.id, wanted.how, wanted.confirm.as_deref()).await?;
    Ok(Json(serde_json::json!({"generation": generation})).into_response())
}

/// Claims to try the rules on.
#[derive(Deserialize, ToSchema)]
#[schema(as = ClaimsToTry)]
#[serde(deny_unknown_fields)]
struct Claims {
    /// The connection that would have said them.
    connection: String,
    /// The claims of an ID token.
    #[schema(value_type = Object)]
    claims: Map<String, Value>,
}

/// What the rules as they are edited now would make of these claims. Nothing is written.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/rules/test", tag = "rules", request_body = Claims, responses(
    (status = 200, body = shapes::Tried, description = "Groups, roles and near misses")))]
async fn try_out(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    Body(Claims { connection, claims }): Body<Claims>,
) -> Result<Json<Tried>, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ManageRules).await?;
    Ok(Json(rules::try_out(&app, &ctx, account.id, &connection, &claims).await?))
}

/// What is to be explained.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Of {
    /// Only roles of this service; with a key, the service that it is used at.
    service: Option<String>,
    /// A key of the user, by its id: the answer says what a check of it says, and which step says no.
    key: Option<String>,
    /// For the key: the scope.
    action: Option<String>,
    /// For the key: the type of the entity, where the service has several.
    entity_type: Option<String>,
    /// For the key: what is acted on.
    entity: Option<String>,
}

/// Why a user has the roles that they have, and why not others.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/users/{user}/explain", tag = "rules", responses(
    (status = 200, body = shapes::Explanation, description = "Roles with reasons, groups with the rules they meet, near misses"),
    (status = 404, description = "No such user in this org, or no such key of theirs")))]
async fn explain(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, user)): Path<(String, String)>,
    Query(asked): Query<Of>,
) -> Result<Json<Explanation>, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ManageRules).await?;
    let key = asked.key.map(|id| id.parse().map_err(|_| RulesError::Missing("key of this user"))).transpose()?;
    let (service, action) = (asked.service.as_deref(), asked.action.as_deref());
    let (entity_type, entity) = (asked.entity_type.as_deref(), asked.entity.as_deref());
    let asked = Asked { service, key, action, entity_type, entity };
    Ok(Json(rules::explain(&app, &ctx, account.id, &user, asked).await?))
}
