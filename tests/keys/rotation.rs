//! Another secret for a key: both work for a while, each is told by its own use, and nothing ended comes back.

use cardea_gateway::usage;

use super::*;

stories! {
    both_secrets_work_until_the_grace_is_over,
    two_secrets_live_at_the_most,
    a_leaked_secret_ends_at_once,
    rotation_prolongs_nothing_in_silence,
    what_has_ended_is_not_rotated,
}

async fn rotate(browser: &Browser, key: &MadeKey, body: Value) -> Result<cardea_testkit::Answer> {
    browser.send(Method::POST, &format!("/api/v1/me/keys/{}/rotate", key.id), &body).await
}

fn secret(answer: &cardea_testkit::Answer) -> String {
    answer.json()["secret"].as_str().unwrap_or_default().to_owned()
}

async fn both_secrets_work_until_the_grace_is_over(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry"]).await?;
    let rotated = rotate(&ana, &key, json!({"grace": "2h"})).await?;
    assert_eq!(rotated.status, 200, "{}", rotated.body);
    assert_eq!(rotated.header("cache-control"), "no-store");
    let (fresh, told) = (secret(&rotated), rotated.json());
    // The same key under another public part; name, grants and limits stay.
    assert_eq!((told["id"].as_str(), told["name"].as_str()), (Some(key.id.as_str()), Some("laptop")));
    assert!(fresh.starts_with("cdap_") && fresh != key.secret);
    assert_eq!(told["old"]["kid"], key.secret[5..17]);
    assert_eq!(told["old"]["valid_until"], told["old_valid_until"]);
    let before = node.app.metrics.checks_asked.get();
    for each in [&fresh, &key.secret] {
        let answer = world.check(node, each).await?.json();
        assert_eq!((&answer["allowed"], &answer["key_id"]), (&json!(true), &json!(key.id)));
    }
    assert!(node.app.metrics.checks_asked.get() <= before + 1, "both are in memory");
    // Each secret's own use is seen, so that nobody is cut off unawares.
    node.clock.advance(Duration::from_secs(120));
    node.follow().await?;
    assert_eq!(verdict(&world, node, &key.secret).await?, "allowed");
    usage::write(&node.app).await?;
    let seen = ana.get(&format!("/api/v1/me/keys/{}", key.id)).await?.json();
    let (new, old) = (seen["last_used_at"].as_str(), seen["old"]["last_used_at"].as_str());
    assert!(old > new && new.is_some(), "{seen}");
    node.clock.advance(Duration::from_secs(2 * 3600));
    node.follow().await?;
    assert_eq!(verdict(&world, node, &key.secret).await?, "superseded");
    assert_eq!(verdict(&world, node, &fresh).await?, "allowed");
    let ana = world.sign_in("ana").await?;
    assert!(ana.get(&format!("/api/v1/me/keys/{}", key.id)).await?.json().get("old").is_none());
    // One key, however often it is rotated.
    assert_eq!(ana.get("/api/v1/me/keys").await?.json()["keys"].as_array().map(Vec::len), Some(1));
    Ok(())
}

async fn two_secrets_live_at_the_most(engine: Engine) -> Result<()> {
    let mut world = World::new(engine).await?;
    world.add_node(cardea_testkit::NodeBuilder::default().named("two")).await?;
    let ana = world.sign_in("ana").await?;
    let first = ana.make_key("laptop", &["registry"]).await?;
    let second = secret(&rotate(&ana, &first, json!({})).await?);
    let third = secret(&rotate(&ana, &first, json!({"grace": 3600})).await?);
    let each = [(&first.secret, "superseded"), (&second, "allowed"), (&third, "allowed")];
    for node in &world.nodes {
        node.catch_up().await?;
        for (key, expected) in each {
            assert_eq!(verdict(&world, node, key).await?, expected);
        }
    }
    let address = format!("/api/v1/me/keys/{}/end-grace", first.id);
    let ended = ana.send(Method::POST, &address, &json!({})).await?;
    assert_eq!((ended.status, ended.json().get("old")), (200, None), "{}", ended.body);
    let again = ana.send(Method::POST, &address, &json!({})).await?;
    assert_eq!((again.status, again.code().as_str()), (409, "no_grace"));
    for node in &world.nodes {
        node.catch_up().await?;
        assert_eq!(verdict(&world, node, &second).await?, "superseded");
        assert_eq!(verdict(&world, node, &third).await?, "allowed");
    }
    // A node that begins now knows as much.
    let late = world.add_node(cardea_testkit::NodeBuilder::default().named("late")).await?.url.clone();
    let late = world.nodes.iter().find(|node| node.url == late).context("the late node")?;
    assert_eq!(verdict(&world, late, &second).await?, "superseded");
    assert_eq!(verdict(&world, late, &third).await?, "allowed");
    Ok(())
}

