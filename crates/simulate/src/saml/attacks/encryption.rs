//! Encrypted assertions that nobody vouches for, that were spoilt on the way, or that hold something else
//! than one signed assertion. Anybody can encrypt for the service: its key is public.

use super::{Case, Make, Setting, rejected};
use crate::saml::document::Draft;
use crate::saml::encrypt::{Sealed, cipher_value, encrypt, key_method, random, wrap, wrap_pkcs1};
use crate::saml::settings::{Cipher, Encrypt, Oaep};
use crate::saml::signature::Skeleton;
use crate::saml::xml::{ENCRYPTION, XENC};

const RSA_1_5: &str = "http://www.w3.org/2001/04/xmlenc#rsa-1_5";

pub(super) fn cases() -> Vec<Case> {
    let mut all = rejected("encryption", unvouched());
    all.extend(rejected("encryption", named()));
    all.extend(rejected("encryption", contents()));
    all.extend(rejected("encryption", spoilt()).into_iter().map(|case| Case { uniform: true, ..case }));
    all
}

fn unvouched() -> [(&'static str, Make); 6] {
    [
        ("encrypted-unsigned", Make::Xml(|s| s.seal(&s.forged(), None, &how(s, Cipher::Aes256Gcm)))),
        (
            "encrypted-signed-by-attacker",
            Make::Xml(|s| {
                let forged = s.forged();
                let assertion = forged.assertion.unsigned().signed(&s.attacker());
                around(&forged, &[&element(s, Cipher::Aes256Gcm, &assertion)])
            }),
        ),
        (
            "encrypted-in-response-signed-by-attacker",
            Make::Xml(|s| {
                let forged = s.forged();
                let sealed = element(s, Cipher::Aes256Cbc, &forged.assertion.unsigned().plain());
                forged.envelope.around(&sealed).signed(&s.attacker())
            }),
        ),
        (
            "plain-forged-before-encrypted",
            Make::Xml(|s| around(&s.draft(), &[&forged(s), &element(s, Cipher::Aes256Gcm, &genuine(s))])),
        ),
        (
            "plain-forged-after-encrypted",
            Make::Xml(|s| around(&s.draft(), &[&element(s, Cipher::Aes256Gcm, &genuine(s)), &forged(s)])),
        ),
        (
            "two-encrypted-assertions",
            Make::Xml(|s| {
                let both = [genuine(s), forged(s)].map(|assertion| element(s, Cipher::Aes256Gcm, &assertion));
                around(&s.draft(), &[&both[0], &both[1]])
            }),
        ),
    ]
}

/// What an administrator may be told by name, for it says nothing about the key or the plaintext.
fn named() -> [(&'static str, Make); 5] {
    [
        ("rsa-1-5", Make::Xml(|s| transported(s, RSA_1_5))),
        (
            "triple-des",
            Make::Xml(|s| {
                changed(s, Cipher::Aes128Cbc, |sealed| {
                    sealed.cipher = format!("{ENCRYPTION}tripledes-cbc");
                })
            }),
        ),
        ("cipher-reference-http", Make::Xml(|s| referring(s, &format!("{}/cipher", s.listener)))),
        ("cipher-reference-file", Make::Xml(|s| referring(s, "file:///etc/passwd"))),
        (
            "five-hundred-encrypted-keys",
            Make::Xml(|s| {
                let sealed = sealed(s, Cipher::Aes256Gcm, &genuine(s));
                // Short ones, so that the message stays small; the last one opens.
                let decoys = XENC.inner("EncryptedKey").holds(&cipher_value(&[0; 3])).write().repeat(499);
                let keys = format!("{decoys}{}", sealed.encrypted_key());
                let data = sealed.around(&keys, &cipher_value(&sealed.data));
                around(&s.draft(), &[&format!("{}</saml:EncryptedAssertion>", opening() + &data)])
            }),
        ),
    ]
}

/// Ciphertexts that open, onto something that is not one signed assertion.
fn contents() -> [(&'static str, Make); 3] {
    [
        (
            "plaintext-with-doctype",
            Make::Xml(|s| holding(s, &format!("<!DOCTYPE saml:Assertion [<!ENTITY e \"x\">]>{}", genuine(s)))),
        ),
        ("plaintext-of-two-assertions", Make::Xml(|s| holding(s, &format!("{}{}", genuine(s), forged(s))))),
        (
            "plaintext-wrapped",
            Make::Xml(|s| {
                let (draft, mut evil) = (s.draft(), s.forged());
                let element = draft.assertion.unsigned();
                let signature = Skeleton::over(&element, &s.signer()).signed(&s.signer());
                evil.assertion.advice = format!("<saml:Advice>{}</saml:Advice>", element.plain());
                holding(s, &evil.assertion.unsigned().holding(&signature))
            }),
        ),
    ]
}

/// Ciphertexts that do not open. The response around them is unsigned, so that the reader has to try; what
/// it answers must be the same each time (Bleichenbacher 1998, Jager and Somorovsky 2011).
fn spoilt() -> [(&'static str, Make); 12] {
    [
        ("rsa-1-5-labelled-as-oaep", Make::Xml(|s| transported(s, &format!("{ENCRYPTION}rsa-oaep-mgf1p")))),
        ("cbc-vector-flipped", Make::Xml(|s| changed(s, Cipher::Aes128Cbc, |sealed| flip(&mut sealed.data, 0)))),
        ("cbc-last-block-flipped", Make::Xml(|s| changed(s, Cipher::Aes128Cbc, |sealed| flip_last(&mut sealed.data)))),
        (
            "cbc-cut-within-a-block",
            Make::Xml(|s| changed(s, Cipher::Aes128Cbc, |sealed| sealed.data.truncate(sealed.data.len() - 5))),
        ),
        ("cbc-vector-only", Make::Xml(|s| changed(s, Cipher::Aes256Cbc, |sealed| sealed.data.truncate(16)))),
        ("cipher-value-empty", Make::Xml(|s| changed(s, Cipher::Aes256Cbc, |sealed| sealed.data.clear()))),
        ("gcm-tag-flipped", Make::Xml(|s| changed(s, Cipher::Aes128Gcm, |sealed| flip_last(&mut sealed.data)))),
        ("gcm-text-flipped", Make::Xml(|s| changed(s, Cipher::Aes256Gcm, |sealed| flip(&mut sealed.data, 40)))),
        ("gcm-shorter-than-its-tag", Make::Xml(|s| changed(s, Cipher::Aes256Gcm, |sealed| sealed.data.truncate(20)))),
        ("key-too-short", Make::Xml(|s| keyed(s, Cipher::Aes256Cbc, 16))),
        ("key-too-long", Make::Xml(|s| keyed(s, Cipher::Aes128Cbc, 32))),
        ("plaintext-empty", Make::Xml(|s| holding(s, ""))),
    ]
}

fn how(setting: &Setting<'_>, cipher: Cipher) -> Encrypt {
    Encrypt { cipher, oaep: Oaep::Sha1, certificate: setting.encryption_certificate.to_vec() }
}

/// The provider's signed assertion.
fn genuine(setting: &Setting<'_>) -> String {
    setting.draft().assertion.unsigned().signed(&setting.signer())
}

/// A forged assertion that nobody signed.
fn forged(setting: &Setting<'_>) -> String {
    setting.forged().assertion.unsigned().plain()
}

/// The plaintext for the service; an empty one if encrypting fails.
fn sealed(setting: &Setting<'_>, cipher: Cipher, plaintext: &str) -> Sealed {
    Sealed::new(plaintext.as_bytes(), &how(setting, cipher)).unwrap_or_else(|_| Sealed {
        cipher: cipher.uri().to_owned(),
        key_method: key_method(Oaep::Sha1),
        key: Vec::new(),
        data: Vec::new(),
    })
}

fn element(setting: &Setting<'_>, cipher: Cipher, plaintext: &str) -> String {
    sealed(setting, cipher, plaintext).element(setting.draft().assertion.spaces.assertion)
}

/// An unsigned response around these.
fn around(draft: &Draft, content: &[&str]) -> String {
    draft.envelope.around(&content.concat()).plain()
}

/// A plaintext of any kind in an unsigned response.
fn holding(setting: &Setting<'_>, plaintext: &str) -> String {
    around(&setting.draft(), &[&element(setting, Cipher::Aes256Gcm, plaintext)])
}

/// The true assertion encrypted, and then changed, in an unsigned response.
fn changed(setting: &Setting<'_>, cipher: Cipher, change: fn(&mut Sealed)) -> String {
    let draft = setting.draft();
    let mut sealed = sealed(setting, cipher, &genuine(setting));
    change(&mut sealed);
    around(&draft, &[&sealed.element(draft.assertion.spaces.assertion)])
}

/// The true assertion whose key has the padding of RSAES-PKCS1-v1_5, under this label; if it is the true one,
/// the provider signed the response around it, too.
fn transported(setting: &Setting<'_>, label: &str) -> String {
    let draft = setting.draft();
    let cipher = Cipher::Aes256Cbc;
    let key = random(cipher.key_length()).unwrap_or_default();
    let method = XENC.inner("EncryptionMethod").with("Algorithm", label);
    let sealed = Sealed {
        cipher: cipher.uri().to_owned(),
        key_method: method.write(),
        key: wrap_pkcs1(setting.encryption_certificate, &key).unwrap_or_default(),
        data: encrypt(cipher, &key, genuine(setting).as_bytes()).unwrap_or_default(),
    };
    let content = sealed.element(draft.assertion.spaces.assertion);
    let response = draft.envelope.around(&content);
    if label == RSA_1_5 { response.signed(&setting.signer()) } else { response.plain() }
}

/// The cipher is named, and a key of another length is used.
fn keyed(setting: &Setting<'_>, cipher: Cipher, length: usize) -> String {
    let draft = setting.draft();
    let key = random(length).unwrap_or_default();
    let sealed = Sealed {
        cipher: cipher.uri().to_owned(),
        key_method: key_method(Oaep::Sha1),
        key: wrap(Oaep::Sha1, setting.encryption_certificate, &key).unwrap_or_default(),
        data: encrypt(cipher, &key, genuine(setting).as_bytes()).unwrap_or_default(),
    };
    around(&draft, &[&sealed.element(draft.assertion.spaces.assertion)])
}

/// The ciphertext is said to lie elsewhere.
fn referring(setting: &Setting<'_>, address: &str) -> String {
    let sealed = sealed(setting, Cipher::Aes256Cbc, &genuine(setting));
    let reference = XENC.inner("CipherReference").with("URI", address).write();
    let data = XENC.inner("CipherData").holds(&reference).write();
    let data = sealed.around(&sealed.encrypted_key(), &data);
    around(&setting.draft(), &[&format!("{}{data}</saml:EncryptedAssertion>", opening())])
}

fn opening() -> String {
    "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">".to_owned()
}

fn flip(bytes: &mut [u8], at: usize) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1;
    }
}

/// Turns the last byte of the last block but one, which turns the last byte of the plaintext in CBC and
/// is the tag itself in GCM.
fn flip_last(bytes: &mut [u8]) {
    if let Some(byte) = bytes.iter_mut().rev().nth(16) {
        *byte ^= 0x80;
    }
}
