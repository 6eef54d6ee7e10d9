//! Signatures that are not of the one form that is accepted, and identities that nobody signed.

use super::world::*;
use crate::saml::*;

const INFO_END: &str = "</ds:SignedInfo>";

#[test]
fn only_the_one_form_of_signature_is_read() {
    let good = Forge::new().xml();
    let enveloped = "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform>";
    let exclusive = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform>";
    let xslt = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"></ds:Transform>";
    let inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
    let method = "<ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\">";
    let hmac = "<ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256\">";
    let parameter = format!("{method}<ds:HMACOutputLength>8</ds:HMACOutputLength>");
    let reference = good[good.find("<ds:Reference").unwrap()..good.find(INFO_END).unwrap()].to_owned();
    let canonicalization = "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">";
    let rows: [(&str, &str, SamlError); 20] = [
        ("URI=\"#_a1\"", "URI=\"\"", SamlError::Reference),
        ("URI=\"#_a1\"", "URI=\"#_r1\"", SamlError::Reference),
        ("URI=\"#_a1\"", "URI=\"http://127.0.0.1:1/\"", SamlError::Reference),
        ("URI=\"#_a1\"", "URI=\"#xpointer(id('_a1'))\"", SamlError::Reference),
        (" URI=\"#_a1\"", "", SamlError::Reference),
        (&reference, "", SamlError::SignatureShape("SignedInfo")),
        (&reference, &format!("{reference}{reference}"), SamlError::SignatureShape("SignedInfo")),
        (exclusive, "", SamlError::Transform),
        (enveloped, xslt, SamlError::Transform),
        (exclusive, &format!("{exclusive}{exclusive}"), SamlError::Transform),
        (exclusive, &exclusive.replace("exc-c14n#", "exc-c14n#WithComments"), SamlError::Transform),
        (
            canonicalization,
            &canonicalization.replace("http://www.w3.org/2001/10/xml-exc-c14n#", inclusive),
            SamlError::Transform,
        ),
        (method, hmac, SamlError::SignatureAlgorithm),
        (method, &method.replace("more#rsa-sha256", "more#rsa-md5"), SamlError::SignatureAlgorithm),
        (method, &parameter, SamlError::SignatureShape("SignatureMethod")),
        (INFO_END, "</ds:SignedInfo><ds:SignedInfo></ds:SignedInfo>", SamlError::SignatureShape("Signature")),
        ("</ds:Signature>", "<ds:Object></ds:Object></ds:Signature>", SamlError::SignatureShape("Signature")),
        ("<ds:DigestValue>", "<ds:DigestValue><ds:X></ds:X>", SamlError::SignatureShape("DigestValue")),
        ("<ds:SignatureValue>", "<ds:SignatureValue>*", SamlError::SignatureShape("SignatureValue")),
        ("</ds:Reference>", "x</ds:Reference>", SamlError::SignatureShape("Reference")),
    ];
    for (old, new, expected) in rows {
        assert!(good.contains(old), "{old}");
        assert_eq!(finish(&good.replacen(old, new, 1)).unwrap_err(), expected, "{new}");
    }
}

#[test]
fn sha_1_is_refused_even_where_it_is_genuine() {
    let digest = How { digest: "http://www.w3.org/2000/09/xmldsig#sha1", ..How::default() };
    assert_eq!(Forge::new().how(digest).finish().unwrap_err(), SamlError::Sha1);
    let method = How { method: "http://www.w3.org/2000/09/xmldsig#rsa-sha1", ..How::default() };
    assert_eq!(Forge::new().how(method).finish().unwrap_err(), SamlError::Sha1);
    assert!(SamlError::Sha1.remedy().contains("RSA-SHA256"));
}

