//! What the service asks: authentication requests and logout messages, by redirect or by form (SAML
//! bindings §3.4 and §3.5).

use std::io::{Read as _, Write as _};

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use url::form_urlencoded;

use super::der::public_key_of;
use super::keys::SignatureMethod;
use super::scan::{Tag, tags, text_of};

/// Bytes that a message may inflate to.
const LARGEST: u64 = 256 * 1024;

/// Why a message cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// There is no `SAMLRequest` or `SAMLResponse`.
    #[error("there is no SAML message in the request")]
    Missing,
    /// It is not base64.
    #[error("the SAML message is not base64")]
    Encoding,
    /// It does not inflate to UTF-8 text of a bearable length.
    #[error("the SAML message does not inflate to text")]
    Compression,
    /// It is not an `AuthnRequest` with an id and an issuer.
    #[error("the SAML message is not an authentication request with an id and an issuer")]
    Shape,
}

/// The signature of a redirect: over the query as it came, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
struct QuerySignature {
    algorithm: String,
    octets: String,
    value: Vec<u8>,
}

/// An authentication request as the provider read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestSeen {
    /// The request's id, to be echoed in `InResponseTo`.
    pub id: String,
    /// The entity id of whoever asks.
    pub issuer: String,
    /// `AssertionConsumerServiceURL`.
    pub acs: Option<String>,
    /// `Destination`.
    pub destination: Option<String>,
    /// `IssueInstant` as text.
    pub issued: Option<String>,
    /// `ProtocolBinding`.
    pub protocol_binding: Option<String>,
    /// Whether an old session must not do.
    pub force_authn: bool,
    /// Whether no page may be shown.
    pub is_passive: bool,
    /// The `Format` of the `NameIDPolicy`.
    pub name_id_format: Option<String>,
    /// Whether `RequestedAuthnContext` was sent, at which Entra ID and AD FS fail.
    pub asks_for_context: bool,
    /// `RelayState`.
    pub relay_state: Option<String>,
    /// Whether a signature came along, in the query or in the document; nothing is said about its truth.
    pub signed: bool,
    /// The request as XML.
    pub xml: String,
    signature: Option<QuerySignature>,
}

impl RequestSeen {
    /// Reads the address to which a browser is redirected.
    pub fn of_url(url: &str) -> Result<RequestSeen, RequestError> {
        let (_, query) = url.split_once('?').ok_or(RequestError::Missing)?;
        let message = RedirectSeen::read(query, "SAMLRequest")?;
        let mut seen = RequestSeen::of_xml(message.xml)?;
        seen.relay_state = message.relay_state;
        seen.signed = message.signature.is_some();
        seen.signature = message.signature;
        Ok(seen)
    }

    /// Reads the fields of a posted form.
    pub fn of_form(message: &str, relay_state: Option<&str>) -> Result<RequestSeen, RequestError> {
        let mut seen = RequestSeen::of_xml(decode_posted(message)?)?;
        seen.relay_state = relay_state.map(str::to_owned);
        Ok(seen)
    }

    /// Whether the redirect was signed with RSA and SHA-256 by the key of this certificate (or
    /// SubjectPublicKeyInfo), DER.
    pub fn is_signed_by(&self, certificate: &[u8]) -> bool {
        self.signature.as_ref().is_some_and(|signature| signature.is_by(certificate))
    }

    fn of_xml(xml: String) -> Result<RequestSeen, RequestError> {
        let tags = tags(&xml);
        let root = tags.first().filter(|tag| tag.local == "AuthnRequest").ok_or(RequestError::Shape)?;
        let own = |name: &str| root.attribute(name).map(str::to_owned);
        let named = |local: &str| tags.iter().find(|tag: &&Tag| tag.local == local);
        let is_true = |name: &str| matches!(root.attribute(name), Some("true" | "1"));
        Ok(RequestSeen {
            id: own("ID").ok_or(RequestError::Shape)?,
            issuer: text_of(&tags, "Issuer").ok_or(RequestError::Shape)?,
            acs: own("AssertionConsumerServiceURL"),
            destination: own("Destination"),
            issued: own("IssueInstant"),
            protocol_binding: own("ProtocolBinding"),
            force_authn: is_true("ForceAuthn"),
            is_passive: is_true("IsPassive"),
            name_id_format: named("NameIDPolicy").and_then(|tag| tag.attribute("Format")).map(str::to_owned),
            asks_for_context: named("RequestedAuthnContext").is_some(),
            relay_state: None,
            signed: named("SignatureValue").is_some(),
            signature: None,
            xml,
        })
    }
}

/// A logout message as the provider read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutSeen {
    /// `LogoutRequest` or `LogoutResponse`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// The entity id of whoever sends it.
    pub issuer: Option<String>,
    /// The NameID of a request.
    pub name_id: Option<String>,
    /// The session of a request.
    pub session_index: Option<String>,
    /// The request that a response answers.
    pub in_response_to: Option<String>,
    /// The status of a response.
    pub status: Option<String>,
    /// `RelayState`.
    pub relay_state: Option<String>,
    /// Whether a signature came along.
    pub signed: bool,
    signature: Option<QuerySignature>,
}

