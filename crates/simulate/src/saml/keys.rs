//! The keys of a provider, each with the self-signed certificate that its metadata publishes.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::encoding::Pkcs8V1Der;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::der::{Certificate, ECDSA_WITH_SHA256, SHA256_WITH_RSA, ecdsa, rsa_public_key};
use super::raw_rsa::RawRsa;
use crate::chance::source;

/// A 1024-bit RSA key in PKCS#8, made once: aws-lc-rs makes none so short.
const WEAK_KEY: &str = include_str!("weak_key.txt");
/// The DigestInfo of SHA-1 up to the hash itself (RFC 8017 §9.2, note 1).
const SHA1_INFO: &[u8] = &[0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14];
/// The DigestInfo of SHA-256 up to the hash itself.
const SHA256_INFO: &[u8] =
    &[0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];
/// Seconds that a certificate is good for: five years.
const CERTIFICATE_LIFE: i64 = 5 * 365 * 86_400;

/// What kind of key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA with 2048 bits, what every provider uses.
    Rsa2048,
    /// ECDSA on P-256.
    P256,
    /// RSA with 1024 bits, which nobody should trust any more.
    Rsa1024,
}

/// How a signature is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureMethod {
    /// RSASSA-PKCS1-v1_5 with SHA-1, broken since 2017.
    RsaSha1,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaSha256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RsaSha384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RsaSha512,
    /// ECDSA with SHA-256; the signature is r ‖ s (XML Signature 1.1 §6.4.3).
    EcdsaSha256,
}

impl SignatureMethod {
    /// The algorithm's URI.
    pub fn uri(self) -> &'static str {
        match self {
            SignatureMethod::RsaSha1 => "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
            SignatureMethod::RsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            SignatureMethod::RsaSha384 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
            SignatureMethod::RsaSha512 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
            SignatureMethod::EcdsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        }
    }
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Raw,
}

/// A key pair with its certificate.
pub(crate) struct Key {
    pair: Pair,
    /// The same RSA key as numbers, for what aws-lc-rs refuses.
    raw: Option<RawRsa>,
    kind: KeyKind,
    /// The SubjectPublicKeyInfo.
    pub(crate) public: Vec<u8>,
    /// The self-signed certificate, DER.
    pub(crate) certificate: Vec<u8>,
}

impl Key {
    /// A new key, certified in this common name from a day before `now`.
    pub(crate) fn generate(kind: KeyKind, name: &str, now: i64) -> Result<Key, Unspecified> {
        let (pair, raw, public) = match kind {
            KeyKind::Rsa2048 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
                let pkcs8: Pkcs8V1Der<'_> = pair.as_der()?;
                let raw = RawRsa::read(pkcs8.as_ref());
                let public = pair.public_key().as_der()?.as_ref().to_vec();
                (Pair::Rsa(pair), raw, public)
            }
            KeyKind::P256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
                let public = pair.public_key().as_der()?.as_ref().to_vec();
                (Pair::P256(pair), None, public)
            }
            KeyKind::Rsa1024 => {
                let text: String = WEAK_KEY.split_whitespace().collect();
                let raw = RawRsa::read(&STANDARD.decode(text).map_err(|_| Unspecified)?).ok_or(Unspecified)?;
                let public = rsa_public_key(&raw.modulus(), raw.public_exponent());
                (Pair::Raw, Some(raw), public)
            }
        };
        let mut key = Key { pair, raw, kind, public, certificate: Vec::new() };
        key.certificate = key.certify(name, now);
        Ok(key)
    }

    /// What this key signs with unless told otherwise.
    pub(crate) fn method(&self) -> SignatureMethod {
        match self.kind {
            KeyKind::Rsa2048 | KeyKind::Rsa1024 => SignatureMethod::RsaSha256,
            KeyKind::P256 => SignatureMethod::EcdsaSha256,
        }
    }

    /// The signature of a message. It is empty, which nobody accepts, if the key cannot sign so.
    pub(crate) fn sign(&self, method: SignatureMethod, message: &[u8]) -> Vec<u8> {
        let rsa = |encoding: &'static dyn RsaEncoding| match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                match pair.sign(encoding, &source(), message, &mut signature) {
                    Ok(()) => signature,
                    Err(Unspecified) => Vec::new(),
                }
            }
            Pair::P256(_) | Pair::Raw => Vec::new(),
        };
        match method {
            SignatureMethod::RsaSha1 => {
                self.sign_raw(SHA1_INFO, digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, message).as_ref())
            }
            SignatureMethod::RsaSha256 if matches!(self.pair, Pair::Raw) => {
                self.sign_raw(SHA256_INFO, digest::digest(&digest::SHA256, message).as_ref())
            }
            SignatureMethod::RsaSha256 => rsa(&RSA_PKCS1_SHA256),
            SignatureMethod::RsaSha384 => rsa(&RSA_PKCS1_SHA384),
            SignatureMethod::RsaSha512 => rsa(&RSA_PKCS1_SHA512),
            SignatureMethod::EcdsaSha256 => match &self.pair {
                Pair::P256(pair) => {
                    pair.sign(&source(), message).map(|made| made.as_ref().to_vec()).unwrap_or_default()
                }
                Pair::Rsa(_) | Pair::Raw => Vec::new(),
            },
        }
    }

    /// Whether it is a key of this kind.
    pub(crate) fn is(&self, kind: KeyKind) -> bool {
        self.kind == kind
    }

    /// The modulus of an RSA key, big-endian.
    pub(crate) fn modulus(&self) -> Vec<u8> {
        self.raw.as_ref().map(RawRsa::modulus).unwrap_or_default()
    }

    /// The certificate as base64, as XML carries it.
    pub(crate) fn certificate_text(&self) -> String {
        STANDARD.encode(&self.certificate)
    }

    fn sign_raw(&self, info: &[u8], hash: &[u8]) -> Vec<u8> {
        self.raw.as_ref().map(|raw| raw.sign(&[info, hash].concat())).unwrap_or_default()
    }

    fn certify(&self, name: &str, now: i64) -> Vec<u8> {
        let algorithm = match self.kind {
            KeyKind::Rsa2048 | KeyKind::Rsa1024 => SHA256_WITH_RSA,
            KeyKind::P256 => ECDSA_WITH_SHA256,
        };
        let begins = now - 86_400;
        let said = Certificate {
            name,
            public_key: &self.public,
            algorithm,
            not_before: begins,
            not_after: begins + CERTIFICATE_LIFE,
        };
        said.signed(|message| match self.kind {
            KeyKind::Rsa2048 | KeyKind::Rsa1024 => self.sign(SignatureMethod::RsaSha256, message),
            KeyKind::P256 => ecdsa(&self.sign(SignatureMethod::EcdsaSha256, message)),
        })
    }
}

/// The key that signs, the others that are published, and a foreign one for forgeries.
pub(crate) struct KeyRing {
    /// The one that signs.
    pub(crate) current: Arc<Key>,
    /// Published beside it: further keys and retired ones.
    pub(crate) others: Vec<Arc<Key>>,
    /// Never published; made at first use, for making it takes time that most tests need not spend.
    pub(crate) rogue: Arc<OnceLock<Arc<Key>>>,
}

impl KeyRing {
    /// Every published key, the signing one first.
    pub(crate) fn published(&self) -> Vec<Arc<Key>> {
        std::iter::once(&self.current).chain(&self.others).cloned().collect()
    }
}
