//! From one org to another without signing in anew: where that is allowed, and when such a session ends.

use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_store::{account, member, person};
use cardea_testkit::world::{self, OWNER};
use cardea_testkit::{Answer, Browser, Engine, Node, NodeBuilder, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use crate::invitations::invited;

stories! {
    a_person_finds_their_orgs_and_moves_between_them,
    an_end_in_the_account_of_origin_ends_the_moved_session_on_every_node,
    a_session_that_was_moved_is_no_recent_sign_in_and_lives_no_longer,
    where_a_connection_is_enforced_the_sign_in_goes_through_it,
    another_account_s_connection_opens_no_door,
    nobody_moves_to_where_they_may_not,
}

/// A second account whose owner is this person.
async fn beta(world: &World, owner: &str) -> Result<()> {
    let beta = json!({"name": "beta", "owner": {"email": owner, "password": OWNER.1},
        "org": {"name": "beta-lab", "kind": "enterprise"}});
    world.node().apply(json!({"version": 1, "accounts": [beta]})).await?;
    Ok(())
}

async fn by_password(node: &Node, email: &str) -> Result<Browser> {
    let browser = Browser::new(&node.url)?;
    let entered = browser.post_form("/login/password", &[("email", email), ("password", OWNER.1)]).await?;
    anyhow::ensure!(entered.status == 303, "{}", entered.body);
    Ok(browser)
}

async fn to(browser: &Browser, org: &str) -> Result<Answer> {
    browser.send(Method::POST, "/api/v1/me/switch", &json!({"org": org})).await
}

async fn orgs(browser: &Browser, part: &str) -> Result<Vec<Value>> {
    let answer = browser.get(&format!("/api/v1/me/orgs?q={part}")).await?.json();
    answer["orgs"].as_array().cloned().context("orgs")
}

/// Olga owns `beta-lab`, and has been invited into `acme`.
async fn olga(world: &World) -> Result<Browser> {
    beta(world, "olga@beta.test").await?;
    let owner = world.sign_in_owner().await?;
    let role = json!({"roles": [{"service": "registry", "role": "admin"}]});
    let link = invited(world.node(), &owner, "olga@beta.test", &role).await?;
    let olga = by_password(world.node(), "olga@beta.test").await?;
    assert_eq!(olga.post_form(&link, &[]).await?.status, 200);
    Ok(olga)
}

async fn account_of(browser: &Browser) -> Result<Value> {
    Ok(browser.get("/api/v1/me").await?.json()["account"].clone())
}

async fn a_person_finds_their_orgs_and_moves_between_them(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let olga = olga(&world).await?;
    let all = orgs(&olga, "").await?;
    let seen: Vec<_> = all.iter().map(|org| (&org["org"], &org["owner"], &org["current"], &org["sign_in"])).collect();
    let (acme, beta) = (json!("acme"), json!("beta-lab"));
    let (yes, no, none) = (json!(true), json!(false), Value::Null);
    assert_eq!(seen, [(&acme, &no, &no, &none), (&beta, &yes, &yes, &none)]);
    for (part, found) in [("LAB", 1), ("acm", 1), ("nowhere", 0), ("a", 2)] {
        assert_eq!(orgs(&olga, part).await?.len(), found, "{part}");
    }

    let old = olga.cookie("cardea")?;
    let moved = to(&olga, "acme").await?;
    assert_eq!((moved.status, moved.json()), (200, json!({"org": "acme"})));
    assert_eq!(account_of(&olga).await?, "acme");
    // The session has moved: what it was before opens nothing any more.
    let kept = Browser::new(&world.node().url)?.request(Method::GET, "/api/v1/me").bearer_auth(&old).send().await?;
    assert_eq!(kept.status().as_u16(), 401);
    // There she is what she was invited to be, and no more.
    let key = olga.make_key("laptop", &["registry"]).await?;
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true);
    assert_eq!(olga.get("/api/v1/orgs/acme/users").await?.status, 403);
    assert_eq!(olga.get("/api/v1/orgs/beta-lab/users").await?.status, 404);
    // And back, by the org's id.
    let id = orgs(&olga, "beta").await?[0]["id"].clone();
    assert_eq!(to(&olga, id.as_str().context("an id")?).await?.status, 200);
    assert_eq!(account_of(&olga).await?, "beta");
    assert_eq!(olga.get("/api/v1/orgs/beta-lab/users").await?.status, 200);
    Ok(())
}