async fn a_leaked_secret_ends_at_once(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry"]).await?;
    for body in [json!({"grace": "8d"}), json!({"reason": "leak", "grace": "1h"}), json!({"grace": "never"})] {
        let refused = rotate(&ana, &key, body.clone()).await?;
        assert_eq!((refused.status, refused.code().as_str()), (422, "invalid_grace"), "{body}");
    }
    let rotated = rotate(&ana, &key, json!({"reason": "leak"})).await?;
    assert_eq!((rotated.status, rotated.json().get("old")), (200, None));
    assert_eq!(verdict(&world, world.node(), &key.secret).await?, "superseded");
    assert_eq!(verdict(&world, world.node(), &secret(&rotated)).await?, "allowed");
    Ok(())
}

/// An expired key needs to be told until when it lives; a disabled one stays so.
async fn rotation_prolongs_nothing_in_silence(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let ana = world.sign_in("ana").await?;
    let body = json!({"name": "brief", "expires_in": "1h", "services": ["registry"]});
    let made = ana.send(Method::POST, "/api/v1/me/keys", &body).await?.json();
    let key = MadeKey {
        id: made["id"].as_str().unwrap_or_default().to_owned(),
        secret: made["secret"].as_str().unwrap_or_default().to_owned(),
    };
    assert_eq!(rotate(&ana, &key, json!({})).await?.json()["expires_at"], made["expires_at"]);
    node.clock.advance(Duration::from_secs(3600));
    node.follow().await?;
    let ana = world.sign_in("ana").await?;
    let expired = ana.get(&format!("/api/v1/me/keys/{}", key.id)).await?;
    assert_eq!(expired.json()["state"], "expired");
    let refused = rotate(&ana, &key, json!({})).await?;
    assert_eq!((refused.status, refused.code().as_str()), (422, "expiry_needed"));
    let stale = ana.request(Method::POST, &format!("/api/v1/me/keys/{}/rotate", key.id)).header("if-match", "\"1\"");
    assert_eq!(stale.json(&json!({"never": true})).send().await?.status().as_u16(), 412);
    let alive = rotate(&ana, &key, json!({"expires_in": "30d"})).await?;
    assert_eq!((alive.status, alive.json()["state"].as_str()), (200, Some("active")), "{}", alive.body);
    assert_eq!(verdict(&world, node, &secret(&alive)).await?, "allowed");

    let address = format!("/api/v1/me/keys/{}", key.id);
    ana.send(Method::PATCH, &address, &json!({"active": false})).await?;
    let off = rotate(&ana, &key, json!({})).await?;
    assert_eq!((off.status, off.json()["state"].as_str()), (200, Some("disabled")));
    assert_eq!(verdict(&world, node, &secret(&off)).await?, "disabled");
    Ok(())
}

async fn what_has_ended_is_not_rotated(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (ana, owner) = (world.sign_in("ana").await?, world.sign_in_owner().await?);
    let (dead, deleted) = (ana.make_key("dead", &["registry"]).await?, ana.make_key("gone", &["registry"]).await?);
    assert_eq!(delete(&ana, &deleted).await?, 204);
    assert_eq!(rotate(&ana, &deleted, json!({})).await?.status, 404);
    let user = "/api/v1/orgs/acme/users/ana@corp.example";
    assert_eq!(owner.send(Method::POST, &format!("{user}/deactivate"), &json!({})).await?.status, 200);
    assert_eq!(rotate(&ana, &dead, json!({})).await?.status, 401);
    assert_eq!(owner.send(Method::POST, &format!("{user}/reactivate"), &json!({})).await?.status, 204);
    let ana = world.sign_in("ana").await?;
    // Whether its row says so yet or not, it is no key to give another secret to.
    let refused = rotate(&ana, &dead, json!({"expires_in": "1y"})).await?;
    assert!(refused.status == 404 || refused.code() == "key_state", "{} {}", refused.status, refused.body);
    assert_eq!(world.check(world.node(), &dead.secret).await?.json()["allowed"], false);
    Ok(())
}
