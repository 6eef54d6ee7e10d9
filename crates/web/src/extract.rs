//! What handlers are given: who asks, and a body that was understood.

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use cardea_gateway::{App, Ctx, accounts, session};
use cardea_model::id::RequestId;
use cardea_model::{Caller, Denied};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::cookie::Cookie;
use crate::problem::Problem;

/// A request whose caller does not matter, or is made out later.
pub(crate) struct Visitor(pub(crate) Ctx);

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let fresh = app.ctx(Caller::Nobody);
        let request = parts.extensions.get::<RequestId>().copied().unwrap_or(fresh.request);
        let ip = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        Ok(Self(Ctx { request, ip, ..fresh }))
    }
}

/// Whoever asks, by session cookie, bearer token of a session, or operator token; [`Caller::Nobody`] if nobody valid.
pub(crate) struct Anybody(pub(crate) Ctx);

impl FromRequestParts<App> for Anybody {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Visitor(ctx) = Visitor::from_request_parts(parts, app).await?;
        let caller = match (bearer(&parts.headers), Cookie::Session.read(app, &parts.headers)) {
            (Some(token), _) if token.starts_with("cdao_") => accounts::operator(app, token).await?,
            (Some(secret), _) | (None, Some(secret)) => session::caller(app, secret, ctx.now).await?,
            (None, None) => Caller::Nobody,
        };
        Ok(Self(ctx.with(caller)))
    }
}

/// Somebody: as [`Anybody`], but 401 for nobody.
pub(crate) struct Somebody(pub(crate) Ctx);

impl FromRequestParts<App> for Somebody {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Anybody(ctx) = Anybody::from_request_parts(parts, app).await?;
        if ctx.caller == Caller::Nobody {
            return Err(cardea_gateway::GatewayError::Denied(Denied::Unknown).into());
        }
        Ok(Self(ctx))
    }
}

/// The token of an `Authorization: Bearer` header (RFC 6750 §2.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A JSON body: 415 for another content type, 413 for too much, 400 with the place for what is no JSON, 422 for JSON of
/// another shape.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let detail = "send a body of content type `application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
        }
        read_json(&body(request, app).await?).map(Self)
    }
}

/// Whether the content type is JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json") || essence.to_ascii_lowercase().ends_with("+json")
}

/// The whole body, if it is not larger than allowed.
pub(crate) async fn body(request: Request, app: &App) -> Result<Bytes, Problem> {
    let too_large = |_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is larger than 1 MiB");
    Bytes::from_request(request, app).await.map_err(too_large)
}

/// Reads JSON; the error says where.
pub(crate) fn read_json<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (status, code) = match error.classify() {
            serde_json::error::Category::Data => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_value"),
            serde_json::error::Category::Syntax | serde_json::error::Category::Eof | serde_json::error::Category::Io => {
                (StatusCode::BAD_REQUEST, "malformed_json")
            }
        };
        Problem::new(status, code, error.to_string())
    })
}
