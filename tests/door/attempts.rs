//! A sign-in on its way: the cookie that binds it to its browser, and what an answer of nobody costs.

use anyhow::{Context as _, Result};
use cardea_store::flow;
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Browser, Database, Engine, NodeBuilder, World, stories};
use cardea_tokens::hash::sha256;
use serde_json::json;
use url::Url;

use super::before_the_callback;

stories! {
    the_cookie_of_an_attempt_comes_back_with_a_posted_answer,
    an_answer_of_another_browser_writes_nothing,
    a_provider_may_know_us_by_our_key,
    an_answer_may_come_in_a_form,
}

fn cookie(answer: &Answer, name: &str) -> Result<String> {
    let all = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let found = all.filter_map(|cookie| cookie.split_once('=')).find(|(key, _)| *key == name);
    let (_, rest) = found.with_context(|| format!("no cookie `{name}`: {:?}", answer.headers))?;
    Ok(rest.split_once("; ").map(|(_, attributes)| attributes.to_owned()).unwrap_or_default())
}

async fn the_cookie_of_an_attempt_comes_back_with_a_posted_answer(engine: Engine) -> Result<()> {
    let owner = [("email", OWNER.0), ("password", OWNER.1)];
    // Over https the provider may post the answer from its own site, which a browser does without `Lax` cookies.
    let builder = NodeBuilder::default().with(|settings| settings.public_url = "https://gate.example".to_owned());
    let world = World::on(Database::fresh(engine)?, builder).await?;
    let browser = Browser::new(&world.node().url)?;
    let begun = browser.get("/login/okta").await?;
    assert_eq!(
        cookie(&begun, "__Host-cardea-login")?,
        "Path=/; Max-Age=600; HttpOnly; SameSite=None; Secure",
        "of the attempt"
    );
    let entered = browser.post_form("/login/password", &owner).await?;
    assert_eq!(
        cookie(&entered, "__Host-cardea")?,
        "Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure",
        "of the session"
    );
    // Plain http is for this machine only; there a browser would refuse `None`, which needs `Secure`.
    let world = World::new(engine).await?;
    let begun = world.browser()?.get("/login/okta").await?;
    assert_eq!(cookie(&begun, "cardea-login")?, "Path=/; Max-Age=600; HttpOnly; SameSite=Lax");
    Ok(())
}

async fn an_answer_of_another_browser_writes_nothing(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let app = &world.node().app;
    let (browser, address) = before_the_callback(&world, "ana").await?;
    let url = Url::parse(&address)?;
    let (_, state) = url.query_pairs().find(|(name, _)| name == "state").context("a state")?;
    // Whoever would write waits for this transaction: on SQLite for the writer, on PostgreSQL for the attempt's row.
    let mut tx = app.db.write().await?;
    assert!(flow::take(&mut tx, &sha256(state.as_bytes())).await?);
    let stranger = world.browser()?;
    assert_eq!(stranger.get(&address).await?.status, 401);
    assert_eq!(stranger.get("/oidc/okta/callback?code=c&state=invented").await?.status, 401);
    drop(tx);
    // The attempt is still its own browser's, once.
    assert_eq!(browser.get(&address).await?.status, 303);
    assert_eq!(browser.get(&address).await?.status, 401);
    Ok(())
}

/// No secret is shared: the provider reads our keys where we publish them.
async fn a_provider_may_know_us_by_our_key(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    let okta = state.pointer_mut("/accounts/0/connections/0").context("okta")?;
    okta["token_auth"] = json!("private_key_jwt");
    okta.as_object_mut().context("an object")?.remove("client_secret");
    world.node().apply(state).await?;
    world.provider.trust_keys_of_client(world.browser()?.get("/oauth2/jwks").await?.json());
    world.sign_in("ana").await?;
    world.sign_in("bo").await?;
    let asked: Vec<_> = world.provider.requests().into_iter().filter(|seen| seen.path == "/token").collect();
    let shown = |name: &str| asked.iter().filter(|seen| seen.form.iter().any(|(shown, _)| shown == name)).count();
    assert_eq!((asked.len(), shown("client_assertion"), shown("client_secret")), (2, 2, 0), "{asked:?}");
    Ok(())
}

/// The code is in no address, so in no log of addresses and in no history.
async fn an_answer_may_come_in_a_form(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    state.pointer_mut("/accounts/0/connections/0").context("okta")?["response_mode"] = json!("form_post");
    world.node().apply(state).await?;
    let (browser, address) = before_the_callback(&world, "ana").await?;
    let asked = world.provider.requests().into_iter().filter(|seen| seen.path == "/authorize");
    let modes: Vec<_> = asked.flat_map(|seen| seen.query).filter(|(name, _)| name == "response_mode").collect();
    assert_eq!(modes, [("response_mode".to_owned(), "form_post".to_owned())]);
    let answer = Url::parse(&address)?;
    let fields: Vec<(String, String)> = answer.query_pairs().into_owned().collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let entered = browser.post_form("/oidc/okta/callback", &fields).await?;
    assert_eq!((entered.status, entered.header("location")), (303, "/api/v1/me"), "{}", entered.body);
    assert_eq!(browser.get("/api/v1/me").await?.status, 200);
    Ok(())
}
