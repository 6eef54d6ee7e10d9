//! What providers say about themselves, good and bad.

use super::world::*;
use crate::saml::*;

fn read(xml: &str) -> Result<IdpMetadata, SamlError> {
    IdpMetadata::read(xml, None, Reach::Https, now())
}

fn good() -> String {
    metadata(&[Who::Idp, Who::Next, Who::P256])
}

/// The text with `old`, which is there, replaced everywhere.
fn changed(old: &str, new: &str) -> String {
    let xml = good();
    assert!(xml.contains(old), "{old}");
    xml.replace(old, new)
}

#[test]
fn one_provider_is_read_whole() {
    let idp = read(&good()).unwrap();
    assert_eq!(idp.entity_id, IDP);
    let bindings: Vec<_> = idp.sso.iter().map(|endpoint| (endpoint.binding, endpoint.location.as_str())).collect();
    assert_eq!(bindings, [(Binding::Redirect, SSO), (Binding::Post, SSO)]);
    assert_eq!(idp.slo[0].location.as_str(), "https://idp.example/slo");
    let kinds: Vec<_> = idp.certificates.iter().map(|certificate| certificate.kind.as_str()).collect();
    assert_eq!(kinds, ["RSA 2048", "RSA 2048", "P-256"]);
    let first = &idp.certificates[0];
    assert_eq!(first.fingerprint.len(), 64);
    assert!(first.not_before > now() && first.not_after.to_string().starts_with("2060-11-03T"));
    assert_eq!((idp.valid_until, idp.want_requests_signed), (None, false));
    assert_eq!(idp.skipped, Vec::<String>::new());
}

#[test]
fn what_real_providers_add_does_no_harm() {
    let roles = "<md:RoleDescriptor xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
                 xmlns:fed=\"http://docs.oasis-open.org/wsfed/federation/200706\" xsi:type=\"fed:SecurityTokenServiceType\" \
                 protocolSupportEnumeration=\"http://docs.oasis-open.org/wsfed/federation/200706\"><fed:X/></md:RoleDescriptor>\
                 <md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:1.1:protocol\"/>";
    let extensions = "<md:Extensions><alg:SigningMethod xmlns:alg=\"urn:oasis:names:tc:SAML:metadata:algsupport\" \
                      Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/></md:Extensions>";
    let soap = "<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:SOAP\" Location=\"soap://x\"/>";
    let xml = good()
        .replace(
            "<md:IDPSSODescriptor",
            &format!("<!-- by hand -->{extensions}{roles}<md:IDPSSODescriptor WantAuthnRequestsSigned=\"true\""),
        )
        .replace("<md:SingleSignOnService", &format!("{soap}<md:SingleSignOnService"))
        .replace(" use=\"signing\"", "");
    let idp = read(&format!("\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{xml}")).unwrap();
    assert!(idp.want_requests_signed);
    assert_eq!((idp.sso.len(), idp.certificates.len()), (2, 3));
}

#[test]
fn metadata_that_makes_nothing_safe_is_refused() {
    let certificate = |text: &str| {
        let mut xml = metadata(&[Who::Idp]);
        let begin = xml.find("<ds:X509Certificate>").unwrap() + "<ds:X509Certificate>".len();
        let end = xml.find("</ds:X509Certificate>").unwrap();
        xml.replace_range(begin..end, &base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pem(text)));
        xml
    };
    let sha1 = "<md:Extensions><alg:SigningMethod xmlns:alg=\"urn:oasis:names:tc:SAML:metadata:algsupport\" \
                Algorithm=\"http://www.w3.org/2000/09/xmldsig#rsa-sha1\"/></md:Extensions><md:KeyDescriptor use";
    let rows = [
        (metadata(&[]), MetadataError::NoKeys.into()),
        (changed("use=\"signing\"", "use=\"encryption\""), MetadataError::NoKeys.into()),
        (changed("X509Certificate", "X509Other"), MetadataError::NoKeys.into()),
        (certificate(include_str!("keys/weak.crt")), MetadataError::WeakKeys.into()),
        (certificate(include_str!("keys/ed.crt")), MetadataError::NoKeys.into()),
        (changed("<md:KeyDescriptor use", sha1), MetadataError::Algorithm.into()),
        (changed(SSO, "javascript:alert(1)"), MetadataError::Location.into()),
        (changed(SSO, "http://idp.example/sso"), MetadataError::Location.into()),
        (changed(SSO, "http://127.0.0.1/sso"), MetadataError::Location.into()),
        (changed(SSO, "https://user@idp.example/sso"), MetadataError::Location.into()),
        (changed(SSO, "/sso"), MetadataError::Location.into()),
        (changed("https://idp.example/slo", "data:text/html,x"), MetadataError::Location.into()),
        (changed("HTTP-POST", "SOAP").replace("HTTP-Redirect", "SOAP"), MetadataError::NoBinding.into()),
        (changed("md:IDPSSODescriptor", "md:SPSSODescriptor"), MetadataError::NoProvider.into()),
        (changed("SAML:2.0:protocol", "SAML:1.1:protocol"), MetadataError::NoProvider.into()),
        (changed(" entityID", " validUntil=\"2026-11-21T10:00:00Z\" entityID"), MetadataError::Expired.into()),
        (changed(" entityID", " validUntil=\"tomorrow\" entityID"), SamlError::Time("validUntil")),
        (changed(IDP, " "), SamlError::Shape("entityID")),
        (format!("<!DOCTYPE x>{}", good()), SamlError::Doctype),
        ("<html/>".into(), MetadataError::NoProvider.into()),
        (good() + &" ".repeat(1024 * 1024), SamlError::TooLarge),
        (" ".repeat(50_000_000), SamlError::TooLarge),
    ];
    for (number, (xml, expected)) in rows.into_iter().enumerate() {
        assert_eq!(read(&xml).unwrap_err(), expected, "{number}");
    }
}

