//! Key pairs that sign JSON Web Tokens (RFC 7515), with their public halves as JSON Web Keys (RFC 7517).
//!
//! A pair is parsed once and then signs as often as it is asked to. Its random numbers come from the library that makes
//! the signatures, which takes none from outside.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::hash::{base64url, sha256};

/// How a token is signed (RFC 7518 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits.
    Rs256,
}

impl Algorithm {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Es256, Self::Rs256];

    /// Its registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    /// The algorithm of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }
}

/// A key pair, ready to sign. It prints its kid only.
pub struct SigningKey {
    algorithm: Algorithm,
    kid: String,
    jwk: String,
    spki: Vec<u8>,
    pair: Pair,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

/// Why there is no key, or no signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// No key pair could be made.
    #[error("no key pair could be made")]
    Generation,
    /// What was stored is no key pair of this algorithm.
    #[error("what was stored is no key pair of its algorithm")]
    Form,
    /// The library did not sign.
    #[error("the token could not be signed")]
    Signature,
}

impl SigningKey {
    /// A fresh pair in the form in which it is stored (PKCS #8), to be sealed. Takes a tenth of a second for RSA.
    ///
    /// # Errors
    /// [`JoseError::Generation`].
    pub fn generate(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, JoseError> {
        let failed = |_| JoseError::Generation;
        let bytes = match algorithm {
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
                pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec()
            }
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
                der.as_ref().to_vec()
            }
        };
        Ok(Zeroizing::new(bytes))
    }

    /// Reads a stored pair.
    ///
    /// # Errors
    /// [`JoseError::Form`].
    pub fn read(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, JoseError> {
        let failed = |_| JoseError::Form;
        let (pair, members, spki) = match algorithm {
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map_err(failed)?;
                let members = ec_members(pair.public_key().as_ref()).ok_or(JoseError::Form)?;
                let spki = public(pair.public_key())?;
                (Pair::Ecdsa(pair), members, spki)
            }
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(failed)?;
                let members = rsa_members(pair.public_key().as_ref()).ok_or(JoseError::Form)?;
                let spki = public(pair.public_key())?;
                (Pair::Rsa(pair), members, spki)
            }
        };
        // RFC 7638 §3: the required members alone, in the order of their names, without blanks.
        let kid = base64url(&sha256(format!("{{{members}}}").as_bytes()));
        let jwk = format!(r#"{{{members},"use":"sig","alg":"{}","kid":"{kid}"}}"#, algorithm.as_str());
        Ok(Self { algorithm, kid, jwk, spki, pair })
    }

    /// How it signs.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The thumbprint of its public half (RFC 7638).
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Its public half as a JSON Web Key.
    #[must_use]
    pub fn jwk(&self) -> &str {
        &self.jwk
    }

    /// Its public half as certificates hold it: a `SubjectPublicKeyInfo` in DER (RFC 5280 §4.1.2.7).
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The name that registries before version 3 give it: of the SHA-256 of [`Self::spki`] 30 bytes in base 32 (RFC 4648 §6),
    /// in groups of four with `:` between.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digest = sha256(&self.spki);
        let groups = digest.chunks_exact(5).take(6).flat_map(|chunk| {
            let bits = chunk.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            [20, 0].map(|shift| (0..4).rev().map(|place| base32(bits >> (shift + 5 * place))).collect::<String>())
        });
        groups.collect::<Vec<_>>().join(":")
    }

    /// A token of this type, such as `at+jwt`, over a payload in JSON (RFC 7515 §3.1).
    ///
    /// # Errors
    /// [`JoseError::Signature`].
    pub fn token(&self, typ: &str, payload: &str) -> Result<String, JoseError> {
        self.token_as(typ, (&self.kid, None), payload)
    }

    /// The same with this name of the key in its header, and with the key's certificate in DER (RFC 7515 §4.1.6), if it is
    /// to have one.
    ///
    /// # Errors
    /// [`JoseError::Signature`].
    pub fn token_as(
        &self,
        typ: &str,
        (kid, certificate): (&str, Option<&[u8]>),
        payload: &str,
    ) -> Result<String, JoseError> {
        let chain = certificate.map(|der| format!(r#","x5c":["{}"]"#, STANDARD.encode(der))).unwrap_or_default();
        let header = format!(r#"{{"alg":"{}","typ":"{typ}","kid":"{kid}"{chain}}}"#, self.algorithm.as_str());
        let mut text = format!("{}.{}", base64url(header.as_bytes()), base64url(payload.as_bytes()));
        let signature = self.sign(text.as_bytes())?;
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut text);
        Ok(text)
    }

    /// The payload of a token that this very key has signed; whether it still holds, the caller asks.
    #[must_use]
    pub fn payload(&self, token: &str) -> Option<Vec<u8>> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let verified = match &self.pair {
            Pair::Ecdsa(pair) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref())
                .verify(signed.as_bytes(), &signature),
            Pair::Rsa(pair) => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())
                .verify(signed.as_bytes(), &signature),
        };
        verified.ok()?;
        payload(token)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, JoseError> {
        #[expect(clippy::disallowed_methods, reason = "the library demands a source, and draws from its own")]
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => {
                let signature = pair.sign(&random, message).map_err(|_| JoseError::Signature)?;
                Ok(signature.as_ref().to_vec())
            }
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(|_| JoseError::Signature)?;
                Ok(signature)
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {})", self.algorithm.as_str(), self.kid)
    }
}

/// What a token says, whoever has signed it: to find the row that it belongs to, never to believe it.
#[must_use]
pub fn payload(token: &str) -> Option<Vec<u8>> {
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    URL_SAFE_NO_PAD.decode(payload).ok()
}

/// A public key as certificates hold it.
pub(crate) fn public(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Result<Vec<u8>, JoseError> {
    key.as_der().map(|der| der.as_ref().to_vec()).map_err(|_| JoseError::Form)
}

/// The character of the lowest five bits (RFC 4648 §6).
fn base32(bits: u64) -> char {
    let digit = usize::try_from(bits & 31).unwrap_or_default();
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".chars().nth(digit).unwrap_or_default()
}

/// `crv`, `kty`, `x` and `y` of an uncompressed point (SEC 1 §2.3.3).
fn ec_members(point: &[u8]) -> Option<String> {
    let (4, rest) = point.split_first().map(|(first, rest)| (*first, rest))? else { return None };
    let (x, y) = rest.split_at_checked(32)?;
    (y.len() == 32).then(|| format!(r#""crv":"P-256","kty":"EC","x":"{}","y":"{}""#, base64url(x), base64url(y)))
}

/// `e`, `kty` and `n` of an `RSAPublicKey` (RFC 8017 §A.1.1).
fn rsa_members(der: &[u8]) -> Option<String> {
    let (sequence, []) = element(0x30, der)? else { return None };
    let (modulus, rest) = element(0x02, sequence)?;
    let (exponent, []) = element(0x02, rest)? else { return None };
    let plain = |number: &[u8]| base64url(number.strip_prefix(&[0]).unwrap_or(number));
    Some(format!(r#""e":"{}","kty":"RSA","n":"{}""#, plain(exponent), plain(modulus)))
}

/// The content of the element with which `der` begins, and what follows it (X.690 §8.1).
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        // The long form: so many bytes of length follow.
        _ => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))?, rest)
        }
    };
    (*found == tag).then(|| rest.split_at_checked(length))?
}

#[cfg(test)]
mod tests;
