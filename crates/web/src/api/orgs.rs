//! `/api/v1/orgs/{org}/…`: what owners and user_admins see and do. `{org}` is a name or an id, `{user}` an id or an address.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cardea_gateway::people::{self, Find, Show, UserDetail};
use cardea_gateway::revocation::{self, Shown};
use cardea_gateway::{App, GatewayError, audit, connections};
use cardea_model::Permission;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::shapes;
use crate::extract::Somebody;
use crate::problem::Problem;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(users))
        .routes(routes!(user))
        .routes(routes!(deactivate))
        .routes(routes!(reactivate))
        .routes(routes!(receipts))
        .routes(routes!(receipt))
        .routes(routes!(connection_list))
        .routes(routes!(audit_log))
}

/// How a list is cut: at the most `limit` (1 to 200, 50 if not given) entries after `cursor`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Cut {
    /// At the most so many, 1 to 200; 50 if not given.
    limit: Option<i64>,
    /// Where the page before ended: its `cursor`.
    #[serde(default)]
    pub(crate) cursor: String,
    /// A part of a name or an address; users are found by it.
    #[serde(default)]
    pub(crate) q: String,
}

impl Cut {
    pub(crate) fn limit(&self) -> i64 {
        self.limit.unwrap_or(50).clamp(1, 200)
    }
}

/// A page of a list; without a cursor it is the last.
#[derive(Serialize)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cursor: Option<String>,
}

impl<T> Page<T> {
    pub(super) fn of(items: Vec<T>, limit: i64, cursor: impl Fn(&T) -> String) -> Self {
        let full = i64::try_from(items.len()).is_ok_and(|count| count == limit);
        let cursor = items.last().filter(|_| full).map(cursor);
        Self { items, cursor }
    }
}

/// Which users.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// By what is known of their roles and access: `everybody`, `by_hand`, `by_rules`, `without_role` or `suspended`.
    #[serde(default)]
    #[param(value_type = Option<shapes::Show>)]
    show: Show,
    /// Only who has a role in the team of this name.
    #[serde(default)]
    team: Option<String>,
}

/// The users of the org with their roles and the reasons; `q` searches names and addresses. Who manages teams only sees who
/// has a role in one of them, and those roles. Where not everybody is listed, a page may be short, or empty, and have a cursor
/// all the same.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/users", tag = "people", responses(
    (status = 200, body = shapes::Users, description = "By id"), (status = 403, description = "Only owners and user_admins"),
    (status = 404, description = "No such org for you")))]
async fn users(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    Query(cut): Query<Cut>,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SeeUsers).await?;
    let find = Find { after: &cut.cursor, part: &cut.q, show: which.show, team: which.team.as_deref() };
    let list = people::list(&app, &ctx, account.id, find, cut.limit()).await?;
    Ok(Json(Page { items: list.users, cursor: list.next }).into_response())
}

/// One user: identities, holds, roles with reasons, how many keys and sessions live.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/users/{user}", tag = "people", responses(
    (status = 200, body = shapes::UserDetail, description = "The user"), (status = 404, description = "No such user in this org")))]
async fn user(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, user)): Path<(String, String)>,
) -> Result<Json<UserDetail>, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SeeUsers).await?;
    Ok(Json(people::show(&app, &ctx, account.id, &user).await?))
}

/// End everything a user holds in this account; answered once it is committed and this node refuses.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/users/{user}/deactivate", tag = "people", responses(
    (status = 200, body = shapes::ReceiptLink, description = "It is over; the receipt tells what ended"), (status = 403, description = "Owners are out of an admin's reach"),
    (status = 404, description = "No such user in this org")))]
async fn deactivate(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, user)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::DeactivateUsers).await?;
    let ended = people::deactivate(&app, &ctx, account.id, &user).await?;
    Ok(Json(serde_json::json!({"receipt": ended.receipt})).into_response())
}

/// Lift the hold that `deactivate` put. What ended stays dead: the user signs in again and makes new keys.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/users/{user}/reactivate", tag = "people", responses(
    (status = 204, description = "The hold is lifted"), (status = 409, description = "No such hold stands"),
    (status = 404, description = "No such user in this org")))]
async fn reactivate(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, user)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::DeactivateUsers).await?;
    if people::reactivate(&app, &ctx, account.id, &user).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    let detail = "nothing that you could lift holds this user; a directory's hold is lifted by the directory";
    Err(Problem::new(StatusCode::CONFLICT, "no_hold", detail))
}

/// Receipts of ended access, newest first.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/revocations", tag = "evidence", responses(
    (status = 200, body = shapes::Receipts, description = "Newest first, each with every node's time")))]
async fn receipts(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    Query(cut): Query<Cut>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SeeReceipts).await?;
    let list = revocation::receipts(&app, &ctx, account.id, cut.cursor.parse().ok(), cut.limit()).await?;
    Ok(Json(Page::of(list, cut.limit(), |receipt: &Shown| receipt.seq.to_string())).into_response())
}

/// One receipt: the cause, the commit, each node's time, what ended and what was left.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/revocations/{receipt}", tag = "evidence", responses(
    (status = 200, body = shapes::Receipt, description = "The receipt"), (status = 404, description = "No such receipt in this org")))]
async fn receipt(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, receipt)): Path<(String, String)>,
) -> Result<Json<Shown>, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SeeReceipts).await?;
    let id = receipt.parse().map_err(|_| GatewayError::Missing("receipt"))?;
    Ok(Json(revocation::receipt(&app, &ctx, account.id, id).await?))
}

/// The identity providers of the org's account.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/connections", tag = "identity", responses(
    (status = 200, body = shapes::Connections, description = "By name; no secrets")))]
async fn connection_list(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SeeConnections).await?;
    let items = connections::list(&app, &ctx, account.id).await?;
    Ok(Json(Page { items, cursor: None }).into_response())
}

/// The audit log of the org's account, newest first.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/audit", tag = "evidence", responses(
    (status = 200, body = shapes::Events, description = "Newest first")))]
async fn audit_log(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    Query(cut): Query<Cut>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::ReadAudit).await?;
    let list = audit::list(&app, &ctx, account.id, &cut.cursor, cut.limit()).await?;
    Ok(Json(Page::of(list, cut.limit(), |event: &audit::EventView| event.id.to_string())).into_response())
}
