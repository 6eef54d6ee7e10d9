//! How often the door is tried: passwords, answers and sign-ins of a crowd.

use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Database, Engine, NodeBuilder, World, stories};
use reqwest::Method;

use super::before_the_callback;

stories! {
    a_password_is_tried_a_few_times_only,
    nobody_is_locked_out_by_the_tries_of_others,
    answers_to_nothing_are_not_written_down,
    a_network_signs_in_only_so_often,
    a_crowd_of_readers_makes_no_node_deaf,
}

async fn a_password_is_tried_a_few_times_only(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let browser = world.browser()?;
    let attempt = async |email: &str, password: &str| -> Result<Answer> {
        browser.post_form("/login/password", &[("email", email), ("password", password)]).await
    };
    let wrong = attempt(OWNER.0, "Wrong-horse-7").await?;
    let unknown = attempt("nobody@acme.test", "Wrong-horse-7").await?;
    assert_eq!((wrong.status, unknown.status), (401, 401));
    assert_eq!(
        wrong.body.replace(OWNER.0, ""),
        unknown.body.replace("nobody@acme.test", ""),
        "nobody can be looked up"
    );
    for _ in 0..20 {
        if attempt(OWNER.0, "Wrong-horse-7").await?.status == 429 {
            break;
        }
    }
    let shut = attempt(OWNER.0, OWNER.1).await?;
    assert_eq!(shut.status, 429);
    assert!(shut.header("retry-after").parse::<u32>().is_ok());
    world.node().clock.advance(Duration::from_secs(15 * 60 + 1));
    assert_eq!(attempt(OWNER.0, OWNER.1).await?.status, 303);
    Ok(())
}

/// A password, typed somewhere behind a proxy.
async fn typed(world: &World, from: &str, email: &str, password: &str) -> Result<u16> {
    let request = world.browser()?.request(Method::POST, "/login/password").header("x-forwarded-for", from);
    Ok(request.form(&[("email", email), ("password", password)]).send().await?.status().as_u16())
}

async fn nobody_is_locked_out_by_the_tries_of_others(engine: Engine) -> Result<()> {
    // Without a proxy that is trusted, the header is anybody's invention and gives no further tries.
    let world = World::on(Database::fresh(engine)?, NodeBuilder::default().with(|it| it.password_tries = 3)).await?;
    for try_number in 0..3 {
        assert_eq!(typed(&world, &format!("198.51.{try_number}.1"), OWNER.0, "Wrong-horse-7").await?, 401);
    }
    assert_eq!(typed(&world, "203.0.113.1", OWNER.0, OWNER.1).await?, 429);

    let behind = NodeBuilder::default().with(|it| {
        it.password_tries = 3;
        it.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    });
    let world = World::on(Database::fresh(engine)?, behind).await?;
    for _ in 0..3 {
        assert_eq!(typed(&world, "198.51.100.1", OWNER.0, "Wrong-horse-7").await?, 401);
    }
    assert_eq!(typed(&world, "198.51.100.77", OWNER.0, OWNER.1).await?, 429, "the same network");
    assert_eq!(
        typed(&world, "203.0.113.1, 198.51.100.1", OWNER.0, OWNER.1).await?,
        429,
        "what was sent before is no proof"
    );
    assert_eq!(typed(&world, "203.0.113.1", OWNER.0, OWNER.1).await?, 303, "the owner's own network");
    // From many networks at once: each has one try now, and the owner's too.
    for network in 0..10 {
        for _ in 0..3 {
            typed(&world, &format!("192.0.{network}.1"), OWNER.0, "Wrong-horse-7").await?;
        }
    }
    assert_eq!(typed(&world, "198.18.0.1", OWNER.0, "Wrong-horse-7").await?, 401);
    assert_eq!(typed(&world, "198.18.0.1", OWNER.0, OWNER.1).await?, 429);
    assert_eq!(typed(&world, "203.0.113.1", OWNER.0, OWNER.1).await?, 303);
    Ok(())
}

async fn answers_to_nothing_are_not_written_down(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let browser = world.browser()?;
    let long = "x".repeat(3000);
    for (path, status) in [
        ("/oidc/okta/callback?code=c&state=invented".to_owned(), 401),
        ("/oidc/okta/callback".to_owned(), 401),
        ("/oidc/nowhere/callback?code=c&state=invented".to_owned(), 404),
        (format!("/oidc/{long}/callback?state=invented"), 404),
    ] {
        assert_eq!(browser.get(&path).await?.status, status, "{path}");
    }
    // Nor is another browser's answer to somebody's attempt. One that its own browser brings is, once, in the log of the
    // account where it was begun.
    let (browser, address) = before_the_callback(&world, "ana").await?;
    assert_eq!(world.browser()?.get(&address).await?.status, 401);
    let spoilt = address.replace("code=", "code=spoilt");
    assert_eq!((browser.get(&spoilt).await?.status, browser.get(&spoilt).await?.status), (401, 401));
    let owner = world.sign_in_owner().await?;
    let log = owner.get("/api/v1/orgs/acme/audit?limit=100").await?.json();
    let rejected: Vec<_> =
        log["items"].as_array().into_iter().flatten().filter(|event| event["action"] == "login.rejected").collect();
    assert_eq!(rejected.len(), 1, "{rejected:?}");
    Ok(())
}

async fn a_network_signs_in_only_so_often(engine: Engine) -> Result<()> {
    let few = NodeBuilder::default().with(|settings| settings.sign_ins_per_minute = 3);
    let world = World::on(Database::fresh(engine)?, few).await?;
    let browser = world.browser()?;
    for path in ["/login/okta", "/oidc/okta/callback?code=c&state=invented"] {
        for _ in 0..3 {
            assert_ne!(browser.get(path).await?.status, 429);
        }
        let refused = browser.get(path).await?;
        assert_eq!(refused.status, 429, "{path}");
        let seconds: u64 = refused.header("retry-after").parse()?;
        assert!((1..=61).contains(&seconds), "{seconds}");
    }
    world.node().clock.advance(Duration::from_secs(61));
    world.sign_in("ana").await?;
    Ok(())
}

async fn a_crowd_of_readers_makes_no_node_deaf(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let most = match engine {
        Engine::Sqlite => cardea_store::db::Settings::default().readers,
        Engine::Postgres => cardea_store::db::Settings::default().pool,
    };
    let began = node.app.clock.now();
    let mut crowd = Vec::new();
    for _ in 0..most {
        crowd.push(node.app.db.read().await?);
    }
    node.clock.advance(Duration::from_secs(2));
    node.follow().await?;
    assert!(node.app.is_ready(), "the feed is read over a connection of its own");
    // And the node does not read as dead, which would leave it out of receipts.
    cardea_gateway::feed::announce(&node.app).await?;
    let seen =
        cardea_store::node::alive(crowd.first_mut().context("a reader")?, cardea_model::Timestamp::from_micros(0));
    assert!(seen.await?.iter().any(|it| it.id == node.app.feed.node && it.seen_at > began));
    Ok(())
}
