//! A request that is sent twice, and keys where no keys belong.

use super::*;

stories! {
    a_repeated_creation_makes_no_second_key_and_shows_no_secret,
    a_key_makes_no_keys,
    a_key_in_an_address_is_refused_and_told,
}

async fn post(browser: &Browser, address: &str, token: &str, body: &Value) -> Result<cardea_testkit::Answer> {
    let request = browser.request(Method::POST, address).header("idempotency-key", token).json(body);
    cardea_testkit::Answer::read(request.send().await?).await
}

async fn a_repeated_creation_makes_no_second_key_and_shows_no_secret(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (ana, bo, owner) = (world.sign_in("ana").await?, world.sign_in("bo").await?, world.sign_in_owner().await?);
    let body = json!({"name": "laptop", "expires_in": "30d", "services": ["registry"]});
    let grants = json!([{"service": "registry", "scopes": ["*"]}]);
    let service = json!({"name": "ci", "never": true, "grants": grants});
    for (browser, address, body) in [(&ana, "/api/v1/me/keys", &body), (&owner, SERVICE_KEYS, &service)] {
        let first = post(browser, address, "a-1", body).await?;
        assert_eq!(first.status, 201, "{}", first.body);
        let (id, secret) = (first.json()["id"].clone(), first.json()["secret"].as_str().unwrap_or_default().to_owned());
        // Many at once and one after the other.
        let mut again = tokio::task::JoinSet::new();
        for _ in 0..5 {
            let (browser, body) = (browser.clone(), body.clone());
            again.spawn(async move { post(&browser, address, "a-1", &body).await });
        }
        while let Some(answer) = again.join_next().await {
            let answer = answer??;
            assert_eq!((answer.status, answer.code().as_str()), (409, "idempotency_replay"), "{}", answer.body);
            assert_eq!((&answer.json()["key_id"], &answer.json()["key"]["id"]), (&id, &id));
            assert!(!answer.body.contains(&secret) && answer.json()["key"].get("secret").is_none());
        }
        let mut other = body.clone();
        other["name"] = json!("another");
        let mismatch = post(browser, address, "a-1", &other).await?;
        assert_eq!((mismatch.status, mismatch.code().as_str()), (422, "idempotency_mismatch"));
        assert_eq!(browser.get(address).await?.json()["keys"].as_array().map(Vec::len), Some(1));
        let long = "a".repeat(256);
        for token in ["", &long] {
            assert_eq!(post(browser, address, token, body).await?.code(), "invalid_idempotency_key");
        }
    }
    // Whose name it is counts: another person's is another request, which fails for reasons of its own or not.
    let theirs = post(&bo, "/api/v1/me/keys", "a-1", &body).await?;
    assert!(theirs.status == 201 || theirs.code() == "no_role", "{}", theirs.body);
    // After a week it is forgotten.
    world.node().clock.advance(Duration::from_secs(8 * 86_400));
    world.node().follow().await?;
    cardea_gateway::jobs::tidy_up(&world.node().app).await?;
    let ana = world.sign_in("ana").await?;
    assert_eq!(post(&ana, "/api/v1/me/keys", "a-1", &body).await?.code(), "key_name_taken");
    Ok(())
}

/// A leaked key must not mint keys, nor do anything else that people do.
async fn a_key_makes_no_keys(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (ana, owner) = (world.sign_in("ana").await?, world.sign_in_owner().await?);
    let personal = ana.make_key("laptop", &["registry"]).await?;
    let grants = json!([{"service": "registry", "scopes": ["*"]}]);
    let service = make_service_key(&owner, "ci", grants.clone()).await?;
    let nobody = Browser::new(&world.node().url)?;
    let own = json!({"name": "more", "never": true, "services": ["registry"]});
    let orgs = json!({"name": "more", "never": true, "grants": grants});
    for secret in [&personal.secret, &service.secret] {
        for (address, body) in [("/api/v1/me/keys", &own), (SERVICE_KEYS, &orgs)] {
            let request = nobody.request(Method::POST, address).bearer_auth(secret).json(body);
            let refused = cardea_testkit::Answer::read(request.send().await?).await?;
            assert_eq!((refused.status, refused.code().as_str()), (403, "key_not_allowed"), "{}", refused.body);
        }
        let request = nobody.request(Method::GET, "/api/v1/me").bearer_auth(secret);
        assert_eq!(request.send().await?.status().as_u16(), 403);
    }
    // What is no living key is nobody's.
    assert_eq!(delete(&ana, &personal).await?, 204);
    let made_up = "cdap_000000000000_00000000000000000000000000000000000000000002JmOGF";
    for secret in [personal.secret.as_str(), made_up, "cdap_x"] {
        let request = nobody.request(Method::POST, "/api/v1/me/keys").bearer_auth(secret).json(&own);
        assert_eq!(request.send().await?.status().as_u16(), 401, "{secret}");
    }
    assert_eq!(ana.get("/api/v1/me/keys").await?.json()["keys"], json!([]));
    Ok(())
}

async fn a_key_in_an_address_is_refused_and_told(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry"]).await?;
    for address in [format!("/api/v1/me?key={}", key.secret), format!("/api/v1/me/keys/{}", key.secret)] {
        let refused = ana.get(&address).await?;
        assert_eq!((refused.status, refused.code().as_str()), (400, "key_in_url"), "{}", refused.body);
        assert!(refused.body.contains("rotate") && !refused.body.contains(&key.secret));
    }
    for route in ["check", "check/batch"] {
        let address = format!("/api/v1/keys/{route}?key={}", key.secret);
        let refused =
            ana.request(Method::POST, &address).basic_auth("portal", Some(cardea_testkit::world::PORTAL_SECRET));
        let refused = cardea_testkit::Answer::read(refused.json(&json!({})).send().await?).await?;
        assert_eq!((refused.status, refused.code().as_str()), (400, "key_in_url"), "{}", refused.body);
    }
    Ok(())
}
