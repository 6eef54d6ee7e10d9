//! The redirect binding (SAML bindings §3.4): the message packed into a query, and a signature over the query's bytes.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use url::Url;
use url::form_urlencoded::byte_serialize;

use super::error::SamlError;
use super::keys::SpKeys;
use super::names::RSA_SHA256;

/// The parameter that carries a request.
pub(super) const REQUEST: &str = "SAMLRequest";

/// The address with the signed message in its query; a query that it has already stays in front.
pub(super) fn signed(
    location: &Url,
    parameter: &str,
    message: &str,
    relay_state: Option<&str>,
    keys: &SpKeys,
) -> Result<Url, SamlError> {
    let mut query = format!("{parameter}={}", escaped(&pack(message)?));
    if let Some(state) = relay_state {
        query = format!("{query}&RelayState={}", escaped(state));
    }
    query = format!("{query}&SigAlg={}", escaped(RSA_SHA256));
    let signature = STANDARD.encode(keys.sign(query.as_bytes())?);
    query = format!("{query}&Signature={}", escaped(&signature));
    let mut url = location.clone();
    let whole = match location.query() {
        Some(before) if !before.is_empty() => format!("{before}&{query}"),
        _ => query,
    };
    url.set_query(Some(&whole));
    Ok(url)
}

fn pack(message: &str) -> Result<String, SamlError> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(message.as_bytes()).map_err(|_| SamlError::Packing)?;
    Ok(STANDARD.encode(encoder.finish().map_err(|_| SamlError::Packing)?))
}

fn escaped(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}
