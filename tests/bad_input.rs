//! What comes from outside can be wrong, huge or hostile: each gets an answer that says what to do.

use anyhow::Result;
use cardea_testkit::world::PORTAL_SECRET;
use cardea_testkit::{Answer, Browser, Engine, World, stories};
use reqwest::Method;
use serde_json::json;

stories! {
    a_body_that_is_no_request_is_told_why,
    an_address_or_method_that_is_not_there_is_said,
    every_answer_carries_its_id_and_its_headers,
}

async fn post(browser: &Browser, address: &str, kind: &str, body: Vec<u8>) -> Result<Answer> {
    let request = browser.request(Method::POST, address).basic_auth("portal", Some(PORTAL_SECRET));
    Answer::read(request.header("content-type", kind).body(body).send().await?).await
}

async fn post_as_person(browser: &Browser, address: &str, kind: &str, body: Vec<u8>) -> Result<Answer> {
    Answer::read(browser.request(Method::POST, address).header("content-type", kind).body(body).send().await?).await
}

async fn a_body_that_is_no_request_is_told_why(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let huge = format!("{{\"name\":\"{}\"}}", "a".repeat(1 << 20)).into_bytes();
    let cases: [(&str, Vec<u8>, u16, &str); 6] = [
        ("application/json", huge, 413, "too_large"),
        ("text/plain", b"{}".to_vec(), 415, "unsupported_media_type"),
        ("application/json", b"{\"name\": \"x\",\n  oops}".to_vec(), 400, "malformed_json"),
        ("application/json", b"".to_vec(), 400, "malformed_json"),
        ("application/json", b"[]".to_vec(), 422, "invalid_value"),
        ("application/json", b"{\"name\": 7}".to_vec(), 422, "invalid_value"),
    ];
    for (kind, body, status, code) in cases {
        let shown = String::from_utf8_lossy(&body).chars().take(40).collect::<String>();
        let answer = post_as_person(&ana, "/api/v1/me/keys", kind, body).await?;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{shown} {}", answer.body);
        if status == 400 {
            let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
            assert!(detail.contains("line") && detail.contains("column"), "{detail}");
        }
    }
    let portal = Browser::new(&world.node().url)?;
    let check = "/api/v1/keys/check";
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000)).into_bytes();
    for (kind, body, status) in [
        ("application/json", vec![b' '; 20 << 10], 413),
        ("text/plain", b"{}".to_vec(), 415),
        ("application/json", b"{\"key\":".to_vec(), 400),
        ("application/json", vec![0xff, 0xfe], 400),
        ("application/json", deep, 422),
        ("application/json", b"{}".to_vec(), 422),
        ("application/json", b"{\"key\":1,\"service\":2,\"action\":3}".to_vec(), 422),
    ] {
        let shown = String::from_utf8_lossy(&body).chars().take(40).collect::<String>();
        let answer = post(&portal, check, kind, body).await?;
        assert_eq!(answer.status, status, "{shown} {}", answer.body);
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    Ok(())
}

async fn an_address_or_method_that_is_not_there_is_said(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let browser = world.browser()?;
    let answer = browser.get("/api/v1/nothing").await?;
    assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
    let answer = browser.send(Method::PUT, "/api/v1/me", &json!({})).await?;
    assert_eq!((answer.status, answer.code().as_str()), (405, "method_not_allowed"));
    assert!(answer.header("allow").contains("GET"));
    // Sections of the contract that nothing serves yet answer 404, not something that looks like success.
    for address in ["/oauth2/device_authorization", "/signals/okta-events/push", "/.well-known/ssf-configuration"] {
        assert_eq!(browser.get(address).await?.status, 404, "{address}");
    }
    let ana = world.sign_in("ana").await?;
    for id in ["key_0", "nonsense", "key_%00", "usr_00000000000000000000000000000000"] {
        assert_eq!(ana.get(&format!("/api/v1/me/keys/{id}")).await?.status, 404, "{id}");
    }
    Ok(())
}

async fn every_answer_carries_its_id_and_its_headers(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let browser = world.browser()?;
    for address in ["/healthz", "/login", "/api/v1/me", "/nothing", "/openapi.json"] {
        let answer = browser.get(address).await?;
        assert!(answer.header("x-request-id").starts_with("req_"), "{address}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{address}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{address}");
    }
    let document = browser.get("/openapi.json").await?.json();
    for path in ["/api/v1/me", "/api/v1/me/keys", "/api/v1/keys/check", "/api/v1/orgs/{org}/revocations"] {
        assert!(document["paths"].get(path).is_some(), "{path} is not described");
    }
    assert_eq!(browser.get("/docs").await?.status, 200);
    Ok(())
}
