//! Values that are one text to the signature and another to a careless reader. The attacker truly owns the
//! long value and would like the short one to be read.

use super::{Case, Edit, Expect, Make};
use crate::saml::settings::Sign;

/// What the provider signed, and the part of it that the attacker wants.
const OWNED: &str = "admin@corp.example.evil";
const WANTED: &str = "admin@corp.example";
/// The same for a group.
const OWNED_GROUP: &str = "NGC_AIE_PR_Admin-not";
const WANTED_GROUP: &str = "NGC_AIE_PR_Admin";

const OWN: Edit = |_, draft| {
    draft.rename(OWNED);
    draft.say("email", &[OWNED]);
    draft.say("groups", &[OWNED_GROUP]);
};

pub(super) fn cases() -> Vec<Case> {
    let mut all: Vec<Case> = exact()
        .into_iter()
        .map(|(name, make)| Case::new("comment-truncation", name, Expect::RejectOrExact, make))
        .collect();
    let refused = refused().map(|(name, make)| Case::new("comment-truncation", name, Expect::Reject, make));
    all.extend(refused.map(|case| case.signed(Sign::Assertion)));
    all
}

/// The signature holds: whoever accepts must read the whole value.
fn exact() -> [(&'static str, Make); 9] {
    [
        ("comment-in-name-id", Make::Touched(OWN, |_, xml| name_id(&xml, &cut("<!---->")))),
        ("cdata-in-name-id", Make::Touched(OWN, |_, xml| name_id(&xml, &cdata(WANTED, OWNED)))),
        ("comment-before-name-id-text", Make::Touched(OWN, |_, xml| name_id(&xml, &format!("<!-- -->{OWNED}")))),
        (
            "several-comments-in-name-id",
            Make::Touched(OWN, |_, xml| name_id(&xml, &format!("<!--a-->{}<!--c-->", cut("<!--b-->")))),
        ),
        ("comment-in-email", Make::Touched(OWN, |_, xml| value(&xml, OWNED, &cut("<!---->")))),
        ("cdata-in-email", Make::Touched(OWN, |_, xml| value(&xml, OWNED, &cdata(WANTED, OWNED)))),
        (
            "comment-in-group",
            Make::Touched(OWN, |_, xml| value(&xml, OWNED_GROUP, &OWNED_GROUP.replace("-not", "<!---->-not"))),
        ),
        ("cdata-in-group", Make::Touched(OWN, |_, xml| value(&xml, OWNED_GROUP, &cdata(WANTED_GROUP, OWNED_GROUP)))),
        (
            "comment-between-elements",
            Make::Touched(OWN, |_, xml| xml.replace("<saml:Subject>", "<saml:Subject><!-- between -->")),
        ),
    ]
}

/// An instruction is part of the canonical form, so the signature no longer holds; and what was signed for
/// another audience or by another issuer is not for us, however it is cut.
fn refused() -> [(&'static str, Make); 4] {
    [
        ("instruction-in-name-id", Make::Touched(OWN, |_, xml| name_id(&xml, &cut("<?x?>")))),
        ("instruction-in-email", Make::Touched(OWN, |_, xml| value(&xml, OWNED, &cut("<?x?>")))),
        (
            "comment-in-audience",
            Make::Touched(
                |s, draft| {
                    draft.conditions(|said| said.audiences = vec![vec![format!("{}.evil", s.service_entity_id)]])
                },
                |_, xml| xml.replace(".evil</saml:Audience>", "<!---->.evil</saml:Audience>"),
            ),
        ),
        (
            "comment-in-issuer",
            Make::Touched(
                |s, draft| draft.assertion.issuer = Some(format!("{}.evil", s.provider.entity_id())),
                |_, xml| xml.replace(".evil</saml:Issuer>", "<!---->.evil</saml:Issuer>"),
            ),
        ),
    ]
}

/// What is owned, with this behind what is wanted.
fn cut(with: &str) -> String {
    OWNED.replace(WANTED, &format!("{WANTED}{with}"))
}

fn cdata(wanted: &str, owned: &str) -> String {
    owned.replace(wanted, &format!("<![CDATA[{wanted}]]>"))
}

fn name_id(xml: &str, text: &str) -> String {
    xml.replace(&format!("{OWNED}</saml:NameID>"), &format!("{text}</saml:NameID>"))
}

fn value(xml: &str, owned: &str, text: &str) -> String {
    let end = "</saml:AttributeValue>";
    xml.replace(&format!("{owned}{end}"), &format!("{text}{end}"))
}
