//! A response, from the form field to a statement that somebody stands for.
//!
//! | step | what | where |
//! |---|---|---|
//! | 1 | the gate | `gate.rs` |
//! | 2 | the shape: one assertion, no signature out of place | here |
//! | 3 | every signature that is there, and at least one; decryption between the two | `signature.rs`, `decrypt.rs` |
//! | 4 | the envelope, then the assertion's conditions | `conditions.rs` |
//! | 5 | who it is | `identity.rs` |

use super::certificate::Certificate;
use super::conditions::{self, Expected};
use super::error::SamlError;
use super::names::{ASSERTION, PROTOCOL, SIGNATURE, SUCCESS};
use super::tree::{Node, Xml};
use super::{SamlSettings, SignedStatement, decrypt, gate, identity, signature};

/// A response as it was posted, before anybody vouches for it.
pub struct Posted {
    xml: Xml,
}

impl std::fmt::Debug for Posted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Posted")
    }
}

impl Posted {
    /// Reads the form field `SAMLResponse`: base64, white space allowed, at most 192 KiB of XML that passes the gate.
    ///
    /// # Errors
    /// It is not base64, or the gate is shut to it.
    pub fn read(field: &str) -> Result<Self, SamlError> {
        // Base64 makes four letters of three bytes, and may be broken into lines.
        if field.len() > gate::MESSAGE.bytes * 3 / 2 {
            return Err(SamlError::TooLarge);
        }
        let bytes = gate::base64(field).ok_or(SamlError::NotBase64)?;
        Ok(Self { xml: gate::read(bytes, &gate::MESSAGE)? })
    }

    /// The request that the response says to answer. Nobody has vouched for it.
    #[must_use]
    pub fn in_response_to(&self) -> Option<&str> {
        self.xml.root().attribute("InResponseTo")
    }

    /// The entity that the response says to come from. Nobody has vouched for it.
    #[must_use]
    pub fn issuer(&self) -> Option<String> {
        let issuer = self.xml.root().text_if(ASSERTION, "Issuer").ok().flatten();
        issuer.map(std::borrow::Cow::into_owned)
    }
}

/// Where the signatures stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The response was signed.
    pub response: bool,
    /// The assertion was signed.
    pub assertion: bool,
    /// The assertion was encrypted.
    pub encrypted: bool,
}

/// Every check; see the table above.
pub(super) fn accept(
    settings: &SamlSettings,
    expected: &Expected<'_>,
    posted: &Posted,
) -> Result<SignedStatement, SamlError> {
    let keys = settings.idp.usable(expected.now)?;
    let root = posted.xml.root();
    let kind = shape(&posted.xml)?;
    let outer = signature::verify(root, keys)?;
    let opened;
    let (assertion, inner) = match kind {
        Assertion::Plain(assertion) => (assertion, signature::verify(assertion, keys)?),
        Assertion::Encrypted(encrypted) => {
            let by;
            (opened, by) = inside(encrypted, settings, keys, outer.is_some())?;
            (opened.root(), by)
        }
    };
    let by = inner.or(outer).ok_or(SamlError::Unsigned)?;
    let placement = Placement {
        response: outer.is_some(),
        assertion: inner.is_some(),
        encrypted: matches!(kind, Assertion::Encrypted(_)),
    };
    conditions::envelope(root, expected, placement.response)?;
    let checked = conditions::assertion(assertion, expected)?;
    identity::statement(settings, assertion, checked, placement, by, expected.now)
}

#[derive(Clone, Copy)]
enum Assertion<'d> {
    Plain(Node<'d>),
    Encrypted(Node<'d>),
}

/// One assertion, right inside a response that holds nothing unknown, and each signature right inside one of the two.
fn shape(xml: &Xml) -> Result<Assertion<'_>, SamlError> {
    let root = xml.root();
    if !root.is(PROTOCOL, "Response") {
        return Err(SamlError::Shape("Response"));
    }
    let known = |child: Node<'_>| {
        child.is(PROTOCOL, "Status")
            || child.is(SIGNATURE, "Signature")
            || ["Issuer", "Assertion", "EncryptedAssertion"].iter().any(|name| child.is(ASSERTION, name))
    };
    if !root.elements().all(known) {
        return Err(SamlError::Shape("Response"));
    }
    let count = |name| xml.count(ASSERTION, name);
    let plain = root.named(ASSERTION, "Assertion").next();
    let encrypted = root.named(ASSERTION, "EncryptedAssertion").next();
    let found = match (plain, encrypted, count("Assertion") + count("EncryptedAssertion")) {
        (Some(assertion), None, 1) => Assertion::Plain(assertion),
        (None, Some(encrypted), 1) => Assertion::Encrypted(encrypted),
        (None, None, 0) => {
            // Without an assertion there is nothing to trust; what the provider says of the reason is shown to the admin.
            succeeded(root)?;
            return Err(SamlError::AssertionCount);
        }
        _ => return Err(SamlError::AssertionCount),
    };
    let within = |node: Node<'_>| node.named(SIGNATURE, "Signature").count();
    let placed = match found {
        Assertion::Plain(assertion) => within(root) + within(assertion),
        Assertion::Encrypted(_) => within(root),
    };
    if xml.count(SIGNATURE, "Signature") == placed { Ok(found) } else { Err(SamlError::StraySignature) }
}

/// The assertion inside an encrypted one. If nobody has vouched for the response, everything that is wrong with what
/// comes out has one name: its sender may be guessing.
fn inside<'k>(
    encrypted: Node<'_>,
    settings: &SamlSettings,
    keys: &'k [Certificate],
    vouched: bool,
) -> Result<(Xml, Option<&'k Certificate>), SamlError> {
    let xml = decrypt::open(encrypted, settings.keys.decryption())?;
    let root = xml.root();
    let stray = xml.count(SIGNATURE, "Signature") != root.named(SIGNATURE, "Signature").count();
    let alone = xml.count(ASSERTION, "Assertion") == 1 && xml.count(ASSERTION, "EncryptedAssertion") == 0;
    if !root.is(ASSERTION, "Assertion") || stray || !alone {
        return Err(SamlError::Decryption);
    }
    let by = match signature::verify(root, keys) {
        Err(error) if vouched => return Err(error),
        Err(_) => return Err(SamlError::Decryption),
        Ok(by) => by,
    };
    if vouched || by.is_some() { Ok((xml, by)) } else { Err(SamlError::Decryption) }
}

/// Fails with the last part of the provider's innermost code, if it did not succeed.
pub(super) fn succeeded(message: Node<'_>) -> Result<(), SamlError> {
    let status = message.only(PROTOCOL, "Status")?.only(PROTOCOL, "StatusCode")?;
    let code = status.attribute("Value").unwrap_or_default();
    if code == SUCCESS {
        return Ok(());
    }
    let inner = status.optional(PROTOCOL, "StatusCode")?.and_then(|inner| inner.attribute("Value"));
    let last = inner.unwrap_or(code).rsplit(':').next().unwrap_or_default();
    Err(SamlError::Status(last.chars().filter(char::is_ascii_alphanumeric).take(64).collect()))
}
