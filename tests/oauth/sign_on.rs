//! People go from a service through the door and back with a code; the code becomes tokens, once; and all of it ends at
//! once with their access. The names of the stories are those by which the checks of the OpenID Foundation are known,
//! where they have one.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cardea_testkit::{Answer, Browser, Engine, Node, World, stories};
use cardea_tokens::hash::{base64url, sha256};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::ending::{is_active, refresh};
use super::{APP_SECRET, apply, clients, error, post, said};

stories! {
    oidcc_server,
    oidcc_idtoken_signature_and_userinfo,
    oidcc_discovery_says_what_is_served,
    oidcc_prompt_none_and_prompt_login,
    oidcc_max_age,
    oidcc_id_token_hint,
    oidcc_codereuse,
    oidcc_ensure_registered_redirect_uri,
    oidcc_ensure_post_request_succeeds,
    oidcc_request_objects_are_refused_by_name,
    no_request_gets_by_without_pkce,
    a_code_is_good_for_its_client_its_address_and_a_minute,
}

pub(super) const WEB: (&str, &str) = ("web", APP_SECRET);
pub(super) const CALLBACK: &str = "https://web.example/cb?from=cardea";
pub(super) const GOODBYE: &str = "https://web.example/bye?from=cardea";
pub(super) const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more-0";

pub(super) async fn scene(engine: Engine) -> Result<World> {
    let world = World::new(engine).await?;
    let web = json!({"client_id": "web", "name": "Web", "secret": APP_SECRET, "redirect_uris": [CALLBACK],
        "post_logout_redirect_uris": [GOODBYE], "grants": ["authorization_code", "refresh_token"],
        "services": ["registry", "catalog"]});
    let small = json!({"client_id": "small", "name": "Small", "secret": APP_SECRET, "redirect_uris": [CALLBACK],
        "grants": ["authorization_code"], "id_token_alg": "ES256"});
    apply(&world, [clients(), vec![web, small]].concat()).await?;
    Ok(world)
}

