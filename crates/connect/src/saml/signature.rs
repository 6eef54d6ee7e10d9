//! The one form of signature that SAML core §5.4 allows: enveloped, over the element it stands in, exclusively
//! canonicalized. The form is checked first; what is left then is to canonicalize, hash and verify. There is no engine
//! for transforms, nothing is fetched, and nothing that the message says about keys is read.

use aws_lc_rs::digest;
use bergshamra_c14n::{C14nMode, canonicalize_doc};
use bergshamra_xml::NodeSet;

use super::certificate::{Certificate, Method};
use super::error::SamlError;
use super::gate;
use super::names::{ENVELOPED, EXCLUSIVE, SHA1, SHA256, SHA384, SHA512, SIGNATURE};
use super::tree::Node;

/// More prefixes than this in one list serve only to make work.
const PREFIXES_MOST: usize = 16;

/// Checks the signature that stands right inside `owner`, if there is one; gives the certificate whose key made it.
/// With it the whole of `owner`, but for the signature, is what the holder of that key signed.
pub(super) fn verify<'k>(owner: Node<'_>, keys: &'k [Certificate]) -> Result<Option<&'k Certificate>, SamlError> {
    let Some(signature) = owner.optional(SIGNATURE, "Signature")? else { return Ok(None) };
    let parts = Parts::read(owner, signature)?;
    let said = canonical(owner, &NodeSet::tree_without_comments(parts.info.id, owner.document), &parts.info_prefixes)?;
    // An empty canonical form would be the same for everything.
    if !said.starts_with(b"<") {
        return Err(SamlError::SignatureShape("SignedInfo"));
    }
    let by = keys.iter().find(|key| key.verifies(parts.method, &said, &parts.value));
    let by = by.ok_or(SamlError::Signature)?;
    let all = NodeSet::tree_without_comments(owner.id, owner.document);
    let rest = all.subtract(&NodeSet::tree_without_comments(signature.id, owner.document));
    let content = canonical(owner, &rest, &parts.prefixes)?;
    if !content.starts_with(b"<") || digest::digest(parts.hash, &content).as_ref() != parts.digest {
        return Err(SamlError::Digest);
    }
    Ok(Some(by))
}

fn canonical(of: Node<'_>, nodes: &NodeSet, prefixes: &[&str]) -> Result<Vec<u8>, SamlError> {
    let written = canonicalize_doc(of.document, C14nMode::Exclusive, Some(nodes), prefixes);
    written.map_err(|_| SamlError::SignatureShape("SignedInfo"))
}

/// A signature of the right form.
struct Parts<'d> {
    info: Node<'d>,
    info_prefixes: Vec<&'d str>,
    method: Method,
    value: Vec<u8>,
    hash: &'static digest::Algorithm,
    digest: Vec<u8>,
    prefixes: Vec<&'d str>,
}

impl<'d> Parts<'d> {
    fn read(owner: Node<'_>, signature: Node<'d>) -> Result<Self, SamlError> {
        let plain = signature.holds_only(SIGNATURE, &["SignedInfo", "SignatureValue"]);
        if !plain && !signature.holds_only(SIGNATURE, &["SignedInfo", "SignatureValue", "KeyInfo"]) {
            return Err(SamlError::SignatureShape("Signature"));
        }
        let info = signature.only(SIGNATURE, "SignedInfo")?;
        if !info.holds_only(SIGNATURE, &["CanonicalizationMethod", "SignatureMethod", "Reference"]) {
            return Err(SamlError::SignatureShape("SignedInfo"));
        }
        let method = info.only(SIGNATURE, "SignatureMethod")?;
        if !method.holds_only(SIGNATURE, &[]) {
            return Err(SamlError::SignatureShape("SignatureMethod"));
        }
        let reference = info.only(SIGNATURE, "Reference")?;
        let id = owner.attribute("ID").filter(|id| !id.is_empty()).ok_or(SamlError::Shape("ID"))?;
        if reference.attribute("URI").and_then(|uri| uri.strip_prefix('#')) != Some(id) {
            return Err(SamlError::Reference);
        }
        if !reference.holds_only(SIGNATURE, &["Transforms", "DigestMethod", "DigestValue"]) {
            return Err(SamlError::SignatureShape("Reference"));
        }
        Ok(Self {
            info,
            info_prefixes: exclusive(info.only(SIGNATURE, "CanonicalizationMethod")?)?,
            method: Method::named(method.attribute("Algorithm").unwrap_or_default())?,
            value: bytes(signature, "SignatureValue")?,
            hash: hash(reference.only(SIGNATURE, "DigestMethod")?)?,
            digest: bytes(reference, "DigestValue")?,
            prefixes: transforms(reference.only(SIGNATURE, "Transforms")?)?,
        })
    }
}

fn bytes(parent: Node<'_>, name: &'static str) -> Result<Vec<u8>, SamlError> {
    let text = parent.only(SIGNATURE, name)?.text();
    text.and_then(|text| gate::base64(&text)).filter(|bytes| !bytes.is_empty()).ok_or(SamlError::SignatureShape(name))
}

fn hash(method: Node<'_>) -> Result<&'static digest::Algorithm, SamlError> {
    if !method.holds_only(SIGNATURE, &[]) {
        return Err(SamlError::SignatureShape("DigestMethod"));
    }
    match method.attribute("Algorithm") {
        Some(SHA256) => Ok(&digest::SHA256),
        Some(SHA384) => Ok(&digest::SHA384),
        Some(SHA512) => Ok(&digest::SHA512),
        Some(SHA1) => Err(SamlError::Sha1),
        _ => Err(SamlError::SignatureAlgorithm),
    }
}

/// Exactly the enveloped and then the exclusive transform; the prefixes that the latter is told to keep.
fn transforms(list: Node<'_>) -> Result<Vec<&str>, SamlError> {
    if !list.holds_only(SIGNATURE, &["Transform", "Transform"]) {
        return Err(SamlError::Transform);
    }
    let mut both = list.elements();
    let (Some(first), Some(second)) = (both.next(), both.next()) else { return Err(SamlError::Transform) };
    if first.attribute("Algorithm") != Some(ENVELOPED) || !first.holds_only(SIGNATURE, &[]) {
        return Err(SamlError::Transform);
    }
    exclusive(second)
}

/// The prefixes that an exclusive canonicalization is told to keep (Exclusive XML Canonicalization §3).
fn exclusive(method: Node<'_>) -> Result<Vec<&str>, SamlError> {
    if method.attribute("Algorithm") != Some(EXCLUSIVE) {
        return Err(SamlError::Transform);
    }
    let Some(list) = method.elements().next() else {
        return if method.has_stray_text() { Err(SamlError::Transform) } else { Ok(Vec::new()) };
    };
    if !method.holds_only(EXCLUSIVE, &["InclusiveNamespaces"]) || !list.holds_only(EXCLUSIVE, &[]) {
        return Err(SamlError::Transform);
    }
    let prefixes: Vec<&str> = list.attribute("PrefixList").unwrap_or_default().split_ascii_whitespace().collect();
    if prefixes.len() > PREFIXES_MOST { Err(SamlError::TooComplex) } else { Ok(prefixes) }
}
