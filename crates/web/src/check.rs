//! `POST /api/v1/keys/check` and `…/check/batch`: the hot path. A router of its own without any layer, no `Value`, no log
//! line on an answer.

use std::borrow::Cow;
use std::convert::Infallible;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use cardea_gateway::App;
use cardea_gateway::check::{Allowed, Ask, Asker, CheckError, Keep, Verdict, authenticate, check, check_to_keep};
use cardea_model::Timestamp;
use cardea_model::id::{KeyId, RequestId, UserId};
use cardea_model::key::KeyKind;
use futures::poll;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::basic;
use crate::exposed;
use crate::extract::{is_json, read_json};
use crate::problem::Problem;

const LARGEST: usize = 16 << 10;
const LARGEST_BATCH: usize = 128 << 10;
/// The most questions of a batch.
const MOST: usize = 100;
/// The most labels of a question.
pub(crate) const MOST_LABELS: usize = 8;
/// How long a body may be on its way: a question fits into a packet or two.
const PATIENCE: Duration = Duration::from_secs(10);

/// The routes; a question may have 16 KiB, and a batch 128.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/api/v1/keys/check", post(answer)).route("/api/v1/keys/check/batch", post(answer_batch))
}

/// A request, taken apart rather than copied, with its body of at most so many bytes or why there is none.
pub(crate) struct Received<const MOST_BYTES: usize> {
    head: Parts,
    body: Result<Bytes, Problem>,
}

impl<const MOST_BYTES: usize> FromRequest<App> for Received<MOST_BYTES> {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &App) -> Result<Self, Infallible> {
        let (head, body) = request.into_parts();
        Ok(Self { head, body: read(body, MOST_BYTES).await })
    }
}

async fn read(body: Body, most: usize) -> Result<Bytes, Problem> {
    let mut reading = pin!(to_bytes(body, most));
    let read = match poll!(reading.as_mut()) {
        // Nearly every question comes with its head, and needs no timer.
        Poll::Ready(read) => read,
        Poll::Pending => timeout(PATIENCE, reading).await.map_err(|_| {
            // Whoever sends a byte a minute holds a connection for nothing.
            Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body did not come within 10 s")
        })?,
    };
    let too_large = "the body is larger than it may be here";
    read.map_err(|_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", too_large))
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
    /// What you have marked the entity with, where it is not for every org; at most 8.
    #[serde(default)]
    labels: Vec<Cow<'a, str>>,
    /// By which operation, where you keep some from service keys.
    #[serde(borrow, default)]
    operation: Option<Cow<'a, str>>,
    /// Whether you follow the feed and would keep the answer.
    #[serde(default)]
    keep: bool,
}

/// At most 100 questions.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = Questions)]
struct Batch<'a> {
    #[serde(borrow)]
    checks: Vec<Question<'a>>,
}

/// The answers, in the order of the questions.
#[derive(Serialize)]
struct Answers<'a> {
    results: Vec<Answer<'a>>,
}

/// Yes or no.
#[derive(Serialize)]
#[serde(untagged)]
enum Answer<'a> {
    Yes(Yes<'a>),
    No(No<'a>),
}

/// The yes.
#[derive(Serialize)]
struct Yes<'a> {
    allowed: bool,
    key_id: KeyId,
    kind: KeyKind,
    org: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep: Option<&'a Keep>,
}

/// The no.
#[derive(Serialize)]
struct No<'a> {
    allowed: bool,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep: Option<&'a Keep>,
}

/// May this key do this? Authenticate as a client by HTTP Basic; the reason of a no is for you, not for the key's holder.
#[utoipa::path(post, path = "/api/v1/keys/check", tag = "keys", request_body = Question<'_>, responses(
    (status = 200, body = crate::api::shapes::keys::Verdict, description = "Yes or no"),
    (status = 401, description = "Not a client's credentials"), (status = 403, description = "Not a resource server"),
    (status = 408, description = "The body did not come within 10 s"),
    (status = 413, description = "More than 16 KiB"), (status = 503, description = "No answer can be trusted now")))]
pub(crate) async fn answer(State(app): State<App>, Received { head, body }: Received<LARGEST>) -> Response {
    finish(&app, try_answer(&app, &head, body).await)
}

/// May these keys do this? At most 100 questions, answered in their order, each by itself; authenticate as for one.
#[utoipa::path(post, path = "/api/v1/keys/check/batch", tag = "keys", request_body = Batch<'_>, responses(
    (status = 200, body = crate::api::shapes::keys::Verdicts, description = "Yes or no to each"),
    (status = 401, description = "Not a client's credentials"), (status = 403, description = "Not a resource server"),
    (status = 413, description = "More than 128 KiB"), (status = 422, description = "More than 100 questions"),
    (status = 503, description = "No answer can be trusted now")))]
