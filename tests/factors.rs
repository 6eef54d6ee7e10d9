//! The first factor: what a password must be, its change by its owner, and the sessions that were opened with it.

mod guesses;

use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_gateway::accounts;
use cardea_model::Caller;
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Browser, Database, Engine, Node, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

stories! {
    a_weak_password_is_refused_with_its_reason_wherever_it_is_set,
    a_new_password_ends_every_other_session_and_the_old_password,
    a_password_is_one_in_every_account,
    nobody_changes_a_password_without_the_one_that_they_have,
    whoever_signs_in_through_a_provider_has_no_password_here,
    a_bearer_of_a_session_gets_its_new_secret_in_the_answer,
    people_see_their_sessions_page_by_page_and_end_them,
    nobody_ends_the_session_of_somebody_else,
    all_other_sessions_end_and_this_one_goes_on,
    a_session_that_starts_over_lives_no_longer_than_before,
    the_page_shows_sessions_and_changes_the_password,
}

const NEW: &str = "Purple-walrus-31-teapot";

async fn change(browser: &Browser, current: &str, new: &str) -> Result<Answer> {
    browser.send(Method::POST, "/api/v1/me/password", &json!({"current": current, "new": new})).await
}

async fn enters(world: &World, password: &str) -> Result<u16> {
    let fields = [("email", OWNER.0), ("password", password)];
    Ok(world.browser()?.post_form("/login/password", &fields).await?.status)
}

async fn me(browser: &Browser) -> Result<u16> {
    Ok(browser.get("/api/v1/me").await?.status)
}

async fn sessions(browser: &Browser) -> Result<Vec<Value>> {
    let answer = browser.get("/api/v1/me/sessions").await?;
    assert_eq!(answer.status, 200, "{}", answer.body);
    Ok(answer.json()["items"].as_array().cloned().unwrap_or_default())
}

fn id_of(session: &Value) -> String {
    session["id"].as_str().unwrap_or_default().to_owned()
}

/// How often something stands in the audit log of the account.
async fn logged(owner: &Browser, action: &str) -> Result<usize> {
    let log = owner.get("/api/v1/orgs/acme/audit?limit=200").await?.json();
    Ok(log["items"].as_array().into_iter().flatten().filter(|event| event["action"] == action).count())
}

/// A password has at least nine characters, upper and lower case, a digit and a special one, and is hard to guess for
/// whoever knows the person.
async fn a_weak_password_is_refused_with_its_reason_wherever_it_is_set(engine: Engine) -> Result<()> {
    let weak = [
        ("Short-7a", "9 characters at the least"),
        ("lower-case-7", "add an upper-case letter"),
        ("Password1!", "many people have it"),
        ("Brontovision-1", "it has your name, your address or your account&#39;s name in it"),
    ];
    // At the first start's link, where the address and the account are only being typed.
    let database = Database::fresh(engine)?;
    let node = Node::start(&database).await?;
    let link = accounts::first_start(&node.app).await?.map(cardea_model::ShownOnce::reveal).context("a link")?;
    let browser = Browser::new(&node.url)?;
    let link = format!("/link/{link}");
    let long = format!("Aa1-{}", "x".repeat(1021));
    for (password, why) in weak.into_iter().chain([(long.as_str(), "1,024 bytes at the most")]) {
        let form = [("account", "brontovision"), ("email", "olga@acme.test"), ("password", password)];
        let refused = browser.post_form(&link, &form).await?;
        assert_eq!(refused.status, 422, "{password}");
        assert!(refused.body.contains(why), "{password}: {}", refused.body);
    }
    assert!(accounts::first_start(&node.app).await?.is_some(), "nothing was made");

    // At the link of an owner who is invited, and in a document, which names the field.
    let world = World::new(engine).await?;
    let app = &world.node().app;
    let ctx = app.ctx(Caller::System("test"));
    let link = accounts::invite_owner(app, &ctx, "acme", "wiltshaugen@acme.test").await?.reveal();
    let refused = world.browser()?.post_form(&format!("/link/{link}"), &[("password", "Wiltshaugen1!")]).await?;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("it has your name, your address"), "{}", refused.body);
    let beta = json!({"name": "brontovision", "owner": {"email": "olga@beta.test", "password": "Brontovision-1"}});
    let refused = world.node().apply(json!({"version": 1, "accounts": [beta]})).await.map(drop).unwrap_err();
    let said = format!("{refused:?}");
    assert!(said.contains("accounts[0].owner.password") && said.contains("easy to guess"), "{said}");

    // And in one's own change, which then changes nothing.
    let owner = world.sign_in_owner().await?;
    for (password, code) in
        [("Password1!", "weak_password"), ("Owner@acme.test1", "weak_password"), (OWNER.1, "same_password")]
    {
        let refused = change(&owner, OWNER.1, password).await?;
        assert_eq!((refused.status, refused.json()["code"].clone()), (422, json!(code)), "{password}");
    }
    assert_eq!((enters(&world, OWNER.1).await?, enters(&world, "Password1!").await?), (303, 401));
    assert!(world.node().mail().await?.is_empty());
    assert_eq!(logged(&owner, "password.changed").await?, 0);
    Ok(())
}

