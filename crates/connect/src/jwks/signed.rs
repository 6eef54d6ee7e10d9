//! Tokens that somebody signed with a key of a set, whatever they say.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::JsonWebKey as _;
use openidconnect::core::CoreJwsSigningAlgorithm as Algorithm;
use serde_json::{Map, Value};

use super::KeySet;

/// What is accepted: neither `none` nor a MAC (RFC 8725 §3.1).
const ALGORITHMS: [(&str, Algorithm); 5] = [
    ("RS256", Algorithm::RsaSsaPkcs1V15Sha256),
    ("PS256", Algorithm::RsaSsaPssSha256),
    ("ES256", Algorithm::EcdsaP256Sha256),
    ("ES384", Algorithm::EcdsaP384Sha384),
    ("EdDSA", Algorithm::EdDsa),
];

/// The names of [`ALGORITHMS`], as metadata lists them.
pub const ALGORITHM_NAMES: [&str; 5] = ["RS256", "PS256", "ES256", "ES384", "EdDSA"];

/// A token as it stands there; nothing of it is proven.
pub struct Unproven<'a> {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Unproven<'a> {
    /// Takes a compact token apart (RFC 7515 §7.1).
    #[must_use]
    pub fn read(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let part = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Self { header: part(header)?, claims: part(claims)?, signed, signature })
    }

    /// The type that the header names.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.header.get("typ").and_then(Value::as_str)
    }

    /// How the header says that it is signed.
    #[must_use]
    pub fn algorithm(&self) -> Option<&str> {
        self.header.get("alg").and_then(Value::as_str)
    }

    /// The key that the header names.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.header.get("kid").and_then(Value::as_str)
    }

    /// What it says.
    #[must_use]
    pub const fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// Whether a key of this set signed it: the one that the header names, or any if it names none.
    #[must_use]
    pub fn is_signed_by(&self, set: &KeySet) -> bool {
        // We know no extension, so none can be honoured (RFC 7515 §4.1.11).
        if self.header.contains_key("crit") || self.header.contains_key("b64") {
            return false;
        }
        let Some((_, algorithm)) = ALGORITHMS.iter().find(|(known, _)| Some(*known) == self.algorithm()) else {
            return false;
        };
        let keys = set.verifying();
        keys.keys().iter().any(|key| {
            let meant = self.kid().is_none_or(|kid| key.key_id().is_some_and(|known| known.as_str() == kid));
            let fits = match key.signing_alg() {
                openidconnect::JsonWebKeyAlgorithm::Algorithm(only) => only == algorithm,
                openidconnect::JsonWebKeyAlgorithm::Unspecified => true,
                openidconnect::JsonWebKeyAlgorithm::Unsupported => false,
            };
            meant && fits && key.verify_signature(algorithm, self.signed.as_bytes(), &self.signature).is_ok()
        })
    }
}
