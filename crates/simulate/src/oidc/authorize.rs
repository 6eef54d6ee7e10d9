//! The authorization endpoint: who signs in, and what is sent back (OpenID Connect Core §3.1.2).

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use url::Url;

use super::code::Grant;
use super::modes::ResponseMode;
use super::page;
use super::requests::RequestSeen;
use super::state::Shared;
use crate::chance::random_text;
use crate::people::Person;

/// A request that may be answered by a redirect.
struct Asked {
    redirect_uri: String,
    state: Option<String>,
    scope: String,
    nonce: Option<String>,
    challenge: String,
}

/// Why a request is refused.
enum Refusal {
    /// Said on a page: when the client or the address is unknown, nothing may be sent there (RFC 6749 §4.1.2.1).
    Page(&'static str),
    /// The error travels back to the client.
    Back { redirect_uri: String, state: Option<String>, error: &'static str, why: &'static str },
}

/// `GET` and `POST /authorize`.
pub(crate) async fn ask(State(shared): State<Arc<Shared>>, Extension(seen): Extension<RequestSeen>) -> Response {
    let answer = read(&shared, &seen).and_then(|asked| match at_once(&shared, &seen) {
        Some(person) => Ok(send_code(&shared, asked, &person)),
        None if seen.parameter("prompt") == Some("none") => Err(nobody_signed_in(asked)),
        None => Ok(page::choose(&shared, &seen)),
    });
    answer.unwrap_or_else(|refusal| refuse(&shared, refusal))
}

/// `POST /authorize/choose`: a button was pressed.
pub(crate) async fn choose(State(shared): State<Arc<Shared>>, Extension(seen): Extension<RequestSeen>) -> Response {
    let chosen = seen.parameter(page::PERSON).unwrap_or_default();
    let person = shared.memory().person(chosen).cloned();
    let answer = read(&shared, &seen).and_then(|asked| match person {
        Some(person) => Ok(send_code(&shared, asked, &person)),
        None => Err(Refusal::Page("nobody here is called so")),
    });
    answer.unwrap_or_else(|refusal| refuse(&shared, refusal))
}

/// `prompt=none` forbids the page (OpenID Connect Core §3.1.2.1), and there is no session to go by.
fn nobody_signed_in(asked: Asked) -> Refusal {
    Refusal::Back {
        redirect_uri: asked.redirect_uri,
        state: asked.state,
        error: "login_required",
        why: "nobody is signed in at this provider",
    }
}

fn read(shared: &Shared, seen: &RequestSeen) -> Result<Asked, Refusal> {
    if seen.parameter("client_id") != Some(shared.settings.client_id.as_str()) {
        return Err(Refusal::Page("the client_id is not registered here"));
    }
    let redirect_uri = seen.parameter("redirect_uri").unwrap_or_default().to_owned();
    // Exact comparison, RFC 9700 §2.1: prefixes and wildcards leak codes.
    if !shared.memory().redirect_uris.contains(&redirect_uri) {
        return Err(Refusal::Page("the redirect_uri is not registered for this client"));
    }
    let state = seen.parameter("state").map(str::to_owned);
    let back = |error, why| Err(Refusal::Back { redirect_uri: redirect_uri.clone(), state: state.clone(), error, why });
    if seen.parameter("response_type") != Some("code") {
        return back("unsupported_response_type", "only response_type=code is offered");
    }
    let scope = seen.parameter("scope").unwrap_or_default().to_owned();
    if !scope.split(' ').any(|word| word == "openid") {
        return back("invalid_scope", "the scope openid is missing");
    }
    // A strict provider on purpose: a client that forgets PKCE or uses `plain` is found at once.
    let challenge = seen.parameter("code_challenge").unwrap_or_default().to_owned();
    if seen.parameter("code_challenge_method") != Some("S256") || challenge.len() != 43 {
        return back("invalid_request", "PKCE with code_challenge_method=S256 is demanded");
    }
    let nonce = seen.parameter("nonce").map(str::to_owned);
    Ok(Asked { redirect_uri, state, scope, nonce, challenge })
}

/// The person who signs in without a page, if any.
fn at_once(shared: &Shared, seen: &RequestSeen) -> Option<Person> {
    let memory = shared.memory();
    if let Some(name) = seen.parameter("simulate_user") {
        return memory.person(name).cloned();
    }
    if !shared.settings.auto_sign_in || seen.parameter("prompt").is_some() {
        return None;
    }
    memory.person(seen.parameter("login_hint")?).cloned()
}

fn send_code(shared: &Shared, asked: Asked, person: &Person) -> Response {
    let Ok(sid) = random_text() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let grant = Grant {
        person: person.name.clone(),
        redirect_uri: asked.redirect_uri.clone(),
        scope: asked.scope,
        nonce: asked.nonce,
        challenge: asked.challenge,
        auth_time: shared.now(),
        sid,
    };
    let issued = shared.memory().issue_code(grant);
    match issued {
        Ok(code) => respond(shared, &asked.redirect_uri, asked.state.as_deref(), vec![("code", code)]),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn refuse(shared: &Shared, refusal: Refusal) -> Response {
    match refusal {
        Refusal::Page(why) => page::error(StatusCode::BAD_REQUEST, why),
        Refusal::Back { redirect_uri, state, error, why } => {
            let parameters = vec![("error", error.to_owned()), ("error_description", why.to_owned())];
            respond(shared, &redirect_uri, state.as_deref(), parameters)
        }
    }
}

/// The redirect back, with `state` and `iss` (RFC 9207 §2), spoilt if so told.
fn respond(
    shared: &Shared,
    redirect_uri: &str,
    state: Option<&str>,
    mut parameters: Vec<(&'static str, String)>,
) -> Response {
    if let Some(state) = state {
        parameters.push(("state", state.to_owned()));
    }
    parameters.push(("iss", shared.settings.issuer.clone()));
    for mode in shared.memory().modes.response() {
        spoil(&mut parameters, mode);
    }
    let Ok(mut address) = Url::parse(redirect_uri) else {
        return page::error(StatusCode::BAD_REQUEST, "the registered redirect_uri is no URL");
    };
    address.query_pairs_mut().extend_pairs(parameters);
    Redirect::to(address.as_str()).into_response()
}

fn spoil(parameters: &mut Vec<(&'static str, String)>, mode: ResponseMode) {
    match mode {
        ResponseMode::NoState => parameters.retain(|(name, _)| *name != "state"),
        ResponseMode::WrongState => set(parameters, "state", "a-state-that-nobody-sent"),
        ResponseMode::NoIss => parameters.retain(|(name, _)| *name != "iss"),
        ResponseMode::WrongIss => set(parameters, "iss", "https://other-idp.example"),
        ResponseMode::DuplicateCode => {
            let code = parameters.iter().find(|(name, _)| *name == "code").cloned();
            parameters.extend(code);
        }
        ResponseMode::Error { error, description } => {
            parameters.retain(|(name, _)| *name != "code");
            parameters.push(("error", error));
            parameters.push(("error_description", description));
        }
    }
}

fn set(parameters: &mut Vec<(&'static str, String)>, name: &'static str, value: &str) {
    parameters.retain(|(present, _)| *present != name);
    parameters.push((name, value.to_owned()));
}
