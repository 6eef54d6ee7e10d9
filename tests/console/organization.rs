//! The Organization room: what an org is, who owns it, what it has, and who is in its account.

use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_testkit::world::OWNER;
use cardea_testkit::{Engine, World, stories};
use serde_json::json;

use super::{assert_is_page, between, see, user_id};
use crate::accounts::Operator;
use crate::invitations::{invited, join};
use crate::owners::second;

stories! {
    everybody_reads_what_the_org_is_and_its_people_are_for_those_who_see_them,
    a_description_is_changed_and_a_conflict_shows_both,
    an_owner_is_invited_under_the_conditions_that_the_page_says,
    an_owner_is_removed_by_another_who_says_who_takes_the_account,
    subscriptions_say_their_state_their_end_and_what_they_enable,
    somebody_is_removed_from_the_account_after_what_ends_was_shown,
    what_somebody_is_in_the_account_is_changed_by_its_owner_and_admins,
}

const PROFILE: &str = "/o/acme/profile";
const NEW_OWNER: &str = "/o/acme/owners/new";
const USERS: &str = "/a/acme/users";

async fn everybody_reads_what_the_org_is_and_its_people_are_for_those_who_see_them(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    let number = owner.get("/api/v1/orgs/acme").await?.json()["number"].to_string();
    let profile = see(&owner, PROFILE).await?;
    assert_is_page(&profile, 200);
    for text in
        ["Enterprise", "rules can read their groups", "1 of 3", OWNER.0, "Add owner", "Save description", &number]
    {
        assert!(profile.body.contains(text), "{text}: {}", profile.body);
    }
    assert!(!profile.body.contains("/remove\""), "the last owner stays");
    // A member reads what the org is; the owners' addresses are for those who see people.
    let profile = see(&ana, PROFILE).await?;
    assert_is_page(&profile, 200);
    assert!(profile.body.contains("Enterprise") && profile.body.contains(&number));
    for text in ["Add owner", "Save description", "1 of 3", "/o/acme/people/"] {
        assert!(!profile.body.contains(text), "{text}: {}", profile.body);
    }
    for address in [NEW_OWNER, USERS] {
        assert_is_page(&see(&ana, address).await?, 403);
    }
    let described = ana.post_form(PROFILE, &[("description", "mine"), ("version", "1")]).await?;
    assert_eq!(described.status, 403);
    assert_eq!(ana.post_form(NEW_OWNER, &[("email", "ana@acme.test")]).await?.status, 403);
    Ok(())
}

async fn a_description_is_changed_and_a_conflict_shows_both(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let version = |body: &str| Ok::<_, anyhow::Error>(between(body, "name=\"version\" value=\"", "\"")?.to_owned());
    let read = version(&see(&owner, PROFILE).await?.body)?;
    let done = owner.post_form(PROFILE, &[("description", "First."), ("version", &read)]).await?;
    assert_eq!((done.status, done.header("location")), (303, "/o/acme/profile?done=described"));
    assert!(see(&owner, done.header("location")).await?.body.contains("The description is saved"));
    // Whoever read the version before sees both, and nothing is lost.
    for stale in [read.as_str(), "", "nonsense"] {
        let conflict = owner.post_form(PROFILE, &[("description", "Second <b>."), ("version", stale)]).await?;
        assert_eq!(conflict.status, 412);
        for text in [">First.<", ">Second &#60;b&#62;.</textarea>", "nothing was saved", "Replace the description"] {
            assert!(conflict.body.contains(text), "{text}: {}", conflict.body);
        }
    }
    let described =
        async || Ok::<_, anyhow::Error>(owner.get("/api/v1/orgs/acme").await?.json()["description"].clone());
    assert_eq!(described().await?, "First.");
    let conflict = owner.post_form(PROFILE, &[("description", "Second."), ("version", &read)]).await?;
    let now = version(&conflict.body)?;
    assert_eq!(owner.post_form(PROFILE, &[("description", "Second."), ("version", &now)]).await?.status, 303);
    assert_eq!(described().await?, "Second.");
    let long = "x".repeat(1001);
    let now = version(&see(&owner, PROFILE).await?.body)?;
    let refused = owner.post_form(PROFILE, &[("description", &long), ("version", &now)]).await?;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("at most 1000 bytes") && refused.body.contains(&long));
    Ok(())
}

