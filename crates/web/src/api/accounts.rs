//! `/api/v1/accounts`: accounts and what they are entitled to, for operators. `{account}` is a name or an id.

pub(super) mod shapes;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use cardea_gateway::App;
use cardea_gateway::accounts::{self, AccountView, New};
use cardea_gateway::entitlements::{self, EntitlementView};
use cardea_model::Timestamp;
use cardea_model::catalogue::OrgKind;
use cardea_model::entitlement::{Entitlement, State as Held};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::orgs::{Cut, Page};
use crate::extract::{Json as Body, Somebody};
use crate::problem::Problem;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change))
        .routes(routes!(entitlement_list))
        .routes(routes!(entitle, remove))
}

/// The accounts of the instance.
#[utoipa::path(get, path = "/api/v1/accounts", tag = "accounts", responses(
    (status = 200, body = shapes::Accounts, description = "In the order in which they were made"), (status = 403, description = "Only operators")))]
async fn list(State(app): State<App>, Somebody(ctx): Somebody, Query(cut): Query<Cut>) -> Result<Response, Problem> {
    let list = accounts::list(&app, &ctx, &cut.cursor, cut.limit()).await?;
    Ok(Json(Page::of(list, cut.limit(), |account: &AccountView| account.id.to_string())).into_response())
}

/// What a new account shall be.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewAccount)]
#[serde(deny_unknown_fields)]
struct Create {
    /// Without spaces, unique in the instance.
    name: String,
    /// The org's name, unique in the instance; the account's in lower case, if left out.
    #[schema(nullable = false)]
    org: Option<String>,
    /// Whether others than its owner can have rights in it.
    #[schema(value_type = shapes::Kind)]
    kind: OrgKind,
}

/// Make an account, and with it its org. Its owner is invited afterwards.
#[utoipa::path(post, path = "/api/v1/accounts", tag = "accounts", request_body = Create, responses(
    (status = 201, body = shapes::Account, description = "The account"), (status = 403, description = "Only operators"),
    (status = 409, description = "One of the names is taken"), (status = 422, description = "A name that cannot be")))]
async fn create(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Body(Create { name, org, kind }): Body<Create>,
) -> Result<Response, Problem> {
    let made = accounts::create(&app, &ctx, New { name, org, kind }).await?;
    let location = format!("/api/v1/accounts/{}", made.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(made)).into_response())
}

/// One account.
#[utoipa::path(get, path = "/api/v1/accounts/{account}", tag = "accounts", responses(
    (status = 200, body = shapes::Account, description = "The account"), (status = 403, description = "Only operators"),
    (status = 404, description = "No such account")))]
async fn show(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(account): Path<String>,
) -> Result<Json<AccountView>, Problem> {
    Ok(Json(accounts::show(&app, &ctx, &account).await?))
}

/// What shall be another; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[schema(as = AccountChange)]
#[serde(deny_unknown_fields)]
struct Change {
    /// For people: one line of at most 1000 bytes.
    #[schema(nullable = false)]
    description: Option<String>,
    /// Where recovery mail goes; null for nowhere. No owner's own address.
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    recovery_email: Option<Option<String>>,
}

/// What was said, null too.
fn told<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Give an account another description or recovery address.
#[utoipa::path(patch, path = "/api/v1/accounts/{account}", tag = "accounts", request_body = Change, responses(
    (status = 200, body = shapes::Account, description = "The account"), (status = 403, description = "Only operators"),
    (status = 404, description = "No such account"), (status = 422, description = "What is wrong with it")))]
async fn change(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(account): Path<String>,
    Body(Change { description, recovery_email }): Body<Change>,
) -> Result<Json<AccountView>, Problem> {
    Ok(Json(accounts::change(&app, &ctx, &account, description, recovery_email).await?))
}

/// What the account's org was given.
#[utoipa::path(get, path = "/api/v1/accounts/{account}/entitlements", tag = "accounts", responses(
    (status = 200, body = shapes::Entitlements, description = "By service; what is suspended or has ended too"),
    (status = 403, description = "Only operators"), (status = 404, description = "No such account")))]
async fn entitlement_list(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(account): Path<String>,
) -> Result<Response, Problem> {
    let items = entitlements::list(&app, &ctx, &account).await?;
    Ok(Json(json!({"items": items})).into_response())
}

/// How an org shall have a service.
#[derive(Deserialize, ToSchema)]
#[schema(as = EntitlementChange)]
#[serde(deny_unknown_fields)]
struct Entitle {
    /// `active` (the default), or `suspended`, which gives nothing until it is active again.
    #[serde(default)]
    #[schema(value_type = Option<shapes::Held>, nullable = false)]
    state: Held,
    /// When it ends by itself; never, if left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<Timestamp>,
}

/// Give an org a service, until when, or hold it back. A premium one makes an individual org an enterprise, for good.
#[utoipa::path(put, path = "/api/v1/accounts/{account}/entitlements/{service}", tag = "accounts", request_body = Entitle, responses(
    (status = 200, body = shapes::Entitlement, description = "It holds, on this node at once"), (status = 403, description = "Only operators"),
    (status = 404, description = "No such account"), (status = 422, description = "The catalogue has no such service")))]
async fn entitle(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((account, service)): Path<(String, String)>,
    Body(Entitle { state, ends_at }): Body<Entitle>,
) -> Result<Json<EntitlementView>, Problem> {
    Ok(Json(entitlements::put(&app, &ctx, &account, Entitlement { service, state, ends_at }).await?))
}

/// Take a service from an org. Roles and keys stay stored and give nothing of it.
#[utoipa::path(delete, path = "/api/v1/accounts/{account}/entitlements/{service}", tag = "accounts", responses(
    (status = 204, description = "It is gone"), (status = 403, description = "Only operators"),
    (status = 404, description = "No such account, or it does not have the service")))]
async fn remove(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((account, service)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    entitlements::remove(&app, &ctx, &account, &service).await?;
    Ok(StatusCode::NO_CONTENT)
}
