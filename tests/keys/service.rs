//! Service keys: an org's own, which nobody takes along.

use super::*;

stories! {
    a_service_key_does_what_was_granted_and_no_more,
    only_owners_and_user_admins_have_to_do_with_service_keys,
    sixty_five_creations_at_once_make_sixty_four_keys,
    a_service_key_lives_on_when_its_maker_goes,
    recipes_are_grants_that_can_be_given,
    what_a_service_key_cannot_be_is_said,
    a_service_key_is_rotated_revoked_and_forgotten,
}

fn pull(values: Value) -> Value {
    json!([{"service": "registry", "entity_type": "container", "entity_values": values, "scopes": ["download_container"]}])
}

async fn a_service_key_does_what_was_granted_and_no_more(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    let key = make_service_key(&owner, "ci", pull(json!(["acme/*"]))).await?;
    assert!(key.secret.starts_with("cdas_"));
    let answer = world.check(node, &key.secret).await?.json();
    assert_eq!(
        (&answer["allowed"], &answer["kind"], &answer["org"]),
        (&json!(true), &json!("service"), &json!("acme"))
    );
    assert!(answer.get("user").is_none(), "{answer}");
    // From memory, like any other.
    let before = node.app.metrics.checks_asked.get();
    assert_eq!(verdict(&world, node, &key.secret).await?, "allowed");
    assert_eq!(node.app.metrics.checks_asked.get(), before);
    let ask = async |action: &str, entity: &str| {
        let question = json!({"key": key.secret, "service": "registry", "action": action, "entity_type": "container", "entity": entity});
        anyhow::Ok(world.ask(node, &question).await?.json()["reason"].as_str().unwrap_or("allowed").to_owned())
    };
    // What lies in teams needs a second value.
    assert_eq!(ask("download_container", "acme/vision/app").await?, "entity_mismatch");
    assert_eq!(ask("upload_container", "acme/app").await?, "action_not_granted");
    let address = format!("{SERVICE_KEYS}/{}", key.id);
    let both = owner.send(Method::PATCH, &address, &json!({"grants": pull(json!(["acme/*", "acme/*/*"]))})).await?;
    assert_eq!(both.status, 200, "{}", both.body);
    assert_eq!(ask("download_container", "acme/vision/app").await?, "allowed");
    // `*` is every scope that there is now, and no entities are those of the org, inside teams and outside.
    let full = make_service_key(&owner, "full", json!([{"service": "registry", "scopes": ["*"]}])).await?;
    let shown = owner.get(&format!("{SERVICE_KEYS}/{}", full.id)).await?.json();
    assert_eq!(shown["grants"][0]["entity_values"], json!(["acme/*", "acme/*/*"]));
    assert_eq!(shown["grants"][0]["scopes"].as_array().map(Vec::len), Some(11));
    // The org's enablement is the cap, whatever was granted.
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    state["accounts"][0]["org"]["services"] =
        json!(["catalog", "public_api_endpoints", {"service": "registry", "state": "suspended"}]);
    node.apply(state).await?;
    node.catch_up().await?;
    assert_eq!(verdict(&world, node, &full.secret).await?, "service_not_enabled");
    Ok(())
}

