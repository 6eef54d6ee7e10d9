//! How clients prove who they are besides by a secret: by what they sign, once; and how often a wrong secret may be tried.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use axum::routing::get;
use cardea_gateway::declare;
use cardea_testkit::{Answer, Browser, Engine, Node, NodeBuilder, World, stories};
use cardea_tokens::hash::base64url;
use cardea_tokens::jose::{Algorithm, SigningKey};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{APP, APP_SECRET, PORTAL, apply, clients, error, introspect, post};

stories! {
    a_client_proves_itself_by_what_it_signs_and_each_time_anew,
    what_is_signed_must_be_for_here_and_now,
    one_proof_and_no_two,
    the_keys_of_a_client_may_stand_at_an_address,
    what_cannot_be_a_client_s_keys_is_said,
    wrong_secrets_are_counted_by_client_and_network,
}

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const OWN: (&str, &str) = ("grant_type", "client_credentials");

fn key(algorithm: Algorithm) -> Result<SigningKey> {
    Ok(SigningKey::read(algorithm, &SigningKey::generate(algorithm)?)?)
}

fn set(keys: &[&SigningKey]) -> Result<Value> {
    let keys = keys.iter().map(|key| serde_json::from_str(key.jwk())).collect::<Result<Vec<Value>, _>>()?;
    Ok(json!({ "keys": keys }))
}

fn signer(id: &str, keys: (&str, Value)) -> Value {
    json!({"client_id": id, "name": id, keys.0: keys.1, "grants": ["client_credentials"], "services": ["registry"],
        "resource_server": true})
}

/// The usual scene with the client `signer`, whose keys are these.
async fn scene(engine: Engine, keys: &[&SigningKey]) -> Result<World> {
    let world = World::new(engine).await?;
    apply(&world, [clients(), vec![signer("signer", ("jwks", set(keys)?))]].concat()).await?;
    Ok(world)
}

/// What the client says to prove itself, with these claims in the place of its own; null leaves one out.
fn claims(node: &Node, other: &Value) -> Value {
    let now = node.app.clock.now().as_seconds();
    let id = cardea_model::chance::base62(&cardea_testkit::clock::TestRandom, 20);
    let mut claims =
        json!({"iss": "signer", "sub": "signer", "aud": node.url, "jti": id, "iat": now, "exp": now + 300});
    if let (Some(claims), Some(other)) = (claims.as_object_mut(), other.as_object()) {
        claims.extend(other.clone());
        claims.retain(|_, value| !value.is_null());
    }
    claims
}

fn signed(node: &Node, key: &SigningKey, other: &Value) -> Result<String> {
    Ok(key.token("JWT", &claims(node, other).to_string())?)
}

async fn show(node: &Node, path: &str, assertion: &str, fields: &[(&str, &str)]) -> Result<Answer> {
    let proof = [("client_assertion_type", TYPE), ("client_assertion", assertion)];
    Browser::new(&node.url)?.post_form(path, &[&proof, fields].concat()).await
}

async fn a_client_proves_itself_by_what_it_signs_and_each_time_anew(engine: Engine) -> Result<()> {
    let (small, large) = (key(Algorithm::Es256)?, key(Algorithm::Rs256)?);
    let mut world = scene(engine, &[&small, &large]).await?;
    let said = world.browser()?.get("/.well-known/openid-configuration").await?.json();
    for endpoint in ["token", "introspection", "revocation"] {
        let ways = said[format!("{endpoint}_endpoint_auth_methods_supported")].as_array().context("ways")?;
        assert!(ways.contains(&json!("private_key_jwt")), "{endpoint}");
        let names =
            said[format!("{endpoint}_endpoint_auth_signing_alg_values_supported")].as_array().context("names")?;
        assert!(names.contains(&json!("ES256")) && !names.contains(&json!("none")), "{endpoint}");
    }
    let issuer = world.node().url.clone();
    world.add_node(NodeBuilder::default().named("two").with(|settings| settings.public_url = issuer)).await?;
    let [one, two] = &world.nodes[..] else { anyhow::bail!("two nodes") };
    let mut token = Value::Null;
    for (key, path, more) in [
        (&small, "/oauth2/token", &[OWN][..]),
        (&large, "/oauth2/token", &[OWN, ("client_id", "signer")]),
        (&small, "/api/v2/token", &[OWN]),
    ] {
        // For every service, so that the portal may ask about it too.
        let fields = [more, &[("resource", one.app.settings.public_url.as_str())]].concat();
        let given = show(one, path, &signed(one, key, &json!({}))?, &fields).await?;
        ensure!(given.status == 200, "{path} {}", given.body);
        token = given.json()["access_token"].clone();
    }
    let token = [("token", token.as_str().context("a token")?)];
    let proof = signed(one, &small, &json!({}))?;
    assert_eq!(show(one, "/oauth2/introspect", &proof, &token).await?.json()["active"], true);
    // It was shown: nobody who has seen it proves anything with it, at no endpoint and on no node.
    two.catch_up().await?;
    for (node, path) in [(one, "/oauth2/introspect"), (one, "/oauth2/revoke"), (two, "/oauth2/revoke")] {
        let answer = show(node, path, &proof, &token).await?;
        assert_eq!(error(&answer), (401, "invalid_client".to_owned()), "{path}");
    }
    assert_eq!(introspect(one, PORTAL, token[0].1).await?["active"], true);
    assert_eq!(show(two, "/oauth2/revoke", &signed(one, &large, &json!({}))?, &token).await?.status, 200);
    assert_eq!(introspect(one, PORTAL, token[0].1).await?["active"], false);
    Ok(())
}

