//! A provider's public key as the library's verifier wants it, with the signature itself checked by aws-lc.
//!
//! | `kty`, `crv` | verifies |
//! |---|---|
//! | `RSA` | RS256, PS256 |
//! | `EC`, P-256 | ES256 |
//! | `EC`, P-384 | ES384 |
//! | `OKP`, Ed25519 | EdDSA |
//!
//! The library's own key reads its numbers anew for each signature; checking an RSA one was a fifth of a whole sign-in.

use std::sync::Arc;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{
    CoreJsonWebKey, CoreJsonWebKeyType, CoreJsonWebKeyUse, CoreJwsSigningAlgorithm as Algorithm,
};
use openidconnect::{JsonWebKey, JsonWebKeyAlgorithm, JsonWebKeyId, SignatureVerificationError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A key; clones share it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "Map<String, Value>", into = "CoreJsonWebKey")]
pub(crate) struct VerifyingKey(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    /// What is said about the key; by it the library chooses one.
    said: CoreJsonWebKey,
    /// The key itself, for each algorithm that it may verify; none if its numbers are no key.
    ready: Vec<(Algorithm, ParsedPublicKey)>,
}

impl TryFrom<Map<String, Value>> for VerifyingKey {
    type Error = serde_json::Error;

    fn try_from(jwk: Map<String, Value>) -> Result<Self, Self::Error> {
        let ready = ready(&jwk).unwrap_or_default();
        Ok(Self(Arc::new(Parts { said: serde_json::from_value(Value::Object(jwk))?, ready })))
    }
}

impl From<VerifyingKey> for CoreJsonWebKey {
    fn from(key: VerifyingKey) -> Self {
        key.0.said.clone()
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.said == other.0.said
    }
}

impl Eq for VerifyingKey {}

impl JsonWebKey for VerifyingKey {
    type KeyUse = CoreJsonWebKeyUse;
    type SigningAlgorithm = Algorithm;

    fn key_id(&self) -> Option<&JsonWebKeyId> {
        self.0.said.key_id()
    }

    fn key_type(&self) -> &CoreJsonWebKeyType {
        self.0.said.key_type()
    }

    fn key_use(&self) -> Option<&CoreJsonWebKeyUse> {
        self.0.said.key_use()
    }

    fn signing_alg(&self) -> JsonWebKeyAlgorithm<&Algorithm> {
        self.0.said.signing_alg()
    }

    /// A key of a MAC verifies nothing here: it is known to more than the signer.
    fn new_symmetric(key: Vec<u8>) -> Self {
        Self(Arc::new(Parts { said: CoreJsonWebKey::new_symmetric(key), ready: Vec::new() }))
    }

    fn verify_signature(
        &self,
        algorithm: &Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureVerificationError> {
        // The key says which algorithms it is for, not the token (RFC 8725 §3.1).
        let key = self.0.ready.iter().find(|(good, _)| good == algorithm).map(|(_, key)| key);
        let key = key.ok_or_else(|| SignatureVerificationError::InvalidKey("not a key for this".to_owned()))?;
        let bad = |_| SignatureVerificationError::CryptoError("bad signature".to_owned());
        key.verify_sig(message, signature).map_err(bad)
    }

    fn hash_bytes(&self, bytes: &[u8], algorithm: &Algorithm) -> Result<Vec<u8>, String> {
        self.0.said.hash_bytes(bytes, algorithm)
    }
}

/// The key of a JWK for what it may verify; nothing if it is not whole.
fn ready(jwk: &Map<String, Value>) -> Option<Vec<(Algorithm, ParsedPublicKey)>> {
    let text = |name| jwk.get(name).and_then(Value::as_str);
    let number = |name| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    // Coordinates have the length of their curve, leading zeros counted (RFC 7518 §6.2.1.2, RFC 8037 §2).
    let coordinate = |name, length| number(name).filter(|bytes| bytes.len() == length);
    let point = |length| Some([vec![UNCOMPRESSED], coordinate("x", length)?, coordinate("y", length)?].concat());
    match (text("kty")?, text("crv")) {
        ("RSA", _) => rsa(&number("n")?, &number("e")?),
        ("EC", Some("P-256")) => one(Algorithm::EcdsaP256Sha256, &ECDSA_P256_SHA256_FIXED, &point(32)?),
        ("EC", Some("P-384")) => one(Algorithm::EcdsaP384Sha384, &ECDSA_P384_SHA384_FIXED, &point(48)?),
        ("OKP", Some("Ed25519")) => one(Algorithm::EdDsa, &ED25519, &coordinate("x", 32)?),
        _ => None,
    }
}

/// The first byte of a point of which both coordinates follow (SEC 1 §2.3.3).
const UNCOMPRESSED: u8 = 4;

fn one(
    algorithm: Algorithm,
    how: &'static dyn VerificationAlgorithm,
    key: &[u8],
) -> Option<Vec<(Algorithm, ParsedPublicKey)>> {
    Some(vec![(algorithm, ParsedPublicKey::new(how, key).ok()?)])
}

/// An RSA key serves both paddings, unless its `alg` names one, which the library heeds.
fn rsa(n: &[u8], e: &[u8]) -> Option<Vec<(Algorithm, ParsedPublicKey)>> {
    let key = RsaPublicKeyComponents { n: without_zeros(n), e: without_zeros(e) };
    let pkcs1 = key.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()?;
    let pss = key.to_parsed_public_key(&RSA_PSS_2048_8192_SHA256).ok()?;
    Some(vec![(Algorithm::RsaSsaPkcs1V15Sha256, pkcs1), (Algorithm::RsaSsaPssSha256, pss)])
}

/// Some providers put zeros before a number, though RFC 7518 §2 forbids it.
fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests;
