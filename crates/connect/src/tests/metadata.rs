//! The metadata document, spoilt.

use super::world::World;
use cardea_simulate::oidc::{Answer, DiscoveryMode, Endpoint, Mode};
use serde_json::json;

#[tokio::test]
async fn spoilt_metadata_has_its_reason_and_nobody_departs() {
    let whole = |answer| Mode::Answer(Endpoint::Discovery, answer);
    let member = |name: &str, value| Mode::from(DiscoveryMode::Member(name.to_owned(), value));
    let issuer = |issuer: &str| Mode::from(DiscoveryMode::OtherIssuer(issuer.to_owned()));
    let table = [
        (issuer("https://evil.example"), "discovery_issuer_mismatch"),
        (issuer("https://login.example/{tenantid}/v2.0"), "discovery_issuer_mismatch"),
        (DiscoveryMode::Without("jwks_uri".into()).into(), "discovery_incomplete"),
        (DiscoveryMode::PrivateJwks.into(), "outbound_forbidden"),
        (member("token_endpoint", json!("https://10.0.0.1/token")), "outbound_forbidden"),
        (member("userinfo_endpoint", json!("https://192.168.0.1/userinfo")), "outbound_forbidden"),
        (member("end_session_endpoint", json!("https://[fd00::1]/bye")), "outbound_forbidden"),
        (member("authorization_endpoint", json!("javascript:alert(1)")), "outbound_forbidden"),
        (member("authorization_endpoint", json!("http://idp.example/authorize")), "outbound_forbidden"),
        (whole(Answer::ContentType("text/plain".into())), "discovery_unreadable"),
        (whole(Answer::Html), "discovery_unreadable"),
        (whole(Answer::Huge), "discovery_unreachable"),
        (whole(Answer::Hang), "discovery_unreachable"),
        (whole(Answer::Redirect), "discovery_unreachable"),
        (whole(Answer::Status(500)), "discovery_unreachable"),
        (whole(Answer::Status(404)), "discovery_unreachable"),
    ];
    for (mode, reason) in table {
        let world = World::new().await;
        world.provider.misbehave(mode.clone());
        assert_eq!(world.verdict().await, Err(reason), "{mode:?}");
        assert_eq!(world.provider.count("/authorize"), 0, "{mode:?}");
    }
}

#[tokio::test]
async fn the_issuers_final_slash_counts() {
    let mut world = World::new().await;
    world.settings.issuer.push('/');
    assert_eq!(world.verdict().await, Err("discovery_issuer_mismatch"));
    world.settings.issuer = "not a url".into();
    assert_eq!(world.verdict().await, Err("issuer_unusable"));
}

#[tokio::test]
async fn metadata_is_asked_for_once_an_hour() {
    let world = World::new().await;
    let path = Endpoint::Discovery.path();
    for _ in 0..3 {
        world.verdict().await.unwrap();
    }
    assert_eq!(world.provider.count(path), 1);
    world.clock.advance(3600);
    world.verdict().await.unwrap();
    assert_eq!(world.provider.count(path), 2);
    world.outside.forget("okta");
    world.verdict().await.unwrap();
    assert_eq!(world.provider.count(path), 3);
}

#[tokio::test]
async fn while_the_metadata_is_away_the_old_goes_on_but_a_wrong_one_does_not() {
    let world = World::new().await;
    world.verdict().await.unwrap();
    world.clock.advance(3600);
    world.provider.misbehave(Mode::Answer(Endpoint::Discovery, Answer::Status(503)));
    world.verdict().await.unwrap();
    world.verdict().await.unwrap();
    assert_eq!(world.provider.count(Endpoint::Discovery.path()), 2, "a failing provider is left alone for a minute");
    world.provider.behave();
    world.clock.advance(61);
    world.provider.misbehave(DiscoveryMode::OtherIssuer("https://evil.example".into()));
    assert_eq!(world.verdict().await, Err("discovery_issuer_mismatch"));
    world.provider.behave();
    world.provider.misbehave(Mode::Answer(Endpoint::Discovery, Answer::Status(503)));
    world.clock.advance(25 * 3600);
    assert_eq!(world.verdict().await, Err("discovery_unreachable"));
}

#[tokio::test]
async fn all_who_wait_for_a_silent_provider_wait_once() {
    let world = World::new().await;
    world.provider.misbehave(Mode::Answer(Endpoint::Discovery, Answer::Hang));
    let one = async || world.verdict().await;
    let away = Err("discovery_unreachable");
    assert_eq!(tokio::join!(one(), one(), one(), one()), (away, away, away, away));
    assert_eq!(world.provider.count(Endpoint::Discovery.path()), 1);
    world.provider.behave();
    assert_eq!(world.verdict().await, Ok(()));
}
