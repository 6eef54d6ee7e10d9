//! The routes, and the one middleware that logs each request and spoils whole answers.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};

use super::requests::RequestSeen;
use super::spoil::spoil;
use super::state::Shared;
use super::{authorize, discovery, logout, token, userinfo};

/// Bytes that a form may have.
const FORM_LIMIT: usize = 64 * 1024;

pub(crate) fn router(prefix: &str, shared: Arc<Shared>) -> Router {
    let routes = Router::new()
        .route("/.well-known/openid-configuration", get(discovery::metadata))
        .route("/jwks", get(discovery::jwks))
        .route("/rogue-jwks", get(discovery::rogue_jwks))
        .route("/authorize", get(authorize::ask).post(authorize::ask))
        .route("/authorize/choose", post(authorize::choose))
        .route("/token", post(token::redeem))
        .route("/userinfo", get(userinfo::show).post(userinfo::show))
        .route("/end_session", get(logout::end_session))
        .layer(from_fn_with_state(shared.clone(), record))
        .with_state(shared);
    if prefix.is_empty() { routes } else { Router::new().nest(prefix, routes) }
}

/// Reads the request once for all: handlers find it as a [`RequestSeen`] among the extensions.
async fn record(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, FORM_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let seen = RequestSeen::read(&parts, &body);
    let answer = {
        let mut memory = shared.memory();
        memory.requests.push(seen.clone());
        memory.modes.answer(&seen.path)
    };
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(seen.clone());
    match answer {
        Some(answer) => spoil(answer, &shared, &seen, request, next).await,
        None => next.run(request).await,
    }
}
