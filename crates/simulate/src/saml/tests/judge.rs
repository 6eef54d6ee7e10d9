//! A verdict on signatures with `uppsala` and `bergshamra`: what is the canonical form, whose digest is
//! right, which key signed. It is generous on purpose: it says whether *some* signature is genuine.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bergshamra_c14n::{C14nMode, canonicalize_doc};
use bergshamra_xml::nodeset::NodeSet;
use uppsala::{Document, NodeId};

use crate::saml::der::public_key_of;
use crate::saml::xml::SIGNATURE;

pub(crate) fn decoded(message: &str) -> String {
    String::from_utf8(STANDARD.decode(message).unwrap()).unwrap()
}

pub(crate) fn parsed(xml: &str) -> Document<'_> {
    uppsala::parse(xml).unwrap_or_else(|why| panic!("{why}\n{xml}"))
}

pub(crate) fn elements(document: &Document<'_>, local: &str) -> Vec<NodeId> {
    let root = document.document_element().unwrap();
    let mut all = document.descendants(root);
    all.insert(0, root);
    all.retain(|node| document.element(*node).is_some_and(|element| element.name.local_name == local));
    all
}

pub(crate) fn attribute<'a>(document: &'a Document<'_>, node: NodeId, name: &str) -> Option<&'a str> {
    let found = document
        .element(node)?
        .attributes
        .iter()
        .find(|attribute| attribute.name.namespace_uri.is_none() && attribute.name.local_name == name)?;
    Some(&found.value)
}

pub(crate) fn text(document: &Document<'_>, node: NodeId) -> String {
    document.text_content_deep(node)
}

/// The text of the first element of this name.
pub(crate) fn first_text(xml: &str, local: &str) -> Option<String> {
    let document = parsed(xml);
    elements(&document, local).first().map(|node| text(&document, *node))
}

/// The canonical form of an element, without one of its descendants.
pub(crate) fn canonical(
    document: &Document<'_>,
    node: NodeId,
    without: Option<NodeId>,
    mode: C14nMode,
    prefixes: &[String],
) -> String {
    let mut set = NodeSet::tree_without_comments(node, document);
    if let Some(without) = without {
        set = set.subtract(&NodeSet::tree_without_comments(without, document));
    }
    String::from_utf8(canonicalize_doc(document, mode, Some(&set), prefixes).unwrap()).unwrap()
}

/// The ids whose elements are truly signed, one a genuine signature, by one of these certificates.
pub(crate) fn signed_ids(xml: &str, certificates: &[Vec<u8>]) -> Vec<String> {
    // XML 1.0 §2.11, which this parser leaves to its caller.
    let xml = xml.replace("\r\n", "\n");
    let document = parsed(&xml);
    let mut ids = Vec::new();
    for signature in elements(&document, "Signature") {
        if document.element(signature).unwrap().name.namespace_uri.as_deref() == Some(SIGNATURE) {
            ids.extend(genuine(&document, signature, certificates));
        }
    }
    ids
}

fn inside(document: &Document<'_>, node: NodeId, local: &str) -> Vec<NodeId> {
    let mut all = document.descendants(node);
    all.retain(|node| document.element(*node).is_some_and(|element| element.name.local_name == local));
    all
}

fn algorithm(document: &Document<'_>, node: NodeId, local: &str) -> String {
    let found = inside(document, node, local);
    found.first().and_then(|node| attribute(document, *node, "Algorithm")).unwrap_or_default().to_owned()
}

fn prefixes(document: &Document<'_>, node: NodeId) -> Vec<String> {
    let list = inside(document, node, "InclusiveNamespaces");
    let list = list.first().and_then(|node| attribute(document, *node, "PrefixList")).unwrap_or_default();
    list.split_whitespace().map(str::to_owned).collect()
}

fn mode(uri: &str) -> C14nMode {
    C14nMode::from_uri(uri).unwrap_or(C14nMode::Exclusive)
}

fn genuine(document: &Document<'_>, signature: NodeId, certificates: &[Vec<u8>]) -> Option<String> {
    let info = *inside(document, signature, "SignedInfo").first()?;
    let reference = *inside(document, info, "Reference").first()?;
    let uri = attribute(document, reference, "URI")?;
    let id = uri.strip_prefix('#').unwrap_or_default();
    let value = text(document, *inside(document, signature, "SignatureValue").first()?);
    let value = STANDARD.decode(value.split_whitespace().collect::<String>()).ok()?;
    let signed = canonical(document, info, None, mode(&algorithm(document, info, "CanonicalizationMethod")), &[]);
    let method = algorithm(document, info, "SignatureMethod");
    if !certificates.iter().any(|certificate| verifies(&method, certificate, signed.as_bytes(), &value)) {
        return None;
    }
    let expected = text(document, *inside(document, reference, "DigestValue").first()?);
    let method = algorithm(document, reference, "DigestMethod");
    let transform = inside(document, reference, "Transform")
        .iter()
        .filter_map(|node| C14nMode::from_uri(attribute(document, *node, "Algorithm")?))
        .next_back();
    let list = prefixes(document, reference);
    let root = document.document_element()?;
    let candidates = document.descendants(root).into_iter().chain([root]);
    let matches = |node: &NodeId| {
        let named = if uri.is_empty() { *node == root } else { has_id(document, *node, id) };
        // The enveloped transform takes away the signature where it stands within the element.
        let own = document.descendants(*node).contains(&signature).then_some(signature);
        named
            && hash(&method, &canonical(document, *node, own, transform.unwrap_or(C14nMode::Exclusive), &list))
                == expected
    };
    candidates.into_iter().find(matches).map(|_| id.to_owned())
}

fn has_id(document: &Document<'_>, node: NodeId, id: &str) -> bool {
    attribute(document, node, "ID") == Some(id) || attribute(document, node, "Id") == Some(id)
}

fn verifies(method: &str, certificate: &[u8], message: &[u8], value: &[u8]) -> bool {
    let algorithm: &dyn VerificationAlgorithm = match method.rsplit(['#', ':']).next().unwrap() {
        "rsa-sha1" => &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        "rsa-sha256" => &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        "rsa-sha384" => &RSA_PKCS1_2048_8192_SHA384,
        "rsa-sha512" => &RSA_PKCS1_2048_8192_SHA512,
        "ecdsa-sha256" => &ECDSA_P256_SHA256_FIXED,
        _ => return false,
    };
    UnparsedPublicKey::new(algorithm, public_key_of(certificate).unwrap()).verify(message, value).is_ok()
}

fn hash(method: &str, text: &str) -> String {
    let algorithm = match method.rsplit(['#', ':']).next().unwrap() {
        "sha1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        "sha256" => &digest::SHA256,
        "sha384" => &digest::SHA384,
        "sha512" => &digest::SHA512,
        other => panic!("{other}"),
    };
    STANDARD.encode(digest::digest(algorithm, text.as_bytes()))
}
