//! From one account to another, by the switcher and by the list of all accounts.

use anyhow::Result;
use cardea_testkit::world::OWNER;
use cardea_testkit::{Browser, Engine, World, stories};
use serde_json::json;

use super::{assert_is_page, see};

stories! {
    the_owner_of_two_orgs_goes_from_one_to_the_other_and_back,
    an_org_that_wants_another_sign_in_says_where,
    nobody_switches_to_where_they_are_not,
}

async fn beta(world: &World, owner: &str) -> Result<()> {
    let beta = json!({"name": "Beta", "owner": {"email": owner, "password": OWNER.1},
        "org": {"name": "beta-lab", "kind": "enterprise"}});
    world.node().apply(json!({"version": 1, "accounts": [beta]})).await?;
    Ok(())
}

async fn by_password(world: &World, email: &str) -> Result<Browser> {
    let browser = world.browser()?;
    let entered = browser.post_form("/login/password", &[("email", email), ("password", OWNER.1)]).await?;
    anyhow::ensure!(entered.status == 303, "{}", entered.body);
    Ok(browser)
}

async fn the_owner_of_two_orgs_goes_from_one_to_the_other_and_back(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    beta(&world, OWNER.0).await?;
    let owner = world.sign_in_owner().await?;
    let (here, there) = match owner.get("/api/v1/me").await?.json()["account"].as_str() {
        Some("acme") => ("acme", "beta-lab"),
        _ => ("beta-lab", "acme"),
    };
    // The switcher stands on every page.
    let page = see(&owner, "/me/security").await?.body;
    assert!(page.contains(&format!("href=\"/o/{here}\" aria-current=\"true\"")), "{page}");
    assert!(page.contains(&format!("name=\"org\" value=\"{there}\"")), "{page}");
    let all = see(&owner, "/me/accounts").await?;
    assert_is_page(&all, 200);
    assert!(all.body.contains("You are here") && all.body.contains("Switch<"), "{}", all.body);
    // Both in the switcher and in the list, each account is marked as owned.
    assert_eq!(all.body.matches("<span class=\"tag\">owner</span>").count(), 4);
    let found = see(&owner, "/me/accounts?q=LAB").await?.body;
    assert_eq!(found.matches("data-label=\"Account\"").count(), 1, "{found}");
    assert!(see(&owner, "/me/accounts?q=%00nowhere").await?.body.contains("Nothing matches"));
    for (from, to) in [(here, there), (there, here)] {
        let moved = owner.post_form("/me/switch", &[("org", to)]).await?;
        assert_eq!((moved.status, moved.header("location")), (303, "/"));
        assert_eq!(see(&owner, "/").await?.header("location"), format!("/o/{to}"));
        assert_is_page(&see(&owner, &format!("/o/{from}/profile")).await?, 404);
        assert_is_page(&see(&owner, &format!("/o/{to}/profile")).await?, 200);
    }
    Ok(())
}

async fn an_org_that_wants_another_sign_in_says_where(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    world.sign_in("ana").await?;
    beta(&world, "ana@corp.example").await?;
    let ana = by_password(&world, "ana@corp.example").await?;
    let all = see(&ana, "/me/accounts").await?.body;
    assert!(all.contains("href=\"/login/okta\"") && !all.contains("name=\"org\" value=\"acme\""), "{all}");
    assert_eq!(all.matches("<span class=\"tag\">owner</span>").count(), 2, "her own, in the switcher and in the list");
    // A form that is older than that leads to the same door.
    let asked = ana.post_form("/me/switch", &[("org", "acme")]).await?;
    assert_eq!((asked.status, asked.header("location")), (303, "/login/okta"));
    assert_eq!(ana.get("/api/v1/me").await?.json()["account"], "Beta");
    Ok(())
}

async fn nobody_switches_to_where_they_are_not(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    beta(&world, "olga@beta.test").await?;
    let ana = world.sign_in("ana").await?;
    assert!(!see(&ana, "/me/accounts").await?.body.contains("beta-lab"));
    for org in ["beta-lab", "nowhere", "a\u{0}b", ""] {
        assert_eq!(ana.post_form("/me/switch", &[("org", org)]).await?.status, 404, "{org:?}");
    }
    let nobody = world.browser()?.post_form("/me/switch", &[("org", "acme")]).await?;
    assert_eq!((nobody.status, nobody.header("location")), (303, "/login?return_to=%2F"));
    assert_eq!(ana.get("/api/v1/me").await?.json()["account"], "acme");
    Ok(())
}
