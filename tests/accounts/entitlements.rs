//! What an org has, until when, and what becomes of it then.

use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_testkit::{Engine, Node, NodeBuilder, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Operator, refusal, refused};

stories! {
    an_entitlement_ends_by_itself_on_every_node,
    a_suspended_service_gives_nothing_until_it_is_active_again,
    what_is_taken_from_an_org_leaves_its_grants,
    a_premium_service_makes_an_individual_org_an_enterprise_for_good,
    a_declaration_says_when_a_service_ends,
}

const HOUR: Duration = Duration::from_secs(3600);

/// Every node's clock and feed, a good hour later: their clocks differ a little, as clocks do.
async fn an_hour_later(world: &World) -> Result<()> {
    for node in &world.nodes {
        node.clock.advance(HOUR + Duration::from_secs(1));
        node.follow().await?;
    }
    Ok(())
}

/// What a node says to a key at a service: `yes`, or the reason.
async fn says(world: &World, node: &Node, key: &str, service: &str) -> Result<String> {
    let entity = if service == "registry" { "acme/app" } else { "acme/vision/app" };
    let question = json!({"key": key, "service": service, "action": "download_container", "entity_type": "container",
        "entity": entity});
    let answer = world.ask(node, &question).await?;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let reason = answer.json()["reason"].as_str().map(str::to_owned);
    Ok(reason.unwrap_or_else(|| "yes".to_owned()))
}

/// So long after now, as the API is told.
fn in_(node: &Node, span: Duration) -> String {
    node.app.clock.now().after(span).to_string()
}

/// An entitlement that has ended makes grants of its service evaluate to nothing; keys keep working for other services.
async fn an_entitlement_ends_by_itself_on_every_node(engine: Engine) -> Result<()> {
    let mut world = World::new(engine).await?;
    world.add_node(NodeBuilder::default().named("two")).await?;
    let operator = Operator::of(world.node()).await?;
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry", "catalog"]).await?.secret;
    let end = in_(world.node(), HOUR);
    let given = operator.entitle("acme", "registry", &json!({"ends_at": end})).await?;
    assert_eq!((&given["state"], &given["ends_at"]), (&json!("active"), &json!(end)));
    for node in &world.nodes {
        node.catch_up().await?;
        assert_eq!(says(&world, node, &key, "registry").await?, "yes");
    }
    an_hour_later(&world).await?;
    for node in &world.nodes {
        let asked = || node.app.metrics.checks_asked.get();
        let before = asked();
        assert_eq!(says(&world, node, &key, "registry").await?, "service_not_enabled");
        assert_eq!(says(&world, node, &key, "catalog").await?, "yes");
        assert_eq!(says(&world, node, &key, "registry").await?, "service_not_enabled");
        // The end costs one look into the database; after it the answers come from memory again.
        assert_eq!(asked() - before, 1);
    }
    assert_eq!(
        operator.entitlements("acme").await?,
        ["catalog:active", "public_api_endpoints:active", "registry:ended"]
    );
    // The role stays stored, no new key has the service, and whoever asks is told why.
    let ana = world.sign_in("ana").await?;
    let services = ana.get("/api/v1/me/services").await?.json()["services"].as_array().cloned().context("services")?;
    assert!(services.iter().all(|service| service["service"] != "registry"), "{services:?}");
    let more = json!({"name": "more", "never": true, "services": ["registry"]});
    assert_eq!(refusal(&ana.send(Method::POST, "/api/v1/me/keys", &more).await?), refused(422, "no_role"));
    let owner = world.sign_in_owner().await?;
    let why = owner.get("/api/v1/orgs/acme/users/ana@corp.example/explain?service=registry").await?.json();
    assert!(why["codes"].as_array().is_some_and(|codes| codes.contains(&json!("entitlement_expired"))), "{why}");
    assert_eq!(why["roles"][0]["role"], "admin");

    // A later end, and the same key works.
    operator.entitle("acme", "registry", &json!({})).await?;
    for node in &world.nodes {
        node.catch_up().await?;
        assert_eq!(says(&world, node, &key, "registry").await?, "yes");
    }
    Ok(())
}

async fn a_suspended_service_gives_nothing_until_it_is_active_again(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let operator = Operator::of(node).await?;
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry", "catalog"]).await?.secret;
    assert_eq!(says(&world, node, &key, "registry").await?, "yes");
    let held = operator.entitle("acme", "registry", &json!({"state": "suspended"})).await?;
    assert_eq!(held["state"], "suspended");
    // From the answer on.
    assert_eq!(says(&world, node, &key, "registry").await?, "service_not_enabled");
    assert_eq!(says(&world, node, &key, "catalog").await?, "yes");
    operator.entitle("acme", "registry", &json!({"state": "active"})).await?;
    assert_eq!(says(&world, node, &key, "registry").await?, "yes");
    for (service, how, expected) in [
        ("registry", json!({"state": "expired"}), refused(422, "invalid_value")),
        ("registry", json!({"ends_at": "soon"}), refused(422, "invalid_value")),
        ("registri", json!({}), refused(422, "unknown_service")),
    ] {
        let path = format!("/api/v1/accounts/acme/entitlements/{service}");
        assert_eq!(refusal(&operator.send(Method::PUT, &path, &how).await?), expected, "{service} {how}");
    }
    assert_eq!(says(&world, node, &key, "registry").await?, "yes");
    Ok(())
}

