//! The ID token's header, read before anything else: it says what the token wants to be, and most forgeries start there.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::CoreJwsSigningAlgorithm as Algorithm;
use serde_json::{Map, Value};

use crate::error::ConnectError;

/// A longer key id is nobody's; it is not even looked for.
const KID_MOST: usize = 256;

/// What the header says, after every check. `jku`, `x5u`, `jwk` and `x5c` are not in it: keys come from the provider's
/// metadata only (RFC 8725 §3.10).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kid: Option<String>,
}

/// Reads the header of `token`, which must be signed with one of `allowed`.
pub(super) fn read(token: &str, allowed: &[(&'static str, Algorithm)]) -> Result<Header, ConnectError> {
    let header = part(token, 0)?;
    let text = |name| header.get(name).map(|value| value.as_str().ok_or(ConnectError::IdTokenUnreadable)).transpose();
    // Five parts and `enc` make a JWE (RFC 7516 §9).
    if token.split('.').count() == 5 || header.contains_key("enc") {
        return Err(ConnectError::Encrypted);
    }
    if token.split('.').count() != 3 {
        return Err(ConnectError::IdTokenUnreadable);
    }
    // We know no extension, so none can be honoured (RFC 7515 §4.1.11).
    if header.contains_key("crit") {
        return Err(ConnectError::CriticalHeader);
    }
    // An access or logout token of the same provider is well signed too (RFC 8725 §3.11); a nested token is none of ours.
    let kind = text("typ")?;
    if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("JWT")) || header.contains_key("cty") {
        return Err(ConnectError::TokenKind);
    }
    // Neither `none` in any spelling nor a MAC keyed with something public (RFC 8725 §2.1).
    let algorithm = text("alg")?.unwrap_or_default();
    if !allowed.iter().any(|(name, _)| *name == algorithm) {
        return Err(ConnectError::Algorithm);
    }
    let kid = text("kid")?;
    if kid.is_some_and(|kid| kid.len() > KID_MOST) {
        return Err(ConnectError::UnknownKey);
    }
    Ok(Header { kid: kid.map(str::to_owned) })
}

/// A part of a JWT that is a JSON object: 0 the header, 1 the claims. Nothing is verified by this.
pub(super) fn part(token: &str, which: usize) -> Result<Map<String, Value>, ConnectError> {
    let part = token.split('.').nth(which).ok_or(ConnectError::IdTokenUnreadable)?;
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| ConnectError::IdTokenUnreadable)?;
    serde_json::from_slice(&bytes).map_err(|_| ConnectError::IdTokenUnreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ALLOWED: [(&str, Algorithm); 2] =
        [("RS256", Algorithm::RsaSsaPkcs1V15Sha256), ("ES256", Algorithm::EcdsaP256Sha256)];

    fn of(header: &Value) -> Result<Header, &'static str> {
        let token = format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(header.to_string()));
        read(&token, &ALLOWED).map_err(|e| e.reason())
    }

    #[test]
    fn the_usual_headers_are_good() {
        assert_eq!(of(&json!({"alg": "RS256", "kid": "a"})), Ok(Header { kid: Some("a".into()) }));
        assert_eq!(of(&json!({"alg": "ES256", "typ": "JWT"})), Ok(Header { kid: None }));
        // Some providers add these to honest tokens; they are passed over.
        let extra = json!({"alg": "RS256", "typ": "jwt", "jku": "https://evil.example", "x5t": "x", "jwk": {}});
        assert_eq!(of(&extra), Ok(Header { kid: None }));
    }

    #[test]
    fn every_other_header_has_its_reason() {
        let kid = |kid: &str| json!({"alg": "RS256", "kid": kid});
        let table = [
            (json!({}), "algorithm"),
            (json!({"alg": "none"}), "algorithm"),
            (json!({"alg": "nOnE"}), "algorithm"),
            (json!({"alg": "rs256"}), "algorithm"),
            (json!({"alg": "HS256"}), "algorithm"),
            (json!({"alg": "PS256"}), "algorithm"),
            (json!({"alg": ["RS256"]}), "id_token_unreadable"),
            (json!({"alg": "RS256", "crit": []}), "critical_header"),
            (json!({"alg": "RS256", "crit": null}), "critical_header"),
            (json!({"alg": "RS256", "typ": "at+jwt"}), "token_kind"),
            (json!({"alg": "RS256", "typ": "logout+jwt"}), "token_kind"),
            (json!({"alg": "RS256", "typ": null}), "id_token_unreadable"),
            (json!({"alg": "RS256", "cty": "JWT"}), "token_kind"),
            (json!({"alg": "RSA-OAEP", "enc": "A128GCM"}), "id_token_encrypted"),
            (json!({"alg": "RS256", "kid": 7}), "id_token_unreadable"),
            (kid(&"k".repeat(257)), "unknown_key"),
            (json!("text"), "id_token_unreadable"),
        ];
        for (header, reason) in table {
            assert_eq!(of(&header), Err(reason), "{header}");
        }
    }

    #[test]
    fn what_is_no_signed_jwt_is_refused() {
        let good = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#);
        let table = [
            (String::new(), "id_token_unreadable"),
            ("a".to_owned(), "id_token_unreadable"),
            ("!.e30.x".to_owned(), "id_token_unreadable"),
            (format!("{good}.e30"), "id_token_unreadable"),
            (format!("{good}.e30.a.b"), "id_token_unreadable"),
            (format!("{good}.e30.a.b.c"), "id_token_encrypted"),
        ];
        for (token, reason) in table {
            assert_eq!(read(&token, &ALLOWED).unwrap_err().reason(), reason, "{token}");
        }
    }
}
