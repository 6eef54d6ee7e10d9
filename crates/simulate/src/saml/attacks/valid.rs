//! Valid responses: whoever refuses one of them refuses a real product.

use super::{Case, Expect, Make, Setting};
use crate::saml::answer::{Manner, posted};
use crate::saml::document::{BEARER, Confirmation, Draft};
use crate::saml::keys::{KeyKind, SignatureMethod};
use crate::saml::settings::{Cipher, Encrypt, Oaep, Sign};
use crate::saml::shapes::Shape;
use crate::saml::signature::{Digest, Signer, Skeleton, Unsigned};
use crate::saml::xml::escaped_text;

const SHAPES: [(&str, Shape); 9] = [
    ("entra", Shape::Entra),
    ("entra-overage", Shape::EntraOverage),
    ("okta", Shape::Okta),
    ("ad-fs", Shape::AdFs),
    ("google", Shape::Google),
    ("ping", Shape::Ping),
    ("onelogin", Shape::OneLogin),
    ("shibboleth", Shape::Shibboleth),
    ("keycloak", Shape::Keycloak),
];

pub(super) fn cases() -> Vec<Case> {
    let mut all = vec![
        case("response-signed", Make::Edited(as_it_is)).signed(Sign::Response),
        case("assertion-signed", Make::Edited(as_it_is)).signed(Sign::Assertion),
        case("both-signed", Make::Edited(as_it_is)),
    ];
    all.extend(SHAPES.map(|(name, shape)| case(name, Make::Edited(as_it_is)).in_shape(shape)));
    all.extend(encrypted().map(|(name, make)| case(name, make)));
    all.extend(keys().map(|(name, make)| case(name, make)));
    all.extend(statements().map(|(name, make)| case(name, make)));
    all.extend(spellings().map(|(name, make)| case(name, make)));
    let mut unsolicited = case("idp-initiated", Make::Edited(|_, draft| draft.answer(None)));
    unsolicited.unsolicited = true;
    all.push(unsolicited);
    all
}

fn case(name: &'static str, make: Make) -> Case {
    Case::new("valid", name, Expect::Accept, make)
}

