//! Services behind the gateway prove who they are, are given tokens, and ask about the tokens and keys they are shown.

pub(crate) mod apps;
mod ending;
mod keyring;
mod logout;
mod modules;
mod proving;
mod scripts;
mod sign_on;
mod signed;
mod way_back;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cardea_testkit::world::PORTAL_SECRET;
use cardea_testkit::{Answer, Browser, Engine, Node, World, stories};
use cardea_tokens::hash::base64url;
use cardea_tokens::jose;
use reqwest::Method;
use serde_json::{Value, json};

stories! {
    a_client_is_given_a_token_for_itself_and_a_service_reads_it,
    a_signed_token_says_by_itself_what_introspection_says,
    a_client_proves_itself_in_one_way_and_no_more,
    what_is_not_a_form_or_says_a_thing_twice_is_refused,
    a_client_is_given_no_more_than_it_may_have,
    a_token_ends_with_time_at_its_clients_word_and_with_its_client,
    only_the_service_that_a_token_is_for_learns_anything_of_it,
    a_key_is_read_as_a_token_until_it_ends,
    the_metadata_names_what_is_served_and_nothing_else,
}

/// The secret of the app and of the robot, which is given signed tokens.
pub(crate) const APP_SECRET: &str = "app-secret-of-the-stories";

/// The usual scene, with an app that acts for itself, one that is given signed tokens, and a second service.
pub(crate) async fn scene(engine: Engine) -> Result<World> {
    let world = World::new(engine).await?;
    apply(&world, clients()).await?;
    Ok(world)
}

pub(crate) fn clients() -> Vec<Value> {
    let app = |id: &str, format: &str| {
        json!({"client_id": id, "name": id, "secret": APP_SECRET, "grants": ["client_credentials"],
        "services": ["registry", "catalog"], "token_format": format})
    };
    vec![
        app("app", "opaque"),
        app("robot", "jwt"),
        json!({"client_id": "store", "name": "Store", "secret": APP_SECRET, "resource_server": true,
            "services": ["registry"], "resources": ["https://store.example/api"]}),
        json!({"client_id": "phone", "name": "Phone", "grants": ["authorization_code"], "services": ["registry"],
            "redirect_uris": ["http://127.0.0.1/cb"]}),
    ]
}

/// Declares these clients beside the portal.
pub(crate) async fn apply(world: &World, clients: Vec<Value>) -> Result<()> {
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    state["clients"].as_array_mut().context("clients")?.extend(clients);
    world.node().apply(state).await?;
    world.node().catch_up().await
}

/// A form by a client that proves itself by HTTP Basic.
pub(crate) async fn post(node: &Node, path: &str, who: (&str, &str), fields: &[(&str, &str)]) -> Result<Answer> {
    let request = Browser::new(&node.url)?.request(Method::POST, path).basic_auth(who.0, Some(who.1));
    Answer::read(request.form(fields).send().await?).await
}

pub(crate) const APP: (&str, &str) = ("app", APP_SECRET);
const ROBOT: (&str, &str) = ("robot", APP_SECRET);
const STORE: (&str, &str) = ("store", APP_SECRET);
pub(crate) const PORTAL: (&str, &str) = ("portal", PORTAL_SECRET);
const OWN: [(&str, &str); 1] = [("grant_type", "client_credentials")];

async fn token_of(node: &Node, who: (&str, &str), more: &[(&str, &str)]) -> Result<String> {
    let answer = post(node, "/oauth2/token", who, &[&OWN, more].concat()).await?;
    ensure!(answer.status == 200, "no token: {} {}", answer.status, answer.body);
    answer.json()["access_token"].as_str().map(str::to_owned).context("a token")
}

pub(crate) async fn introspect(node: &Node, who: (&str, &str), token: &str) -> Result<Value> {
    let answer = post(node, "/oauth2/introspect", who, &[("token", token)]).await?;
    ensure!(answer.status == 200, "{} {}", answer.status, answer.body);
    Ok(answer.json())
}

/// What a signed token says.
pub(crate) fn said(token: &str, part: usize) -> Result<Value> {
    let encoded = token.split('.').nth(part).context("a part")?;
    Ok(serde_json::from_slice(&jose::payload(&format!(".{encoded}.")).context("base 64")?)?)
}

/// The error that stands in an answer, and its status.
pub(crate) fn error(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["error"].as_str().unwrap_or_default().to_owned())
}

const NOTHING: &str = r#"{"active":false}"#;

