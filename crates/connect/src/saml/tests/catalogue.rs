//! Every case of the catalogue of attacks, played against the reader alone.

use std::collections::BTreeSet;

use aws_lc_rs::encoding::AsDer as _;
use cardea_model::name::Email;
use cardea_simulate::people::{Person, RESEARCH};
use cardea_simulate::saml::attacks::{Case, Expect, LogoutSetting, Said, Setting, catalogue, logouts};
use cardea_simulate::saml::{LogoutSeen, RequestSeen, SamlProvider, SamlProviderSettings, Service, Shape};

use super::world::*;
use crate::connector::GroupClaims;
use crate::saml::*;

/// Two providers, a person, and our keys.
struct Stage {
    provider: SamlProvider,
    other: SamlProvider,
    person: Person,
    encryption: Vec<u8>,
    request_id: String,
}

impl Stage {
    fn new() -> Self {
        let make = |entity: &str| {
            let now = Arc::new(|| now().as_seconds());
            SamlProviderSettings::new(entity, "http://127.0.0.1:1", now)
        };
        let mut settings = make(IDP).for_attacks();
        settings.service = Some(Service { entity_id: SP.into(), acs: ACS.into(), slo: Some(SLO.into()) });
        let key = pem(include_str!("keys/service.key"));
        let key = aws_lc_rs::rsa::PrivateDecryptingKey::from_pkcs8(&key).unwrap().public_key();
        let key: aws_lc_rs::encoding::PublicKeyX509Der<'_> = key.as_der().unwrap();
        Self {
            provider: SamlProvider::new(settings).unwrap(),
            other: SamlProvider::new(make("https://idp.other.example/saml")).unwrap(),
            person: Person::new("ana", "Ana", "Ruiz").in_groups(&[RESEARCH, "corp-staff"]),
            encryption: key.as_ref().to_vec(),
            request_id: format!("_{STATE}"),
        }
    }

    fn setting(&self) -> Setting<'_> {
        Setting {
            provider: &self.provider,
            other: &self.other,
            service_entity_id: SP,
            acs: ACS,
            request_id: &self.request_id,
            now: now().as_seconds(),
            encryption_certificate: &self.encryption,
            person: &self.person,
            listener: "http://127.0.0.1:18999",
        }
    }

    /// The connection as an admin sets it up for the product of the case.
    fn connector(&self, case: &Case) -> SamlConnector {
        let names = case.shape.attributes();
        let some = |name: &str| Some(name.to_owned());
        let idp = IdpMetadata::read(&self.provider.metadata(), None, Reach::HttpsOrLoopback, now()).unwrap();
        assert!(idp.skipped.iter().any(|words| words.contains("1024 bits")), "{:?}", idp.skipped);
        SamlConnector::new(SamlSettings {
            idp: Arc::new(idp),
            attributes: AttributeNames {
                subject: names.subject.into(),
                email: some(names.email),
                given_name: some(names.given_name),
                family_name: some(names.family_name),
                groups: some(names.groups),
            },
            ..settings()
        })
    }
}

/// Whether the statement says what the provider signed.
fn is_exact(statement: &SignedStatement, said: &Said, case: &Case) -> bool {
    let names = case.shape.attributes();
    let values = |name: &str| {
        if name == "name_id" { Some(vec![said.name_id.clone()]) } else { said.values(name) }
    };
    let identity = &statement.identity;
    let groups = match &identity.groups {
        GroupClaims::Present(groups) => Some(groups.clone()),
        GroupClaims::Missing | GroupClaims::Overage => None,
    };
    let email = identity.email.as_ref().map(|email| vec![email.address.clone()]);
    values(names.subject) == Some(vec![identity.subject.clone()])
        && values(names.email) == email
        && values(names.groups) == groups
        // A transient name is another one each time that the case is made.
        && (case.shape == Shape::Shibboleth || statement.name_id.as_ref().is_some_and(|name| name.value == said.name_id))
}

/// What is left to whoever calls: that an assertion is used once, in the browser that asked, and that an address is of a
/// domain of the connection.
fn is_for_the_caller(case: &Case, statement: &SignedStatement) -> bool {
    let domain = statement.identity.email.as_ref().and_then(|email| Email::parse(&email.address));
    case.class == "replay" || case.other_browser || domain.is_none_or(|email| email.domain != "corp.example")
}

