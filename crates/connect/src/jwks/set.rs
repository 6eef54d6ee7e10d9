//! A key set as it is taken in: public signing keys of the kinds that we verify with, nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::{JsonWebKey as _, JsonWebKeySet};
use serde_json::{Map, Value, json};

use super::JwksError;
use super::key::VerifyingKey;

/// The most entries of a set.
const MOST: usize = 100;
/// The least bits of an RSA modulus (RFC 7518 §3.3), and the most that our verifier takes.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// The members that a public key needs; the others are left behind.
const MEMBERS: [&str; 9] = ["kty", "use", "kid", "alg", "n", "e", "crv", "x", "y"];
/// The members that only a private or symmetric key has (RFC 7518 §6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The public signing keys of one provider.
#[derive(Debug, PartialEq, Eq)]
pub struct KeySet {
    keys: Vec<Map<String, Value>>,
    verifying: Vec<VerifyingKey>,
}

impl KeySet {
    /// Reads a JWK set (RFC 7517 §5). Entries of unknown kinds are left out, as §5 wants; so are symmetric keys,
    /// weak ones, and keys whose private half was published with them, because anybody may sign with those.
    ///
    /// # Errors
    /// It is no JWK set, or one of more than 100 entries.
    pub fn read(body: &[u8]) -> Result<Self, JwksError> {
        let document: Value = serde_json::from_slice(body).map_err(|_| JwksError::Unreadable)?;
        let entries = document.get("keys").and_then(Value::as_array).ok_or(JwksError::Unreadable)?;
        if entries.len() > MOST {
            return Err(JwksError::TooMany);
        }
        let keys: Vec<_> = entries.iter().filter_map(Value::as_object).filter(|key| is_good(key)).map(public).collect();
        let verifying = keys.iter().filter_map(|key| verifying(key.clone())).collect();
        Ok(Self { keys, verifying })
    }

    /// How many keys of it verify something.
    #[must_use]
    pub fn count(&self) -> usize {
        self.verifying.len()
    }

    /// Whether a key has this id.
    #[must_use]
    pub fn has(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.get("kid").and_then(Value::as_str) == Some(kid))
    }

    /// The set as JSON, for whoever verifies other tokens of this provider.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({ "keys": self.keys })
    }

    pub(crate) fn verifying(&self) -> JsonWebKeySet<VerifyingKey> {
        JsonWebKeySet::new(self.verifying.clone())
    }
}

fn verifying(key: Map<String, Value>) -> Option<VerifyingKey> {
    let key = VerifyingKey::try_from(key).ok()?;
    // A key for encryption must not even make another one ambiguous.
    key.key_use().is_none_or(openidconnect::JsonWebKeyUse::allows_signature).then_some(key)
}

fn public(key: &Map<String, Value>) -> Map<String, Value> {
    key.iter().filter(|(name, _)| MEMBERS.contains(&name.as_str())).map(|(n, v)| (n.clone(), v.clone())).collect()
}

fn is_good(key: &Map<String, Value>) -> bool {
    if PRIVATE.iter().any(|name| key.contains_key(*name)) {
        return false;
    }
    let member = |name| key.get(name).and_then(Value::as_str).unwrap_or_default();
    match (member("kty"), member("crv")) {
        ("RSA", _) => bits(member("n")).is_some_and(|bits| RSA_BITS.contains(&bits)),
        ("EC", "P-256" | "P-384") | ("OKP", "Ed25519") => true,
        _ => false,
    }
}

/// The length of a number in base64url, leading zeros not counted.
fn bits(number: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(number).ok()?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let first = bytes.get(zeros)?;
    let spare = usize::try_from(first.leading_zeros()).ok()?;
    bytes.len().checked_sub(zeros)?.checked_mul(8)?.checked_sub(spare)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rsa(kid: &str, bytes: usize) -> Value {
        json!({"kty": "RSA", "kid": kid, "n": URL_SAFE_NO_PAD.encode(vec![0xc5; bytes]), "e": "AQAB"})
    }

    fn ec(kid: &str) -> Value {
        let number = URL_SAFE_NO_PAD.encode([7; 32]);
        json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": number, "y": number, "x5c": ["…"]})
    }

    fn with(mut key: Value, name: &str, value: &str) -> Value {
        key[name] = json!(value);
        key
    }

    fn read(keys: &[Value]) -> Result<KeySet, JwksError> {
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes())
    }

    #[test]
    fn public_signing_keys_are_taken_and_cut_to_their_public_members() {
        let okp = json!({"kty": "OKP", "crv": "Ed25519", "kid": "c", "x": URL_SAFE_NO_PAD.encode([1; 32])});
        let set = read(&[rsa("a", 256), ec("b"), okp]).unwrap();
        assert!(set.has("a") && set.has("b") && set.has("c") && !set.has("d"));
        assert_eq!(set.verifying().keys().len(), 3);
        assert!(set.to_json()["keys"][1].get("x5c").is_none());
    }

    #[test]
    fn whatever_else_is_in_a_set_is_left_out() {
        let bad = [
            json!("text"),
            json!({}),
            json!({"kty": "AKP", "alg": "ML-DSA-44", "kid": "x"}),
            json!({"kty": "oct", "k": "c2VjcmV0", "kid": "x"}),
            json!({"kty": "EC", "crv": "P-521", "kid": "x"}),
            json!({"kty": "RSA", "kid": "x", "n": "not base64!", "e": "AQAB"}),
            rsa("x", 128),
            rsa("x", 1024),
            with(rsa("x", 256), "d", "AQ"),
            with(ec("x"), "d", "AQ"),
            with(ec("x"), "k", "AQ"),
        ];
        let set = read(&[&bad[..], &[rsa("good", 256)]].concat()).unwrap();
        assert_eq!(set.to_json()["keys"].as_array().unwrap().len(), 1);
        assert!(set.has("good") && !set.has("x"));
    }

    #[test]
    fn leading_zeros_do_not_make_a_key_strong() {
        let mut modulus = vec![0; 200];
        modulus.extend([0xff; 100]);
        assert_eq!(bits(&URL_SAFE_NO_PAD.encode(&modulus)), Some(800));
        assert_eq!(bits(&URL_SAFE_NO_PAD.encode([0, 0])), None);
        assert_eq!(bits(&URL_SAFE_NO_PAD.encode([0x01; 256])), Some(2041));
    }

    #[test]
    fn a_key_for_encryption_does_not_verify() {
        let set = read(&[with(rsa("a", 256), "use", "enc"), with(rsa("b", 256), "use", "sig")]).unwrap();
        assert_eq!(set.verifying().keys().len(), 1);
    }

    #[test]
    fn what_is_no_set_or_a_flood_is_refused() {
        assert_eq!(KeySet::read(b"<html>"), Err(JwksError::Unreadable));
        assert_eq!(KeySet::read(b"[]"), Err(JwksError::Unreadable));
        assert_eq!(KeySet::read(br#"{"keys": {}}"#), Err(JwksError::Unreadable));
        assert_eq!(read(&vec![json!({}); 101]), Err(JwksError::TooMany));
        assert_eq!(read(&vec![json!({}); 100]).unwrap().to_json(), json!({"keys": []}));
    }
}