/// A session that was moved ends with the membership that signed in, whichever node is asked.
async fn an_end_in_the_account_of_origin_ends_the_moved_session_on_every_node(engine: Engine) -> Result<()> {
    let mut world = World::new(engine).await?;
    world.add_node(NodeBuilder::default().named("two")).await?;
    let olga = olga(&world).await?;
    let two = world.nodes.get(1).context("two nodes")?.url.clone();
    assert_eq!(to(&olga, "acme").await?.status, 200);
    assert_eq!(olga.at(&two).get("/api/v1/me").await?.status, 200);
    // An operator shuts the door in the account where she signed in; nothing was done in the other one.
    let app = &world.node().app;
    let ctx = app.ctx(cardea_model::Caller::System("test"));
    let beta = account::named(&mut app.db.read().await?, "beta").await?.context("beta")?;
    cardea_gateway::people::deactivate(app, &ctx, beta.id, "olga@beta.test").await?;
    for address in [&world.node().url, &two] {
        assert_eq!(olga.at(address).get("/api/v1/me").await?.status, 401);
    }
    let key = json!({"name": "x", "never": true, "services": ["registry"]});
    assert_eq!(olga.send(Method::POST, "/api/v1/me/keys", &key).await?.status, 401);
    // Let in again there, the old session stays dead.
    cardea_gateway::people::reactivate(app, &ctx, beta.id, "olga@beta.test").await?;
    assert_eq!(olga.at(&two).get("/api/v1/me").await?.status, 401);

    // Signing out everywhere where she signed in ends it, too.
    let olga = by_password(world.node(), "olga@beta.test").await?;
    let there = by_password(world.node(), "olga@beta.test").await?;
    assert_eq!(to(&olga, "acme").await?.status, 200);
    assert_eq!(there.send(Method::DELETE, "/api/v1/me/sessions", &json!({})).await?.status, 204);
    assert_eq!(olga.get("/api/v1/me").await?.status, 401);
    Ok(())
}

async fn a_session_that_was_moved_is_no_recent_sign_in_and_lives_no_longer(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    beta(&world, OWNER.0).await?;
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    let (here, there) = match account_of(&owner).await?.as_str() {
        Some("acme") => ("acme", "beta-lab"),
        _ => ("beta-lab", "acme"),
    };
    for org in [there, here, there] {
        assert_eq!(to(&owner, org).await?.status, 200);
    }
    let body = json!({"email": "second@acme.test", "owner": true, "account_role": "admin"});
    let invitation = format!("/api/v1/orgs/{there}/invitations");
    let refused = owner.send(Method::POST, &invitation, &body).await?;
    assert_eq!((refused.status, refused.code().as_str()), (403, "reauthentication_required"));
    // Twelve hours after the sign-in it is over, however often it was moved meanwhile.
    for round in 0..23 {
        node.clock.advance(Duration::from_secs(30 * 60));
        assert_eq!(to(&owner, if round % 2 == 0 { here } else { there }).await?.status, 200, "{round}");
    }
    node.clock.advance(Duration::from_secs(31 * 60));
    assert_eq!(owner.get("/api/v1/me").await?.status, 401);
    Ok(())
}

/// Makes somebody whose address is proven a plain member of this account.
async fn enrol(node: &Node, account: &str, email: &str) -> Result<()> {
    let ctx = node.app.ctx(cardea_model::Caller::System("test"));
    let mut tx = node.app.db.write().await?;
    let row = account::named(&mut tx, account).await?.context("the account")?;
    let user = person::with_email(&mut tx, email).await?.context("the person")?;
    let id = cardea_model::id::MemberId::new(ctx.now, &*node.app.random);
    member::add(&mut tx, id, row.id, user.id, "member", ctx.now).await?;
    tx.commit().await?;
    Ok(())
}

