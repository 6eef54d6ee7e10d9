//! Somebody new makes an account of their own, where the operator lets them.

use anyhow::{Context as _, Result};
use cardea_testkit::world::OWNER;
use cardea_testkit::{Browser, Engine, Node, NodeBuilder, World, stories};
use serde_json::Value;

stories! {
    somebody_new_makes_an_account_with_an_org_of_their_own,
    whoever_asks_hears_the_same_whoever_the_address_is_of,
    a_link_makes_one_account_and_none_that_cannot_be,
    nobody_is_written_to_for_ever,
    where_the_operator_wants_it_nobody_makes_an_account,
}

const NEW: &str = "nora@home.example";
const PASSWORD: &str = "Purple-tiger-41-canoe";

async fn open(engine: Engine) -> Result<World> {
    World::with(engine, NodeBuilder::default().with(|settings| settings.sign_up = true)).await
}

/// The path of the link that was sent to an address, after asking for it.
async fn link(node: &Node, browser: &Browser, email: &str) -> Result<String> {
    assert_eq!(browser.post_form("/sign-up", &[("email", email)]).await?.status, 200);
    let letter = node.letter_to(email).await?;
    let at = letter.text.find("/link/").context("a link")?;
    Ok(letter.text[at..].split_whitespace().next().context("a link")?.to_owned())
}

/// The free way in: address, link, password, and an account whose org is for one person.
async fn somebody_new_makes_an_account_with_an_org_of_their_own(engine: Engine) -> Result<()> {
    let world = open(engine).await?;
    let (node, browser) = (world.node(), Browser::new(&world.node().url)?);
    assert!(browser.get("/login").await?.body.contains("href=\"/sign-up\""));
    assert!(browser.get("/sign-up").await?.body.contains("Make an account"));
    let link = link(node, &browser, NEW).await?;
    // Looking changes nothing: mail scanners follow links too.
    for _ in 0..2 {
        assert!(browser.get(&link).await?.body.contains(NEW));
    }
    let made = browser.post_form(&link, &[("account", "Nora"), ("password", PASSWORD)]).await?;
    assert_eq!(made.status, 303, "{}", made.body);
    let me = browser.get("/api/v1/me").await?.json();
    assert_eq!((&me["user"]["email"], &me["account"]), (&Value::from(NEW), &Value::from("Nora")));
    let org = browser.get("/api/v1/orgs/nora").await?;
    assert_eq!((org.status, &org.json()["kind"]), (200, &Value::from("individual")), "{}", org.body);
    let confirmed = node.letter_to(NEW).await?;
    assert!(confirmed.text.contains("the account Nora") && confirmed.text.contains("Its org is nora"));
    // What every org of one person has from the start, a key can be made for.
    let key = serde_json::json!({"name": "laptop", "expires_in": "30d", "services": ["catalog"]});
    let key = browser.send(reqwest::Method::POST, "/api/v1/me/keys", &key).await?;
    assert_eq!(key.status, 201, "{}", key.body);
    Ok(())
}

async fn whoever_asks_hears_the_same_whoever_the_address_is_of(engine: Engine) -> Result<()> {
    let world = open(engine).await?;
    let (node, browser) = (world.node(), Browser::new(&world.node().url)?);
    let mut answers = Vec::new();
    for email in [NEW, OWNER.0, "somebody.new@corp.example"] {
        let answer = browser.post_form("/sign-up", &[("email", email)]).await?;
        answers.push((answer.status, answer.body.replace(email, "-")));
        let letter = node.letter_to(email).await?;
        // Whoever has a way in, here or at their provider, is told so, and gets no link that makes anything.
        assert_eq!(letter.text.contains("/link/"), email == NEW, "{email}: {}", letter.text);
        assert_eq!(letter.text.contains("has a way in already"), email != NEW, "{email}");
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    Ok(())
}

async fn a_link_makes_one_account_and_none_that_cannot_be(engine: Engine) -> Result<()> {
    let world = open(engine).await?;
    let (node, browser) = (world.node(), Browser::new(&world.node().url)?);
    let link = link(node, &browser, NEW).await?;
    for (account, password, status, words) in [
        ("two words", PASSWORD, 422, "a name has 1 to 63"),
        ("acme", PASSWORD, 409, "this name is taken"),
        // An org of this name publishes for all others: nobody is that by naming themselves so.
        ("nvidia", PASSWORD, 409, "this name is taken"),
        ("nora", "nora", 422, "password"),
    ] {
        let refused = browser.post_form(&link, &[("account", account), ("password", password)]).await?;
        assert_eq!(refused.status, status, "{account}");
        assert!(refused.body.to_lowercase().contains(words), "{}", refused.body);
        assert!(refused.body.contains(&format!("value=\"{account}\"")), "what was typed is kept");
    }
    assert_eq!(browser.post_form(&link, &[("account", "nora"), ("password", PASSWORD)]).await?.status, 303);
    // Once, and another link of the same address makes nobody anew.
    assert_eq!(browser.get(&link).await?.status, 404);
    let again = browser.post_form("/sign-up", &[("email", NEW)]).await?;
    assert_eq!(again.status, 200);
    assert!(!node.letter_to(NEW).await?.text.contains("/link/"));
    Ok(())
}

async fn nobody_is_written_to_for_ever(engine: Engine) -> Result<()> {
    let world = open(engine).await?;
    let (node, browser) = (world.node(), Browser::new(&world.node().url)?);
    for expected in [200, 200, 200, 429] {
        let answer = browser.post_form("/sign-up", &[("email", NEW)]).await?;
        assert_eq!(answer.status, expected);
        assert_eq!(answer.headers.contains_key("retry-after"), expected == 429);
    }
    assert_eq!(node.mail().await?.iter().filter(|letter| letter.to == NEW).count(), 3);
    let nonsense = browser.post_form("/sign-up", &[("email", "nobody")]).await?;
    assert_eq!(nonsense.status, 422);
    assert!(nonsense.body.contains("value=\"nobody\""));
    Ok(())
}

async fn where_the_operator_wants_it_nobody_makes_an_account(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let browser = Browser::new(&world.node().url)?;
    assert!(!browser.get("/login").await?.body.contains("/sign-up"));
    assert_eq!(browser.get("/sign-up").await?.status, 404);
    assert_eq!(browser.post_form("/sign-up", &[("email", NEW)]).await?.status, 404);
    assert!(world.node().mail().await?.is_empty());
    Ok(())
}
