//! What is no XML, or not the XML that it seems; most carries a true signature, for whoever repairs it.

use super::{Case, Expect, Make, Setting, rejected};
use crate::saml::answer::posted;
use crate::saml::request::deflate;
use crate::saml::settings::Sign;

pub(super) fn cases() -> Vec<Case> {
    let mut all = rejected("malformed", broken());
    all.extend(rejected("malformed", encodings()));
    all.extend(rejected("malformed", nothing()));
    let either = either().map(|(name, make)| Case::new("malformed", name, Expect::RejectOrExact, make));
    all.extend(either);
    all
}

fn broken() -> [(&'static str, Make); 9] {
    [
        ("two-roots", Make::Xml(|s| format!("{}{}", true_xml(s), true_xml(s)))),
        ("text-after-the-root", Make::Xml(|s| format!("{} trailing", true_xml(s)))),
        ("duplicate-attribute", Make::Xml(|s| replaced(s, " Version=\"2.0\"", " Version=\"2.0\" Version=\"2.0\""))),
        ("mismatched-tags", Make::Xml(|s| replaced(s, "</saml:Subject>", "</saml:subject>"))),
        ("root-not-closed", Make::Xml(|s| replaced(s, "</samlp:Response>", ""))),
        ("prefix-not-bound", Make::Xml(|s| replaced(s, "<saml:Subject>", "<saml:Subject nobody:known=\"1\">"))),
        ("reference-to-zero", Make::Xml(|s| in_name(s, "&#0;"))),
        ("reference-to-a-surrogate", Make::Xml(|s| in_name(s, "&#xD800;"))),
        ("xml-of-version-1-1", Make::Xml(|s| format!("<?xml version=\"1.1\"?>{}", true_xml(s)))),
    ]
}

fn encodings() -> [(&'static str, Make); 6] {
    [
        ("zero-byte", Make::Xml(|s| in_name(s, "\0"))),
        ("control-character", Make::Xml(|s| in_name(s, "\u{1}"))),
        ("bytes-that-are-no-utf-8", Make::Values(|s| vec![posted(invalid(&true_xml(s)))])),
        ("utf-16-little-endian", Make::Values(|s| vec![posted(wide(&true_xml(s), u16::to_le_bytes))])),
        ("utf-16-big-endian", Make::Values(|s| vec![posted(wide(&true_xml(s), u16::to_be_bytes))])),
        // In UTF-7, `+ADw-` is `<`.
        (
            "utf-7",
            Make::Xml(|s| format!("<?xml version=\"1.0\" encoding=\"UTF-7\"?>{}", true_xml(s).replace('<', "+ADw-"))),
        ),
    ]
}

fn nothing() -> [(&'static str, Make); 6] {
    [
        ("empty", Make::Values(|_| vec![String::new()])),
        ("blanks", Make::Values(|_| vec![" \r\n\t ".to_owned()])),
        ("html", Make::Xml(|_| "<!doctype html><title>Sign in</title><p>Your session has expired.".to_owned())),
        ("json", Make::Xml(|s| format!("{{\"sub\":\"{}\"}}", s.person.subject))),
        ("base64-of-other-letters", Make::Values(|s| vec![posted(true_xml(s)).replacen("PHNhb", "PHN*b", 1)])),
        // The encoding of the other binding.
        ("deflated", Make::Values(|s| vec![posted(deflate(true_xml(s).as_bytes()))])),
    ]
}

/// Harmless if read as what was signed; a strict reader refuses these, too.
fn either() -> [(&'static str, Make); 5] {
    [
        ("byte-order-mark", Make::Xml(|s| format!("\u{feff}{}", true_xml(s)))),
        ("instruction-before-the-root", Make::Xml(|s| format!("<?xml-stylesheet href=\"x\"?>{}", true_xml(s)))),
        ("latin-1-declared", Make::Xml(|s| format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{}", true_xml(s)))),
        ("base64-url-safe", Make::Values(|s| vec![posted(true_xml(s)).replace('+', "-").replace('/', "_")])),
        ("base64-without-padding", Make::Values(|s| vec![posted(true_xml(s)).trim_end_matches('=').to_owned()])),
    ]
}

fn true_xml(setting: &Setting<'_>) -> String {
    setting.sign(&setting.draft(), Sign::Both)
}

fn replaced(setting: &Setting<'_>, from: &str, to: &str) -> String {
    true_xml(setting).replacen(from, to, 1)
}

fn in_name(setting: &Setting<'_>, what: &str) -> String {
    replaced(setting, "</saml:NameID>", &format!("{what}</saml:NameID>"))
}

/// A byte that begins no character, within the NameID.
fn invalid(xml: &str) -> Vec<u8> {
    let (before, after) = xml.split_once("</saml:NameID>").unwrap_or_default();
    [before.as_bytes(), &[0xff], b"</saml:NameID>", after.as_bytes()].concat()
}

fn wide(xml: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let declared = format!("\u{feff}<?xml version=\"1.0\" encoding=\"UTF-16\"?>{xml}");
    declared.encode_utf16().flat_map(order).collect()
}
