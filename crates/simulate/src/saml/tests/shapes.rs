//! Every shape, signed in every way, is what the judge calls canonical and genuine.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bergshamra_c14n::C14nMode;

use super::judge::{attribute, canonical, decoded, elements, first_text, parsed, signed_ids, text};
use crate::oidc::OldKeys;
use crate::people::RESEARCH;
use crate::saml::der::{children, public_key_of};
use crate::saml::{
    Cipher, Encrypt, KeyKind, Oaep, RequestSeen, SamlProvider, SamlProviderSettings, Service, Shape, Sign,
};

pub(crate) const ACS: &str = "https://gw.example/saml/corp/acs";
pub(crate) const SERVICE: &str = "https://gw.example/saml/corp/metadata";
pub(crate) const NOW: i64 = 1_793_000_000;

pub(crate) fn settings() -> SamlProviderSettings {
    let mut settings =
        SamlProviderSettings::new("https://idp.corp.example/saml", "http://127.0.0.1:1/idp", Arc::new(|| NOW));
    settings.service = Some(Service { entity_id: SERVICE.to_owned(), acs: ACS.to_owned(), slo: None });
    settings
}

pub(crate) fn request() -> RequestSeen {
    let xml = "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_r1\">\
        <saml:Issuer>https://gw.example/saml/corp/metadata</saml:Issuer></samlp:AuthnRequest>";
    RequestSeen::of_form(&STANDARD.encode(xml), Some("state")).unwrap()
}

#[test]
fn every_shape_is_written_in_canonical_form_and_signed_by_the_published_key() {
    for sign in [Sign::Response, Sign::Assertion, Sign::Both] {
        let shared = SamlProvider::new(SamlProviderSettings { sign, ..settings() }).unwrap();
        for shape in Shape::ALL {
            // A provider a shape would only make one more key a shape.
            let draft = {
                let service = shared.shared.settings.service.clone().unwrap();
                let person = shared.shared.memory().person("ana").unwrap();
                shared.shared.draft(shape, &service, Some("_r1"), &person, NOW)
            };
            let key = shared.shared.memory().keys.current.clone();
            let signer = crate::saml::signature::Signer::new(key);
            let manner = crate::saml::answer::Manner { sign: Some(sign), signer, encrypt: None };
            let xml = draft.compose(&manner);
            let document = parsed(&xml);
            let expected = match sign {
                Sign::Both => 2,
                Sign::Response | Sign::Assertion => 1,
            };
            let ids = signed_ids(&xml, &shared.certificates());
            assert_eq!(ids.len(), expected, "{shape:?} {sign:?}\n{xml}");
            let root = document.document_element().unwrap();
            let again = canonical(&document, root, None, C14nMode::Exclusive, &["xs".to_owned()]);
            let loose = " xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi";
            if shape == Shape::Okta || !xml.contains(loose) {
                assert_eq!(again, xml, "{shape:?}");
            }
        }
    }
}

#[test]
fn a_response_says_who_it_is_for_and_about() {
    let provider = SamlProvider::new(settings()).unwrap();
    let xml = decoded(&provider.respond(&request(), "ana"));
    let document = parsed(&xml);
    let root = document.document_element().unwrap();
    assert_eq!(attribute(&document, root, "InResponseTo"), Some("_r1"));
    assert_eq!(attribute(&document, root, "Destination"), Some(ACS));
    assert_eq!(first_text(&xml, "Audience").as_deref(), Some(SERVICE));
    assert_eq!(first_text(&xml, "NameID").unwrap().len(), 20);
    let data = elements(&document, "SubjectConfirmationData")[0];
    assert_eq!(attribute(&document, data, "Recipient"), Some(ACS));
    let values: Vec<String> = elements(&document, "AttributeValue").iter().map(|node| text(&document, *node)).collect();
    assert!(values.contains(&"ana@corp.example".to_owned()));
    assert!(values.contains(&RESEARCH.to_owned()));
    let other = decoded(&provider.respond(&request(), "ana"));
    assert_ne!(first_text(&xml, "SignatureValue"), first_text(&other, "SignatureValue"));
    assert_eq!(provider.respond(&request(), "nobody"), "");
}

#[test]
fn a_service_that_registers_late_is_served_as_it_says() {
    let settings = SamlProviderSettings { key: KeyKind::P256, service: None, ..settings() };
    let provider = SamlProvider::new(settings).unwrap();
    let xml = decoded(&provider.respond(&request(), "ana"));
    assert_eq!(first_text(&xml, "Audience").as_deref(), Some(SERVICE), "learnt from the request");
    assert!(!xml.contains(ACS));
    let entity_id = "https://late.example".to_owned();
    provider.register(Service { entity_id: entity_id.clone(), acs: ACS.to_owned(), slo: None });
    provider.sign(Sign::Assertion);
    provider.imitate(Shape::Okta);
    let xml = decoded(&provider.respond(&request(), "ana"));
    assert_eq!(first_text(&xml, "Audience"), Some(entity_id));
    assert!(xml.contains(ACS) && xml.starts_with("<saml2p:Response"));
    assert_eq!(signed_ids(&xml, &provider.certificates()).len(), 1);
}

