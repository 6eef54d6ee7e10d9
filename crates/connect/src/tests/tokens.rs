//! ID tokens, forged and spoilt in every way that a provider's own signature does not prevent.

use super::world::World;
use cardea_simulate::oidc::{Algorithm, ClaimsMode, DiscoveryMode, HeaderMode, JwksMode, Mode};
use serde_json::json;

async fn verdict(algorithm: Algorithm, mode: Mode) -> Result<(), &'static str> {
    let world = World::with(|provider| provider.algorithm = algorithm).await;
    world.provider.misbehave(mode);
    let verdict = world.verdict().await;
    // Addresses of keys in a header are never asked, whatever the verdict.
    assert_eq!(world.provider.count("/rogue-jwks"), 0);
    verdict
}

#[tokio::test]
async fn forged_headers_and_signatures_are_refused() {
    let kid = |kid: &str| HeaderMode::Kid(kid.to_owned());
    let table = [
        (HeaderMode::AlgNone, "algorithm"),
        (HeaderMode::AlgNoneOddCase, "algorithm"),
        (HeaderMode::Hs256WithPublicKey, "algorithm"),
        (HeaderMode::Hs256WithClientSecret, "algorithm"),
        (HeaderMode::AlgName("ES512".into()), "algorithm"),
        (HeaderMode::AlgName("ES384".into()), "algorithm"),
        (HeaderMode::UnknownKid, "unknown_key"),
        (kid("' OR 1=1 --"), "unknown_key"),
        (kid("../../../../dev/null"), "unknown_key"),
        (kid(&"k".repeat(100_000)), "unknown_key"),
        (HeaderMode::KnownKidOtherKey, "signature"),
        (HeaderMode::BrokenSignature, "signature"),
        (HeaderMode::Jku, "unknown_key"),
        (HeaderMode::X5u, "unknown_key"),
        (HeaderMode::EmbeddedJwk, "signature"),
        (HeaderMode::Crit, "critical_header"),
        (HeaderMode::TypAtJwt, "token_kind"),
        (HeaderMode::TypLogoutJwt, "token_kind"),
    ];
    for (mode, reason) in table {
        assert_eq!(verdict(Algorithm::Es256, mode.clone().into()).await, Err(reason), "{mode:?}");
    }
}

#[tokio::test]
async fn a_key_verifies_its_own_algorithm_only() {
    // Both names are allowed by the metadata, so only the key's own kind stands in the way.
    let es256 = HeaderMode::AlgName("ES256".into());
    let rs256 = HeaderMode::AlgName("RS256".into());
    assert_eq!(verdict(Algorithm::Rs256, es256.into()).await, Err("unknown_key"));
    assert_eq!(verdict(Algorithm::Es256, rs256.into()).await, Err("unknown_key"));
    assert_eq!(verdict(Algorithm::Rs256, HeaderMode::BrokenSignature.into()).await, Err("signature"));
}

#[tokio::test]
async fn metadata_cannot_bring_symmetric_algorithms_in() {
    for mode in [HeaderMode::Hs256WithClientSecret, HeaderMode::Hs256WithPublicKey, HeaderMode::AlgNone] {
        let world = World::new().await;
        let offered = json!(["none", "HS256", "ES256"]);
        world.provider.misbehave(DiscoveryMode::Member("id_token_signing_alg_values_supported".into(), offered));
        assert_eq!(world.verdict().await, Ok(()));
        world.provider.misbehave(mode.clone());
        assert_eq!(world.verdict().await, Err("algorithm"), "{mode:?}");
    }
}

#[tokio::test]
async fn a_token_without_kid_needs_a_set_with_one_key() {
    let world = World::new().await;
    world.provider.misbehave(HeaderMode::NoKid);
    assert_eq!(world.verdict().await, Ok(()));
    world.outside.forget("okta");
    world.provider.misbehave(JwksMode::NoKids);
    assert_eq!(world.verdict().await, Ok(()));
    world.outside.forget("okta");
    world.provider.misbehave(JwksMode::Many(1));
    assert_eq!(world.verdict().await, Err("ambiguous_key"));
}