async fn a_new_password_ends_every_other_session_and_the_old_password(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (here, there) = (world.sign_in_owner().await?, world.sign_in_owner().await?);
    let key = here.make_key("laptop", &["registry"]).await?;
    let stolen = world.browser()?;
    let before = here.cookie("cardea")?;
    let changed = change(&here, OWNER.1, NEW).await?;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert!(changed.json().get("token").is_none(), "a browser's secret is for no script");
    world.node().clock.advance(Duration::from_secs(1));
    assert_eq!((me(&here).await?, me(&there).await?), (200, 401), "the one that asked goes on");
    let replayed =
        stolen.request(Method::GET, "/api/v1/me").header("cookie", format!("cardea={before}")).send().await?;
    assert_eq!(replayed.status().as_u16(), 401, "under another secret");
    assert_eq!((enters(&world, OWNER.1).await?, enters(&world, NEW).await?), (401, 303));
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true, "keys live on");

    // The evidence: a letter, an event, a receipt that names what ended and not what went on.
    let letter = world.node().letter_to(OWNER.0).await?;
    assert_eq!(letter.subject, "Your password was changed");
    assert_eq!(world.node().mail().await?.len(), 1);
    assert_eq!(logged(&here, "password.changed").await?, 1);
    world.node().finish_jobs().await?;
    let receipts = here.get("/api/v1/orgs/acme/revocations").await?.json();
    let receipt = &receipts["items"][0];
    assert_eq!((&receipt["cause"], &receipt["what"]), (&json!("password_changed"), &json!("sessions")));
    assert_eq!(receipt["ended"]["sessions"], 1, "{receipt}");
    assert_eq!(receipts["items"].as_array().map(Vec::len), Some(1));
    Ok(())
}

async fn a_password_is_one_in_every_account(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    // The owner of `acme` belongs to `beta` too, as one owner more, and signs in there first.
    let app = &world.node().app;
    world.node().apply(json!({"version": 1, "accounts": [{"name": "beta"}]})).await?;
    let link = accounts::invite_owner(app, &app.ctx(Caller::System("test")), "beta", OWNER.0).await?.reveal();
    assert_eq!(world.browser()?.post_form(&format!("/link/{link}"), &[("password", OWNER.1)]).await?.status, 303);
    let owner = world.sign_in_owner().await?;
    assert_eq!(change(&owner, OWNER.1, NEW).await?.status, 200);
    let mut conn = app.db.read().await?;
    for name in ["acme", "beta"] {
        let account = cardea_store::account::named(&mut conn, name).await?.context("an account")?;
        let receipts = cardea_store::receipt::page(&mut conn, account.id, i64::MAX, 10).await?;
        let causes: Vec<_> = receipts.iter().map(|receipt| receipt.cause.as_str()).collect();
        assert_eq!(causes, ["password_changed"], "{name}");
    }
    Ok(())
}

