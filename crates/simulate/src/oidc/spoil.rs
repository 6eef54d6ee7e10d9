//! Whole answers spoilt: status, silence, size, redirect, content type.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use futures::stream::{self, StreamExt as _};

use super::modes::Answer;
use super::requests::RequestSeen;
use super::state::Shared;

/// The query parameter by which a redirected request is known.
const FOLLOWED: &str = "followed";

static BLANKS: [u8; 64 * 1024] = [b' '; 64 * 1024];

pub(crate) async fn spoil(
    answer: Answer,
    shared: &Shared,
    seen: &RequestSeen,
    request: Request,
    next: Next,
) -> Response {
    match answer {
        Answer::Status(code) => {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, "the simulated provider was told to fail").into_response()
        }
        Answer::Hang => {
            shared.until_stopped().await;
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Answer::Huge => behind_blanks(next.run(request).await),
        Answer::Redirect if seen.parameter(FOLLOWED).is_some() => next.run(request).await,
        Answer::Redirect => {
            let address = shared.settings.endpoint(&seen.path);
            Redirect::temporary(&format!("{address}?{FOLLOWED}=1")).into_response()
        }
        Answer::Html => Html("<!doctype html><title>Sign in to the network</title>").into_response(),
        Answer::ContentType(content_type) => {
            let mut response = next.run(request).await;
            let value = HeaderValue::from_str(&content_type);
            response
                .headers_mut()
                .insert(CONTENT_TYPE, value.unwrap_or(HeaderValue::from_static("application/octet-stream")));
            response
        }
    }
}

/// 50 MiB of blanks, sent in pieces that share one static buffer, and then the true answer.
fn behind_blanks(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    let blanks = stream::iter((0..800).map(|_| Ok(Bytes::from_static(&BLANKS))));
    Response::from_parts(parts, Body::from_stream(blanks.chain(body.into_data_stream())))
}