#[tokio::test]
async fn spoilt_claims_are_refused() {
    let without = |claim: &str| ClaimsMode::Without(claim.to_owned());
    let set = |claim: &str, value| ClaimsMode::Set(claim.to_owned(), value);
    let table = [
        (ClaimsMode::WrongNonce, "nonce"),
        (ClaimsMode::NoNonce, "nonce"),
        (ClaimsMode::WrongIssuer, "issuer"),
        (ClaimsMode::WrongAudience, "audience"),
        (ClaimsMode::ExtraAudience, "audience"),
        (ClaimsMode::WrongAzp, "authorized_party"),
        (ClaimsMode::ExpiredBy(60), "expired"),
        (ClaimsMode::ExpiredBy(90), "expired"),
        (ClaimsMode::ExpiresAsText, "id_token_unreadable"),
        (ClaimsMode::IssuedAheadBy(61), "issued_at"),
        (ClaimsMode::IssuedAheadBy(3600), "issued_at"),
        (ClaimsMode::IssuedAheadBy(-601), "issued_at"),
        (ClaimsMode::NotBeforeAheadBy(3600), "not_yet_valid"),
        (ClaimsMode::WrongAtHash, "access_token_hash"),
        (without("iss"), "id_token_unreadable"),
        (without("aud"), "audience"),
        (without("exp"), "id_token_unreadable"),
        (without("iat"), "id_token_unreadable"),
        (without("sub"), "id_token_unreadable"),
        (set("sub", json!("")), "subject"),
        (set("sub", json!("x".repeat(256))), "subject"),
        (set("sub", json!("a\u{0}b")), "subject"),
        (set("sub", json!(7)), "id_token_unreadable"),
        (set("aud", json!([])), "audience"),
        (set("azp", json!(["gw"])), "id_token_unreadable"),
        (set("exp", json!("2099-01-01T00:00:00Z")), "id_token_unreadable"),
        (set("iss", json!(["x"])), "id_token_unreadable"),
    ];
    for (mode, reason) in table {
        assert_eq!(verdict(Algorithm::Es256, mode.clone().into()).await, Err(reason), "{mode:?}");
    }
}

#[tokio::test]
async fn what_the_specification_leaves_open_is_taken() {
    let set = |claim: &str, value| ClaimsMode::Set(claim.to_owned(), value);
    let good = [
        ClaimsMode::ExpiredBy(20),
        ClaimsMode::ExpiredBy(59),
        ClaimsMode::IssuedAheadBy(60),
        ClaimsMode::IssuedAheadBy(-600),
        ClaimsMode::NotBeforeAheadBy(60),
        ClaimsMode::NoAtHash,
        set("aud", json!(["gw"])),
        set("azp", json!("gw")),
        set("updated_at", json!("2026-11-21T10:00:00.000Z")),
    ];
    for mode in good {
        assert_eq!(verdict(Algorithm::Es256, mode.clone().into()).await, Ok(()), "{mode:?}");
    }
}

#[tokio::test]
async fn a_token_of_another_tenant_is_refused() {
    const OURS: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    let world = World::with(|provider| provider.issuer.push_str(&format!("/{OURS}/v2.0"))).await;
    assert_eq!(world.verdict().await, Ok(()));
    let table = [(OURS, Ok(())), ("9188040d-6c67-4c5b-b112-36a304b66dad", Err("tenant")), ("common", Err("tenant"))];
    for (tid, expected) in table {
        world.provider.behave();
        world.provider.misbehave(ClaimsMode::Set("tid".into(), json!(tid)));
        assert_eq!(world.verdict().await, expected, "{tid}");
    }
    world.provider.behave();
    let other = world.settings.issuer.replace(OURS, "9188040d-6c67-4c5b-b112-36a304b66dad");
    world.provider.misbehave(ClaimsMode::Set("iss".into(), json!(other)));
    assert_eq!(world.verdict().await, Err("issuer"));
}
