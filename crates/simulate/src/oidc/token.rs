//! The token endpoint: a code becomes tokens (OpenID Connect Core §3.1.3).

use std::sync::Arc;

use aws_lc_rs::error::Unspecified;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::assertion::{self, Expected};
use super::claims::{id_token_claims, spoil};
use super::code::{ACCESS_TOKEN_LIFE, Grant, Issued};
use super::modes::TokenMode;
use super::requests::RequestSeen;
use super::settings::ProviderSettings;
use super::sign::compact;
use super::state::{Memory, Shared};
use crate::chance::random_text;

/// Why no token is given (RFC 6749 §5.2).
enum Refusal {
    Client,
    Request(&'static str),
    GrantType,
    Grant(&'static str),
    Crypto,
}

impl From<Unspecified> for Refusal {
    fn from(_: Unspecified) -> Refusal {
        Refusal::Crypto
    }
}

/// `POST /token`.
pub(crate) async fn redeem(
    State(shared): State<Arc<Shared>>,
    Extension(seen): Extension<RequestSeen>,
    headers: HeaderMap,
) -> Response {
    let answer = authenticate(&shared, &seen, &headers)
        .and_then(|()| take_code(&shared, &seen))
        .and_then(|(code, grant)| tokens(&shared, &code, &grant));
    match answer {
        Ok(body) => ([(CACHE_CONTROL, "no-store")], Json(Value::Object(body))).into_response(),
        Err(refusal) => refuse(&refusal),
    }
}

/// Basic or post, but not both (RFC 6749 §2.3); a client whose keys are known proves itself by them and by nothing else.
fn authenticate(shared: &Shared, seen: &RequestSeen, headers: &HeaderMap) -> Result<(), Refusal> {
    let (settings, posted) = (&shared.settings, form(seen, "client_secret"));
    let keys = shared.memory().client_keys.clone();
    if let Some(keys) = keys {
        let audience = settings.endpoint("/token");
        let expected = Expected { keys: &keys, client_id: &settings.client_id, audience: &audience, now: shared.now() };
        let assertion = form(seen, "client_assertion").unwrap_or_default();
        let alone = headers.get(AUTHORIZATION).is_none() && posted.is_none();
        let named = form(seen, "client_assertion_type") == Some(assertion::TYPE);
        let proven = alone && named && assertion::proves(assertion, &expected, &mut shared.memory().assertions);
        return if proven { Ok(()) } else { Err(Refusal::Client) };
    }
    let (id, secret) = match (headers.get(AUTHORIZATION), posted) {
        (Some(_), Some(_)) => return Err(Refusal::Request("two ways of client authentication")),
        (Some(header), None) => basic(header.to_str().unwrap_or_default()).ok_or(Refusal::Client)?,
        (None, Some(secret)) => (form(seen, "client_id").unwrap_or_default().to_owned(), secret.to_owned()),
        (None, None) => return Err(Refusal::Client),
    };
    if id == settings.client_id && secret == settings.client_secret { Ok(()) } else { Err(Refusal::Client) }
}

/// Id and secret are form-encoded before they are joined (RFC 6749 §2.3.1).
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |part: &str| {
        let (name, _) = form_urlencoded::parse(part.as_bytes()).next().unwrap_or_default();
        name.into_owned()
    };
    Some((decoded(id), decoded(secret)))
}

/// Takes the code out of memory: whatever is wrong with the rest, it is spent.
fn take_code(shared: &Shared, seen: &RequestSeen) -> Result<(String, Grant), Refusal> {
    if form(seen, "grant_type") != Some("authorization_code") {
        return Err(Refusal::GrantType);
    }
    let code = form(seen, "code").ok_or(Refusal::Request("the code is missing"))?;
    let mut memory = shared.memory();
    // RFC 6749 §4.1.2: a code used twice ends what was issued for it.
    if let Some(access_token) = memory.redeemed.get(code).cloned() {
        memory.access_tokens.remove(&access_token);
        return Err(Refusal::Grant("the code was used before"));
    }
    let issued = memory.codes.remove(code).ok_or(Refusal::Grant("the code is unknown"))?;
    if issued.expires_at < shared.now() {
        return Err(Refusal::Grant("the code is too old"));
    }
    if form(seen, "redirect_uri") != Some(issued.grant.redirect_uri.as_str()) {
        return Err(Refusal::Grant("the redirect_uri is not the one of the request"));
    }
    if !issued.grant.is_proved_by(form(seen, "code_verifier").unwrap_or_default()) {
        return Err(Refusal::Grant("the code_verifier does not fit the code_challenge"));
    }
    Ok((code.to_owned(), issued.grant))
}

fn tokens(shared: &Shared, code: &str, grant: &Grant) -> Result<Map<String, Value>, Refusal> {
    let now = shared.now();
    let access_token = random_text()?;
    let mut memory = shared.memory();
    let id_token = id_token(&shared.settings, &mut memory, grant, &access_token, now)?;
    memory.redeemed.insert(code.to_owned(), access_token.clone());
    let expires_at = now.saturating_add(ACCESS_TOKEN_LIFE);
    memory.access_tokens.insert(access_token.clone(), Issued { grant: grant.clone(), expires_at });

    let mut body = Map::new();
    body.insert("access_token".to_owned(), json!(access_token));
    body.insert("token_type".to_owned(), json!("Bearer"));
    body.insert("expires_in".to_owned(), json!(ACCESS_TOKEN_LIFE));
    body.insert("scope".to_owned(), json!(grant.scope));
    body.insert("id_token".to_owned(), json!(id_token));
    for mode in memory.modes.token() {
        match mode {
            TokenMode::TypeMac => drop(body.insert("token_type".to_owned(), json!("mac"))),
            TokenMode::NoIdToken => drop(body.remove("id_token")),
            TokenMode::NoAccessToken => drop(body.remove("access_token")),
            TokenMode::EarlierIdToken => {
                let earlier = memory.earlier_id_token.as_ref().unwrap_or(&id_token);
                body.insert("id_token".to_owned(), json!(earlier));
            }
        }
    }
    memory.earlier_id_token = Some(id_token);
    Ok(body)
}

fn id_token(
    settings: &ProviderSettings,
    memory: &mut Memory,
    grant: &Grant,
    access_token: &str,
    now: i64,
) -> Result<String, Refusal> {
    let person = memory.person(&grant.person).ok_or(Refusal::Grant("the person has left"))?;
    let mut claims = id_token_claims(settings, person, grant, access_token, now);
    for mode in memory.modes.claims() {
        spoil(&mut claims, mode, settings, now);
    }
    Ok(compact(settings, memory, "JWT", &claims)?)
}

/// A parameter of the form; the token endpoint reads none from its query (RFC 6749 §2.3.1).
fn form<'a>(seen: &'a RequestSeen, name: &str) -> Option<&'a str> {
    seen.form.iter().find(|(present, _)| present == name).map(|(_, value)| value.as_str())
}

fn refuse(refusal: &Refusal) -> Response {
    let (status, error, why) = match refusal {
        Refusal::Client => (StatusCode::UNAUTHORIZED, "invalid_client", "unknown client or wrong secret"),
        Refusal::Request(why) => (StatusCode::BAD_REQUEST, "invalid_request", *why),
        Refusal::GrantType => (StatusCode::BAD_REQUEST, "unsupported_grant_type", "only authorization_code is offered"),
        Refusal::Grant(why) => (StatusCode::BAD_REQUEST, "invalid_grant", *why),
        Refusal::Crypto => (StatusCode::INTERNAL_SERVER_ERROR, "server_error", "signing failed"),
    };
    let body = Json(json!({ "error": error, "error_description": why }));
    let mut response = (status, [(CACHE_CONTROL, "no-store")], body).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let challenge = axum::http::HeaderValue::from_static("Basic realm=\"simulated provider\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}
