//! A person's keys: made once, shown once, counted exactly, and refused for exactly one reason.

mod admins;
mod cases;
mod checks;
mod ending;
mod leaks;
mod legacy;
mod once;
mod rotation;
mod service;

use std::time::Duration;

use anyhow::{Context, Result};
use cardea_store::{account, feed, grant, key, member, person};
use cardea_testkit::{Browser, Engine, MadeKey, Node, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

stories! {
    a_secret_is_shown_once,
    twenty_creations_at_once_make_eight_keys,
    a_name_is_taken_once_and_free_again_after_deletion,
    a_key_that_is_off_expired_or_deleted_is_refused,
    a_spoilt_key_costs_no_look_up_and_tells_nothing,
    a_check_needs_the_client_and_asks_within_its_services,
    what_a_key_cannot_be_is_said,
    a_session_that_ended_on_the_way_makes_no_key,
}

async fn a_secret_is_shown_once(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let body = json!({"name": "laptop", "expires_in": "30d", "services": ["registry"]});
    let made = ana.send(Method::POST, "/api/v1/me/keys", &body).await?;
    assert_eq!(made.status, 201);
    assert_eq!(made.header("cache-control"), "no-store");
    let key = made.json();
    let secret = key["secret"].as_str().unwrap_or_default();
    assert!(secret.starts_with("cdap_") && secret.len() == 67);
    assert_eq!(made.header("location"), format!("/api/v1/me/keys/{}", key["id"].as_str().unwrap_or_default()));
    let listed = ana.get("/api/v1/me/keys").await?;
    assert_eq!(listed.json()["keys"][0]["name"], "laptop");
    assert_eq!(listed.json()["keys"][0]["state"], "active");
    assert!(!listed.body.contains(secret));
    // Bo sees nothing of it, and cannot touch it.
    let bo = world.sign_in("bo").await?;
    let address = format!("/api/v1/me/keys/{}", key["id"].as_str().unwrap_or_default());
    assert_eq!(bo.get(&address).await?.status, 404);
    assert_eq!(bo.send(Method::DELETE, &address, &Value::Null).await?.status, 404);
    Ok(())
}

async fn twenty_creations_at_once_make_eight_keys(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let mut creations = tokio::task::JoinSet::new();
    for number in 0..20 {
        let ana = ana.clone();
        creations.spawn(async move {
            let body = json!({"name": format!("key {number}"), "never": true, "services": ["registry"]});
            ana.send(Method::POST, "/api/v1/me/keys", &body).await
        });
    }
    let mut statuses = Vec::new();
    while let Some(answer) = creations.join_next().await {
        let answer = answer??;
        assert!(answer.status == 201 || answer.code() == "key_limit_reached", "{} {}", answer.status, answer.body);
        statuses.push(answer.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 8);
    assert_eq!(ana.get("/api/v1/me/keys").await?.json()["keys"].as_array().map(Vec::len), Some(8));
    Ok(())
}

async fn a_name_is_taken_once_and_free_again_after_deletion(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("Laptop", &["registry"]).await?;
    let body = json!({"name": " laptop ", "never": true, "services": ["registry"]});
    let taken = ana.send(Method::POST, "/api/v1/me/keys", &body).await?;
    assert_eq!((taken.status, taken.code().as_str()), (409, "key_name_taken"));
    assert_eq!(delete(&ana, &key).await?, 204);
    assert_eq!(delete(&ana, &key).await?, 404);
    ana.make_key("laptop", &["registry"]).await?;
    Ok(())
}

async fn delete(browser: &Browser, key: &MadeKey) -> Result<u16> {
    Ok(browser.send(Method::DELETE, &format!("/api/v1/me/keys/{}", key.id), &Value::Null).await?.status)
}

async fn a_key_that_is_off_expired_or_deleted_is_refused(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry"]).await?;
    let address = format!("/api/v1/me/keys/{}", key.id);
    let reason = async |secret: &str| anyhow::Ok(world.check(node, secret).await?.json()["reason"].clone());

    let off = ana.send(Method::PATCH, &address, &json!({"active": false})).await?;
    assert_eq!((off.status, off.json()["state"].as_str()), (200, Some("disabled")));
    assert_eq!(reason(&key.secret).await?, "disabled");
    let on = ana.send(Method::PATCH, &address, &json!({"active": true})).await?;
    assert_eq!(on.json()["state"], "active");
    assert_eq!(reason(&key.secret).await?, Value::Null);

    // A change of what was read before another change is refused.
    let stale =
        ana.request(Method::PATCH, &address).header("if-match", off.header("etag")).json(&json!({"active": false}));
    assert_eq!(stale.send().await?.status().as_u16(), 412);

    assert_eq!(delete(&ana, &key).await?, 204);
    assert_eq!(reason(&key.secret).await?, "revoked");

    let brief = json!({"name": "brief", "expires_in": "1h", "services": ["registry"]});
    let brief = ana.send(Method::POST, "/api/v1/me/keys", &brief).await?.json()["secret"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert_eq!(reason(&brief).await?, Value::Null);
    node.clock.advance(Duration::from_secs(3600));
    node.catch_up().await?;
    assert_eq!(reason(&brief).await?, "expired");
    Ok(())
}

async fn a_spoilt_key_costs_no_look_up_and_tells_nothing(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry"]).await?;
    let asked = || node.app.metrics.checks_asked.get();
    let before = asked();
    for at in [0, 5, 20, 66] {
        let mut spoilt: Vec<char> = key.secret.chars().collect();
        if let Some(letter) = spoilt.get_mut(at) {
            *letter = if *letter == 'x' { 'y' } else { 'x' };
        }
        let spoilt: String = spoilt.into_iter().collect();
        assert_eq!(world.check(node, &spoilt).await?.json(), json!({"allowed": false, "reason": "malformed"}));
    }
    for garbage in ["", "cdap_", "nul\u{0}", &"a".repeat(10_000)] {
        assert_eq!(world.check(node, garbage).await?.json()["reason"], "malformed");
    }
    assert_eq!(asked(), before, "garbage must cost no look-up");
    // A well-formed key that nobody has: one look-up, and no other word than for a wrong secret.
    let unknown = "cdap_000000000000_00000000000000000000000000000000000000000002JmOGF";
    assert_eq!(world.check(node, unknown).await?.json()["reason"], "unknown_key");
    assert_eq!(asked(), before + 1);
    Ok(())
}

async fn a_check_needs_the_client_and_asks_within_its_services(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry"]).await?;
    let question = json!({"key": key.secret, "service": "registry", "action": "download_container", "entity": "acme/app",
        "entity_type": "container"});
    let ask = |id: &str, secret: &str| {
        ana.request(Method::POST, "/api/v1/keys/check").basic_auth(id, Some(secret)).json(&question).send()
    };
    assert_eq!(ask("portal", "wrong").await?.status().as_u16(), 401);
    assert_eq!(ask("nobody", "wrong").await?.status().as_u16(), 401);
    // A session is no client: keys are checked by services only.
    assert_eq!(ana.send(Method::POST, "/api/v1/keys/check", &question).await?.status, 401);

    let reason = async |change: Value| {
        let mut asked = question.clone();
        if let (Some(fields), Value::Object(change)) = (asked.as_object_mut(), change) {
            fields.extend(change);
        }
        anyhow::Ok(world.ask(node, &asked).await?.json()["reason"].as_str().unwrap_or("allowed").to_owned())
    };
    for (change, expected) in [
        (json!({}), "allowed"),
        (json!({"entity": "acme/vision/app"}), "allowed"),
        (json!({"entity": null}), "entity_required"),
        (json!({"entity": "acme/../app"}), "bad_entity"),
        (json!({"entity": "other/app"}), "entity_mismatch"),
        (json!({"entity_type": "boat"}), "unknown_entity_type"),
        (json!({"action": "fly"}), "unknown_action"),
        (json!({"service": "boats"}), "unknown_service"),
        (json!({"service": "public_api_endpoints", "action": "invoke_endpoint"}), "unknown_entity_type"),
        (json!({"service": "catalog", "action": "get_artifact", "entity_type": "artifact"}), "service_not_granted"),
    ] {
        assert_eq!(reason(change.clone()).await?, expected, "{change}");
    }
    Ok(())
}

async fn what_a_key_cannot_be_is_said(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    for (body, status, code) in [
        (json!({"name": "", "never": true, "services": ["registry"]}), 422, "invalid_name"),
        (json!({"name": "a\u{0}b", "never": true, "services": ["registry"]}), 422, "invalid_name"),
        (json!({"name": "x", "services": ["registry"]}), 422, "invalid_expiry"),
        (json!({"name": "x", "never": true, "expires_in": "1d", "services": ["registry"]}), 422, "invalid_expiry"),
        (json!({"name": "x", "expires_at": "2001-01-01T00:00:00Z", "services": ["registry"]}), 422, "invalid_expiry"),
        (json!({"name": "x", "never": true, "services": []}), 422, "invalid_grant"),
        (json!({"name": "x", "never": true, "services": ["boats"]}), 422, "invalid_grant"),
        (json!({"name": "x", "never": true, "services": ["public_api_endpoints"]}), 422, "no_role"),
        (json!({"name": "x", "never": true, "services": ["registry"], "org": "other"}), 404, "not_found"),
        (json!({"name": "x", "never": true, "services": ["registry"], "colour": "red"}), 422, "invalid_value"),
    ] {
        let answer = ana.send(Method::POST, "/api/v1/me/keys", &body).await?;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{body} {}", answer.body);
        assert!(answer.json()["request_id"].as_str().is_some_and(|id| id.starts_with("req_")));
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    assert_eq!(ana.get("/api/v1/me/keys").await?.json()["keys"], json!([]));
    Ok(())
}

async fn a_session_that_ended_on_the_way_makes_no_key(engine: Engine) -> Result<()> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let world = World::new(engine).await?;
    for ended_by in ["/logout", "/api/v1/me/sessions"] {
        let browser = world.browser()?;
        let begun = browser.sign_in("okta", "ana").await?;
        assert_eq!(begun.status, 200);
        let cookie = browser.cookie("cardea")?;
        let body = r#"{"name":"late","never":true,"services":["registry"]}"#;
        let host = world.node().url.trim_start_matches("http://");
        let mut wire = tokio::net::TcpStream::connect(host).await?;
        let head = format!(
            "POST /api/v1/me/keys HTTP/1.1\r\nhost: {host}\r\ncookie: cardea={cookie}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        // The head is on its way, and the first bytes of the body; then the session ends; then comes the rest.
        wire.write_all(head.as_bytes()).await?;
        wire.write_all(&body.as_bytes()[..5]).await?;
        wire.flush().await?;
        world.browser()?.get("/healthz").await?;
        let method = if ended_by == "/logout" { Method::POST } else { Method::DELETE };
        assert!(browser.send(method, ended_by, &json!({})).await?.status < 300);
        wire.write_all(&body.as_bytes()[5..]).await?;
        let mut answer = String::new();
        wire.read_to_string(&mut answer).await?;
        assert!(answer.starts_with("HTTP/1.1 401"), "{ended_by} {answer}");
    }
    let ana = world.sign_in("ana").await?;
    assert_eq!(ana.get("/api/v1/me/keys").await?.json()["keys"], json!([]));
    Ok(())
}

/// Somebody who came through the provider without groups, and manages users of the whole org.
async fn user_admin(world: &World) -> Result<Browser> {
    world.sign_in("chika").await?;
    let app = &world.node().app;
    let mut tx = app.db.write().await?;
    let acme = account::named(&mut tx, "acme").await?.context("acme")?;
    let found = person::with_email(&mut tx, "chika@corp.example").await?.context("Chika")?;
    let member = member::of_user(&mut tx, acme.id, found.id).await?.context("a member")?;
    let role = grant::Role { team_id: "", service: "gateway", role: "user_admin" };
    grant::add(&mut tx, member.id, role, "test", app.clock.now()).await?;
    tx.commit().await?;
    world.sign_in("chika").await
}

/// Puts grants into a key's row that nobody could have given it, and tells the node.
async fn store_grants(node: &Node, id: &str, grants: &Value) -> Result<()> {
    let mut tx = node.app.db.write().await?;
    let row = key::any(&mut tx, id).await?.context("the key")?;
    key::put(&mut tx, row.id, (&row.name, &row.name.to_lowercase()), &grants.to_string()).await?;
    feed::append(&mut tx, feed::Kind::Key, id, cardea_model::numbers::Numbers::default(), node.app.clock.now()).await?;
    tx.commit().await?;
    node.follow().await
}

const SERVICE_KEYS: &str = "/api/v1/orgs/acme/service-keys";

/// A service key of `acme` with these grants.
async fn make_service_key(browser: &Browser, name: &str, grants: Value) -> Result<MadeKey> {
    let body = json!({"name": name, "never": true, "grants": grants});
    let made = browser.send(Method::POST, SERVICE_KEYS, &body).await?;
    anyhow::ensure!(made.status == 201, "{name} was not made: {} {}", made.status, made.body);
    let text = |member: &str| made.json()[member].as_str().unwrap_or_default().to_owned();
    Ok(MadeKey { id: text("id"), secret: text("secret") })
}

/// Why the key may not pull `acme/app`, or `allowed`.
async fn verdict(world: &World, node: &Node, secret: &str) -> Result<String> {
    let answer = world.check(node, secret).await?.json();
    Ok(answer["reason"].as_str().unwrap_or(if answer["allowed"] == true { "allowed" } else { "" }).to_owned())
}
