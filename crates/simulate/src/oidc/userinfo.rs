//! The userinfo endpoint (OpenID Connect Core §5.3): the claims of the person as they are now.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde_json::{Map, Value, json};

use super::claims::userinfo_claims;
use super::modes::UserinfoMode;
use super::requests::RequestSeen;
use super::state::Shared;

/// `GET` and `POST /userinfo`; the token comes as a bearer or in the form (RFC 6750 §2.1, §2.2).
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(seen): Extension<RequestSeen>,
    headers: HeaderMap,
) -> Response {
    match token(&seen, &headers).and_then(|token| claims(&shared, token)) {
        Some(claims) => Json(Value::Object(claims)).into_response(),
        None => {
            let challenge = [(WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")];
            (StatusCode::UNAUTHORIZED, challenge).into_response()
        }
    }
}

fn token<'a>(seen: &'a RequestSeen, headers: &'a HeaderMap) -> Option<&'a str> {
    let Some(header) = headers.get(AUTHORIZATION) else {
        let posted = seen.form.iter().find(|(name, _)| name == "access_token");
        return posted.map(|(_, value)| value.as_str());
    };
    let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

fn claims(shared: &Shared, token: &str) -> Option<Map<String, Value>> {
    let memory = shared.memory();
    let issued = memory.access_tokens.get(token)?;
    if issued.expires_at < shared.now() {
        return None;
    }
    let person = memory.person(&issued.grant.person)?;
    let mut claims = userinfo_claims(&shared.settings, person, &issued.grant);
    for mode in memory.modes.userinfo() {
        match mode {
            UserinfoMode::OtherSub => {
                claims.insert("sub".to_owned(), json!("00u-somebody-else"));
            }
            UserinfoMode::NoSub => {
                claims.remove("sub");
            }
        }
    }
    Some(claims)
}
