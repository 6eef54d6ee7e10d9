//! Errors of our own API: `application/problem+json` (RFC 9457) with a stable `code` and the request's id.
//!
//! A room's error becomes a [`Problem`] here and nowhere else. What the outside reads is the error's own sentence, except
//! where the fault is ours or the database's: then it reads only what to do.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use cardea_model::fault::whole;
use cardea_model::{Fault, Kind};
use serde::Serialize;

/// An answer that is an error; the envelope gives it its body and the request's id.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) detail: String,
    pub(crate) retry_after: Option<u32>,
    /// For the log only.
    pub(crate) cause: Option<String>,
    /// The page that a person is shown instead.
    pub(crate) page: Option<String>,
    /// The key that an earlier request of the same name has made.
    pub(crate) key: Option<Box<serde_json::Value>>,
}

/// Every error of the API, as `application/problem+json` (RFC 9457 §3.1).
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Body<'a> {
    /// `urn:cardea:problem:` and the code.
    r#type: String,
    /// What the status means.
    title: &'static str,
    status: u16,
    /// What went wrong and what to do about it.
    detail: &'a str,
    /// A stable word for the cause.
    code: &'static str,
    /// The request, as the log calls it.
    request_id: &'a str,
    /// With `idempotency_replay`: the id of the key that the first request made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    key_id: Option<&'a str>,
    /// With `idempotency_replay`: that key, without its secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<crate::api::shapes::keys::Key>)]
    key: Option<&'a serde_json::Value>,
}

impl Problem {
    /// A problem of a request that got to no room.
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), retry_after: None, cause: None, page: None, key: None }
    }

    /// The whole response.
    pub(crate) fn render(&self, request: &str) -> Response {
        let body = Body {
            r#type: format!("urn:cardea:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            request_id: request,
            key_id: self.key.as_ref().and_then(|key| key.get("id")?.as_str()),
            key: self.key.as_deref(),
        };
        let mut response = match &self.page {
            Some(page) => (self.status, Html(page.clone())).into_response(),
            None => {
                let json = serde_json::to_vec(&body).unwrap_or_default();
                (self.status, [(header::CONTENT_TYPE, "application/problem+json")], json).into_response()
            }
        };
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl IntoResponse for Problem {
    /// Empty, with the problem beside it: [`crate::envelope`] knows the request's id.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The status of a kind of failure.
pub(crate) const fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Refused => StatusCode::FORBIDDEN,
        Kind::Missing => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Stale => StatusCode::PRECONDITION_FAILED,
        Kind::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl<E: Fault> From<E> for Problem {
    fn from(error: E) -> Self {
        let kind = error.kind();
        let (detail, retry_after) = match kind {
            Kind::Internal => ("something went wrong here; tell your operator the request id".to_owned(), None),
            Kind::Unavailable => ("this cannot be answered right now; try again in a few seconds".to_owned(), Some(1)),
            Kind::TooMany(seconds) => (error.to_string(), Some(seconds)),
            Kind::Invalid
            | Kind::Unprocessable
            | Kind::Unauthenticated
            | Kind::Refused
            | Kind::Missing
            | Kind::Conflict
            | Kind::Stale => (error.to_string(), None),
        };
        let cause = matches!(kind, Kind::Internal | Kind::Unavailable).then(|| whole(&error));
        Self { status: status(kind), code: error.code(), detail, retry_after, cause, page: None, key: None }
    }
}

/// What is asked for under no address of ours.
pub(crate) async fn no_route() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "there is nothing at this address; /openapi.json lists what there is",
    )
}
