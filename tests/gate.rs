//! The main job, end to end: a person signs in through their company's provider, their groups earn roles, they make a key,
//! a service checks it; then the door shuts, and from the answer on nothing of theirs works, on any node.

use anyhow::{Context as _, Result};
use cardea_simulate::people;
use cardea_testkit::world::{DIRECTORY_TOKEN, PORTAL_SECRET};
use cardea_testkit::{Answer, Browser, Engine, Node, NodeBuilder, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

stories! {
    the_gate_opens_and_shuts_on_every_node,
    groups_earn_roles_at_each_sign_in_and_lose_them_again,
    an_owner_is_not_changed_by_rules_and_not_reached_by_admins,
    an_invented_client_costs_no_look_into_the_database,
    a_client_that_was_just_declared_is_known,
    another_owner_opens_what_a_deleted_record_has_shut,
}

async fn the_gate_opens_and_shuts_on_every_node(engine: Engine) -> Result<()> {
    let mut world = World::new(engine).await?;
    world.add_node(NodeBuilder::default().named("two")).await?;
    let [one, two] = world.nodes.as_slice() else { anyhow::bail!("two nodes") };

    // Ana signs in through the provider; her group earns her a role, and `/me` says why.
    let ana = world.sign_in("ana").await?;
    let me = ana.get("/api/v1/me").await?.json();
    assert_eq!(me["user"]["email"], "ana@corp.example");
    assert_eq!(me["account"], "acme");
    let roles = me["orgs"][0]["roles"].as_array().cloned().unwrap_or_default();
    let registry = roles.iter().find(|role| role["service"] == "registry").cloned().unwrap_or_default();
    assert_eq!(registry["role"], "admin");
    assert_eq!(
        registry["because"],
        json!([{"rule": "Registry admins", "source": "rule", "value": people::REGISTRY_ADMINS}])
    );

    // She makes a key; a service asks either node what it may do.
    let key = ana.make_key("laptop", &["registry"]).await?;
    for node in [one, two] {
        let answer = world.check(node, &key.secret).await?.json();
        assert_eq!(answer["allowed"], true, "{answer}");
        assert_eq!(
            (&answer["org"], &answer["kind"], &answer["key_id"]),
            (&json!("acme"), &json!("personal"), &json!(key.id))
        );
    }

    // The owner shuts the door. The answer means: it is shut.
    let owner = world.sign_in_owner().await?;
    let shut = owner.send(Method::POST, "/api/v1/orgs/acme/users/ana@corp.example/deactivate", &json!({})).await?;
    assert_eq!(shut.status, 200, "{}", shut.body);
    let refused = world.check(one, &key.secret).await?;
    assert_eq!((refused.status, refused.json()), (200, json!({"allowed": false, "reason": "ended"})));
    assert_eq!(ana.get("/api/v1/me").await?.status, 401);
    assert_eq!(ana.at(&two.url).get("/api/v1/me").await?.status, 401);
    two.catch_up().await?;
    assert_eq!(world.check(two, &key.secret).await?.json(), json!({"allowed": false, "reason": "ended"}));

    // No new way in is opened while the hold stands.
    let again = world.browser()?.sign_in("okta", "ana").await?;
    assert_eq!(again.status, 401);

    // The receipt names what ended and when each node had heard of it.
    one.finish_jobs().await?;
    let id = shut.json()["receipt"].as_str().unwrap_or_default().to_owned();
    let receipt = owner.get(&format!("/api/v1/orgs/acme/revocations/{id}")).await?.json();
    assert_eq!(receipt["cause"], "admin_deactivated");
    assert_eq!(receipt["ended"]["keys"][0]["name"], "laptop");
    assert_eq!(receipt["ended"]["sessions"], 1);
    let nodes = receipt["nodes"].as_array().cloned().unwrap_or_default();
    assert_eq!(nodes.iter().map(|node| node["name"].as_str().unwrap_or_default()).collect::<Vec<_>>(), ["one", "two"]);

    // Opened again, it gives nothing back: she signs in anew and makes a new key.
    let opened = owner.send(Method::POST, "/api/v1/orgs/acme/users/ana@corp.example/reactivate", &json!({})).await?;
    assert_eq!(opened.status, 204);
    two.catch_up().await?;
    for node in [one, two] {
        assert_eq!(world.check(node, &key.secret).await?.json()["allowed"], false);
    }
    assert_eq!(ana.get("/api/v1/me").await?.status, 401);
    let ana = world.sign_in("ana").await?;
    let fresh = ana.make_key("laptop", &["registry"]).await?;
    assert_eq!(world.check(two, &fresh.secret).await?.json()["allowed"], true);
    Ok(())
}

async fn groups_earn_roles_at_each_sign_in_and_lose_them_again(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry"]).await?;
    assert_eq!(world.check(node, &key.secret).await?.json()["allowed"], true);

    // The directory takes her out of the group; at her next sign-in the role is gone, and with it what the key may do.
    world.provider.person("ana", |ana| ana.groups.clear());
    let again = world.sign_in("ana").await?;
    let me = again.get("/api/v1/me").await?.json();
    assert_eq!(me["orgs"][0]["roles"], json!([]));
    assert_eq!(me["notices"], json!([{"code": "no_roles"}]));
    assert_eq!(world.check(node, &key.secret).await?.json(), json!({"allowed": false, "reason": "no_role"}));
    let refused = again
        .send(Method::POST, "/api/v1/me/keys", &json!({"name": "x", "never": true, "services": ["registry"]}))
        .await?;
    assert_eq!((refused.status, refused.code().as_str()), (422, "no_role"));

    // Back in the group: the same key works again, because nothing but the role had gone.
    world.provider.person("ana", |ana| ana.groups = vec![people::REGISTRY_ADMINS.to_owned()]);
    world.sign_in("ana").await?;
    assert_eq!(world.check(node, &key.secret).await?.json()["allowed"], true);
    Ok(())
}

async fn an_owner_is_not_changed_by_rules_and_not_reached_by_admins(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let me = owner.get("/api/v1/me").await?.json();
    assert_eq!(me["orgs"][0]["roles"][0]["role"], "owner");
    let users = owner.get("/api/v1/orgs/acme/users").await?.json();
    assert_eq!(users["items"].as_array().map(Vec::len), Some(1));

    // A plain member sees nothing of the administration, and a stranger not even that the org exists.
    let bo = world.sign_in("bo").await?;
    assert_eq!(bo.get("/api/v1/orgs/acme/users").await?.status, 403);
    assert_eq!(bo.get("/api/v1/orgs/other/users").await?.status, 404);
    assert_eq!(world.browser()?.get("/api/v1/orgs/acme/users").await?.status, 401);
    let shut = bo.send(Method::POST, "/api/v1/orgs/acme/users/owner@acme.test/deactivate", &json!({})).await?;
    assert_eq!(shut.status, 403);
    Ok(())
}

/// Asks a node as a client of this name with the portal's secret.
async fn asked_by(node: &Node, client: &str) -> Result<Answer> {
    let request = Browser::new(&node.url)?.request(Method::POST, "/api/v1/keys/check");
    let question = json!({"key": "no key", "service": "registry", "action": "download_container"});
    Answer::read(request.basic_auth(client, Some(PORTAL_SECRET)).json(&question).send().await?).await
}

async fn an_invented_client_costs_no_look_into_the_database(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let most = match engine {
        Engine::Sqlite => cardea_store::db::Settings::default().readers,
        Engine::Postgres => cardea_store::db::Settings::default().pool,
    };
    // Whoever would look into the database finds every connection taken, and answers 503.
    let mut taken = Vec::new();
    for _ in 0..most {
        taken.push(node.app.db.read().await?);
    }
    assert_eq!(asked_by(node, "portal").await?.status, 200);
    for client in ["invented", "Portal", ""] {
        assert_eq!(asked_by(node, client).await?.status, 401, "{client}");
    }
    Ok(())
}

async fn a_client_that_was_just_declared_is_known(engine: Engine) -> Result<()> {
    let mut world = World::new(engine).await?;
    world.add_node(NodeBuilder::default().named("two")).await?;
    let [one, two] = world.nodes.as_slice() else { anyhow::bail!("two nodes") };
    for number in 0..5 {
        let client = format!("service{number}");
        assert_eq!(asked_by(two, &client).await?.status, 401);
        let declared = json!({"client_id": client, "name": "New", "secret": PORTAL_SECRET, "resource_server": true,
            "services": ["registry"]});
        one.apply(json!({"version": 1, "clients": [declared]})).await?;
        // On the node that took it at its answer; on the other when it has read the feed.
        assert_eq!(asked_by(one, &client).await?.status, 200, "{number}");
        two.catch_up().await?;
        assert_eq!(asked_by(two, &client).await?.status, 200, "{number}");
    }
    assert_eq!(asked_by(one, "service0").await?.status, 401, "the list is the whole list");
    Ok(())
}

async fn another_owner_opens_what_a_deleted_record_has_shut(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let directory = async |method: Method, path: &str, body: &Value| -> Result<Answer> {
        let request = Browser::new(&node.url)?.request(method, &format!("/scim/v2/Users{path}"));
        let request = request.bearer_auth(DIRECTORY_TOKEN).header("content-type", "application/scim+json");
        Answer::read(request.body(body.to_string()).send().await?).await
    };
    let ana = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ana@corp.example",
        "externalId": "ana", "active": true, "emails": [{"value": "ana@corp.example", "primary": true}]});
    let id = directory(Method::POST, "", &ana).await?.json()["id"].as_str().context("an id")?.to_owned();
    let mut tx = node.app.db.write().await?;
    let acme = cardea_store::account::named(&mut tx, "acme").await?.context("acme")?;
    let member = cardea_store::member::of_user(&mut tx, acme.id, id.parse()?).await?.context("the member")?.id;
    cardea_store::member::make_owner(&mut tx, member, "admin").await?;
    tx.commit().await?;

    let owner = world.sign_in_owner().await?;
    let open = format!("/api/v1/orgs/acme/users/{id}/reactivate");
    let off = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "active", "value": false}]});
    assert_eq!(directory(Method::PATCH, &format!("/{id}"), &off).await?.status, 200);
    // As long as the directory has a record of her, it is for the directory to say.
    let refused = owner.send(Method::POST, &open, &json!({})).await?;
    assert_ne!(refused.status, 204, "{}", refused.body);
    let held = async || -> Result<bool> {
        let row = cardea_store::member::find(&mut node.app.db.read().await?, member).await?;
        Ok(row.context("the member")?.numbers.held)
    };
    assert!(held().await?);
    assert_eq!(directory(Method::DELETE, &format!("/{id}"), &json!({})).await?.status, 204);
    assert!(held().await?);
    let opened = owner.send(Method::POST, &open, &json!({})).await?;
    assert_eq!((opened.status, held().await?), (204, false), "{}", opened.body);
    Ok(())
}
