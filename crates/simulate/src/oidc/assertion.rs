//! A client that proves itself by what it signs (RFC 7523 §2.2, `private_key_jwt` of OpenID Connect Core §9).

use std::collections::HashSet;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// How the form names an assertion.
pub(crate) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What an assertion must agree with.
pub(crate) struct Expected<'a> {
    /// The client's keys, a JSON Web Key Set.
    pub(crate) keys: &'a Value,
    pub(crate) client_id: &'a str,
    /// Where it is shown.
    pub(crate) audience: &'a str,
    pub(crate) now: i64,
}

/// Whether the client signed this for here and now, for the first time; `used` holds the ids that were shown.
pub(crate) fn proves(assertion: &str, expected: &Expected<'_>, used: &mut HashSet<String>) -> bool {
    let claims = verified(assertion, expected.keys);
    let Some(claims) = claims else { return false };
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let number = |name: &str| claims.get(name).and_then(Value::as_i64);
    let lives = number("exp").is_some_and(|exp| expected.now < exp && exp <= expected.now.saturating_add(300));
    let ours = text("iss") == Some(expected.client_id) && text("sub") == Some(expected.client_id);
    let here = text("aud") == Some(expected.audience);
    ours && here && lives && text("jti").is_some_and(|jti| used.insert(jti.to_owned()))
}

/// The claims, if one of the keys signed them by RS256.
fn verified(assertion: &str, keys: &Value) -> Option<Value> {
    let (signed, signature) = assertion.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let read = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    let header = read(header)?;
    if header.get("alg").and_then(Value::as_str) != Some("RS256") {
        return None;
    }
    let key = keys.get("keys")?.as_array()?.iter().find(|key| key.get("kid") == header.get("kid"))?;
    let part = |name: &str| URL_SAFE_NO_PAD.decode(key.get(name)?.as_str()?).ok();
    let key = RsaPublicKeyComponents { n: part("n")?, e: part("e")? };
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).ok()?;
    read(claims)
}
