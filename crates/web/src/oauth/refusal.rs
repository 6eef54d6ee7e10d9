//! What a client is refused with (RFC 6749 §5.2).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cardea_gateway::oauth::OAuthError;
use serde::Serialize;

use crate::basic::CHALLENGE;
use crate::problem::Problem;

/// A refusal in the form of OAuth.
pub(super) struct Refusal(Problem);

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    error_description: &'a str,
}

impl Refusal {
    /// A request that got to no room.
    pub(super) fn new(status: StatusCode, detail: &str) -> Self {
        Self(Problem::new(status, "invalid_request", detail))
    }
}

impl From<OAuthError> for Refusal {
    fn from(error: OAuthError) -> Self {
        let mut problem = Problem::from(error);
        // What scripts read in words of their own has one of the standard's (RFC 6749 §5.2) here.
        let standard = match problem.code {
            "app_disabled" => Some("unauthorized_client"),
            "invalid_credentials" | "password_change_required" => Some("invalid_grant"),
            _ => None,
        };
        if let Some(code) = standard {
            (problem.status, problem.code) = (StatusCode::BAD_REQUEST, code);
        }
        Self(problem)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        if let Some(cause) = &problem.cause {
            tracing::error!(cause, "a client could not be answered");
        }
        let body = Body { error: problem.code, error_description: &problem.detail };
        let mut response = (problem.status, Json(body)).into_response();
        if problem.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, CHALLENGE);
        }
        // RFC 6750 §3: whoever holds a token is told in its own words what is wrong with it.
        match problem.code {
            "invalid_token" => challenge(&mut response, "Bearer error=\"invalid_token\""),
            "insufficient_scope" => challenge(&mut response, "Bearer error=\"insufficient_scope\", scope=\"openid\""),
            _ => {}
        }
        if let Some(seconds) = problem.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

fn challenge(response: &mut Response, text: &'static str) {
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(text));
}
