//! What the link of an activation shows to whom, and what comes of it.

use std::time::Duration;

use anyhow::Result;
use cardea_testkit::world::OWNER;
use cardea_testkit::{Engine, World, stories};
use reqwest::Method;
use serde_json::json;

use super::{assert_is_page, see};
use crate::accounts::Operator;
use crate::invitations::{CHOSEN, link_to};

stories! {
    an_owner_signs_in_first_and_chooses_among_their_accounts,
    somebody_new_names_an_account_and_is_in_it,
    who_owns_no_account_names_one_and_goes_there,
    a_link_that_is_of_no_use_says_why,
    a_link_is_handed_on_after_it_was_asked_for_the_last_time,
    only_whose_it_is_hands_a_link_on_and_only_what_can_be,
}

async fn an_owner_signs_in_first_and_chooses_among_their_accounts(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let operator = Operator::of(world.node()).await?;
    let solo = json!({"version": 1, "accounts": [{"name": "solo", "owner": {"email": OWNER.0},
        "org": {"name": "solo", "kind": "individual"}}]});
    world.node().apply(solo).await?;
    let address = format!("/activate/{}", operator.offer("ai_enterprise", OWNER.0, true).await?);
    let nobody = world.browser()?;
    // Mail scanners look too, as often as they like.
    for _ in 0..2 {
        let shown = see(&nobody, &address).await?;
        assert_is_page(&shown, 200);
        for text in ["Activate ", "offers", OWNER.0, "/login?email=owner%40acme.test", "return_to=%2Factivate%2Fcdai"] {
            assert!(shown.body.contains(text), "{text}: {}", shown.body);
        }
        assert!(!shown.body.contains("name=\"password\""), "{}", shown.body);
    }
    assert_eq!(nobody.post_form(&address, &[("account", "acme")]).await?.status, 303, "to the door");
    let credentials = [("email", OWNER.0), ("password", OWNER.1), ("return_to", address.as_str())];
    assert_eq!(nobody.post_form("/login/password", &credentials).await?.header("location"), address);
    let owner = nobody;
    let shown = see(&owner, &address).await?;
    for text in ["value=\"acme\" checked", "value=\"solo\"", "becomes an enterprise org, for good", "A new account"] {
        assert!(shown.body.contains(text), "{text}: {}", shown.body);
    }
    for (fields, status, text) in [
        ([("account", "none"), ("new_account", "")], 403, "You do not own this account"),
        ([("account", ""), ("new_account", "two words")], 422, "without spaces"),
        ([("account", ""), ("new_account", "acme")], 409, "This name is taken"),
    ] {
        let refused = owner.post_form(&address, &fields).await?;
        assert_eq!(refused.status, status, "{}", refused.body);
        assert!(refused.body.contains(text), "{text}: {}", refused.body);
        assert!(refused.body.contains(&format!("value=\"{}\"", fields[1].1)), "what was typed stays");
    }
    assert!(!operator.entitlements("solo").await?.contains(&"ai_enterprise:active".to_owned()));
    let done = owner.post_form(&address, &[("account", "solo"), ("new_account", "")]).await?;
    assert_is_page(&done, 200);
    assert!(done.body.contains("is active") && done.body.contains("enterprise org from now on"), "{}", done.body);
    assert!(operator.entitlements("solo").await?.contains(&"ai_enterprise:active".to_owned()));
    assert_eq!(operator.entitlements("acme").await?.len(), 3);
    // Used, it says so to everybody.
    for browser in [&owner, &world.browser()?] {
        let used = see(browser, &address).await?;
        assert_is_page(&used, 409);
        assert!(used.body.contains("This was activated already"), "{}", used.body);
    }
    assert_eq!(owner.post_form(&address, &[("account", "acme")]).await?.status, 409);
    assert_eq!(operator.entitlements("acme").await?.len(), 3);
    Ok(())
}