/// Claims that no assertion may make, at this second.
fn wrong_claims(node: &Node, now: i64) -> Vec<Value> {
    vec![
        json!({"iss": "app"}),
        json!({"sub": "app"}),
        json!({"iss": "nobody", "sub": "nobody"}),
        json!({"iss": "app", "sub": "app"}),
        json!({"iss": null}),
        json!({"jti": null}),
        json!({"jti": ""}),
        json!({"jti": "x".repeat(257)}),
        json!({"exp": null}),
        json!({"exp": now}),
        json!({"exp": now + 361, "iat": null}),
        json!({"exp": (now + 60).to_string()}),
        json!({"iat": now - 60}),
        json!({"iat": now + 61, "exp": now + 120}),
        json!({"nbf": now + 61}),
        json!({"aud": null}),
        json!({"aud": "https://other.example"}),
        json!({"aud": format!("{}/", node.url)}),
        json!({"aud": [node.url, "https://other.example"]}),
        json!({"aud": format!("{}/oauth2/introspect", node.url)}),
    ]
}

async fn what_is_signed_must_be_for_here_and_now(engine: Engine) -> Result<()> {
    let (own, other) = (key(Algorithm::Es256)?, key(Algorithm::Es256)?);
    let world = scene(engine, &[&own]).await?;
    let node = world.node();
    let now = node.app.clock.now().as_seconds();
    let endpoint = format!("{}/oauth2/token", node.url);
    let try_it = async |assertion: &str| anyhow::Ok(error(&show(node, "/oauth2/token", assertion, &[OWN]).await?));
    let refused = (401, "invalid_client".to_owned());
    for wrong in wrong_claims(node, now) {
        assert_eq!(try_it(&signed(node, &own, &wrong)?).await?, refused, "{wrong}");
    }
    let good = claims(node, &json!({})).to_string();
    let plain = signed(node, &own, &json!({}))?;
    let (head, signature) = plain.rsplit_once('.').context("a signature")?;
    let payload = head.split_once('.').context("a payload")?.1;
    let headed = |header: Value| format!("{}.{payload}", base64url(header.to_string().as_bytes()));
    for wrong in [
        signed(node, &other, &json!({}))?,
        own.token("at+jwt", &good)?,
        own.token("logout+jwt", &good)?,
        format!("{}.", headed(json!({"alg": "none"}))),
        format!("{}.{signature}", headed(json!({"alg": "ES256", "kid": other.kid()}))),
        format!("{head}."),
        format!("{head}.{}", signature.replace(&signature[..4], "AAAA")),
        String::from("x"),
        String::from("..."),
    ] {
        assert_eq!(try_it(&wrong).await?, refused, "{wrong}");
    }
    for right in [
        json!({"aud": endpoint}),
        json!({"aud": [node.url]}),
        json!({"iat": null, "exp": now + 300}),
        json!({"iat": now + 30, "exp": now + 330}),
    ] {
        assert_eq!(try_it(&signed(node, &own, &right)?).await?.0, 200, "{right}");
    }
    let typed = own.token("client-authentication+jwt", &good)?;
    assert_eq!(try_it(&typed).await?.0, 200);
    // Nothing that was refused has used the id up.
    assert_eq!(try_it(&plain).await?.0, 200);
    Ok(())
}

async fn one_proof_and_no_two(engine: Engine) -> Result<()> {
    let own = key(Algorithm::Es256)?;
    let world = scene(engine, &[&own]).await?;
    let (node, browser) = (world.node(), world.browser()?);
    let assertion = signed(node, &own, &json!({}))?;
    let proof = [("client_assertion_type", TYPE), ("client_assertion", assertion.as_str())];
    let saml = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer");
    for (fields, code) in [
        (&[OWN, proof[0], proof[1], ("client_secret", "x")][..], (400, "invalid_request")),
        (&[OWN, proof[0], proof[1], ("client_id", "app")], (400, "invalid_request")),
        (&[OWN, saml, proof[1]], (400, "invalid_request")),
        (&[OWN, proof[0]], (400, "invalid_request")),
        (&[OWN, proof[1]], (400, "invalid_request")),
        (&[OWN, ("client_id", "signer")], (401, "invalid_client")),
        (&[OWN, ("client_id", "signer"), ("client_secret", "x")], (401, "invalid_client")),
    ] {
        let answer = browser.post_form("/oauth2/token", fields).await?;
        assert_eq!(error(&answer), (code.0, code.1.to_owned()), "{fields:?}");
    }
    assert_eq!(error(&post(node, "/oauth2/token", APP, &[OWN, proof[0], proof[1]]).await?).0, 400);
    // What was signed for another client's secret way is no way around it.
    let stranger = signed(node, &own, &json!({"iss": "app", "sub": "app"}))?;
    assert_eq!(show(node, "/oauth2/token", &stranger, &[OWN]).await?.status, 401);
    Ok(())
}

