//! A service that keeps what it was told about a token asks for it signed; and keeps our keys until they change.

use anyhow::{Context as _, Result};
use cardea_connect::KeySet;
use cardea_connect::jwks::Unproven;
use cardea_testkit::{Answer, Browser, Engine, Node, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{APP, APP_SECRET, OWN, PORTAL, STORE, apply, clients, error, introspect, post, scene, token_of};

stories! {
    what_is_said_of_a_token_is_signed_where_the_service_asks_for_that,
    what_does_not_hold_is_signed_in_as_few_words,
    keys_that_are_known_are_not_sent_again,
}

const SIGNED: &str = "application/token-introspection+jwt";
const SMALL: (&str, &str) = ("small-store", APP_SECRET);

async fn ask(node: &Node, who: (&str, &str), accept: &str, token: &str) -> Result<Answer> {
    let request = Browser::new(&node.url)?.request(Method::POST, "/oauth2/introspect").basic_auth(who.0, Some(who.1));
    Answer::read(request.header("accept", accept).form(&[("token", token)]).send().await?).await
}

/// What a statement says and with which algorithm, if one of our published keys has signed it.
async fn proven(world: &World, answer: &Answer) -> Result<(Value, Value)> {
    assert_eq!((answer.status, answer.header("content-type")), (200, SIGNED), "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    let keys = KeySet::read(world.browser()?.get("/oauth2/jwks").await?.body.as_bytes())?;
    let statement = Unproven::read(&answer.body).context("a signed statement")?;
    assert!(statement.is_signed_by(&keys), "{}", answer.body);
    assert_eq!(statement.kind(), Some("token-introspection+jwt"));
    Ok((Value::Object(statement.claims().clone()), super::said(&answer.body, 0)?["alg"].clone()))
}

/// RFC 9701 §5: addressed to the service that asks, and what is said of the token stands in a member of its own.
async fn what_is_said_of_a_token_is_signed_where_the_service_asks_for_that(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let small = json!({"client_id": SMALL.0, "name": "Small", "secret": SMALL.1, "resource_server": true,
        "services": ["registry"], "id_token_alg": "ES256"});
    apply(&world, [clients(), vec![small]].concat()).await?;
    let node = world.node();
    let now = node.app.clock.now().as_seconds();
    let token = token_of(node, APP, &[]).await?;
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry"]).await?.secret;
    for (who, algorithm) in [(PORTAL, "RS256"), (SMALL, "ES256")] {
        for text in [token.as_str(), &key] {
            let plain = introspect(node, who, text).await?;
            assert_eq!(plain["active"], true);
            let accept = format!("application/json;q=0.5, {}", SIGNED.to_uppercase());
            let (said, alg) = proven(&world, &ask(node, who, &accept, text).await?).await?;
            assert_eq!(said, json!({"iss": node.url, "aud": who.0, "iat": now, "token_introspection": plain}));
            assert_eq!(alg, algorithm);
        }
    }
    // Whoever does not ask by name is answered as ever, and so is whoever may not ask at all.
    for accept in ["*/*", "application/json", "application/jwt", "application/*"] {
        let answer = ask(node, PORTAL, accept, &token).await?;
        assert_eq!(
            (answer.header("content-type"), &answer.json()["active"]),
            ("application/json", &json!(true)),
            "{accept}"
        );
    }
    assert_eq!(error(&ask(node, APP, SIGNED, &token).await?), (403, "unauthorized_client".to_owned()));
    assert_eq!(error(&ask(node, ("portal", "wrong"), SIGNED, &token).await?), (401, "invalid_client".to_owned()));
    for document in ["openid-configuration", "oauth-authorization-server"] {
        let described = world.browser()?.get(&format!("/.well-known/{document}")).await?.json();
        assert_eq!(described["introspection_signing_alg_values_supported"], json!(["RS256", "ES256"]), "{document}");
    }
    // The statement itself is no token here.
    let statement = ask(node, PORTAL, SIGNED, &token).await?.body;
    assert_eq!(introspect(node, PORTAL, &statement).await?, json!({"active": false}));
    let refused = world.browser()?.post_form("/oauth2/userinfo", &[("access_token", &statement)]).await?;
    assert_eq!(refused.status, 401);
    Ok(())
}

async fn what_does_not_hold_is_signed_in_as_few_words(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let node = world.node();
    let foreign = token_of(node, APP, &[("resource", "https://store.example/api")]).await?;
    let ended = token_of(node, APP, &[]).await?;
    assert_eq!(post(node, "/oauth2/revoke", APP, &[("token", &ended)]).await?.status, 200);
    for text in ["nothing of ours", &foreign, &ended] {
        let (said, _) = proven(&world, &ask(node, PORTAL, SIGNED, text).await?).await?;
        assert_eq!(said["token_introspection"], json!({"active": false}), "{text}");
    }
    let (said, _) = proven(&world, &ask(node, STORE, SIGNED, &foreign).await?).await?;
    assert_eq!(said["token_introspection"]["active"], true);
    Ok(())
}

async fn keys_that_are_known_are_not_sent_again(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let browser = world.browser()?;
    let get = async |known: &str| {
        let request = browser.request(Method::GET, "/oauth2/jwks").header("if-none-match", known);
        Answer::read(request.send().await?).await
    };
    let first = browser.get("/oauth2/jwks").await?;
    let tag = first.header("etag").to_owned();
    assert!(first.status == 200 && tag.starts_with('"') && tag.ends_with('"') && tag.len() > 20, "{tag}");
    for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
        let answer = get(&known).await?;
        assert_eq!((answer.status, answer.body.as_str(), answer.header("etag")), (304, "", tag.as_str()), "{known}");
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
    }
    assert_eq!(get("\"other\"").await?.body, first.body);
    // Another key is published, and what was known is out of date.
    let node = world.node();
    token_of(node, APP, &OWN[..0]).await?;
    node.clock.advance(std::time::Duration::from_secs(29 * 86_400));
    cardea_gateway::jobs::tidy_up(&node.app).await?;
    node.follow().await?;
    let later = get(&tag).await?;
    assert_eq!(later.status, 200);
    assert!(later.body != first.body && later.header("etag") != tag);
    Ok(())
}
