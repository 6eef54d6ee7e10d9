//! `/api/v1/orgs/{org}/service-keys`: the keys of an org, which are nobody's.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use cardea_gateway::keys::service::{self, Recipe, Wanted};
use cardea_gateway::keys::{self, Change, Reached, Whose};
use cardea_gateway::{App, Ctx, people};
use cardea_model::Permission;
use cardea_model::key::{Expiry, GrantSpec};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::keys::{Created, Keys, Rotate, created, expiry, key_id};
use super::shapes::keys as shapes;
use super::version::{if_match, with_etag};
use crate::extract::{Json as Body, Somebody, once};
use crate::problem::Problem;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(recipes))
        .routes(routes!(preview))
        .routes(routes!(get, change, delete))
        .routes(routes!(rotate))
        .routes(routes!(end_grace))
        .routes(routes!(revoke))
        .routes(routes!(reach))
}

/// The service keys of the org that is named, for whoever may manage them.
async fn of(app: &App, ctx: &Ctx, org: &str) -> Result<Whose, Problem> {
    let account = people::account_of(app, ctx, org, Permission::ManageServiceKeys).await?;
    Ok(Whose::Service(account.id))
}

/// What a new service key shall be; exactly one of `expires_in`, `expires_at` and `never`.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewServiceKey)]
#[serde(deny_unknown_fields)]
struct Create {
    /// Unique among the org's service keys.
    name: String,
    /// A span such as `90d`, or a number of seconds.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    expires_in: Option<Expiry>,
    /// The last instant.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Expiry>,
    /// It does not expire.
    #[serde(default)]
    never: bool,
    /// What it may do. `*` is for every scope that there is now. Without entities a grant is for those of the org:
    /// `org/*` and `org/*/*`, which are two values.
    #[schema(value_type = Vec<shapes::Grant>)]
    grants: Vec<GrantSpec>,
}

/// The service keys of the org.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/service-keys", tag = "service keys", responses(
    (status = 200, body = Keys, description = "Oldest first"), (status = 403, description = "Only owners and user_admins")))]
async fn list(State(app): State<App>, Somebody(ctx): Somebody, Path(org): Path<String>) -> Result<Response, Problem> {
    let whose = of(&app, &ctx, &org).await?;
    Ok(Json(Keys { keys: keys::list(&app, &ctx, &whose).await? }).into_response())
}

/// Make a service key. It is the org's, not yours: it lives on when you go. Its secret stands in this answer and nowhere
/// else. With an `Idempotency-Key` a repeated request makes no second key, as for personal keys.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/service-keys", tag = "service keys", request_body = Create, responses(
    (status = 201, body = Created, description = "The key with its secret"),
    (status = 403, description = "Only owners and user_admins"),
    (status = 409, description = "`key_limit_reached`, `key_name_taken` or `idempotency_replay`"),
    (status = 422, description = "A name, expiry or grant that cannot be")))]
async fn create(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    headers: HeaderMap,
    Body(body): Body<Create>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ManageServiceKeys).await?;
    let expiry = expiry(body.expires_in, body.expires_at, body.never)?;
    let wanted = Wanted { name: body.name, expiry, grants: body.grants, once: once(&headers) };
    let folder = format!("/api/v1/orgs/{}/service-keys", account.org_name);
    created(service::create(&app, &ctx, account.id, wanted).await, &folder)
}

/// Ready-made grants.
#[derive(Serialize, ToSchema)]
struct Recipes {
    #[schema(value_type = Vec<shapes::Recipe>)]
    recipes: Vec<Recipe>,
}

/// Ready-made grants, with the org's name filled in.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/service-keys/recipes", tag = "service keys", responses(
    (status = 200, body = Recipes, description = "By service"), (status = 403, description = "Only owners and user_admins")))]
async fn recipes(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ManageServiceKeys).await?;
    Ok(Json(Recipes { recipes: service::recipes(&app, &ctx, account.id).await? }).into_response())
}

/// What a service key is to be for.
#[derive(Deserialize, ToSchema)]
#[schema(as = ServiceKeyDraft)]
#[serde(deny_unknown_fields)]
struct Draft {
    #[schema(value_type = Vec<shapes::Grant>)]
    grants: Vec<GrantSpec>,
}

/// What a service key with these grants would reach.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/service-keys/preview", tag = "service keys", request_body = Draft, responses(
    (status = 200, body = shapes::Reached, description = "Part by part; nothing else is reached"),
    (status = 422, description = "A grant that cannot be")))]
