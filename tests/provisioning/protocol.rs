//! Versions, races between writes, discovery, limits, and what is answered when the database is away.

use anyhow::{Context as _, Result};
use cardea_testkit::world::DIRECTORY_TOKEN;
use cardea_testkit::{Answer, Browser, Engine, NodeBuilder, World, stories};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::task::JoinSet;

use super::{created, deactivated, id_of, is_good, patched, person_called, provision, scim};

stories! {
    versions_guard_reads_and_writes,
    writes_at_one_moment_all_count,
    of_creates_at_one_moment_one_wins,
    discovery_says_what_is_served_and_the_rest_is_not,
    a_directory_that_asks_too_often_is_told_when_to_come_back,
    a_connection_that_is_off_only_takes_away,
    nothing_is_answered_while_the_database_is_away,
}

async fn with_header(
    world: &World,
    method: Method,
    path: &str,
    header: (&str, &str),
    body: Option<Value>,
) -> Result<Answer> {
    let request = Browser::new(&world.node().url)?.request(method, &format!("/scim/v2{path}"));
    let mut request = request.bearer_auth(DIRECTORY_TOKEN).header(header.0, header.1);
    if let Some(body) = body {
        request = request.json(&body);
    }
    Answer::read(request.send().await?).await
}

async fn versions_guard_reads_and_writes(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let made = scim(&world, Method::POST, "/Users", Some(created(&person_called(&world, "ana")?))).await?;
    let path = format!("/Users/{}", id_of(&made));
    assert_eq!(made.header("location"), format!("{}/scim/v2{path}", world.node().url));
    assert_eq!(made.header("location"), made.json()["meta"]["location"]);
    let first = made.header("etag").to_owned();
    assert_eq!(made.json()["meta"]["version"], json!(first));

    let read = with_header(&world, Method::GET, &path, ("if-none-match", &first), None).await?;
    assert_eq!((read.status, read.body.as_str(), read.header("etag")), (304, "", first.as_str()));
    let title = |text: &str| patched(&json!([{"op": "replace", "path": "title", "value": text}]));
    let written = with_header(&world, Method::PATCH, &path, ("if-match", &first), Some(title("Chef"))).await?;
    assert_eq!(written.status, 200);
    let second = written.header("etag").to_owned();
    assert_ne!(second, first);
    // What changes nothing leaves the version.
    let same = scim(&world, Method::PATCH, &path, Some(title("Chef"))).await?;
    assert_eq!((same.status, same.header("etag")), (200, second.as_str()));
    assert_eq!(same.json(), written.json());

    let full = created(&person_called(&world, "ana")?);
    for (method, body) in [(Method::PATCH, Some(deactivated())), (Method::PUT, Some(full)), (Method::DELETE, None)] {
        let stale = with_header(&world, method.clone(), &path, ("if-match", &first), body).await?;
        assert_eq!((stale.status, &stale.json()["status"]), (412, &json!("412")), "{method} {}", stale.body);
    }
    let now = with_header(&world, Method::GET, &path, ("if-none-match", &first), None).await?;
    assert_eq!((now.status, &now.json()["active"]), (200, &json!(true)));
    assert_eq!(with_header(&world, Method::DELETE, &path, ("if-match", &second), None).await?.status, 204);
    Ok(())
}