async fn where_a_connection_is_enforced_the_sign_in_goes_through_it(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    // Ana is of `acme`, whose connection has her domain, and owns `beta-lab` with a password.
    world.sign_in("ana").await?;
    beta(&world, "ana@corp.example").await?;
    let local = by_password(world.node(), "ana@corp.example").await?;
    let acme = orgs(&local, "acme").await?;
    assert_eq!(acme[0]["sign_in"], "/login/okta");
    let refused = to(&local, "acme").await?;
    assert_eq!((refused.status, refused.code().as_str()), (403, "sign_in_required"));
    assert!(refused.body.contains("/login/okta"), "{}", refused.body);
    assert_eq!(account_of(&local).await?, "beta", "the session stays where it is");
    // Through the connection she moves both ways.
    let federated = world.sign_in("ana").await?;
    for org in ["beta-lab", "acme"] {
        assert_eq!(to(&federated, org).await?.status, 200, "{org}");
    }
    // And when the connection is switched off, the session that came through it is over, wherever it had moved to.
    assert_eq!(to(&federated, "beta-lab").await?.status, 200);
    let mut off = world::state(world.provider.issuer());
    off["accounts"][0]["connections"][0]["stage"] = json!("off");
    world.node().apply(off).await?;
    assert_eq!(federated.get("/api/v1/me").await?.status, 401);
    Ok(())
}

/// A provider vouches for its own domain: with an address of another one, its session neither moves nor learns of anything
/// elsewhere.
async fn another_account_s_connection_opens_no_door(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    world.sign_in("ana").await?;
    beta(&world, "ana@corp.example").await?;
    // The domain of her address is the provider's no longer, and the provider goes on saying that it is she.
    let mut state = world::state(world.provider.issuer());
    state["accounts"][0]["connections"][0]["domains"] = json!([]);
    world.node().apply(state).await?;
    let through = world.sign_in("ana").await?;
    let seen = orgs(&through, "").await?;
    assert_eq!(seen.iter().map(|org| &org["org"]).collect::<Vec<_>>(), ["acme"]);
    let refused = to(&through, "beta-lab").await?;
    assert_eq!((refused.status, refused.code().as_str()), (404, "not_found"));
    Ok(())
}

async fn nobody_moves_to_where_they_may_not(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, olga) = (world.node(), olga(&world).await?);
    assert_eq!(to(&world.browser()?, "acme").await?.status, 401);
    let gamma = json!({"name": "gamma", "owner": {"email": "g@gamma.test", "password": OWNER.1}});
    node.apply(json!({"version": 1, "accounts": [gamma]})).await?;
    for org in ["gamma", "nowhere", "a\u{0}b", ""] {
        let refused = to(&olga, org).await?;
        assert_eq!((refused.status, refused.code().as_str()), (404, "not_found"), "{org:?}");
    }
    // Held there, she does not go there, and is not shown it.
    let owner = world.sign_in_owner().await?;
    owner.send(Method::POST, "/api/v1/orgs/acme/users/olga@beta.test/deactivate", &json!({})).await?;
    let refused = to(&olga, "acme").await?;
    assert_eq!((refused.status, refused.code().as_str()), (403, "access_ended"));
    assert_eq!(orgs(&olga, "").await?.len(), 1);
    assert_eq!(account_of(&olga).await?, "beta");
    // Let in there, she may again.
    owner.send(Method::POST, "/api/v1/orgs/acme/users/olga@beta.test/reactivate", &json!({})).await?;
    assert_eq!(to(&olga, "acme").await?.status, 200);
    enrol(node, "gamma", "olga@beta.test").await?;
    assert_eq!(orgs(&olga, "").await?.len(), 3);
    Ok(())
}
