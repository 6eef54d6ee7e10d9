//! The redirect binding (SAML bindings §3.4): the message packed into a query, and a signature over the query's bytes.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use url::Url;
use url::form_urlencoded::{byte_serialize, parse};

use super::certificate::{Certificate, Method};
use super::error::SamlError;
use super::gate;
use super::keys::SpKeys;
use super::names::{DEFLATE, RSA_SHA256};
use super::tree::Xml;

/// The parameter that carries a request.
pub(super) const REQUEST: &str = "SAMLRequest";
/// The parameter that carries a response.
pub(super) const RESPONSE: &str = "SAMLResponse";
const RELAY_STATE: &str = "RelayState";
const ALGORITHM: &str = "SigAlg";
const SIGNATURE: &str = "Signature";
const ENCODING: &str = "SAMLEncoding";
/// A longer query is not looked at.
const QUERY_MOST: usize = 64 * 1024;
/// What a query may unpack to.
const UNPACKED_MOST: u64 = 256 * 1024;

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

/// What a query carried, signed by a key of the provider.
pub(super) struct Signed {
    /// Which of the two parameters it was.
    pub(super) parameter: &'static str,
    pub(super) xml: Xml,
    pub(super) relay_state: Option<String>,
}

/// The message in a raw query. The signature was made over the bytes of the query, and there are many ways to write the
/// same text: they are verified as they came, and only then decoded (SAML bindings §3.4.4.1).
pub(super) fn verified(query: &str, keys: &[Certificate]) -> Result<Signed, SamlError> {
    if query.len() > QUERY_MOST {
        return Err(SamlError::TooLarge);
    }
    let [request, response, relay_state, algorithm, signature, encoding] =
        raw(query, [REQUEST, RESPONSE, RELAY_STATE, ALGORITHM, SIGNATURE, ENCODING])?;
    let (parameter, message) = match (request, response) {
        (Some(request), None) => (REQUEST, request),
        (None, Some(response)) => (RESPONSE, response),
        (Some(_), Some(_)) => return Err(SamlError::ParameterRepeated(REQUEST)),
        (None, None) => return Err(SamlError::ParameterMissing(REQUEST)),
    };
    if encoding.is_some_and(|name| decoded(name) != DEFLATE) {
        return Err(SamlError::Packing);
    }
    let signature = signature.ok_or(SamlError::LogoutUnsigned)?;
    let signature = gate::base64(&decoded(signature)).ok_or(SamlError::NotBase64)?;
    let algorithm = algorithm.ok_or(SamlError::ParameterMissing(ALGORITHM))?;
    let method = Method::named(&decoded(algorithm))?;
    let mut said = format!("{parameter}={message}");
    if let Some(state) = relay_state {
        said = format!("{said}&{RELAY_STATE}={state}");
    }
    said = format!("{said}&{ALGORITHM}={algorithm}");
    if !keys.iter().any(|key| key.verifies(method, said.as_bytes(), &signature)) {
        return Err(SamlError::Signature);
    }
    let packed = gate::base64(&decoded(message)).ok_or(SamlError::NotBase64)?;
    let xml = gate::read(unpack(&packed)?, &gate::MESSAGE)?;
    Ok(Signed { parameter, xml, relay_state: relay_state.map(spaced) })
}

/// The values of these parameters as they stand in the query. One that comes twice is refused, and so is one whose name
/// is written with escapes: another reader might see it.
fn raw<'a, const N: usize>(query: &'a str, names: [&'static str; N]) -> Result<[Option<&'a str>; N], SamlError> {
    let mut found = [None; N];
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let plain = spaced(name);
        let Some((known, slot)) = names.into_iter().zip(found.iter_mut()).find(|(known, _)| *known == plain) else {
            continue;
        };
        if slot.is_some() || name != known {
            return Err(SamlError::ParameterRepeated(known));
        }
        *slot = Some(value);
    }
    Ok(found)
}

/// What an escaped text stands for, a plus being a space.
fn spaced(raw: &str) -> String {
    let name = raw.replace('=', "%3D");
    parse(name.as_bytes()).next().map_or_else(String::new, |(name, _)| name.into_owned())
}

/// What an escaped text stands for, a plus being a plus: in base64 and in names of algorithms there are no spaces.
fn decoded(raw: &str) -> String {
    spaced(&raw.replace('+', "%2B"))
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, SamlError> {
    let mut bytes = Vec::new();
    let mut unpacked = DeflateDecoder::new(packed).take(UNPACKED_MOST + 1);
    let length = unpacked.read_to_end(&mut bytes).map_err(|_| SamlError::Packing)?;
    if u64::try_from(length).is_ok_and(|length| length <= UNPACKED_MOST) { Ok(bytes) } else { Err(SamlError::TooLarge) }
}
