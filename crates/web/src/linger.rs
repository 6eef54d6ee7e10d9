//! Whoever sends more than is taken hears why, because somebody listens until they are through: a connection that is closed
//! while they still send may take the answer with it.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, EXPECT};
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt as _;

use super::LARGEST_BODY;

/// A body of more bytes than this is not listened to, and neither is a sender who is slower than this.
const LONGEST: usize = 8 * LARGEST_BODY;
const PATIENCE: Duration = Duration::from_secs(5);

/// Passes a body that is too long over, and answers when it has been heard.
pub(crate) async fn around(request: Request, next: Next) -> Response {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    // Whoever asks before they send (RFC 9110 §10.1.1) has not begun, and need not.
    let asks = request.headers().contains_key(EXPECT);
    if asks || !length.is_some_and(|length| (LARGEST_BODY + 1..=LONGEST).contains(&length)) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let response = next.run(Request::from_parts(parts, Body::empty())).await;
    let mut rest = body.into_data_stream();
    let heard = async { while let Some(Ok(_)) = rest.next().await {} };
    // Too slow or through: the answer is the same.
    let _heard = tokio::time::timeout(PATIENCE, heard).await;
    response
}
