//! The catalogue is what it says: counted, named, true where it claims to be true.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::judge::{elements, parsed, signed_ids, text};
use super::shapes::{ACS, NOW, SERVICE};
use crate::people::{Person, RESEARCH};
use crate::saml::attacks::{Case, Expect, LogoutSetting, Setting, catalogue, logouts, relay_states};
use crate::saml::der::node;
use crate::saml::request::{LogoutSeen, RequestError};
use crate::saml::{SamlProvider, SamlProviderSettings, Service, Shape};

const LISTENER: &str = "http://127.0.0.1:18999";

struct Stage {
    provider: SamlProvider,
    other: SamlProvider,
    person: Person,
    encryption: Vec<u8>,
}

fn stage() -> &'static Stage {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    STAGE.get_or_init(|| {
        let make = |entity: &str| SamlProviderSettings::new(entity, "http://127.0.0.1:1", Arc::new(|| NOW));
        let mut settings = make("https://idp.corp.example/saml").for_attacks();
        settings.service = Some(Service { entity_id: SERVICE.to_owned(), acs: ACS.to_owned(), slo: None });
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        Stage {
            provider: SamlProvider::new(settings).unwrap(),
            other: SamlProvider::new(make("https://idp.other.example/saml")).unwrap(),
            person: Person::new("ana", "Ana", "Ruiz").in_groups(&[RESEARCH, "corp-staff"]),
            encryption: private.public_key().as_der().unwrap().as_ref().to_vec(),
        }
    })
}

fn setting() -> Setting<'static> {
    let stage = stage();
    Setting {
        provider: &stage.provider,
        other: &stage.other,
        service_entity_id: SERVICE,
        acs: ACS,
        request_id: "_r1",
        now: NOW,
        encryption_certificate: &stage.encryption,
        person: &stage.person,
        listener: LISTENER,
    }
}

fn of_class(class: &str) -> Vec<Case> {
    let cases: Vec<Case> = catalogue().into_iter().filter(|case| case.class == class).collect();
    assert!(!cases.is_empty());
    cases
}

fn xml(case: &Case) -> String {
    let last = case.build(&setting()).pop().unwrap();
    let bytes = STANDARD.decode(last.split_whitespace().collect::<String>()).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn signed(xml: &str) -> usize {
    signed_ids(xml, &stage().provider.certificates()).len()
}

#[test]
fn every_class_has_its_number_of_cases_and_every_name_is_one() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut names = BTreeSet::new();
    for case in catalogue() {
        *counts.entry(case.class).or_default() += 1;
        assert!(names.insert(case.name), "{}", case.name);
        let kebab = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        assert!(case.name.chars().all(kebab), "{}", case.name);
    }
    let expected = [
        ("alg-key", 27),
        ("comment-truncation", 13),
        ("conditions", 53),
        ("dos", 11),
        ("dtd", 13),
        ("encryption", 26),
        ("malformed", 26),
        ("reference-transform", 23),
        ("replay", 3),
        ("sig-structure", 34),
        ("tenant-email", 28),
        ("valid", 38),
        ("xsw", 26),
    ];
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected);
    let relay: BTreeSet<&str> = relay_states().iter().map(|state| state.name).collect();
    assert_eq!(relay.len(), 11);
    let logouts: BTreeSet<&str> = logouts().iter().map(|case| case.name).collect();
    assert_eq!(logouts.len(), 16);
}

#[test]
fn what_is_valid_is_truly_signed_and_says_what_is_expected() {
    for case in of_class("valid") {
        assert_eq!(case.expect, Expect::Accept);
        let xml = xml(&case);
        let said = case.said(&setting());
        let document = parsed(&xml);
        if elements(&document, "EncryptedAssertion").is_empty() {
            let placements = usize::from(xml.contains("<ds:Signature") || xml.contains("<Signature"))
                + usize::from(case.name != "response-signed" && case.name != "assertion-signed");
            assert_eq!(signed(&xml), placements, "{}\n{xml}", case.name);
            let names = elements(&document, "NameID");
            if case.shape != Shape::Shibboleth {
                assert_eq!(text(&document, names[0]), said.name_id, "{}", case.name);
            }
            let names = case.shape.attributes();
            assert_eq!(said.values(names.email), Some(vec!["ana@corp.example".to_owned()]), "{}", case.name);
            let overage = case.shape == Shape::EntraOverage;
            assert_eq!(said.values(names.groups).is_none(), overage, "{}", case.name);
            let values: Vec<String> =
                elements(&document, "AttributeValue").iter().map(|node| text(&document, *node)).collect();
            let expected: Vec<String> = said.attributes.into_iter().flat_map(|(_, values)| values).collect();
            assert_eq!(values, expected, "{}", case.name);
        } else {
            let outside = usize::from(!case.name.ends_with("assertion-signed"));
            assert_eq!(signed(&xml), outside, "{}", case.name);
        }
    }
}

/// The subjects of all assertions in the order of the document.
fn subjects(xml: &str) -> Vec<String> {
    let document = parsed(xml);
    elements(&document, "NameID").iter().map(|node| text(&document, *node)).collect()
}

#[test]
fn whoever_reads_the_first_or_the_last_subject_of_a_wrapped_response_is_fooled() {
    let forged = Person::new("admin", "", "").subject;
    for case in of_class("xsw") {
        let xml = xml(&case);
        assert!(signed(&xml) >= 1, "{}\n{xml}", case.name);
        let subjects = subjects(&xml);
        let alone = ["xsw-two-signed-assertions", "xsw-bare-assertion"].contains(&case.name);
        let fooled = subjects.first() == Some(&forged) || subjects.last() == Some(&forged);
        assert_eq!(fooled, !alone, "{}: {subjects:?}", case.name);
        assert!(subjects.contains(&stage().person.subject), "{}", case.name);
    }
}