fn as_it_is(_: &Setting<'_>, _: &mut Draft) {}

fn encrypted() -> [(&'static str, Make); 7] {
    [
        ("encrypted-aes128-cbc", Make::Xml(|s| sealed(s, Cipher::Aes128Cbc, Oaep::Sha1, Sign::Both))),
        ("encrypted-aes256-cbc", Make::Xml(|s| sealed(s, Cipher::Aes256Cbc, Oaep::Sha1, Sign::Both))),
        ("encrypted-aes128-gcm", Make::Xml(|s| sealed(s, Cipher::Aes128Gcm, Oaep::Sha1, Sign::Both))),
        ("encrypted-aes256-gcm-oaep-sha256", Make::Xml(|s| sealed(s, Cipher::Aes256Gcm, Oaep::Sha256, Sign::Both))),
        ("encrypted-response-signed", Make::Xml(|s| sealed(s, Cipher::Aes256Cbc, Oaep::Sha1, Sign::Response))),
        // SimpleSAMLphp and samlp leave the response around a signed encrypted assertion unsigned.
        ("encrypted-cbc-assertion-signed", Make::Xml(|s| sealed(s, Cipher::Aes256Cbc, Oaep::Sha1, Sign::Assertion))),
        ("encrypted-gcm-assertion-signed", Make::Xml(|s| sealed(s, Cipher::Aes256Gcm, Oaep::Sha1, Sign::Assertion))),
    ]
}

fn keys() -> [(&'static str, Make); 6] {
    [
        ("second-published-certificate", Make::Xml(|s| by(s, s.published(KeyKind::Rsa2048)))),
        ("elliptic-curve", Make::Xml(|s| by(s, s.published(KeyKind::P256)))),
        (
            "rsa-sha384",
            Make::Xml(|s| by(s, Signer { method: SignatureMethod::RsaSha384, digest: Digest::Sha384, ..s.signer() })),
        ),
        (
            "rsa-sha512",
            Make::Xml(|s| by(s, Signer { method: SignatureMethod::RsaSha512, digest: Digest::Sha512, ..s.signer() })),
        ),
        ("digest-sha512", Make::Xml(|s| by(s, Signer { digest: Digest::Sha512, ..s.signer() }))),
        ("no-key-info", Make::Xml(|s| by(s, Signer { certificate: false, ..s.signer() }))),
    ]
}

fn statements() -> [(&'static str, Make); 6] {
    [
        ("clock-ahead-within-skew", Make::Edited(|s, draft| shift(s, draft, 170))),
        ("clock-behind-within-skew", Make::Edited(|s, draft| shift(s, draft, -470))),
        (
            "one-time-use",
            Make::Edited(|_, draft| {
                draft.conditions(|said| said.further = "<saml:OneTimeUse></saml:OneTimeUse>".into())
            }),
        ),
        (
            "several-audiences",
            Make::Edited(|_, draft| {
                draft.conditions(|said| said.audiences.iter_mut().for_each(|one| one.insert(0, "urn:x".to_owned())));
            }),
        ),
        (
            "two-confirmations",
            Make::Edited(|_, draft| {
                let other = Confirmation {
                    method: BEARER.replace("bearer", "sender-vouches"),
                    recipient: None,
                    in_response_to: None,
                    not_before: None,
                    not_on_or_after: None,
                };
                draft.assertion.confirmations.insert(0, other);
            }),
        ),
        (
            "utf-8",
            Make::Edited(|_, draft| {
                draft.say("given_name", &["Ana Sofía 山田 🦊"]);
                draft.say("groups", &["Forschung & Entwicklung <Süd>", "研究"]);
            }),
        ),
    ]
}

fn spellings() -> [(&'static str, Make); 6] {
    [
        ("cdata", Make::Touched(as_it_is, |s, xml| respell(s, &xml, |text| format!("<![CDATA[{text}]]>")))),
        ("character-references", Make::Touched(as_it_is, |s, xml| respell(s, &xml, referenced))),
        ("pretty-printed", Make::Xml(pretty)),
        ("other-spelling", Make::Touched(as_it_is, |_, xml| other_spelling(&xml))),
        (
            "xml-declaration",
            Make::Touched(as_it_is, |_, xml| format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{xml}\n")),
        ),
        ("base64-with-line-breaks", Make::Values(|s| vec![broken_lines(&posted(s.sign(&s.draft(), Sign::Both)))])),
    ]
}

fn sealed(setting: &Setting<'_>, cipher: Cipher, oaep: Oaep, sign: Sign) -> String {
    let encrypt = Encrypt { cipher, oaep, certificate: setting.encryption_certificate.to_vec() };
    setting.seal(&setting.draft(), Some(sign), &encrypt)
}

fn by(setting: &Setting<'_>, signer: Signer) -> String {
    setting.draft().compose(&Manner { sign: Some(Sign::Both), signer, encrypt: None })
}

/// The same as if the provider's clock were so many seconds ahead.
fn shift(setting: &Setting<'_>, draft: &mut Draft, seconds: i64) {
    let issued = setting.at(seconds);
    let until = Some(setting.at(seconds + 300));
    draft.envelope.issued.clone_from(&issued);
    draft.assertion.issued.clone_from(&issued);
    draft.confirmation(|said| said.not_on_or_after.clone_from(&until));
    draft.conditions(|said| {
        said.not_before = Some(issued.clone());
        said.not_on_or_after.clone_from(&until);
    });
    draft.authentication(|said| said.instant = issued.clone());
}

/// The address and the subject in another spelling that has the same canonical form.
fn respell(setting: &Setting<'_>, xml: &str, spell: impl Fn(&str) -> String) -> String {
    let mut out = xml.to_owned();
    for text in [&setting.person.email, &setting.person.subject] {
        let plain = escaped_text(text);
        out = out.replace(&format!(">{plain}<"), &format!(">{}<", spell(&plain)));
    }
    out
}

fn referenced(text: &str) -> String {
    text.chars().map(|letter| format!("&#x{:x};", u32::from(letter))).collect()
}

/// Line breaks between all elements, within the signatures too; on the wire they are two characters, as some
/// products write them, and one to every reader (XML 1.0 §2.11).
fn pretty(setting: &Setting<'_>) -> String {
    let spaced = |text: &str| text.replace("></", "\u{1}").replace("><", ">\n  <").replace('\u{1}', "></");
    let spread = |unsigned: Unsigned| Unsigned {
        id: unsigned.id,
        before: format!("{}\n  ", spaced(&unsigned.before)),
        after: format!("\n  {}", spaced(&unsigned.after)),
    };
    let signer = setting.signer();
    let signed = |unsigned: &Unsigned| {
        let mut skeleton = Skeleton::over(unsigned, &signer);
        skeleton.canonicalization = format!("\n    {}\n    ", skeleton.canonicalization);
        skeleton.method.push_str("\n    ");
        skeleton.references = skeleton.references.iter().map(|reference| format!("{}\n", spaced(reference))).collect();
        let signature = skeleton.signed(&signer);
        unsigned.holding(&signature.replace("<ds:SignatureValue>", "\n  <ds:SignatureValue>\n"))
    };
    let draft = setting.draft();
    let assertion = signed(&spread(draft.assertion.unsigned()));
    let envelope = draft.envelope.around("\u{2}");
    let (before, after) =
        (spaced(&envelope.before), spaced(&envelope.after).replace('\u{2}', &format!("\n{assertion}\n")));
    signed(&Unsigned { id: envelope.id, before, after }).replace('\n', "\r\n")
}

/// Everything that canonicalization evens out: quotes, order, blanks in tags, empty elements, namespaces
/// that nobody uses.
fn other_spelling(xml: &str) -> String {
    xml.replace(" Version=\"2.0\">", "\n   xmlns:unused=\"urn:unused\" Version = '2.0' >")
        .replace("></samlp:StatusCode>", " />")
        .replace("></saml:SubjectConfirmationData>", "/>")
        .replace("</saml:NameID>", "</saml:NameID\n>")
}

/// Lines of 76 characters, as MIME writes base64.
fn broken_lines(text: &str) -> String {
    let lines: Vec<&str> = text.as_bytes().chunks(76).filter_map(|line| str::from_utf8(line).ok()).collect();
    lines.join("\r\n")
}
