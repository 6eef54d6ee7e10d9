//! Legacy keys: one of a person for all their orgs, where these want it. Off unless an org says otherwise.

use super::*;

stories! {
    legacy_keys_are_off_until_an_owner_says_otherwise,
    a_new_legacy_key_revokes_the_old,
    a_legacy_key_works_in_every_org_of_its_user_that_wants_it,
}

const POLICY: &str = "/api/v1/orgs/acme/key-policy";

fn wanted(name: &str) -> Value {
    json!({"name": name, "never": true, "services": ["registry"], "kind": "legacy"})
}

async fn legacy_keys_are_off_until_an_owner_says_otherwise(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let (ana, owner, admin) = (world.sign_in("ana").await?, world.sign_in_owner().await?, user_admin(&world).await?);
    assert_eq!(ana.get(POLICY).await?.json(), json!({"max_age": null, "legacy": false}));
    let refused = ana.send(Method::POST, "/api/v1/me/keys", &wanted("old script")).await?;
    assert_eq!((refused.status, refused.code().as_str()), (403, "legacy_off"));
    let on = json!({"max_age": null, "legacy": true});
    for somebody in [&ana, &admin] {
        assert_eq!(somebody.send(Method::PUT, POLICY, &on).await?.status, 403);
    }
    assert_eq!(owner.send(Method::PUT, POLICY, &on).await?.json(), on);
    let made = ana.send(Method::POST, "/api/v1/me/keys", &wanted("old script")).await?;
    assert_eq!((made.status, made.json()["kind"].as_str()), (201, Some("legacy")), "{}", made.body);
    let secret = made.json()["secret"].as_str().unwrap_or_default().to_owned();
    assert!(secret.starts_with("cdal_"));
    assert_eq!(world.check(node, &secret).await?.json()["kind"], "legacy");
    let before = node.app.metrics.checks_asked.get();
    assert_eq!(verdict(&world, node, &secret).await?, "allowed");
    assert_eq!(node.app.metrics.checks_asked.get(), before, "at home it is answered from memory");
    let address = format!("/api/v1/me/keys/{}", made.json()["id"].as_str().unwrap_or_default());
    let rotated = ana.send(Method::POST, &format!("{address}/rotate"), &json!({})).await?;
    assert_eq!((rotated.status, rotated.code().as_str()), (409, "legacy_key"));
    // What an org does not want any more stops at once, and is there again when it does.
    owner.send(Method::PUT, POLICY, &json!({"max_age": null, "legacy": false})).await?;
    assert_eq!(verdict(&world, node, &secret).await?, "legacy_off");
    owner.send(Method::PUT, POLICY, &on).await?;
    assert_eq!(verdict(&world, node, &secret).await?, "allowed");
    Ok(())
}

async fn a_new_legacy_key_revokes_the_old(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (ana, owner) = (world.sign_in("ana").await?, world.sign_in_owner().await?);
    owner.send(Method::PUT, POLICY, &json!({"max_age": null, "legacy": true})).await?;
    for number in 0..8 {
        ana.make_key(&format!("key {number}"), &["registry"]).await?;
    }
    let mut creations = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let ana = ana.clone();
        // All of one name: the old one's is free as soon as it is revoked.
        creations.spawn(async move { ana.send(Method::POST, "/api/v1/me/keys", &wanted("script")).await });
    }
    let mut secrets = Vec::new();
    while let Some(answer) = creations.join_next().await {
        let answer = answer??;
        assert_eq!(answer.status, 201, "{}", answer.body);
        secrets.push(answer.json()["secret"].as_str().unwrap_or_default().to_owned());
    }
    world.node().catch_up().await?;
    let mut verdicts = Vec::new();
    for secret in &secrets {
        verdicts.push(verdict(&world, world.node(), secret).await?);
    }
    assert_eq!(verdicts.iter().filter(|verdict| *verdict == "allowed").count(), 1, "{verdicts:?}");
    assert_eq!(verdicts.iter().filter(|verdict| *verdict == "revoked").count(), 19, "{verdicts:?}");
    // It takes no place of a personal key, and they none of its.
    assert_eq!(ana.get("/api/v1/me/keys").await?.json()["keys"].as_array().map(Vec::len), Some(9));
    Ok(())
}

