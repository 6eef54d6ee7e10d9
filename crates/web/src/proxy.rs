//! `/auth/check`: a reverse proxy asks whether it may let a request through. Whoever sends the request shows a key; what is
//! asked of it the proxy says, and what is known of it the proxy is told in headers.
//!
//! | proxy | asks | question | yes |
//! |---|---|---|---|
//! | nginx (`auth_request`) | `GET /auth/check` | headers that it sets, or the query of its own address | 204 |
//! | Traefik (`ForwardAuth`) | `GET /auth/check?…` | the query of its own address: headers it copies from anybody | 204 |
//! | Envoy (`ext_authz`) | any method, `/auth/check` and the whole path and query of the request | headers that it adds | 200, for Envoy takes no other |
//!
//! It stands beside the key checks, on a router without layers.

use std::borrow::Cow;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use cardea_gateway::App;
use cardea_gateway::check::{Allowed, Ask, Verdict, check_for_holder};
use cardea_gateway::registry::USER;
use cardea_model::key::Reason;

use crate::basic;
use crate::check::{MOST_LABELS, finish};
use crate::exposed;
use crate::extract::bearer;
use crate::problem::Problem;

const PATH: &str = "/auth/check";

/// The parts of a question: the header that says it, and the parameter of the proxy's own address.
const PARTS: [(&str, &str); 6] = [
    ("x-cardea-service", "service"),
    ("x-cardea-action", "action"),
    ("x-cardea-entity-type", "entity_type"),
    ("x-cardea-entity", "entity"),
    ("x-cardea-labels", "labels"),
    ("x-cardea-operation", "operation"),
];

/// What is said of whoever may. All of them stand in every yes, if need be empty: a proxy that copies them then never lets
/// one through that the request brought along.
const IDENTITY: [HeaderName; 5] = [
    HeaderName::from_static("x-cardea-key-id"),
    HeaderName::from_static("x-cardea-kind"),
    HeaderName::from_static("x-cardea-org"),
    HeaderName::from_static("x-cardea-user"),
    HeaderName::from_static("x-cardea-expires-at"),
];

/// The routes.
pub(crate) fn routes() -> Router<App> {
    Router::new().route(PATH, any(whole)).route("/auth/check/", any(below)).route("/auth/check/{*path}", any(below))
}

/// May the request go through? Show a key in `Authorization`, as a bearer token or by HTTP Basic as `$oauthtoken`. The
/// question stands in the query, or else in headers `X-Cardea-Service`, `X-Cardea-Action`, `X-Cardea-Entity-Type`,
/// `X-Cardea-Entity`, `X-Cardea-Labels` and `X-Cardea-Operation`. Any method is taken, and no body is read. Below this
/// address (`/auth/check/…`) only the headers count, and a yes is 200.
#[utoipa::path(get, path = "/auth/check", tag = "keys", params(
    ("service" = Option<String>, Query, description = "The service; then no header counts"),
    ("action" = Option<String>, Query, description = "The scope"),
    ("entity_type" = Option<String>, Query, description = "The type of the entity, where the service has several"),
    ("entity" = Option<String>, Query, description = "What is acted on"),
    ("labels" = Option<String>, Query, description = "What it is marked with, with commas between"),
    ("operation" = Option<String>, Query, description = "By which operation")), responses(
    (status = 204, description = "Yes; whose key it is stands in `X-Cardea-Key-Id`, `X-Cardea-Kind`, `X-Cardea-Org`, `X-Cardea-User` and `X-Cardea-Expires-At`"),
    (status = 401, description = "No key that holds"), (status = 403, description = "The key may not"),
    (status = 503, description = "No answer can be trusted now")))]
pub(crate) async fn whole(State(app): State<App>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    finish(&app, answer(&app, &headers, query.as_deref(), StatusCode::NO_CONTENT).await)
}

/// Below it the path and the query are those of the request itself, which may say what they like.
async fn below(State(app): State<App>, headers: HeaderMap) -> Response {
    finish(&app, answer(&app, &headers, None, StatusCode::OK).await)
}

