//! One message of each kind, with what it must tell.

use cardea_gateway::mail::{Message, Proof, Removed};

use super::{LINK, invitation, until};

/// A message, and what stands in its text and in its HTML.
type Sample = (Message, Vec<&'static str>);

const TIME: &str = "2026-11-21 16:00 UTC";

/// One of each kind.
pub(super) fn one_of_each() -> Vec<Sample> {
    [people(), products(), passwords(), keys()].concat()
}

fn s(text: &str) -> String {
    text.to_owned()
}

fn people() -> Vec<Sample> {
    let (link, expires_at, at) = (LINK.to_owned(), until(), until());
    vec![
        (
            invitation("Olga Owner", Some("Welcome!")),
            vec!["Olga Owner", "acme", "acme-org", "member", "Welcome!", TIME],
        ),
        (
            Message::OwnerInvitation { org: s("acme"), inviter: s("Olga"), text: None, link: link.clone(), expires_at },
            vec!["Olga", "owner of the org acme", TIME],
        ),
        (Message::VerifyAddress { proof: Proof::Link(link.clone()), expires_at }, vec!["show that it is yours", TIME]),
        (Message::VerifyAddress { proof: Proof::Code(s("493 021")), expires_at }, vec!["493 021", TIME]),
        (
            Message::OwnerRemoved { org: s("acme"), removed: s("Bo"), by: s("Olga"), at },
            vec!["Olga has removed Bo", "acme", TIME],
        ),
        (
            Message::OwnerSuspended {
                org: s("acme"),
                owner: s("Bo"),
                by: s("the directory of the connection okta"),
                at,
            },
            vec!["Bo", "the directory of the connection okta", "acme", TIME],
        ),
        (
            Message::ContactAdmin {
                from: s("bo@corp.example"),
                subject: s("Team access"),
                body: s("May I join?\nBo"),
                org: s("acme"),
                team: Some(s("vision")),
            },
            vec!["bo@corp.example", "Team access", "May I join?", "acme", "vision"],
        ),
    ]
}

fn products() -> Vec<Sample> {
    let (link, expires_at, at) = (LINK.to_owned(), until(), until());
    vec![
        (
            Message::Activation { service: s("Registry"), link: link.clone(), expires_at },
            vec!["Welcome", "Registry", TIME],
        ),
        (
            Message::ActivationTransfer {
                service: s("Registry"),
                from: s("Olga"),
                text: Some(s("Yours.")),
                link: link.clone(),
                expires_at,
            },
            vec!["Olga hands Registry on", "Yours.", TIME],
        ),
        (
            Message::Entitlement {
                service: s("Registry"),
                number: s("E-17"),
                link: link.clone(),
                expires_at: Some(until()),
            },
            vec!["Registry", "E-17", TIME],
        ),
        (
            Message::RegistrationConfirmed { account: s("acme"), org: s("acme-org"), link: link.clone() },
            vec!["acme", "acme-org"],
        ),
        (Message::KnownAlready { link }, vec!["has a way in already", "nothing has changed"]),
        (
            Message::RuleActivationResult { org: s("acme"), by: s("Olga"), people: 1207, gained: 31, lost: 4, at },
            vec!["Olga", "acme", "1207", "31", "4", TIME],
        ),
        (
            Message::AccessRemoved { org: s("acme"), by: s("Olga"), scope: Removed::Org, at },
            vec!["from the org acme", "Olga", TIME],
        ),
        (
            Message::AccessRemoved { org: s("acme"), by: s("Olga"), scope: Removed::Account, at },
            vec!["from the account of the org acme", "Olga", TIME],
        ),
    ]
}

fn passwords() -> Vec<Sample> {
    let (expires_at, at) = (until(), until());
    vec![
        (
            Message::PasswordChanged { address: s("ana@corp.example"), at },
            vec!["ana@corp.example", "was changed", TIME],
        ),
        (
            Message::ChoosePassword {
                address: s("ana@corp.example"),
                org: s("acme"),
                by: s("Olga"),
                link: LINK.to_owned(),
                expires_at,
            },
            vec!["Olga asks you", "ana@corp.example", "the org acme", TIME],
        ),
        (
            Message::PasswordReset { address: s("ana@corp.example"), by: s("Olga"), at },
            vec!["Olga has made another password", "ana@corp.example", TIME],
        ),
    ]
}

fn keys() -> Vec<Sample> {
    let (link, expires_at, at) = (LINK.to_owned(), until(), until());
    vec![
        (
            Message::KeyExpiring {
                key_kind: s("personal"),
                name: s("laptop"),
                key: s("cdap_Ab3dEf6hIj9L_…"),
                org: s("acme"),
                link,
                expires_at,
            },
            vec!["laptop", "cdap_Ab3dEf6hIj9L_…", "acme", TIME, "Rotat"],
        ),
        (
            Message::KeyRevoked {
                name: s("laptop"), key: s("cdap_Ab3dEf6hIj9L_…"), org: s("acme"), by: s("Olga"), at
            },
            vec!["Olga has revoked", "laptop", "cdap_Ab3dEf6hIj9L_…", "acme", TIME],
        ),
        (
            Message::KeyLeaked {
                key_kind: s("service"),
                name: s("pipeline"),
                key: s("cdas_Ab3dEf6hIj9L_…"),
                org: s("acme"),
                found: Some(s("https://github.com/octocat/hello/blob/1/x")),
                at,
            },
            vec!["service key pipeline", "cdas_Ab3dEf6hIj9L_…", "acme", "octocat/hello", TIME],
        ),
        (
            Message::ServiceKeyGranted {
                name: s("pipeline"),
                org: s("acme"),
                services: s("registry, catalog"),
                by: s("Chika"),
                at,
            },
            vec!["pipeline", "registry, catalog", "Chika", "acme", TIME],
        ),
    ]
}
