//! Apps: clients that an account makes over the API for its scripts, in the words of another gateway's.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cardea_gateway::declare;
use cardea_testkit::{Answer, Browser, Engine, Node, NodeBuilder, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{APP_SECRET, OWN, PORTAL, error, introspect, post};

stories! {
    an_owner_makes_an_app_and_it_is_given_tokens,
    an_app_that_is_off_has_nothing_and_is_given_nothing,
    another_secret_takes_the_place_of_the_old_one,
    apps_are_told_apart_and_counted,
    a_declaration_does_not_speak_of_apps,
}

const APPS: &str = "/api/v1/apps";
const OTHER: &str = "Quite-another-horse-9-staple";

async fn make(browser: &Browser, name: &str) -> Result<Value> {
    let made = browser.send(Method::POST, APPS, &json!({"name": name})).await?;
    ensure!(made.status == 201, "{name} was not made: {} {}", made.status, made.body);
    Ok(made.json())
}

async fn script(node: &Node, app: &Value, secret: &Value) -> Result<Answer> {
    let body = json!({"grantType": "client_credentials", "clientId": app["clientId"], "clientSecret": secret});
    Browser::new(&node.url)?.send(Method::POST, "/api/v1/token", &body).await
}

async fn token(node: &Node, app: &Value) -> Result<String> {
    let given = script(node, app, &app["secret"]).await?;
    given.json()["accessToken"].as_str().map(str::to_owned).with_context(|| given.body)
}

async fn is_active(node: &Node, token: &str) -> Result<bool> {
    Ok(introspect(node, PORTAL, token).await?["active"] == true)
}

fn at(app: &Value) -> String {
    format!("{APPS}/{}", app["id"].as_str().unwrap_or_default())
}

/// The usual scene with another account beside it, and a browser of its owner.
pub(crate) async fn beside(engine: Engine, builder: NodeBuilder) -> Result<(World, Browser)> {
    let world = World::with(engine, builder).await?;
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    let globex = json!({"name": "globex", "owner": {"email": "owner@globex.test", "password": OTHER},
        "org": {"name": "globex", "kind": "enterprise", "services": ["catalog"]}});
    state["accounts"].as_array_mut().context("accounts")?.push(globex);
    world.node().apply(state).await?;
    world.node().catch_up().await?;
    let neighbour = world.browser()?;
    let fields = [("email", "owner@globex.test"), ("password", OTHER)];
    ensure!(neighbour.post_form("/login/password", &fields).await?.status == 303);
    Ok((world, neighbour))
}

async fn an_owner_makes_an_app_and_it_is_given_tokens(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    let made = owner.send(Method::POST, APPS, &json!({"name": "app-123"})).await?;
    assert_eq!((made.status, made.header("cache-control")), (201, "no-store"), "{}", made.body);
    let app = made.json();
    assert_eq!((&app["name"], &app["clientId"], &app["enabled"]), (&json!("app123"), &json!("app123"), &json!(true)));
    let secret = app["secret"].as_str().context("a secret")?;
    assert!(secret.starts_with("cdac_") && secret.len() == 67);
    assert_eq!(made.header("location"), at(&app));
    let read = introspect(node, PORTAL, &token(node, &app).await?).await?;
    assert_eq!((&read["client_id"], &read["sub"]), (&json!("app123"), &json!("app123")));
    // What the org has is what its scripts are for, and nothing else.
    assert_eq!(read["scope"], "catalog public_api_endpoints registry");
    assert_eq!(post(node, "/oauth2/token", ("app123", secret), &[OWN[0], ("scope", "registry")]).await?.status, 200);
    let wider = post(node, "/oauth2/token", ("app123", secret), &[OWN[0], ("scope", "boats")]).await?;
    assert_eq!(error(&wider), (400, "invalid_scope".to_owned()));
    for list in [APPS, "/api/v1/service-accounts"] {
        let listed = owner.get(list).await?;
        assert_eq!((listed.status, &listed.json()[0]["id"]), (200, &app["id"]), "{list}");
        assert!(!listed.body.contains(secret));
    }
    let ana = world.sign_in("ana").await?;
    for (somebody, status) in [(&ana, 403), (&world.browser()?, 401)] {
        assert_eq!(somebody.send(Method::POST, APPS, &json!({"name": "other"})).await?.status, status);
        assert_eq!(somebody.get(APPS).await?.status, status);
        assert_eq!(somebody.send(Method::DELETE, &at(&app), &json!({})).await?.status, status);
    }
    assert_eq!(owner.get(APPS).await?.json().as_array().map(Vec::len), Some(1));
    Ok(())
}

async fn an_app_that_is_off_has_nothing_and_is_given_nothing(engine: Engine) -> Result<()> {
    let mut world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let issuer = world.node().url.clone();
    world.add_node(NodeBuilder::default().named("two").with(|settings| settings.public_url = issuer)).await?;
    let [one, two] = &world.nodes[..] else { anyhow::bail!("two nodes") };
    let app = make(&owner, "nightly").await?;
    let before = token(one, &app).await?;
    assert!(is_active(one, &before).await? && is_active(two, &before).await?);
    let switch = async |enabled: bool| owner.send(Method::PATCH, &at(&app), &json!({"enabled": enabled})).await;
    assert_eq!(switch(false).await?.json()["enabled"], false);
    assert!(!is_active(one, &before).await? && !is_active(two, &before).await?);
    two.catch_up().await?;
    let secret = app["secret"].as_str().context("a secret")?;
    for node in [one, two] {
        let refused = script(node, &app, &app["secret"]).await?;
        assert_eq!((refused.status, &refused.json()["details"]), (403, &json!("app_disabled")));
        let standard = post(node, "/oauth2/token", ("nightly", secret), &OWN).await?;
        assert_eq!(error(&standard), (400, "unauthorized_client".to_owned()));
        // Whoever lacks the secret does not learn that it is off.
        assert_eq!(script(node, &app, &json!("wrong")).await?.json()["details"], "invalid_client");
    }
    assert_eq!(switch(true).await?.json()["enabled"], true);
    assert!(!is_active(one, &before).await?);
    let after = token(one, &app).await?;
    assert!(is_active(two, &after).await?);
    assert_eq!(owner.send(Method::DELETE, &at(&app), &json!({})).await?.status, 204);
    assert!(!is_active(one, &after).await? && !is_active(two, &after).await?);
    assert_eq!(script(one, &app, &app["secret"]).await?.json()["details"], "invalid_client");
    for answer in [owner.get(&at(&app)).await?, switch(true).await?, owner.get("/api/v1/apps/nonsense").await?] {
        assert_eq!(answer.status, 404, "{}", answer.body);
    }
    // Its name is free again.
    make(&owner, "nightly").await?;
    Ok(())
}

async fn another_secret_takes_the_place_of_the_old_one(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    let app = make(&owner, "nightly").await?;
    let address = format!("{}/secret", at(&app));
    let replace =
        async |body: Value| anyhow::Ok(owner.send(Method::POST, &address, &body).await?.json()["secret"].clone());
    let works = async |secret: &Value| anyhow::Ok(script(node, &app, secret).await?.status == 200);
    let second = replace(json!({})).await?;
    assert!(works(&second).await? && !works(&app["secret"]).await?);
    let third = replace(json!({"graceSeconds": 3600})).await?;
    assert!(works(&third).await? && works(&second).await? && !works(&app["secret"]).await?);
    let fourth = replace(json!({"graceSeconds": 600})).await?;
    assert!(works(&fourth).await? && works(&third).await? && !works(&second).await?);
    node.clock.advance(Duration::from_secs(600));
    node.follow().await?;
    assert!(works(&fourth).await? && !works(&third).await?);
    let refused = owner.send(Method::POST, &address, &json!({"graceSeconds": 86_401})).await?;
    assert_eq!((refused.status, refused.code().as_str()), (422, "invalid_grace"));
    assert!(works(&fourth).await?);
    Ok(())
}

async fn apps_are_told_apart_and_counted(engine: Engine) -> Result<()> {
    let few = NodeBuilder::default().with(|settings| settings.service_keys_per_org = 3);
    let (world, neighbour) = beside(engine, few).await?;
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    let own = make(&owner, "my-app").await?;
    let theirs = make(&neighbour, "my_app").await?;
    assert_eq!(own["clientId"], "myapp");
    let other = theirs["clientId"].as_str().context("a client id")?;
    assert!(theirs["name"] == "myapp" && other.starts_with("myapp") && other.len() == 9, "{theirs}");
    token(node, &theirs).await?;
    // An operator's client has its name before any app.
    assert_ne!(make(&neighbour, "portal").await?["clientId"], "portal");
    for (method, body) in
        [(Method::GET, json!({})), (Method::PATCH, json!({"enabled": false})), (Method::DELETE, json!({}))]
    {
        assert_eq!(neighbour.send(method.clone(), &at(&own), &body).await?.status, 404, "{method}");
    }
    token(node, &own).await?;
    for name in ["", "a", "1app", "App", "app-", "a b", "app\u{e4}x"] {
        let refused = owner.send(Method::POST, APPS, &json!({"name": name})).await?;
        assert_eq!((refused.status, refused.code().as_str()), (422, "invalid_name"), "{name}");
    }
    let taken = owner.send(Method::POST, APPS, &json!({"name": "myapp"})).await?;
    assert_eq!((taken.status, taken.code().as_str()), (409, "name_taken"));
    // Service keys and apps count together.
    let key = |name: &str| json!({"name": name, "never": true, "grants": [{"service": "registry", "scopes": ["*"]}]});
    let keys = "/api/v1/orgs/acme/service-keys";
    assert_eq!(owner.send(Method::POST, keys, &key("ci")).await?.status, 201);
    make(&owner, "second").await?;
    let full = owner.send(Method::POST, APPS, &json!({"name": "third"})).await?;
    assert_eq!((full.status, full.code().as_str()), (409, "limit_reached"));
    assert_eq!(owner.send(Method::POST, keys, &key("more")).await?.status, 409);
    Ok(())
}

async fn a_declaration_does_not_speak_of_apps(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    let app = make(&owner, "nightly").await?;
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    state["accounts"][0]["clients"] = json!([]);
    node.apply(state.clone()).await?;
    node.catch_up().await?;
    token(node, &app).await?;
    let exported = declare::export(&node.app, &node.app.ctx(cardea_model::Caller::System("test"))).await?;
    assert!(!serde_json::to_string(&exported)?.contains("nightly"));
    state["accounts"][0]["clients"] = json!([{"client_id": "nightly", "name": "Nightly", "secret": APP_SECRET}]);
    assert!(node.apply(state).await.is_err());
    token(node, &app).await?;
    Ok(())
}