/// The usual request, with these parameters in the place of its own; an empty one is left out.
pub(super) fn asking(other: &[(&str, &str)]) -> String {
    let challenge = base64url(&sha256(VERIFIER.as_bytes()));
    let mut pairs = vec![
        ("client_id", "web"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid profile email groups org"),
        ("state", "the state"),
        ("nonce", "the nonce"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    for &(name, value) in other {
        pairs.retain(|(known, _)| *known != name);
        pairs.push((name, value));
    }
    pairs.retain(|(_, value)| !value.is_empty());
    let mut url = Url::parse("http://x/oauth2/authorize").expect("an address");
    url.query_pairs_mut().extend_pairs(pairs);
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

/// What came back to the service.
pub(super) fn back(answer: &Answer) -> Result<Vec<(String, String)>> {
    ensure!(answer.status == 303, "{} {}", answer.status, answer.body);
    let address = Url::parse(answer.header("location"))?;
    ensure!(address.as_str().starts_with(CALLBACK), "{address}");
    Ok(address.query_pairs().into_owned().collect())
}

pub(super) fn value(pairs: &[(String, String)], name: &str) -> Option<String> {
    pairs.iter().find_map(|(known, value)| (known == name).then(|| value.clone()))
}

pub(super) async fn code(browser: &Browser, other: &[(&str, &str)]) -> Result<String> {
    let pairs = back(&browser.get(&asking(other)).await?)?;
    value(&pairs, "code").with_context(|| format!("no code: {pairs:?}"))
}

pub(super) async fn failure(browser: &Browser, other: &[(&str, &str)]) -> Result<String> {
    let pairs = back(&browser.get(&asking(other)).await?)?;
    assert_eq!(value(&pairs, "state").as_deref(), Some("the state"));
    assert_eq!(value(&pairs, "code"), None);
    value(&pairs, "error").with_context(|| format!("no error: {pairs:?}"))
}

pub(super) async fn redeem(node: &Node, who: (&str, &str), code: &str) -> Result<Answer> {
    let fields =
        [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
    post(node, "/oauth2/token", who, &fields).await
}

pub(super) async fn tokens(node: &Node, code: &str) -> Result<Value> {
    let answer = redeem(node, WEB, code).await?;
    ensure!(answer.status == 200, "{} {}", answer.status, answer.body);
    Ok(answer.json())
}

/// From the service through the door and the person's provider, and back.
async fn oidcc_server(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let (node, browser) = (world.node(), world.browser()?);
    let door = browser.get(&asking(&[("login_hint", "ana@corp.example")])).await?;
    assert_eq!(door.status, 303);
    let door = Url::parse(&node.url)?.join(door.header("location"))?;
    let pairs: Vec<_> = door.query_pairs().into_owned().collect();
    assert_eq!((door.path(), value(&pairs, "login_hint").as_deref()), ("/login", Some("ana@corp.example")));
    let return_to = value(&pairs, "return_to").context("a way back")?;
    let given = [("email", "ana@corp.example"), ("return_to", return_to.as_str())];
    let begun = browser.post_form("/login", &given).await?;
    let (arrived, _) = browser.follow(begun, "ana", Some("/oauth2/authorize")).await?;
    let answer = back(&browser.get(&arrived).await?)?;
    assert_eq!(value(&answer, "state").as_deref(), Some("the state"));
    assert_eq!(value(&answer, "iss").as_deref(), Some(node.url.as_str()));
    assert_eq!(value(&answer, "from").as_deref(), Some("cardea"), "what the address had stays");
    let given = tokens(node, &value(&answer, "code").context("a code")?).await?;
    assert_eq!((&given["token_type"], &given["expires_in"]), (&json!("Bearer"), &json!(300)));
    // The second time nobody is asked anything.
    code(&browser, &[]).await?;
    Ok(())
}

async fn oidcc_idtoken_signature_and_userinfo(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let (node, ana) = (world.node(), world.sign_in("ana").await?);
    let me = ana.get("/api/v1/me").await?.json();
    let given = tokens(node, &code(&ana, &[]).await?).await?;
    let token = given["id_token"].as_str().context("an ID token")?;
    let (header, claims) = (said(token, 0)?, said(token, 1)?);
    assert_eq!(header["alg"], "RS256");
    let keys = ana.get("/oauth2/jwks").await?.json();
    let published = keys["keys"].as_array().context("keys")?;
    assert!(published.iter().any(|key| key["kid"] == header["kid"] && key["kty"] == "RSA"), "{keys}");
    let now = node.app.clock.now().as_seconds();
    let access = given["access_token"].as_str().context("an access token")?;
    let expected = json!({"iss": node.url, "aud": "web", "sub": me["user"]["id"], "nonce": "the nonce", "iat": now,
        "exp": now + 300, "auth_time": now, "at_hash": base64url(&sha256(access.as_bytes())[..16]),
        "name": me["user"]["name"], "email": me["user"]["email"], "email_verified": me["user"]["email_verified"],
        "groups": claims["groups"], "org": "acme"});
    assert_eq!(claims, expected);
    assert_eq!(
        claims["groups"],
        json!(["registry:admin", "vision/catalog:read"]),
        "roles, and never the provider's groups"
    );
    let whole = ana.request(Method::GET, "/oauth2/userinfo").bearer_auth(access).send().await?;
    let whole = Answer::read(whole).await?.json();
    let posted = ana.post_form("/oauth2/userinfo", &[("access_token", access)]).await?.json();
    let header = Answer::read(ana.request(Method::POST, "/oauth2/userinfo").bearer_auth(access).send().await?).await?;
    assert_eq!((&whole, &whole), (&posted, &header.json()));
    for name in ["sub", "name", "email", "email_verified", "groups", "org"] {
        assert_eq!(whole[name], claims[name], "{name}");
    }
    let small =
        redeem(node, ("small", APP_SECRET), &code(&ana, &[("client_id", "small"), ("nonce", "")]).await?).await?;
    let small = small.json();
    let header = said(small["id_token"].as_str().context("an ID token")?, 0)?;
    assert_eq!((&header["alg"], &small["refresh_token"]), (&json!("ES256"), &Value::Null));
    let bare = redeem(node, WEB, &code(&ana, &[("scope", "profile unheard_of")]).await?).await?.json();
    assert_eq!((&bare["id_token"], &bare["scope"]), (&Value::Null, &json!("profile")));
    let narrow = bare["access_token"].as_str().context("an access token")?;
    let refused = ana.post_form("/oauth2/userinfo", &[("access_token", narrow)]).await?;
    assert_eq!(error(&refused), (403, "insufficient_scope".to_owned()));
    let wrong = ana.post_form("/oauth2/userinfo", &[("access_token", "x")]).await?;
    assert_eq!(wrong.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    Ok(())
}

async fn oidcc_discovery_says_what_is_served(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let browser = world.browser()?;
    let said = browser.get("/.well-known/openid-configuration").await?.json();
    assert_eq!(said["issuer"], world.node().url);
    for (name, address) in said.as_object().context("metadata")? {
        if name.ends_with("_endpoint") || name == "jwks_uri" {
            assert_ne!(browser.get(address.as_str().context("an address")?).await?.status, 404, "{name}");
        }
    }
    let server = browser.get("/.well-known/oauth-authorization-server").await?.json();
    for (name, value) in server.as_object().context("metadata")? {
        assert_eq!(&said[name], value, "{name}");
    }
    Ok(())
}

/// Silence where nobody is signed in is an error; a demand to sign in again is met by signing in again, once.
async fn oidcc_prompt_none_and_prompt_login(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let stranger = world.browser()?;
    assert_eq!(failure(&stranger, &[("prompt", "none")]).await?, "login_required");
    let ana = world.sign_in("ana").await?;
    for prompt in ["none", "consent"] {
        code(&ana, &[("prompt", prompt)]).await?;
    }
    assert_eq!(failure(&ana, &[("prompt", "none login")]).await?, "invalid_request");
    world.node().clock.advance(Duration::from_secs(10));
    let before = world.node().app.clock.now().as_seconds();
    let code = again(&world, &ana, &[("prompt", "login")]).await?;
    let given = tokens(world.node(), &code).await?;
    let claims = said(given["id_token"].as_str().context("an ID token")?, 1)?;
    assert!(claims["auth_time"].as_i64() >= Some(before), "{claims}");
    Ok(())
}

/// Asks, is sent to the door although signed in, signs in and comes back with a code.
async fn again(world: &World, browser: &Browser, other: &[(&str, &str)]) -> Result<String> {
    let door = browser.get(&asking(other)).await?;
    let door = Url::parse(&world.node().url)?.join(door.header("location"))?;
    ensure!(door.path() == "/login", "{door}");
    let return_to = value(&door.query_pairs().into_owned().collect::<Vec<_>>(), "return_to").context("a way back")?;
    // To come back without having signed in leads to the door once more.
    world.node().clock.advance(Duration::from_secs(1));
    let once_more = browser.get(&return_to).await?;
    ensure!(once_more.header("location").starts_with("/login"), "{}", once_more.header("location"));
    let query: String =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", &return_to).finish();
    let begun = browser.get(&format!("/login/okta?{query}")).await?;
    ensure!(begun.header("location").contains("&prompt=login"), "{}", begun.header("location"));
    let (arrived, _) = browser.follow(begun, "ana", Some("/oauth2/authorize")).await?;
    value(&back(&browser.get(&arrived).await?)?, "code").context("a code")
}

async fn oidcc_max_age(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let ana = world.sign_in("ana").await?;
    world.node().clock.advance(Duration::from_secs(60));
    code(&ana, &[("max_age", "10000")]).await?;
    assert_eq!(failure(&ana, &[("max_age", "1"), ("prompt", "none")]).await?, "login_required");
    assert_eq!(failure(&ana, &[("max_age", "soon")]).await?, "invalid_request");
    again(&world, &ana, &[("max_age", "1")]).await?;
    Ok(())
}

async fn oidcc_id_token_hint(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let (ana, chika) = (world.sign_in("ana").await?, world.sign_in("chika").await?);
    let given = tokens(world.node(), &code(&ana, &[]).await?).await?;
    let hint = given["id_token"].as_str().context("an ID token")?;
    code(&ana, &[("prompt", "none"), ("id_token_hint", hint)]).await?;
    assert_eq!(failure(&chika, &[("prompt", "none"), ("id_token_hint", hint)]).await?, "login_required");
    let altered = hint.replace(&hint[hint.len() - 8..], "AAAAAAAA");
    assert_eq!(failure(&ana, &[("id_token_hint", &altered)]).await?, "invalid_request");
    Ok(())
}

/// A code that comes twice was stolen once: everything that came of it ends.
async fn oidcc_codereuse(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let (node, ana) = (world.node(), world.sign_in("ana").await?);
    let code = code(&ana, &[]).await?;
    let given = tokens(node, &code).await?;
    // Another client that brings it learns nothing, and ends nothing.
    assert_eq!(error(&redeem(node, ("small", APP_SECRET), &code).await?), (400, "invalid_grant".to_owned()));
    assert!(is_active(node, &given["access_token"]).await?);
    assert_eq!(error(&redeem(node, WEB, &code).await?), (400, "invalid_grant".to_owned()));
    assert!(!is_active(node, &given["access_token"]).await?);
    assert_eq!(error(&refresh(node, &given["refresh_token"]).await?), (400, "invalid_grant".to_owned()));
    Ok(())
}

/// Exactly as it is registered, or nobody is sent anywhere.
async fn oidcc_ensure_registered_redirect_uri(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let ana = world.sign_in("ana").await?;
    for wrong in [
        "",
        "https://web.example/cb",
        "https://web.example/cb?from=cardea&x=1",
        "https://web.example/cb?from=Cardea",
        "https://WEB.example/cb?from=cardea",
        "https://web.example/cb/?from=cardea",
        "https://web.example/CB?from=cardea",
        "https://web.example:443/cb?from=cardea",
        "https://web.example/cb?from=cardea#x",
        "http://web.example/cb?from=cardea",
        "https://web.example/a/../cb?from=cardea",
        "https://x@web.example/cb?from=cardea",
        "https://web.example.evil/cb?from=cardea",
        "https://web.example\\cb?from=cardea",
        "https://web.example/%63b?from=cardea",
    ] {
        let answer = ana.get(&asking(&[("redirect_uri", wrong)])).await?;
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{wrong}");
    }
    for other in [("client_id", "nobody"), ("client_id", "")] {
        assert_eq!(ana.get(&asking(&[other])).await?.status, 400, "{other:?}");
    }
    // What is wrong beside that is told to the service.
    assert_eq!(failure(&ana, &[("response_type", "")]).await?, "invalid_request");
    assert_eq!(failure(&ana, &[("response_type", "token")]).await?, "unsupported_response_type");
    assert_eq!(failure(&ana, &[("resource", "https://nobody.example/")]).await?, "invalid_target");
    let twice = format!("{}&state=another", asking(&[]));
    assert_eq!(ana.get(&twice).await?.status, 400);
    Ok(())
}

async fn oidcc_ensure_post_request_succeeds(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let ana = world.sign_in("ana").await?;
    let address = Url::parse("http://x")?.join(&asking(&[]))?;
    let fields: Vec<(String, String)> = address.query_pairs().into_owned().collect();
    let request = world.browser()?.request(Method::POST, "/oauth2/authorize").header("origin", "https://web.example");
    let answer = Answer::read(request.header("sec-fetch-site", "cross-site").form(&fields).send().await?).await?;
    assert_eq!(answer.status, 303);
    let pairs = back(&ana.get(answer.header("location")).await?)?;
    assert!(value(&pairs, "code").is_some(), "{pairs:?}");
    Ok(())
}

async fn oidcc_request_objects_are_refused_by_name(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let ana = world.sign_in("ana").await?;
    assert_eq!(failure(&ana, &[("request", "e30.e30.")]).await?, "request_not_supported");
    assert_eq!(failure(&ana, &[("request_uri", "https://web.example/r")]).await?, "request_uri_not_supported");
    assert_eq!(failure(&ana, &[("response_mode", "fragment")]).await?, "invalid_request");
    for harmless in ["display", "ui_locales", "claims_locales", "acr_values", "claims", "unheard_of"] {
        code(&ana, &[(harmless, "page")]).await?;
    }
    code(&ana, &[("nonce", ""), ("scope", "openid profile email address phone")]).await?;
    Ok(())
}

async fn no_request_gets_by_without_pkce(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let ana = world.sign_in("ana").await?;
    for other in [
        [("code_challenge", ""), ("code_challenge_method", "")],
        [("code_challenge", VERIFIER), ("code_challenge_method", "plain")],
        [("code_challenge_method", ""), ("x", "y")],
        [("code_challenge", "short"), ("x", "y")],
    ] {
        assert_eq!(failure(&ana, &other).await?, "invalid_request", "{other:?}");
    }
    Ok(())
}

async fn a_code_is_good_for_its_client_its_address_and_a_minute(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let (node, ana) = (world.node(), world.sign_in("ana").await?);
    let code = code(&ana, &[]).await?;
    let good = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    for (place, wrong) in
        [(1, "nothing"), (2, "https://web.example/cb"), (3, "another-verifier-that-is-also-long-enough-0123")]
    {
        let mut fields = good;
        fields[place].1 = wrong;
        assert_eq!(error(&post(node, "/oauth2/token", WEB, &fields).await?), (400, "invalid_grant".to_owned()));
    }
    assert_eq!(error(&post(node, "/oauth2/token", WEB, &good[..3]).await?), (400, "invalid_request".to_owned()));
    node.clock.advance(Duration::from_secs(60));
    assert_eq!(error(&redeem(node, WEB, &code).await?), (400, "invalid_grant".to_owned()));
    Ok(())
}
