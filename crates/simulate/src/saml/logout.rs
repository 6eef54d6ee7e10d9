//! Single logout, both ways (SAML core §3.7), by redirect.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded;

use super::document::{NameId, SUCCESS};
use super::keys::{Key, SignatureMethod};
use super::request::deflate;
use super::xml::{ASSERTION, PROTOCOL, Space};

const SAMLP: Space = Space { prefix: "samlp", uri: PROTOCOL };
const SAML: Space = Space { prefix: "saml", uri: ASSERTION };

/// A request to end sessions.
#[derive(Clone)]
pub(crate) struct LogoutRequest {
    pub(crate) id: String,
    pub(crate) issued: String,
    pub(crate) destination: String,
    pub(crate) issuer: String,
    pub(crate) not_on_or_after: Option<String>,
    pub(crate) name_id: NameId,
    pub(crate) session_index: Option<String>,
}

impl LogoutRequest {
    /// The request as XML.
    pub(crate) fn xml(&self) -> String {
        let name_id = SAML
            .outer("NameID")
            .with_some("Format", self.name_id.format.as_deref())
            .with_some("NameQualifier", self.name_id.name_qualifier.as_deref())
            .with_some("SPNameQualifier", self.name_id.sp_name_qualifier.as_deref())
            .text(&self.name_id.value);
        let session = self.session_index.as_ref().map(|index| SAMLP.inner("SessionIndex").text(index).write());
        SAMLP
            .outer("LogoutRequest")
            .with("ID", &self.id)
            .with("Version", "2.0")
            .with("IssueInstant", &self.issued)
            .with("Destination", &self.destination)
            .with_some("NotOnOrAfter", self.not_on_or_after.as_deref())
            .holds(&SAML.outer("Issuer").text(&self.issuer).write())
            .holds(&name_id.write())
            .holds(&session.unwrap_or_default())
            .write()
    }
}

/// The answer that all went well.
pub(crate) fn logout_response(id: &str, issued: &str, destination: &str, issuer: &str, request: &str) -> String {
    let code = SAMLP.inner("StatusCode").with("Value", SUCCESS).write();
    SAMLP
        .outer("LogoutResponse")
        .with("ID", id)
        .with("Version", "2.0")
        .with("IssueInstant", issued)
        .with("Destination", destination)
        .with("InResponseTo", request)
        .holds(&SAML.outer("Issuer").text(issuer).write())
        .holds(&SAMLP.inner("Status").holds(&code).write())
        .write()
}

/// A redirect in parts, each value encoded as it shall stand in the query: the signature covers exactly
/// those characters (SAML bindings §3.4.4.1).
#[derive(Clone)]
pub(crate) struct Redirect {
    /// `SAMLRequest` or `SAMLResponse`, and the message.
    pub(crate) message: (&'static str, String),
    pub(crate) relay_state: Option<String>,
    pub(crate) algorithm: String,
}

impl Redirect {
    /// A redirect of this message as most senders encode it.
    pub(crate) fn new(name: &'static str, xml: &str, relay_state: Option<&str>, method: SignatureMethod) -> Redirect {
        Redirect {
            message: (name, encoded(&STANDARD.encode(deflate(xml.as_bytes())))),
            relay_state: relay_state.map(encoded),
            algorithm: encoded(method.uri()),
        }
    }

    /// The pairs that are signed, in the order of the specification.
    pub(crate) fn pairs(&self) -> Vec<String> {
        let (name, message) = &self.message;
        let relay_state = self.relay_state.as_ref().map(|value| format!("RelayState={value}"));
        let algorithm = format!("SigAlg={}", self.algorithm);
        std::iter::once(format!("{name}={message}")).chain(relay_state).chain([algorithm]).collect()
    }

    /// The signature as a pair; `encode` writes its base64 into the query.
    pub(crate) fn signature(&self, key: &Key, method: SignatureMethod, encode: fn(&str) -> String) -> String {
        let value = key.sign(method, self.pairs().join("&").as_bytes());
        format!("Signature={}", encode(&STANDARD.encode(value)))
    }

    /// The whole query.
    pub(crate) fn signed(&self, key: &Key, method: SignatureMethod) -> String {
        format!("{}&{}", self.pairs().join("&"), self.signature(key, method, encoded))
    }
}

/// Percent-encoding with capital letters.
pub(crate) fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
