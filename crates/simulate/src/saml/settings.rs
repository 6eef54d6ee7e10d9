//! What a simulated SAML provider is told at its start.

use std::fmt;

use super::keys::KeyKind;
use super::shapes::Shape;
use crate::oidc::Now;
use crate::people::Person;

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The response as a whole.
    Response,
    /// The assertion within.
    Assertion,
    /// The assertion, and then the response around it.
    Both,
}

/// The cipher of an encrypted assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// AES-128 in CBC mode.
    Aes128Cbc,
    /// AES-256 in CBC mode, what Entra ID, Okta and AD FS use.
    Aes256Cbc,
    /// AES-128 in Galois counter mode.
    Aes128Gcm,
    /// AES-256 in Galois counter mode.
    Aes256Gcm,
}

/// The digest of RSA-OAEP, for the label and for the mask alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oaep {
    /// `rsa-oaep-mgf1p` with SHA-1, what most providers send.
    Sha1,
    /// `rsa-oaep` of XML Encryption 1.1 with SHA-256.
    Sha256,
}

/// How assertions are encrypted.
#[derive(Clone, Debug)]
pub struct Encrypt {
    /// The cipher of the assertion.
    pub cipher: Cipher,
    /// The digest with which its key is encrypted.
    pub oaep: Oaep,
    /// The service's certificate, or its SubjectPublicKeyInfo, DER.
    pub certificate: Vec<u8>,
}

/// The service provider, as an administrator enters it at the provider.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its entity id: the audience of assertions, and the only issuer whose requests are answered.
    pub entity_id: String,
    /// Where responses are posted; another address in a request is refused.
    pub acs: String,
    /// Where logout messages are sent, if anywhere.
    pub slo: Option<String>,
}

/// What a simulated SAML provider is told at its start.
#[derive(Clone)]
pub struct SamlProviderSettings {
    /// The entity id, byte for byte as stated everywhere.
    pub entity_id: String,
    /// Where its routes are served: an http or https URL without query.
    pub base: String,
    /// Who can sign in.
    pub people: Vec<Person>,
    /// The product whose responses are imitated.
    pub shape: Shape,
    /// What is signed.
    pub sign: Sign,
    /// Whether and how assertions are encrypted.
    pub encrypt: Option<Encrypt>,
    /// The service; without it whoever asks is answered where it asks to be.
    pub service: Option<Service>,
    /// The key that signs.
    pub key: KeyKind,
    /// Keys that are published beside it and sign what the attack catalogue asks of them.
    pub further_keys: Vec<KeyKind>,
    /// The clock.
    pub now: Now,
}

impl SamlProviderSettings {
    /// A provider of [`crate::people::everyone`] that signs responses and assertions with RSA and
    /// SHA-256, encrypts nothing and answers whoever asks.
    pub fn new(entity_id: &str, base: &str, now: Now) -> SamlProviderSettings {
        SamlProviderSettings {
            entity_id: entity_id.to_owned(),
            base: base.to_owned(),
            people: crate::people::everyone(),
            shape: Shape::Generic,
            sign: Sign::Both,
            encrypt: None,
            service: None,
            key: KeyKind::Rsa2048,
            further_keys: Vec::new(),
            now,
        }
    }

    /// The same with every key that the attack catalogue signs with: a second RSA key, one on P-256, and
    /// a published one of 1024 bits that nobody should accept.
    #[must_use]
    pub fn for_attacks(mut self) -> SamlProviderSettings {
        self.further_keys = vec![KeyKind::Rsa2048, KeyKind::P256, KeyKind::Rsa1024];
        self
    }

    /// The address of an endpoint under the base.
    pub(crate) fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.base.trim_end_matches('/'))
    }
}

impl fmt::Debug for SamlProviderSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SamlProviderSettings")
            .field("entity_id", &self.entity_id)
            .field("base", &self.base)
            .field("shape", &self.shape)
            .field("sign", &self.sign)
            .field("encrypt", &self.encrypt)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}