async fn only_owners_and_user_admins_have_to_do_with_service_keys(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (owner, admin, ana) = (world.sign_in_owner().await?, user_admin(&world).await?, world.sign_in("ana").await?);
    let key = make_service_key(&owner, "ci", pull(json!(["acme/*"]))).await?;
    let address = format!("{SERVICE_KEYS}/{}", key.id);
    for path in [SERVICE_KEYS, &address, &format!("{SERVICE_KEYS}/recipes"), &format!("{address}/reach")] {
        assert_eq!(ana.get(path).await?.status, 403, "{path}");
        assert_eq!(admin.get(path).await?.status, 200, "{path}");
    }
    let wanted = json!({"name": "x", "never": true, "grants": pull(json!(["acme/*"]))});
    assert_eq!(ana.send(Method::POST, SERVICE_KEYS, &wanted).await?.status, 403);
    assert_eq!(ana.send(Method::DELETE, &address, &Value::Null).await?.status, 403);
    assert_eq!(ana.send(Method::POST, &format!("{address}/rotate"), &json!({})).await?.status, 403);
    // A service key is nobody's own.
    assert_eq!(owner.get(&format!("/api/v1/me/keys/{}", key.id)).await?.status, 404);
    assert_eq!(owner.get("/api/v1/me/keys").await?.json()["keys"], json!([]));
    // A user_admin may give it more than they have themselves; the owners hear of that, and of their own doing they do not.
    assert_eq!(world.node().mail().await?.len(), 0);
    make_service_key(&admin, "theirs", pull(json!(["acme/*"]))).await?;
    let letter = world.node().letter_to("owner@acme.test").await?;
    assert!(letter.subject.contains("theirs") && letter.text.contains("registry"), "{}", letter.text);
    // So does whoever takes a new secret of a key that stands.
    let rotated = admin.send(Method::POST, &format!("{address}/rotate"), &json!({"grace": "7d"})).await?;
    assert_eq!(rotated.status, 200, "{}", rotated.body);
    assert!(world.node().letter_to("owner@acme.test").await?.subject.contains("ci"));
    Ok(())
}

async fn sixty_five_creations_at_once_make_sixty_four_keys(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    for number in 0..50 {
        make_service_key(&owner, &format!("key {number}"), pull(json!(["acme/*"]))).await?;
    }
    let mut creations = tokio::task::JoinSet::new();
    for number in 0..20 {
        let owner = owner.clone();
        let body = json!({"name": format!("late {number}"), "never": true, "grants": pull(json!(["acme/*"]))});
        creations.spawn(async move { owner.send(Method::POST, SERVICE_KEYS, &body).await });
    }
    let mut made = 0;
    while let Some(answer) = creations.join_next().await {
        let answer = answer??;
        assert!(answer.status == 201 || answer.code() == "key_limit_reached", "{} {}", answer.status, answer.body);
        made += usize::from(answer.status == 201);
    }
    assert_eq!(made, 14);
    assert_eq!(owner.get(SERVICE_KEYS).await?.json()["keys"].as_array().map(Vec::len), Some(64));
    // Nobody's own keys are counted with them.
    owner.make_key("own", &["registry"]).await?;
    Ok(())
}

async fn a_service_key_lives_on_when_its_maker_goes(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, owner, admin) = (world.node(), world.sign_in_owner().await?, user_admin(&world).await?);
    let key = make_service_key(&admin, "ci", pull(json!(["acme/*"]))).await?;
    let user = "/api/v1/orgs/acme/users/chika@corp.example";
    assert_eq!(owner.send(Method::POST, &format!("{user}/deactivate"), &json!({})).await?.status, 200);
    node.finish_jobs().await?;
    assert_eq!(verdict(&world, node, &key.secret).await?, "allowed");
    assert_eq!(admin.get(SERVICE_KEYS).await?.status, 401);
    let receipts = owner.get("/api/v1/orgs/acme/revocations").await?.json();
    assert_eq!(receipts["items"][0]["ended"]["keys"], json!([]));
    Ok(())
}

async fn recipes_are_grants_that_can_be_given(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let recipes = owner.get(&format!("{SERVICE_KEYS}/recipes")).await?.json();
    let recipe = &recipes["recipes"][0];
    assert_eq!((recipe["name"].as_str(), &recipe["available"]), (Some("list-push-pull"), &json!(true)));
    assert_eq!(recipe["grants"][0]["entity_values"], json!(["acme/*", "acme/*/*"]));
    let key = make_service_key(&owner, "pipeline", recipe["grants"].clone()).await?;
    assert_eq!(verdict(&world, world.node(), &key.secret).await?, "allowed");
    // What is missing for a key to be of use is said, and the key is made all the same.
    let lonely = json!([{"service": "catalog", "entity_values": ["nim/*/*"], "scopes": ["download_container"]}]);
    let made = owner.send(Method::POST, SERVICE_KEYS, &json!({"name": "x", "never": true, "grants": lonely})).await?;
    assert_eq!((made.status, made.json()["warnings"].as_array().map(Vec::len)), (201, Some(2)), "{}", made.body);
    Ok(())
}