async fn a_client_is_given_a_token_for_itself_and_a_service_reads_it(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let node = world.node();
    let answer = post(node, "/oauth2/token", APP, &OWN).await?;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let given = answer.json();
    let token = given["access_token"].as_str().context("a token")?;
    assert!(token.starts_with("cdat_"), "{given}");
    let rest = json!({"token_type": "Bearer", "expires_in": 300, "scope": "catalog registry", "access_token": token});
    assert_eq!(given, rest);
    let read = introspect(node, PORTAL, token).await?;
    let now = node.app.clock.now().as_seconds();
    let expected = json!({"active": true, "token_type": "Bearer", "scope": "catalog registry", "client_id": "app",
        "sub": "app", "aud": node.url, "iss": node.url, "exp": now + 300, "iat": now, "jti": token[5..17]});
    assert_eq!(read, expected);
    Ok(())
}

async fn a_signed_token_says_by_itself_what_introspection_says(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let node = world.node();
    let token = token_of(node, ROBOT, &[("resource", "https://store.example/api"), ("scope", "registry")]).await?;
    let (header, claims) = (said(&token, 0)?, said(&token, 1)?);
    let keys = world.browser()?.get("/oauth2/jwks").await?;
    assert_eq!(
        (keys.header("content-type"), keys.header("cache-control")),
        ("application/jwk-set+json", "public, max-age=300")
    );
    let published = keys.json();
    let kids: Vec<&Value> = published["keys"].as_array().context("keys")?.iter().map(|key| &key["kid"]).collect();
    assert_eq!((header["alg"].as_str(), header["typ"].as_str()), (Some("ES256"), Some("at+jwt")));
    assert!(kids.contains(&&header["kid"]), "{published}");
    assert!(!keys.body.contains("\"d\""), "{published}");
    let read = introspect(node, STORE, &token).await?;
    for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope"] {
        assert_eq!(claims[name], read[name], "{name}");
    }
    assert_eq!(claims["aud"], "https://store.example/api");
    // Its payload under another signature, or another payload under its signature, is no token.
    let (head, signature) = token.rsplit_once('.').context("a signature")?;
    let other = base64url(claims.to_string().replace("registry", "anything").as_bytes());
    let payload = head.split('.').nth(1).context("a payload")?;
    for forged in [format!("{head}.{}", signature.replace(&signature[..4], "AAAA")), token.replace(payload, &other)] {
        assert_eq!(introspect(node, STORE, &forged).await?, json!({"active": false}));
    }
    Ok(())
}

/// HTTP Basic, or both parameters in the body, and never both; a wrong proof is told from a wrong request.
async fn a_client_proves_itself_in_one_way_and_no_more(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let node = world.node();
    let browser = world.browser()?;
    let in_body = [OWN[0], ("client_id", "app"), ("client_secret", APP_SECRET)];
    assert_eq!(browser.post_form("/oauth2/token", &in_body).await?.status, 200);
    assert_eq!(post(node, "/oauth2/token", APP, &[OWN[0], ("client_id", "app")]).await?.status, 200);
    for (fields, expected) in [(&in_body[..], "two"), (&[OWN[0], ("client_id", "robot")][..], "not the same")] {
        let answer = post(node, "/oauth2/token", APP, fields).await?;
        assert_eq!(error(&answer), (400, "invalid_request".to_owned()), "{expected}");
    }
    for who in [("app", "wrong"), ("nobody", APP_SECRET), ("app", ""), ("phone", ""), ("phone", "x")] {
        let answer = post(node, "/oauth2/token", who, &OWN).await?;
        assert_eq!(error(&answer), (401, "invalid_client".to_owned()), "{who:?}");
        assert!(answer.header("www-authenticate").starts_with("Basic"), "{who:?}");
    }
    let unproven = browser.post_form("/oauth2/token", &[OWN[0], ("client_id", "app")]).await?;
    assert_eq!(error(&unproven), (401, "invalid_client".to_owned()));
    let unnamed = browser.post_form("/oauth2/token", &OWN).await?;
    assert_eq!(error(&unnamed), (401, "invalid_client".to_owned()));
    Ok(())
}

async fn what_is_not_a_form_or_says_a_thing_twice_is_refused(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let node = world.node();
    let request = Browser::new(&node.url)?.request(Method::POST, "/oauth2/token").basic_auth("app", Some(APP_SECRET));
    let json = Answer::read(request.json(&json!({"grant_type": "client_credentials"})).send().await?).await?;
    assert_eq!(error(&json), (415, "invalid_request".to_owned()));
    let twice = post(node, "/oauth2/token", APP, &[OWN[0], OWN[0]]).await?;
    assert_eq!(error(&twice), (400, "invalid_request".to_owned()));
    let long = "x".repeat(17 << 10);
    let large = post(node, "/oauth2/token", APP, &[OWN[0], ("scope", &long)]).await?;
    assert_eq!(error(&large), (413, "invalid_request".to_owned()));
    let none = post(node, "/oauth2/token", APP, &[("grant_type", "")]).await?;
    assert_eq!(error(&none), (400, "invalid_request".to_owned()));
    assert_eq!(error(&post(node, "/oauth2/introspect", PORTAL, &[]).await?), (400, "invalid_request".to_owned()));
    Ok(())
}

