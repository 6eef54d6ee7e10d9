//! Whatever is posted, the reader does not panic, and says nothing but what the key of the corpus signed.
#![no_main]

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cardea_connect::saml::{AttributeNames, Reach};
use cardea_connect::{Flow, IdpMetadata, Posted, SamlConnector, SamlSettings, SpKeys};
use cardea_model::Timestamp;
use libfuzzer_sys::fuzz_target;

const CERTIFICATE: &str = include_str!("../../crates/connect/src/saml/tests/keys/idp.crt");
const OURS: &str = include_str!("../../crates/connect/src/saml/tests/keys/service.key");
const ENTITY: &str = "https://cardea.example/saml/okta/metadata";
const ACS: &str = "https://cardea.example/saml/okta/acs";
const STATE: &str = "0tate-of-43-url_safe-characters-xxxxxxxxxxxx";

/// The one moment at which the corpus is good: 2026-11-21T10:00:00Z.
const NOW: Timestamp = Timestamp::from_seconds(1_795_255_200);

static CONNECTOR: LazyLock<SamlConnector> = LazyLock::new(|| SamlConnector::new(settings()));
static FLOW: LazyLock<Flow> = LazyLock::new(|| Flow {
    state: STATE.into(),
    nonce: String::new(),
    pkce_verifier: "".into(),
    login_hint: None,
    prompt: None,
});

fuzz_target!(|xml: &[u8]| {
    let posted = Posted::read(&STANDARD.encode(xml));
    if let Ok(said) = posted.and_then(|posted| CONNECTOR.finish(&FLOW, &posted, NOW)) {
        assert_eq!(said.identity.subject, "alice-1");
        assert_eq!(said.assertion_id, "_a1");
    }
});

fn settings() -> SamlSettings {
    let body: String = CERTIFICATE.lines().filter(|line| !line.starts_with('-')).collect();
    let metadata = format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"https://idp.example/metadata\">\
         <IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><KeyDescriptor>\
         <KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data><X509Certificate>{body}</X509Certificate>\
         </X509Data></KeyInfo></KeyDescriptor><SingleSignOnService Location=\"https://idp.example/sso\" \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\"/></IDPSSODescriptor></EntityDescriptor>"
    );
    let key: String = OURS.lines().filter(|line| !line.starts_with('-')).collect();
    let key = STANDARD.decode(key).expect("the key of the corpus");
    SamlSettings {
        connection: "okta".into(),
        entity_id: ENTITY.into(),
        acs: ACS.into(),
        slo: "https://cardea.example/saml/okta/slo".into(),
        idp: Arc::new(IdpMetadata::read(&metadata, None, Reach::Https, NOW).expect("the metadata of the corpus")),
        attributes: AttributeNames {
            subject: "name_id".into(),
            email: Some("mail".into()),
            given_name: Some("givenName".into()),
            family_name: Some("sn".into()),
            groups: Some("memberOf".into()),
        },
        groups_split: None,
        claims: vec!["givenName".into()],
        name_id_format: None,
        keys: Arc::new(SpKeys::read(&key, &[&key], Vec::new(), Vec::new()).expect("the key of the corpus")),
    }
}
