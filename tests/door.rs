//! The door: signing in through a provider or by password, and what does not get in.

mod attempts;

use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_gateway::accounts;
use cardea_model::Caller;
use cardea_simulate::oidc::{ClaimsMode, HeaderMode, ResponseMode};
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Browser, Database, Engine, Node, NodeBuilder, World, stories};
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
    a_password_is_tried_a_few_times_only,
    nobody_is_locked_out_by_the_tries_of_others,
    answers_to_nothing_are_not_written_down,
    a_network_signs_in_only_so_often,
    a_crowd_of_readers_makes_no_node_deaf,
    the_first_start_link_makes_the_first_owner_once,
    an_owner_link_invites_within_the_limits,
    a_connection_that_is_off_lets_nobody_in,
    a_first_start_link_ends_with_the_first_account,
    an_owner_link_replaces_no_password,
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

async fn a_password_is_tried_a_few_times_only(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let browser = world.browser()?;
    let attempt = async |email: &str, password: &str| -> Result<Answer> {
        browser.post_form("/login/password", &[("email", email), ("password", password)]).await
    };
    let wrong = attempt(OWNER.0, "Wrong-horse-7").await?;
    let unknown = attempt("nobody@acme.test", "Wrong-horse-7").await?;
    assert_eq!((wrong.status, unknown.status), (401, 401));
    assert_eq!(
        wrong.body.replace(OWNER.0, ""),
        unknown.body.replace("nobody@acme.test", ""),
        "nobody can be looked up"
    );
    for _ in 0..20 {
        if attempt(OWNER.0, "Wrong-horse-7").await?.status == 429 {
            break;
        }
    }
    let shut = attempt(OWNER.0, OWNER.1).await?;
    assert_eq!(shut.status, 429);
    assert!(shut.header("retry-after").parse::<u32>().is_ok());
    world.node().clock.advance(Duration::from_secs(15 * 60 + 1));
    assert_eq!(attempt(OWNER.0, OWNER.1).await?.status, 303);
    Ok(())
}

async fn the_first_start_link_makes_the_first_owner_once(engine: Engine) -> Result<()> {
    let database = Database::fresh(engine)?;
    let node = Node::start(&database).await?;
    let old = accounts::first_start(&node.app).await?.map(cardea_model::ShownOnce::reveal).unwrap_or_default();
    let new = accounts::first_start(&node.app).await?.map(cardea_model::ShownOnce::reveal).unwrap_or_default();
    let browser = Browser::new(&node.url)?;
    assert_eq!(browser.get(&format!("/link/{old}")).await?.status, 404, "only the newest link is good");
    let link = format!("/link/{new}");
    // A mail scanner that looks at the link does not use it up.
    assert_eq!(browser.get(&link).await?.status, 200);
    let weak = [("account", "acme"), ("email", "owner@acme.test"), ("password", "short")];
    assert_eq!(browser.post_form(&link, &weak).await?.status, 422);
    let good = [("account", "acme"), ("email", "owner@acme.test"), ("password", OWNER.1)];
    assert_eq!(browser.post_form(&link, &good).await?.status, 303);
    assert_eq!(browser.get("/api/v1/me").await?.json()["orgs"][0]["org"], "acme");
    assert_eq!(browser.post_form(&link, &good).await?.status, 404, "once");
    assert!(accounts::first_start(&node.app).await?.is_none());
    Ok(())
}