#[test]
fn what_breaks_one_rule_is_otherwise_truly_signed() {
    for class in ["conditions", "comment-truncation", "dtd", "replay", "tenant-email"] {
        for case in of_class(class) {
            let xml = xml(&case);
            let root = format!("<samlp:Response {}", xml.split_once("<samlp:Response ").unwrap().1);
            // Without its document type, an entity has no meaning and the rest cannot be judged.
            if class == "dtd" && root.contains('&') {
                continue;
            }
            let foreign = case.name.contains("other-provider");
            let broken = case.name.starts_with("instruction-in");
            assert_eq!(signed(&root) > 0, !foreign && !broken, "{}\n{xml}", case.name);
        }
    }
}

#[test]
fn forgeries_around_a_true_signature_have_one() {
    let truly = [
        "two-signatures-attackers-first",
        "two-signatures-attackers-last",
        "signature-in-subject",
        "signature-in-attribute-statement",
        "signature-beside-the-assertion",
        "signature-over-the-status",
        "signature-over-the-attributes",
        "assertion-in-object",
        "prefixed-id-on-assertion",
        "xml-id-on-assertion",
        "assertion-signature-over-forged-response",
        "reference-empty",
        "reference-twice",
        "no-transforms",
        "enveloped-transform-only",
        "canonical-form-with-comments",
        "inclusive-canonical-form",
    ];
    let mut seen = 0;
    for case in ["sig-structure", "reference-transform"].into_iter().flat_map(of_class) {
        if truly.contains(&case.name) {
            seen += 1;
            assert!(signed(&xml(&case)) >= 1, "{}\n{}", case.name, xml(&case));
        }
    }
    assert_eq!(seen, truly.len());
}

#[test]
fn weak_algorithms_are_truly_used() {
    for case in of_class("alg-key") {
        let xml = xml(&case);
        let published = signed(&xml);
        match case.name {
            "sha1-signature" | "sha1-digest" | "sha1-assertion-in-sha256-response" | "rsa-1024" => {
                assert_eq!(published, 2, "{}", case.name);
            }
            _ => assert_eq!(published, 0, "{}", case.name),
        }
        if case.name.starts_with("attacker-") || case.name.starts_with("retrieval-") {
            let rogue = stage().provider.shared.rogue().certificate.clone();
            assert_eq!(signed_ids(&xml, &[rogue]).len(), 1, "{}", case.name);
        }
        if case.name == "other-tenants-key" {
            assert_eq!(signed_ids(&xml, &stage().other.certificates()).len(), 1);
        }
    }
}

#[test]
fn every_xml_of_these_classes_is_well_formed() {
    for class in ["sig-structure", "alg-key", "reference-transform", "encryption", "comment-truncation", "xsw"] {
        for case in of_class(class) {
            let xml = xml(&case);
            parsed(&xml);
            assert!(!case.build(&setting()).is_empty());
        }
    }
}

#[test]
fn what_reaches_out_names_the_listener() {
    let names = [
        "retrieval-method-http",
        "reference-http",
        "xslt-document",
        "entity-from-elsewhere",
        "entity-parameter",
        "subset-from-elsewhere",
        "inclusion-from-elsewhere",
        "cipher-reference-http",
    ];
    let found: Vec<&str> = catalogue()
        .iter()
        .filter(|case| names.contains(&case.name))
        .filter(|case| xml(case).contains(LISTENER))
        .map(|case| case.name)
        .collect();
    assert_eq!(found.len(), names.len());
}

#[test]
fn costly_messages_are_costly_and_bounded() {
    for case in of_class("dos") {
        let message = case.build(&setting()).pop().unwrap();
        assert!((1_000..5 * 1024 * 1024).contains(&message.len()), "{}: {}", case.name, message.len());
    }
}

#[test]
fn logout_queries_are_signed_where_they_should_be() {
    let stage = stage();
    let response = of_class("valid")[0].build(&setting()).remove(0);
    let setting = LogoutSetting {
        provider: &stage.provider,
        other: &stage.other,
        slo: "https://gw.example/saml/corp/slo",
        name_id: "00u1",
        name_id_format: None,
        session_index: Some("_s1"),
        response: &response,
        now: NOW,
    };
    let certificate = &stage.provider.certificates()[0];
    let mut ending = 0;
    for case in logouts() {
        let url = format!("{}?{}", setting.slo, case.query(&setting));
        let seen = LogoutSeen::of_url(&url);
        if case.ends {
            ending += 1;
            let seen = seen.unwrap();
            assert!(seen.is_signed_by(certificate), "{}: {url}", case.name);
            assert_eq!((seen.name_id.as_deref(), seen.session_index.as_deref()), (Some("00u1"), Some("_s1")));
        } else if case.name == "sign-in-by-redirect" {
            assert_eq!(seen, Err(RequestError::Shape));
        } else {
            let genuine = ["parameter-twice", "expired", "destination-of-another", "issuer-of-another"];
            assert_eq!(seen.unwrap().is_signed_by(certificate), genuine.contains(&case.name), "{}", case.name);
        }
    }
    assert_eq!(ending, 5);
    let lower = logouts().into_iter().find(|case| case.name == "lower-case-escapes").unwrap().query(&setting);
    assert!(lower.contains("%2f") && !lower.contains("%2F"));
}

#[test]
fn a_length_is_written_as_der_wants_it() {
    assert_eq!(node(4, &[0; 127])[..2], [4, 127]);
    assert_eq!(node(4, &[0; 128])[..3], [4, 0x81, 128]);
    assert_eq!(node(4, &[0; 256])[..4], [4, 0x82, 1, 0]);
    assert_eq!(node(5, &[]), [5, 0]);
}
