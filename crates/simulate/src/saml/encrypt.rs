//! Encrypted assertions (XML Encryption 1.1), from the sender's side.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, Pkcs1PublicEncryptingKey, PublicEncryptingKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::der::public_key_of;
use super::settings::{Cipher, Encrypt, Oaep};
use super::signature::Digest;
use super::xml::{DS, ENCRYPTION, ENCRYPTION_11, Space, XENC};
use crate::chance::fill;

/// Bytes of an AES block.
const BLOCK: usize = 16;

impl Cipher {
    /// The algorithm's URI.
    pub(crate) fn uri(self) -> &'static str {
        match self {
            Cipher::Aes128Cbc => "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
            Cipher::Aes256Cbc => "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
            Cipher::Aes128Gcm => "http://www.w3.org/2009/xmlenc11#aes128-gcm",
            Cipher::Aes256Gcm => "http://www.w3.org/2009/xmlenc11#aes256-gcm",
        }
    }

    /// Bytes of its key.
    pub(crate) fn key_length(self) -> usize {
        match self {
            Cipher::Aes128Cbc | Cipher::Aes128Gcm => 16,
            Cipher::Aes256Cbc | Cipher::Aes256Gcm => 32,
        }
    }
}

/// An encrypted element in parts, so that each can be spoilt.
#[derive(Clone)]
pub(crate) struct Sealed {
    /// The URI of the data's algorithm.
    pub(crate) cipher: String,
    /// `EncryptionMethod` of the key.
    pub(crate) key_method: String,
    /// The encrypted key.
    pub(crate) key: Vec<u8>,
    /// Initialization vector or nonce, ciphertext, and tag if there is one.
    pub(crate) data: Vec<u8>,
}

impl Sealed {
    /// The plaintext under a fresh key, and that under the service's.
    pub(crate) fn new(plaintext: &[u8], how: &Encrypt) -> Result<Sealed, Unspecified> {
        let key = random(how.cipher.key_length())?;
        Ok(Sealed {
            cipher: how.cipher.uri().to_owned(),
            key_method: key_method(how.oaep),
            key: wrap(how.oaep, &how.certificate, &key)?,
            data: encrypt(how.cipher, &key, plaintext)?,
        })
    }

    /// The `EncryptedAssertion`.
    pub(crate) fn element(&self, assertion: Space) -> String {
        let data = cipher_value(&self.data);
        assertion.outer("EncryptedAssertion").holds(&self.around(&self.encrypted_key(), &data)).write()
    }

    /// `EncryptedData` around keys and a `CipherData`.
    pub(crate) fn around(&self, keys: &str, data: &str) -> String {
        let method = XENC.inner("EncryptionMethod").with("Algorithm", &self.cipher).write();
        XENC.outer("EncryptedData")
            .with("Type", &format!("{ENCRYPTION}Element"))
            .holds(&method)
            .holds(&DS.outer("KeyInfo").holds(keys).write())
            .holds(data)
            .write()
    }

    /// `EncryptedKey`.
    pub(crate) fn encrypted_key(&self) -> String {
        XENC.inner("EncryptedKey").holds(&self.key_method).holds(&cipher_value(&self.key)).write()
    }
}

/// `CipherData` with its value in place.
pub(crate) fn cipher_value(bytes: &[u8]) -> String {
    let value = XENC.inner("CipherValue").text(&STANDARD.encode(bytes)).write();
    XENC.inner("CipherData").holds(&value).write()
}

/// `EncryptionMethod` of an encrypted key.
pub(crate) fn key_method(oaep: Oaep) -> String {
    let digest = |digest: Digest| DS.inner("DigestMethod").with("Algorithm", digest.uri()).write();
    match oaep {
        Oaep::Sha1 => XENC
            .inner("EncryptionMethod")
            .with("Algorithm", &format!("{ENCRYPTION}rsa-oaep-mgf1p"))
            .holds(&digest(Digest::Sha1))
            .write(),
        Oaep::Sha256 => {
            let space = Space { prefix: "xenc11", uri: ENCRYPTION_11 };
            let mask = space.outer("MGF").with("Algorithm", &format!("{ENCRYPTION_11}mgf1sha256")).write();
            XENC.inner("EncryptionMethod")
                .with("Algorithm", &format!("{ENCRYPTION_11}rsa-oaep"))
                .holds(&digest(Digest::Sha256))
                .holds(&mask)
                .write()
        }
    }
}

/// A key under the service's public key.
pub(crate) fn wrap(oaep: Oaep, certificate: &[u8], key: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let public = OaepPublicEncryptingKey::new(public_key(certificate)?)?;
    let algorithm = match oaep {
        Oaep::Sha1 => &OAEP_SHA1_MGF1SHA1,
        Oaep::Sha256 => &OAEP_SHA256_MGF1SHA256,
    };
    let mut out = vec![0; public.ciphertext_size()];
    Ok(public.encrypt(algorithm, key, &mut out, None)?.to_vec())
}

/// A key under the service's public key with the padding of Bleichenbacher's attack (RSAES-PKCS1-v1_5).
pub(crate) fn wrap_pkcs1(certificate: &[u8], key: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let public = Pkcs1PublicEncryptingKey::new(public_key(certificate)?)?;
    let mut out = vec![0; public.ciphertext_size()];
    Ok(public.encrypt(key, &mut out)?.to_vec())
}

/// The plaintext under a key of any length that the cipher takes.
pub(crate) fn encrypt(cipher: Cipher, key: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Unspecified> {
    match cipher {
        Cipher::Aes128Cbc | Cipher::Aes256Cbc => encrypt_cbc(key, plaintext),
        Cipher::Aes128Gcm | Cipher::Aes256Gcm => encrypt_gcm(key, plaintext),
    }
}

/// Random bytes.
pub(crate) fn random(length: usize) -> Result<Vec<u8>, Unspecified> {
    let mut bytes = vec![0; length];
    fill(&mut bytes)?;
    Ok(bytes)
}

/// The padding is that of XML Encryption §5.2: anything, and in the last byte its length.
fn encrypt_cbc(key: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let algorithm = if key.len() == 16 { &AES_128 } else { &AES_256 };
    let padding = BLOCK - plaintext.len() % BLOCK;
    let mut text = plaintext.to_vec();
    text.extend(random(padding - 1)?);
    text.push(u8::try_from(padding).map_err(|_| Unspecified)?);
    let mut vector = [0_u8; BLOCK];
    fill(&mut vector)?;
    let key = EncryptingKey::cbc(UnboundCipherKey::new(algorithm, key)?)?;
    key.less_safe_encrypt(&mut text, EncryptionContext::Iv128(FixedLength::from(vector)))?;
    Ok([vector.as_slice(), &text].concat())
}

fn encrypt_gcm(key: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
    let mut nonce = [0_u8; 12];
    fill(&mut nonce)?;
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key)?);
    let mut text = plaintext.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut text)?;
    Ok([nonce.as_slice(), &text].concat())
}

fn public_key(certificate: &[u8]) -> Result<PublicEncryptingKey, Unspecified> {
    let public = public_key_of(certificate).ok_or(Unspecified)?;
    PublicEncryptingKey::from_der(&public).map_err(|_| Unspecified)
}