impl LogoutSeen {
    /// Reads the address to which a browser is redirected.
    pub fn of_url(url: &str) -> Result<LogoutSeen, RequestError> {
        let (_, query) = url.split_once('?').ok_or(RequestError::Missing)?;
        let message =
            RedirectSeen::read(query, "SAMLRequest").or_else(|_| RedirectSeen::read(query, "SAMLResponse"))?;
        let mut seen = LogoutSeen::of_xml(&message.xml)?;
        seen.relay_state = message.relay_state;
        seen.signed = message.signature.is_some();
        seen.signature = message.signature;
        Ok(seen)
    }

    /// Reads the fields of a posted form.
    pub fn of_form(message: &str, relay_state: Option<&str>) -> Result<LogoutSeen, RequestError> {
        let mut seen = LogoutSeen::of_xml(&decode_posted(message)?)?;
        seen.relay_state = relay_state.map(str::to_owned);
        Ok(seen)
    }

    /// Whether the redirect was signed with RSA and SHA-256 by the key of this certificate, DER.
    pub fn is_signed_by(&self, certificate: &[u8]) -> bool {
        self.signature.as_ref().is_some_and(|signature| signature.is_by(certificate))
    }

    fn of_xml(xml: &str) -> Result<LogoutSeen, RequestError> {
        let tags = tags(xml);
        let root = tags.first().filter(|tag| tag.local.starts_with("Logout")).ok_or(RequestError::Shape)?;
        let status = tags.iter().find(|tag| tag.local == "StatusCode");
        Ok(LogoutSeen {
            kind: root.local.clone(),
            id: root.attribute("ID").ok_or(RequestError::Shape)?.to_owned(),
            issuer: text_of(&tags, "Issuer"),
            name_id: text_of(&tags, "NameID"),
            session_index: text_of(&tags, "SessionIndex"),
            in_response_to: root.attribute("InResponseTo").map(str::to_owned),
            status: status.and_then(|tag| tag.attribute("Value")).map(str::to_owned),
            relay_state: None,
            signed: tags.iter().any(|tag| tag.local == "SignatureValue"),
            signature: None,
        })
    }
}

impl QuerySignature {
    fn is_by(&self, certificate: &[u8]) -> bool {
        let Some(public) = public_key_of(certificate) else {
            return false;
        };
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
        self.algorithm == SignatureMethod::RsaSha256.uri() && key.verify(self.octets.as_bytes(), &self.value).is_ok()
    }
}

/// The parameters of a redirect.
struct RedirectSeen {
    xml: String,
    relay_state: Option<String>,
    signature: Option<QuerySignature>,
}

impl RedirectSeen {
    fn read(query: &str, name: &str) -> Result<RedirectSeen, RequestError> {
        let raw = |name: &str| {
            query.split('&').find(|pair| pair.split_once('=').is_some_and(|(candidate, _)| candidate == name))
        };
        let value = |name: &str| {
            let pair = raw(name)?;
            form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned())
        };
        let message = value(name).ok_or(RequestError::Missing)?;
        let compressed = STANDARD.decode(message).map_err(|_| RequestError::Encoding)?;
        let signature = match (value("SigAlg"), value("Signature")) {
            (Some(algorithm), Some(signature)) => {
                let parts: Vec<&str> = [name, "RelayState", "SigAlg"].into_iter().filter_map(raw).collect();
                let value = STANDARD.decode(signature).map_err(|_| RequestError::Encoding)?;
                Some(QuerySignature { algorithm, octets: parts.join("&"), value })
            }
            (Some(_), None) | (None, Some(_)) | (None, None) => None,
        };
        Ok(RedirectSeen { xml: inflate(&compressed)?, relay_state: value("RelayState"), signature })
    }
}

fn decode_posted(message: &str) -> Result<String, RequestError> {
    let text: String = message.split_whitespace().collect();
    let bytes = STANDARD.decode(text).map_err(|_| RequestError::Encoding)?;
    String::from_utf8(bytes).map_err(|_| RequestError::Encoding)
}

/// DEFLATE without a header (RFC 1951), as the redirect binding demands.
pub(crate) fn deflate(text: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    // Writing into memory cannot fail.
    let _ = encoder.write_all(text);
    encoder.finish().unwrap_or_default()
}

fn inflate(compressed: &[u8]) -> Result<String, RequestError> {
    let mut text = String::new();
    let decoder = DeflateDecoder::new(compressed);
    let read = decoder.take(LARGEST + 1).read_to_string(&mut text).map_err(|_| RequestError::Compression)?;
    if u64::try_from(read).is_ok_and(|read| read <= LARGEST) { Ok(text) } else { Err(RequestError::Compression) }
}