#[test]
fn a_bad_key_beside_a_good_one_is_passed_over_and_told() {
    let weak = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pem(include_str!("keys/weak.crt")));
    let descriptor = format!(
        "<md:KeyDescriptor><ds:KeyInfo xmlns:ds=\"{DS}\"><ds:X509Data><ds:X509Certificate>{weak}</ds:X509Certificate>\
         <ds:X509Certificate>bm8=</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    );
    let xml =
        metadata(&[Who::Idp, Who::Idp]).replacen("<md:KeyDescriptor", &format!("{descriptor}<md:KeyDescriptor"), 1);
    let idp = read(&xml).unwrap();
    assert_eq!(idp.certificates.len(), 1);
    assert_eq!(
        idp.skipped,
        [
            "a signing certificate was passed over: the certificate's RSA key has 1024 bits",
            "a signing certificate was passed over: the certificate cannot be read",
        ]
    );
}

#[test]
fn one_of_a_federation_is_chosen_by_its_name() {
    let other = good().replace(IDP, "https://other.example/idp");
    let service = changed("md:IDPSSODescriptor", "md:SPSSODescriptor").replace(IDP, "https://sp.example");
    let group = |attributes: &str, members: &str| {
        format!(
            "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"{attributes}>{members}</md:EntitiesDescriptor>"
        )
    };
    let inner = group(" validUntil=\"2026-11-22T00:00:00Z\"", &other);
    let all = group(" validUntil=\"2026-11-23T00:00:00Z\"", &format!("{}{service}{inner}", good()));
    assert_eq!(IdpMetadata::entities(&all).unwrap(), [IDP, "https://other.example/idp"]);
    let chosen = |entity| IdpMetadata::read(&all, entity, Reach::Https, now());
    assert_eq!(chosen(None).unwrap_err(), MetadataError::Several.into());
    assert_eq!(chosen(Some("https://sp.example")).unwrap_err(), MetadataError::Entity.into());
    let until = |entity| chosen(Some(entity)).unwrap().valid_until.unwrap().to_string();
    assert_eq!(until(IDP), "2026-11-23T00:00:00Z");
    assert_eq!(until("https://other.example/idp"), "2026-11-22T00:00:00Z");
    assert_eq!(read(&group("", &good())).unwrap().entity_id, IDP);
    let twice = group("", &format!("{}{}", good(), good()));
    assert_eq!(IdpMetadata::read(&twice, Some(IDP), Reach::Https, now()).unwrap_err(), MetadataError::Entity.into());
    assert_eq!(IdpMetadata::read(&good(), Some("x"), Reach::Https, now()).unwrap_err(), MetadataError::Entity.into());
}

#[test]
fn plain_http_is_for_this_machine_when_it_is_allowed() {
    let at = |host: &str| {
        IdpMetadata::read(&changed(SSO, &format!("http://{host}/sso")), None, Reach::HttpsOrLoopback, now())
    };
    for good in ["127.0.0.1:8080", "localhost", "[::1]:1"] {
        assert!(at(good).is_ok(), "{good}");
    }
    for bad in ["idp.example", "127.0.0.1.nip.io", "10.0.0.1", "localhost.evil.example"] {
        assert_eq!(at(bad).unwrap_err(), MetadataError::Location.into(), "{bad}");
    }
}

#[test]
fn what_we_publish_is_complete_and_reads_as_xml() {
    let xml = sp_metadata(SP, &format!("{ACS}?a=1&b=\"2\""), SLO, &own_keys());
    for part in [
        "AuthnRequestsSigned=\"true\" WantAssertionsSigned=\"true\"",
        "use=\"signing\"",
        "use=\"encryption\"",
        "aes256-gcm",
        "rsa-oaep-mgf1p",
        "acs?a=1&amp;b=&quot;2&quot;",
        "HTTP-Redirect\" Location=\"https://cardea.example/saml/okta/slo\"",
    ] {
        assert!(xml.contains(part), "{part}");
    }
    // It passes the gate, but it describes no provider.
    assert_eq!(read(&xml).unwrap_err(), MetadataError::NoProvider.into());
}