async fn nobody_changes_a_password_without_the_one_that_they_have(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    assert_eq!(change(&world.browser()?, OWNER.1, NEW).await?.status, 401);
    let (owner, other) = (world.sign_in_owner().await?, world.sign_in_owner().await?);
    let wrong = change(&owner, "Wrong-horse-7", NEW).await?;
    assert_eq!((wrong.status, wrong.json()["code"].clone()), (403, json!("wrong_password")));
    for body in [json!({"new": NEW}), json!({"current": OWNER.1}), json!({"current": OWNER.1, "new": NEW, "user": "x"})]
    {
        assert_eq!(owner.send(Method::POST, "/api/v1/me/password", &body).await?.status, 422, "{body}");
    }
    let forged = owner.request(Method::POST, "/api/v1/me/password").header("sec-fetch-site", "cross-site");
    assert_eq!(forged.json(&json!({"current": OWNER.1, "new": NEW})).send().await?.status().as_u16(), 403);
    assert_eq!((me(&owner).await?, me(&other).await?, enters(&world, OWNER.1).await?), (200, 200, 303));
    // Of several who change it at once with the same old password, one does.
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..6 {
        let owner = if number % 2 == 0 { owner.clone() } else { other.clone() };
        calls.spawn(async move { change(&owner, OWNER.1, &format!("Purple-walrus-3{number}-teapot")).await });
    }
    let mut done = 0;
    while let Some(answer) = calls.join_next().await {
        let status = answer??.status;
        assert!([200, 401, 403].contains(&status), "{status}");
        done += usize::from(status == 200);
    }
    assert_eq!(done, 1);
    assert_eq!(enters(&world, OWNER.1).await?, 401);
    assert_eq!(world.node().mail().await?.len(), 1);
    Ok(())
}

async fn whoever_signs_in_through_a_provider_has_no_password_here(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let refused = change(&ana, OWNER.1, NEW).await?;
    assert_eq!((refused.status, refused.json()["code"].clone()), (409, json!("no_password")));
    let page = ana.get("/me/security").await?;
    assert!(page.body.contains("through your identity provider, which keeps your password"), "{}", page.body);
    assert!(!page.body.contains("Current password"));
    Ok(())
}

async fn a_bearer_of_a_session_gets_its_new_secret_in_the_answer(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let secret = world.sign_in_owner().await?.cookie("cardea")?;
    let script = Browser::new(&world.node().url)?;
    let call = async |method: Method, path: &str, token: &str| {
        Answer::read(script.request(method, path).bearer_auth(token).send().await?).await
    };
    let renewed = call(Method::POST, "/api/v1/me/sessions/end-others", &secret).await?;
    assert_eq!((renewed.status, renewed.headers.contains_key("set-cookie")), (200, false));
    let token = renewed.json()["token"].as_str().context("a token")?.to_owned();
    assert_eq!(call(Method::GET, "/api/v1/me", &secret).await?.status, 401);
    assert_eq!(call(Method::GET, "/api/v1/me", &token).await?.status, 200);
    Ok(())
}

async fn people_see_their_sessions_page_by_page_and_end_them(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let step = || world.node().clock.advance(Duration::from_secs(60));
    let first = world.sign_in("ana").await?;
    step();
    let second = world.sign_in("ana").await?;
    step();
    let third = world.sign_in("ana").await?;
    step();
    let list = sessions(&second).await?;
    let current: Vec<_> = list.iter().map(|session| session["current"] == true).collect();
    assert_eq!(current, [false, true, false], "the newest first");
    assert!(list.iter().all(|session| session["through"] == "okta"), "{list:?}");
    assert!(list[1]["last_used_at"].as_str() > list[1]["began_at"].as_str(), "{list:?}");
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = second.get(&format!("/api/v1/me/sessions?limit=2&cursor={cursor}")).await?.json();
        paged.extend(page["items"].as_array().cloned().unwrap_or_default().iter().map(id_of));
        match page["cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(paged, list.iter().map(id_of).collect::<Vec<_>>());
    assert_eq!(second.get("/api/v1/me/sessions?cursor=%00").await?.status, 200);

    let end = async |id: &str| second.send(Method::DELETE, &format!("/api/v1/me/sessions/{id}"), &json!({})).await;
    assert_eq!(end(&paged[0]).await?.status, 204);
    assert_eq!((me(&first).await?, me(&second).await?, me(&third).await?), (200, 200, 401));
    assert_eq!(end(&paged[0]).await?.status, 404, "it has ended");
    // What is idle for too long is none to be seen or ended.
    world.node().clock.advance(Duration::from_secs(3000));
    assert_eq!(me(&second).await?, 200);
    world.node().clock.advance(Duration::from_secs(700));
    assert_eq!(sessions(&second).await?.len(), 1);
    assert_eq!(end(&paged[2]).await?.status, 404);
    assert_eq!(end(&paged[1]).await?.status, 204, "the one that speaks");
    assert_eq!(me(&second).await?, 401);
    Ok(())
}

async fn nobody_ends_the_session_of_somebody_else(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (ana, owner) = (world.sign_in("ana").await?, world.sign_in_owner().await?);
    let of_ana = id_of(sessions(&ana).await?.first().context("a session")?);
    let own: Vec<_> = sessions(&owner).await?;
    assert_eq!((own.len(), &own[0]["through"]), (1, &json!("password")));
    for id in [of_ana.as_str(), "ses_0198f2c1a9b37d10b3f24a7e5c119d02", "nonsense", "%00"] {
        let refused = owner.send(Method::DELETE, &format!("/api/v1/me/sessions/{id}"), &json!({})).await?;
        assert_eq!(
            (refused.status, refused.json()["detail"].clone()),
            (404, json!("there is no such session")),
            "{id}"
        );
    }
    assert_eq!(world.browser()?.get("/api/v1/me/sessions").await?.status, 401);
    assert_eq!(me(&ana).await?, 200);
    assert_eq!(logged(&owner, "session.ended").await?, 0);
    Ok(())
}

async fn all_other_sessions_end_and_this_one_goes_on(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (here, there, owner) = (world.sign_in("ana").await?, world.sign_in("ana").await?, world.sign_in_owner().await?);
    let key = here.make_key("laptop", &["registry"]).await?;
    for _ in 0..2 {
        let ended = here.send(Method::POST, "/api/v1/me/sessions/end-others", &json!({})).await?;
        assert_eq!(ended.status, 200, "{}", ended.body);
        world.node().clock.advance(Duration::from_secs(1));
        assert_eq!((me(&here).await?, me(&there).await?, me(&owner).await?), (200, 401, 200));
    }
    let list = sessions(&here).await?;
    assert_eq!((list.len(), &list[0]["current"], &list[0]["through"]), (1, &json!(true), &json!("okta")));
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true, "keys live on");
    // It still hangs on the connection that it came through.
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    state["accounts"][0]["connections"][0]["stage"] = json!("off");
    world.node().apply(state).await?;
    assert_eq!(me(&here).await?, 401);
    Ok(())
}

