//! The description of the API: it can be read, and what is answered is what it says.

use anyhow::{Context as _, Result, ensure};
use cardea_gateway::accounts;
use cardea_model::Caller;
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Engine, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_is_page, see, user_id};

stories! {
    the_api_can_be_read,
    every_answer_has_the_shape_that_is_written_down,
    every_answer_to_an_operator_has_the_shape_that_is_written_down,
    every_answer_about_local_people_has_the_shape_that_is_written_down,
}

async fn the_api_can_be_read(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let nobody = world.browser()?;
    let docs = see(&nobody, "/docs").await?;
    assert_is_page(&docs, 200);
    let document = nobody.get("/openapi.json").await?.json();
    let paths = document["paths"].as_object().context("the document has paths")?;
    assert!(paths.len() > 10);
    for path in paths.keys() {
        assert!(docs.body.contains(path.as_str()), "{path} is not on the page");
    }
    assert!(docs.body.contains("No live session"));
    Ok(())
}

/// Holds a value against a schema of the document: every field that is there is described, every field that must be there
/// is, and each is of its kind.
fn fits(document: &Value, schema: &Value, value: &Value, place: &str) -> Result<()> {
    if let Some(reference) = schema["$ref"].as_str() {
        let found = document.pointer(reference.trim_start_matches('#')).context("the shape is there")?;
        return fits(document, found, value, place);
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[key].as_array() {
            ensure!(choices.iter().any(|choice| fits(document, choice, value, place).is_ok()), "{place}: {value}");
            return Ok(());
        }
    }
    let kinds = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fields = fields(document, schema);
    ensure!(kinds.iter().any(|known| known == kind) || !fields.is_empty(), "{place}: {value} is no {kinds:?}");
    let values = schema["enum"].as_array();
    ensure!(values.is_none_or(|values| values.contains(value)), "{place}: {value} is none of {values:?}");
    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
        fits(document, &schema["items"], item, &format!("{place}[{at}]"))?;
    }
    let Some(object) = value.as_object().filter(|_| !fields.is_empty()) else { return Ok(()) };
    for (name, item) in object {
        let (_, schema, _) = fields
            .iter()
            .find(|(known, ..)| known == name)
            .with_context(|| format!("{place}.{name} is not described"))?;
        fits(document, schema, item, &format!("{place}.{name}"))?;
    }
    let missing = fields.iter().find(|(name, _, required)| *required && !object.contains_key(name));
    ensure!(missing.is_none(), "{place} lacks {missing:?}");
    Ok(())
}

/// The fields of an object's schema, with whether each must be there.
fn fields(document: &Value, schema: &Value) -> Vec<(String, Value, bool)> {
    let found = schema["$ref"].as_str().and_then(|reference| document.pointer(reference.trim_start_matches('#')));
    let schema = found.unwrap_or(schema);
    let mut all: Vec<_> =
        schema["allOf"].as_array().into_iter().flatten().flat_map(|part| fields(document, part)).collect();
    for (name, of) in schema["properties"].as_object().into_iter().flatten() {
        let required = schema["required"].as_array().is_some_and(|required| required.contains(&json!(name)));
        all.push((name.clone(), of.clone(), required));
    }
    all
}

/// Holds an answer against what is written down of its route and status.
fn answer_fits(document: &Value, answer: &Answer, method: &str, path: &str) -> Result<()> {
    let described = &document["paths"][path][method]["responses"];
    let described = described.get(answer.status.to_string()).or(described.get("default")).context("an answer")?;
    let schema = &described["content"][answer.header("content-type")]["schema"];
    fits(document, schema, &answer.json(), &format!("{method} {path}"))
}

