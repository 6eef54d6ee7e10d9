//! A provider's certificate, of which only the key counts: it was trusted when an admin brought it, whoever signed it.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaParameters,
    VerificationAlgorithm,
};
use cardea_model::Timestamp;
use der::asn1::{AnyRef, BitStringRef, GeneralizedTime, UtcTime};
use der::{Decode as _, Reader, SliceReader, Tag, Tagged as _};

use super::error::SamlError;
use super::metadata_error::MetadataError;
use super::names;

/// How something may be signed. What is not here is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    RsaSha256,
    RsaSha384,
    RsaSha512,
    EcdsaSha256,
    EcdsaSha384,
    EcdsaSha512,
}

impl Method {
    /// The method of this name.
    pub(super) fn named(uri: &str) -> Result<Self, SamlError> {
        match uri {
            names::RSA_SHA256 => Ok(Self::RsaSha256),
            names::RSA_SHA384 => Ok(Self::RsaSha384),
            names::RSA_SHA512 => Ok(Self::RsaSha512),
            names::ECDSA_SHA256 => Ok(Self::EcdsaSha256),
            names::ECDSA_SHA384 => Ok(Self::EcdsaSha384),
            names::ECDSA_SHA512 => Ok(Self::EcdsaSha512),
            names::RSA_SHA1 | names::ECDSA_SHA1 | names::DSA_SHA1 => Err(SamlError::Sha1),
            _ => Err(SamlError::SignatureAlgorithm),
        }
    }
}

/// One key of a provider, ready to check signatures with.
#[derive(Clone)]
pub struct Certificate {
    /// The certificate as it was brought.
    pub der: Vec<u8>,
    /// SHA-256 of the certificate, in lower-case hexadecimal.
    pub fingerprint: String,
    /// Since when the certificate says to be good. Shown, never enforced: metadata says what is trusted.
    pub not_before: Timestamp,
    /// Until when the certificate says to be good. Shown, never enforced.
    pub not_after: Timestamp,
    /// The kind of the key, such as `RSA 2048`.
    pub kind: String,
    /// The key, for each method that it may verify.
    keys: Vec<(Method, ParsedPublicKey)>,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({})", self.fingerprint)
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl Certificate {
    /// Reads a certificate (RFC 5280 §4.1): its key and its times, nothing else.
    ///
    /// # Errors
    /// It cannot be read, or its key is too weak or of another kind.
    pub fn read(der: Vec<u8>) -> Result<Self, MetadataError> {
        let found = walk(&der).map_err(|_| MetadataError::CertificateUnreadable)?;
        let (kind, keys) = if found.algorithm == RSA { rsa(&found)? } else { elliptic(found.spki)? };
        let (not_before, not_after) = (found.not_before, found.not_after);
        let fingerprint = hexadecimal(digest::digest(&digest::SHA256, &der).as_ref());
        Ok(Self { fingerprint, not_before, not_after, kind, keys, der })
    }

    /// Whether this key made `signature` over `message` in this way.
    pub(super) fn verifies(&self, method: Method, message: &[u8], signature: &[u8]) -> bool {
        let key = self.keys.iter().find(|(good, _)| *good == method);
        key.is_some_and(|(_, key)| key.verify_sig(message, signature).is_ok())
    }
}

/// `rsaEncryption` (RFC 8017 appendix A.1), as it stands in DER.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

struct Found<'a> {
    not_before: Timestamp,
    not_after: Timestamp,
    /// The whole SubjectPublicKeyInfo.
    spki: &'a [u8],
    algorithm: &'a [u8],
    key: &'a [u8],
}

/// Real certificates break RFC 5280 in their names, numbers and extensions; those are passed over unread.
fn walk(der: &[u8]) -> der::Result<Found<'_>> {
    let whole = AnyRef::from_der(der)?;
    whole.sequence(|certificate| {
        let body = AnyRef::decode(certificate)?;
        while !certificate.is_finished() {
            certificate.tlv_bytes()?;
        }
        body.sequence(|body| {
            if Tag::peek(body)?.is_context_specific() {
                body.tlv_bytes()?;
            }
            // Serial number, signature algorithm, issuer.
            for _ in 0..3 {
                body.tlv_bytes()?;
            }
            let times = AnyRef::decode(body)?;
            let (not_before, not_after) = times.sequence(|times| Ok::<_, der::Error>((time(times)?, time(times)?)))?;
            // Subject.
            body.tlv_bytes()?;
            let spki = body.tlv_bytes()?;
            while !body.is_finished() {
                body.tlv_bytes()?;
            }
            let (algorithm, key) = key_of(spki)?;
            Ok(Found { not_before, not_after, spki, algorithm, key })
        })
    })
}

fn key_of(spki: &[u8]) -> der::Result<(&[u8], &[u8])> {
    AnyRef::from_der(spki)?.sequence(|info| {
        let algorithm = AnyRef::decode(info)?.sequence(|algorithm| {
            let name = AnyRef::decode(algorithm)?;
            while !algorithm.is_finished() {
                algorithm.tlv_bytes()?;
            }
            Ok::<_, der::Error>(name.value())
        })?;
        Ok((algorithm, BitStringRef::decode(info)?.raw_bytes()))
    })
}

fn time(times: &mut SliceReader<'_>) -> der::Result<Timestamp> {
    let time = AnyRef::decode(times)?;
    let since_epoch = if time.tag() == Tag::UtcTime {
        time.decode_as::<UtcTime>()?.to_unix_duration()
    } else {
        time.decode_as::<GeneralizedTime>()?.to_unix_duration()
    };
    Ok(Timestamp::default().after(since_epoch))
}

type Keys = (String, Vec<(Method, ParsedPublicKey)>);

fn rsa(found: &Found<'_>) -> Result<Keys, MetadataError> {
    let unreadable = |_| MetadataError::CertificateUnreadable;
    let bits = RsaParameters::public_modulus_len(found.key).map_err(unreadable)?;
    if bits < 2_048 {
        return Err(MetadataError::WeakKey(bits));
    }
    if bits > 8_192 {
        return Err(MetadataError::KeyKind);
    }
    let mut keys = Vec::with_capacity(3);
    for (method, how) in [
        (Method::RsaSha256, &RSA_PKCS1_2048_8192_SHA256),
        (Method::RsaSha384, &RSA_PKCS1_2048_8192_SHA384),
        (Method::RsaSha512, &RSA_PKCS1_2048_8192_SHA512),
    ] {
        keys.push((method, ParsedPublicKey::new(how, found.spki).map_err(|_| MetadataError::CertificateUnreadable)?));
    }
    Ok((format!("RSA {bits}"), keys))
}

/// Each curve goes with the hash of its size.
fn elliptic(spki: &[u8]) -> Result<Keys, MetadataError> {
    let curves: [(&str, Method, &'static dyn VerificationAlgorithm); 3] = [
        ("P-256", Method::EcdsaSha256, &ECDSA_P256_SHA256_FIXED),
        ("P-384", Method::EcdsaSha384, &ECDSA_P384_SHA384_FIXED),
        ("P-521", Method::EcdsaSha512, &ECDSA_P521_SHA512_FIXED),
    ];
    let fitting = curves.into_iter().find_map(|(name, method, how)| {
        let key = ParsedPublicKey::new(how, spki).ok()?;
        Some((name.to_owned(), vec![(method, key)]))
    });
    fitting.ok_or(MetadataError::KeyKind)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
