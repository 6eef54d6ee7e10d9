//! Signatures whose parts are missing, doubled, misplaced, or over something else than what is read.

use super::{Case, Edit, Make, Setting, rejected};
use crate::saml::document::Draft;
use crate::saml::settings::Sign;
use crate::saml::signature::{Digest, Skeleton, Unsigned, exclusive, reference, reference_to, transforms};
use crate::saml::xml::{DS, SIGNATURE};

const AS_IT_IS: Edit = |_, _| {};
/// The digest of nothing, which is what a canonicalizer that failed has written.
const VOID: &str = "";

pub(super) fn cases() -> Vec<Case> {
    let mut all = rejected("sig-structure", missing());
    all.extend(rejected("sig-structure", tampered()));
    all.extend(rejected("sig-structure", doubled()));
    all.extend(rejected("sig-structure", misplaced()));
    all.extend(rejected("sig-structure", void()));
    all
}

fn missing() -> [(&'static str, Make); 6] {
    [
        ("signature-stripped", Make::Xml(|s| unsigned(&s.forged()))),
        ("signature-empty", Make::Forged(|_, _| DS.outer("Signature").write())),
        ("signature-value-empty", Make::Forged(|s, element| Skeleton::over(element, &s.signer()).with_value(&[]))),
        (
            "reference-missing",
            Make::Xml(|s| {
                let xml = s.sign(&s.forged(), Sign::Assertion);
                between(&xml, "<ds:Reference", "</ds:Reference>").map_or(xml.clone(), |part| xml.replace(part, ""))
            }),
        ),
        (
            "reference-missing-and-truly-signed",
            Make::Forged(|s, _| Skeleton::with_references(Vec::new(), &s.signer()).signed(&s.signer())),
        ),
        (
            "look-alike-namespace",
            Make::Touched(AS_IT_IS, |_, xml| xml.replace(SIGNATURE, "http://www.w3.org/2000/09/xmldsig")),
        ),
    ]
}

fn tampered() -> [(&'static str, Make); 7] {
    [
        ("name-id-tampered", Make::Touched(AS_IT_IS, |s, xml| xml.replace(&s.person.subject, "00u000000000000admin"))),
        ("attribute-tampered", Make::Touched(AS_IT_IS, |s, xml| xml.replace(&s.person.email, "admin@corp.example"))),
        (
            "signature-value-tampered",
            Make::Forged(|s, element| {
                let signer = s.signer();
                let skeleton = Skeleton::over(element, &signer);
                let mut value = signer.key.sign(signer.method, skeleton.canonical().as_bytes());
                if let Some(last) = value.last_mut() {
                    *last ^= 1;
                }
                skeleton.with_value(&value)
            }),
        ),
        (
            "digest-value-replaced",
            Make::Xml(|s| signature_of_other(s, |digest, forged| digest.replace(&forged.0, &forged.1))),
        ),
        (
            "signed-info-tampered",
            Make::Touched(AS_IT_IS, |_, xml| xml.replace("xmldsig#enveloped-signature", "xmldsig#enveloped-Signature")),
        ),
        ("signature-of-another-response", Make::Xml(|s| signature_of_other(s, |signature, _| signature.to_owned()))),
        (
            "assertion-signature-over-forged-response",
            Make::Xml(|s| {
                // The assertion is true and signed; the response's own signature is the attacker's.
                let draft = s.draft();
                draft.envelope.around(&draft.assertion.unsigned().signed(&s.signer())).signed(&s.attacker())
            }),
        ),
    ]
}

fn doubled() -> [(&'static str, Make); 9] {
    [
        // CVE-2025-29774: one SignedInfo is verified, the other is read.
        (
            "two-signed-infos-forged-first",
            Make::Xml(|s| two_signed_infos(s, |forged, genuine| format!("{forged}{genuine}"))),
        ),
        (
            "two-signed-infos-forged-last",
            Make::Xml(|s| two_signed_infos(s, |forged, genuine| format!("{genuine}{forged}"))),
        ),
        // CVE-2025-29775: the comment vanishes for one reader and is all for the other.
        (
            "digest-value-after-comment",
            Make::Xml(|s| digest_value(s, |genuine, forged| format!("<!--{forged}-->{genuine}"))),
        ),
        (
            "digest-value-before-comment",
            Make::Xml(|s| digest_value(s, |genuine, forged| format!("{genuine}<!--{forged}-->"))),
        ),
        (
            "two-digest-values-forged-first",
            Make::Xml(|s| {
                digest_value(s, |genuine, forged| format!("{forged}</ds:DigestValue><ds:DigestValue>{genuine}"))
            }),
        ),
        (
            "two-digest-values-forged-last",
            Make::Xml(|s| {
                digest_value(s, |genuine, forged| format!("{genuine}</ds:DigestValue><ds:DigestValue>{forged}"))
            }),
        ),
        // CVE-2024-45409: `//ds:DigestValue` finds the one in the status first.
        ("digest-value-in-status-detail", Make::Xml(smuggled)),
        (
            "two-signatures-attackers-first",
            Make::Xml(|s| {
                two_signatures(s, |element, theirs| Unsigned {
                    before: format!("{}{theirs}", element.before),
                    ..element.clone()
                })
            }),
        ),
        (
            "two-signatures-attackers-last",
            Make::Xml(|s| {
                two_signatures(s, |element, theirs| Unsigned {
                    after: format!("{theirs}{}", element.after),
                    ..element.clone()
                })
            }),
        ),
    ]
}

fn smuggled(s: &Setting<'_>) -> String {
    let genuine = s.draft().assertion.unsigned();
    let mut forged = s.forged();
    let element = under_id_of(forged.assertion.unsigned(), &genuine);
    let smuggled = DS.outer("DigestValue").text(&Digest::Sha256.of(&element.plain())).write();
    forged.envelope.status_detail = format!("<samlp:StatusDetail>{smuggled}</samlp:StatusDetail>");
    let signature = Skeleton::over(&genuine, &s.signer()).signed(&s.signer());
    forged.envelope.around(&element.holding(&signature)).plain()
}

fn misplaced() -> [(&'static str, Make); 7] {
    [
        ("signature-in-subject", Make::Xml(|s| relocated(s, "<saml:Subject>"))),
        ("signature-in-attribute-statement", Make::Xml(|s| relocated(s, "<saml:AttributeStatement>"))),
        (
            "signature-beside-the-assertion",
            Make::Xml(|s| {
                let draft = s.draft();
                let element = draft.assertion.unsigned();
                let signature = Skeleton::over(&element, &s.signer()).signed(&s.signer());
                draft.envelope.around(&format!("{}{signature}", element.plain())).plain()
            }),
        ),
        ("signature-over-the-status", Make::Xml(|s| over_part(s, &s.forged().envelope.status(), "samlp:Status"))),
        (
            "signature-over-the-attributes",
            Make::Xml(|s| over_part(s, &s.draft().assertion.attributes(), "saml:AttributeStatement")),
        ),
        (
            "assertion-in-object",
            Make::Xml(|s| {
                let signer = s.signer();
                let draft = s.draft();
                let element = draft.assertion.unsigned();
                let mut skeleton = Skeleton::over(&element, &signer);
                skeleton.rest.push_str(&DS.inner("Object").holds(&element.plain()).write());
                draft.envelope.around("").holding(&skeleton.signed(&signer))
            }),
        ),
        (
            "signature-value-twice",
            Make::Xml(|s| {
                let xml = s.sign(&s.draft(), Sign::Assertion);
                xml.replace("<ds:SignatureValue>", "<ds:SignatureValue>AAAA</ds:SignatureValue><ds:SignatureValue>")
            }),
        ),
    ]
}

/// A relative namespace makes some canonicalizers fail and write nothing; the provider's signature is true
/// over nothing. The last two are about names of attributes that only look like `ID`.
fn void() -> [(&'static str, Make); 5] {
    [
        ("void-digest", Make::Xml(|s| voided(s, true, false))),
        ("void-signed-info", Make::Xml(|s| voided(s, false, true))),
        ("void-both", Make::Xml(|s| voided(s, true, true))),
        ("prefixed-id-on-assertion", Make::Xml(|s| polluted(s, "saml:ID"))),
        ("xml-id-on-assertion", Make::Xml(|s| polluted(s, "xml:id"))),
    ]
}

fn unsigned(draft: &Draft) -> String {
    draft.envelope.around(&draft.assertion.unsigned().plain()).plain()
}

/// The text from one marker to the end of the next.
fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let begin = text.find(from)?;
    let end = begin + text.get(begin..)?.find(to)? + to.len();
    text.get(begin..end)
}

/// The element with the id of another, so that a reference to the one leads to the other.
fn under_id_of(element: Unsigned, other: &Unsigned) -> Unsigned {
    let before = element.before.replacen(&element.id, &other.id, 1);
    Unsigned { id: other.id.clone(), before, after: element.after }
}

/// A true signature of the provider under another assertion; `change` gets it with the true digest and the
/// one that would be right.
fn signature_of_other(setting: &Setting<'_>, change: fn(&str, &(String, String)) -> String) -> String {
    let forged = setting.forged();
    let genuine = setting.draft().assertion.unsigned();
    let element = under_id_of(forged.assertion.unsigned(), &genuine);
    let digests = (Digest::Sha256.of(&genuine.plain()), Digest::Sha256.of(&element.plain()));
    let signature = Skeleton::over(&genuine, &setting.signer()).signed(&setting.signer());
    forged.envelope.around(&element.holding(&change(&signature, &digests))).plain()
}

/// The forged assertion under the id of the true one, the provider's signature around both SignedInfos.
fn two_signed_infos(setting: &Setting<'_>, order: fn(&str, &str) -> String) -> String {
    let signer = setting.signer();
    let genuine = Skeleton::over(&setting.draft().assertion.unsigned(), &signer);
    let value = signer.key.sign(signer.method, genuine.canonical().as_bytes());
    let forged = setting.forged();
    let element = forged.assertion.unsigned();
    let wrong = Skeleton::over(&element, &signer).signed_info();
    let signature = genuine.around(&order(&wrong, &genuine.signed_info()), &value);
    forged.envelope.around(&element.holding(&signature)).plain()
}

/// The signature of a true assertion, its digest value spoilt, under a forged one of the same id.
fn digest_value(setting: &Setting<'_>, spoil: fn(&str, &str) -> String) -> String {
    let signer = setting.signer();
    let genuine = setting.draft().assertion.unsigned();
    let forged = setting.forged();
    let element = under_id_of(forged.assertion.unsigned(), &genuine);
    let (right, wrong) = (Digest::Sha256.of(&genuine.plain()), Digest::Sha256.of(&element.plain()));
    let signature = Skeleton::over(&genuine, &signer).signed(&signer);
    let signature = signature.replacen(&right, &spoil(&right, &wrong), 1);
    forged.envelope.around(&element.holding(&signature)).plain()
}

/// An attacker's signature is part of what the provider truly signed.
fn two_signatures(setting: &Setting<'_>, place: fn(&Unsigned, &str) -> Unsigned) -> String {
    let draft = setting.draft();
    let element = draft.assertion.unsigned();
    let theirs = Skeleton::over(&element, &setting.attacker()).signed(&setting.attacker());
    draft.envelope.around(&place(&element, &theirs).signed(&setting.signer())).plain()
}

/// A true signature of the assertion at another place within it.
fn relocated(setting: &Setting<'_>, place: &str) -> String {
    let draft = setting.draft();
    let element = draft.assertion.unsigned();
    let signature = Skeleton::over(&element, &setting.signer()).signed(&setting.signer());
    let moved = element.plain().replacen(place, &format!("{place}{signature}"), 1);
    draft.envelope.around(&moved).plain()
}

/// The provider truly signed a part; the rest is forged.
fn over_part(setting: &Setting<'_>, part: &str, name: &str) -> String {
    let signer = setting.signer();
    let (prefix, uri) = match name.split_once(':') {
        Some(("samlp", _)) => ("samlp", crate::saml::xml::PROTOCOL),
        Some(_) | None => ("saml", crate::saml::xml::ASSERTION),
    };
    // The canonical form of a part declares the namespace that its ancestors declare in the document.
    let apex = part.replacen(&format!("<{name}"), &format!("<{name} xmlns:{prefix}=\"{uri}\" ID=\"_part\""), 1);
    let chain = transforms(DS, &[&exclusive(&signer)]);
    let over = reference(DS, Some("#_part"), &chain, Digest::Sha256, &Digest::Sha256.of(&apex));
    let signature = Skeleton::with_references(vec![over], &signer).signed(&signer);
    let forged = setting.forged();
    let whole = forged.envelope.around(&forged.assertion.unsigned().holding(&signature)).plain();
    let begin = format!("<{name}");
    let own = between(&whole, &begin, &format!("</{name}>")).unwrap_or_default();
    let within = part.replacen(&begin, &format!("{begin} ID=\"_part\""), 1);
    whole.replacen(own, &within, 1)
}

fn voided(setting: &Setting<'_>, digest: bool, signed_info: bool) -> String {
    let signer = setting.signer();
    let forged = setting.forged();
    let mut element = forged.assertion.unsigned();
    let mut over = reference_to(&element, &signer);
    if digest {
        over = over.replace(&Digest::Sha256.of(&element.plain()), &Digest::Sha256.of(VOID));
        element.before = element.before.replacen(" ID=", " xmlns:relative=\"1\" ID=", 1);
    }
    let skeleton = Skeleton::with_references(vec![over], &signer);
    let signature = if signed_info {
        let value = signer.key.sign(signer.method, VOID.as_bytes());
        skeleton.with_value(&value).replacen("<ds:SignedInfo>", "<ds:SignedInfo xmlns:relative=\"1\">", 1)
    } else {
        skeleton.signed(&signer)
    };
    forged.envelope.around(&element.holding(&signature)).plain()
}

/// The true assertion is moved out of sight; the forged one bears its id under another name, first.
fn polluted(setting: &Setting<'_>, attribute: &str) -> String {
    let signer = setting.signer();
    let genuine: Unsigned = setting.draft().assertion.unsigned();
    let mut skeleton = Skeleton::over(&genuine, &signer);
    let signature = {
        let value = signer.key.sign(signer.method, skeleton.canonical().as_bytes());
        skeleton.rest.push_str(&DS.inner("Object").holds(&genuine.plain()).write());
        skeleton.with_value(&value)
    };
    let forged = setting.forged();
    let mut element = forged.assertion.unsigned();
    element.before = element.before.replacen(" ID=", &format!(" {attribute}=\"{}\" ID=", genuine.id), 1);
    forged.envelope.around(&element.holding(&signature)).plain()
}
