//! Compact JWS by hand (RFC 7515 §7.1), so that every wrong header can be written.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::modes::HeaderMode;
use super::settings::ProviderSettings;
use super::state::Memory;
use crate::chance::random_text;

/// Who makes the signature.
enum Signer {
    /// The published key.
    Published,
    /// A key that nobody published.
    Rogue,
    /// HMAC with SHA-256 under this secret.
    Secret(Vec<u8>),
    /// The published key, and then a bit is flipped.
    Broken,
    /// Nobody: the signature is empty.
    Nobody,
}

/// The claims signed under `typ`, wrong in the ways that the modes of the header say.
pub(crate) fn compact(
    settings: &ProviderSettings,
    memory: &mut Memory,
    typ: &str,
    claims: &Map<String, Value>,
) -> Result<String, Unspecified> {
    let mut header = Map::new();
    put(&mut header, "alg", json!(memory.keys.current.algorithm.name()));
    put(&mut header, "kid", json!(memory.keys.current.kid));
    put(&mut header, "typ", json!(typ));
    let mut signer = Signer::Published;
    for mode in memory.modes.header() {
        if let Some(other) = spoil(&mut header, mode, settings, memory)? {
            signer = other;
        }
    }
    let head = URL_SAFE_NO_PAD.encode(Value::Object(header).to_string());
    let body = URL_SAFE_NO_PAD.encode(Value::Object(claims.clone()).to_string());
    let message = format!("{head}.{body}");
    let signature = sign(&signer, memory, message.as_bytes())?;
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn sign(signer: &Signer, memory: &mut Memory, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
    match signer {
        Signer::Published => memory.keys.current.sign(message),
        Signer::Rogue => memory.keys.rogue()?.sign(message),
        Signer::Secret(secret) => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            Ok(hmac::sign(&key, message).as_ref().to_vec())
        }
        Signer::Broken => {
            let mut signature = memory.keys.current.sign(message)?;
            if let Some(byte) = signature.last_mut() {
                *byte ^= 1;
            }
            Ok(signature)
        }
        Signer::Nobody => Ok(Vec::new()),
    }
}

/// Changes the header; returns who signs when it is no longer the same.
fn spoil(
    header: &mut Map<String, Value>,
    mode: HeaderMode,
    settings: &ProviderSettings,
    memory: &mut Memory,
) -> Result<Option<Signer>, Unspecified> {
    let signer = match mode {
        HeaderMode::AlgNone => {
            put(header, "alg", json!("none"));
            Some(Signer::Nobody)
        }
        HeaderMode::AlgNoneOddCase => {
            put(header, "alg", json!("nOnE"));
            Some(Signer::Nobody)
        }
        HeaderMode::AlgName(name) => put(header, "alg", json!(name)),
        HeaderMode::Hs256WithPublicKey => {
            put(header, "alg", json!("HS256"));
            Some(Signer::Secret(memory.keys.current.pem()?.into_bytes()))
        }
        HeaderMode::Hs256WithClientSecret => {
            put(header, "alg", json!("HS256"));
            Some(Signer::Secret(settings.client_secret.clone().into_bytes()))
        }
        HeaderMode::UnknownKid => put(header, "kid", json!(random_text()?)),
        HeaderMode::Kid(kid) => put(header, "kid", json!(kid)),
        HeaderMode::KnownKidOtherKey => Some(Signer::Rogue),
        HeaderMode::NoKid => {
            header.remove("kid");
            None
        }
        HeaderMode::Jku => {
            put(header, "jku", json!(settings.endpoint("/rogue-jwks")));
            put(header, "kid", json!(memory.keys.rogue()?.kid));
            Some(Signer::Rogue)
        }
        HeaderMode::X5u => {
            put(header, "x5u", json!(settings.endpoint("/rogue-jwks")));
            put(header, "kid", json!(memory.keys.rogue()?.kid));
            Some(Signer::Rogue)
        }
        HeaderMode::EmbeddedJwk => {
            put(header, "jwk", memory.keys.rogue()?.jwk());
            header.remove("kid");
            Some(Signer::Rogue)
        }
        HeaderMode::Crit => {
            put(header, "crit", json!(["urn:example:must-understand"]));
            put(header, "urn:example:must-understand", json!(true))
        }
        HeaderMode::TypAtJwt => put(header, "typ", json!("at+jwt")),
        HeaderMode::TypLogoutJwt => put(header, "typ", json!("logout+jwt")),
        HeaderMode::BrokenSignature => Some(Signer::Broken),
    };
    Ok(signer)
}

/// Sets a member; the signer stays who it was.
fn put(header: &mut Map<String, Value>, name: &str, value: Value) -> Option<Signer> {
    header.insert(name.to_owned(), value);
    None
}
