//! The routes: metadata, single sign-on and single logout.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Form, OriginalUri, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse as _, Redirect as Found, Response};
use axum::routing::{get, post};
use url::form_urlencoded;

use super::logout::{Redirect, logout_response};
use super::modes::MetadataMode;
use super::provider::Shared;
use super::request::{LogoutSeen, RequestError, RequestSeen};
use super::shapes::hash;
use super::switches;
use super::time::instant;
use crate::page;
use crate::people::Person;

/// The status codes of a request that allowed no page while nobody was signed in (SAML core §3.2.2.2).
const NO_PASSIVE: [&str; 2] =
    ["urn:oasis:names:tc:SAML:2.0:status:Responder", "urn:oasis:names:tc:SAML:2.0:status:NoPassive"];
/// The form field that says which request is answered: its place among those seen.
const REQUEST: &str = "request";

pub(crate) type Fields = Form<Vec<(String, String)>>;

pub(crate) fn router(path: &str, shared: Arc<Shared>) -> Router {
    let routes = Router::new()
        .route("/metadata", get(metadata))
        .route("/sso", get(ask_by_redirect).post(ask_by_form))
        .route("/sso/choose", post(choose))
        .route("/slo", get(leave_by_redirect).post(leave_by_form))
        .route("/submit.js", get(submit))
        .route("/switches", get(switches::show).post(switches::press))
        .with_state(shared);
    if path.is_empty() { routes } else { Router::new().nest(path, routes) }
}

/// `GET /metadata`, with an `ETag`.
async fn metadata(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let status = shared
        .metadata_modes()
        .iter()
        .find_map(|mode| if let MetadataMode::Status(code) = mode { StatusCode::from_u16(*code).ok() } else { None });
    if let Some(status) = status {
        return (status, "the simulated provider was told to fail").into_response();
    }
    let text = shared.metadata();
    let tag = format!("\"{}\"", hash(&text));
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response();
    }
    ([(CONTENT_TYPE, "application/samlmetadata+xml".to_owned()), (ETAG, tag)], Body::from(text)).into_response()
}

/// `GET /submit.js`: the page posts itself; where scripts do not run, its button does.
async fn submit() -> Response {
    ([(CONTENT_TYPE, "text/javascript")], "document.forms[0].submit();").into_response()
}

/// `GET /sso`.
async fn ask_by_redirect(State(shared): State<Arc<Shared>>, OriginalUri(uri): OriginalUri) -> Response {
    let request = RequestSeen::of_url(&uri.to_string());
    ask(&shared, request, query_value(&uri, "simulate_user"))
}

/// `POST /sso`.
async fn ask_by_form(
    State(shared): State<Arc<Shared>>,
    OriginalUri(uri): OriginalUri,
    Form(fields): Fields,
) -> Response {
    let message = value(&fields, "SAMLRequest").ok_or(RequestError::Missing);
    let request = message.and_then(|message| RequestSeen::of_form(message, value(&fields, "RelayState")));
    ask(&shared, request, query_value(&uri, "simulate_user"))
}

fn ask(shared: &Shared, request: Result<RequestSeen, RequestError>, user: Option<String>) -> Response {
    let request = match request {
        Ok(request) => request,
        Err(why) => return page::error(StatusCode::BAD_REQUEST, &why.to_string()),
    };
    let at = {
        let mut memory = shared.memory();
        memory.requests.push(request.clone());
        memory.requests.len() - 1
    };
    if let Some(why) = misfit(shared, &request) {
        return page::error(StatusCode::BAD_REQUEST, why);
    }
    let people = shared.memory().people.clone();
    let person = user.and_then(|user| people.iter().find(|person| person.is_called(&user)).cloned());
    match (person, people.first()) {
        (Some(person), _) => answer(shared, &request, &person),
        (None, Some(someone)) if request.is_passive => {
            let message = shared.refuse(&request, someone, &NO_PASSIVE.map(str::to_owned));
            send(shared, &request, &message)
        }
        (None, _) => {
            let action = shared.settings.endpoint("/sso/choose");
            let hidden = std::iter::once((REQUEST.to_owned(), at.to_string()));
            page::choose(people, "", &request.issuer, &action, hidden)
        }
    }
}