async fn somebody_new_names_an_account_and_is_in_it(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let operator = Operator::of(world.node()).await?;
    let secret = operator.offer("ai_enterprise", "new@newco.test", true).await?;
    let (nobody, address) = (world.browser()?, format!("/activate/{secret}"));
    assert_eq!(nobody.get(&format!("/api/v1/activations/{secret}")).await?.json()["sign_in"], false);
    let shown = see(&nobody, &address).await?;
    assert_is_page(&shown, 200);
    assert!(shown.body.contains("You are new here") && shown.body.contains("name=\"password\""), "{}", shown.body);
    for (name, password, status, text) in [
        ("newco", "", 422, "Choose a password"),
        ("newco", "short", 422, "id=\"password-problem\""),
        ("new co", CHOSEN, 422, "id=\"new_account-problem\""),
        ("acme", CHOSEN, 409, "This name is taken"),
    ] {
        let fields = [("account", ""), ("new_account", name), ("password", password)];
        let refused = nobody.post_form(&address, &fields).await?;
        assert_eq!(refused.status, status, "{name}: {}", refused.body);
        assert!(refused.body.contains(text), "{text}: {}", refused.body);
        assert!(refused.body.contains(&format!("value=\"{name}\"")) && !refused.body.contains(CHOSEN));
    }
    let fields = [("account", ""), ("new_account", "NewCo"), ("password", CHOSEN)];
    let done = nobody.post_form(&address, &fields).await?;
    assert_is_page(&done, 200);
    assert!(done.body.contains("The account NewCo was made with its org newco"), "{}", done.body);
    // The password that they chose signs them in.
    let subscriptions = see(&nobody, "/o/newco/subscriptions").await?;
    assert_is_page(&subscriptions, 200);
    assert!(subscriptions.body.contains("ai_enterprise"), "{}", subscriptions.body);
    assert!(see(&nobody, "/a/NewCo/users").await?.body.contains("new@newco.test"));
    Ok(())
}

async fn who_owns_no_account_names_one_and_goes_there(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let operator = Operator::of(world.node()).await?;
    let ana = world.sign_in("ana").await?;
    let address = format!("/activate/{}", operator.offer("registry", "ana@corp.example", true).await?);
    let shown = see(&ana, &address).await?;
    assert!(shown.body.contains("You own no account that would gain something"), "{}", shown.body);
    let done = ana.post_form(&address, &[("account", ""), ("new_account", "Anas-Lab")]).await?;
    assert_is_page(&done, 200);
    assert!(done.body.contains("Switch to anas-lab"), "{}", done.body);
    assert_eq!(ana.get("/api/v1/me").await?.json()["account"], "acme");
    let there = ana.post_form("/me/switch", &[("org", "anas-lab")]).await?;
    assert_eq!((there.status, there.header("location")), (303, "/"));
    assert_eq!(see(&ana, "/").await?.header("location"), "/o/anas-lab");
    assert!(see(&ana, "/o/anas-lab/profile").await?.body.contains("Individual"));
    Ok(())
}

async fn a_link_that_is_of_no_use_says_why(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, operator) = (world.node(), Operator::of(world.node()).await?);
    let ana = world.sign_in("ana").await?;
    let of = |secret: String| format!("/activate/{secret}");
    let withdrawn = of(operator.offer("registry", "ana@corp.example", true).await?);
    let list = operator.get("/api/v1/activations").await?.json();
    let id = list["items"][0]["id"].as_str().unwrap_or_default().to_owned();
    let gone = operator.send(Method::DELETE, &format!("/api/v1/activations/{id}"), &json!({})).await?;
    assert_eq!(gone.status, 204);
    let other = of(operator.offer("registry", "bo@corp.example", true).await?);
    for (address, status, text) in [
        ("/activate/cdai".to_owned(), 404, "This link is not known here"),
        ("/activate/nul%00".to_owned(), 404, "This link is not known here"),
        (withdrawn, 409, "This offer was withdrawn"),
        (other.clone(), 403, "You are signed in as ana@corp.example"),
    ] {
        for rest in ["", "/transfer"] {
            let shown = see(&ana, &format!("{address}{rest}")).await?;
            assert_is_page(&shown, status);
            assert!(shown.body.contains(text), "{text}: {}", shown.body);
        }
        let posted = ana.post_form(&address, &[("account", ""), ("new_account", "x")]).await?;
        assert_eq!(posted.status, status);
    }
    assert!(see(&ana, &other).await?.body.contains("action=\"/logout\""));
    node.clock.advance(Duration::from_secs(31 * 86_400));
    let late = see(&world.browser()?, &other).await?;
    assert_is_page(&late, 409);
    assert!(late.body.contains("This link has expired"), "{}", late.body);
    Ok(())
}

