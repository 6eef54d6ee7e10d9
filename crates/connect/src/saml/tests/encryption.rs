//! Encrypted assertions: every accepted way, and one answer to everything that is wrong.

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{self, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PrivateDecryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::world::*;
use crate::saml::*;

const CBC_128: &str = "http://www.w3.org/2001/04/xmlenc#aes128-cbc";
const CBC_256: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
const GCM_128: &str = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
const GCM_256: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
const MGF1P: &str = "<xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"/>";
const BOTH_SHA256: &str = "<xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#rsa-oaep\">\
     <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\
     <e11:MGF xmlns:e11=\"http://www.w3.org/2009/xmlenc11#\" Algorithm=\"http://www.w3.org/2009/xmlenc11#mgf1sha256\"/>\
     </xenc:EncryptionMethod>";

/// The content's key: as long as the cipher wants it.
fn key(algorithm: &str) -> Vec<u8> {
    vec![7; if algorithm.contains("128") { 16 } else { 32 }]
}

fn encrypted(algorithm: &str, plain: &[u8]) -> Vec<u8> {
    let key = key(algorithm);
    if algorithm.ends_with("gcm") {
        let how = if key.len() == 16 { &aead::AES_128_GCM } else { &aead::AES_256_GCM };
        let mut sealed = plain.to_vec();
        let key = LessSafeKey::new(UnboundKey::new(how, &key).unwrap());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key([9; 12]), Aad::empty(), &mut sealed).unwrap();
        return [vec![9; 12], sealed].concat();
    }
    let how = if key.len() == 16 { &cipher::AES_128 } else { &cipher::AES_256 };
    let padding = 16 - plain.len() % 16;
    let mut padded = plain.to_vec();
    padded.resize(plain.len() + padding - 1, 0xa5);
    padded.push(u8::try_from(padding).unwrap());
    let key = EncryptingKey::cbc(UnboundCipherKey::new(how, &key).unwrap()).unwrap();
    key.less_safe_encrypt(&mut padded, EncryptionContext::Iv128(FixedLength::from([9; 16]))).unwrap();
    [vec![9; 16], padded].concat()
}

fn wrapped(key: &[u8], method: &str) -> Vec<u8> {
    let ours = PrivateDecryptingKey::from_pkcs8(&pem(include_str!("keys/service.key"))).unwrap().public_key();
    let ours = OaepPublicEncryptingKey::new(ours).unwrap();
    let how = if method == BOTH_SHA256 { &OAEP_SHA256_MGF1SHA256 } else { &OAEP_SHA1_MGF1SHA1 };
    let mut out = vec![0; ours.ciphertext_size()];
    ours.encrypt(how, key, &mut out, None).unwrap().to_vec()
}

/// An `EncryptedAssertion` of these parts.
fn element(algorithm: &str, method: &str, content: &[u8], key: &[u8]) -> String {
    let value = |bytes: &[u8]| {
        format!("<xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData>", STANDARD.encode(bytes))
    };
    format!(
        "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"><xenc:EncryptedData \
         xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" Type=\"http://www.w3.org/2001/04/xmlenc#Element\">\
         <xenc:EncryptionMethod Algorithm=\"{algorithm}\"/><ds:KeyInfo xmlns:ds=\"{DS}\"><xenc:EncryptedKey>{method}{}\
         </xenc:EncryptedKey></ds:KeyInfo>{}</xenc:EncryptedData></saml:EncryptedAssertion>",
        value(key),
        value(content)
    )
}

fn of(algorithm: &str, method: &str, plain: &[u8]) -> String {
    element(algorithm, method, &encrypted(algorithm, plain), &wrapped(&key(algorithm), method))
}

fn error(xml: &str) -> SamlError {
    finish(xml).unwrap_err()
}

#[test]
fn every_accepted_cipher_is_opened() {
    for algorithm in [CBC_128, CBC_256, GCM_128, GCM_256] {
        for method in [MGF1P, BOTH_SHA256] {
            let forge = Forge::new();
            let xml = forge.around(&of(algorithm, method, forge.inner().as_bytes()));
            let statement = finish(&xml).unwrap();
            assert_eq!(statement.identity.subject, "alice-1");
            assert_eq!(statement.placement, Placement { response: false, assertion: true, encrypted: true });
        }
    }
    let default = "<xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#rsa-oaep\"/>";
    let forge = Forge::new();
    assert!(finish(&forge.around(&of(GCM_256, default, forge.inner().as_bytes()))).is_ok());
}

#[test]
fn a_signed_response_vouches_for_what_is_inside() {
    let forge = Forge::new().signed(None, Some(Who::Idp));
    let element = of(CBC_256, MGF1P, forge.inner().as_bytes());
    let statement = finish(&forge.around(&canonical(&element))).unwrap();
    assert_eq!(statement.placement, Placement { response: true, assertion: false, encrypted: true });
    // Then the reason may be told.
    let wrong = Forge::new().signed(Some(Who::Stranger), Some(Who::Idp));
    let element = of(CBC_256, MGF1P, wrong.inner().as_bytes());
    assert_eq!(error(&wrong.around(&canonical(&element))), SamlError::Signature);
}

/// What a signature around it is over: no short tags.
fn canonical(element: &str) -> String {
    element.replace("\"/>", "\"></xenc:EncryptionMethod>")
}