async fn every_answer_has_the_shape_that_is_written_down(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let owner = world.sign_in_owner().await?;
    let document = owner.get("/openapi.json").await?.json();
    let fits = |answer: &Answer, method: &str, path: &str| answer_fits(&document, answer, method, path);
    let mine = "/api/v1/me/keys";
    let grant = json!({"service": "registry", "scopes": ["download_container"], "entity_type": "container",
        "entity_values": ["acme/*"]});
    let made =
        ana.send(Method::POST, mine, &json!({"name": "laptop", "expires_in": "30d", "services": [grant]})).await?;
    assert_eq!(made.status, 201, "{}", made.body);
    fits(&made, "post", mine)?;
    let (key, id) = (made.json()["secret"].clone(), made.json()["id"].as_str().context("an id")?.to_owned());
    ana.make_key("whole", &["registry"]).await?;
    let key = key.as_str().context("a secret")?;
    fits(&world.check(world.node(), key).await?, "post", "/api/v1/keys/check")?;
    fits(&world.check(world.node(), "cdap_nonsense").await?, "post", "/api/v1/keys/check")?;
    let one = format!("{mine}/{id}");
    fits(&ana.send(Method::PATCH, &one, &json!({"name": "desktop"})).await?, "patch", "/api/v1/me/keys/{id}")?;
    for (address, path) in [
        ("/api/v1/me", "/api/v1/me"),
        (mine, mine),
        (&one, "/api/v1/me/keys/{id}"),
        ("/api/v1/me/services", "/api/v1/me/services"),
        ("/api/v1/me/sessions", "/api/v1/me/sessions"),
    ] {
        fits(&ana.get(address).await?, "get", path)?;
    }
    let invitations = "/api/v1/orgs/acme/invitations";
    let role = json!({"team": "vision", "service": "catalog", "role": "read"});
    let made = owner.send(Method::POST, invitations, &json!({"email": "x@elsewhere.example", "roles": [role]})).await?;
    assert_eq!(made.status, 201, "{}", made.body);
    fits(&made, "post", "/api/v1/orgs/{org}/invitations")?;
    let one = format!("{invitations}/{}", made.json()["id"].as_str().context("an id")?);
    let changed = owner.send(Method::PATCH, &one, &json!({"roles": []})).await?;
    fits(&changed, "patch", "/api/v1/orgs/{org}/invitations/{invitation}")?;
    let resent = owner.send(Method::POST, &format!("{one}/resend"), &json!({})).await?;
    fits(&resent, "post", "/api/v1/orgs/{org}/invitations/{invitation}/resend")?;
    let moved = owner.send(Method::POST, "/api/v1/me/switch", &json!({"org": "acme"})).await?;
    fits(&moved, "post", "/api/v1/me/switch")?;
    let user = format!("/api/v1/orgs/acme/users/{}", user_id(&owner, "ana@corp.example").await?);
    let ended = owner.send(Method::POST, &format!("{user}/deactivate"), &json!({})).await?;
    fits(&ended, "post", "/api/v1/orgs/{org}/users/{user}/deactivate")?;
    world.node().catch_up().await?;
    world.node().finish_jobs().await?;
    let receipt = format!("/api/v1/orgs/acme/revocations/{}", ended.json()["receipt"].as_str().context("a receipt")?);
    for (address, path) in [
        ("/api/v1/orgs/acme/users?limit=1", "/api/v1/orgs/{org}/users"),
        (&user, "/api/v1/orgs/{org}/users/{user}"),
        ("/api/v1/orgs/acme/revocations", "/api/v1/orgs/{org}/revocations"),
        (&receipt, "/api/v1/orgs/{org}/revocations/{receipt}"),
        ("/api/v1/orgs/acme/connections", "/api/v1/orgs/{org}/connections"),
        ("/api/v1/orgs/acme/audit", "/api/v1/orgs/{org}/audit"),
        ("/api/v1/orgs/acme", "/api/v1/orgs/{org}"),
        ("/api/v1/orgs/acme/teams", "/api/v1/orgs/{org}/teams"),
        ("/api/v1/orgs/acme/teams/vision", "/api/v1/orgs/{org}/teams/{team}"),
        ("/api/v1/accounts/acme/users", "/api/v1/accounts/{account}/users"),
        (invitations, "/api/v1/orgs/{org}/invitations"),
        ("/api/v1/orgs/acme/owners", "/api/v1/orgs/{org}/owners"),
        ("/api/v1/orgs/acme/contact/templates", "/api/v1/orgs/{org}/contact/templates"),
        ("/api/v1/me/orgs", "/api/v1/me/orgs"),
    ] {
        let answer = owner.get(address).await?;
        assert_eq!(answer.status, 200, "{address}");
        fits(&answer, "get", path)?;
    }
    // Errors too, and whatever was not expected.
    for (browser, address) in [(&ana, "/api/v1/me"), (&owner, "/api/v1/orgs/acme/users?limit=many")] {
        let answer = browser.get(address).await?;
        assert!([401, 400].contains(&answer.status), "{}", answer.body);
        fits(&answer, "get", address.split('?').next().unwrap_or_default().replace("acme", "{org}").as_str())?;
    }
    Ok(())
}

