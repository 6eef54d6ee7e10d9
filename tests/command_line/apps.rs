//! Apps from the command line, as whoever manages them.

use anyhow::Result;
use cardea_testkit::world::OWNER;
use cardea_testkit::{Browser, Engine, Node, World, stories};
use reqwest::Method;
use serde_json::json;

use super::hand::Hand;
use super::program::run_with;

stories! {
    apps_are_made_switched_given_secrets_and_deleted,
}

/// What a script is answered that asks for a token.
async fn asks(node: &Node, secret: &str) -> Result<u16> {
    let body = json!({"grantType": "client_credentials", "clientId": "nightlyreport", "clientSecret": secret});
    Ok(Browser::new(&node.url)?.send(Method::POST, "/api/v1/token", &body).await?.status)
}

async fn apps_are_made_switched_given_secrets_and_deleted(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let owner = Hand::of(node, OWNER).await?;
    assert_eq!(owner.done("app list").await?, "");
    let made = owner.say(&["app", "create", "nightly-report"]).await?.good()?;
    assert!(made.out.starts_with("nightlyreport\tnightlyreport\tcdac_"), "{}", made.out);
    assert!(made.err.contains("not shown again"), "{}", made.err);
    let first = made.out.trim_end().rsplit('\t').next().unwrap_or_default().to_owned();
    assert_eq!(asks(node, &first).await?, 200);
    let listed = owner.done("app list").await?;
    assert!(listed.starts_with("nightlyreport\tnightlyreport\tactive\t") && !listed.contains(&first), "{listed}");
    assert_eq!(owner.json("app list").await?[0]["clientId"], "nightlyreport");

    assert_eq!(owner.done("app disable nightlyreport").await?, "nightlyreport\tdisabled\n");
    assert_ne!(asks(node, &first).await?, 200);
    assert_eq!(owner.json("app enable nightlyreport").await?["enabled"], true);
    assert_eq!(asks(node, &first).await?, 200);

    let second = owner.json("app secret nightlyreport --grace 1h").await?;
    assert_eq!(second["name"], "nightlyreport");
    let second = second["secret"].as_str().unwrap_or_default().to_owned();
    for secret in [&first, &second] {
        assert_eq!(asks(node, secret).await?, 200);
    }
    owner.done("app secret nightlyreport").await?;
    for secret in [&first, &second] {
        assert_ne!(asks(node, secret).await?, 200);
    }
    assert!(owner.refused("app secret nightlyreport --grace 2d").await?.contains("at most 86400 seconds"));
    let misspelt = owner.refused("app disable nightlyrepor").await?;
    assert_eq!(misspelt, "error: apps: there is no app `nightlyrepor`\nhint: did you mean `nightlyreport`?\n");
    assert!(owner.refused("app delete nightlyreport").await?.contains("every token that it had"));
    assert_eq!(owner.json("app delete nightlyreport --yes").await?, json!({"deleted": "nightlyreport"}));
    assert_eq!(owner.done("app list").await?, "");

    // Somebody without a say hears it in the gateway's words.
    let ana = world.sign_in("ana").await?;
    let folder = tempfile::tempdir()?;
    let session = [("CARDEA_URL", node.url.as_str()), ("CARDEA_TOKEN", &ana.cookie("cardea")?)];
    let refused = run_with(folder.path(), &["app", "list"], &session).await?.bad()?;
    assert!(refused.starts_with("error: the gateway: "), "{refused}");
    Ok(())
}
