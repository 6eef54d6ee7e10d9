//! What costs the reader more than the sender. Nothing here needs a true signature: it must be refused before
//! anybody computes one.

use std::fmt::Write as _;

use super::{Case, Make, Setting, rejected};
use crate::saml::answer::posted;
use crate::saml::request::deflate;
use crate::saml::settings::Sign;
use crate::saml::signature::{Skeleton, reference_to};

const MEGABYTE: usize = 1024 * 1024;

pub(super) fn cases() -> Vec<Case> {
    rejected(
        "dos",
        [
            ("three-megabytes", Make::Xml(|s| with_note(s, &"a".repeat(3 * MEGABYTE)))),
            (
                "three-megabytes-of-blanks",
                Make::Values(|s| {
                    vec![format!("{}{}", " ".repeat(3 * MEGABYTE), posted(s.sign(&s.draft(), Sign::Both)))]
                }),
            ),
            ("twenty-thousand-deep", Make::Xml(|s| with_note(s, &deep(20_000)))),
            ("two-hundred-deep", Make::Xml(|s| with_note(s, &deep(200)))),
            ("twenty-thousand-attributes", Make::Xml(|s| with_root(s, &numbered(20_000, " a", "=\"\"")))),
            ("ten-thousand-namespaces", Make::Xml(|s| with_root(s, &numbered(10_000, " xmlns:n", "=\"urn:n\"")))),
            ("fifty-thousand-elements", Make::Xml(|s| with_note(s, &"<a/>".repeat(50_000)))),
            (
                "thousand-signatures",
                Make::Forged(|s, element| Skeleton::over(element, &s.attacker()).with_value(&[1; 256]).repeat(1_000)),
            ),
            (
                "two-thousand-references",
                Make::Forged(|s, element| {
                    let references = vec![reference_to(element, &s.attacker()); 2_000];
                    Skeleton::with_references(references, &s.attacker()).with_value(&[1; 256])
                }),
            ),
            (
                "five-hundred-assertions",
                Make::Xml(|s| {
                    let draft = s.draft();
                    let one = draft.assertion.unsigned().signed(&s.signer());
                    draft.envelope.around(&one.repeat(500)).plain()
                }),
            ),
            // 50 MiB in 50 kB, for whoever inflates what is posted.
            ("deflate-bomb", Make::Values(|_| vec![posted(deflate(&vec![b' '; 50 * MEGABYTE]))])),
        ],
    )
}

/// An unsigned response with this as one more value.
fn with_note(setting: &Setting<'_>, content: &str) -> String {
    let mut draft = setting.draft();
    draft.assertion.further = format!(
        "<saml:AttributeStatement><saml:Attribute Name=\"note\"><saml:AttributeValue>{content}\
         </saml:AttributeValue></saml:Attribute></saml:AttributeStatement>"
    );
    draft.envelope.around(&draft.assertion.unsigned().plain()).plain()
}

/// An unsigned response with these at its root.
fn with_root(setting: &Setting<'_>, attributes: &str) -> String {
    let draft = setting.draft();
    let xml = draft.envelope.around(&draft.assertion.unsigned().plain()).plain();
    xml.replacen("<samlp:Response", &format!("<samlp:Response{attributes}"), 1)
}

fn deep(levels: usize) -> String {
    format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels))
}

fn numbered(count: usize, before: &str, after: &str) -> String {
    let mut all = String::new();
    for number in 0..count {
        let _ = write!(all, "{before}{number}{after}");
    }
    all
}
