//! The ID token's signature and claims (OpenID Connect Core §3.1.3.7): the library's verifier, with what it leaves out
//! or leaves open decided here. Clocks may differ by 60 s.

use std::time::Duration;

use cardea_model::Timestamp;
use chrono::{DateTime, Utc};
use openidconnect::core::{CoreIdToken, CoreIdTokenClaims};
use openidconnect::{
    AccessToken, AccessTokenHash, ClaimsVerificationError, ClientId, IdTokenVerifier, IssuerUrl, Nonce,
    SignatureVerificationError,
};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};

use super::OidcSettings;
use super::discovery::Metadata;
use super::exchange::Tokens;
use super::header::part;
use crate::error::ConnectError;
use crate::jwks::{KeySet, VerifyingKey};

/// How far two clocks may differ.
pub(super) const SKEW: Duration = Duration::from_secs(60);
/// How old an ID token may be that was fetched just now.
pub(super) const AGE_MOST: Duration = Duration::from_secs(600);

type Verifier = IdTokenVerifier<'static, VerifyingKey>;

/// What the ID token must agree with.
pub(super) struct Expected<'a> {
    pub(super) settings: &'a OidcSettings,
    pub(super) metadata: &'a Metadata,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
}

/// The claims of an ID token for which every check held.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) claims: Map<String, Value>,
    pub(super) subject: String,
    pub(super) issued_at: Timestamp,
}

/// Verifies the ID token, whose header was read before.
pub(super) fn verify(tokens: &Tokens, keys: &KeySet, expected: &Expected<'_>) -> Result<Verified, ConnectError> {
    // The library may read times as text; RFC 7519 §2 knows numbers only.
    let claims = part(&tokens.id_token, 1)?;
    let (_, issued_at) = (instant(&claims, "exp")?, instant(&claims, "iat")?);
    let token: CoreIdToken = tokens.id_token.parse().map_err(|_| ConnectError::IdTokenUnreadable)?;
    let verifier = verifier(keys, expected)?;
    let verified = token.claims(&verifier, &Nonce::new(expected.nonce.to_owned())).map_err(cause)?;
    access_token(&token, verified, &verifier, tokens)?;
    timely(&claims, issued_at, expected.now)?;
    // The library leaves `azp` unchecked: a token issued to another client is not for us, whatever `aud` says.
    if claims.get("azp").is_some_and(|azp| azp.as_str() != Some(&expected.settings.client_id)) {
        return Err(ConnectError::AuthorizedParty);
    }
    tenant(&claims, &expected.settings.issuer)?;
    let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default().to_owned();
    // OpenID Connect Core §2: at most 255 characters.
    if subject.is_empty() || subject.chars().count() > 255 || subject.chars().any(char::is_control) {
        return Err(ConnectError::Subject);
    }
    Ok(Verified { claims, subject, issued_at })
}

/// The library's verifier. It is told of no client secret, so that no MAC can ever be accepted.
fn verifier(keys: &KeySet, expected: &Expected<'_>) -> Result<Verifier, ConnectError> {
    let issuer = IssuerUrl::new(expected.settings.issuer.clone()).map_err(|_| ConnectError::IssuerUnusable)?;
    let client = ClientId::new(expected.settings.client_id.clone());
    let algorithms = expected.metadata.algorithms.iter().map(|(_, algorithm)| algorithm.clone());
    // A time beyond the calendar makes every token expired.
    let late = expected.now.before(SKEW).as_micros();
    let late = DateTime::from_timestamp_micros(late).unwrap_or(DateTime::<Utc>::MAX_UTC);
    Ok(Verifier::new_public_client(client, issuer, keys.verifying())
        .set_allowed_algs(algorithms)
        .set_time_fn(move || late))
}

/// The access token must be the one that was issued with the ID token, if that says which (Core §3.1.3.8).
fn access_token(
    token: &CoreIdToken,
    verified: &CoreIdTokenClaims,
    verifier: &Verifier,
    tokens: &Tokens,
) -> Result<(), ConnectError> {
    let Some(stated) = verified.access_token_hash() else {
        return Ok(());
    };
    let algorithm = token.signing_alg().map_err(|_| ConnectError::Algorithm)?;
    let key = token.signing_key(verifier).map_err(|_| ConnectError::UnknownKey)?;
    let access_token = AccessToken::new(tokens.access_token.expose_secret().to_owned());
    let ours = AccessTokenHash::from_token(&access_token, algorithm, key).map_err(|_| ConnectError::AccessTokenHash)?;
    if ours == *stated { Ok(()) } else { Err(ConnectError::AccessTokenHash) }
}

/// Neither from the future nor an old one that was kept.
pub(super) fn timely(claims: &Map<String, Value>, issued_at: Timestamp, now: Timestamp) -> Result<(), ConnectError> {
    if issued_at > now.after(SKEW) || issued_at < now.before(AGE_MOST) {
        return Err(ConnectError::IssuedAt);
    }
    if claims.contains_key("nbf") && instant(claims, "nbf")? > now.after(SKEW) {
        return Err(ConnectError::NotYetValid);
    }
    Ok(())
}