async fn what_is_taken_from_an_org_leaves_its_grants(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let operator = Operator::of(node).await?;
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry"]).await?.secret;
    let path = "/api/v1/accounts/acme/entitlements/registry";
    assert_eq!(operator.send(Method::DELETE, path, &json!({})).await?.status, 204);
    assert_eq!(says(&world, node, &key, "registry").await?, "service_not_enabled");
    assert_eq!(refusal(&operator.send(Method::DELETE, path, &json!({})).await?), refused(404, "not_found"));
    let me = ana.get("/api/v1/me").await?.json();
    let roles = me["orgs"][0]["roles"].as_array().cloned().context("roles")?;
    assert!(roles.iter().any(|role| role["service"] == "registry"), "{me}");
    operator.entitle("acme", "registry", &json!({})).await?;
    assert_eq!(says(&world, node, &key, "registry").await?, "yes");
    Ok(())
}

/// The first premium entitlement converts an individual org, and nothing converts it back.
async fn a_premium_service_makes_an_individual_org_an_enterprise_for_good(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let operator = Operator::of(node).await?;
    let solo = json!({"version": 1, "accounts": [{"name": "solo", "org": {"name": "solo", "kind": "individual"}}]});
    node.apply(solo.clone()).await?;
    let kind = async || -> Result<Value> { Ok(operator.get("/api/v1/accounts/solo").await?.json()["kind"].clone()) };
    operator.entitle("solo", "registry", &json!({})).await?;
    assert_eq!(kind().await?, "individual");
    operator.entitle("solo", "ai_enterprise", &json!({})).await?;
    assert_eq!(kind().await?, "enterprise");
    let path = "/api/v1/accounts/solo/entitlements/ai_enterprise";
    assert_eq!(operator.send(Method::DELETE, path, &json!({})).await?.status, 204);
    assert_eq!(kind().await?, "enterprise");
    // A declaration neither turns it back nor gives an individual what only an enterprise has.
    let back = format!("{:?}", node.apply(solo).await.err().context("it was turned back")?);
    assert!(back.contains("never becomes individual again"), "{back}");
    let premium = json!({"version": 1, "accounts": [{"name": "other", "org": {"name": "other", "kind": "individual",
        "services": ["ai_enterprise"]}}]});
    let refusal = format!("{:?}", node.apply(premium).await.err().context("an individual has it")?);
    assert!(refusal.contains("must be `enterprise` for the service `ai_enterprise`"), "{refusal}");
    assert_eq!(kind().await?, "enterprise");
    Ok(())
}

/// A name alone is a service without an end; whatever has more to say is written out, and comes back as it was written.
async fn a_declaration_says_when_a_service_ends(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let operator = Operator::of(node).await?;
    let ending = json!({"service": "registry", "state": "active", "ends_at": "2027-01-01T00:00:00Z"});
    let held = json!({"service": "secrets_manager", "state": "suspended"});
    let declared = |services: Value| json!({"version": 1, "accounts": [{"name": "acme", "org": {"name": "acme", "services": services}}]});
    let services = json!(["catalog", ending, held, "public_api_endpoints"]);
    let applied = node.apply(declared(services.clone())).await?;
    let made: Vec<String> = applied.changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        made,
        [
            "~ accounts[acme].org.services[registry]  ends_at: never → 2027-01-01T00:00:00Z",
            "+ accounts[acme].org.services[secrets_manager]",
        ]
    );
    assert_eq!(node.apply(declared(services)).await?.changes, []);
    assert_eq!(
        operator.entitlements("acme").await?,
        ["catalog:active", "public_api_endpoints:active", "registry:active", "secrets_manager:suspended"]
    );
    let system = node.app.ctx(cardea_model::Caller::System("test"));
    let exported = serde_json::to_value(cardea_gateway::declare::export(&node.app, &system).await?)?;
    let said = exported.pointer("/accounts/0/org/services").context("services")?;
    assert_eq!(*said, json!(["catalog", "public_api_endpoints", ending, held]));
    // The name alone takes the end away again.
    node.apply(declared(json!(["catalog", "registry", "public_api_endpoints"]))).await?;
    assert_eq!(operator.entitlements("acme").await?.len(), 3);
    let twice = node.apply(declared(json!(["registry", ending]))).await.err().context("named twice")?;
    assert!(format!("{twice:?}").contains("is taken by"), "{twice:?}");
    Ok(())
}
