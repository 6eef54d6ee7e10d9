//! What OpenID providers send to sign somebody out.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use cardea_gateway::App;
use cardea_gateway::login::LoginError;
use cardea_gateway::login::ending;
use cardea_model::{Fault as _, Kind};
use serde::Deserialize;
use serde_json::json;

use crate::extract::Visitor;
use crate::login::say_when;
use crate::problem::{Problem, status};

/// What providers call, from their servers and in frames of browsers.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/oidc/{connection}/backchannel-logout", post(token))
        .route("/oidc/{connection}/frontchannel-logout", get(frame))
}

/// OpenID Connect Back-Channel Logout 1.0 §2.5 and §2.8.
async fn token(State(app): State<App>, Visitor(ctx): Visitor, Path(connection): Path<String>, body: Bytes) -> Response {
    let mut tokens = url::form_urlencoded::parse(&body).filter(|(name, _)| name == "logout_token");
    let token = tokens.next().filter(|_| tokens.next().is_none()).map(|(_, value)| value).unwrap_or_default();
    let answer = match ending::by_token(&app, &ctx, &connection, &token).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => refused(&error),
    };
    uncached(answer)
}

fn refused(error: &LoginError) -> Response {
    let kind = error.kind();
    let code = match kind {
        Kind::Missing | Kind::TooMany(_) | Kind::Unavailable | Kind::Internal => status(kind),
        Kind::Invalid | Kind::Unprocessable | Kind::Unauthenticated | Kind::Refused | Kind::Conflict | Kind::Stale => {
            StatusCode::BAD_REQUEST
        }
    };
    let body = json!({"error": "invalid_request", "error_description": error.to_string()});
    let mut response = (code, axum::Json(body)).into_response();
    say_when(&mut response, kind);
    response
}

#[derive(Deserialize)]
struct Frame {
    #[serde(default)]
    iss: String,
    #[serde(default)]
    sid: String,
}

/// OpenID Connect Front-Channel Logout 1.0 §3: an empty page in a frame of the provider's.
async fn frame(
    State(app): State<App>,
    Visitor(ctx): Visitor,
    Path(connection): Path<String>,
    Query(said): Query<Frame>,
) -> Result<Response, Problem> {
    ending::by_frame(&app, &ctx, &connection, &said.iss, &said.sid).await?;
    let mut response = uncached(StatusCode::OK.into_response());
    // It shows nothing, so whoever frames it gains nothing.
    let framed = HeaderValue::from_static("default-src 'none'; frame-ancestors *");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, framed);
    Ok(response)
}

/// Nobody keeps it.
pub(crate) fn uncached(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
