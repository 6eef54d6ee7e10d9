//! Signatures by another key than the provider's, or by an algorithm that proves nothing.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Case, Make, Setting, rejected};
use crate::saml::answer::Manner;
use crate::saml::keys::{Key, KeyKind, SignatureMethod};
use crate::saml::settings::Sign;
use crate::saml::signature::{Digest, Signer, Skeleton, Unsigned, certificate, key_info, method};
use crate::saml::xml::{DS, escaped_value};

const HMAC_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256";
const HMAC_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#hmac-sha1";

pub(super) fn cases() -> Vec<Case> {
    let mut all = rejected("alg-key", foreign_keys());
    all.extend(rejected("alg-key", secrets()));
    all.extend(rejected("alg-key", weak()));
    all
}

/// The attacker's key, and everything in `KeyInfo` that may make a reader take it.
fn foreign_keys() -> [(&'static str, Make); 11] {
    [
        ("attacker-key", Make::Forged(|s, element| told(s, element, ""))),
        ("attacker-certificate", Make::Forged(|s, element| told(s, element, &certificate(DS, &s.attacker_key())))),
        ("attacker-key-value", Make::Forged(|s, element| told(s, element, &key_value(&s.attacker_key())))),
        (
            "attacker-key-value-after-our-certificate",
            Make::Forged(|s, element| {
                let info = format!("{}{}", certificate(DS, &s.signer().key), key_value(&s.attacker_key()));
                told(s, element, &info)
            }),
        ),
        (
            "attacker-certificate-before-ours",
            Make::Forged(|s, element| told(s, element, &both(&s.attacker_key(), &s.signer().key))),
        ),
        (
            "attacker-certificate-after-ours",
            Make::Forged(|s, element| told(s, element, &both(&s.signer().key, &s.attacker_key()))),
        ),
        (
            "attacker-key-under-our-name",
            Make::Forged(|s, element| {
                let name = DS.inner("KeyName").text(s.provider.entity_id()).write();
                told(s, element, &format!("{name}{}", key_value(&s.attacker_key())))
            }),
        ),
        (
            "attacker-certificate-under-our-serial",
            Make::Forged(|s, element| {
                let name = format!("CN={}", s.provider.entity_id());
                let serial = DS.inner("X509SerialNumber").text("1").write();
                let issuer = DS.inner("X509IssuerName").text(&name).write();
                let issuer = DS.inner("X509IssuerSerial").holds(&issuer).holds(&serial).write();
                let data = certificate(DS, &s.attacker_key());
                told(s, element, &data.replacen("<ds:X509Data>", &format!("<ds:X509Data>{issuer}"), 1))
            }),
        ),
        ("retrieval-method-file", Make::Forged(|s, element| told(s, element, &retrieval("file:///etc/ssl/cert.pem")))),
        (
            "retrieval-method-http",
            Make::Forged(|s, element| told(s, element, &retrieval(&format!("{}/key", s.listener)))),
        ),
        (
            "other-tenants-key",
            Make::Forged(|s, element| {
                let signer = Signer::new(s.other.shared.memory().keys.current.clone());
                Skeleton::over(element, &signer).signed(&signer)
            }),
        ),
    ]
}

/// What is public about the provider's key, used as if it were a shared secret.
fn secrets() -> [(&'static str, Make); 7] {
    [
        ("hmac-keyed-with-pem", Make::Forged(|s, element| keyed(s, element, pem(&s.signer().key).as_bytes()))),
        ("hmac-keyed-with-certificate", Make::Forged(|s, element| keyed(s, element, &s.signer().key.certificate))),
        ("hmac-keyed-with-public-key", Make::Forged(|s, element| keyed(s, element, &s.signer().key.public))),
        ("hmac-keyed-with-modulus", Make::Forged(|s, element| keyed(s, element, &s.signer().key.modulus()))),
        ("hmac-keyed-with-nothing", Make::Forged(|s, element| keyed(s, element, &[]))),
        // CVE-2009-0217: so short an output is guessed at once.
        ("hmac-output-length-0", Make::Forged(|s, element| truncated(s, element, 0))),
        ("hmac-output-length-8", Make::Forged(|s, element| truncated(s, element, 8))),
    ]
}

/// Algorithms and keys that were never good, or no longer are.
fn weak() -> [(&'static str, Make); 9] {
    [
        ("sha1-signature", Make::Xml(|s| by(s, Signer { method: SignatureMethod::RsaSha1, ..s.signer() }))),
        ("sha1-digest", Make::Xml(|s| by(s, Signer { digest: Digest::Sha1, ..s.signer() }))),
        (
            "sha1-assertion-in-sha256-response",
            Make::Xml(|s| {
                let old = Signer { method: SignatureMethod::RsaSha1, digest: Digest::Sha1, ..s.signer() };
                let draft = s.draft();
                draft.envelope.around(&draft.assertion.unsigned().signed(&old)).signed(&s.signer())
            }),
        ),
        ("rsa-1024", Make::Xml(|s| by(s, s.published(KeyKind::Rsa1024)))),
        (
            "algorithm-none",
            Make::Forged(|s, element| {
                let mut skeleton = Skeleton::over(element, &s.signer());
                skeleton.method = method(DS, "http://www.w3.org/2000/09/xmldsig#none");
                skeleton.with_value(&[])
            }),
        ),
        (
            "algorithm-md5",
            Make::Forged(|s, element| named(s, element, "http://www.w3.org/2001/04/xmldsig-more#rsa-md5")),
        ),
        ("algorithm-dsa", Make::Forged(|s, element| named(s, element, "http://www.w3.org/2000/09/xmldsig#dsa-sha1"))),
        ("algorithm-unknown", Make::Forged(|s, element| named(s, element, "urn:example:always-true"))),
        // CVE-2022-21449: r = s = 0 verified under every key.
        (
            "psychic-ecdsa",
            Make::Forged(|s, element| Skeleton::over(element, &s.published(KeyKind::P256)).with_value(&[0; 64])),
        ),
    ]
}

/// Truly signed by the attacker, who says this about the key.
fn told(setting: &Setting<'_>, element: &Unsigned, info: &str) -> String {
    let signer = setting.attacker();
    let mut skeleton = Skeleton::over(element, &signer);
    skeleton.rest = if info.is_empty() { String::new() } else { key_info(DS, &[info]) };
    skeleton.signed(&signer)
}

/// The name of another algorithm over a true signature by the provider's key, RSA with SHA-256: it convinces
/// whoever falls back to what is usual. (Were the algorithm good, so would be the signature; what is tested
/// is that only listed algorithms are.)
fn named(setting: &Setting<'_>, element: &Unsigned, uri: &str) -> String {
    let signer = setting.signer();
    let mut skeleton = Skeleton::over(element, &signer);
    skeleton.method = method(DS, uri);
    skeleton.signed(&signer)
}

fn keyed(setting: &Setting<'_>, element: &Unsigned, secret: &[u8]) -> String {
    let mut skeleton = Skeleton::over(element, &setting.signer());
    skeleton.method = method(DS, HMAC_SHA256);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    skeleton.with_value(hmac::sign(&key, skeleton.canonical().as_bytes()).as_ref())
}

fn truncated(setting: &Setting<'_>, element: &Unsigned, bits: usize) -> String {
    let signer = setting.signer();
    let mut skeleton = Skeleton::over(element, &signer);
    let length = DS.inner("HMACOutputLength").text(&bits.to_string()).write();
    skeleton.method = DS.inner("SignatureMethod").with("Algorithm", HMAC_SHA1).holds(&length).write();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &signer.key.certificate);
    let whole = hmac::sign(&key, skeleton.canonical().as_bytes());
    let short: Vec<u8> = whole.as_ref().iter().copied().take(bits / 8).collect();
    skeleton.with_value(&short)
}

fn by(setting: &Setting<'_>, signer: Signer) -> String {
    setting.draft().compose(&Manner { sign: Some(Sign::Both), signer, encrypt: None })
}

/// One `X509Data` with two certificates.
fn both(first: &Key, second: &Key) -> String {
    let each: String =
        [first, second].iter().map(|key| DS.inner("X509Certificate").text(&key.certificate_text()).write()).collect();
    DS.inner("X509Data").holds(&each).write()
}

fn key_value(key: &Key) -> String {
    let modulus = DS.inner("Modulus").text(&STANDARD.encode(key.modulus())).write();
    let exponent = DS.inner("Exponent").text("AQAB").write();
    let value = DS.inner("RSAKeyValue").holds(&modulus).holds(&exponent).write();
    DS.inner("KeyValue").holds(&value).write()
}

fn retrieval(address: &str) -> String {
    let kind = "http://www.w3.org/2000/09/xmldsig#rawX509Certificate";
    DS.inner("RetrievalMethod").with("Type", kind).with("URI", &escaped_value(address)).write()
}

fn pem(key: &Key) -> String {
    let text = key.certificate_text();
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| str::from_utf8(line).ok()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}
