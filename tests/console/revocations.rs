//! An end of access as an admin brings it about and sees it: what it will take, what it took, and which node knows.

use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_model::id::NodeId;
use cardea_store::{feed, node};
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Browser, Engine, World, stories};

use super::{assert_is_page, see, user_id};

stories! {
    a_deactivation_is_shown_before_it_happens_and_proven_after,
    an_owner_is_out_of_an_admins_reach,
    a_receipt_is_live_until_every_node_has_it,
}

/// The page as soon as it says this; what nodes write about themselves comes a moment after they have done it.
async fn see_soon(browser: &Browser, address: &str, text: &str) -> Result<Answer> {
    let looking = async {
        loop {
            let answer = see(browser, address).await?;
            if answer.body.contains(text) {
                return Ok(answer);
            }
        }
    };
    let found: Result<Answer> = tokio::time::timeout(Duration::from_secs(10), looking)
        .await
        .with_context(|| format!("{address} never said `{text}`"))?;
    found
}

async fn a_deactivation_is_shown_before_it_happens_and_proven_after(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let bo = world.sign_in("ana").await?;
    let key = bo.make_key("nightly build", &["registry"]).await?;
    let owner = world.sign_in_owner().await?;
    let id = user_id(&owner, "ana@corp.example").await?;
    let (person, form) = (format!("/o/acme/people/{id}"), format!("/o/acme/people/{id}/deactivate"));
    let asked = see(&owner, &form).await?;
    assert_is_page(&asked, 200);
    for text in ["nightly build", "through okta", "Deactivate and end 1 key and 1 session"] {
        assert!(asked.body.contains(text), "{text}");
    }
    let long = "x".repeat(201);
    for (reason, text) in [("  ", "Enter a reason, such as"), (&long, "at most 200 letters"), ("a\nb", "on one line")] {
        let wrong = owner.post_form(&form, &[("reason", reason)]).await?;
        assert_is_page(&wrong, 422);
        assert!(wrong.body.contains(text) && wrong.body.contains("nightly build"), "{reason}");
    }
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true, "nothing has ended yet");

    let done = owner.post_form(&form, &[("reason", "left the company")]).await?;
    assert_eq!(done.status, 303);
    let address = done.header("location").to_owned();
    assert!(address.starts_with("/o/acme/revocations/rcp_"), "{address}");
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], false);
    assert_eq!(bo.get("/api/v1/me").await?.status, 401);
    world.node().catch_up().await?;
    world.node().finish_jobs().await?;
    let receipt = see_soon(&owner, &address, "Applied on 1 node").await?;
    assert_is_page(&receipt, 200);
    for text in
        ["Access ended for Ana Ruiz", OWNER.0, "left the company", "Applied on 1 node", "nightly build", "through okta"]
    {
        assert!(receipt.body.contains(text), "{text}: {}", receipt.body);
    }
    assert!(see(&owner, "/o/acme/revocations").await?.body.contains("1 key, 1 session"));
    assert!(see(&owner, "/o/acme").await?.body.contains(&address));
    assert!(owner.get("/api/v1/orgs/acme/audit").await?.body.contains("left the company"));

    let held = see(&owner, &person).await?;
    assert!(held.body.contains("Why Ana Ruiz may not act") && held.body.contains("An admin"));
    assert!(held.body.contains(&address) && !held.body.contains("nightly build"));
    let back = owner.post_form(&format!("{person}/reactivate"), &[]).await?;
    assert_eq!((back.status, back.header("location")), (303, format!("{person}?done=reactivated").as_str()));
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], false, "what ended stays dead");
    let again = owner.post_form(&format!("{person}/reactivate"), &[]).await?;
    assert_eq!(again.header("location"), format!("{person}?done=nothing-to-lift"));
    world.sign_in("ana").await?;
    Ok(())
}

async fn an_owner_is_out_of_an_admins_reach(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let id = user_id(&owner, OWNER.0).await?;
    let page = see(&owner, &format!("/o/acme/people/{id}")).await?;
    assert!(page.body.contains("An owner is out of an admin") && !page.body.contains(&format!("/{id}/deactivate")));
    let form = format!("/o/acme/people/{id}/deactivate");
    let asked = see(&owner, &form).await?;
    assert_is_page(&asked, 403);
    assert!(asked.body.contains("another owner takes the ownership away first"));
    assert_eq!(owner.post_form(&form, &[("reason", "a slip")]).await?.status, 403);
    assert_eq!(see(&owner, "/me/keys").await?.status, 200);
    Ok(())
}

async fn a_receipt_is_live_until_every_node_has_it(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let app = &world.node().app;
    // A second node has just said that it lives, and then falls silent.
    let silent = NodeId::new(app.clock.now(), &*app.random);
    let mut tx = app.db.write().await?;
    node::beat(&mut tx, silent, "two", "0.1.0", app.clock.now()).await?;
    tx.commit().await?;
    let ana = world.sign_in("ana").await?;
    ana.make_key("laptop", &["registry"]).await?;
    let owner = world.sign_in_owner().await?;
    let id = user_id(&owner, "ana@corp.example").await?;
    let done = owner.post_form(&format!("/o/acme/people/{id}/deactivate"), &[("reason", "a thief")]).await?;
    world.node().catch_up().await?;
    world.node().finish_jobs().await?;
    let address = done.header("location").to_owned();
    let receipt = see_soon(&owner, &address, "Applied on 1 of 2 nodes").await?;
    assert_is_page(&receipt, 200);
    let get = format!("hx-get=\"{address}\"");
    for text in ["Applied on 1 of 2 nodes", "waiting", "hx-trigger=\"every 1s\"", &get] {
        assert!(receipt.body.contains(text), "{text}");
    }
    assert!(see(&owner, "/o/acme/revocations").await?.body.contains("waiting"));
    // It speaks again: the page shows its mark and asks no more.
    let last = feed::last(&mut app.db.read().await?).await?;
    let mut tx = app.db.write().await?;
    feed::applied(&mut tx, silent, 1, last, app.clock.now()).await?;
    tx.commit().await?;
    let receipt = see(&owner, &address).await?;
    assert!(receipt.body.contains("Applied on 2 nodes") && !receipt.body.contains("hx-get"));
    Ok(())
}