#[test]
fn the_key_may_stand_beside_the_data_and_there_may_be_two() {
    let forge = Forge::new();
    let good = of(GCM_128, MGF1P, forge.inner().as_bytes());
    let begin = good.find("<ds:KeyInfo").unwrap();
    let end = good.find("</ds:KeyInfo>").unwrap() + "</ds:KeyInfo>".len();
    let key = good[good.find("<xenc:EncryptedKey>").unwrap()..good.find("</ds:KeyInfo>").unwrap()].to_owned();
    let key =
        key.replace("<xenc:EncryptedKey>", "<xenc:EncryptedKey xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\">");
    let tail = "</saml:EncryptedAssertion>";
    let without = format!("{}{}", &good[..begin], &good[end..]);
    assert!(finish(&forge.around(&without.replace(tail, &format!("{key}{tail}")))).is_ok());
    // The other one is for somebody else.
    let other = "<xenc:CipherValue>".to_owned() + &STANDARD.encode([1; 256]);
    let begin = key.find("<xenc:CipherValue>").unwrap();
    let other = format!("{}{other}{}", &key[..begin], &key[key.find("</xenc:CipherValue>").unwrap()..]);
    assert!(finish(&forge.around(&without.replace(tail, &format!("{other}{key}{tail}")))).is_ok());
    assert_eq!(error(&forge.around(&without.replace(tail, &format!("{key}{key}{key}{tail}")))), SamlError::Decryption);
    assert_eq!(error(&forge.around(&without)), SamlError::Decryption);
}

#[test]
fn algorithms_that_are_not_safe_are_refused_by_name() {
    let forge = Forge::new();
    let good = of(GCM_256, MGF1P, forge.inner().as_bytes());
    let method = |uri: &str, inside: &str| {
        let method = format!("<xenc:EncryptionMethod Algorithm=\"{uri}\">{inside}</xenc:EncryptionMethod>");
        error(&forge.around(&good.replace(MGF1P, &method)))
    };
    let sha256 = "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>";
    assert_eq!(method("http://www.w3.org/2001/04/xmlenc#rsa-1_5", ""), SamlError::KeyTransport);
    assert_eq!(method("http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", sha256), SamlError::KeyTransport);
    assert_eq!(method("http://www.w3.org/2009/xmlenc11#rsa-oaep", sha256), SamlError::KeyTransport);
    assert_eq!(method("http://www.w3.org/2001/04/xmlenc#kw-aes256", ""), SamlError::KeyTransport);
    for cipher in ["http://www.w3.org/2001/04/xmlenc#tripledes-cbc", "http://www.w3.org/2009/xmlenc11#aes192-gcm", ""] {
        assert_eq!(error(&forge.around(&good.replace(GCM_256, cipher))), SamlError::ContentCipher, "{cipher}");
    }
}

#[test]
fn whatever_else_is_wrong_has_one_name() {
    let forge = Forge::new();
    let inner = forge.inner();
    let around = |element: String| error(&forge.around(&element));
    let inside = |plain: &str| around(of(CBC_128, MGF1P, plain.as_bytes()));
    let bare = forge.assertion.clone();
    let rows = [
        inside(&bare),
        inside(&Forge::new().signed(Some(Who::Stranger), None).inner()),
        inside(&inner.replace(">alice-1<", ">mallory<")),
        inside(&format!("<!DOCTYPE x>{inner}")),
        inside(&format!("{inner}{inner}")),
        inside(&inner.replace("<saml:Subject>", &format!("<saml:Advice>{bare}</saml:Advice><saml:Subject>"))),
        inside("<x/>"),
        inside("plain text"),
        inside(""),
        around(of(CBC_128, MGF1P, b"\xff\xfe")),
    ];
    for (number, row) in rows.into_iter().enumerate() {
        assert_eq!(row, SamlError::Decryption, "{number}");
    }
    for algorithm in [CBC_128, GCM_256] {
        let (content, key) = (encrypted(algorithm, inner.as_bytes()), wrapped(&key(algorithm), MGF1P));
        let with = |content: &[u8], key: &[u8]| around(element(algorithm, MGF1P, content, key));
        for at in [0, 1, 17, content.len() / 2, content.len() - 1] {
            let mut flipped = content.clone();
            flipped[at] ^= 0x41;
            assert_eq!(with(&flipped, &key), SamlError::Decryption, "{algorithm} {at}");
        }
        for length in [0, 1, 11, 12, 15, 16, 27, 28, 31, 32, content.len() - 1] {
            assert_eq!(with(&content[..length], &key), SamlError::Decryption, "{algorithm} {length}");
        }
        assert_eq!(with(&content, &wrapped(&[7; 24], MGF1P)), SamlError::Decryption);
        assert_eq!(with(&content, &wrapped(b"", MGF1P)), SamlError::Decryption);
        assert_eq!(with(&content, &key[1..]), SamlError::Decryption);
        let reference = element(algorithm, MGF1P, &content, &key);
        let reference = reference.replace("CipherValue>", "CipherReference>");
        assert_eq!(around(reference), SamlError::Decryption);
    }
}

#[test]
fn an_encrypted_assertion_stands_alone() {
    let forge = Forge::new();
    let element = of(GCM_256, MGF1P, forge.inner().as_bytes());
    assert_eq!(error(&forge.around(&format!("{element}{}", forge.inner()))), SamlError::AssertionCount);
    assert_eq!(error(&forge.around(&format!("{element}{element}"))), SamlError::AssertionCount);
    let mut settings = settings();
    settings.keys = Arc::new(
        SpKeys::read(&pem(include_str!("keys/next.key")), &[&pem(include_str!("keys/next.key"))], vec![], vec![])
            .unwrap(),
    );
    assert_eq!(finish_with(settings, &forge.around(&element)).unwrap_err(), SamlError::Decryption);
    // A retired key of ours still opens what was encrypted for it.
    let mut settings = super::world::settings();
    let (new, old) = (pem(include_str!("keys/next.key")), pem(include_str!("keys/service.key")));
    settings.keys = Arc::new(SpKeys::read(&new, &[&new, &old], vec![], vec![]).unwrap());
    assert!(finish_with(settings, &forge.around(&element)).is_ok());
}
