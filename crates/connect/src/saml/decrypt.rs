//! Encrypted assertions: OAEP and AES, nothing older. Which algorithms are named is said openly, as everybody sees it;
//! whatever fails behind that has one name, so that nobody learns from us what is inside (Bleichenbacher 1998, Jager and
//! Somorovsky 2011).
//!
//! | key | content |
//! |---|---|
//! | `rsa-oaep-mgf1p` with SHA-1; `rsa-oaep` with SHA-1 or SHA-256 and a mask of the same hash | AES-128 and AES-256, GCM and CBC |

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{self, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey};

use super::error::SamlError;
use super::gate;
use super::names::{
    AES128_CBC, AES128_GCM, AES256_CBC, AES256_GCM, ENCRYPTION, ENCRYPTION_11, MGF1_SHA1, MGF1_SHA256, OAEP,
    OAEP_MGF1P, SHA1, SHA256, SIGNATURE,
};
use super::tree::{Node, Xml};

/// The content's key, encrypted for this many readers at the most.
const KEYS_MOST: usize = 2;

/// The document inside an `EncryptedAssertion`. Whoever calls sees to it that it is an assertion and signed.
pub(super) fn open(encrypted: Node<'_>, keys: &[OaepPrivateDecryptingKey]) -> Result<Xml, SamlError> {
    let data = encrypted.only(ENCRYPTION, "EncryptedData").map_err(|_| SamlError::Decryption)?;
    let cipher = Cipher::of(data)?;
    let wrapped = wrapped_keys(encrypted, data)?;
    let content = value(data)?;
    let unwrapped = wrapped.iter().flat_map(|one| keys.iter().filter_map(move |key| one.unwrap(key)));
    // A key that is not ours may give bytes as well; only the content shows which one fits.
    let mut plain = unwrapped.filter_map(|key| cipher.decrypt(&key, content.clone()));
    let plain = plain.next().ok_or(SamlError::Decryption)?;
    gate::read(plain, &gate::MESSAGE).map_err(|_| SamlError::Decryption)
}

fn value(of: Node<'_>) -> Result<Vec<u8>, SamlError> {
    let read = || {
        let text = of.only(ENCRYPTION, "CipherData").ok()?.only(ENCRYPTION, "CipherValue").ok()?.text()?;
        gate::base64(&text)
    };
    read().ok_or(SamlError::Decryption)
}

/// One `EncryptedKey`, inside the data or beside it.
struct Wrapped {
    how: &'static OaepAlgorithm,
    bytes: Vec<u8>,
}

fn wrapped_keys(encrypted: Node<'_>, data: Node<'_>) -> Result<Vec<Wrapped>, SamlError> {
    let info = data.optional(SIGNATURE, "KeyInfo").map_err(|_| SamlError::Decryption)?;
    let inside = info.into_iter().flat_map(|info| info.named(ENCRYPTION, "EncryptedKey"));
    let all: Vec<_> = inside.chain(encrypted.named(ENCRYPTION, "EncryptedKey")).take(KEYS_MOST + 1).collect();
    if all.is_empty() || all.len() > KEYS_MOST {
        return Err(SamlError::Decryption);
    }
    all.into_iter().map(|key| Ok(Wrapped { how: transport(key)?, bytes: value(key)? })).collect()
}

/// How the content's key is encrypted. Parameters that the standard fills in when they are missing are all SHA-1.
fn transport(key: Node<'_>) -> Result<&'static OaepAlgorithm, SamlError> {
    let method = key.only(ENCRYPTION, "EncryptionMethod").map_err(|_| SamlError::KeyTransport)?;
    let parameter = |namespace, name, default| match method.optional(namespace, name) {
        Ok(found) => Ok(found.map_or(Some(default), |node| node.attribute("Algorithm"))),
        Err(_) => Err(SamlError::KeyTransport),
    };
    let hash = parameter(SIGNATURE, "DigestMethod", SHA1)?;
    let mask = parameter(ENCRYPTION_11, "MGF", MGF1_SHA1)?;
    let label = method.named(ENCRYPTION, "OAEPparams").next().is_some();
    match (method.attribute("Algorithm"), hash, mask) {
        _ if label => Err(SamlError::KeyTransport),
        (Some(OAEP_MGF1P | OAEP), Some(SHA1), Some(MGF1_SHA1)) => Ok(&OAEP_SHA1_MGF1SHA1),
        (Some(OAEP), Some(SHA256), Some(MGF1_SHA256)) => Ok(&OAEP_SHA256_MGF1SHA256),
        _ => Err(SamlError::KeyTransport),
    }
}

impl Wrapped {
    fn unwrap(&self, key: &OaepPrivateDecryptingKey) -> Option<Vec<u8>> {
        let mut buffer = vec![0; key.min_output_size()];
        key.decrypt(self.how, &self.bytes, &mut buffer, None).ok().map(|plain| plain.to_vec())
    }
}

/// How the content is encrypted.
#[derive(Clone, Copy)]
enum Cipher {
    Gcm(&'static aead::Algorithm),
    Cbc(&'static cipher::Algorithm),
}

impl Cipher {
    fn of(data: Node<'_>) -> Result<Self, SamlError> {
        let method = data.only(ENCRYPTION, "EncryptionMethod").map_err(|_| SamlError::ContentCipher)?;
        match method.attribute("Algorithm") {
            Some(AES128_GCM) => Ok(Self::Gcm(&aead::AES_128_GCM)),
            Some(AES256_GCM) => Ok(Self::Gcm(&aead::AES_256_GCM)),
            Some(AES128_CBC) => Ok(Self::Cbc(&cipher::AES_128)),
            Some(AES256_CBC) => Ok(Self::Cbc(&cipher::AES_256)),
            _ => Err(SamlError::ContentCipher),
        }
    }

    fn decrypt(self, key: &[u8], content: Vec<u8>) -> Option<Vec<u8>> {
        match self {
            Self::Gcm(algorithm) => gcm(algorithm, key, content),
            Self::Cbc(algorithm) => cbc(algorithm, key, content),
        }
    }
}

/// 96 bits of nonce, then the text, then its tag (XML Encryption 1.1 §5.2.4).
fn gcm(algorithm: &'static aead::Algorithm, key: &[u8], mut content: Vec<u8>) -> Option<Vec<u8>> {
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
    let (nonce, sealed) = content.split_at_mut_checked(aead::NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    key.open_in_place(nonce, Aad::empty(), sealed).ok().map(|plain| plain.to_vec())
}

/// A block of initialisation, then the text, padded so that its last byte says by how much (XML Encryption 1.1 §5.2.3).
fn cbc(algorithm: &'static cipher::Algorithm, key: &[u8], mut content: Vec<u8>) -> Option<Vec<u8>> {
    let key = PaddedBlockDecryptingKey::cbc_iso10126(UnboundCipherKey::new(algorithm, key).ok()?).ok()?;
    let (start, sealed) = content.split_first_chunk_mut::<16>()?;
    let context = DecryptionContext::Iv128(FixedLength::from(*start));
    key.decrypt(sealed, context).ok().map(|plain| plain.to_vec())
}