#[test]
fn what_was_changed_after_it_was_signed_is_refused() {
    let xml = Forge::new().signed(Some(Who::Idp), Some(Who::Idp)).xml();
    for (old, new) in [(">alice-1<", ">mallory<"), (">admins<", ">owners<"), (">alice-1<", ">alice-1 <")] {
        assert_eq!(finish(&xml.replace(old, new)).unwrap_err(), SamlError::Digest, "{new}");
    }
    // A digest that fits is one that nobody signed.
    let forged = Forge::new().in_assertion(">alice-1<", ">mallory<").signed(Some(Who::Stranger), None).xml();
    let value = |xml: &str| xml.split("<ds:DigestValue>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let good = Forge::new().xml();
    let mixed = good.replace(&value(&good), &value(&forged)).replace(">alice-1<", ">mallory<");
    assert_eq!(finish(&mixed).unwrap_err(), SamlError::Signature);
}

#[test]
fn a_signed_assertion_cannot_be_wrapped_around_another() {
    let forge = Forge::new();
    let signed = forge.inner();
    let evil = forge.assertion.replace("_a1", "_evil").replace(">alice-1<", ">mallory<");
    let tail = "</saml:Assertion>";
    let inside = |place: &str| evil.replacen(tail, &format!("{place}{signed}{}{tail}", place.replace('<', "</")), 1);
    let head = &signed[..signed.find("<ds:Signature").unwrap()];
    let signature = &signed[head.len()..signed.find("</ds:Signature>").unwrap() + "</ds:Signature>".len()];
    let bare = signed.replacen(signature, "", 1);
    let held = signature.replace("</ds:Signature>", &format!("<ds:Object>{bare}</ds:Object></ds:Signature>"));
    let around = |inner: &str| forge.around(inner);
    let rows = [
        (around(&format!("{evil}{signed}")), SamlError::AssertionCount),
        (around(&format!("{signed}{evil}")), SamlError::AssertionCount),
        (around(&inside("<saml:Advice>")), SamlError::AssertionCount),
        (around(&evil.replacen("<saml:Subject>", &format!("{held}<saml:Subject>"), 1)), SamlError::AssertionCount),
        (around(&evil.replacen("<saml:Subject>", &format!("{signature}<saml:Subject>"), 1)), SamlError::Reference),
        (around(&format!("{evil}<x:y xmlns:x=\"urn:x\">{signed}</x:y>")), SamlError::Shape("Response")),
        (around(&format!("{evil}<samlp:Extensions>{signed}</samlp:Extensions>")), SamlError::Shape("Response")),
        (
            around(&evil.replace("_evil", "_a1").replacen("<saml:Subject>", &format!("{signature}<saml:Subject>"), 1)),
            SamlError::Digest,
        ),
        (around(&format!("{evil}{signature}")), SamlError::Reference),
        (
            around(&evil.replacen("<saml:Issuer>", &format!("<saml:Advice>{signature}</saml:Advice><saml:Issuer>"), 1)),
            SamlError::StraySignature,
        ),
        (signed.clone(), SamlError::Shape("Response")),
    ];
    for (number, (xml, expected)) in rows.into_iter().enumerate() {
        assert_eq!(finish(&xml).unwrap_err(), expected, "{number}");
    }
}

#[test]
fn prefixes_that_a_signature_keeps_are_kept() {
    // The declaration is used by no name, only by a value, so that without the list it would not be signed.
    let declared = Forge::new()
        .in_assertion("<saml:Assertion xmlns:saml", "<saml:Assertion xmlns:x=\"urn:x\" xmlns:saml")
        .in_assertion("<saml:AttributeValue>Alice", "<saml:AttributeValue>Alice");
    assert_eq!(declared.finish().unwrap_err(), SamlError::Digest);
    let canonical = Forge::new().in_assertion(
        "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
        "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" xmlns:x=\"urn:x\"",
    );
    let plain = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform></ds:Transforms>";
    let listing = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"><ec:InclusiveNamespaces \
                   xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"x #default\"></ec:InclusiveNamespaces>\
                   </ds:Transform></ds:Transforms>";
    let listed = signed_anew(&canonical.xml(), plain, listing);
    assert_eq!(finish(&listed).unwrap().identity.subject, "alice-1");
    let many = listing.replace("x #default", &"x ".repeat(17));
    assert_eq!(finish(&signed_anew(&canonical.xml(), plain, &many)).unwrap_err(), SamlError::TooComplex);
}

/// The same response, with another text in what was signed and the signature made anew.
fn signed_anew(xml: &str, old: &str, new: &str) -> String {
    use base64::Engine as _;
    let changed = xml.replacen(old, new, 1);
    assert_ne!(xml, changed);
    let begin = changed.find("<ds:SignedInfo>").unwrap();
    let end = changed.find(INFO_END).unwrap() + INFO_END.len();
    let info = changed[begin..end].replacen("<ds:SignedInfo>", &format!("<ds:SignedInfo xmlns:ds=\"{DS}\">"), 1);
    let value = base64::engine::general_purpose::STANDARD.encode(Who::Idp.sign(RSA_SHA256, info.as_bytes()));
    let (head, tail) = changed.split_once("<ds:SignatureValue>").unwrap();
    format!("{head}<ds:SignatureValue>{value}<{}", tail.split_once('<').unwrap().1)
}
