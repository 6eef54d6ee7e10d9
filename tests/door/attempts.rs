//! A sign-in on its way: the cookie that binds it to its browser, and what an answer of nobody costs.

use anyhow::{Context as _, Result};
use cardea_store::flow;
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Browser, Database, Engine, NodeBuilder, World, stories};
use cardea_tokens::hash::sha256;
use url::Url;

use super::before_the_callback;

stories! {
    the_cookie_of_an_attempt_comes_back_with_a_posted_answer,
    an_answer_of_another_browser_writes_nothing,
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