async fn a_session_that_starts_over_lives_no_longer_than_before(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    for _ in 0..23 {
        world.node().clock.advance(Duration::from_secs(30 * 60));
        let again = ana.send(Method::POST, "/api/v1/me/sessions/end-others", &json!({})).await?;
        assert_eq!(again.status, 200);
    }
    world.node().clock.advance(Duration::from_secs(31 * 60));
    assert_eq!(me(&ana).await?, 401, "twelve hours after it was opened");
    Ok(())
}

async fn the_page_shows_sessions_and_changes_the_password(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (here, there) = (world.sign_in_owner().await?, world.sign_in_owner().await?);
    let list = sessions(&here).await?;
    let other = id_of(list.iter().find(|session| session["current"] == false).context("another")?);
    let page = here.get("/me/security").await?;
    assert!(page.body.contains("This one") && page.body.contains(&other), "{}", page.body);
    let done = async |path: &str, form: &[(&str, &str)]| -> Result<String> {
        let answer = here.post_form(path, form).await?;
        assert_eq!(answer.status, 303, "{path}: {}", answer.body);
        Ok(here.get(answer.header("location")).await?.body)
    };
    let end = format!("/me/security/sessions/{other}/end");
    assert!(done(&end, &[]).await?.contains("The session has ended"));
    assert_eq!(me(&there).await?, 401);
    assert!(done(&end, &[]).await?.contains("had ended before"));
    assert!(done("/me/security/sessions/end-others", &[]).await?.contains("You are signed in here alone"));
    world.node().clock.advance(Duration::from_secs(1));
    let wrong = here.post_form("/me/security/password", &[("current", "Wrong-horse-7"), ("new", NEW)]).await?;
    assert_eq!(wrong.status, 403);
    assert!(wrong.body.contains("This is not your password") && !wrong.body.contains(NEW));
    let weak = here.post_form("/me/security/password", &[("current", OWNER.1), ("new", "Password1!")]).await?;
    assert_eq!(weak.status, 422);
    assert!(weak.body.contains("id=\"new-problem\"") && weak.body.contains("easy to guess"), "{}", weak.body);
    let changed = done("/me/security/password", &[("current", OWNER.1), ("new", NEW)]).await?;
    assert!(changed.contains("Your password is changed"));
    assert_eq!((enters(&world, OWNER.1).await?, me(&here).await?), (401, 200));
    Ok(())
}
