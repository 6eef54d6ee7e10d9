//! Certificates (RFC 5280): an authority of our own, what it says of keys that sign, and what keys say of themselves.
//!
//! ```text
//! authority   CN=…, signed by itself    CA, certificates only, path length 0
//! key         CN=…, signed by it        digital signatures only
//! lone key    CN=…, signed by itself    digital signatures or key encipherment only
//! ```
//! Registries verify tokens by the chain that a token carries, up to the authority, which they are given once. So keys may
//! take their turns, and no registry has to be told.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cardea_model::{Random, Timestamp};

use crate::hash::sha256;
use crate::jose::{Algorithm, JoseError, SigningKey, public};

/// An authority, ready to sign. It has no `Debug`: there is nothing to see but its private half.
pub struct Authority {
    pair: EcdsaKeyPair,
    name: String,
    certificate: Vec<u8>,
}

/// From when until when a certificate is good.
pub type Span = (Timestamp, Timestamp);

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const UTF8_STRING: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

// Object identifiers, whole: tag, length, content.
const ECDSA_WITH_SHA256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
// With the parameters that RFC 4055 §5 demands: NULL.
const RSA_WITH_SHA256: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00];
const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];
const BASIC_CONSTRAINTS: &[u8] = &[0x06, 0x03, 0x55, 0x1d, 0x13];
const KEY_USAGE: &[u8] = &[0x06, 0x03, 0x55, 0x1d, 0x0f];
const SUBJECT_KEY_ID: &[u8] = &[0x06, 0x03, 0x55, 0x1d, 0x0e];
const AUTHORITY_KEY_ID: &[u8] = &[0x06, 0x03, 0x55, 0x1d, 0x23];

const CRITICAL: &[u8] = &[0x01, 0x01, 0xff];
/// `cA` is true, `pathLenConstraint` is 0 (RFC 5280 §4.2.1.9).
const IS_AUTHORITY: &[u8] = &[0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0x00];
/// Bit 5, `keyCertSign`, and bit 0, `digitalSignature` (RFC 5280 §4.2.1.3).
const SIGNS_CERTIFICATES: &[u8] = &[0x03, 0x02, 0x02, 0x04];
const SIGNS: &[u8] = &[0x03, 0x02, 0x07, 0x80];
/// Bit 2, `keyEncipherment`.
const ENCIPHERS_KEYS: &[u8] = &[0x03, 0x02, 0x05, 0x20];

impl Authority {
    /// Signs a certificate of itself for a stored pair on P-256 (PKCS #8), as [`SigningKey::generate`] makes them.
    ///
    /// # Errors
    /// [`JoseError::Form`] and [`JoseError::Signature`].
    pub fn found(pkcs8: &[u8], name: &str, span: Span, random: &dyn Random) -> Result<Self, JoseError> {
        let mut authority = Self::read(pkcs8, name, Vec::new())?;
        let spki = public(authority.pair.public_key())?;
        let own = element(OCTET_STRING, &authority.key_id());
        let extensions = [
            extension(BASIC_CONSTRAINTS, CRITICAL, IS_AUTHORITY),
            extension(KEY_USAGE, CRITICAL, SIGNS_CERTIFICATES),
            extension(SUBJECT_KEY_ID, &[], &own),
        ];
        authority.certificate = authority.sign((name, &spki, span), &extensions.concat(), random)?;
        Ok(authority)
    }

    /// Reads a stored pair and its certificate, which was signed under this name.
    ///
    /// # Errors
    /// [`JoseError::Form`].
    pub fn read(pkcs8: &[u8], name: &str, certificate: Vec<u8>) -> Result<Self, JoseError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8).map_err(|_| JoseError::Form)?;
        Ok(Self { pair, name: name.to_owned(), certificate })
    }

    /// Its own certificate, in DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// A certificate of a key that signs, in DER.
    ///
    /// # Errors
    /// [`JoseError::Signature`].
    pub fn certify(&self, key: &SigningKey, span: Span, random: &dyn Random) -> Result<Vec<u8>, JoseError> {
        // `keyIdentifier` alone, [0] (RFC 5280 §4.2.1.1).
        let by = element(SEQUENCE, &element(0x80, &self.key_id()));
        let extensions = [extension(KEY_USAGE, CRITICAL, SIGNS), extension(AUTHORITY_KEY_ID, &[], &by)];
        self.sign((key.kid(), key.spki(), span), &extensions.concat(), random)
    }

    /// RFC 7093 §2, method 1.
    fn key_id(&self) -> Vec<u8> {
        sha256(self.pair.public_key().as_ref()).into_iter().take(20).collect()
    }

    fn sign(&self, about: About<'_>, extensions: &[u8], random: &dyn Random) -> Result<Vec<u8>, JoseError> {
        let sign = |tbs: &[u8]| {
            #[expect(clippy::disallowed_methods, reason = "the library demands a source, and draws from its own")]
            let source = SystemRandom::new();
            self.pair.sign(&source, tbs).map(|signature| signature.as_ref().to_vec()).map_err(|_| JoseError::Signature)
        };
        certificate(&self.name, about, extensions, random, (ECDSA_WITH_SHA256, &sign))
    }
}