async fn writes_at_one_moment_all_count(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let id = provision(&world, created(&person_called(&world, "ana")?)).await?;
    let key = world.sign_in("ana").await?.make_key("laptop", &["registry"]).await?;
    let fields = ["title", "nickName", "locale", "timezone", "userType", "preferredLanguage", "displayName"];
    let browser = Browser::new(&world.node().url)?;
    let mut writes = JoinSet::new();
    for field in fields.iter().chain(["active"].iter()) {
        let value = if *field == "active" { json!(false) } else { json!(format!("new {field}")) };
        let body = patched(&json!([{"op": "replace", "path": field, "value": value}]));
        let request = browser.request(Method::PATCH, &format!("/scim/v2/Users/{id}")).bearer_auth(DIRECTORY_TOKEN);
        writes.spawn(request.json(&body).send());
    }
    while let Some(answer) = writes.join_next().await {
        assert_eq!(answer??.status().as_u16(), 200);
    }
    let after = scim(&world, Method::GET, &format!("/Users/{id}"), None).await?;
    for field in fields {
        assert_eq!(after.json()[field], json!(format!("new {field}")));
    }
    assert_eq!(after.json()["active"], false);
    // Each write was one version.
    assert_eq!(after.header("etag"), "W/\"9\"");
    assert!(!is_good(&world, &key.secret).await?);
    Ok(())
}