async fn answer(app: &App, headers: &HeaderMap, query: Option<&str>, yes: StatusCode) -> Result<Response, Problem> {
    if query.is_some_and(exposed::holds_key) {
        return Err(exposed::refusal());
    }
    let key = key(headers).ok_or_else(unauthorized)?;
    let parts = question(headers, query.unwrap_or_default())?;
    let part = |name: &str| parts.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_ref());
    let labels: Vec<Cow<'_, str>> = part("labels").into_iter().flat_map(|all| all.split(',')).map(trimmed).collect();
    if labels.len() > MOST_LABELS {
        return Err(refused("too_many_labels", "a question has at most 8 labels"));
    }
    let ask = Ask {
        key: &key,
        // Without a name there is no such service: the key is judged first, whatever else is missing.
        service: part("service").unwrap_or_default(),
        action: part("action").unwrap_or_default(),
        entity_type: part("entity_type"),
        entity: part("entity"),
        labels: &labels,
        operation: part("operation"),
    };
    match check_for_holder(app, &ask).await? {
        Verdict::Allowed(allowed) => Ok(said(&allowed, yes)),
        Verdict::Denied(reason) => Err(no(reason)),
    }
}

fn trimmed(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text.trim())
}

/// The key that is shown, in one way and once.
fn key(headers: &HeaderMap) -> Option<String> {
    let mut shown = headers.get_all(header::AUTHORIZATION).iter();
    if let (Some(_), Some(_)) = (shown.next(), shown.next()) {
        return None;
    }
    let by_name = || {
        let decoded = basic::decode(headers)?;
        decoded.split_once(':').filter(|(user, _)| *user == USER).map(|(_, key)| key.to_owned())
    };
    bearer(headers).map(str::to_owned).or_else(by_name)
}

/// What is asked. Where the proxy's own address says anything of it, no header counts: the proxy may have copied them from
/// the request. What stands there twice is refused, or each of two programs might see another one.
fn question<'q>(headers: &'q HeaderMap, query: &'q str) -> Result<Vec<(&'static str, Cow<'q, str>)>, Problem> {
    let twice = || refused("question_twice", "a part of the question stands there twice");
    let mut parts: Vec<(&'static str, Cow<'q, str>)> = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let Some((_, part)) = PARTS.into_iter().find(|(_, part)| *part == name) else { continue };
        if parts.iter().any(|(known, _)| *known == part) {
            return Err(twice());
        }
        parts.push((part, value));
    }
    if parts.is_empty() {
        for (header, part) in PARTS {
            let mut values = headers.get_all(header).iter();
            let (Some(value), None) = (values.next(), values.next()) else {
                if headers.contains_key(header) {
                    return Err(twice());
                }
                continue;
            };
            let value = value.to_str().map_err(|_| refused("question_unreadable", "a header is no text"))?;
            parts.push((part, Cow::Borrowed(value.trim())));
        }
    }
    parts.retain(|(_, value)| !value.is_empty());
    Ok(parts)
}

fn said(allowed: &Allowed, yes: StatusCode) -> Response {
    let user = allowed.user.map(|user| user.to_string()).unwrap_or_default();
    let expires_at = allowed.expires_at.map(|at| at.to_string()).unwrap_or_default();
    let values = [allowed.key.to_string(), allowed.kind.as_str().to_owned(), allowed.org.to_string(), user, expires_at];
    let mut response = yes.into_response();
    for (name, value) in IDENTITY.into_iter().zip(values) {
        // Ids, words and names of orgs: letters, digits and marks.
        response.headers_mut().insert(name, HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("")));
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A key that does not hold is 401 without a word why; one that holds hears what is missing.
fn no(reason: Reason) -> Problem {
    match reason {
        Reason::Malformed
        | Reason::UnknownKey
        | Reason::Expired
        | Reason::Disabled
        | Reason::Suspended
        | Reason::Revoked
        | Reason::Superseded
        | Reason::Ended
        | Reason::LegacyOff
        | Reason::ReauthRequired => unauthorized(),
        Reason::UnknownService
        | Reason::ServiceNotYours
        | Reason::UnknownAction
        | Reason::UnknownEntityType
        | Reason::EntityRequired
        | Reason::BadEntity
        | Reason::ServiceNotEnabled
        | Reason::NotEntitled
        | Reason::ServiceNotGranted
        | Reason::ActionNotGranted
        | Reason::EntityMismatch
        | Reason::OperationDenied
        | Reason::NoRole => refused(reason.as_str(), "this key may not do that"),
    }
}

fn unauthorized() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "show a key that is valid in `Authorization`")
}

fn refused(code: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, code, detail)
}