async fn preview(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    Body(body): Body<Draft>,
) -> Result<Json<Reached>, Problem> {
    let whose = of(&app, &ctx, &org).await?;
    Ok(Json(keys::preview(&app, &ctx, &whose, body.grants).await?))
}

/// One of the org's service keys.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/service-keys/{id}", tag = "service keys", responses(
    (status = 200, body = shapes::Key, description = "The key; its version is the ETag"), (status = 404, description = "Not one of the org's")))]
async fn get(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let whose = of(&app, &ctx, &org).await?;
    let key = keys::get(&app, &ctx, &whose, key_id(&id)?).await?;
    Ok(with_etag(key.version, &key))
}

/// What changes of a service key; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[schema(as = ServiceKeyChange)]
#[serde(deny_unknown_fields)]
struct Patch {
    #[serde(default)]
    name: Option<String>,
    /// `false` switches it off, `true` on again.
    #[serde(default)]
    active: Option<bool>,
    /// What it may do from now on, in the place of all that it might.
    #[serde(default)]
    #[schema(value_type = Option<Vec<shapes::Grant>>)]
    grants: Option<Vec<GrantSpec>>,
}

/// Rename a service key, give it other grants, or switch it off or on.
#[utoipa::path(patch, path = "/api/v1/orgs/{org}/service-keys/{id}", tag = "service keys", request_body = Patch, responses(
    (status = 200, body = shapes::Key, description = "The key as it is now"), (status = 404, description = "Not one of the org's"),
    (status = 409, description = "Ended keys do not change"), (status = 412, description = "Changed since you read it")))]
async fn change(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, id)): Path<(String, String)>,
    headers: HeaderMap,
    Body(patch): Body<Patch>,
) -> Result<Response, Problem> {
    let whose = of(&app, &ctx, &org).await?;
    let version = if_match(&headers)?;
    let change = Change { name: patch.name, active: patch.active, grants: patch.grants, version };
    let key = keys::change(&app, &ctx, &whose, key_id(&id)?, change).await?;
    Ok(with_etag(key.version, &key))
}

/// Delete a service key, at once and for good.
#[utoipa::path(delete, path = "/api/v1/orgs/{org}/service-keys/{id}", tag = "service keys", responses(
    (status = 204, description = "Gone"), (status = 404, description = "Not one of the org's")))]
async fn delete(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let whose = of(&app, &ctx, &org).await?;
    keys::delete(&app, &ctx, &whose, key_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a service key another secret; the old one works beside it until its grace is over.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/service-keys/{id}/rotate", tag = "service keys", request_body = Rotate, responses(
    (status = 200, body = Created, description = "The key with its new secret"), (status = 404, description = "Not one of the org's"),
    (status = 409, description = "`key_state`"), (status = 412, description = "Changed since you read it"),
    (status = 422, description = "A grace or an expiry that cannot be, or none where one is needed")))]
async fn rotate(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, id)): Path<(String, String)>,
    headers: HeaderMap,
    Body(body): Body<Rotate>,
) -> Result<Response, Problem> {
    let whose = of(&app, &ctx, &org).await?;
    let rotated = keys::rotate(&app, &ctx, &whose, key_id(&id)?, body.rotation(&headers)?).await?;
    Ok(with_etag(rotated.key.version, &Created::from(rotated)))
}

/// End the grace of the old secret now.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/service-keys/{id}/end-grace", tag = "service keys", responses(
    (status = 200, body = shapes::Key, description = "The key, of which one secret works"), (status = 404, description = "Not one of the org's"),
    (status = 409, description = "`no_grace`: no old secret works any more")))]
async fn end_grace(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let whose = of(&app, &ctx, &org).await?;
    let key = keys::end_grace(&app, &ctx, &whose, key_id(&id)?).await?;
    Ok(with_etag(key.version, &key))
}

/// Revoke a service key for good.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/service-keys/{id}/revoke", tag = "service keys", responses(
    (status = 204, description = "It works nowhere any more"), (status = 404, description = "Not one of the org's")))]
async fn revoke(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let whose = of(&app, &ctx, &org).await?;
    keys::revoke(&app, &ctx, &whose, key_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a service key reaches now, and in the future.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/service-keys/{id}/reach", tag = "service keys", responses(
    (status = 200, body = shapes::Reached, description = "Part by part; nothing else is reached"), (status = 404, description = "Not one of the org's")))]
async fn reach(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, id)): Path<(String, String)>,
) -> Result<Json<Reached>, Problem> {
    let whose = of(&app, &ctx, &org).await?;
    Ok(Json(keys::reach_of(&app, &ctx, &whose, key_id(&id)?).await?))
}
