//! The check: many at once, what is restricted, roles as they are now, what was shown before, and a lost pepper.

use cardea_gateway::doctor;
use cardea_model::Caller;
use cardea_testkit::world::PORTAL_SECRET;
use cardea_testkit::{Answer, Database, NodeBuilder};

use super::*;

stories! {
    a_hundred_keys_are_checked_at_once,
    what_is_restricted_needs_the_subscription,
    a_key_follows_its_holder_s_roles,
    what_was_shown_is_what_is_enforced,
    a_lost_version_of_the_pepper_fails_closed_and_is_told,
}

async fn batch(world: &World, body: &Value) -> Result<Answer> {
    let portal = Browser::new(&world.node().url)?;
    let request = portal.request(Method::POST, "/api/v1/keys/check/batch").basic_auth("portal", Some(PORTAL_SECRET));
    Answer::read(request.json(body).send().await?).await
}

fn question(key: &str, entity: &str) -> Value {
    json!({"key": key, "service": "registry", "action": "download_container", "entity_type": "container", "entity": entity})
}

async fn a_hundred_keys_are_checked_at_once(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry"]).await?;
    let each: Vec<Value> = (0..100)
        .map(|number| match number % 4 {
            0 => question(&key.secret, "acme/app"),
            1 => question("garbage", "acme/app"),
            2 => question(&key.secret, "victim/app"),
            _ => question(&key.secret, "acme/../app"),
        })
        .collect();
    let answer = batch(&world, &json!({"checks": each})).await?;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let results = answer.json()["results"].as_array().cloned().unwrap_or_default();
    let told: Vec<&str> = results.iter().map(|result| result["reason"].as_str().unwrap_or("allowed")).collect();
    assert_eq!(told, ["allowed", "malformed", "entity_mismatch", "bad_entity"].repeat(25));
    assert_eq!(results[0]["key_id"], key.id);
    assert_eq!(batch(&world, &json!({"checks": []})).await?.json(), json!({"results": []}));
    let many = vec![question(&key.secret, "acme/app"); 101];
    let refused = batch(&world, &json!({"checks": many})).await?;
    assert_eq!((refused.status, refused.code().as_str()), (422, "too_many_checks"));
    assert_eq!(batch(&world, &json!({"checks": [{"key": 1}]})).await?.status, 422);
    assert_eq!(batch(&world, &json!({"checks": ["a".repeat(140_000)]})).await?.status, 413);
    let request = ana.request(Method::POST, "/api/v1/keys/check/batch").basic_auth("portal", Some("wrong"));
    assert_eq!(request.json(&json!({"checks": []})).send().await?.status().as_u16(), 401);
    Ok(())
}

/// A right scope is denied all the same where the org lacks the subscription for what is restricted.
async fn what_is_restricted_needs_the_subscription(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    let grants = json!([{"service": "catalog", "entity_values": ["nim/*/*"], "scopes": ["*"]}]);
    let service = make_service_key(&owner, "ci", grants).await?;
    let own = owner.make_key("own", &["catalog"]).await?;
    let reason = async |secret: &str, labels: Value| {
        let asked = json!({"key": secret, "service": "catalog", "action": "download_container", "entity_type": "container",
            "entity": "nim/meta/llama", "labels": labels});
        let answer = world.ask(node, &asked).await?;
        anyhow::Ok(answer.json()["reason"].as_str().map_or_else(|| answer.status.to_string(), str::to_owned))
    };
    for secret in [&service.secret, &own.secret] {
        assert_eq!(reason(secret, json!([])).await?, "200");
        assert_eq!(reason(secret, json!(["nvaie"])).await?, "not_entitled");
    }
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    state["accounts"][0]["org"]["services"] = json!(["catalog", "registry", "public_api_endpoints", "ai_enterprise"]);
    node.apply(state).await?;
    node.catch_up().await?;
    for secret in [&service.secret, &own.secret] {
        assert_eq!(reason(secret, json!(["nvaie"])).await?, "200");
        assert_eq!(reason(secret, json!(["nvaie", "unheard_of"])).await?, "not_entitled");
        assert_eq!(reason(secret, json!(vec!["nvaie"; 9])).await?, "422");
    }
    Ok(())
}

/// What somebody loses their keys lose, at the next check; what they get back the same keys may again.
async fn a_key_follows_its_holder_s_roles(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    world.sign_in("chika").await?;
    let roles = "/api/v1/orgs/acme/users/chika@corp.example/roles";
    let role = json!({"service": "registry", "role": "viewer"});
    let given = owner.send(Method::POST, roles, &role).await?;
    assert!(given.status < 300, "{} {}", given.status, given.body);
    let chika = world.sign_in("chika").await?;
    let key = chika.make_key("laptop", &["registry"]).await?;
    let upload = json!({"key": key.secret, "service": "registry", "action": "upload_container",
        "entity_type": "container", "entity": "acme/app"});
    assert_eq!(verdict(&world, node, &key.secret).await?, "allowed");
    assert_eq!(world.ask(node, &upload).await?.json()["reason"], "no_role");
    owner.send(Method::POST, roles, &json!({"service": "registry", "role": "user"})).await?;
    assert_eq!(world.ask(node, &upload).await?.json()["allowed"], true);
    for role in ["user", "viewer"] {
        let taken = owner.send(Method::DELETE, &format!("{roles}?service=registry&role={role}"), &Value::Null).await?;
        assert!(taken.status < 300, "{} {}", taken.status, taken.body);
    }
    assert_eq!(verdict(&world, node, &key.secret).await?, "no_role");
    owner.send(Method::POST, roles, &role).await?;
    assert_eq!(verdict(&world, node, &key.secret).await?, "allowed");
    assert_eq!(world.ask(node, &upload).await?.json()["reason"], "no_role");
    Ok(())
}

