//! Scripts that were written for another gateway's token endpoint find what they look for.

use anyhow::{Context as _, Result};
use cardea_testkit::{Answer, Browser, Engine, Node, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{APP, APP_SECRET, OWN, PORTAL, error, introspect, post, scene};

stories! {
    a_script_is_given_a_token_in_its_own_words,
    a_script_is_refused_in_its_own_words,
    the_second_version_is_the_standard_endpoint,
}

async fn ask(node: &Node, body: &str) -> Result<Answer> {
    let request = Browser::new(&node.url)?.request(Method::POST, "/api/v1/token").header("authorization", "Bearer x");
    Answer::read(request.header("content-type", "application/json").body(body.to_owned()).send().await?).await
}

async fn a_script_is_given_a_token_in_its_own_words(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let node = world.node();
    for name in ["clientId", "clientID"] {
        let asked = json!({"grantType": "client_credentials", name: "app", "clientSecret": APP_SECRET, "unheard": [1]});
        let answer = ask(node, &asked.to_string()).await?;
        assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{}", answer.body);
        let given = answer.json();
        let token = given["accessToken"].as_str().context("a token")?;
        assert_eq!(given, json!({"accessToken": token, "expiresIn": 300, "tokenType": "Bearer"}));
        assert_eq!(introspect(node, PORTAL, token).await?["client_id"], "app");
    }
    Ok(())
}

async fn a_script_is_refused_in_its_own_words(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let node = world.node();
    let with = |other: Value| {
        let mut asked = json!({"grantType": "client_credentials", "clientId": "app", "clientSecret": APP_SECRET});
        for (name, value) in other.as_object().into_iter().flatten() {
            asked[name] = value.clone();
        }
        asked.to_string()
    };
    for (body, status, details) in [
        (with(json!({"clientSecret": "wrong"})), 401, "invalid_client"),
        (with(json!({"clientId": "nobody"})), 401, "invalid_client"),
        (with(json!({"clientID": "robot"})), 400, "invalid_request"),
        (with(json!({"clientId": 7})), 400, "invalid_request"),
        (with(json!({"clientId": null})), 400, "invalid_request"),
        (with(json!({"grantType": null})), 400, "invalid_request"),
        (with(json!({"grantType": "password", "username": "x", "password": "y"})), 400, "unsupported_grant_type"),
        (with(json!({"grantType": "refresh_token", "refreshToken": "x"})), 403, "unauthorized_client"),
        (with(json!({"grantType": "exchange_token"})), 400, "invalid_request"),
        (with(json!({"clientId": "store"})), 403, "unauthorized_client"),
        (r#"{"grantType": "client_credentials",}"#.to_owned(), 400, "invalid_request"),
        (with(json!({"x": "y".repeat(17 << 10)})), 413, "invalid_request"),
    ] {
        let answer = ask(node, &body).await?;
        let said = answer.json();
        assert_eq!(
            (answer.status, &said["code"], &said["details"]),
            (status, &json!(status), &json!(details)),
            "{body:.90}"
        );
        assert!(said["message"].as_str().is_some_and(|text| text.ends_with('.')), "{said}");
        let challenge = if status == 401 { "Bearer" } else { "" };
        assert_eq!(answer.header("www-authenticate"), challenge);
    }
    let form = post(node, "/api/v1/token", APP, &OWN).await?;
    assert_eq!((form.status, &form.json()["details"]), (415, &json!("invalid_request")));
    let looked = world.browser()?.get("/api/v1/token").await?;
    assert_eq!((looked.status, looked.header("allow")), (405, "POST"));
    Ok(())
}

async fn the_second_version_is_the_standard_endpoint(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let node = world.node();
    let given = post(node, "/api/v2/token", APP, &OWN).await?;
    assert_eq!((given.status, &given.json()["token_type"]), (200, &json!("Bearer")));
    let wrong = post(node, "/api/v2/token", ("app", "wrong"), &OWN).await?;
    assert_eq!(error(&wrong), (401, "invalid_client".to_owned()));
    Ok(())
}