async fn every_answer_to_an_operator_has_the_shape_that_is_written_down(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (app, owner) = (&world.node().app, world.sign_in_owner().await?);
    let token = accounts::create_operator(app, &app.ctx(Caller::System("test")), "ops").await?.reveal();
    let document = owner.get("/openapi.json").await?.json();
    let send = async |method: Method, path: &str, body: Value| -> Result<Answer> {
        let request = owner.request(method, path).bearer_auth(&token).json(&body);
        Answer::read(request.send().await?).await
    };
    let (all, one) = ("/api/v1/accounts", "/api/v1/accounts/{account}");
    let (given, service) =
        ("/api/v1/accounts/{account}/entitlements", "/api/v1/accounts/{account}/entitlements/{service}");
    let offers = "/api/v1/activations";
    let offer = json!({"service": "ai_enterprise", "email": OWNER.0, "transferable": true});
    let offered = send(Method::POST, offers, offer).await?;
    let link = format!("{offers}/{}", offered.json()["secret"].as_str().context("a secret")?);
    let answers = [
        ("post", offers, offered),
        ("get", offers, send(Method::GET, offers, json!({})).await?),
        ("post", all, send(Method::POST, all, json!({"name": "solo", "kind": "individual"})).await?),
        ("get", all, send(Method::GET, all, json!({})).await?),
        ("patch", one, send(Method::PATCH, &one.replace("{account}", "acme"), json!({"description": "x"})).await?),
        ("get", one, send(Method::GET, &one.replace("{account}", "acme"), json!({})).await?),
        (
            "put",
            service,
            send(Method::PUT, &format!("{all}/acme/entitlements/registry"), json!({"state": "suspended"})).await?,
        ),
        ("get", given, send(Method::GET, &given.replace("{account}", "acme"), json!({})).await?),
        ("get", "/api/v1/activations/{activation}", owner.get(&link).await?),
        (
            "post",
            "/api/v1/activations/{activation}/claim",
            owner.send(Method::POST, &format!("{link}/claim"), &json!({"account": "acme"})).await?,
        ),
    ];
    for (method, path, answer) in answers {
        assert!(answer.status < 300, "{method} {path}: {}", answer.body);
        answer_fits(&document, &answer, method, path)?;
    }
    Ok(())
}

async fn every_answer_about_local_people_has_the_shape_that_is_written_down(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let document = owner.get("/openapi.json").await?.json();
    let users = "/api/v1/users";
    for body in [json!({"email": "mei@acme.test"}), json!({"email": "bo@acme.test", "notify": true})] {
        let made = owner.send(Method::POST, users, &body).await?;
        assert_eq!(made.status, 201, "{}", made.body);
        answer_fits(&document, &made, "post", users)?;
    }
    answer_fits(&document, &owner.get(&format!("{users}?limit=1")).await?, "get", users)?;
    let one = format!("{users}/{}", user_id(&owner, "mei@acme.test").await?);
    answer_fits(&document, &owner.get(&one).await?, "get", "/api/v1/users/{id}")?;
    for verb in ["password", "logout"] {
        let answer = owner.send(Method::POST, &format!("{one}/{verb}"), &json!({})).await?;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer_fits(&document, &answer, "post", &format!("/api/v1/users/{{id}}/{verb}"))?;
    }
    let refused = owner.send(Method::POST, users, &json!({"email": "mei@acme.test"})).await?;
    assert_eq!(refused.status, 409);
    answer_fits(&document, &refused, "post", users)
}
