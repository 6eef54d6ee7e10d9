//! Truly signed statements that are for somebody else, for another time, or not what a sign-in needs (SAML
//! profiles §4.1.4).

use super::{Case, Make, Setting, rejected};
use crate::saml::document::{BEARER, Draft, SUCCESS};

const RESPONDER: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";
const OTHER: &str = "https://other-service.example";
/// Two days.
const LONG: i64 = 2 * 86_400;

pub(super) fn cases() -> Vec<Case> {
    let mut all = rejected("conditions", audiences());
    all.extend(rejected("conditions", addresses()));
    all.extend(rejected("conditions", requests()));
    all.extend(rejected("conditions", times()));
    all.extend(rejected("conditions", states()));
    all.extend(rejected("conditions", parts()));
    all
}

fn audiences() -> [(&'static str, Make); 7] {
    [
        ("audience-of-another", Make::Edited(|_, draft| audience(draft, OTHER.to_owned()))),
        ("audience-missing", Make::Edited(|_, draft| draft.conditions(|said| said.audiences.clear()))),
        ("conditions-missing", Make::Edited(|_, draft| draft.assertion.conditions = None)),
        ("audience-with-suffix", Make::Edited(|s, draft| audience(draft, format!("{}/", s.service_entity_id)))),
        ("audience-in-other-case", Make::Edited(|s, draft| audience(draft, s.service_entity_id.to_uppercase()))),
        ("audience-empty", Make::Edited(|_, draft| audience(draft, String::new()))),
        // Several restrictions must all hold (SAML core §2.5.1.4).
        (
            "second-restriction-of-another",
            Make::Edited(|_, draft| draft.conditions(|said| said.audiences.push(vec![OTHER.to_owned()]))),
        ),
    ]
}

fn addresses() -> [(&'static str, Make); 8] {
    [
        ("recipient-of-another", Make::Edited(|_, draft| recipient(draft, Some(format!("{OTHER}/acs"))))),
        ("recipient-missing", Make::Edited(|_, draft| recipient(draft, None))),
        ("recipient-with-slash", Make::Edited(|s, draft| recipient(draft, Some(format!("{}/", s.acs))))),
        (
            "recipient-of-another-connection",
            Make::Edited(|s, draft| recipient(draft, Some(s.acs.replace("/acs", "-other/acs")))),
        ),
        (
            "recipient-of-another-scheme",
            Make::Edited(|s, draft| {
                let (scheme, rest) = s.acs.split_once(':').unwrap_or_default();
                let other = if scheme == "http" { "https" } else { "http" };
                recipient(draft, Some(format!("{other}:{rest}")));
            }),
        ),
        ("destination-of-another", Make::Edited(|_, draft| draft.envelope.destination = Some(format!("{OTHER}/acs")))),
        ("destination-missing-though-signed", Make::Edited(|_, draft| draft.envelope.destination = None)),
        ("destination-with-slash", Make::Edited(|s, draft| draft.envelope.destination = Some(format!("{}/", s.acs)))),
    ]
}

fn requests() -> [(&'static str, Make); 5] {
    [
        (
            "response-answers-another-request",
            Make::Edited(|s, draft| draft.envelope.in_response_to = Some(s.fresh_id())),
        ),
        (
            "confirmation-answers-another-request",
            Make::Edited(|s, draft| draft.confirmation(|said| said.in_response_to = Some(s.fresh_id()))),
        ),
        ("response-answers-no-request", Make::Edited(|_, draft| draft.envelope.in_response_to = None)),
        (
            "confirmation-answers-no-request",
            Make::Edited(|_, draft| draft.confirmation(|said| said.in_response_to = None)),
        ),
        ("answers-a-nameless-request", Make::Edited(|_, draft| draft.answer(Some("")))),
    ]
}

fn times() -> [(&'static str, Make); 14] {
    [
        (
            "conditions-expired",
            Make::Edited(|s, draft| draft.conditions(|said| said.not_on_or_after = Some(s.at(-3_600)))),
        ),
        (
            "conditions-just-expired",
            Make::Edited(|s, draft| draft.conditions(|said| said.not_on_or_after = Some(s.at(-181)))),
        ),
        (
            "conditions-not-yet-valid",
            Make::Edited(|s, draft| draft.conditions(|said| said.not_before = Some(s.at(240)))),
        ),
        (
            "confirmation-expired",
            Make::Edited(|s, draft| draft.confirmation(|said| said.not_on_or_after = Some(s.at(-3_600)))),
        ),
        (
            "confirmation-just-expired",
            Make::Edited(|s, draft| draft.confirmation(|said| said.not_on_or_after = Some(s.at(-181)))),
        ),
        ("confirmation-without-end", Make::Edited(|_, draft| draft.confirmation(|said| said.not_on_or_after = None))),
        // Forbidden for bearers (SAML profiles §4.1.4.2).
        (
            "confirmation-with-a-beginning",
            Make::Edited(|s, draft| draft.confirmation(|said| said.not_before = Some(s.at(-60)))),
        ),
        (
            "assertion-issued-long-ago",
            Make::Edited(|s, draft| {
                draft.assertion.issued = s.at(-LONG);
                draft.conditions(|said| said.not_before = Some(s.at(-LONG)));
            }),
        ),
        ("assertion-issued-in-the-future", Make::Edited(|s, draft| draft.assertion.issued = s.at(3_600))),
        ("response-issued-in-the-future", Make::Edited(|s, draft| draft.envelope.issued = s.at(3_600))),
        (
            "authenticated-in-the-future",
            Make::Edited(|s, draft| draft.authentication(|said| said.instant = s.at(3_600))),
        ),
        ("session-over", Make::Edited(|s, draft| draft.authentication(|said| said.session_until = Some(s.at(-3_600))))),
        (
            "time-without-zone",
            Make::Edited(|s, draft| {
                draft.conditions(|said| said.not_on_or_after = Some(s.at(300).replace('Z', "")));
            }),
        ),
        (
            "time-that-is-none",
            Make::Edited(|_, draft| draft.confirmation(|said| said.not_on_or_after = Some("tomorrow".to_owned()))),
        ),
    ]
}

fn states() -> [(&'static str, Make); 7] {
    [
        ("status-responder", Make::Edited(|_, draft| status(draft, &[RESPONDER]))),
        (
            "status-authentication-failed",
            Make::Edited(|_, draft| status(draft, &[RESPONDER, "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"])),
        ),
        ("status-success-within-responder", Make::Edited(|_, draft| status(draft, &[RESPONDER, SUCCESS]))),
        ("status-missing", Make::Edited(|_, draft| status(draft, &[]))),
        ("response-of-another-version", Make::Edited(|_, draft| draft.envelope.version = Some("1.1".to_owned()))),
        ("assertion-of-another-version", Make::Edited(|_, draft| draft.assertion.version = Some("1.1".to_owned()))),
        ("assertion-without-version", Make::Edited(|_, draft| draft.assertion.version = None)),
    ]
}

fn parts() -> [(&'static str, Make); 12] {
    [
        ("response-of-another-issuer", Make::Edited(|_, draft| draft.envelope.issuer = Some(OTHER.to_owned()))),
        ("assertion-of-another-issuer", Make::Edited(|_, draft| draft.assertion.issuer = Some(OTHER.to_owned()))),
        ("assertion-without-issuer", Make::Edited(|_, draft| draft.assertion.issuer = None)),
        (
            "issued-by-another-tenants-provider",
            Make::Edited(|s, draft| {
                draft.envelope.issuer = Some(s.other.entity_id().to_owned());
                draft.assertion.issuer = Some(s.other.entity_id().to_owned());
            }),
        ),
        ("confirmed-by-a-key-only", Make::Edited(|_, draft| confirmed(draft, "holder-of-key"))),
        ("confirmed-by-the-sender-only", Make::Edited(|_, draft| confirmed(draft, "sender-vouches"))),
        ("not-confirmed", Make::Edited(|_, draft| draft.assertion.confirmations.clear())),
        ("subject-missing", Make::Edited(|_, draft| draft.assertion.has_subject = false)),
        ("name-id-missing", Make::Edited(|_, draft| draft.assertion.name_id = None)),
        ("name-id-empty", Make::Edited(|_, draft| draft.rename(""))),
        ("authentication-missing", Make::Edited(|_, draft| draft.assertion.authentication = None)),
        // A condition that is not understood makes the assertion indeterminate (SAML core §2.5.1).
        (
            "condition-unknown",
            Make::Edited(|_: &Setting<'_>, draft| {
                draft.conditions(|said| {
                    said.further = "<saml:Condition xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
                        xsi:type=\"urn:OnlyOnTuesdays\"></saml:Condition>"
                        .to_owned();
                });
            }),
        ),
    ]
}

fn audience(draft: &mut Draft, audience: String) {
    draft.conditions(|said| said.audiences = vec![vec![audience]]);
}

fn recipient(draft: &mut Draft, recipient: Option<String>) {
    draft.confirmation(|said| said.recipient = recipient);
}

fn status(draft: &mut Draft, codes: &[&str]) {
    draft.envelope.status = codes.iter().map(|&code| code.to_owned()).collect();
}

fn confirmed(draft: &mut Draft, method: &str) {
    draft.confirmation(|said| said.method = BEARER.replace("bearer", method));
}