/// Each part of a preview is allowed when it is tried, and nothing beside it.
async fn what_was_shown_is_what_is_enforced(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (ana, owner) = (world.sign_in("ana").await?, world.sign_in_owner().await?);
    let services =
        json!([{"service": "registry", "entity_values": ["acme/*/*"], "scopes": ["get_container"]}, "catalog"]);
    let shown = ana.send(Method::POST, "/api/v1/me/keys/preview", &json!({"services": services})).await?;
    assert_eq!(shown.status, 200, "{}", shown.body);
    let reaches = shown.json()["reaches"].as_array().cloned().unwrap_or_default();
    let registry = reaches.iter().find(|line| line["service"] == "registry").context("the registry")?;
    assert_eq!((&registry["entities"], &registry["future"]), (&json!("acme/*/*"), &json!(true)));
    assert_eq!((&registry["teams"], &registry["scopes"]), (&json!(["vision"]), &json!(["get_container"])));
    // Of the catalog she has a role in one team only.
    let catalog: Vec<&Value> = reaches.iter().filter(|line| line["service"] == "catalog").collect();
    assert_eq!(catalog.iter().map(|line| &line["entities"]).collect::<Vec<_>>(), [&json!("acme/vision/*")]);
    let made =
        ana.send(Method::POST, "/api/v1/me/keys", &json!({"name": "x", "never": true, "services": services})).await?;
    let (id, secret) = (made.json()["id"].clone(), made.json()["secret"].as_str().unwrap_or_default().to_owned());
    let of_key = ana.get(&format!("/api/v1/me/keys/{}/reach", id.as_str().unwrap_or_default())).await?.json();
    assert_eq!(of_key["reaches"], shown.json()["reaches"]);
    for (service, action, entity, allowed) in [
        ("registry", "get_container", "acme/vision/x", true),
        ("registry", "get_container", "acme/a-team-to-come/x", true),
        ("registry", "get_container", "acme/x", false),
        ("registry", "delete_container", "acme/vision/x", false),
        ("catalog", "get_container", "acme/vision/x", true),
        ("catalog", "get_container", "acme/x", false),
        ("catalog", "get_container", "nim/meta/llama", false),
    ] {
        let asked =
            json!({"key": secret, "service": service, "action": action, "entity_type": "container", "entity": entity});
        assert_eq!(world.ask(world.node(), &asked).await?.json()["allowed"], allowed, "{asked}");
    }
    let grants = json!([{"service": "catalog", "scopes": ["get_artifact"], "entity_values": ["nim/*/*"]}]);
    let shown = owner.send(Method::POST, &format!("{SERVICE_KEYS}/preview"), &json!({"grants": grants})).await?.json();
    let entities: Vec<&Value> =
        shown["reaches"].as_array().into_iter().flatten().map(|line| &line["entities"]).collect();
    assert_eq!(entities, [&json!("nim/*/*"), &json!("nim/*")]);
    assert_eq!(shown["warnings"].as_array().map(Vec::len), Some(1));
    let refused = owner.send(Method::POST, &format!("{SERVICE_KEYS}/preview"), &json!({"grants": []})).await?;
    assert_eq!(refused.code(), "invalid_grant");
    Ok(())
}

async fn a_lost_version_of_the_pepper_fails_closed_and_is_told(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry"]).await?;
    let whole = doctor::peppers(&node.app, &node.app.ctx(Caller::System("test"))).await?;
    assert_eq!(whole, []);
    // Somebody has put a second version into the file, and lost the first.
    let another = cardea_tokens::pepper::Peppers::generate(&cardea_testkit::clock::TestRandom).replacen("1:", "2:", 1);
    let lost = Database::shared(world.database.url.clone(), engine, another)?;
    let second = NodeBuilder::default().named("two").start(&lost).await?;
    let app = &second.app;
    let asker = cardea_gateway::check::authenticate(app, "portal", PORTAL_SECRET).await;
    assert!(asker.is_err(), "what was kept under the first is not let in either");
    let missing = doctor::peppers(app, &app.ctx(Caller::System("test"))).await?;
    assert_eq!(missing.iter().map(|pepper| (pepper.version, pepper.keys)).collect::<Vec<_>>(), [(1, 1)]);
    assert!(!cardea_gateway::check::is_living(app, &key.secret, app.clock.now()).await?);
    assert!(cardea_gateway::check::is_living(&node.app, &key.secret, node.app.clock.now()).await?);
    Ok(())
}

/// Whoever asks can read what each reason means.
#[test]
fn every_reason_is_explained() {
    let page = include_str!("../../docs/keys.md");
    let missing: Vec<&str> = cardea_model::key::Reason::ALL
        .iter()
        .map(|reason| reason.as_str())
        .filter(|word| !page.contains(&format!("| `{word}` |")))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}
