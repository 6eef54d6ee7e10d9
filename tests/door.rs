//! The door: signing in through a provider or by password, and what does not get in.

mod attempts;
mod leaving;
mod links;
mod tries;

use std::time::Duration;

use anyhow::Result;
use cardea_simulate::oidc::{ClaimsMode, HeaderMode, ResponseMode};
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Browser, Engine, World, stories};
use reqwest::Method;
use serde_json::json;
use url::Url;

stories! {
    known_and_unknown_people_are_answered_alike,
    the_session_cookie_is_kept_from_scripts_and_other_sites,
    a_callback_signs_in_once_and_only_the_browser_that_began,
    spoilt_answers_of_the_provider_open_no_session,
    a_session_ends_with_age_idleness_and_sign_out,
    an_address_of_somebody_else_gives_nothing,
    a_connection_that_is_off_lets_nobody_in,
    an_org_of_others_reads_as_none,
    a_claimed_address_hides_nobody,
    a_session_says_nothing_of_other_accounts,
}

async fn known_and_unknown_people_are_answered_alike(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let browser = world.browser()?;
    let page = browser.get("/login").await?;
    assert_eq!(page.status, 200);
    for (email, goes_to) in [
        ("ana@corp.example", "/login/okta?"),
        ("nobody-at-all@CORP.example", "/login/okta?"),
        (OWNER.0, "/login/password?"),
        ("stranger@elsewhere.example", "/login/password?"),
    ] {
        let answer = browser.post_form("/login", &[("email", email), ("return_to", "/me/keys")]).await?;
        assert_eq!(answer.status, 303);
        assert!(answer.header("location").starts_with(goes_to), "{email} {}", answer.header("location"));
    }
    let wrong = browser.post_form("/login", &[("email", "no address")]).await?;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("no address"), "what was typed stays");
    Ok(())
}

async fn the_session_cookie_is_kept_from_scripts_and_other_sites(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let browser = world.browser()?;
    let entered = browser.post_form("/login/password", &[("email", OWNER.0), ("password", OWNER.1)]).await?;
    let cookies: Vec<_> =
        entered.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()).collect();
    let session = cookies.iter().find(|cookie| cookie.starts_with("cardea=")).copied().unwrap_or_default();
    assert!(
        session.contains("HttpOnly") && session.contains("SameSite=Lax") && session.contains("Path=/"),
        "{session}"
    );
    // A form of another site is refused, whatever cookies come with it.
    let forged = browser.request(Method::POST, "/logout").header("origin", "https://evil.example").send().await?;
    assert_eq!(forged.status().as_u16(), 403);
    let forged = browser.request(Method::POST, "/api/v1/me/keys").header("sec-fetch-site", "cross-site");
    assert_eq!(forged.json(&json!({})).send().await?.status().as_u16(), 403);
    assert_eq!(browser.get("/api/v1/me").await?.status, 200);
    // A cookie that somebody planted beside ours is no session.
    let twice =
        Browser::new(&world.node().url)?.request(Method::GET, "/api/v1/me").header("cookie", "cardea=a; cardea=b");
    assert_eq!(twice.send().await?.status().as_u16(), 401);
    Ok(())
}

/// A browser that stands before its callback, and the callback's address.
async fn before_the_callback(world: &World, person: &str) -> Result<(Browser, String)> {
    let browser = world.browser()?;
    let begun = browser.get("/login/okta?return_to=/api/v1/me").await?;
    let (address, _) = browser.follow(begun, person, Some("/oidc/")).await?;
    Ok((browser, address))
}

async fn a_callback_signs_in_once_and_only_the_browser_that_began(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    // Another browser follows the attacker's finished address: it is not signed in.
    let (_, address) = before_the_callback(&world, "ana").await?;
    assert_eq!(world.browser()?.get(&address).await?.status, 401);
    // Twenty at once: one session.
    let (browser, address) = before_the_callback(&world, "ana").await?;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (browser, address) = (browser.clone(), address.clone());
        calls.spawn(async move { browser.get(&address).await });
    }
    let mut entered = 0;
    while let Some(answer) = calls.join_next().await {
        entered += usize::from(answer??.status == 303);
    }
    assert_eq!(entered, 1);
    // No state, a wrong one, two of them, too late.
    let (browser, address) = before_the_callback(&world, "ana").await?;
    let whole = Url::parse(&address)?;
    let without: Vec<(String, String)> = whole.query_pairs().into_owned().filter(|(name, _)| name != "state").collect();
    for extra in [vec![], vec![("state", "wrong")], vec![("state", "a"), ("state", "b")]] {
        let mut spoilt = whole.clone();
        spoilt.query_pairs_mut().clear().extend_pairs(&without).extend_pairs(extra);
        assert_eq!(browser.get(spoilt.as_str()).await?.status, 401);
    }
    world.node().clock.advance(Duration::from_secs(601));
    assert_eq!(browser.get(&address).await?.status, 401);
    Ok(())
}

