//! Published keys, rotated and spoilt.

use super::world::World;
use cardea_simulate::oidc::{Algorithm, Answer, Endpoint, HeaderMode, JwksMode, Mode, OldKeys};

#[tokio::test]
async fn a_rotation_costs_one_more_fetch_and_nobody_a_sign_in() {
    for old in [OldKeys::Published, OldKeys::Dropped] {
        let world = World::new().await;
        world.verdict().await.unwrap();
        world.verdict().await.unwrap();
        assert_eq!(world.provider.count("/jwks"), 1);
        world.provider.rotate(Algorithm::Es256, old).await.unwrap();
        world.verdict().await.unwrap();
        world.verdict().await.unwrap();
        assert_eq!(world.provider.count("/jwks"), 2, "{old:?}");
    }
}

#[tokio::test]
async fn a_flood_of_unknown_keys_costs_one_fetch_a_minute() {
    let world = World::new().await;
    world.verdict().await.unwrap();
    for minute in 1..=3 {
        world.provider.misbehave(HeaderMode::UnknownKid);
        for _ in 0..20 {
            assert_eq!(world.verdict().await, Err("unknown_key"));
        }
        assert_eq!(world.provider.count("/jwks"), 1 + minute);
        world.provider.behave();
        world.verdict().await.unwrap();
        assert_eq!(world.provider.count("/jwks"), 1 + minute);
        world.clock.advance(61);
    }
}

#[tokio::test]
async fn spoilt_key_sets_verify_nothing() {
    let table = [
        (JwksMode::Empty, Err("unknown_key")),
        (JwksMode::Poisoned, Err("signature")),
        (JwksMode::DuplicateKid, Err("ambiguous_key")),
        (JwksMode::ForEncryption, Err("unknown_key")),
        (JwksMode::Symmetric, Err("unknown_key")),
        (JwksMode::Many(20_000), Err("keys_unreachable")),
        (JwksMode::Many(100), Err("keys_unreadable")),
        (JwksMode::Many(99), Ok(())),
        (JwksMode::JunkEntries, Ok(())),
    ];
    for (mode, expected) in table {
        let world = World::new().await;
        world.provider.misbehave(mode.clone());
        assert_eq!(world.verdict().await, expected, "{mode:?}");
    }
}

#[tokio::test]
async fn while_the_keys_are_away_the_old_ones_go_on_for_a_day() {
    for answer in [Answer::Status(500), Answer::Hang, Answer::Html, Answer::Redirect] {
        let world = World::new().await;
        world.verdict().await.unwrap();
        world.provider.misbehave(Mode::Answer(Endpoint::Jwks, answer.clone()));
        world.clock.advance(301);
        assert_eq!(world.verdict().await, Ok(()), "{answer:?}");
        assert_eq!(world.verdict().await, Ok(()), "{answer:?}");
        assert_eq!(world.provider.count("/jwks"), 2, "a failing provider is left alone for a minute: {answer:?}");
        world.clock.advance(24 * 3600);
        assert!(world.verdict().await.is_err(), "{answer:?}");
    }
}

#[tokio::test]
async fn without_keys_ever_fetched_there_is_no_sign_in() {
    for (answer, reason) in [
        (Answer::Status(500), "keys_unreachable"),
        (Answer::Hang, "keys_unreachable"),
        (Answer::Huge, "keys_unreachable"),
        (Answer::Redirect, "keys_unreachable"),
        (Answer::Html, "keys_unreadable"),
    ] {
        let world = World::new().await;
        world.provider.misbehave(Mode::Answer(Endpoint::Jwks, answer.clone()));
        assert_eq!(world.verdict().await, Err(reason), "{answer:?}");
    }
}

#[tokio::test]
async fn a_key_that_was_withdrawn_is_dropped_with_the_next_fetch() {
    let world = World::new().await;
    world.verdict().await.unwrap();
    let stolen = world.provider.kid();
    world.provider.rotate(Algorithm::Es256, OldKeys::Dropped).await.unwrap();
    world.verdict().await.unwrap();
    world.provider.misbehave(HeaderMode::Kid(stolen));
    assert_eq!(world.verdict().await, Err("unknown_key"));
}
