//! A strict relying party's verdict on an ID token, written from the specifications and judged with
//! `jsonwebtoken`: every rule that is broken, by name.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

/// Seconds by which clocks may differ.
const LEEWAY: i64 = 60;

pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) nonce: &'a str,
    pub(super) access_token: &'a str,
    pub(super) now: i64,
}

pub(super) fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Whether one key of this set made the signature, whatever the header says.
pub(super) fn signed_by(token: &str, jwks: &Value) -> bool {
    let (message, signature) = token.rsplit_once('.').unwrap();
    jwks["keys"].as_array().unwrap().iter().any(|key| {
        let Ok(jwk) = serde_json::from_value::<Jwk>(key.clone()) else {
            return false;
        };
        let Ok(decoding) = DecodingKey::from_jwk(&jwk) else {
            return false;
        };
        let Ok(algorithm) = key["alg"].as_str().unwrap_or_default().parse() else {
            return false;
        };
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &decoding, algorithm).unwrap_or(false)
    })
}

pub(super) fn signed_with_secret(token: &str, secret: &[u8]) -> bool {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let key = DecodingKey::from_secret(secret);
    jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, Algorithm::HS256).unwrap()
}

/// Every broken rule.
pub(super) fn faults(token: &str, jwks: &Value, expected: &Expected<'_>) -> Vec<&'static str> {
    let mut faults = header_faults(token, jwks);
    faults.extend(claim_faults(&part(token, 1), expected));
    faults
}

fn header_faults(token: &str, jwks: &Value) -> Vec<&'static str> {
    let header = part(token, 0);
    let keys = jwks["keys"].as_array().unwrap();
    let named: Vec<&Value> =
        keys.iter().filter(|key| !header["kid"].is_null() && key["kid"] == header["kid"]).collect();
    let mut faults = Vec::new();
    let mut rule = |broken: bool, name| {
        if broken {
            faults.push(name);
        }
    };
    rule(header["typ"] != "JWT", "typ");
    rule(!header["crit"].is_null(), "crit");
    rule(["jku", "x5u", "jwk"].iter().any(|name| !header[*name].is_null()), "key in header");
    rule(header["kid"].is_null(), "no kid");
    rule(!header["kid"].is_null() && named.len() != 1, "unknown kid");
    let kept = keys.iter().any(|key| key["alg"] == header["alg"] && key["kty"] != "oct");
    rule(!kept, "alg");
    rule(!signed_by(token, jwks), "signature");
    faults
}

fn claim_faults(claims: &Value, expected: &Expected<'_>) -> Vec<&'static str> {
    let mut faults = Vec::new();
    let mut rule = |broken: bool, name| {
        if broken {
            faults.push(name);
        }
    };
    rule(claims["sub"].as_str().unwrap_or_default().is_empty(), "sub");
    rule(claims["iss"] != expected.issuer, "iss");
    rule(claims["aud"] != "gw", "aud");
    rule(!claims["azp"].is_null() && claims["azp"] != "gw", "azp");
    rule(claims["exp"].as_i64().is_none_or(|at| at + LEEWAY <= expected.now), "exp");
    rule(claims["iat"].as_i64().is_none_or(|at| !(-600..=LEEWAY).contains(&(at - expected.now))), "iat");
    rule(claims["nbf"].as_i64().is_some_and(|at| at > expected.now + LEEWAY), "nbf");
    rule(claims["nonce"] != expected.nonce, "nonce");
    let hash = digest::digest(&digest::SHA256, expected.access_token.as_bytes());
    let half = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]);
    rule(claims["at_hash"].is_null(), "no at_hash");
    rule(!claims["at_hash"].is_null() && claims["at_hash"] != half.as_str(), "at_hash");
    faults
}
