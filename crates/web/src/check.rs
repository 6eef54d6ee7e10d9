//! `POST /api/v1/keys/check`: the hot path. A router of its own without any layer, no `Value`, no log line on an answer.

use std::borrow::Cow;
use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use cardea_gateway::App;
use cardea_gateway::check::{Allowed, Ask, Asker, CheckError, Verdict, authenticate, check};
use cardea_model::Timestamp;
use cardea_model::id::{KeyId, RequestId, UserId};
use cardea_model::key::KeyKind;
use serde::{Deserialize, Serialize};

use crate::basic;
use crate::extract::{is_json, read_json};
use crate::problem::Problem;

const LARGEST: usize = 16 << 10;
/// How long a body may be on its way: a question fits into a packet or two.
const PATIENCE: Duration = Duration::from_secs(10);

/// The route; its body may have 16 KiB.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/api/v1/keys/check", post(answer)).layer(DefaultBodyLimit::max(LARGEST))
}

/// The body, or why there is none.
pub(crate) struct Body(Result<Bytes, Problem>);

impl FromRequest<App> for Body {
    type Rejection = Infallible;

    async fn from_request(request: Request, app: &App) -> Result<Self, Infallible> {
        Ok(Self(match tokio::time::timeout(PATIENCE, Bytes::from_request(request, app)).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(_)) => {
                Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is larger than 16 KiB"))
            }
            // Whoever sends a byte a minute holds a connection for nothing.
            Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body did not come within 10 s")),
        }))
    }
}

/// The question, borrowed from the body wherever it holds no escapes.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = Question)]
struct Question<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    service: Cow<'a, str>,
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow, default)]
    entity_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    entity: Option<Cow<'a, str>>,
}

/// The yes.
#[derive(Serialize)]
struct Yes<'a> {
    allowed: bool,
    key_id: KeyId,
    kind: KeyKind,
    org: &'a str,
    user: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

/// The no.
#[derive(Serialize)]
struct No {
    allowed: bool,
    reason: &'static str,
}

/// May this key do this? Authenticate as a client by HTTP Basic; the reason of a no is for you, not for the key's holder.
#[utoipa::path(post, path = "/api/v1/keys/check", tag = "keys", request_body = Question<'_>, responses(
    (status = 200, body = crate::api::shapes::Verdict, description = "Yes or no"),
    (status = 401, description = "Not a client's credentials"), (status = 403, description = "Not a resource server"),
    (status = 408, description = "The body did not come within 10 s"),
    (status = 413, description = "More than 16 KiB"), (status = 503, description = "No answer can be trusted now")))]
pub(crate) async fn answer(State(app): State<App>, headers: HeaderMap, Body(body): Body) -> Response {
    match try_answer(&app, &headers, body).await {
        Ok(response) => response,
        Err(problem) => {
            let id = RequestId::new(app.clock.now(), &*app.random).to_string();
            if let Some(cause) = &problem.cause {
                tracing::error!(request.id = id, cause, "a key check could not be answered");
            }
            let mut response = problem.render(&id);
            if response.status() == StatusCode::UNAUTHORIZED {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, basic::CHALLENGE);
            }
            response
        }
    }
}

async fn try_answer(app: &App, headers: &HeaderMap, body: Result<Bytes, Problem>) -> Result<Response, Problem> {
    let body = body?;
    let asker = client(app, headers).await?;
    if !is_json(headers) {
        let detail = "send a body of content type `application/json`";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
    }
    let question: Question<'_> = read_json(&body)?;
    let ask = Ask {
        key: &question.key,
        service: &question.service,
        action: &question.action,
        entity_type: question.entity_type.as_deref(),
        entity: question.entity.as_deref(),
    };
    let json = match check(app, &asker, &ask).await? {
        Verdict::Allowed(allowed) => serde_json::to_vec(&yes(&allowed)),
        Verdict::Denied(reason) => serde_json::to_vec(&No { allowed: false, reason: reason.as_str() }),
    };
    let mut response = json.unwrap_or_default().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn yes(allowed: &Allowed) -> Yes<'_> {
    Yes {
        allowed: true,
        key_id: allowed.key,
        kind: allowed.kind,
        org: &allowed.org,
        user: allowed.user,
        expires_at: allowed.expires_at,
    }
}

/// Makes out the client by HTTP Basic (RFC 6749 §2.3.1).
async fn client(app: &App, headers: &HeaderMap) -> Result<Asker, Problem> {
    let refused = || {
        let mut problem = Problem::from(CheckError::Client);
        problem.detail = "authenticate with the client's id and secret by HTTP Basic".to_owned();
        problem
    };
    let decoded = basic::decode(headers).ok_or_else(refused)?;
    let (id, secret) = basic::split(&decoded).ok_or_else(refused)?;
    Ok(authenticate(app, &id, &secret).await?)
}
