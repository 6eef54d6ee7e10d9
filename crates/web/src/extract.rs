//! What handlers are given: who asks, and a body that was understood.

use std::net::{IpAddr, SocketAddr};

use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use cardea_gateway::state::format::parse;
use cardea_gateway::{App, Ctx, GatewayError, accounts, check, session};
use cardea_model::id::RequestId;
use cardea_model::{Caller, Denied};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::cookie::Cookie;
use crate::envelope::made_out;
use crate::problem::Problem;

/// A request whose caller does not matter, or is made out later.
pub(crate) struct Visitor(pub(crate) Ctx);

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let fresh = app.ctx(Caller::Nobody);
        let request = parts.extensions.get::<RequestId>().copied().unwrap_or(fresh.request);
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let trusted = |ip| app.settings.trusted_proxies.iter().any(|network| network.contains(&ip));
        let ip = peer.map(|peer| origin(peer, &parts.headers, trusted));
        Ok(Self(Ctx { request, ip, ..fresh }))
    }
}

/// Where a request came from: the peer, or before a proxy that is trusted whoever it says, and so on from the right. What
/// stands left of the first address that is not trusted may be anybody's invention.
fn origin(peer: IpAddr, headers: &HeaderMap, trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut origin = peer.to_canonical();
    let lines: Vec<_> = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
    for hop in lines.join(",").rsplit(',').map(str::trim) {
        if !trusted(origin) {
            break;
        }
        // Some proxies add the port.
        let read = hop.parse::<IpAddr>().or_else(|_| hop.parse::<SocketAddr>().map(|address| address.ip()));
        match read {
            Ok(ip) => origin = ip.to_canonical(),
            Err(_) => break,
        }
    }
    origin
}

/// Whoever asks, by session cookie, bearer token of a session, or operator token; [`Caller::Nobody`] if nobody valid.
pub(crate) struct Anybody(pub(crate) Ctx);

impl FromRequestParts<App> for Anybody {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Visitor(ctx) = Visitor::from_request_parts(parts, app).await?;
        let caller = match (bearer(&parts.headers), Cookie::Session.read(app, &parts.headers)) {
            // A leaked key must not open what only people open; a wrong one is nobody's.
            (Some(token), _) if is_key(token) && living(app, token, &ctx).await? => {
                let detail = "keys are for services; sign in with a session to do this";
                return Err(Problem::new(StatusCode::FORBIDDEN, "key_not_allowed", detail));
            }
            (Some(token), _) if token.starts_with("cdao_") => accounts::operator(app, token).await?,
            (Some(secret), _) | (None, Some(secret)) => session::caller(app, secret, ctx.now).await?,
            (None, None) => Caller::Nobody,
        };
        let ctx = ctx.with(caller);
        made_out(&parts.extensions, &ctx);
        Ok(Self(ctx))
    }
}

/// Somebody: as [`Anybody`], but 401 for nobody.
pub(crate) struct Somebody(pub(crate) Ctx);

impl FromRequestParts<App> for Somebody {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Anybody(ctx) = Anybody::from_request_parts(parts, app).await?;
        if ctx.caller == Caller::Nobody {
            return Err(GatewayError::Denied(Denied::Unknown).into());
        }
        Ok(Self(ctx))
    }
}

async fn living(app: &App, token: &str, ctx: &Ctx) -> Result<bool, Problem> {
    Ok(check::is_living(app, token, ctx.now).await.map_err(GatewayError::Database)?)
}

fn is_key(token: &str) -> bool {
    parse(token).is_ok_and(|parsed| parsed.prefix.key_kind().is_some())
}

/// What the caller calls a request that is to be done once, by the `Idempotency-Key` header.
pub(crate) fn once(headers: &HeaderMap) -> Option<String> {
    // What is no text is no name, and is refused where the name is read.
    headers.get("idempotency-key").map(|value| value.to_str().unwrap_or_default().to_owned())
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
            serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof
            | serde_json::error::Category::Io => (StatusCode::BAD_REQUEST, "malformed_json"),
        };
        Problem::new(status, code, error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed_and_from_the_right() {
        let trusted = |ip: IpAddr| ["10.0.0.1", "10.0.0.2"].iter().any(|proxy| proxy.parse() == Ok(ip));
        for (peer, lines, from) in [
            ("192.0.2.9", &["198.51.100.7"][..], "192.0.2.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("::ffff:10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.5, 198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.5, 198.51.100.7, 10.0.0.2"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.5", "198.51.100.7", "10.0.0.2"], "198.51.100.7"),
            ("10.0.0.1", &["198.51.100.7:4711"], "198.51.100.7"),
            ("10.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("10.0.0.1", &["198.51.100.7, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["nonsense, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &[""], "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            assert_eq!(origin(peer.parse().unwrap(), &headers, trusted).to_string(), from, "{peer} {lines:?}");
        }
    }
}
