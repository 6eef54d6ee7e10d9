//! Versions on the wire: `ETag` with what is read, `If-Match` with what is written.

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::problem::Problem;

/// An answer with its version as the ETag.
pub(super) fn with_etag<T: Serialize>(version: i64, body: &T) -> Response {
    ([(header::ETAG, format!("\"{version}\""))], Json(body)).into_response()
}

/// The version of `If-Match` (RFC 9110 §13.1.1); nothing for none or `*`. What is no version of ours is another one.
pub(super) fn if_match(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok()) else { return Ok(None) };
    let text = value.trim().trim_start_matches("W/").trim_matches('"');
    if text == "*" {
        return Ok(None);
    }
    let stale = "`If-Match` names no version of this; read it again";
    text.parse().map(Some).map_err(|_| Problem::new(StatusCode::PRECONDITION_FAILED, "stale", stale))
}
