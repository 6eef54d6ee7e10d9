//! Signing keys of the provider and the set it publishes.

use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::chance::source;

/// How ID tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256 and 2048 bits, what most providers use.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

impl Algorithm {
    /// The name in `alg` (RFC 7518 §3.1).
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Es256 => "ES256",
        }
    }
}

/// What a rotation does with the keys that signed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldKeys {
    /// They stay in the published set, as in a planned rotation.
    Published,
    /// They vanish from it at once, as after a theft.
    Dropped,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

/// A key pair with its name.
pub(crate) struct Key {
    pair: Pair,
    pub(crate) algorithm: Algorithm,
    /// The RFC 7638 thumbprint.
    pub(crate) kid: String,
}

impl Key {
    pub(crate) fn generate(algorithm: Algorithm) -> Result<Key, Unspecified> {
        let pair = match algorithm {
            Algorithm::Rs256 => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048)?),
            Algorithm::Es256 => Pair::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?),
        };
        let kid = thumbprint(&pair);
        Ok(Key { pair, algorithm, kid })
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let random = source();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
            Pair::P256(pair) => Ok(pair.sign(&random, message)?.as_ref().to_vec()),
        }
    }

    /// The public half as published (RFC 7517).
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = required_members(&self.pair);
        if let Some(members) = jwk.as_object_mut() {
            members.insert("kid".to_owned(), json!(self.kid));
            members.insert("alg".to_owned(), json!(self.algorithm.name()));
            members.insert("use".to_owned(), json!("sig"));
        }
        jwk
    }

    /// The public half as PEM, the text that HS256-with-public-key attacks use as their secret.
    pub(crate) fn pem(&self) -> Result<String, Unspecified> {
        let der = match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_der()?,
            Pair::P256(pair) => pair.public_key().as_der()?,
        };
        let mut pem = "-----BEGIN PUBLIC KEY-----\n".to_owned();
        for line in STANDARD.encode(der.as_ref()).as_bytes().chunks(64) {
            pem.push_str(&String::from_utf8_lossy(line));
            pem.push('\n');
        }
        pem.push_str("-----END PUBLIC KEY-----\n");
        Ok(pem)
    }
}

/// The key that signs, the ones that are still published, and a foreign one for forgeries.
pub(crate) struct KeyRing {
    pub(crate) current: Key,
    retired: Vec<Value>,
    rogue: Option<Key>,
}

impl KeyRing {
    pub(crate) fn new(current: Key) -> KeyRing {
        KeyRing { current, retired: Vec::new(), rogue: None }
    }

    pub(crate) fn rotate(&mut self, next: Key, old: OldKeys) {
        match old {
            OldKeys::Published => self.retired.push(self.current.jwk()),
            OldKeys::Dropped => self.retired.clear(),
        }
        self.current = next;
        self.rogue = None;
    }

    /// Every published key, the signing one first.
    pub(crate) fn published(&self) -> Vec<Value> {
        std::iter::once(self.current.jwk()).chain(self.retired.iter().cloned()).collect()
    }

    /// The foreign key; made at first use, for making RSA keys takes time that most tests need not spend.
    pub(crate) fn rogue(&mut self) -> Result<&Key, Unspecified> {
        let rogue = match self.rogue.take() {
            Some(rogue) => rogue,
            None => Key::generate(self.current.algorithm)?,
        };
        Ok(self.rogue.insert(rogue))
    }
}

/// The members of which RFC 7638 §3.2 makes the thumbprint, in its order.
fn required_members(pair: &Pair) -> Value {
    match pair {
        Pair::Rsa(pair) => {
            let public = pair.public_key();
            json!({
                "e": URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
                "kty": "RSA",
                "n": URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
            })
        }
        Pair::P256(pair) => {
            // An uncompressed point (SEC 1 §2.3.3): 0x04, 32 bytes of x, 32 bytes of y.
            let point = pair.public_key().as_ref();
            json!({
                "crv": "P-256",
                "kty": "EC",
                "x": URL_SAFE_NO_PAD.encode(point.get(1..33).unwrap_or_default()),
                "y": URL_SAFE_NO_PAD.encode(point.get(33..65).unwrap_or_default()),
            })
        }
    }
}

/// `serde_json` writes no blanks, which is the form that RFC 7638 §3.3 hashes.
fn thumbprint(pair: &Pair) -> String {
    let canonical = required_members(pair).to_string();
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
}
