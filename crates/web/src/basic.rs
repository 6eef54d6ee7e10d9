//! HTTP Basic as clients use it: id and secret are form-encoded before they are joined (RFC 6749 §2.3.1).

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What a client that did not prove itself is answered with (RFC 7617 §2).
pub(crate) const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"cardea\", charset=\"UTF-8\"");

/// The decoded credentials of an `Authorization: Basic` header.
pub(crate) fn decode(headers: &HeaderMap) -> Option<String> {
    let (scheme, encoded) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()
}

/// Id and secret.
pub(crate) fn split(decoded: &str) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    let (id, secret) = decoded.split_once(':')?;
    Some((unescape(id), unescape(secret)))
}

/// What was not encoded reads the same.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let pair = format!("v={text}");
    let decoded = url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned());
    Cow::Owned(decoded.unwrap_or_default())
}
