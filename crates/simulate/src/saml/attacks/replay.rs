//! The same assertion again.

use super::{Case, Expect, Make};
use crate::saml::answer::posted;
use crate::saml::settings::Sign;

pub(super) fn cases() -> Vec<Case> {
    let mut all = vec![
        case(
            "same-response-twice",
            Make::Values(|s| {
                let message = posted(s.sign(&s.draft(), Sign::Both));
                vec![message.clone(), message]
            }),
        ),
        case(
            "same-assertion-in-a-new-envelope",
            Make::Values(|s| {
                let draft = s.draft();
                let assertion = draft.assertion.unsigned().signed(&s.signer());
                let mut again = draft.envelope.clone();
                again.id = s.fresh_id();
                [draft.envelope, again].map(|envelope| posted(envelope.around(&assertion).plain())).to_vec()
            }),
        ),
    ];
    let mut elsewhere = case("in-another-browser", Make::Edited(|_, _| {}));
    elsewhere.other_browser = true;
    all.push(elsewhere);
    all
}

fn case(name: &'static str, make: Make) -> Case {
    Case::new("replay", name, Expect::Reject, make)
}
