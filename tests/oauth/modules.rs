//! What is left of the lists by which the OpenID Foundation certifies providers (Basic and Config), under their names there:
//! what a provider has to understand, may pass over and must refuse.

use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_gateway::jobs;
use cardea_testkit::{Answer, Browser, Engine, Node, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::ending::{is_active, refresh};
use super::sign_on::{CALLBACK, VERIFIER, WEB, asking, code, failure, redeem, scene, tokens};
use super::{APP_SECRET, error, post, said};

stories! {
    oidcc_response_type_missing,
    oidcc_idtoken_unsigned,
    oidcc_userinfo_get_post_header_and_post_body,
    oidcc_ensure_request_without_nonce_succeeds,
    oidcc_scope_profile_email_address_phone_and_all,
    oidcc_display_page_and_popup,
    oidcc_login_hint,
    oidcc_ui_locales_claims_locales_and_acr_values,
    oidcc_prompt_none_not_logged_in_and_logged_in,
    oidcc_max_age_1_and_10000,
    oidcc_ensure_request_with_unknown_parameter_succeeds,
    oidcc_codereuse_30seconds,
    oidcc_redirect_uri_query_ok_mismatch_and_added,
    oidcc_server_client_secret_post,
    oidcc_unsigned_request_object_and_request_uri,
    oidcc_ensure_request_with_valid_pkce_succeeds,
    oidcc_server_rotate_keys,
    whoever_must_prove_anew_who_they_are_is_not_waved_through,
}

/// A person who is signed in, at their service.
async fn ana(engine: Engine) -> Result<(World, Browser)> {
    let world = scene(engine).await?;
    let ana = world.sign_in("ana").await?;
    Ok((world, ana))
}

async fn claims(node: &Node, code: &str) -> Result<(Value, Value)> {
    let given = tokens(node, code).await?;
    let claims = said(given["id_token"].as_str().context("an ID token")?, 1)?;
    Ok((given, claims))
}

async fn userinfo(browser: &Browser, given: &Value) -> Result<Value> {
    let access = given["access_token"].as_str().context("an access token")?;
    let answer =
        Answer::read(browser.request(Method::GET, "/oauth2/userinfo").bearer_auth(access).send().await?).await?;
    assert_eq!(answer.status, 200, "{}", answer.body);
    Ok(answer.json())
}

async fn oidcc_response_type_missing(engine: Engine) -> Result<()> {
    let (_world, ana) = ana(engine).await?;
    assert_eq!(failure(&ana, &[("response_type", "")]).await?, "invalid_request");
    Ok(())
}

/// Nobody is offered one, and no client can have one.
async fn oidcc_idtoken_unsigned(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let metadata = world.browser()?.get("/.well-known/openid-configuration").await?.json();
    assert_eq!(metadata["id_token_signing_alg_values_supported"], json!(["RS256", "ES256"]));
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    state["clients"][0]["id_token_alg"] = json!("none");
    let refused = serde_json::from_value::<cardea_gateway::state::State>(state).err().context("a refusal")?;
    assert!(refused.to_string().contains("`none`"), "{refused}");
    Ok(())
}

async fn oidcc_userinfo_get_post_header_and_post_body(engine: Engine) -> Result<()> {
    let (world, ana) = ana(engine).await?;
    let given = tokens(world.node(), &code(&ana, &[]).await?).await?;
    let access = given["access_token"].as_str().context("an access token")?;
    let by_get = userinfo(&ana, &given).await?;
    let by_post = Answer::read(ana.request(Method::POST, "/oauth2/userinfo").bearer_auth(access).send().await?).await?;
    let in_body = ana.post_form("/oauth2/userinfo", &[("access_token", access)]).await?;
    assert_eq!((&by_get, &by_get), (&by_post.json(), &in_body.json()));
    // Both at once is a mistake, and a token in the address is none (RFC 6750 §2.3).
    let request = ana.request(Method::POST, "/oauth2/userinfo").bearer_auth(access).form(&[("access_token", access)]);
    assert_eq!(error(&Answer::read(request.send().await?).await?).0, 400);
    assert_eq!(ana.get(&format!("/oauth2/userinfo?access_token={access}")).await?.status, 401);
    Ok(())
}

async fn oidcc_ensure_request_without_nonce_succeeds(engine: Engine) -> Result<()> {
    let (world, ana) = ana(engine).await?;
    let (_, claims) = claims(world.node(), &code(&ana, &[("nonce", "")]).await?).await?;
    assert_eq!(claims.get("nonce"), None);
    Ok(())
}

/// Each scope brings its own claims and no others; what is not known of anybody brings nothing and hurts nobody.
async fn oidcc_scope_profile_email_address_phone_and_all(engine: Engine) -> Result<()> {
    let (world, ana) = ana(engine).await?;
    for (scope, expected) in [
        ("openid", &["sub"][..]),
        ("openid profile", &["name", "sub"]),
        ("openid email", &["email", "email_verified", "sub"]),
        ("openid address", &["sub"]),
        ("openid phone", &["sub"]),
        ("openid profile email address phone", &["email", "email_verified", "name", "sub"]),
    ] {
        let (given, claims) = claims(world.node(), &code(&ana, &[("scope", scope)]).await?).await?;
        let about = userinfo(&ana, &given).await?;
        let names: Vec<&str> = about.as_object().context("claims")?.keys().map(String::as_str).collect();
        assert_eq!(names, expected, "{scope}");
        assert_eq!(about["sub"], claims["sub"], "{scope}");
    }
    Ok(())
}

async fn oidcc_display_page_and_popup(engine: Engine) -> Result<()> {
    let (_world, ana) = ana(engine).await?;
    for display in ["page", "popup", "touch", "wap"] {
        code(&ana, &[("display", display)]).await?;
    }
    Ok(())
}

/// It is passed to the door for whoever is not signed in, and changes nothing for whoever is.
async fn oidcc_login_hint(engine: Engine) -> Result<()> {
    let (world, ana) = ana(engine).await?;
    code(&ana, &[("login_hint", "somebody-else@corp.example")]).await?;
    let hint = "\"><script>@corp.example";
    let door = world.browser()?.get(&asking(&[("login_hint", hint)])).await?;
    let page = world.browser()?.get(door.header("location")).await?;
    assert!(page.status == 200 && !page.body.contains("<script>@"), "{}", page.body);
    Ok(())
}

async fn oidcc_ui_locales_claims_locales_and_acr_values(engine: Engine) -> Result<()> {
    let (world, ana) = ana(engine).await?;
    for other in [("ui_locales", "se"), ("claims_locales", "se"), ("acr_values", "1 2")] {
        claims(world.node(), &code(&ana, &[other]).await?).await?;
    }
    Ok(())
}

async fn oidcc_prompt_none_not_logged_in_and_logged_in(engine: Engine) -> Result<()> {
    let (world, ana) = ana(engine).await?;
    assert_eq!(failure(&world.browser()?, &[("prompt", "none")]).await?, "login_required");
    let (_, first) = claims(world.node(), &code(&ana, &[]).await?).await?;
    world.node().clock.advance(Duration::from_secs(5));
    let (_, second) = claims(world.node(), &code(&ana, &[("prompt", "none")]).await?).await?;
    assert_eq!((&first["sub"], &first["auth_time"]), (&second["sub"], &second["auth_time"]));
    Ok(())
}

async fn oidcc_max_age_1_and_10000(engine: Engine) -> Result<()> {
    let (world, ana) = ana(engine).await?;
    world.node().clock.advance(Duration::from_secs(2));
    let door = ana.get(&asking(&[("max_age", "1")])).await?;
    assert!(door.header("location").starts_with("/login?"), "{}", door.header("location"));
    let (_, claims) = claims(world.node(), &code(&ana, &[("max_age", "10000")]).await?).await?;
    assert!(claims["auth_time"].is_i64(), "{claims}");
    Ok(())
}

async fn oidcc_ensure_request_with_unknown_parameter_succeeds(engine: Engine) -> Result<()> {
    let (_world, ana) = ana(engine).await?;
    code(&ana, &[("extra", "foobar"), ("claims", r#"{"userinfo":{"name":{"essential":true}}}"#)]).await?;
    Ok(())
}

/// Half a minute later it was still stolen: what came of it ends.
async fn oidcc_codereuse_30seconds(engine: Engine) -> Result<()> {
    let (world, ana) = ana(engine).await?;
    let code = code(&ana, &[]).await?;
    let given = tokens(world.node(), &code).await?;
    world.node().clock.advance(Duration::from_secs(30));
    assert_eq!(error(&redeem(world.node(), WEB, &code).await?), (400, "invalid_grant".to_owned()));
    assert!(!is_active(world.node(), &given["access_token"]).await?);
    assert_eq!(error(&refresh(world.node(), &given["refresh_token"]).await?), (400, "invalid_grant".to_owned()));
    Ok(())
}

/// The query of a registered address is part of it.
async fn oidcc_redirect_uri_query_ok_mismatch_and_added(engine: Engine) -> Result<()> {
    let (_world, ana) = ana(engine).await?;
    code(&ana, &[("redirect_uri", CALLBACK)]).await?;
    for other in ["https://web.example/cb?from=elsewhere", "https://web.example/cb?from=cardea&more=1"] {
        let answer = ana.get(&asking(&[("redirect_uri", other)])).await?;
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{other}");
    }
    Ok(())
}

async fn oidcc_server_client_secret_post(engine: Engine) -> Result<()> {
    let (_world, ana) = ana(engine).await?;
    let code = code(&ana, &[]).await?;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("client_id", "web"),
        ("client_secret", APP_SECRET),
    ];
    let answer = ana.post_form("/oauth2/token", &fields).await?;
    assert_eq!(answer.status, 200, "{}", answer.body);
    Ok(())
}

async fn oidcc_unsigned_request_object_and_request_uri(engine: Engine) -> Result<()> {
    let (_world, ana) = ana(engine).await?;
    assert_eq!(failure(&ana, &[("request", "eyJhbGciOiJub25lIn0.e30.")]).await?, "request_not_supported");
    let at = ("request_uri", "https://web.example/request.jwt");
    assert_eq!(failure(&ana, &[at]).await?, "request_uri_not_supported");
    Ok(())
}

/// The verifier has to be the one whose hash came first.
async fn oidcc_ensure_request_with_valid_pkce_succeeds(engine: Engine) -> Result<()> {
    let (world, ana) = ana(engine).await?;
    tokens(world.node(), &code(&ana, &[]).await?).await?;
    let stolen = code(&ana, &[]).await?;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", stolen.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", "another-verifier-that-is-also-long-enough-0123"),
    ];
    let answer = post(world.node(), "/oauth2/token", WEB, &fields).await?;
    assert_eq!(error(&answer), (400, "invalid_grant".to_owned()));
    Ok(())
}

/// What was signed before the keys turned is verified after it, and what is signed after it by a key that was published.
async fn oidcc_server_rotate_keys(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let node = world.node();
    let kid = async |browser: &Browser| -> Result<String> {
        let given = tokens(node, &code(browser, &[]).await?).await?;
        let header = said(given["id_token"].as_str().context("an ID token")?, 0)?;
        Ok(header["kid"].as_str().context("a kid")?.to_owned())
    };
    let first = kid(&world.sign_in("ana").await?).await?;
    for days in [28, 2] {
        node.clock.advance(Duration::from_secs(days * 86_400));
        jobs::tidy_up(&node.app).await?;
        node.catch_up().await?;
    }
    let second = kid(&world.sign_in("ana").await?).await?;
    let keys = world.browser()?.get("/oauth2/jwks").await?.json();
    let published: Vec<&str> =
        keys["keys"].as_array().context("keys")?.iter().filter_map(|key| key["kid"].as_str()).collect();
    assert!(first != second && published.contains(&first.as_str()) && published.contains(&second.as_str()), "{keys}");
    Ok(())
}

/// A service asks for a new sign-in; the person's provider, which is told so, says that it was an hour ago.
async fn whoever_must_prove_anew_who_they_are_is_not_waved_through(engine: Engine) -> Result<()> {
    let (world, ana) = ana(engine).await?;
    let hour_ago = world.node().app.clock.now().as_seconds() - 3600;
    world.provider.person("ana", |ana| ana.claims = [("auth_time".to_owned(), json!(hour_ago))].into_iter().collect());
    // That is no matter where nobody asks for it.
    let other = world.sign_in("ana").await?;
    code(&other, &[]).await?;
    for wish in [("prompt", "login"), ("max_age", "0")] {
        world.node().clock.advance(Duration::from_secs(1));
        let door = ana.get(&asking(&[wish])).await?;
        let return_to = door.header("location").split_once("return_to=").context("a way back")?.1.to_owned();
        let begun = ana.get(&format!("/login/okta?return_to={return_to}")).await?;
        assert!(begun.header("location").contains("&prompt=login"), "{}", begun.header("location"));
        let (_, refused) = ana.follow(begun, "ana", None).await?;
        assert_eq!(refused.status, 401, "{wish:?} {}", refused.body);
    }
    let door = world.browser()?.get(&asking(&[("prompt", "select_account")])).await?;
    let return_to = door.header("location").split_once("return_to=").context("a way back")?.1.to_owned();
    let begun = world.browser()?.get(&format!("/login/okta?return_to={return_to}")).await?;
    assert!(begun.header("location").contains("&prompt=select_account"), "{}", begun.header("location"));
    Ok(())
}