async fn of_creates_at_one_moment_one_wins(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let browser = Browser::new(&world.node().url)?;
    let body = created(&person_called(&world, "ana")?);
    let mut creates = JoinSet::new();
    for _ in 0..8 {
        let request = browser.request(Method::POST, "/scim/v2/Users").bearer_auth(DIRECTORY_TOKEN);
        creates.spawn(request.json(&body).send());
    }
    let mut statuses = Vec::new();
    while let Some(answer) = creates.join_next().await {
        statuses.push(answer??.status().as_u16());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
    assert_eq!(scim(&world, Method::GET, "/Users", None).await?.json()["totalResults"], 1);
    Ok(())
}

async fn discovery_says_what_is_served_and_the_rest_is_not(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let get = async |path: &str| scim(&world, Method::GET, path, None).await;
    let config = get("/ServiceProviderConfig").await?;
    assert_eq!(config.status, 200);
    for (feature, supported) in
        [("patch", true), ("filter", true), ("etag", true), ("bulk", false), ("sort", false), ("changePassword", false)]
    {
        assert_eq!(config.json()[feature]["supported"], supported, "{feature}");
    }
    let types = get("/ResourceTypes").await?.json();
    assert_eq!((&types["totalResults"], &types["Resources"][0]["id"]), (&json!(1), &json!("User")));
    assert_eq!(get("/ResourceTypes/User").await?.status, 200);
    let schemas = get("/Schemas").await?.json();
    for schema in schemas["Resources"].as_array().context("schemas")? {
        let id = schema["id"].as_str().unwrap_or_default();
        assert_eq!(get(&format!("/Schemas/{id}")).await?.json()["id"], schema["id"]);
        assert!(!schema.to_string().contains("null"));
    }
    for (method, path, status) in [
        (Method::GET, "/ResourceTypes/Group", 404),
        (Method::GET, "/Schemas/urn:nobody", 404),
        (Method::GET, "/Schemas?filter=id%20pr", 403),
        (Method::POST, "/Schemas", 405),
        (Method::DELETE, "/Users", 405),
        (Method::GET, "/Groups", 404),
        (Method::GET, "/Groups/1", 404),
        (Method::GET, "/Me", 501),
        (Method::POST, "/Bulk", 501),
        (Method::POST, "/.search", 501),
        (Method::POST, "/Users/.search", 501),
        (Method::GET, "/nothing", 404),
    ] {
        let answer = scim(&world, method.clone(), path, None).await?;
        assert_eq!(answer.status, status, "{method} {path} {}", answer.body);
        assert_eq!(answer.header("content-type"), "application/scim+json", "{method} {path}");
        assert_eq!(answer.json()["status"], json!(status.to_string()), "{method} {path}");
    }
    Ok(())
}

async fn a_directory_that_asks_too_often_is_told_when_to_come_back(engine: Engine) -> Result<()> {
    let world = World::with(engine, NodeBuilder::default().with(|settings| settings.directory_rate = 3)).await?;
    let body = created(&person_called(&world, "ana")?);
    for _ in 0..3 {
        assert_eq!(scim(&world, Method::GET, "/Users", None).await?.status, 200);
    }
    let refused = scim(&world, Method::POST, "/Users", Some(body.clone())).await?;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    assert_eq!(refused.header("content-type"), "application/scim+json");
    world.node().clock.advance(Duration::from_secs(1));
    assert_eq!(scim(&world, Method::GET, "/Users", None).await?.json()["totalResults"], 0);
    assert_eq!(scim(&world, Method::POST, "/Users", Some(body)).await?.status, 201);
    Ok(())
}

async fn a_connection_that_is_off_only_takes_away(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let stage = async |stage: &str| {
        let mut state = cardea_testkit::world::state(world.provider.issuer());
        state["accounts"][0]["connections"][0]["stage"] = json!(stage);
        world.node().apply(state).await.map(|_| ())
    };
    stage("draft").await?;
    let id = provision(&world, created(&person_called(&world, "ana")?)).await?;
    let other = provision(&world, created(&person_called(&world, "bo")?)).await?;
    stage("live").await?;
    let key = world.sign_in("ana").await?.make_key("laptop", &["registry"]).await?;
    let bo = world.sign_in("bo").await?;
    stage("off").await?;
    // Nobody is made, changed or let in again.
    let path = format!("/Users/{id}");
    let title = patched(&json!([{"op": "replace", "path": "title", "value": "Chef"}]));
    let on = patched(&json!([{"op": "replace", "path": "active", "value": true}]));
    let refused = async |method: Method, path: &str, body: Value| {
        let answer = scim(&world, method, path, Some(body)).await?;
        assert_eq!((answer.status, answer.json()["status"].as_str()), (403, Some("403")), "{}", answer.body);
        anyhow::Ok(())
    };
    refused(Method::POST, "/Users", created(&person_called(&world, "chika")?)).await?;
    refused(Method::PATCH, &path, title).await?;
    assert!(is_good(&world, &key.secret).await?);
    // Whom the directory lets go of is out all the same, and stays out.
    assert_eq!(scim(&world, Method::GET, &path, None).await?.json()["active"], true);
    let off = scim(&world, Method::PATCH, &path, Some(deactivated())).await?;
    assert_eq!((off.status, &off.json()["active"]), (200, &json!(false)), "{}", off.body);
    assert!(!is_good(&world, &key.secret).await?);
    refused(Method::PATCH, &path, on).await?;
    assert_eq!(scim(&world, Method::DELETE, &format!("/Users/{other}"), None).await?.status, 204);
    assert_eq!(bo.get("/api/v1/me").await?.status, 401);
    stage("live").await?;
    assert_eq!(scim(&world, Method::GET, "/Users", None).await?.json()["totalResults"], 1);
    assert_eq!(scim(&world, Method::GET, &path, None).await?.json()["active"], false);
    Ok(())
}

async fn nothing_is_answered_while_the_database_is_away(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let id = provision(&world, created(&person_called(&world, "ana")?)).await?;
    world.node().app.db.close().await;
    let bo = created(&person_called(&world, "bo")?);
    for (method, path, body) in [
        (Method::GET, "/Users".to_owned(), None),
        (Method::POST, "/Users".to_owned(), Some(bo)),
        (Method::PATCH, format!("/Users/{id}"), Some(deactivated())),
        (Method::DELETE, format!("/Users/{id}"), None),
    ] {
        let answer = scim(&world, method.clone(), &path, body).await?;
        assert_eq!(answer.status, 503, "{method} {path} {}", answer.body);
        assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
        assert_eq!(answer.header("content-type"), "application/scim+json");
        assert_eq!(answer.json()["status"], "503");
    }
    // People too are told when to come back.
    let browser = world.browser()?;
    let password = [("email", cardea_testkit::world::OWNER.0), ("password", cardea_testkit::world::OWNER.1)];
    for answer in [browser.get("/login/okta").await?, browser.post_form("/login/password", &password).await?] {
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{}", answer.body);
    }
    Ok(())
}