async fn an_owner_is_invited_under_the_conditions_that_the_page_says(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    let form = see(&owner, NEW_OWNER).await?;
    assert_is_page(&form, 200);
    for text in ["at most 3 owners", "2 places are free", "here <code>acme.test</code>", "admin of the account"] {
        assert!(form.body.contains(text), "{text}: {}", form.body);
    }
    for (email, status, text) in [
        ("boss@elsewhere.example", 422, "All owners have addresses of one domain, here <code>acme.test</code>"),
        ("nobody", 422, "This is no e-mail address"),
        ("owner@acme.test", 409, "Whoever has this address is there already"),
    ] {
        let refused = owner.post_form(NEW_OWNER, &[("email", email)]).await?;
        assert_eq!(refused.status, status, "{email}");
        assert!(refused.body.contains(text), "{text}: {}", refused.body);
        assert!(refused.body.contains(&format!("value=\"{email}\"")), "what was typed stays: {}", refused.body);
    }
    assert_eq!(node.mail().await?, []);
    let done = owner.post_form(NEW_OWNER, &[("email", "two@acme.test")]).await?;
    assert_eq!((done.status, done.header("location")), (303, "/o/acme/profile?done=owner-asked"));
    assert!(node.letter_to("two@acme.test").await?.subject.contains("acme"));
    let profile = see(&owner, PROFILE).await?.body;
    assert!(profile.contains("2 of 3") && profile.contains("two@acme.test") && profile.contains("Invited"));
    // After a quarter of an hour one signs in again, and comes back to what was typed.
    node.clock.advance(Duration::from_secs(16 * 60));
    let again = owner.post_form(NEW_OWNER, &[("email", "three@acme.test")]).await?;
    assert_eq!(again.status, 403);
    assert!(again.body.contains("Sign in again first") && again.body.contains("value=\"three@acme.test\""));
    let way = between(&again.body, "href=\"/login?", "\"")?.replace("&#38;", "&");
    assert_eq!(way, "email=owner%40acme.test&return_to=%2Fo%2Facme%2Fowners%2Fnew%3Femail%3Dthree%2540acme.test");
    assert_eq!(node.mail().await?.len(), 1);
    let back = "/o/acme/owners/new?email=three%40acme.test";
    let credentials = [("email", OWNER.0), ("password", OWNER.1), ("return_to", back)];
    assert_eq!(owner.post_form("/login/password", &credentials).await?.header("location"), back);
    assert!(see(&owner, back).await?.body.contains("value=\"three@acme.test\""));
    assert_eq!(owner.post_form(NEW_OWNER, &[("email", "three@acme.test")]).await?.status, 303);
    let full = see(&owner, NEW_OWNER).await?;
    assert!(full.body.contains("Every place is taken") && !full.body.contains("Invite as owner"));
    let fourth = owner.post_form(NEW_OWNER, &[("email", "four@acme.test")]).await?;
    assert_eq!(fourth.status, 409);
    assert!(fourth.body.contains("as many owners as it may have"), "{}", fourth.body);
    Ok(())
}

async fn an_owner_is_removed_by_another_who_says_who_takes_the_account(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    let two = second(&world, &owner, "two@acme.test").await?;
    let (first, other) = (user_id(&owner, OWNER.0).await?, user_id(&owner, "two@acme.test").await?);
    let address = |id: &str| format!("/o/acme/owners/{id}/remove");
    let profile = see(&two, PROFILE).await?.body;
    assert!(profile.contains(&address(&first)) && !profile.contains(&address(&other)), "nobody removes themselves");
    let asked = see(&two, &address(&first)).await?;
    assert_is_page(&asked, 200);
    for text in ["They hold the account", "Who takes the account", &format!("value=\"{other}\" checked")] {
        assert!(asked.body.contains(text), "{text}: {}", asked.body);
    }
    let unsaid = two.post_form(&address(&first), &[]).await?;
    assert_eq!(unsaid.status, 409);
    assert!(unsaid.body.contains("Choose the owner who takes the account"), "{}", unsaid.body);
    let itself = two.post_form(&address(&first), &[("account_owner", &first)]).await?;
    assert_eq!(itself.status, 422);
    assert_eq!(two.post_form(&address(&other), &[]).await?.status, 409);
    node.clock.advance(Duration::from_secs(16 * 60));
    let again = two.post_form(&address(&first), &[("account_owner", &other)]).await?;
    assert_eq!(again.status, 403);
    assert!(again.body.contains("Sign in again first") && again.body.contains(&format!("account_owner%3D{other}")));
    assert_eq!(two.get("/api/v1/orgs/acme/owners").await?.json()["items"].as_array().map(Vec::len), Some(2));
    let credentials = [("email", "two@acme.test"), ("password", crate::invitations::CHOSEN)];
    assert_eq!(two.post_form("/login/password", &credentials).await?.status, 303);
    let done = two.post_form(&address(&first), &[("account_owner", &other)]).await?;
    assert_eq!((done.status, done.header("location")), (303, "/o/acme/profile?done=owner-removed"));
    let left = two.get("/api/v1/orgs/acme/owners").await?.json();
    assert_eq!(left["items"].as_array().map(Vec::len), Some(1));
    assert_eq!((&left["items"][0]["id"], &left["items"][0]["account_role"]), (&json!(other), &json!("owner")));
    assert!(node.letter_to("two@acme.test").await?.text.contains(OWNER.0));
    assert_is_page(&see(&two, &address("usr_nobody")).await?, 404);
    Ok(())
}

