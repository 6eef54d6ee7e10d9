//! Apps on their pages: made, switched off and on, given another secret, deleted.

use anyhow::{Context as _, Result};
use cardea_testkit::{Answer, Browser, Engine, Node, NodeBuilder, World, stories};
use reqwest::Method;
use serde_json::json;

use super::{assert_is_page, between, see};
use crate::oauth::apps::beside;
use crate::people::Staff;

stories! {
    an_app_is_made_and_ended_by_forms,
    an_apps_new_secret_takes_the_place_of_the_old_one,
    only_owners_and_user_admins_have_pages_of_apps,
}

const APPS: &str = "/o/acme/apps";

fn secret_on(page: &Answer) -> Result<String> {
    Ok(between(&page.body, "aria-label=\"The secret\"><code>", "</code>")?.to_owned())
}

/// Makes an app; the address of its pages and its secret.
async fn made(by: &Browser, name: &str) -> Result<(String, String)> {
    let made = by.post_form(APPS, &[("name", name)]).await?;
    assert_is_page(&made, 201);
    let id = between(&made.body, "action=\"/o/acme/apps/", "/disable\"")?;
    Ok((format!("{APPS}/{id}"), secret_on(&made)?))
}

/// What a script is answered that asks for a token.
async fn asks(node: &Node, client: &str, secret: &str) -> Result<u16> {
    let body = json!({"grantType": "client_credentials", "clientId": client, "clientSecret": secret});
    Ok(Browser::new(&node.url)?.send(Method::POST, "/api/v1/token", &body).await?.status)
}

async fn an_app_is_made_and_ended_by_forms(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    let empty = see(&owner, APPS).await?;
    assert_is_page(&empty, 200);
    assert!(empty.body.contains("There are no apps") && empty.body.contains("/o/acme/apps/new"));
    assert_is_page(&see(&owner, &format!("{APPS}/new")).await?, 200);
    for (name, status, text) in [("", 422, "An app&#39;s name has"), ("Nightly", 422, "An app&#39;s name has")] {
        let refused = owner.post_form(APPS, &[("name", name)]).await?;
        assert_is_page(&refused, status);
        assert!(between(&refused.body, "id=\"name-problem\"", "</p>")?.contains(text), "{}", refused.body);
        assert!(refused.body.contains(&format!("value=\"{name}\"")));
    }
    let (at, secret) = made(&owner, " nightly-report ").await?;
    assert!(secret.starts_with("cdac_"));
    assert_eq!(asks(node, "nightlyreport", &secret).await?, 200);
    let list = see(&owner, APPS).await?;
    assert!(!list.body.contains(&secret), "a secret is shown once");
    for text in ["nightlyreport", "1 app of 64", &format!("{}/api/v1/token", node.url), "Copy the client id"] {
        assert!(list.body.contains(text), "{text}: {}", list.body);
    }
    let taken = owner.post_form(APPS, &[("name", "nightlyreport")]).await?;
    assert_is_page(&taken, 409);

    let off = owner.post_form(&format!("{at}/disable"), &[]).await?;
    assert_eq!(off.header("location"), format!("{APPS}?done=app-disabled"));
    assert_ne!(asks(node, "nightlyreport", &secret).await?, 200);
    let shown = see(&owner, &format!("{APPS}?done=app-disabled")).await?;
    assert!(shown.body.contains("every token that it had has ended") && shown.body.contains("Enable<span"));
    owner.post_form(&format!("{at}/enable"), &[]).await?;
    assert_eq!(asks(node, "nightlyreport", &secret).await?, 200);

    let asked = see(&owner, &format!("{at}/delete")).await?;
    assert_is_page(&asked, 200);
    assert!(asked.body.contains("Every token that the app was given"), "{}", asked.body);
    assert_eq!(asks(node, "nightlyreport", &secret).await?, 200, "asking deletes nothing");
    let gone = owner.post_form(&format!("{at}/delete"), &[]).await?;
    assert_eq!(gone.header("location"), format!("{APPS}?done=app-deleted"));
    assert_ne!(asks(node, "nightlyreport", &secret).await?, 200);
    for rest in ["delete", "secret"] {
        assert_is_page(&see(&owner, &format!("{at}/{rest}")).await?, 404);
    }
    Ok(())
}

async fn an_apps_new_secret_takes_the_place_of_the_old_one(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    let (at, first) = made(&owner, "nightly").await?;
    let asked = see(&owner, &format!("{at}/secret")).await?;
    assert_is_page(&asked, 200);
    assert!(asked.body.contains("The current secret works on for"));
    let second = owner.post_form(&format!("{at}/secret"), &[("grace", "3600")]).await?;
    assert_is_page(&second, 200);
    assert!(second.body.contains("The one before it works until"), "{}", second.body);
    let second = secret_on(&second)?;
    for secret in [&first, &second] {
        assert_eq!(asks(node, "nightly", secret).await?, 200);
    }
    let third = owner.post_form(&format!("{at}/secret"), &[("grace", "0")]).await?;
    assert!(!third.body.contains("The one before it works until"));
    for (secret, works) in [(&first, false), (&second, false), (&secret_on(&third)?, true)] {
        assert_eq!(asks(node, "nightly", secret).await? == 200, works);
    }
    for wrong in ["", "soon", "86401"] {
        assert_eq!(owner.post_form(&format!("{at}/secret"), &[("grace", wrong)]).await?.status, 422, "{wrong}");
    }
    Ok(())
}

async fn only_owners_and_user_admins_have_pages_of_apps(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let (at, secret) = made(&staff.bo, "nightly").await?;
    for somebody in [&staff.chika, &staff.dana] {
        for address in [APPS, &format!("{APPS}/new"), &format!("{at}/secret"), &format!("{at}/delete")] {
            let refused = see(somebody, address).await?;
            assert_is_page(&refused, 403);
            assert!(!refused.body.contains("nightly"), "{address}");
        }
        for rest in ["disable", "enable", "secret", "delete"] {
            assert_eq!(somebody.post_form(&format!("{at}/{rest}"), &[("grace", "0")]).await?.status, 403, "{rest}");
        }
        assert_eq!(somebody.post_form(APPS, &[("name", "mine")]).await?.status, 403);
    }
    assert_eq!(asks(staff.node(), "nightly", &secret).await?, 200);

    let (world, neighbour) = beside(engine, NodeBuilder::default()).await?;
    let owner = world.sign_in_owner().await?;
    let (at, secret) = made(&owner, "nightly").await?;
    let id = at.rsplit('/').next().context("an id")?;
    for org in ["acme", "globex"] {
        for rest in ["disable", "secret", "delete"] {
            let address = format!("/o/{org}/apps/{id}/{rest}");
            assert_eq!(neighbour.post_form(&address, &[("grace", "0")]).await?.status, 404, "{address}");
        }
    }
    assert_is_page(&see(&neighbour, APPS).await?, 404);
    assert_eq!(asks(world.node(), "nightly", &secret).await?, 200);
    Ok(())
}
