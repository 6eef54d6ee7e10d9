//! What the browser and the token endpoint bring, spoilt.

use super::world::World;
use crate::*;
use cardea_model::{Fault as _, Kind};
use cardea_simulate::oidc::{Answer, DiscoveryMode, Endpoint, Mode, ResponseMode, TokenMode};

async fn verdict(mode: impl Into<Mode>) -> Result<(), &'static str> {
    let world = World::new().await;
    world.provider.misbehave(mode);
    world.verdict().await
}

#[tokio::test]
async fn a_spoilt_answer_is_refused_before_the_code_is_sent_anywhere() {
    let hostile = "<script>alert(1)</script>".to_owned();
    let table = [
        (ResponseMode::NoState, "state_mismatch"),
        (ResponseMode::WrongState, "state_mismatch"),
        (ResponseMode::NoIss, "answer_issuer_missing"),
        (ResponseMode::WrongIss, "answer_issuer_mismatch"),
        (ResponseMode::DuplicateCode, "parameter_repeated"),
        (ResponseMode::Error { error: hostile.clone(), description: hostile }, "provider_error"),
    ];
    for (mode, reason) in table {
        let world = World::new().await;
        world.provider.misbehave(mode.clone());
        assert_eq!(world.verdict().await, Err(reason), "{mode:?}");
        assert_eq!(world.provider.count("/token"), 0, "{mode:?}");
    }
}

#[tokio::test]
async fn an_issuer_that_was_never_promised_may_be_absent() {
    let world = World::new().await;
    world.provider.misbehave(DiscoveryMode::NoIssParameter);
    world.provider.misbehave(ResponseMode::NoIss);
    assert_eq!(world.verdict().await, Ok(()));
    world.provider.behave();
    world.provider.misbehave(DiscoveryMode::NoIssParameter);
    world.provider.misbehave(ResponseMode::WrongIss);
    assert_eq!(world.verdict().await, Err("answer_issuer_mismatch"));
}

#[tokio::test]
async fn anothers_code_with_ones_own_state_is_refused() {
    let world = World::new().await;
    let (mine, mut arrival) = world.visit("bo").await.unwrap();
    let (_, stolen) = world.visit("ana").await.unwrap();
    let code = stolen.0.into_iter().find(|(name, _)| name == "code").unwrap();
    arrival.0.retain(|(name, _)| name != "code");
    arrival.0.push(code);
    let error = world.finish(&mine, arrival).await.unwrap_err();
    assert!(matches!(&error, ConnectError::TokenRefused(code) if code == "invalid_grant"), "{error:?}");
}

#[tokio::test]
async fn an_answer_serves_once() {
    let world = World::new().await;
    let (flow, arrival) = world.visit("ana").await.unwrap();
    world.finish(&flow, arrival.clone()).await.unwrap();
    assert_eq!(world.finish(&flow, arrival).await.unwrap_err().reason(), "token_refused");
}

#[tokio::test]
async fn the_answer_of_another_connection_is_refused() {
    let (ours, theirs) = (World::new().await, World::new().await);
    let (flow, _) = ours.visit("ana").await.unwrap();
    let (_, mut arrival) = theirs.visit("ana").await.unwrap();
    for (name, value) in &mut arrival.0 {
        if name == "state" {
            value.clone_from(&flow.state);
        }
    }
    assert_eq!(ours.finish(&flow, arrival).await.unwrap_err().reason(), "answer_issuer_mismatch");
}

#[tokio::test]
async fn a_spoilt_token_answer_has_its_reason() {
    let whole = |answer| Mode::Answer(Endpoint::Token, answer);
    let table: [(Mode, &str); 10] = [
        (TokenMode::TypeMac.into(), "token_type"),
        (TokenMode::NoIdToken.into(), "id_token_missing"),
        (TokenMode::NoAccessToken.into(), "token_unreadable"),
        (whole(Answer::Html), "token_unreadable"),
        (whole(Answer::ContentType("text/plain".into())), "token_unreadable"),
        (whole(Answer::Status(400)), "token_unreadable"),
        (whole(Answer::Status(500)), "token_unreachable"),
        (whole(Answer::Redirect), "token_unreachable"),
        (whole(Answer::Huge), "token_unreachable"),
        (whole(Answer::Hang), "token_unreachable"),
    ];
    for (mode, reason) in table {
        assert_eq!(verdict(mode.clone()).await, Err(reason), "{mode:?}");
    }
}

#[tokio::test]
async fn an_id_token_of_an_earlier_sign_in_is_refused() {
    let world = World::new().await;
    world.verdict().await.unwrap();
    world.provider.misbehave(TokenMode::EarlierIdToken);
    assert_eq!(world.verdict().await, Err("nonce"));
}

#[tokio::test]
async fn a_wrong_secret_is_told_by_name() {
    let mut world = World::new().await;
    world.settings.client_secret = Some("wrong".into());
    let error = world.sign_in("ana").await.unwrap_err();
    assert!(matches!(&error, ConnectError::TokenRefused(code) if code == "invalid_client"), "{error:?}");
    assert_eq!(error.kind(), Kind::Unauthenticated);
}

#[tokio::test]
async fn a_failure_says_nothing_of_what_the_provider_sent() {
    let world = World::new().await;
    world.provider.misbehave(TokenMode::TypeMac);
    let (flow, arrival) = world.visit("ana").await.unwrap();
    let code = arrival.0.iter().find(|(name, _)| name == "code").unwrap().1.clone();
    let error = world.finish(&flow, arrival).await.unwrap_err();
    let printed = format!("{error:?} {error}");
    assert!(!printed.contains(&code) && !printed.contains("eyJ"), "{printed}");
}

#[tokio::test]
async fn a_provider_that_is_gone_is_unavailable() {
    let World { clock, provider, outside, settings, .. } = World::new().await;
    provider.stop().await;
    drop(clock);
    let connector = Connector::Oidc(Box::new(OidcConnector::new(settings, outside)));
    let error = connector
        .begin(&Flow::fresh(&super::world::Counting::default()), cardea_model::Timestamp::default())
        .await
        .unwrap_err();
    assert_eq!((error.reason(), error.kind()), ("discovery_unreachable", Kind::Unavailable));
}