const ELSEWHERE: (&str, &str) = ("owner@globex.test", "Quite-another-horse-9-staple");

async fn a_legacy_key_works_in_every_org_of_its_user_that_wants_it(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    let beside = json!({"name": "globex", "owner": {"email": ELSEWHERE.0, "password": ELSEWHERE.1},
        "org": {"name": "globex", "kind": "enterprise", "services": ["registry"]}});
    state["accounts"].as_array_mut().context("accounts")?.push(beside);
    node.apply(state).await?;
    let (ana, owner, neighbour) = (world.sign_in("ana").await?, world.sign_in_owner().await?, world.browser()?);
    let fields = [("email", ELSEWHERE.0), ("password", ELSEWHERE.1)];
    assert_eq!(neighbour.post_form("/login/password", &fields).await?.status, 303);
    owner.send(Method::PUT, POLICY, &json!({"max_age": null, "legacy": true})).await?;
    let made = ana.send(Method::POST, "/api/v1/me/keys", &wanted("script")).await?.json();
    let secret = made["secret"].as_str().unwrap_or_default().to_owned();
    let asked = async || {
        let question = json!({"key": secret, "service": "registry", "action": "download_container",
            "entity_type": "container", "entity": "globex/app"});
        let answer = world.ask(node, &question).await?.json();
        anyhow::Ok(match answer["allowed"] == true {
            true => answer["org"].as_str().unwrap_or_default().to_owned(),
            false => answer["reason"].as_str().unwrap_or_default().to_owned(),
        })
    };
    assert_eq!(asked().await?, "entity_mismatch", "she is nobody there");
    join_globex(node).await?;
    assert_eq!(asked().await?, "legacy_off", "they have not asked for such keys");
    let theirs = "/api/v1/orgs/globex/key-policy";
    neighbour.send(Method::PUT, theirs, &json!({"max_age": null, "legacy": true})).await?;
    assert_eq!(asked().await?, "globex");
    assert_eq!(verdict(&world, node, &secret).await?, "allowed");
    // What ends there ends there only, and does not come back with her.
    let user = "/api/v1/orgs/globex/users/ana@corp.example";
    assert_eq!(neighbour.send(Method::POST, &format!("{user}/deactivate"), &json!({})).await?.status, 200);
    assert_eq!(asked().await?, "ended");
    assert_eq!(verdict(&world, node, &secret).await?, "allowed");
    neighbour.send(Method::POST, &format!("{user}/reactivate"), &json!({})).await?;
    assert_eq!(asked().await?, "ended");
    let again = ana.send(Method::POST, "/api/v1/me/keys", &wanted("script")).await?.json();
    let fresh = again["secret"].as_str().unwrap_or_default();
    let question = json!({"key": fresh, "service": "registry", "action": "download_container",
        "entity_type": "container", "entity": "globex/app"});
    assert_eq!(world.ask(node, &question).await?.json()["allowed"], true);
    // What ends at home ends everywhere.
    let user = "/api/v1/orgs/acme/users/ana@corp.example";
    assert_eq!(owner.send(Method::POST, &format!("{user}/deactivate"), &json!({})).await?.status, 200);
    assert_eq!(world.ask(node, &question).await?.json()["allowed"], false);
    assert_ne!(verdict(&world, node, fresh).await?, "allowed");
    Ok(())
}

/// Ana is a member of `globex` too, with a role in its registry.
async fn join_globex(node: &Node) -> Result<()> {
    let app = &node.app;
    let mut tx = app.db.write().await?;
    let globex = account::named(&mut tx, "globex").await?.context("globex")?;
    let ana = person::with_email(&mut tx, "ana@corp.example").await?.context("Ana")?;
    let id = cardea_model::id::MemberId::new(app.clock.now(), &*app.random);
    member::add(&mut tx, id, globex.id, ana.id, "member", app.clock.now()).await?;
    let role = grant::Role { team_id: "", service: "registry", role: "user" };
    grant::add(&mut tx, id, role, "test", app.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}