/// What the holder of a key that vouches for itself does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Signs messages.
    Signing,
    /// Opens what others encrypt for them.
    Encryption,
}

/// A certificate that an RSA key signs of itself, in DER: for those who compare keys and know no authority.
///
/// # Errors
/// [`JoseError::Form`] for any other key, and [`JoseError::Signature`].
pub fn of_itself(
    key: &SigningKey,
    name: &str,
    (usage, span): (Use, Span),
    random: &dyn Random,
) -> Result<Vec<u8>, JoseError> {
    // The signature of the other kind has another form in certificates than in tokens.
    if key.algorithm() != Algorithm::Rs256 {
        return Err(JoseError::Form);
    }
    let usage = match usage {
        Use::Signing => SIGNS,
        Use::Encryption => ENCIPHERS_KEYS,
    };
    let (about, usage) = ((name, key.spki(), span), extension(KEY_USAGE, CRITICAL, usage));
    certificate(name, about, &usage, random, (RSA_WITH_SHA256, &|tbs| key.sign(tbs)))
}

/// Whom a certificate is about: the name, the key, and from when until when.
type About<'a> = (&'a str, &'a [u8], Span);
type Sign<'a> = &'a dyn Fn(&[u8]) -> Result<Vec<u8>, JoseError>;

/// RFC 5280 §4.1.
fn certificate(
    issuer: &str,
    (subject, spki, (from, until)): About<'_>,
    extensions: &[u8],
    random: &dyn Random,
    (algorithm, sign): (&[u8], Sign<'_>),
) -> Result<Vec<u8>, JoseError> {
    let algorithm = element(SEQUENCE, algorithm);
    let tbs = [
        // Version 3.
        &element(0xa0, &[INTEGER, 1, 2])[..],
        &element(INTEGER, &serial(random)),
        &algorithm,
        &common_name(issuer),
        &element(SEQUENCE, &[time(from), time(until)].concat()),
        &common_name(subject),
        spki,
        &element(0xa3, &element(SEQUENCE, extensions)),
    ];
    let tbs = element(SEQUENCE, &tbs.concat());
    // No bit of the last byte is unused.
    let signature = element(BIT_STRING, &[&[0][..], &sign(&tbs)?].concat());
    Ok(element(SEQUENCE, &[tbs, algorithm, signature].concat()))
}

/// A certificate as text (RFC 7468 §5).
#[must_use]
pub fn pem(der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let mut rest = encoded.as_str();
    while let Some((line, more)) = rest.split_at_checked(64) {
        text.extend([line, "\n"]);
        rest = more;
    }
    if !rest.is_empty() {
        text.extend([rest, "\n"]);
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}

/// An element and its length (X.690 §8.1).
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut der = vec![tag];
    match significant.as_slice() {
        [] => der.push(0),
        [short] if *short < 0x80 => der.push(*short),
        // The long form: how many bytes of length follow.
        long => {
            der.push(0x80 | u8::try_from(long.len()).unwrap_or_default());
            der.extend_from_slice(long);
        }
    }
    der.extend_from_slice(content);
    der
}

fn extension(id: &[u8], critical: &[u8], value: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[id, critical, &element(OCTET_STRING, value)].concat())
}

fn common_name(name: &str) -> Vec<u8> {
    let attribute = [COMMON_NAME, &element(UTF8_STRING, name.as_bytes())].concat();
    element(SEQUENCE, &element(SET, &element(SEQUENCE, &attribute)))
}

/// A number that nobody can guess, positive and without a leading zero (RFC 5280 §4.1.2.2).
fn serial(random: &dyn Random) -> [u8; 16] {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    let [first, ..] = &mut bytes;
    *first = *first & 0x7f | 0x40;
    bytes
}

/// RFC 5280 §4.1.2.5: with two digits of the year through 2049, and with four from then on.
fn time(instant: Timestamp) -> Vec<u8> {
    let whole = Timestamp::from_seconds(instant.as_seconds()).to_string();
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    match digits.strip_prefix("20") {
        Some(short) if digits.as_str() < "2050" => element(UTC_TIME, format!("{short}Z").as_bytes()),
        Some(_) | None => element(GENERALIZED_TIME, format!("{digits}Z").as_bytes()),
    }
}

#[cfg(test)]
mod tests;