#[test]
fn the_reader_judges_the_catalogue_as_it_has_to() {
    let stage = Stage::new();
    let (mut wrong, mut left, mut uniform) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for case in catalogue() {
        let connector = stage.connector(&case);
        let read = |field: &String| {
            let posted = Posted::read(field)?;
            assert!(!case.unsolicited || posted.in_response_to().is_none(), "{}", case.name);
            connector.finish(&flow(), &posted, now())
        };
        let setting = stage.setting();
        let values = case.build(&setting);
        let judged: Vec<_> = values.iter().map(read).collect();
        let (last, before) = judged.split_last().unwrap();
        wrong.extend(before.iter().filter(|one| one.is_err()).map(|_| format!("{}: before", case.name)));
        if case.uniform {
            uniform.extend(last.as_ref().err().map(SamlError::reason));
        }
        let exact = |statement: &SignedStatement| is_exact(statement, &case.said(&setting), &case);
        match (case.expect, last) {
            // The gateway makes a sign-in of its own out of it.
            (_, Err(SamlError::InResponseTo)) if case.unsolicited => {}
            (Expect::Accept, Ok(statement)) if exact(statement) => {}
            (Expect::RejectOrExact, Ok(statement)) if exact(statement) => {}
            (Expect::Reject | Expect::RejectOrExact, Err(_)) => {}
            (Expect::Reject, Ok(statement)) if is_for_the_caller(&case, statement) => {
                left.insert((case.class, case.name));
            }
            (expect, judged) => {
                let judged = judged.as_ref().map(|statement| statement.identity.subject.as_str());
                wrong.push(format!("{}: {expect:?}, but {judged:?}", case.name));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(uniform.into_iter().collect::<Vec<_>>(), ["decryption"]);
    let expected = [
        ("replay", "in-another-browser"),
        ("replay", "same-assertion-in-a-new-envelope"),
        ("replay", "same-response-twice"),
        ("tenant-email", "domain-with-prefix"),
        ("tenant-email", "domain-with-suffix"),
        ("tenant-email", "foreign-domain"),
        ("tenant-email", "person-of-the-other-tenant"),
        ("tenant-email", "subdomain"),
    ];
    assert_eq!(left.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn logout_queries_are_judged_as_they_have_to() {
    let stage = Stage::new();
    let case = catalogue().into_iter().find(|case| case.name == "both-signed").unwrap();
    let connector = stage.connector(&case);
    let response = case.build(&stage.setting()).pop().unwrap();
    let setting = LogoutSetting {
        provider: &stage.provider,
        other: &stage.other,
        slo: SLO,
        name_id: "ana-1",
        name_id_format: None,
        session_index: Some("_s"),
        response: &response,
        now: now().as_seconds(),
    };
    for case in logouts() {
        let read = connector.logout_by_redirect(&case.query(&setting), now());
        assert_eq!(read.is_ok(), case.ends, "{}: {read:?}", case.name);
    }
}

/// The provider reads what we send, and answers it, as it would answer anybody.
#[test]
fn a_provider_that_knows_nothing_of_us_understands_us() {
    let stage = Stage::new();
    stage.provider.set_people(vec![stage.person.clone()]);
    let case = catalogue().into_iter().find(|case| case.name == "both-signed").unwrap();
    let connector = stage.connector(&case);
    let ours = Who::Stranger.certificate();
    let request = RequestSeen::of_url(connector.redirect(&flow(), now()).unwrap().as_str()).unwrap();
    assert!(request.is_signed_by(&ours) && !request.is_signed_by(&Who::Idp.certificate()));
    assert_eq!((request.acs.as_deref(), request.relay_state.as_deref()), (Some(ACS), Some(STATE)));
    assert!(!request.asks_for_context && !request.force_authn);
    let answer = stage.provider.respond(&request, &stage.person.name);
    let statement = connector.finish(&flow(), &Posted::read(&answer).unwrap(), now()).unwrap();
    assert_eq!(statement.identity.subject, stage.person.subject);
    let name = statement.name_id.unwrap();
    let url = connector.log_out("state", &name, statement.identity.sid.as_deref(), now()).unwrap();
    let seen = LogoutSeen::of_url(url.as_str()).unwrap();
    assert!(seen.is_signed_by(&ours));
    assert_eq!((seen.kind.as_str(), seen.name_id), ("LogoutRequest", Some(name.value)));
    assert!(seen.session_index.is_some() && seen.session_index == statement.identity.sid);
    let theirs = stage.provider.logout_url(SLO, &stage.person.name).unwrap();
    let message = connector.logout_by_redirect(theirs.split_once('?').unwrap().1, now()).unwrap();
    let LogoutMessage::Request(request) = message else { panic!("no request") };
    assert_eq!(request.sessions, statement.identity.sid.into_iter().collect::<Vec<_>>());
    let url = connector.logged_out("state", &request, LogoutOutcome::Done, now()).unwrap();
    let seen = LogoutSeen::of_url(url.as_str()).unwrap();
    assert!(seen.is_signed_by(&ours));
    assert_eq!((seen.kind.as_str(), seen.in_response_to), ("LogoutResponse", Some(request.id)));
}