#[test]
fn each_kind_of_key_signs_what_its_certificate_verifies() {
    for key in [KeyKind::Rsa2048, KeyKind::P256, KeyKind::Rsa1024] {
        let provider = SamlProvider::new(SamlProviderSettings { key, ..settings() }).unwrap();
        let xml = decoded(&provider.respond(&request(), "bo"));
        assert_eq!(signed_ids(&xml, &provider.certificates()).len(), 2, "{key:?}");
    }
}

#[test]
fn after_a_rotation_the_old_certificate_is_published_or_gone() {
    let provider = SamlProvider::new(settings()).unwrap();
    let before = provider.certificates();
    provider.rotate(OldKeys::Published).unwrap();
    assert_eq!(provider.certificates().len(), 2);
    assert!(provider.certificates().contains(&before[0]));
    let xml = decoded(&provider.respond(&request(), "ana"));
    assert!(signed_ids(&xml, &before).is_empty());
    provider.rotate(OldKeys::Dropped).unwrap();
    assert_eq!(provider.certificates().len(), 1);
    assert!(!provider.certificates().contains(&before[0]));
}

#[test]
fn a_certificate_carries_the_key_and_is_signed_by_it() {
    let provider = SamlProvider::new(settings()).unwrap();
    let certificate = provider.certificates().remove(0);
    let public = public_key_of(&certificate).unwrap();
    assert_eq!(public_key_of(&public).unwrap(), public);
    let whole = children(&certificate)[0].1;
    let [to_be_signed, _, signature] = children(whole)[..] else { panic!("three parts") };
    let to_be_signed = crate::saml::der::node(0x30, to_be_signed.1);
    let algorithm = &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
    let key = aws_lc_rs::signature::UnparsedPublicKey::new(algorithm, public);
    key.verify(&to_be_signed, &signature.1[1..]).unwrap();
}

#[test]
fn an_encrypted_assertion_opens_with_the_services_key_only() {
    let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let certificate = private.public_key().as_der().unwrap().as_ref().to_vec();
    for cipher in [Cipher::Aes128Cbc, Cipher::Aes256Cbc, Cipher::Aes128Gcm, Cipher::Aes256Gcm] {
        for oaep in [Oaep::Sha1, Oaep::Sha256] {
            let provider = SamlProvider::new(SamlProviderSettings { key: KeyKind::P256, ..settings() }).unwrap();
            provider.encrypt(Some(Encrypt { cipher, oaep, certificate: certificate.clone() }));
            let xml = decoded(&provider.respond(&request(), "ana"));
            assert!(!xml.contains("ana@corp.example"));
            assert_eq!(signed_ids(&xml, &provider.certificates()).len(), 1, "the response around it");
            let plain = opened(&xml, &private, cipher, oaep);
            assert!(plain.contains("ana@corp.example"), "{plain}");
            assert_eq!(signed_ids(&plain, &provider.certificates()).len(), 1, "the assertion within");
        }
    }
}

/// The decrypted assertion, by functions of aws-lc-rs that the sender does not use.
fn opened(xml: &str, private: &PrivateDecryptingKey, cipher: Cipher, oaep: Oaep) -> String {
    let document = parsed(xml);
    let values: Vec<Vec<u8>> = elements(&document, "CipherValue")
        .iter()
        .map(|node| STANDARD.decode(text(&document, *node)).unwrap())
        .collect();
    let [wrapped, data] = &values[..] else { panic!("two values") };
    let decrypting = OaepPrivateDecryptingKey::new(private.clone()).unwrap();
    let algorithm = match oaep {
        Oaep::Sha1 => &OAEP_SHA1_MGF1SHA1,
        Oaep::Sha256 => &OAEP_SHA256_MGF1SHA256,
    };
    let mut key = vec![0; 256];
    let key = decrypting.decrypt(algorithm, wrapped, &mut key, None).unwrap();
    let mut text = match cipher {
        Cipher::Aes128Cbc | Cipher::Aes256Cbc => data[16..].to_vec(),
        Cipher::Aes128Gcm | Cipher::Aes256Gcm => data[12..].to_vec(),
    };
    let block =
        |algorithm| PaddedBlockDecryptingKey::cbc_iso10126(UnboundCipherKey::new(algorithm, key).unwrap()).unwrap();
    let vector = || DecryptionContext::Iv128(FixedLength::try_from(&data[..16]).unwrap());
    let nonce = || Nonce::try_assume_unique_for_key(&data[..12]).unwrap();
    let counter = |algorithm| LessSafeKey::new(UnboundKey::new(algorithm, key).unwrap());
    let plain = match cipher {
        Cipher::Aes128Cbc => block(&AES_128).decrypt(&mut text, vector()).unwrap().to_vec(),
        Cipher::Aes256Cbc => block(&AES_256).decrypt(&mut text, vector()).unwrap().to_vec(),
        Cipher::Aes128Gcm => counter(&AES_128_GCM).open_in_place(nonce(), Aad::empty(), &mut text).unwrap().to_vec(),
        Cipher::Aes256Gcm => counter(&AES_256_GCM).open_in_place(nonce(), Aad::empty(), &mut text).unwrap().to_vec(),
    };
    String::from_utf8(plain).unwrap()
}
