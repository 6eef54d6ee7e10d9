//! What is sent to a provider, to the letter.

use std::io::Read as _;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::world::*;
use crate::saml::*;

fn unpacked(text: &str) -> String {
    let mut xml = String::new();
    flate2::read::DeflateDecoder::new(STANDARD.decode(text).unwrap().as_slice()).read_to_string(&mut xml).unwrap();
    xml
}

fn golden(more: &str, end: &str) -> String {
    format!(
        "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         AssertionConsumerServiceURL=\"{ACS}\" Destination=\"{SSO}\"{more} ID=\"_{STATE}\" \
         IssueInstant=\"2026-11-21T10:00:00Z\" ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
         Version=\"2.0\"><saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{SP}</saml:Issuer>\
         {end}</samlp:AuthnRequest>"
    )
}

#[test]
fn a_request_by_redirect_is_signed_over_its_query() {
    let url = SamlConnector::new(settings()).redirect(&flow(), now()).unwrap();
    let query = url.as_str().strip_prefix(&format!("{SSO}&")).unwrap();
    let (said, signature) = query.split_once("&Signature=").unwrap();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["tenant", "SAMLRequest", "RelayState", "SigAlg", "Signature"]);
    assert_eq!((pairs[2].1.as_str(), pairs[3].1.as_str()), (STATE, RSA_SHA256));
    assert_eq!(unpacked(&pairs[1].1), golden("", ""));
    assert!(signature.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'%'));
    let certificate = Certificate::read(Who::Stranger.certificate()).unwrap();
    assert_eq!(certificate.kind, "RSA 2048");
    let spki = aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(
        aws_lc_rs::signature::KeyPair::public_key(
            &aws_lc_rs::rsa::KeyPair::from_pkcs8(&pem(include_str!("keys/service.key"))).unwrap(),
        ),
    )
    .unwrap();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, spki.as_ref());
    key.verify(said.as_bytes(), &STANDARD.decode(&pairs[4].1).unwrap()).unwrap();
}

#[test]
fn a_format_and_a_new_sign_in_are_asked_for_when_they_are_wanted() {
    let format = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    let connector = SamlConnector::new(SamlSettings { name_id_format: Some(format.into()), ..settings() });
    let url = connector.redirect(&Flow { prompt: Some("login"), ..flow() }, now()).unwrap();
    let request = url.query_pairs().find(|(name, _)| name == "SAMLRequest").unwrap().1.into_owned();
    let policy = format!("<samlp:NameIDPolicy AllowCreate=\"true\" Format=\"{format}\"></samlp:NameIDPolicy>");
    assert_eq!(unpacked(&request), golden(" ForceAuthn=\"true\"", &policy));
}

/// Our reader checks what our writer signed; that the reader is right, other tests show.
#[test]
fn a_posted_request_is_signed_inside() {
    let mut own = settings();
    own.entity_id = "https://cardea.example/?a=1&b=<\"\u{e9}\">".into();
    let form = SamlConnector::new(own).post(&flow(), now()).unwrap();
    assert_eq!(form.url.as_str(), SSO);
    assert_eq!(form.fields[1], ("RelayState", STATE.to_owned()));
    let xml = String::from_utf8(STANDARD.decode(&form.fields[0].1).unwrap()).unwrap();
    let tree = gate::parse(&xml, &gate::MESSAGE).unwrap();
    let ours = [Certificate::read(Who::Stranger.certificate()).unwrap()];
    assert!(signature::verify(tree.root(), &ours).unwrap().is_some());
    let theirs = [Certificate::read(Who::Idp.certificate()).unwrap()];
    assert_eq!(signature::verify(tree.root(), &theirs).unwrap_err(), SamlError::Signature);
}

#[test]
fn without_an_address_for_it_there_is_no_request() {
    let mut settings = settings();
    Arc::make_mut(&mut settings.idp).sso.clear();
    let connector = SamlConnector::new(settings);
    assert_eq!(connector.redirect(&flow(), now()).unwrap_err(), MetadataError::NoBinding.into());
    assert_eq!(connector.post(&flow(), now()).unwrap_err(), MetadataError::NoBinding.into());
}

#[test]
fn keys_that_are_none_are_refused() {
    let key = pem(include_str!("keys/p256.key"));
    assert_eq!(SpKeys::read(&key, &[], Vec::new(), Vec::new()).unwrap_err(), SamlError::OwnKey);
    let good = pem(include_str!("keys/service.key"));
    assert_eq!(SpKeys::read(&good, &[b"no"], Vec::new(), Vec::new()).unwrap_err(), SamlError::OwnKey);
}

/// Verifying takes a while, so it is done on another thread.
#[test]
fn what_verifying_needs_can_go_to_another_thread() {
    fn can_go<T: Send + Sync + 'static>(_: &T) {}
    can_go(&posted(&Forge::new().xml()).unwrap());
    can_go(&SamlConnector::new(settings()));
    can_go(&Forge::new().finish());
}
