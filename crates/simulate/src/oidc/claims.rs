//! What ID token and userinfo say about a person.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::code::Grant;
use super::modes::ClaimsMode;
use super::settings::{GroupsIn, ProviderSettings};
use crate::people::Person;

/// Seconds that an ID token lives.
const ID_TOKEN_LIFE: i64 = 300;

/// OpenID Connect Core §2.
pub(crate) fn id_token_claims(
    settings: &ProviderSettings,
    person: &Person,
    grant: &Grant,
    access_token: &str,
    now: i64,
) -> Map<String, Value> {
    let mut claims = about(settings, person, grant, GroupsIn::IdToken);
    let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    put("iss", json!(settings.issuer));
    put("aud", json!(settings.client_id));
    put("exp", json!(now.saturating_add(ID_TOKEN_LIFE)));
    put("iat", json!(now));
    put("auth_time", json!(grant.auth_time));
    put("amr", json!(["pwd", "otp"]));
    put("sid", json!(grant.sid));
    put("at_hash", json!(at_hash(access_token)));
    if let Some(nonce) = &grant.nonce {
        put("nonce", json!(nonce));
    }
    lay_over(&mut claims, &person.claims);
    claims
}

/// OpenID Connect Core §5.3.
pub(crate) fn userinfo_claims(settings: &ProviderSettings, person: &Person, grant: &Grant) -> Map<String, Value> {
    let mut claims = about(settings, person, grant, GroupsIn::Userinfo);
    lay_over(&mut claims, &person.claims);
    claims
}

/// The claims of the person that the granted scopes cover (OpenID Connect Core §5.4). Groups need no
/// scope: administrators map them, as at most providers.
fn about(settings: &ProviderSettings, person: &Person, grant: &Grant, place: GroupsIn) -> Map<String, Value> {
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    put("sub", json!(person.subject));
    if grant.covers("profile") {
        put("name", json!(person.display_name()));
        put("given_name", json!(person.given_name));
        put("family_name", json!(person.family_name));
        put("preferred_username", json!(person.email));
    }
    if grant.covers("email") {
        put("email", json!(person.email));
        if let Some(verified) = person.email_verified {
            put("email_verified", json!(verified));
        }
    }
    if settings.groups_in == GroupsIn::Both || settings.groups_in == place {
        let name = person.groups_claim.as_deref().unwrap_or(&settings.groups_claim);
        put(name, json!(person.groups));
    }
    claims
}

fn lay_over(claims: &mut Map<String, Value>, others: &Map<String, Value>) {
    for (name, value) in others {
        if value.is_null() {
            claims.remove(name);
        } else {
            claims.insert(name.clone(), value.clone());
        }
    }
}

/// The left half of the access token's SHA-256 (OpenID Connect Core §3.1.3.6).
fn at_hash(access_token: &str) -> String {
    let hash = digest::digest(&digest::SHA256, access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.as_ref().get(..16).unwrap_or_default())
}

/// Makes the claims wrong in one way and leaves the others true.
pub(crate) fn spoil(claims: &mut Map<String, Value>, mode: ClaimsMode, settings: &ProviderSettings, now: i64) {
    let mut put = |name: &str, value: Value| {
        claims.insert(name.to_owned(), value);
    };
    match mode {
        ClaimsMode::WrongNonce => put("nonce", json!("a-nonce-that-nobody-sent")),
        ClaimsMode::NoNonce => drop(claims.remove("nonce")),
        ClaimsMode::WrongIssuer => put("iss", json!("https://other-idp.example")),
        ClaimsMode::WrongAudience => put("aud", json!("other-client")),
        ClaimsMode::ExtraAudience => {
            put("aud", json!([settings.client_id, "other-client"]));
            put("azp", json!(settings.client_id));
        }
        ClaimsMode::WrongAzp => put("azp", json!("other-client")),
        ClaimsMode::ExpiredBy(seconds) => {
            let expired = now.saturating_sub(seconds);
            put("exp", json!(expired));
            put("iat", json!(expired.saturating_sub(ID_TOKEN_LIFE)));
        }
        ClaimsMode::ExpiresAsText => {
            put("exp", json!(now.saturating_add(ID_TOKEN_LIFE).to_string()));
        }
        ClaimsMode::IssuedAheadBy(seconds) => {
            let issued = now.saturating_add(seconds);
            put("iat", json!(issued));
            // Only `iat` shall be wrong: the token still lives now, whichever way it was shifted.
            put("exp", json!(issued.max(now).saturating_add(ID_TOKEN_LIFE)));
        }
        ClaimsMode::NotBeforeAheadBy(seconds) => {
            put("nbf", json!(now.saturating_add(seconds)));
            put("exp", json!(now.saturating_add(seconds).saturating_add(ID_TOKEN_LIFE)));
        }
        ClaimsMode::WrongAtHash => put("at_hash", json!(at_hash("another access token"))),
        ClaimsMode::NoAtHash => drop(claims.remove("at_hash")),
        ClaimsMode::Without(name) => drop(claims.remove(&name)),
        ClaimsMode::Set(name, value) => put(&name, value),
    }
}