/// What a strict provider finds wrong with a request.
fn misfit(shared: &Shared, request: &RequestSeen) -> Option<&'static str> {
    let service = shared.service(request);
    if request.issuer != service.entity_id {
        return Some("the issuer of the request is not registered here");
    }
    // Responses carry identities: they go to the registered address only (SAML profiles §4.1.4.1).
    if request.acs.as_ref().is_some_and(|acs| *acs != service.acs) || service.acs.is_empty() {
        return Some("the AssertionConsumerServiceURL is not registered for this service");
    }
    if request.destination.as_ref().is_some_and(|to| *to != shared.settings.endpoint("/sso")) {
        return Some("the request is addressed to somebody else");
    }
    None
}

/// `POST /sso/choose`: a button was pressed.
async fn choose(State(shared): State<Arc<Shared>>, Form(fields): Fields) -> Response {
    let at: Option<usize> = value(&fields, REQUEST).and_then(|at| at.parse().ok());
    let (request, person) = {
        let memory = shared.memory();
        let request = at.and_then(|at| memory.requests.get(at).cloned());
        (request, value(&fields, page::PERSON).and_then(|name| memory.person(name)))
    };
    match (request, person) {
        (Some(request), Some(person)) => answer(&shared, &request, &person),
        (None, _) | (_, None) => page::error(StatusCode::BAD_REQUEST, "nobody here is called so"),
    }
}

fn answer(shared: &Shared, request: &RequestSeen, person: &Person) -> Response {
    let message = shared.respond(request, person);
    send(shared, request, &message)
}

/// The form that carries the response to the service (SAML bindings §3.5.4).
fn send(shared: &Shared, request: &RequestSeen, message: &str) -> Response {
    let relay_state = request.relay_state.as_ref().map(|state| page::hidden_field("RelayState", state));
    let body = format!(
        r#"<h1>Signing you in</h1><form method="post" action="{}">{}{}<button>Continue</button></form>"#,
        page::escaped(&shared.service(request).acs),
        page::hidden_field("SAMLResponse", message),
        relay_state.unwrap_or_default(),
    );
    page::page_with_script("Signing in", &body, &shared.settings.endpoint("/submit.js"))
}

/// `GET /slo`.
async fn leave_by_redirect(State(shared): State<Arc<Shared>>, OriginalUri(uri): OriginalUri) -> Response {
    leave(&shared, LogoutSeen::of_url(&uri.to_string()))
}

/// `POST /slo`.
async fn leave_by_form(State(shared): State<Arc<Shared>>, Form(fields): Fields) -> Response {
    let message = value(&fields, "SAMLRequest").or(value(&fields, "SAMLResponse")).ok_or(RequestError::Missing);
    leave(&shared, message.and_then(|message| LogoutSeen::of_form(message, value(&fields, "RelayState"))))
}

fn leave(shared: &Shared, seen: Result<LogoutSeen, RequestError>) -> Response {
    let seen = match seen {
        Ok(seen) => seen,
        Err(why) => return page::error(StatusCode::BAD_REQUEST, &why.to_string()),
    };
    shared.memory().logouts.push(seen.clone());
    let (true, Some(slo)) = (seen.kind == "LogoutRequest", shared.slo()) else {
        return page::signed_out();
    };
    let issued = instant(shared.now());
    let xml = logout_response(&shared.fresh_id(), &issued, &slo, &shared.settings.entity_id, &seen.id);
    let key = shared.memory().keys.current.clone();
    let redirect = Redirect::new("SAMLResponse", &xml, seen.relay_state.as_deref(), key.method());
    Found::to(&format!("{slo}?{}", redirect.signed(&key, key.method()))).into_response()
}

/// The first value of a field.
pub(crate) fn value<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
}

fn query_value(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
