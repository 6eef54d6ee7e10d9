//! When keys end by themselves: what an org allows, and who is told before.

use super::*;

stories! {
    an_org_says_how_long_its_keys_live,
    whoever_holds_a_key_is_told_twice_before_it_expires,
    the_owners_and_the_maker_are_told_of_a_service_key,
}

async fn an_org_says_how_long_its_keys_live(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (ana, owner) = (world.sign_in("ana").await?, world.sign_in_owner().await?);
    let policy = "/api/v1/orgs/acme/key-policy";
    let old = ana.make_key("old", &["registry"]).await?;
    for age in ["1s", "200y", "soon", ""] {
        let refused = owner.send(Method::PUT, policy, &json!({"max_age": age})).await?;
        assert_eq!((refused.status, refused.code().as_str()), (422, "invalid_max_age"), "{age}");
    }
    let set = owner.send(Method::PUT, policy, &json!({"max_age": "7d"})).await?;
    assert_eq!((set.status, set.json()), (200, json!({"max_age": "7d", "legacy": false})));
    let make = async |life: Value| {
        let mut body = json!({"name": "new", "services": ["registry"]});
        if let (Some(body), Value::Object(life)) = (body.as_object_mut(), life) {
            body.extend(life);
        }
        ana.send(Method::POST, "/api/v1/me/keys", &body).await
    };
    for life in [json!({"never": true}), json!({"expires_in": "8d"}), json!({"expires_at": "2040-01-01T00:00:00Z"})] {
        let refused = make(life.clone()).await?;
        assert_eq!((refused.status, refused.code().as_str()), (422, "invalid_expiry"), "{life}");
        assert!(refused.body.contains("7d"), "{}", refused.body);
    }
    assert_eq!(make(json!({"expires_in": "7d"})).await?.status, 201);
    let grants = json!([{"service": "registry", "scopes": ["*"]}]);
    let service = json!({"name": "ci", "never": true, "grants": grants});
    assert_eq!(owner.send(Method::POST, SERVICE_KEYS, &service).await?.code(), "invalid_expiry");
    // Keys that stood before live as long as they were to, and another secret does not make it longer.
    let address = format!("/api/v1/me/keys/{}/rotate", old.id);
    assert_eq!(ana.send(Method::POST, &address, &json!({})).await?.status, 200);
    assert_eq!(ana.send(Method::POST, &address, &json!({"never": true})).await?.code(), "invalid_expiry");
    Ok(())
}

/// How many letters have come to this address that say this.
async fn told(world: &World, address: &str, word: &str) -> Result<usize> {
    cardea_gateway::jobs::tidy_up(&world.node().app).await?;
    let letters = world.node().mail().await?;
    Ok(letters.iter().filter(|letter| letter.to == address && letter.subject.contains(word)).count())
}

async fn pass(world: &World, days: u64) -> Result<()> {
    world.node().clock.advance(Duration::from_secs(days * 86_400));
    world.node().follow().await
}

async fn whoever_holds_a_key_is_told_twice_before_it_expires(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let monthly = ana.make_key("monthly", &["registry"]).await?;
    let off = ana.make_key("switched off", &["registry"]).await?;
    ana.send(Method::PATCH, &format!("/api/v1/me/keys/{}", off.id), &json!({"active": false})).await?;
    for (name, life) in [("weekly", "7d"), ("daily", "1d"), ("hourly", "1h")] {
        let body = json!({"name": name, "expires_in": life, "services": ["registry"]});
        assert_eq!(ana.send(Method::POST, "/api/v1/me/keys", &body).await?.status, 201);
    }
    let ana_at = "ana@corp.example";
    assert_eq!(told(&world, ana_at, "expires").await?, 0, "what was made to be short is not warned of at once");
    pass(&world, 22).await?;
    assert_eq!(told(&world, ana_at, "weekly").await?, 0, "it is over, and was not looked at in time");
    assert_eq!(told(&world, ana_at, "monthly").await?, 0);
    pass(&world, 1).await?;
    // However often it is looked: once each.
    for _ in 0..3 {
        assert_eq!(told(&world, ana_at, "monthly").await?, 1);
    }
    let letter = world.node().letter_to(ana_at).await?;
    assert!(letter.text.contains(&monthly.secret[..17]) && letter.html.contains("monthly"), "{}", letter.text);
    assert!(!letter.raw.contains(&monthly.secret) && letter.links.iter().any(|link| link.ends_with("/me/keys")));
    pass(&world, 6).await?;
    assert_eq!(told(&world, ana_at, "monthly").await?, 2);
    // Another expiry has warnings of its own.
    let ana = world.sign_in("ana").await?;
    let rotate = format!("/api/v1/me/keys/{}/rotate", monthly.id);
    assert_eq!(ana.send(Method::POST, &rotate, &json!({"expires_in": "30d"})).await?.status, 200);
    assert_eq!(told(&world, ana_at, "monthly").await?, 2);
    pass(&world, 29).await?;
    assert_eq!(told(&world, ana_at, "monthly").await?, 3, "after so long a silence the later warning is enough");
    assert_eq!(told(&world, ana_at, "switched off").await?, 0);
    Ok(())
}

async fn the_owners_and_the_maker_are_told_of_a_service_key(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (admin, owner) = (user_admin(&world).await?, world.sign_in_owner().await?);
    let grants = json!([{"service": "registry", "scopes": ["*"]}]);
    for (browser, name) in [(&admin, "theirs"), (&owner, "mine")] {
        let body = json!({"name": name, "expires_in": "10d", "grants": grants});
        assert_eq!(browser.send(Method::POST, SERVICE_KEYS, &body).await?.status, 201);
    }
    pass(&world, 4).await?;
    for (address, word, count) in [
        ("owner@acme.test", "theirs expires", 1),
        ("chika@corp.example", "theirs expires", 1),
        ("owner@acme.test", "mine expires", 1),
        ("chika@corp.example", "mine expires", 0),
    ] {
        assert_eq!(told(&world, address, word).await?, count, "{address} {word}");
    }
    // Whoever is gone hears nothing more.
    let user = "/api/v1/orgs/acme/users/chika@corp.example";
    let owner = world.sign_in_owner().await?;
    assert_eq!(owner.send(Method::POST, &format!("{user}/deactivate"), &json!({})).await?.status, 200);
    pass(&world, 5).await?;
    assert_eq!(told(&world, "owner@acme.test", "theirs expires").await?, 2);
    assert_eq!(told(&world, "chika@corp.example", "theirs expires").await?, 1);
    Ok(())
}
