//! A provider may speak of its own tenant's people only: those of `corp.example`, the domain that is
//! proven for the attacked connection.

use super::{Case, Expect, Make, Setting, rejected};
use crate::saml::answer::Manner;
use crate::saml::document::Draft;
use crate::saml::settings::Sign;
use crate::saml::shapes::Shape;
use crate::saml::signature::Signer;

/// Addresses that are outside the domain, or that some reader takes for one within.
const ADDRESSES: [(&str, &str); 24] = [
    ("person-of-the-other-tenant", "user@other.example"),
    ("foreign-domain", "ana@evil.example"),
    ("subdomain", "ana@sub.corp.example"),
    ("domain-with-suffix", "ana@corp.example.evil"),
    ("domain-with-prefix", "ana@evilcorp.example"),
    ("domain-with-trailing-dot", "ana@corp.example."),
    ("two-ats-ours-first", "ana@corp.example@evil.example"),
    ("two-ats-ours-last", "ana@evil.example@corp.example"),
    ("quoted-ours", "\"ana@corp.example\"@evil.example"),
    ("quoted-foreign", "\"ana@evil.example\"@corp.example"),
    ("comma", "ana@evil.example,ana@corp.example"),
    ("semicolon", "ana@evil.example;ana@corp.example"),
    ("newline", "ana@evil.example\nana@corp.example"),
    ("tab", "ana@evil.example\tana@corp.example"),
    ("blank", "ana@evil.example ana@corp.example"),
    ("angle-brackets", "Ana <ana@corp.example>"),
    ("comment", "ana@evil.example(@corp.example)"),
    // The o is Cyrillic.
    ("homograph", "ana@c\u{43e}rp.example"),
    // The l is U+2113, which some normalizations make a plain one.
    ("ligature", "ana@corp.examp\u{2113}e"),
    ("fullwidth-at", "ana\u{ff20}corp.example"),
    ("ideographic-full-stop", "ana@corp\u{3002}example"),
    ("no-domain", "ana@"),
    ("no-local-part", "@corp.example"),
    ("invisible-blank", "ana@corp.example\u{200b}"),
];

pub(super) fn cases() -> Vec<Case> {
    let mut all = vec![Case::new("tenant-email", "own-person", Expect::Accept, Make::Edited(|_, _| {}))];
    all.extend(rejected("tenant-email", providers()));
    all.extend(rejected("tenant-email", ADDRESSES.map(|(name, address)| (name, Make::Address(address)))));
    all
}

fn providers() -> [(&'static str, Make); 3] {
    [
        ("other-provider-signs-as-this-one", Make::Xml(|s| by_other(s, &s.draft()))),
        ("response-of-the-other-provider", Make::Xml(|s| by_other(s, &s.draft_by(s.other, Shape::Generic, s.person)))),
        ("two-addresses", Make::Edited(|s, draft| draft.say("email", &[&s.person.email, "admin@other.example"]))),
    ]
}

fn by_other(setting: &Setting<'_>, draft: &Draft) -> String {
    let signer = Signer::new(setting.other.shared.memory().keys.current.clone());
    draft.compose(&Manner { sign: Some(Sign::Both), signer, encrypt: None })
}
