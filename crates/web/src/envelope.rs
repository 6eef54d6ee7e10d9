//! Around every request but key checks: its id, its time limit, one line in the log, headers, and the body of a problem.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Extensions, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cardea_gateway::{App, Ctx};
use cardea_model::id::RequestId;

use crate::console::CONTENT_SECURITY_POLICY;
use crate::exposed;
use crate::pages::failure;
use crate::problem::Problem;

const LONGEST: Duration = Duration::from_secs(30);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Who asked, as soon as somebody has made it out; kept beside the request for its line in the log.
#[derive(Clone, Default)]
struct Asker(Arc<OnceLock<String>>);

impl Asker {
    fn name(&self) -> &str {
        self.0.get().map_or("nobody", String::as_str)
    }
}

/// Tells the log who asks: what kind of caller and its id, never what it showed.
pub(crate) fn made_out(request: &Extensions, ctx: &Ctx) {
    if let Some(asker) = request.get::<Asker>() {
        asker.0.get_or_init(|| ctx.actor());
    }
}

/// Gives the request its id, the time and the answer what every answer has.
pub(crate) async fn around(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let began = app.clock.monotonic();
    let id = RequestId::new(app.clock.now(), &*app.random);
    let asker = Asker::default();
    request.extensions_mut().insert(id);
    request.extensions_mut().insert(asker.clone());
    let for_people = failure::is_for_people(request.uri().path(), request.headers());
    let method = request.method().clone();
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let mut response = match exposed::key_in(request.uri()) {
        true => exposed::refusal().into_response(),
        false => {
            let timed = tokio::time::timeout(LONGEST, next.run(request)).await;
            timed.unwrap_or_else(|_| too_slow().into_response())
        }
    };
    let cause = finish(&mut response, &id.to_string(), for_people);
    let took = app.clock.monotonic().saturating_sub(began);
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let (status, caller) = (response.status().as_u16(), asker.name());
    if response.status().is_server_error() {
        tracing::error!(request.id = %id, caller, %method, route, status, millis, cause, "request");
    } else {
        tracing::info!(request.id = %id, caller, %method, route, status, millis, "request");
    }
    response
}

fn too_slow() -> Problem {
    let mut problem =
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_slow", "this took too long; try again in a few seconds");
    problem.retry_after = Some(5);
    problem
}

/// Completes the response; returns what the log alone may know.
fn finish(response: &mut Response, id: &str, for_people: bool) -> Option<String> {
    let problem = response.extensions_mut().remove::<Problem>().or_else(|| bare(response));
    let mut cause = None;
    if let Some(problem) = problem {
        let problem = if for_people { failure::with_page(problem, id) } else { problem };
        let kept = std::mem::take(response.headers_mut());
        *response = problem.render(id);
        for (name, value) in
            kept.iter().filter(|(name, _)| !matches!(**name, header::CONTENT_TYPE | header::CONTENT_LENGTH))
        {
            response.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        cause = problem.cause;
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value);
    }
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    cause
}

/// Errors that a layer made before any of our handlers.
fn bare(response: &Response) -> Option<Problem> {
    // What has a form of its own is a protocol's or a handler's answer.
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if kind.is_some_and(|kind| !kind.starts_with(b"text/plain")) {
        return None;
    }
    let (code, detail) = match response.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "the body is larger than 1 MiB"),
        StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "this address does not answer this method"),
        StatusCode::FORBIDDEN => ("cross_site", "this request came from another site and was refused"),
        StatusCode::BAD_REQUEST => ("malformed", "the address or the body of this request cannot be read"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported_media_type", "send a form, as a browser does"),
        StatusCode::UNPROCESSABLE_ENTITY => ("invalid_value", "a field is missing or is not of the kind it should be"),
        _ => return None,
    };
    Some(Problem::new(response.status(), code, detail))
}