async fn what_a_service_key_cannot_be_is_said(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let long = format!("acme/{}", "a".repeat(600));
    for (grants, code) in [
        (json!([]), "invalid_grant"),
        (json!([{"service": "registry"}]), "invalid_grant"),
        (json!([{"service": "attic", "scopes": ["*"]}]), "invalid_grant"),
        (json!([{"service": "secrets_manager", "scopes": ["*"]}]), "invalid_grant"),
        (json!([{"service": "registry", "scopes": ["peek"]}]), "invalid_grant"),
        (json!([{"service": "registry", "scopes": ["a".repeat(70_000)]}]), "invalid_grant"),
        (json!([{"service": "registry", "scopes": vec!["get_container"; 65]}]), "invalid_grant"),
        (json!([{"service": "registry", "scopes": ["*"], "entity_type": "model"}]), "invalid_grant"),
        (json!([{"service": "registry", "scopes": ["*"], "entity_values": [long]}]), "invalid_grant"),
        (json!([{"service": "registry", "scopes": ["*"], "entity_values": ["globex/*"]}]), "invalid_grant"),
        (json!([{"service": "cloud_functions", "scopes": ["*"]}]), "service_not_enabled"),
    ] {
        let body = json!({"name": "x", "never": true, "grants": grants});
        let refused = owner.send(Method::POST, SERVICE_KEYS, &body).await?;
        let shown: String = grants.to_string().chars().take(80).collect();
        assert_eq!((refused.status, refused.code().as_str()), (422, code), "{shown} {}", refused.body);
        assert!(refused.body.len() < 2_000, "{shown}: what was sent is not sent back whole");
    }
    make_service_key(&owner, "CI", pull(json!(["acme/*"]))).await?;
    let body = json!({"name": " ci ", "never": true, "grants": pull(json!(["acme/*"]))});
    assert_eq!(owner.send(Method::POST, SERVICE_KEYS, &body).await?.code(), "key_name_taken");
    // Nobody finds out whether another org has such keys.
    let foreign = owner.get("/api/v1/orgs/globex/service-keys").await?;
    assert_eq!((foreign.status, foreign.code().as_str()), (404, "not_found"));
    Ok(())
}

async fn a_service_key_is_rotated_revoked_and_forgotten(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    let key = make_service_key(&owner, "ci", pull(json!(["acme/*"]))).await?;
    let address = format!("{SERVICE_KEYS}/{}", key.id);
    let rotated = owner.send(Method::POST, &format!("{address}/rotate"), &json!({"grace": "1h"})).await?;
    let fresh = rotated.json()["secret"].as_str().unwrap_or_default().to_owned();
    assert!(fresh.starts_with("cdas_"));
    let off = owner.send(Method::PATCH, &address, &json!({"active": false})).await?;
    assert_eq!(off.json()["state"], "disabled");
    for secret in [&key.secret, &fresh] {
        assert_eq!(verdict(&world, node, secret).await?, "disabled");
    }
    owner.send(Method::PATCH, &address, &json!({"active": true})).await?;
    assert_eq!(owner.send(Method::POST, &format!("{address}/revoke"), &json!({})).await?.status, 204);
    for secret in [&key.secret, &fresh] {
        assert_eq!(verdict(&world, node, secret).await?, "revoked");
    }
    assert_eq!(owner.send(Method::PATCH, &address, &json!({"active": true})).await?.status, 404);
    // For a year it can be told from a forgery.
    for (days, left) in [(364, true), (2, false)] {
        node.clock.advance(Duration::from_secs(days * 86_400));
        node.follow().await?;
        cardea_gateway::jobs::tidy_up(&node.app).await?;
        let row = key::any(&mut node.app.db.read().await?, &key.id).await?;
        assert_eq!(row.is_some(), left, "{days}");
    }
    Ok(())
}
