//! One-time links for owners: each makes one owner once, and nobody gets in by one that was kept.

use anyhow::{Context as _, Result};
use cardea_gateway::accounts;
use cardea_model::Caller;
use cardea_testkit::world::OWNER;
use cardea_testkit::{Browser, Database, Engine, Node, NodeBuilder, World, stories};
use serde_json::json;

stories! {
    the_first_start_link_makes_the_first_owner_once,
    an_owner_link_invites_within_the_limits,
    a_first_start_link_ends_with_the_first_account,
    an_owner_link_replaces_no_password,
}

async fn the_first_start_link_makes_the_first_owner_once(engine: Engine) -> Result<()> {
    let database = Database::fresh(engine)?;
    let node = Node::start(&database).await?;
    let old = accounts::first_start(&node.app).await?.map(cardea_model::ShownOnce::reveal).unwrap_or_default();
    let new = accounts::first_start(&node.app).await?.map(cardea_model::ShownOnce::reveal).unwrap_or_default();
    let browser = Browser::new(&node.url)?;
    assert_eq!(browser.get(&format!("/link/{old}")).await?.status, 404, "only the newest link is good");
    let link = format!("/link/{new}");
    // A mail scanner that looks at the link does not use it up.
    assert_eq!(browser.get(&link).await?.status, 200);
    let weak = [("account", "acme"), ("email", "owner@acme.test"), ("password", "short")];
    assert_eq!(browser.post_form(&link, &weak).await?.status, 422);
    let good = [("account", "acme"), ("email", "owner@acme.test"), ("password", OWNER.1)];
    assert_eq!(browser.post_form(&link, &good).await?.status, 303);
    assert_eq!(browser.get("/api/v1/me").await?.json()["orgs"][0]["org"], "acme");
    assert_eq!(browser.post_form(&link, &good).await?.status, 404, "once");
    assert!(accounts::first_start(&node.app).await?.is_none());
    Ok(())
}

async fn an_owner_link_invites_within_the_limits(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let app = &world.node().app;
    let ctx = app.ctx(Caller::System("test"));
    assert!(
        accounts::invite_owner(app, &ctx, "acme", "owner@elsewhere.test").await.is_err(),
        "one domain for all owners"
    );
    assert!(accounts::invite_owner(app, &ctx, "nowhere", "a@acme.test").await.is_err());
    for email in ["second@acme.test", "third@acme.test"] {
        let link = accounts::invite_owner(app, &ctx, "acme", email).await?.reveal();
        let browser = world.browser()?;
        assert_eq!(browser.post_form(&format!("/link/{link}"), &[("password", OWNER.1)]).await?.status, 303);
        assert_eq!(browser.get("/api/v1/orgs/acme/users").await?.status, 200);
    }
    assert!(accounts::invite_owner(app, &ctx, "acme", "fourth@acme.test").await.is_err(), "three at the most");
    Ok(())
}

async fn a_first_start_link_ends_with_the_first_account(engine: Engine) -> Result<()> {
    let database = Database::fresh(engine)?;
    let (one, two) = (Node::start(&database).await?, NodeBuilder::default().named("two").start(&database).await?);
    // Two nodes that start at once leave one link, whichever comes last.
    let (first, second) = tokio::join!(accounts::first_start(&one.app), accounts::first_start(&two.app));
    let links: Vec<_> = [first?, second?].into_iter().flatten().map(cardea_model::ShownOnce::reveal).collect();
    let mut good = Vec::new();
    for link in &links {
        good.extend(accounts::look_at_link(&one.app, link).await.is_ok().then_some(link));
    }
    assert_eq!((links.len(), good.len()), (2, 1));
    let link = format!("/link/{}", good.first().copied().cloned().unwrap_or_default());
    // The operator makes the first account in another way: the link must not open a second door to its owner.
    one.apply(cardea_testkit::world::state("http://127.0.0.1:9")).await?;
    let browser = Browser::new(&one.url)?;
    assert_eq!(browser.get(&link).await?.status, 404);
    let attack = [("account", "mine"), ("email", OWNER.0), ("password", "Attackers-choice-9")];
    assert_eq!(browser.post_form(&link, &attack).await?.status, 404);
    let enter = async |password: &str| {
        browser.post_form("/login/password", &[("email", OWNER.0), ("password", password)]).await
    };
    assert_eq!(enter("Attackers-choice-9").await?.status, 401);
    assert_eq!(enter(OWNER.1).await?.status, 303, "the owner's password stands");
    Ok(())
}

async fn an_owner_link_replaces_no_password(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let app = &world.node().app;
    world.node().apply(json!({"version": 1, "accounts": [{"name": "beta"}]})).await?;
    let link = accounts::invite_owner(app, &app.ctx(Caller::System("test")), "beta", OWNER.0).await?.reveal();
    let (link, browser) = (format!("/link/{link}"), world.browser()?);
    let other = browser.post_form(&link, &[("password", "Attackers-choice-9")]).await?;
    assert_eq!(other.status, 422);
    assert!(other.body.contains("has a password here already"), "{}", other.body);
    let enter = async |password: &str| {
        browser.post_form("/login/password", &[("email", OWNER.0), ("password", password)]).await
    };
    assert_eq!(enter("Attackers-choice-9").await?.status, 401);
    // Whoever types the password that they have becomes the owner of both.
    assert_eq!(browser.post_form(&link, &[("password", OWNER.1)]).await?.status, 303);
    let mut conn = app.db.read().await?;
    let beta = cardea_store::account::named(&mut conn, "beta").await?.context("beta")?;
    assert_eq!(cardea_store::member::owner_emails(&mut conn, beta.id).await?, [OWNER.0]);
    Ok(())
}