async fn subscriptions_say_their_state_their_end_and_what_they_enable(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let operator = Operator::of(world.node()).await?;
    let end = world.node().app.clock.now().after(Duration::from_secs(90 * 86_400)).to_string();
    operator.entitle("acme", "registry", &json!({"ends_at": end})).await?;
    operator.entitle("acme", "public_api_endpoints", &json!({"state": "suspended"})).await?;
    operator.entitle("acme", "catalog", &json!({"ends_at": "2020-01-01T00:00:00Z"})).await?;
    let ana = world.sign_in("ana").await?;
    let shown = see(&ana, "/o/acme/subscriptions").await?;
    assert_is_page(&shown, 200);
    for text in ["Roles: ", "Private Registry", "Suspended", "Ended", "in 3 months", "personal and service keys"] {
        assert!(shown.body.contains(text), "{text}: {}", shown.body);
    }
    assert_is_page(&see(&ana, "/o/other/subscriptions").await?, 404);
    Ok(())
}

async fn somebody_is_removed_from_the_account_after_what_ends_was_shown(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (ana, owner) = (world.sign_in("ana").await?, world.sign_in_owner().await?);
    let key = ana.make_key("laptop", &["registry"]).await?;
    let id = user_id(&owner, "ana@corp.example").await?;
    let list = see(&owner, USERS).await?;
    assert_is_page(&list, 200);
    assert!(list.body.contains("Ana Ruiz") && list.body.contains("owns the org") && list.body.contains("In the org"));
    let address = format!("{USERS}/{id}/remove");
    let asked = see(&owner, &address).await?;
    assert_is_page(&asked, 200);
    for text in ["Remove from the account and end 1 key and 1 session", "laptop", "Private Registry Admin in the org"] {
        assert!(asked.body.contains(text), "{text}: {}", asked.body);
    }
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true, "looking ends nothing");
    let done = owner.post_form(&address, &[]).await?;
    assert_eq!(done.status, 303, "{}", done.body);
    assert!(done.header("location").starts_with("/o/acme/revocations/"), "{}", done.header("location"));
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], false);
    assert_eq!(ana.get("/api/v1/me").await?.status, 401);
    let gone = see(&owner, &format!("{USERS}?q=ana")).await?.body;
    assert!(gone.contains("Left the account") && gone.contains("Let in again"), "{gone}");
    let twice = owner.post_form(&address, &[]).await?;
    assert_eq!(twice.status, 409);
    assert!(twice.body.contains("Nothing was changed. This user has left the account"), "{}", twice.body);
    let back = owner.post_form(&format!("{USERS}/{id}/readmit"), &[]).await?;
    assert_eq!(back.header("location"), "/a/acme/users?done=readmitted");
    assert!(see(&owner, USERS).await?.body.contains("Left the org"));
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], false, "what ended stays dead");
    // Owners are out of reach here.
    let owners = user_id(&owner, OWNER.0).await?;
    assert_eq!(owner.post_form(&format!("{USERS}/{owners}/remove"), &[]).await?.status, 409);
    Ok(())
}

async fn what_somebody_is_in_the_account_is_changed_by_its_owner_and_admins(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (ana, owner) = (world.sign_in("ana").await?, world.sign_in_owner().await?);
    let link = invited(world.node(), &owner, "nina@acme.test", &json!({})).await?;
    let nina = join(&world, &link).await?;
    let id = user_id(&owner, "nina@acme.test").await?;
    assert_is_page(&see(&nina, USERS).await?, 403);
    let role = format!("{USERS}/{id}/role");
    let done = owner.post_form(&role, &[("role", "admin")]).await?;
    assert_eq!(done.header("location"), "/a/acme/users?done=account-role-changed");
    // She sees who is in the account now, and no room of the org's administration.
    let list = see(&nina, USERS).await?;
    assert_is_page(&list, 200);
    assert!(list.body.contains("Ana Ruiz") && !list.body.contains("/o/acme/rules\""), "{}", list.body);
    let managed = user_id(&owner, "ana@corp.example").await?;
    let refused = nina.post_form(&format!("{USERS}/{managed}/role"), &[("role", "admin")]).await?;
    assert_eq!(refused.status, 409);
    assert!(
        refused.body.contains("the membership rule <code>Registry admins</code>")
            || refused.body.contains("The membership rule <code>Registry admins</code>"),
        "{}",
        refused.body
    );
    assert_eq!(ana.post_form(&role, &[("role", "member")]).await?.status, 403);
    // Whoever sees no receipts is led back to the list.
    let removed = nina.post_form(&format!("{USERS}/{managed}/remove"), &[]).await?;
    assert_eq!(removed.header("location"), "/a/acme/users?done=removed-from-account");
    assert_eq!(ana.get("/api/v1/me").await?.status, 401);
    let users = owner.get("/api/v1/accounts/acme/users?q=nina").await?.json();
    assert_eq!(users["items"].as_array().and_then(|all| all.first()).context("nina")?["account_role"], "admin");
    Ok(())
}