async fn spoilt_answers_of_the_provider_open_no_session(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let modes: [(&str, cardea_simulate::oidc::Mode); 6] = [
        ("nonce", ClaimsMode::WrongNonce.into()),
        ("audience", ClaimsMode::WrongAudience.into()),
        ("issuer", ClaimsMode::WrongIssuer.into()),
        ("none", HeaderMode::AlgNone.into()),
        ("kid", HeaderMode::UnknownKid.into()),
        ("mix-up", ResponseMode::WrongIss.into()),
    ];
    for (name, mode) in modes {
        world.provider.misbehave(mode);
        let browser = world.browser()?;
        let answer = browser.sign_in("okta", "ana").await?;
        assert_eq!(answer.status, 401, "{name}");
        assert!(!answer.headers.contains_key("location"), "{name}");
        assert_eq!(browser.get("/api/v1/me").await?.status, 401, "{name}");
        world.provider.behave();
    }
    // Nobody was created on the way, and the log says why each was refused.
    let owner = world.sign_in_owner().await?;
    let users = owner.get("/api/v1/orgs/acme/users").await?.json();
    assert_eq!(users["items"].as_array().map(Vec::len), Some(1));
    let log = owner.get("/api/v1/orgs/acme/audit?limit=100").await?.json();
    let rejected = log["items"].as_array().into_iter().flatten().filter(|event| event["action"] == "login.rejected");
    assert_eq!(rejected.count(), 6);
    world.sign_in("ana").await?;
    Ok(())
}

async fn a_session_ends_with_age_idleness_and_sign_out(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let clock = &world.node().clock;
    let ana = world.sign_in("ana").await?;
    for _ in 0..22 {
        clock.advance(Duration::from_secs(30 * 60));
        assert_eq!(ana.get("/api/v1/me").await?.status, 200);
    }
    clock.advance(Duration::from_secs(61 * 60));
    assert_eq!(ana.get("/api/v1/me").await?.status, 401, "idle for longer than an hour");
    let ana = world.sign_in("ana").await?;
    for _ in 0..23 {
        clock.advance(Duration::from_secs(30 * 60));
        assert_eq!(ana.get("/api/v1/me").await?.status, 200);
    }
    clock.advance(Duration::from_secs(31 * 60));
    assert_eq!(ana.get("/api/v1/me").await?.status, 401, "older than twelve hours");

    let (here, there) = (world.sign_in("ana").await?, world.sign_in("ana").await?);
    assert_eq!(here.post_form("/logout", &[]).await?.status, 200);
    assert_eq!((here.get("/api/v1/me").await?.status, there.get("/api/v1/me").await?.status), (401, 200));
    let here = world.sign_in("ana").await?;
    let key = here.make_key("laptop", &["registry"]).await?;
    assert_eq!(here.send(Method::DELETE, "/api/v1/me/sessions", &json!({})).await?.status, 204);
    assert_eq!((here.get("/api/v1/me").await?.status, there.get("/api/v1/me").await?.status), (401, 401));
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true, "keys live on");
    Ok(())
}

async fn an_address_of_somebody_else_gives_nothing(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let ana = ana.get("/api/v1/me").await?.json()["user"]["id"].clone();
    // Bo's provider record now carries Ana's verified address: it is refused, and Ana stays who she is.
    world.provider.person("bo", |bo| bo.email = "ana@corp.example".to_owned());
    assert_eq!(world.browser()?.sign_in("okta", "bo").await?.status, 401);
    // An address of a domain that is not this connection's is shown, but is nobody's key to anything.
    world.provider.person("bo", |bo| bo.email = OWNER.0.to_owned());
    let bo = world.sign_in("bo").await?;
    let me = bo.get("/api/v1/me").await?.json();
    assert_eq!(me["user"]["email_verified"], false);
    assert_ne!(me["user"]["id"], ana);
    assert_eq!(bo.get("/api/v1/orgs/acme/users").await?.status, 403, "the owner's address makes no owner");
    Ok(())
}

async fn a_connection_that_is_off_lets_nobody_in(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (browser, address) = before_the_callback(&world, "ana").await?;
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    state["accounts"][0]["connections"][0]["stage"] = json!("off");
    world.node().apply(state).await?;
    // It was switched off while Ana was at the provider: the response is refused too.
    let answer = browser.get(&address).await?;
    assert_eq!(answer.status, 404);
    assert_eq!(browser.get("/api/v1/me").await?.status, 401);
    assert_eq!(world.browser()?.get("/login/okta").await?.status, 404);
    Ok(())
}

async fn an_org_of_others_reads_as_none(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    world.node().apply(json!({"version": 1, "accounts": [{"name": "beta"}]})).await?;
    let owner = world.sign_in_owner().await?;
    let strip = |answer: Answer| {
        let mut body = answer.json();
        if let Some(fields) = body.as_object_mut() {
            fields.retain(|name, _| !matches!(name.as_str(), "request_id" | "instance"));
        }
        (answer.status, body)
    };
    let foreign = strip(owner.get("/api/v1/orgs/beta/users").await?);
    let absent = strip(owner.get("/api/v1/orgs/nowhere/users").await?);
    assert_eq!(foreign.0, 404);
    assert_eq!(foreign, absent);
    Ok(())
}

async fn a_claimed_address_hides_nobody(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    // Bo's provider claims the owner's address, which is not of its domain.
    world.provider.person("bo", |bo| bo.email = OWNER.0.to_owned());
    world.sign_in("bo").await?;
    let owner = world.sign_in_owner().await?;
    let found = owner.get(&format!("/api/v1/orgs/acme/users/{}", OWNER.0)).await?;
    assert_eq!((found.status, found.json()["owner"].clone()), (200, json!(true)), "{}", found.body);
    Ok(())
}

async fn a_session_says_nothing_of_other_accounts(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let beta = json!({"name": "beta", "owner": {"email": OWNER.0, "password": OWNER.1}});
    world.node().apply(json!({"version": 1, "accounts": [beta]})).await?;
    let me = world.sign_in_owner().await?.get("/api/v1/me").await?.json();
    let account = me["account"].clone();
    assert_eq!(me["orgs"].as_array().map(Vec::len), Some(1), "{me}");
    assert_eq!(me["orgs"][0]["org"], account);
    Ok(())
}