async fn an_owner_link_invites_within_the_limits(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let app = &world.node().app;
    let ctx = app.ctx(Caller::System("test"));
    assert!(
        accounts::invite_owner(app, &ctx, "acme", "owner@elsewhere.test").await.is_err(),
        "one domain for all owners"
    );
    assert!(accounts::invite_owner(app, &ctx, "nowhere", "a@acme.test").await.is_err());
    for email in ["second@acme.test", "third@acme.test"] {
        let link = accounts::invite_owner(app, &ctx, "acme", email).await?.reveal();
        let browser = world.browser()?;
        assert_eq!(browser.post_form(&format!("/link/{link}"), &[("password", OWNER.1)]).await?.status, 303);
        assert_eq!(browser.get("/api/v1/orgs/acme/users").await?.status, 200);
    }
    assert!(accounts::invite_owner(app, &ctx, "acme", "fourth@acme.test").await.is_err(), "three at the most");
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

async fn a_first_start_link_ends_with_the_first_account(engine: Engine) -> Result<()> {
    let database = Database::fresh(engine)?;
    let (one, two) = (Node::start(&database).await?, NodeBuilder::default().named("two").start(&database).await?);
    // Two nodes that start at once leave one link, whichever comes last.
    let (first, second) = tokio::join!(accounts::first_start(&one.app), accounts::first_start(&two.app));
    let links: Vec<_> = [first?, second?].into_iter().flatten().map(cardea_model::ShownOnce::reveal).collect();
    let mut good = Vec::new();
    for link in &links {
        good.extend(accounts::look_at_link(&one.app, link).await.is_ok().then_some(link));
    }
    assert_eq!((links.len(), good.len()), (2, 1));
    let link = format!("/link/{}", good.first().copied().cloned().unwrap_or_default());
    // The operator makes the first account in another way: the link must not open a second door to its owner.
    one.apply(cardea_testkit::world::state("http://127.0.0.1:9")).await?;
    let browser = Browser::new(&one.url)?;
    assert_eq!(browser.get(&link).await?.status, 404);
    let attack = [("account", "mine"), ("email", OWNER.0), ("password", "Attackers-choice-9")];
    assert_eq!(browser.post_form(&link, &attack).await?.status, 404);
    let enter = async |password: &str| {
        browser.post_form("/login/password", &[("email", OWNER.0), ("password", password)]).await
    };
    assert_eq!(enter("Attackers-choice-9").await?.status, 401);
    assert_eq!(enter(OWNER.1).await?.status, 303, "the owner's password stands");
    Ok(())
}

async fn an_owner_link_replaces_no_password(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let app = &world.node().app;
    world.node().apply(json!({"version": 1, "accounts": [{"name": "beta"}]})).await?;
    let link = accounts::invite_owner(app, &app.ctx(Caller::System("test")), "beta", OWNER.0).await?.reveal();
    let (link, browser) = (format!("/link/{link}"), world.browser()?);
    let other = browser.post_form(&link, &[("password", "Attackers-choice-9")]).await?;
    assert_eq!(other.status, 422);
    assert!(other.body.contains("has a password here already"), "{}", other.body);
    let enter = async |password: &str| {
        browser.post_form("/login/password", &[("email", OWNER.0), ("password", password)]).await
    };
    assert_eq!(enter("Attackers-choice-9").await?.status, 401);
    // Whoever types the password that they have becomes the owner of both.
    assert_eq!(browser.post_form(&link, &[("password", OWNER.1)]).await?.status, 303);
    let mut conn = app.db.read().await?;
    let beta = cardea_store::account::named(&mut conn, "beta").await?.context("beta")?;
    assert_eq!(cardea_store::member::owner_emails(&mut conn, beta.id).await?, [OWNER.0]);
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

/// A password, typed somewhere behind a proxy.
async fn typed(world: &World, from: &str, email: &str, password: &str) -> Result<u16> {
    let request = world.browser()?.request(Method::POST, "/login/password").header("x-forwarded-for", from);
    Ok(request.form(&[("email", email), ("password", password)]).send().await?.status().as_u16())
}

async fn nobody_is_locked_out_by_the_tries_of_others(engine: Engine) -> Result<()> {
    // Without a proxy that is trusted, the header is anybody's invention and gives no further tries.
    let world = World::on(Database::fresh(engine)?, NodeBuilder::default().with(|it| it.password_tries = 3)).await?;
    for try_number in 0..3 {
        assert_eq!(typed(&world, &format!("198.51.{try_number}.1"), OWNER.0, "Wrong-horse-7").await?, 401);
    }
    assert_eq!(typed(&world, "203.0.113.1", OWNER.0, OWNER.1).await?, 429);

    let behind = NodeBuilder::default().with(|it| {
        it.password_tries = 3;
        it.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    });
    let world = World::on(Database::fresh(engine)?, behind).await?;
    for _ in 0..3 {
        assert_eq!(typed(&world, "198.51.100.1", OWNER.0, "Wrong-horse-7").await?, 401);
    }
    assert_eq!(typed(&world, "198.51.100.77", OWNER.0, OWNER.1).await?, 429, "the same network");
    assert_eq!(
        typed(&world, "203.0.113.1, 198.51.100.1", OWNER.0, OWNER.1).await?,
        429,
        "what was sent before is no proof"
    );
    assert_eq!(typed(&world, "203.0.113.1", OWNER.0, OWNER.1).await?, 303, "the owner's own network");
    // From many networks at once: each has one try now, and the owner's too.
    for network in 0..10 {
        for _ in 0..3 {
            typed(&world, &format!("192.0.{network}.1"), OWNER.0, "Wrong-horse-7").await?;
        }
    }
    assert_eq!(typed(&world, "198.18.0.1", OWNER.0, "Wrong-horse-7").await?, 401);
    assert_eq!(typed(&world, "198.18.0.1", OWNER.0, OWNER.1).await?, 429);
    assert_eq!(typed(&world, "203.0.113.1", OWNER.0, OWNER.1).await?, 303);
    Ok(())
}

async fn answers_to_nothing_are_not_written_down(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let browser = world.browser()?;
    let long = "x".repeat(3000);
    for (path, status) in [
        ("/oidc/okta/callback?code=c&state=invented".to_owned(), 401),
        ("/oidc/okta/callback".to_owned(), 401),
        ("/oidc/nowhere/callback?code=c&state=invented".to_owned(), 404),
        (format!("/oidc/{long}/callback?state=invented"), 404),
    ] {
        assert_eq!(browser.get(&path).await?.status, status, "{path}");
    }
    // Nor is another browser's answer to somebody's attempt. One that its own browser brings is, once, in the log of the
    // account where it was begun.
    let (browser, address) = before_the_callback(&world, "ana").await?;
    assert_eq!(world.browser()?.get(&address).await?.status, 401);
    let spoilt = address.replace("code=", "code=spoilt");
    assert_eq!((browser.get(&spoilt).await?.status, browser.get(&spoilt).await?.status), (401, 401));
    let owner = world.sign_in_owner().await?;
    let log = owner.get("/api/v1/orgs/acme/audit?limit=100").await?.json();
    let rejected: Vec<_> =
        log["items"].as_array().into_iter().flatten().filter(|event| event["action"] == "login.rejected").collect();
    assert_eq!(rejected.len(), 1, "{rejected:?}");
    Ok(())
}

async fn a_network_signs_in_only_so_often(engine: Engine) -> Result<()> {
    let few = NodeBuilder::default().with(|settings| settings.sign_ins_per_minute = 3);
    let world = World::on(Database::fresh(engine)?, few).await?;
    let browser = world.browser()?;
    for path in ["/login/okta", "/oidc/okta/callback?code=c&state=invented"] {
        for _ in 0..3 {
            assert_ne!(browser.get(path).await?.status, 429);
        }
        let refused = browser.get(path).await?;
        assert_eq!(refused.status, 429, "{path}");
        let seconds: u64 = refused.header("retry-after").parse()?;
        assert!((1..=61).contains(&seconds), "{seconds}");
    }
    world.node().clock.advance(Duration::from_secs(61));
    world.sign_in("ana").await?;
    Ok(())
}

async fn a_crowd_of_readers_makes_no_node_deaf(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let most = match engine {
        Engine::Sqlite => cardea_store::db::Settings::default().readers,
        Engine::Postgres => cardea_store::db::Settings::default().pool,
    };
    let began = node.app.clock.now();
    let mut crowd = Vec::new();
    for _ in 0..most {
        crowd.push(node.app.db.read().await?);
    }
    node.clock.advance(Duration::from_secs(2));
    node.follow().await?;
    assert!(node.app.is_ready(), "the feed is read over a connection of its own");
    // And the node does not read as dead, which would leave it out of receipts.
    cardea_gateway::feed::announce(&node.app).await?;
    let seen =
        cardea_store::node::alive(crowd.first_mut().context("a reader")?, cardea_model::Timestamp::from_micros(0));
    assert!(seen.await?.iter().any(|it| it.id == node.app.feed.node && it.seen_at > began));
    Ok(())
}