async fn a_client_is_given_no_more_than_it_may_have(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let node = world.node();
    for (who, fields, expected) in [
        (PORTAL, &OWN[..], "unauthorized_client"),
        (APP, &[("grant_type", "password")], "unsupported_grant_type"),
        (APP, &[("grant_type", "implicit")], "unsupported_grant_type"),
        (APP, &[OWN[0], ("scope", "public_api_endpoints")], "invalid_scope"),
        (APP, &[OWN[0], ("scope", "openid")], "invalid_scope"),
        (APP, &[OWN[0], ("resource", "https://nobody.example/")], "invalid_target"),
    ] {
        assert_eq!(error(&post(node, "/oauth2/token", who, fields).await?), (400, expected.to_owned()));
    }
    // A public client cannot prove that it is itself.
    let public = world.browser()?.post_form("/oauth2/token", &[OWN[0], ("client_id", "phone")]).await?;
    assert_eq!(error(&public), (400, "unauthorized_client".to_owned()));
    Ok(())
}

async fn a_token_ends_with_time_at_its_clients_word_and_with_its_client(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let node = world.node();
    let [timely, revoked, orphan] =
        [token_of(node, APP, &[]).await?, token_of(node, APP, &[]).await?, token_of(node, ROBOT, &[]).await?];
    assert_eq!(error(&post(node, "/oauth2/revoke", ROBOT, &[("token", &revoked)]).await?).0, 400);
    assert_eq!(introspect(node, PORTAL, &revoked).await?["active"], true);
    for token in [revoked.as_str(), "nothing of ours"] {
        assert_eq!(post(node, "/oauth2/revoke", APP, &[("token", token)]).await?.status, 200);
        assert_eq!(introspect(node, PORTAL, token).await?.to_string(), NOTHING);
    }
    apply(&world, clients().into_iter().filter(|client| client["client_id"] != "robot").collect()).await?;
    assert_eq!(introspect(node, PORTAL, &orphan).await?.to_string(), NOTHING);
    assert_eq!(introspect(node, PORTAL, &timely).await?["active"], true);
    node.clock.advance(Duration::from_secs(300));
    assert_eq!(introspect(node, PORTAL, &timely).await?.to_string(), NOTHING);
    Ok(())
}

async fn only_the_service_that_a_token_is_for_learns_anything_of_it(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let node = world.node();
    let token = token_of(node, APP, &[("resource", "https://store.example/api")]).await?;
    assert_eq!(introspect(node, STORE, &token).await?["active"], true);
    assert_eq!(introspect(node, PORTAL, &token).await?.to_string(), NOTHING);
    // Who is no resource server learns nothing of any token, not even of its own.
    let own = post(node, "/oauth2/introspect", APP, &[("token", &token)]).await?;
    assert_eq!(error(&own), (403, "unauthorized_client".to_owned()));
    Ok(())
}

async fn a_key_is_read_as_a_token_until_it_ends(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let node = world.node();
    let ana = world.sign_in("ana").await?;
    let me = ana.get("/api/v1/me").await?.json();
    let key = ana.make_key("laptop", &["registry"]).await?;
    let read = introspect(node, STORE, &key.secret).await?;
    assert_eq!(
        (&read["active"], &read["token_type"], &read["kind"]),
        (&json!(true), &json!("api_key"), &json!("personal"))
    );
    assert_eq!((&read["sub"], &read["org"], &read["jti"]), (&me["user"]["id"], &json!("acme"), &json!(key.id)));
    let path = format!("/api/v1/me/keys/{}", key.id);
    ana.send(Method::DELETE, &path, &json!({})).await?;
    assert_eq!(introspect(node, STORE, &key.secret).await?.to_string(), NOTHING);
    Ok(())
}

async fn the_metadata_names_what_is_served_and_nothing_else(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let browser = world.browser()?;
    let said = browser.get("/.well-known/oauth-authorization-server").await?.json();
    assert_eq!(said["issuer"], world.node().url);
    let endpoints = said.as_object().context("metadata")?.iter().filter(|(name, _)| name.ends_with("_endpoint"));
    for (name, address) in endpoints {
        let answer = browser.post_form(address.as_str().context("an address")?, &[]).await?;
        assert_ne!(answer.status, 404, "{name}");
    }
    assert_eq!(browser.get(said["jwks_uri"].as_str().context("keys")?).await?.status, 200);
    Ok(())
}
