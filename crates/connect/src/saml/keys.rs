//! Our own keys for one connection, ready to sign and decrypt with.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;

use super::error::SamlError;

/// Our keys and certificates for one connection.
pub struct SpKeys {
    signing: KeyPair,
    decryption: Vec<OaepPrivateDecryptingKey>,
    /// Every certificate that our signatures may be checked with, DER: the next, the current and the retired ones.
    pub signing_certificates: Vec<Vec<u8>>,
    /// The certificate that assertions are to be encrypted for, DER.
    pub encryption_certificate: Vec<u8>,
}

impl std::fmt::Debug for SpKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SpKeys")
    }
}

impl SpKeys {
    /// Keys from PKCS #8 (RSA, 2,048 to 8,192 bits). `decryption` has the newest first.
    ///
    /// # Errors
    /// One of the keys is none, or too short.
    pub fn read(
        signing: &[u8],
        decryption: &[&[u8]],
        signing_certificates: Vec<Vec<u8>>,
        encryption_certificate: Vec<u8>,
    ) -> Result<Self, SamlError> {
        let signing = KeyPair::from_pkcs8(signing).map_err(|_| SamlError::OwnKey)?;
        let mut keys = Vec::with_capacity(decryption.len());
        for pkcs8 in decryption {
            let key = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| SamlError::OwnKey)?;
            keys.push(OaepPrivateDecryptingKey::new(key).map_err(|_| SamlError::OwnKey)?);
        }
        Ok(Self { signing, decryption: keys, signing_certificates, encryption_certificate })
    }

    /// The keys to try, the newest first.
    pub(super) fn decryption(&self) -> &[OaepPrivateDecryptingKey] {
        &self.decryption
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256, which every provider knows.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SamlError> {
        let mut signature = vec![0; self.signing.public_modulus_len()];
        let signed = self.signing.sign(&RSA_PKCS1_SHA256, &source(), message, &mut signature);
        signed.map_err(|_| SamlError::OwnKey)?;
        Ok(signature)
    }
}

#[expect(clippy::disallowed_methods, reason = "aws-lc-rs signs with its own source only")]
fn source() -> SystemRandom {
    SystemRandom::new()
}