async fn a_link_is_handed_on_after_it_was_asked_for_the_last_time(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, operator) = (world.node(), Operator::of(world.node()).await?);
    let ana = world.sign_in("ana").await?;
    let address = format!("/activate/{}", operator.offer("ai_enterprise", "ana@corp.example", true).await?);
    assert!(see(&ana, &address).await?.body.contains(&format!("{address}/transfer")));
    let transfer = format!("{address}/transfer");
    let form = see(&ana, &transfer).await?;
    assert_is_page(&form, 200);
    assert!(form.body.contains("I hand it on to you"), "a message to be edited: {}", form.body);
    for (email, text) in
        [("nobody", "Enter an e-mail address"), ("Ana@corp.example", "This is the address that it was sent to")]
    {
        let refused = ana.post_form(&transfer, &[("email", email), ("message", "Mine.")]).await?;
        assert_eq!(refused.status, 422);
        assert!(refused.body.contains(text) && refused.body.contains("Mine.</textarea>"), "{}", refused.body);
    }
    let fields = [("email", OWNER.0), ("message", "You own the account.\r\nAna")];
    let asked = ana.post_form(&transfer, &fields).await?;
    assert_is_page(&asked, 200);
    for text in ["This cannot be undone", "<p>You own the account.</p><p>Ana</p>", "Hand it on for good"] {
        assert!(asked.body.contains(text), "{text}: {}", asked.body);
    }
    assert_eq!(node.mail().await?.len(), 1, "nothing is sent before it is confirmed");
    assert_is_page(&see(&ana, &address).await?, 200);
    let done = ana.post_form(&transfer, &[fields[0], fields[1], ("confirmed", "yes")]).await?;
    assert_is_page(&done, 200);
    assert!(done.body.contains("is handed on") && done.body.contains(OWNER.0), "{}", done.body);
    assert!(node.letter_to(OWNER.0).await?.text.contains("You own the account."));
    assert_is_page(&see(&ana, &address).await?, 404);
    let owner = world.sign_in_owner().await?;
    let theirs = link_to(node, OWNER.0).await?;
    assert!(see(&owner, &theirs).await?.body.contains("value=\"acme\" checked"));
    Ok(())
}

async fn only_whose_it_is_hands_a_link_on_and_only_what_can_be(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, operator) = (world.node(), Operator::of(world.node()).await?);
    let ana = world.sign_in("ana").await?;
    let welcome = format!("/activate/{}", operator.offer("registry", "ana@corp.example", true).await?);
    let certificate = format!("/activate/{}", operator.offer("registry", "ana@corp.example", false).await?);
    let sent = node.mail().await?.len();
    assert!(!see(&ana, &certificate).await?.body.contains("/transfer"));
    let fields = [("email", "dana@corp.example"), ("message", ""), ("confirmed", "yes")];
    let refused = see(&ana, &format!("{certificate}/transfer")).await?;
    assert_is_page(&refused, 409);
    assert!(refused.body.contains("This cannot be handed on"), "{}", refused.body);
    assert_eq!(ana.post_form(&format!("{certificate}/transfer"), &fields).await?.status, 409);
    // Whoever is not signed in does so first, and comes back.
    let nobody = see(&world.browser()?, &format!("{welcome}/transfer")).await?;
    assert_eq!(nobody.status, 303);
    assert!(nobody.header("location").ends_with("%2Ftransfer"), "{}", nobody.header("location"));
    let posted = world.browser()?.post_form(&format!("{welcome}/transfer"), &fields).await?;
    assert_eq!(posted.status, 303);
    let bell = [("email", "dana@corp.example"), ("message", "a\u{7}"), ("confirmed", "yes")];
    let odd = ana.post_form(&format!("{welcome}/transfer"), &bell).await?;
    assert_eq!(odd.status, 422);
    assert!(odd.body.contains("id=\"message-problem\""), "{}", odd.body);
    assert_eq!(node.mail().await?.len(), sent);
    Ok(())
}
