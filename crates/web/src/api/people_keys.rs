//! `/api/v1/orgs/{org}/…`: the keys of an org's people, as its admins see and revoke them, and what the org wants of keys.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cardea_gateway::keys::{self, PersonsKey, Policy, Whose};
use cardea_gateway::{App, people};
use cardea_model::Permission;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::keys::{Keys, key_id, span};
use super::orgs::{Cut, Page};
use super::shapes::keys as shapes;
use crate::extract::{Json as Body, Somebody};
use crate::problem::Problem;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(all))
        .routes(routes!(of_user))
        .routes(routes!(revoke))
        .routes(routes!(policy, set_policy))
}

/// The personal and legacy keys of all people of the org.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/keys", tag = "people", params(Cut), responses(
    (status = 200, body = shapes::PersonsKeys, description = "Oldest first, each with its user"),
    (status = 403, description = "Only owners and user_admins")))]
async fn all(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    Query(cut): Query<Cut>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::RevokeKeys).await?;
    let list = keys::of_people(&app, &ctx, account.id, &cut.cursor, cut.limit()).await?;
    Ok(Json(Page::of(list, cut.limit(), |key: &PersonsKey| key.key.id.to_string())).into_response())
}

/// The keys of a user in this org.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/users/{user}/keys", tag = "people", responses(
    (status = 200, body = Keys, description = "Oldest first"), (status = 404, description = "No such user in this org")))]
async fn of_user(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, user)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SeeUsers).await?;
    let keys = keys::list(&app, &ctx, &Whose::User(account.id, user)).await?;
    Ok(Json(Keys { keys }).into_response())
}

/// Revoke a key of a user for good; they are told.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/users/{user}/keys/{id}/revoke", tag = "people", responses(
    (status = 204, description = "It works nowhere any more"), (status = 403, description = "Only owners and user_admins"),
    (status = 404, description = "No such key of this user in this org")))]
async fn revoke(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, user, id)): Path<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::RevokeKeys).await?;
    keys::revoke(&app, &ctx, &Whose::User(account.id, user), key_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the org wants of its keys.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/key-policy", tag = "orgs", responses(
    (status = 200, body = shapes::KeyPolicy, description = "How long keys may live, and whether legacy keys work")))]
async fn policy(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
) -> Result<Json<Policy>, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SeeOrg).await?;
    Ok(Json(keys::policy(&app, &ctx, account.id).await?))
}

/// What an org is to want of its keys.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewKeyPolicy)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The longest life of a new key, such as `90d`; then none lives for ever. `null` for any.
    max_age: Option<String>,
    /// Whether legacy keys are made and work here.
    #[serde(default)]
    legacy: bool,
}

/// Say what the org wants of its keys. Keys that stand keep their expiry; legacy keys stop or work at once.
#[utoipa::path(put, path = "/api/v1/orgs/{org}/key-policy", tag = "orgs", request_body = Wanted, responses(
    (status = 200, body = shapes::KeyPolicy, description = "What holds from now on"), (status = 403, description = "Only owners"),
    (status = 422, description = "`invalid_max_age`")))]
async fn set_policy(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Policy>, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SetKeyPolicy).await?;
    let policy = Policy { max_age: span(wanted.max_age.as_deref())?, legacy: wanted.legacy };
    Ok(Json(keys::set_policy(&app, &ctx, account.id, policy).await?))
}
