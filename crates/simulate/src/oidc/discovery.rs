//! Metadata (OpenID Discovery 1.0 §3) and published keys.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::keys::KeyRing;
use super::modes::{DiscoveryMode, JwksMode};
use super::settings::ProviderSettings;
use super::state::Shared;

pub(crate) async fn metadata(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let mut metadata = honest_metadata(&shared.settings);
    for mode in shared.memory().modes.discovery() {
        spoil(&mut metadata, mode);
    }
    Json(Value::Object(metadata))
}

pub(crate) async fn jwks(State(shared): State<Arc<Shared>>) -> Response {
    let mut memory = shared.memory();
    let mut keys = memory.keys.published();
    for mode in memory.modes.jwks() {
        keys = match spoil_keys(keys, mode, &mut memory.keys, &shared.settings) {
            Some(spoilt) => spoilt,
            None => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        };
    }
    ([(CACHE_CONTROL, "max-age=300")], Json(json!({ "keys": keys }))).into_response()
}

/// The key set that `jku` points to: a client that fetches it would believe a forger.
pub(crate) async fn rogue_jwks(State(shared): State<Arc<Shared>>) -> Response {
    match shared.memory().keys.rogue() {
        Ok(rogue) => Json(json!({ "keys": [rogue.jwk()] })).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn honest_metadata(settings: &ProviderSettings) -> Map<String, Value> {
    let metadata = json!({
        "issuer": settings.issuer,
        "authorization_endpoint": settings.endpoint("/authorize"),
        "token_endpoint": settings.endpoint("/token"),
        "userinfo_endpoint": settings.endpoint("/userinfo"),
        "jwks_uri": settings.endpoint("/jwks"),
        "end_session_endpoint": settings.endpoint("/end_session"),
        "scopes_supported": ["openid", "profile", "email", "groups"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "amr", "sid", "at_hash",
            "email", "email_verified", "name", "preferred_username", "given_name", "family_name",
            settings.groups_claim,
        ],
    });
    metadata.as_object().cloned().unwrap_or_default()
}

fn spoil(metadata: &mut Map<String, Value>, mode: DiscoveryMode) {
    match mode {
        DiscoveryMode::OtherIssuer(issuer) => {
            metadata.insert("issuer".to_owned(), json!(issuer));
        }
        DiscoveryMode::NoIssParameter => {
            metadata.remove("authorization_response_iss_parameter_supported");
        }
        DiscoveryMode::PrivateJwks => {
            metadata.insert("jwks_uri".to_owned(), json!("http://169.254.169.254/jwks"));
        }
        DiscoveryMode::Member(name, value) => {
            metadata.insert(name, value);
        }
        DiscoveryMode::Without(name) => {
            metadata.remove(&name);
        }
    }
}

/// `None` when no foreign key could be made.
fn spoil_keys(
    mut keys: Vec<Value>,
    mode: JwksMode,
    ring: &mut KeyRing,
    settings: &ProviderSettings,
) -> Option<Vec<Value>> {
    let kid = ring.current.kid.clone();
    match mode {
        JwksMode::Empty => keys.clear(),
        JwksMode::Poisoned => {
            keys.remove(0);
            keys.insert(0, with(ring.rogue().ok()?.jwk(), "kid", &kid));
        }
        JwksMode::DuplicateKid => keys.insert(0, with(ring.rogue().ok()?.jwk(), "kid", &kid)),
        JwksMode::JunkEntries => {
            keys.splice(0..0, junk());
        }
        JwksMode::Many(count) => {
            let jwk = ring.rogue().ok()?.jwk();
            keys.splice(0..0, (0..count).map(|n| with(jwk.clone(), "kid", &format!("many-{n}"))));
        }
        JwksMode::ForEncryption => {
            keys = keys.into_iter().map(|key| with(key, "use", "enc")).collect();
        }
        JwksMode::Symmetric => {
            let secret = URL_SAFE_NO_PAD.encode(&settings.client_secret);
            keys = vec![json!({ "kty": "oct", "kid": kid, "alg": "HS256", "k": secret })];
        }
        JwksMode::NoKids => {
            for key in keys.iter_mut().filter_map(Value::as_object_mut) {
                key.remove("kid");
            }
        }
    }
    Some(keys)
}

fn with(mut key: Value, member: &str, value: &str) -> Value {
    if let Some(members) = key.as_object_mut() {
        members.insert(member.to_owned(), json!(value));
    }
    key
}

/// An unknown family, a family without its members, no family, an unknown curve, nonsense for numbers.
fn junk() -> Vec<Value> {
    vec![
        json!({ "kty": "AKP", "alg": "ML-DSA-65", "kid": "post-quantum", "pub": "AAAA" }),
        json!({ "kty": "RSA", "kid": "no-modulus", "e": "AQAB" }),
        json!({ "kid": "no-family" }),
        json!({ "kty": "EC", "crv": "P-999", "kid": "unknown-curve", "x": "AA", "y": "AA" }),
        json!({ "kty": "RSA", "kid": "nonsense", "n": "!!!", "e": "?" }),
    ]
}
