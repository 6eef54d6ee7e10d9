//! What browsers carry between SAML identity providers and us, and what we publish to them.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use cardea_gateway::login::ending::{self, Message};
use cardea_gateway::login::{LoginError, Received};
use cardea_gateway::{App, saml};

use crate::extract::Visitor;
use crate::leaving::uncached;
use crate::login::{come_back, see_other, signed_out};
use crate::problem::Problem;

/// The addresses that our metadata names, and its own.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/saml/{connection}/acs", post(response_posted))
        .route("/saml/{connection}/metadata", get(metadata))
        .route("/saml/{connection}/slo", get(query).post(form))
}

/// A SAML response (SAML bindings §3.5). What came as `RelayState` is not looked at: where the person goes stands in our own
/// row.
async fn response_posted(
    State(app): State<App>,
    Visitor(ctx): Visitor,
    Path(connection): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let mut responses = url::form_urlencoded::parse(&body).filter(|(name, _)| name == "SAMLResponse");
    // Of two readers of a repeated field each might choose another one.
    let field = responses.next().filter(|_| responses.next().is_none()).map(|(_, value)| value.into_owned());
    come_back(&app, &ctx, &connection, &headers, Received::Response(field.unwrap_or_default())).await
}

/// What an admin gives to the identity provider.
async fn metadata(State(app): State<App>, Path(connection): Path<String>) -> Result<Response, Problem> {
    let missing = || Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such SAML connection");
    let text = saml::metadata(&app, &connection).await?.ok_or_else(missing)?;
    Ok(([(header::CONTENT_TYPE, "application/samlmetadata+xml")], text).into_response())
}

async fn query(
    State(app): State<App>,
    Visitor(ctx): Visitor,
    Path(connection): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    left(&app, ending::by_message(&app, &ctx, &connection, Message::Query(query.unwrap_or_default())).await)
}

async fn form(
    State(app): State<App>,
    Visitor(ctx): Visitor,
    Path(connection): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let (mut messages, mut relay_state) = (Vec::new(), None);
    for (name, value) in url::form_urlencoded::parse(&body) {
        match name.as_ref() {
            "SAMLRequest" | "SAMLResponse" => messages.push((name.into_owned(), value.into_owned())),
            "RelayState" => relay_state = Some(value.into_owned()),
            _ => {}
        }
    }
    // Of two messages each reader might choose another one.
    let only = messages.pop().filter(|_| messages.is_empty());
    let (parameter, value) = only.unwrap_or_default();
    left(&app, ending::by_message(&app, &ctx, &connection, Message::Form { parameter, value, relay_state }).await)
}

fn left(app: &App, result: Result<Option<url::Url>, LoginError>) -> Result<Response, Problem> {
    let answer = match result? {
        Some(back) => see_other(back.as_str())?,
        None => signed_out(app, None)?,
    };
    Ok(uncached(answer))
}