pub(crate) async fn answer_batch(State(app): State<App>, Received { head, body }: Received<LARGEST_BATCH>) -> Response {
    finish(&app, try_batch(&app, &head, body).await)
}

/// The answer, or the problem in its form: no envelope stands around these routes.
pub(crate) fn finish(app: &App, answered: Result<Response, Problem>) -> Response {
    match answered {
        Ok(response) => response,
        Err(problem) => {
            let id = RequestId::new(app.clock.now(), &*app.random).to_string();
            if let Some(cause) = &problem.cause {
                tracing::error!(request.id = id, cause, "a key check could not be answered");
            }
            let mut response = problem.render(&id);
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            if response.status() == StatusCode::UNAUTHORIZED {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, basic::CHALLENGE);
            }
            response
        }
    }
}

/// Who asks, if what they sent is a question.
async fn asked(app: &App, head: &Parts) -> Result<Asker, Problem> {
    if head.uri.query().is_some_and(exposed::holds_key) {
        return Err(exposed::refusal());
    }
    let asker = client(app, &head.headers).await?;
    if !is_json(&head.headers) {
        let detail = "send a body of content type `application/json`";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
    }
    Ok(asker)
}

async fn try_answer(app: &App, head: &Parts, body: Result<Bytes, Problem>) -> Result<Response, Problem> {
    let body = body?;
    let asker = asked(app, head).await?;
    let question: Question<'_> = read_json(&body)?;
    let verdict = judge(app, &asker, &question).await?;
    Ok(as_json(serde_json::to_vec(&said(&verdict)).unwrap_or_default()))
}

async fn try_batch(app: &App, head: &Parts, body: Result<Bytes, Problem>) -> Result<Response, Problem> {
    let body = body?;
    let asker = asked(app, head).await?;
    let batch: Batch<'_> = read_json(&body)?;
    if batch.checks.len() > MOST {
        let detail = "ask at most 100 questions at once";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_checks", detail));
    }
    let mut verdicts = Vec::with_capacity(batch.checks.len());
    for question in &batch.checks {
        verdicts.push(judge(app, &asker, question).await?);
    }
    let answers = Answers { results: verdicts.iter().map(said).collect() };
    Ok(as_json(serde_json::to_vec(&answers).unwrap_or_default()))
}

async fn judge(app: &App, asker: &Asker, question: &Question<'_>) -> Result<(Verdict, Option<Keep>), Problem> {
    let ask = question.ask()?;
    if question.keep {
        // In a box: most do not ask for it, and need not carry its weight.
        return Ok(Box::pin(check_to_keep(app, asker, &ask)).await?);
    }
    Ok((check(app, asker, &ask).await?, None))
}

fn as_json(json: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(json));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl Question<'_> {
    fn ask(&self) -> Result<Ask<'_>, Problem> {
        if self.labels.len() > MOST_LABELS {
            let detail = "a question has at most 8 labels";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_labels", detail));
        }
        Ok(Ask {
            key: &self.key,
            service: &self.service,
            action: &self.action,
            entity_type: self.entity_type.as_deref(),
            entity: self.entity.as_deref(),
            labels: &self.labels,
            operation: self.operation.as_deref(),
        })
    }
}

fn said((verdict, keep): &(Verdict, Option<Keep>)) -> Answer<'_> {
    let keep = keep.as_ref();
    match verdict {
        Verdict::Allowed(allowed) => Answer::Yes(yes(allowed, keep)),
        Verdict::Denied(reason) => Answer::No(No { allowed: false, reason: reason.as_str(), keep }),
    }
}

fn yes<'a>(allowed: &'a Allowed, keep: Option<&'a Keep>) -> Yes<'a> {
    Yes {
        allowed: true,
        key_id: allowed.key,
        kind: allowed.kind,
        org: &allowed.org,
        user: allowed.user,
        expires_at: allowed.expires_at,
        keep,
    }
}

/// Makes out the client by HTTP Basic (RFC 6749 §2.3.1).
async fn client(app: &App, headers: &HeaderMap) -> Result<Asker, Problem> {
    let decoded = basic::decode(headers).ok_or_else(refused)?;
    let (id, secret) = basic::split(&decoded).ok_or_else(refused)?;
    Ok(authenticate(app, &id, &secret).await?)
}

/// The client's id and secret, which nobody has looked at yet.
pub(crate) fn credentials(headers: &HeaderMap) -> Result<(String, String), Problem> {
    let decoded = basic::decode(headers).ok_or_else(refused)?;
    let (id, secret) = basic::split(&decoded).ok_or_else(refused)?;
    Ok((id.into_owned(), secret.into_owned()))
}

fn refused() -> Problem {
    let mut problem = Problem::from(CheckError::Client);
    problem.detail = "authenticate with the client's id and secret by HTTP Basic".to_owned();
    problem
}