/// Microsoft's issuers contain the tenant, and its tokens state it again in `tid`: the two must be one.
fn tenant(claims: &Map<String, Value>, issuer: &str) -> Result<(), ConnectError> {
    let Some(stated) = claims.get("tid") else {
        return Ok(());
    };
    let is_guid = |text: &&str| {
        text.len() == 36
            && text.char_indices().all(
                |(i, c)| {
                    if matches!(i, 8 | 13 | 18 | 23) { c == '-' } else { c.is_ascii_hexdigit() }
                },
            )
    };
    let Some(ours) = issuer.split('/').find(is_guid) else {
        return Ok(());
    };
    let same = stated.as_str().is_some_and(|stated| stated.eq_ignore_ascii_case(ours));
    if same { Ok(()) } else { Err(ConnectError::Tenant) }
}

/// A NumericDate (RFC 7519 §2): seconds, perhaps with a fraction.
pub(super) fn instant(claims: &Map<String, Value>, name: &str) -> Result<Timestamp, ConnectError> {
    let number = claims.get(name).and_then(Value::as_number);
    let whole = number.and_then(serde_json::Number::as_i64).map(Timestamp::from_seconds);
    let broken = || number.and_then(serde_json::Number::as_f64).and_then(|f| Duration::try_from_secs_f64(f).ok());
    whole.or_else(|| broken().map(|span| Timestamp::default().after(span))).ok_or(ConnectError::IdTokenUnreadable)
}

/// Our cause for the library's error, whose text carries claims.
fn cause(error: ClaimsVerificationError) -> ConnectError {
    match error {
        ClaimsVerificationError::Expired(_) => ConnectError::Expired,
        ClaimsVerificationError::InvalidAudience(_) => ConnectError::Audience,
        ClaimsVerificationError::InvalidIssuer(_) => ConnectError::Issuer,
        ClaimsVerificationError::InvalidNonce(_) => ConnectError::Nonce,
        ClaimsVerificationError::InvalidSubject(_) => ConnectError::Subject,
        ClaimsVerificationError::SignatureVerification(error) => signature_cause(error),
        ClaimsVerificationError::InvalidAuthContext(_)
        | ClaimsVerificationError::InvalidAuthTime(_)
        | ClaimsVerificationError::Other(_)
        | ClaimsVerificationError::Unsupported(_)
        | _ => ConnectError::IdTokenUnreadable,
    }
}

fn signature_cause(error: SignatureVerificationError) -> ConnectError {
    match error {
        SignatureVerificationError::AmbiguousKeyId(_) => ConnectError::AmbiguousKey,
        SignatureVerificationError::NoMatchingKey => ConnectError::UnknownKey,
        SignatureVerificationError::DisallowedAlg(_)
        | SignatureVerificationError::NoSignature
        | SignatureVerificationError::UnsupportedAlg(_) => ConnectError::Algorithm,
        SignatureVerificationError::CryptoError(_)
        | SignatureVerificationError::InvalidKey(_)
        | SignatureVerificationError::Other(_)
        | _ => ConnectError::Signature,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn times_are_numbers() {
        let at = |value: Value| instant(&map(json!({ "exp": value })), "exp").ok();
        assert_eq!(at(json!(1_795_255_200)), Some(Timestamp::from_seconds(1_795_255_200)));
        assert_eq!(at(json!(1.5)), Some(Timestamp::from_micros(1_500_000)));
        for bad in
            [json!("1795255200"), json!("2026-11-21T10:00:00Z"), json!(null), json!(-1.5), json!(true), json!([1])]
        {
            assert_eq!(at(bad.clone()), None, "{bad}");
        }
    }

    #[test]
    fn the_window_of_issue_is_60_s_ahead_to_10_min_ago() {
        let now = Timestamp::from_seconds(1_000_000);
        let at = |seconds| timely(&Map::new(), Timestamp::from_seconds(seconds), now).is_ok();
        assert!(at(1_000_060) && at(999_400));
        assert!(!at(1_000_061) && !at(999_399));
    }

    #[test]
    fn a_token_of_the_future_waits() {
        let now = Timestamp::from_seconds(1_000_000);
        let from = |nbf: Value| timely(&map(json!({ "nbf": nbf })), now, now).map_err(|e| e.reason());
        assert_eq!(from(json!(1_000_060)), Ok(()));
        assert_eq!(from(json!(1_000_061)), Err("not_yet_valid"));
        assert_eq!(from(json!("0")), Err("id_token_unreadable"));
    }

    #[test]
    fn a_tenant_stated_twice_is_stated_alike() {
        const OURS: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
        let issuer = format!("https://login.microsoftonline.com/{OURS}/v2.0");
        let tid = |tid: Value| tenant(&map(json!({ "tid": tid })), &issuer).is_ok();
        assert!(tid(json!(OURS)) && tid(json!(OURS.to_uppercase())));
        assert!(!tid(json!("82f988bf-86f1-41af-91ab-2d7cd011db47")) && !tid(json!("acme")) && !tid(json!(7)));
        assert!(tenant(&Map::new(), &issuer).is_ok());
        assert!(tenant(&map(json!({"tid": "anything"})), "https://idp.example/acme").is_ok());
    }
}
