//! Document types and inclusions. No SAML message has any; the signatures below are true, so that only
//! this rule refuses them.

use std::fmt::Write as _;

use super::{Case, Edit, Make, Setting, rejected};

const AS_IT_IS: Edit = |_, _| {};

pub(super) fn cases() -> Vec<Case> {
    let mut all = rejected("dtd", types());
    all.extend(rejected("dtd", external()));
    all.extend(rejected("dtd", inclusions()));
    all
}

fn types() -> [(&'static str, Make); 6] {
    [
        ("doctype-plain", Make::Touched(AS_IT_IS, |_, xml| typed("", &xml))),
        (
            "entity-internal",
            Make::Touched(AS_IT_IS, |s, xml| {
                let subset = format!("<!ENTITY who \"{}\">", s.person.subject);
                typed(&subset, &xml.replace(&format!(">{}<", s.person.subject), ">&who;<"))
            }),
        ),
        ("entity-billion-laughs", Make::Touched(AS_IT_IS, |s, xml| typed(&laughs(), &renamed(s, &xml, "&l9;")))),
        (
            "entity-quadratic",
            Make::Touched(AS_IT_IS, |s, xml| {
                typed(&format!("<!ENTITY a \"{}\">", "a".repeat(20_000)), &renamed(s, &xml, &"&a;".repeat(10_000)))
            }),
        ),
        (
            "attlist-declares-an-id",
            Make::Touched(AS_IT_IS, |_, xml| typed("<!ATTLIST saml:Assertion IssueInstant ID #IMPLIED>", &xml)),
        ),
        (
            "attlist-gives-a-default",
            Make::Touched(AS_IT_IS, |_, xml| typed("<!ATTLIST saml:NameID SPProvidedID CDATA \"admin\">", &xml)),
        ),
    ]
}

fn external() -> [(&'static str, Make); 5] {
    [
        (
            "entity-of-a-file",
            Make::Touched(AS_IT_IS, |s, xml| {
                typed("<!ENTITY f SYSTEM \"file:///etc/passwd\">", &renamed(s, &xml, "&f;"))
            }),
        ),
        (
            "entity-from-elsewhere",
            Make::Touched(AS_IT_IS, |s, xml| {
                typed(&format!("<!ENTITY f SYSTEM \"{}/entity\">", s.listener), &renamed(s, &xml, "&f;"))
            }),
        ),
        (
            "entity-parameter",
            Make::Touched(AS_IT_IS, |s, xml| {
                typed(&format!("<!ENTITY % p SYSTEM \"{}/parameter\"> %p;", s.listener), &xml)
            }),
        ),
        (
            "subset-from-elsewhere",
            Make::Touched(AS_IT_IS, |s, xml| {
                format!("<!DOCTYPE samlp:Response SYSTEM \"{}/subset.dtd\">{xml}", s.listener)
            }),
        ),
        (
            "subset-of-a-file",
            Make::Touched(AS_IT_IS, |_, xml| {
                format!("<!DOCTYPE samlp:Response PUBLIC \"-//X//EN\" \"file:///etc/passwd\">{xml}")
            }),
        ),
    ]
}

/// The provider signed the element itself, where the subject's name belongs.
fn inclusions() -> [(&'static str, Make); 2] {
    [
        ("inclusion-of-a-file", Make::Xml(|s| including(s, "file:///etc/passwd"))),
        ("inclusion-from-elsewhere", Make::Xml(|s| including(s, &format!("{}/inclusion", s.listener)))),
    ]
}

fn typed(subset: &str, xml: &str) -> String {
    if subset.is_empty() {
        return format!("<!DOCTYPE samlp:Response>{xml}");
    }
    format!("<!DOCTYPE samlp:Response [{subset}]>{xml}")
}

/// The subject replaced by markup.
fn renamed(setting: &Setting<'_>, xml: &str, text: &str) -> String {
    xml.replace(&format!(">{}<", setting.person.subject), &format!(">{text}<"))
}

fn laughs() -> String {
    let mut subset = "<!ENTITY l0 \"ha\">".to_owned();
    for level in 1..10 {
        let _ = write!(subset, "<!ENTITY l{level} \"{}\">", format!("&l{};", level - 1).repeat(10));
    }
    subset
}

fn including(setting: &Setting<'_>, address: &str) -> String {
    let draft = setting.draft();
    let mut element = draft.assertion.unsigned();
    let inclusion = format!(
        "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"{address}\" parse=\"text\"></xi:include>"
    );
    element.after = renamed(setting, &element.after, &inclusion);
    draft.envelope.around(&element.signed(&setting.signer())).plain()
}
