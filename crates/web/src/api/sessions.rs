//! `/api/v1/me/sessions` and `/api/v1/me/password`: where a person is signed in, and by what.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use cardea_gateway::session::own::{self, OwnSession};
use cardea_gateway::session::{self, Opened};
use cardea_gateway::{App, GatewayError, factors};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::orgs::{Cut, Page};
use crate::extract::{Json as Body, Somebody, bearer};
use crate::login::keep_session;
use crate::problem::Problem;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, end_all))
        .routes(routes!(end))
        .routes(routes!(end_others))
        .routes(routes!(change_password))
}

/// A session of yours.
#[derive(ToSchema)]
#[schema(as = Session)]
#[expect(dead_code, reason = "described and never made: what is sent is the gateway's type")]
struct SessionShape {
    id: String,
    /// The connection that you came through, or `password`.
    through: String,
    #[schema(format = DateTime)]
    began_at: String,
    /// To the minute.
    #[schema(format = DateTime)]
    last_used_at: String,
    /// Whether it is the one that asks.
    current: bool,
}

/// A page of your sessions.
#[derive(ToSchema)]
#[schema(as = Sessions)]
#[expect(dead_code, reason = "described and never made: what is sent is the gateway's type")]
struct SessionsShape {
    items: Vec<SessionShape>,
    /// Where the next page begins; without one this is the last.
    #[schema(nullable = false)]
    cursor: Option<String>,
}

/// Your session goes on under another secret.
#[derive(Serialize, ToSchema)]
struct Renewed {
    /// When it ends at the latest, as before.
    #[schema(format = DateTime)]
    expires_at: String,
    /// The new bearer token, for whoever sent one; a browser is given a cookie instead, which no script can read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    token: Option<String>,
}

/// The password that you have, and the one that you want.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordChange {
    /// The one that you sign in with, asked for again.
    current: String,
    /// At least 9 characters: an upper-case and a lower-case letter, a digit, a special character; hard to guess.
    new: String,
}

/// Your sessions in the account that you came in by, the newest first.
#[utoipa::path(get, path = "/api/v1/me/sessions", tag = "me", responses(
    (status = 200, body = SessionsShape, description = "The newest first"), (status = 401, description = "No live session")))]
async fn list(State(app): State<App>, Somebody(ctx): Somebody, Query(cut): Query<Cut>) -> Result<Response, Problem> {
    let list = own::list(&app, &ctx, &cut.cursor, cut.limit()).await?;
    Ok(Json(Page::of(list, cut.limit(), |session: &OwnSession| session.id.to_string())).into_response())
}

/// End all of your sessions, this one too. Your keys live on.
#[utoipa::path(delete, path = "/api/v1/me/sessions", tag = "me", responses(
    (status = 204, description = "Every session of yours has ended"), (status = 401, description = "No live session")))]
async fn end_all(State(app): State<App>, Somebody(ctx): Somebody) -> Result<StatusCode, Problem> {
    session::sign_out_everywhere(&app, &ctx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End one of your sessions; it may be this one.
#[utoipa::path(delete, path = "/api/v1/me/sessions/{id}", tag = "me", responses(
    (status = 204, description = "It has ended, on every node"), (status = 404, description = "Not one of yours, or ended before")))]
async fn end(State(app): State<App>, Somebody(ctx): Somebody, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let id = id.parse().map_err(|_| GatewayError::Missing("session"))?;
    own::end(&app, &ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End all of your sessions but this one, which goes on under another secret. Your keys live on.
#[utoipa::path(post, path = "/api/v1/me/sessions/end-others", tag = "me", responses(
    (status = 200, body = Renewed, description = "Every other session of yours has ended"), (status = 401, description = "No live session")))]
async fn end_others(State(app): State<App>, Somebody(ctx): Somebody, headers: HeaderMap) -> Result<Response, Problem> {
    let opened = own::end_others(&app, &ctx).await?;
    Ok(renewed(&app, &headers, opened))
}

/// Change your password. Every other session of yours ends; this one goes on under another secret. Your keys live on.
#[utoipa::path(post, path = "/api/v1/me/password", tag = "me", request_body = PasswordChange, responses(
    (status = 200, body = Renewed, description = "It is changed, and a message says so to your address"),
    (status = 403, description = "`wrong_password`: the current one is another"),
    (status = 409, description = "`no_password`: you sign in through a provider"),
    (status = 422, description = "`weak_password`, with what to do about it, or `same_password`"),
    (status = 429, description = "Too many wrong passwords; wait")))]
async fn change_password(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    headers: HeaderMap,
    Body(body): Body<PasswordChange>,
) -> Result<Response, Problem> {
    let opened = factors::change_password(&app, &ctx, body.current.into(), body.new.into()).await?;
    Ok(renewed(&app, &headers, opened))
}

/// The new secret goes back the way the old one came.
fn renewed(app: &App, headers: &HeaderMap, opened: Opened) -> Response {
    let by_token = bearer(headers).is_some();
    let token = by_token.then(|| opened.secret.clone());
    let mut response = Json(Renewed { expires_at: opened.expires_at.to_string(), token }).into_response();
    if !by_token {
        keep_session(app, &mut response, &opened);
    }
    response
}
