//! Guessing passwords: how often, from where, and what may be learnt from the answers.

use anyhow::{Context as _, Result};
use cardea_gateway::login::{LoginError, local};
use cardea_model::Caller;
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Browser, Database, Engine, NodeBuilder, World, stories};
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use super::{NEW, change};

stories! {
    a_crowd_of_guesses_at_once_has_no_more_than_one_after_the_other,
    the_password_asked_for_again_is_guessed_no_more_often_than_at_the_door,
    a_network_that_tries_many_addresses_is_stopped_for_all_of_them,
    right_passwords_use_up_no_tries,
    nobody_costs_and_hears_what_somebody_does,
    too_many_at_once_are_sent_away_and_told_to_come_back,
}

const WRONG: &str = "Wrong-horse-7-battery";

/// A scene with few tries, behind a proxy that says where requests come from.
async fn few(engine: Engine, tries: u32) -> Result<World> {
    let builder = NodeBuilder::default().with(|it| {
        it.password_tries = tries;
        it.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    });
    World::on(Database::fresh(engine)?, builder).await
}

async fn enter(browser: Browser, from: String, email: String, password: &'static str) -> Result<Answer> {
    let request = browser.request(Method::POST, "/login/password").header("x-forwarded-for", from);
    Answer::read(request.form(&[("email", email.as_str()), ("password", password)]).send().await?).await
}

async fn typed(world: &World, from: &str, email: &str, password: &'static str) -> Result<u16> {
    Ok(enter(world.browser()?, from.to_owned(), email.to_owned(), password).await?.status)
}

async fn a_crowd_of_guesses_at_once_has_no_more_than_one_after_the_other(engine: Engine) -> Result<()> {
    let world = few(engine, 3).await?;
    let mut crowd = JoinSet::new();
    for _ in 0..20 {
        crowd.spawn(enter(world.browser()?, "198.51.100.1".to_owned(), OWNER.0.to_owned(), WRONG));
    }
    let mut looked_at = 0;
    while let Some(answer) = crowd.join_next().await {
        let status = answer??.status;
        assert!([401, 429].contains(&status), "{status}");
        looked_at += usize::from(status == 401);
    }
    assert_eq!(looked_at, 3);
    Ok(())
}

async fn the_password_asked_for_again_is_guessed_no_more_often_than_at_the_door(engine: Engine) -> Result<()> {
    let world = few(engine, 3).await?;
    let owner = world.sign_in_owner().await?;
    let again = async |from: &str, password: &str| {
        let request = owner.request(Method::POST, "/api/v1/me/password").header("x-forwarded-for", from);
        Answer::read(request.json(&json!({"current": password, "new": NEW})).send().await?).await
    };
    // Whoever holds the session and those at the door have the same three between them.
    assert_eq!(typed(&world, "198.51.100.1", OWNER.0, WRONG).await?, 401);
    for _ in 0..2 {
        assert_eq!(again("198.51.100.1", WRONG).await?.status, 403);
    }
    let shut = again("198.51.100.1", OWNER.1).await?;
    assert_eq!((shut.status, shut.code()), (429, "rate_limited".to_owned()));
    assert!(shut.header("retry-after").parse::<u32>().is_ok_and(|seconds| (1..=901).contains(&seconds)));
    assert_eq!(typed(&world, "198.51.100.1", OWNER.0, OWNER.1).await?, 429);
    let page = owner.request(Method::POST, "/me/security/password").header("x-forwarded-for", "198.51.100.1");
    let page = Answer::read(page.form(&[("current", OWNER.1), ("new", NEW)]).send().await?).await?;
    assert_eq!(page.status, 429);
    assert!(page.body.contains("Too many wrong passwords") && !page.header("retry-after").is_empty());
    assert_eq!(again("203.0.113.1", OWNER.1).await?.status, 200, "from the owner's own network");
    Ok(())
}

async fn a_network_that_tries_many_addresses_is_stopped_for_all_of_them(engine: Engine) -> Result<()> {
    let world = few(engine, 2).await?;
    for number in 0..20 {
        let email = format!("somebody-{number}@acme.test");
        assert_eq!(typed(&world, &format!("198.51.100.{number}"), &email, WRONG).await?, 401);
    }
    assert_eq!(typed(&world, "198.51.100.99", OWNER.0, OWNER.1).await?, 429, "the same network");
    assert_eq!(typed(&world, "198.51.101.1", OWNER.0, OWNER.1).await?, 303, "its neighbour");
    Ok(())
}

async fn right_passwords_use_up_no_tries(engine: Engine) -> Result<()> {
    let world = few(engine, 1).await?;
    // More often than a network may guess, and an account is guessed at before it counts as attacked.
    for _ in 0..12 {
        assert_eq!(typed(&world, "198.51.100.1", OWNER.0, OWNER.1).await?, 303);
    }
    let owner = world.sign_in_owner().await?;
    assert_eq!(change(&owner, OWNER.1, NEW).await?.status, 200);
    assert_eq!(typed(&world, "198.51.100.1", OWNER.0, NEW).await?, 303);
    Ok(())
}

/// Nobody learns from the door who exists: neither by what it says nor by what it does for it.
async fn nobody_costs_and_hears_what_somebody_does(engine: Engine) -> Result<()> {
    // There is no place for any computation here: whoever is not computed for would be told so by another answer.
    let world = World::new(engine).await?;
    let mut full = NodeBuilder::default().with(|it| (it.hashers, it.hash_queue) = (0, 0));
    full = full.named("full");
    let full = full.start(&world.database).await?;
    let people = [OWNER.0, "ana@corp.example", "nobody@acme.test", "nobody@elsewhere.example", "no address"];
    for email in people {
        let ctx = full.app.ctx(Caller::Nobody);
        let refused = local::sign_in(&full.app, &ctx, email, OWNER.1.into()).await.err().context("refused")?;
        assert!(matches!(refused, LoginError::Password(_)), "{email} costs nothing: {refused:?}");
    }
    world.sign_in("ana").await?;
    let mut answers = Vec::new();
    for email in people {
        let answer = enter(world.browser()?, String::new(), email.to_owned(), WRONG).await?;
        let headers: Vec<_> = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
        answers.push((answer.status, headers, answer.body.replace(email, "")));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    Ok(())
}

async fn too_many_at_once_are_sent_away_and_told_to_come_back(engine: Engine) -> Result<()> {
    let builder = NodeBuilder::default().with(|it| (it.hashers, it.hash_queue) = (0, 0));
    let full = builder.named("full");
    let world = World::new(engine).await?;
    let full = full.start(&world.database).await?;
    let owner = world.sign_in_owner().await?;
    let secret = owner.cookie("cardea")?;
    let browser = Browser::new(&full.url)?;
    let away = browser.post_form("/login/password", &[("email", OWNER.0), ("password", OWNER.1)]).await?;
    assert_eq!((away.status, away.header("retry-after")), (503, "1"));
    assert!(away.body.contains("Try again in a few seconds"), "{}", away.body);
    let call = browser.request(Method::POST, "/api/v1/me/password").bearer_auth(&secret);
    let away = Answer::read(call.json(&json!({"current": OWNER.1, "new": NEW})).send().await?).await?;
    assert_eq!((away.status, away.code(), away.header("retry-after")), (503, "busy".to_owned(), "1"));
    // Nothing was looked at, so nothing was counted, however often.
    for _ in 0..12 {
        let away = browser.post_form("/login/password", &[("email", OWNER.0), ("password", WRONG)]).await?;
        assert_eq!(away.status, 503);
    }
    Ok(())
}