async fn the_keys_of_a_client_may_stand_at_an_address(engine: Engine) -> Result<()> {
    let (first, second) = (key(Algorithm::Es256)?, key(Algorithm::Es256)?);
    let published = Arc::new(Mutex::new(set(&[&first])?.to_string()));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}/jwks", listener.local_addr()?);
    let shown = Arc::clone(&published);
    let text = move || std::future::ready(shown.lock().unwrap_or_else(PoisonError::into_inner).clone());
    let serving = tokio::spawn(axum::serve(listener, axum::Router::new().route("/jwks", get(text))).into_future());
    let world = World::new(engine).await?;
    let node = world.node();
    let inside = signer("inside", ("jwks_uri", json!("https://10.0.0.1/jwks")));
    apply(&world, [clients(), vec![signer("signer", ("jwks_uri", json!(address))), inside]].concat()).await?;
    let ask = async |key: &SigningKey, other: &Value| {
        anyhow::Ok(show(node, "/oauth2/token", &signed(node, key, other)?, &[OWN]).await?.status)
    };
    assert_eq!(ask(&first, &json!({})).await?, 200);
    *published.lock().unwrap_or_else(PoisonError::into_inner) = set(&[&second])?.to_string();
    // A key that is not known yet is looked for.
    assert_eq!(ask(&second, &json!({})).await?, 200);
    assert_eq!(ask(&first, &json!({})).await?, 401);
    // Nobody's address leads inside.
    assert_eq!(ask(&first, &json!({"iss": "inside", "sub": "inside"})).await?, 401);
    serving.abort();
    assert_eq!(ask(&second, &json!({})).await?, 200);
    Ok(())
}

async fn what_cannot_be_a_client_s_keys_is_said(engine: Engine) -> Result<()> {
    let own = key(Algorithm::Es256)?;
    let world = scene(engine, &[&own]).await?;
    let mut private = set(&[&own])?;
    private["keys"][0]["d"] = json!("AQ");
    let weak = json!({"keys": [{"kty": "RSA", "n": base64url(&[0xc5; 128]), "e": "AQAB"}]});
    let mut both = signer("signer", ("jwks", set(&[&own])?));
    both["secret"] = json!("hunter2hunter2");
    for (client, place) in [
        (both, "clients[1]"),
        (signer("signer", ("jwks", private)), "jwks"),
        (signer("signer", ("jwks", weak)), "jwks"),
        (signer("signer", ("jwks", json!({"keys": []}))), "jwks"),
        (signer("signer", ("jwks", json!([]))), "jwks"),
        (signer("signer", ("jwks_uri", json!("ftp://x"))), "jwks_uri"),
    ] {
        let refused = apply(&world, vec![client]).await;
        let told = refused.err().map(|error| format!("{error:?}")).unwrap_or_default();
        assert!(told.contains(place), "{place}: {told}");
    }
    // It goes out as it came in, and the same again changes nothing.
    let app = &world.node().app;
    let exported = declare::export(app, &app.ctx(cardea_model::Caller::System("test"))).await?;
    let exported = serde_json::to_value(exported)?;
    let client = exported["clients"].as_array().context("clients")?.iter().find(|c| c["client_id"] == "signer");
    assert_eq!(client.context("the signer")?["jwks"], set(&[&own])?);
    Ok(())
}

async fn wrong_secrets_are_counted_by_client_and_network(engine: Engine) -> Result<()> {
    let world = super::scene(engine).await?;
    let node = world.node();
    let token = async |who| anyhow::Ok(post(node, "/oauth2/token", who, &[OWN]).await?);
    for number in 0..30 {
        assert_eq!(token(("app", "wrong")).await?.status, 401, "{number}");
        // Names that nobody has are nobody's to be slowed down for.
        assert_eq!(token(("nobody", "wrong")).await?.status, 401, "{number}");
    }
    let refused = token(APP).await?;
    assert_eq!(error(&refused), (429, "temporarily_unavailable".to_owned()));
    assert!((1..=301).contains(&refused.header("retry-after").parse::<u32>()?));
    for path in ["/api/v2/token", "/oauth2/introspect", "/oauth2/revoke"] {
        assert_eq!(post(node, path, APP, &[OWN, ("token", "x")]).await?.status, 429, "{path}");
    }
    let script = json!({"grantType": "client_credentials", "clientId": "app", "clientSecret": APP_SECRET});
    let answer = world.browser()?.send(Method::POST, "/api/v1/token", &script).await?;
    assert_eq!((answer.status, answer.json()["code"].as_u64()), (429, Some(429)));
    assert_eq!(token(("robot", APP_SECRET)).await?.status, 200);
    assert_eq!(token(("nobody", "wrong")).await?.status, 401);
    node.clock.advance(Duration::from_secs(300));
    assert_eq!(token(APP).await?.status, 200);
    Ok(())
}
