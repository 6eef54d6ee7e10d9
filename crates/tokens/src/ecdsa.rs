//! Signatures of others by ECDSA on P-256 with SHA-256, in DER and base 64, as webhooks carry them.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How the DER of every P-256 public key begins (RFC 5480 §2); its uncompressed point follows.
const HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const POINT: usize = 65;

/// Somebody's public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(Vec<u8>);

impl PublicKey {
    /// Reads a key in PEM (RFC 7468 §13); nothing for any other curve or form.
    #[must_use]
    pub fn from_pem(text: &str) -> Option<Self> {
        let body = text.trim().strip_prefix("-----BEGIN PUBLIC KEY-----")?.strip_suffix("-----END PUBLIC KEY-----")?;
        let body: String = body.split_ascii_whitespace().collect();
        let der = STANDARD.decode(body).ok()?;
        let point = der.strip_prefix(&HEAD)?;
        (point.len() == POINT).then(|| Self(point.to_vec()))
    }

    /// Whether this key made the signature, in base 64, over exactly these bytes.
    #[must_use]
    pub fn signed(&self, message: &[u8], signature: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.0).verify(message, &signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

    use super::*;

    fn pem(der: &[u8]) -> String {
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
    }

    #[expect(clippy::disallowed_methods, reason = "the library wants a source of its own to sign")]
    fn random() -> SystemRandom {
        SystemRandom::new()
    }

    #[test]
    fn only_the_key_s_own_signature_over_the_same_bytes_holds() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let other = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let read =
            |pair: &EcdsaKeyPair| PublicKey::from_pem(&pem(&[&HEAD[..], pair.public_key().as_ref()].concat())).unwrap();
        let signature = STANDARD.encode(pair.sign(&random(), b"[ ]").unwrap());
        assert!(read(&pair).signed(b"[ ]", &signature));
        assert!(!read(&pair).signed(b"[]", &signature));
        assert!(!read(&other).signed(b"[ ]", &signature));
        assert!(!read(&pair).signed(b"[ ]", "") && !read(&pair).signed(b"[ ]", "not base 64"));
    }

    #[test]
    fn what_is_no_key_on_this_curve_is_none() {
        let key = [&HEAD[..], &[4; POINT]].concat();
        assert!(PublicKey::from_pem(&pem(&key)).is_some());
        let mut other_curve = key.clone();
        other_curve[22] = 0x22;
        for wrong in [pem(&other_curve), pem(&key[..90]), pem(&[]), "-----BEGIN PUBLIC KEY-----".into(), String::new()]
        {
            assert_eq!(PublicKey::from_pem(&wrong), None, "{wrong}");
        }
    }
}
