//! People are asked to come, in two steps: who, and with which roles; asked again, and no more.

use std::time::Duration;

use anyhow::Result;
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Browser, Engine, stories};
use serde_json::json;

use super::{assert_is_page, between, see};
use crate::invitations::{join, link_to};
use crate::people::{Staff, own_roles};

stories! {
    somebody_is_added_in_two_steps,
    what_is_wrong_with_an_invitation_is_said_next_to_the_field,
    invitations_are_listed_by_how_they_stand_sent_again_and_withdrawn,
    two_who_choose_roles_at_once_do_not_undo_each_other,
    an_owner_asks_somebody_to_own_the_org,
    who_manages_a_team_adds_members_of_the_account_to_it,
    an_org_of_one_person_adds_nobody,
}

const ADD: &str = "/o/acme/people/add";
const INVITATIONS: &str = "/o/acme/invitations";

/// Sends the form of the first step.
async fn add(by: &Browser, email: &str, more: &[(&str, &str)]) -> Result<Answer> {
    let mut fields = vec![("email", email), ("message", ""), ("valid_for", "6h")];
    if !more.iter().any(|(name, _)| *name == "invited_as") {
        fields.push(("invited_as", "member"));
    }
    fields.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    fields.extend(more);
    by.post_form(ADD, &fields).await
}

/// As [`add`], which must work: the address of the second step.
async fn added(by: &Browser, email: &str, more: &[(&str, &str)]) -> Result<String> {
    let answer = add(by, email, more).await?;
    assert_eq!(answer.status, 303, "{}", answer.body);
    Ok(answer.header("location").split('?').next().unwrap_or_default().to_owned())
}

async fn version_of(by: &Browser, address: &str) -> Result<String> {
    Ok(between(&see(by, address).await?.body, "name=\"version\" value=\"", "\"")?.to_owned())
}

/// Step one: the address, the place in the account, a text, how long the link is good; step two, before anybody accepts: the
/// roles, one by one. Where an identity provider is linked, the page says that rules are better.
async fn somebody_is_added_in_two_steps(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let form = see(&staff.owner, ADD).await?;
    assert_is_page(&form, 200);
    for text in [
        "Rules are the better way here.",
        "href=\"/o/acme/rules\"",
        "Administrator",
        "Owner of the org",
        "<option value=\"6h\" selected>6 hours",
    ] {
        assert!(form.body.contains(text), "{text}: {}", form.body);
    }
    let step_two =
        added(&staff.bo, "nina@acme.test", &[("message", "Hello Nina,\r\nsee you."), ("valid_for", "1d")]).await?;
    let letter = staff.node().letter_to("nina@acme.test").await?;
    assert!(letter.text.contains("> see you."), "{}", letter.text);
    let page = see(&staff.bo, &format!("{step_two}?done=invited")).await?;
    assert_is_page(&page, 200);
    for text in ["Now choose the roles", "None yet", "Pending", "good for 1d", "<p>see you.</p>"] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    let roles = format!("{step_two}/roles");
    for (team, role) in [("", "registry/user"), ("vision", "catalog/read"), ("", "public_api_endpoints/user")] {
        let version = version_of(&staff.bo, &step_two).await?;
        let fields = [("edit", "add"), ("version", &version), ("team", team), ("role", role)];
        let answer = staff.bo.post_form(&roles, &fields).await?;
        assert_eq!(answer.header("location"), format!("{step_two}?done=role-promised"), "{}", answer.body);
    }
    let version = version_of(&staff.bo, &step_two).await?;
    let answer = staff.bo.post_form(&roles, &[("edit", "remove-2"), ("version", &version)]).await?;
    assert_eq!(answer.header("location"), format!("{step_two}?done=role-not-promised"), "{}", answer.body);
    let nina = join(&staff.world, &link_to(staff.node(), "nina@acme.test").await?).await?;
    assert_eq!(own_roles(&nina).await?, ["/registry/user", "vision/catalog/read"]);
    let over = see(&staff.bo, &step_two).await?;
    assert!(over.body.contains("Accepted") && !over.body.contains("name=\"role\""), "{}", over.body);
    let late = staff.bo.post_form(&roles, &[("edit", "add"), ("version", "9"), ("role", "registry/admin")]).await?;
    assert_is_page(&late, 409);
    Ok(())
}

async fn what_is_wrong_with_an_invitation_is_said_next_to_the_field(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    added(&staff.owner, "nina@acme.test", &[]).await?;
    let letters = staff.node().mail().await?.len();
    let long = "x".repeat(4001);
    for (email, more, status, field) in [
        ("no address", vec![], 422, "email"),
        ("dana@corp.example", vec![], 409, "email"),
        ("nina@acme.test", vec![], 409, "email"),
        ("o@acme.test", vec![("message", long.as_str())], 422, "message"),
        ("o@acme.test", vec![("valid_for", "1s")], 422, "valid_for"),
        ("o@acme.test", vec![("valid_for", "forever")], 422, "valid_for"),
        ("boss@elsewhere.example", vec![("invited_as", "owner")], 422, "email"),
    ] {
        let mut fields = more.clone();
        if !fields.iter().any(|(name, _)| *name == "message") {
            fields.push(("message", "Hello & <welcome>"));
        }
        let refused = add(&staff.owner, email, &fields).await?;
        assert_is_page(&refused, status);
        assert!(refused.body.contains(&format!("id=\"{field}-problem\"")), "{email} {field}: {}", refused.body);
        assert!(refused.body.contains(&format!("value=\"{email}\"")), "{email}");
        assert!(field == "message" || refused.body.contains("Hello &#38; &#60;welcome&#62;"), "{email}");
    }
    assert_eq!(staff.node().mail().await?.len(), letters, "nothing was sent");
    // An unusual domain is no error, and is said.
    let strange = add(&staff.owner, "guest@elsewhere.example", &[]).await?;
    assert!(strange.header("location").ends_with("?done=invited-stranger"), "{}", strange.header("location"));
    // A plain user_admin is offered neither, and gets neither by asking.
    let form = see(&staff.bo, ADD).await?;
    assert!(!form.body.contains("value=\"owner\"") && !form.body.contains("value=\"admin\""), "{}", form.body);
    for invited_as in ["owner", "admin"] {
        assert_eq!(add(&staff.bo, "o@acme.test", &[("invited_as", invited_as)]).await?.status, 403, "{invited_as}");
    }
    assert_eq!(add(&staff.dana, "o@acme.test", &[]).await?.status, 403);
    Ok(())
}

/// Pending, expired, accepted, withdrawn: filtered in the address; sent again with a new link, withdrawn after a page that says so.
async fn invitations_are_listed_by_how_they_stand_sent_again_and_withdrawn(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let stale = added(&staff.owner, "stale@acme.test", &[("valid_for", "1h")]).await?;
    let old_link = link_to(staff.node(), "stale@acme.test").await?;
    added(&staff.owner, "here@acme.test", &[]).await?;
    join(&staff.world, &link_to(staff.node(), "here@acme.test").await?).await?;
    let gone = added(&staff.owner, "gone@acme.test", &[]).await?;
    let asked = see(&staff.owner, &format!("{gone}/revoke")).await?;
    assert_is_page(&asked, 200);
    assert!(asked.body.contains("Withdraw the invitation of gone@acme.test"));
    let revoked = staff.owner.post_form(&format!("{gone}/revoke"), &[]).await?;
    assert_eq!(revoked.header("location"), format!("{INVITATIONS}?done=invitation-revoked"));
    assert_eq!(staff.owner.post_form(&format!("{gone}/revoke"), &[]).await?.status, 409, "once is enough");
    staff.node().clock.advance(Duration::from_secs(3601));
    let owner = staff.world.sign_in_owner().await?;
    added(&owner, "fresh@acme.test", &[]).await?;
    let everybody = ["stale", "here", "gone", "fresh"];
    for (state, expected) in [
        ("", &everybody[..]),
        ("?state=pending", &["fresh"][..]),
        ("?state=expired", &["stale"][..]),
        ("?state=accepted", &["here"][..]),
        ("?state=revoked", &["gone"][..]),
    ] {
        let list = see(&owner, &format!("{INVITATIONS}{state}")).await?;
        assert_is_page(&list, 200);
        let api = owner.get(&format!("/api/v1{}{state}", "/orgs/acme/invitations")).await?.body;
        for who in everybody {
            let who_is_there = list.body.contains(&format!("{who}@acme.test"));
            assert_eq!(who_is_there, expected.contains(&who), "{state}: {who}");
            assert_eq!(api.contains(&format!("{who}@acme.test")), who_is_there, "{state}: {who}");
        }
    }
    let again = owner.post_form(&format!("{stale}/resend"), &[]).await?;
    assert_eq!(again.header("location"), format!("{stale}?done=invitation-resent"), "{}", again.body);
    let new_link = link_to(staff.node(), "stale@acme.test").await?;
    assert_ne!(new_link, old_link);
    assert_eq!(see(&staff.world.browser()?, &old_link).await?.status, 404, "the old link is dead");
    join(&staff.world, &new_link).await?;
    let late = owner.post_form(&format!("{stale}/resend"), &[]).await?;
    assert_is_page(&late, 409);
    assert!(late.body.contains("Nothing was changed: this invitation has been accepted"), "{}", late.body);
    for address in [format!("{INVITATIONS}/nonsense"), format!("{INVITATIONS}/inv_00000000000000000000000000000000")] {
        assert_is_page(&see(&owner, &address).await?, 404);
    }
    assert_is_page(&see(&staff.world.sign_in("ana").await?, INVITATIONS).await?, 403);
    Ok(())
}

async fn two_who_choose_roles_at_once_do_not_undo_each_other(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let page = added(&staff.owner, "nina@acme.test", &[]).await?;
    let roles = format!("{page}/roles");
    let version = version_of(&staff.owner, &page).await?;
    let theirs = [("edit", "add"), ("version", &version), ("team", ""), ("role", "registry/user")];
    assert_eq!(staff.bo.post_form(&roles, &theirs).await?.status, 303);
    let mine = [("edit", "add"), ("version", version.as_str()), ("team", "vision"), ("role", "catalog/read")];
    let stale = staff.owner.post_form(&roles, &mine).await?;
    assert_is_page(&stale, 412);
    assert!(
        stale.body.contains("Somebody else has changed this invitation")
            && stale.body.contains("Private Registry User")
    );
    assert!(
        stale.body.contains("<option value=\"catalog/read\" selected>"),
        "what was chosen is not lost: {}",
        stale.body
    );
    let removed = staff.owner.post_form(&roles, &[("edit", "remove-0"), ("version", &version)]).await?;
    assert_is_page(&removed, 412);
    let api = format!("/api/v1{}", page.replace("/o/", "/orgs/"));
    let stands = staff.owner.get(&api).await?;
    assert_eq!(stands.json()["roles"], json!([{"service": "registry", "role": "user"}]));
    assert_eq!(stands.header("etag"), format!("\"{}\"", stands.json()["version"]));
    let patch = staff.owner.request(reqwest::Method::PATCH, &api).header("if-match", format!("\"{version}\""));
    let stale = Answer::read(patch.json(&json!({"roles": []})).send().await?).await?;
    assert_eq!((stale.status, stale.code().as_str()), (412, "stale"));
    Ok(())
}

/// Only an owner with a recent sign-in, in the first step or in the second; what was promised before falls away.
async fn an_owner_asks_somebody_to_own_the_org(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let page = added(&staff.bo, "two@acme.test", &[]).await?;
    let roles = format!("{page}/roles");
    let version = version_of(&staff.bo, &page).await?;
    staff.bo.post_form(&roles, &[("edit", "add"), ("version", &version), ("role", "registry/user")]).await?;
    let old_link = link_to(staff.node(), "two@acme.test").await?;
    assert!(!see(&staff.bo, &page).await?.body.contains("value=\"owner\""));
    assert_eq!(staff.bo.post_form(&roles, &[("edit", "add"), ("role", "owner")]).await?.status, 403);

    staff.node().clock.advance(Duration::from_secs(16 * 60));
    assert!(see(&staff.owner, &page).await?.body.contains("value=\"owner\""));
    let asked = staff.owner.post_form(&roles, &[("edit", "add"), ("role", "owner")]).await?;
    assert_is_page(&asked, 403);
    assert!(asked.body.contains("Sign in again first.") && asked.body.contains("<option value=\"owner\" selected>"));
    let first = add(&staff.owner, "three@acme.test", &[("invited_as", "owner"), ("message", "Please")]).await?;
    assert_is_page(&first, 403);
    assert!(
        first.body.contains("Sign in again first.") && first.body.contains(">\nPlease</textarea>"),
        "{}",
        first.body
    );
    staff.owner.post_form("/login/password", &[("email", OWNER.0), ("password", OWNER.1)]).await?;
    let done = staff.owner.post_form(&roles, &[("edit", "add"), ("role", "owner")]).await?;
    assert_eq!(done.header("location"), format!("{page}?done=owner-invited"), "{}", done.body);
    let now = see(&staff.owner, &page).await?;
    assert!(now.body.contains("Every role: an owner may do everything") && !now.body.contains("name=\"role\""));
    assert_eq!(see(&staff.world.browser()?, &old_link).await?.status, 404);
    let two = join(&staff.world, &link_to(staff.node(), "two@acme.test").await?).await?;
    assert_eq!(own_roles(&two).await?, ["/*/owner"]);

    // Places and domains are counted here as everywhere.
    added(&staff.owner, "three@acme.test", &[("invited_as", "owner")]).await?;
    let fourth = added(&staff.owner, "four@acme.test", &[]).await?;
    let full = staff.owner.post_form(&format!("{fourth}/roles"), &[("edit", "add"), ("role", "owner")]).await?;
    assert_is_page(&full, 409);
    assert!(full.body.contains("id=\"role-problem\""), "{}", full.body);
    let stands = staff.owner.get(&format!("/api/v1{}", fourth.replace("/o/", "/orgs/"))).await?.json();
    assert_eq!(stands["kind"], "member");
    Ok(())
}

/// Whoever manages a team's users adds to it who is in the account already, with a role there from the start.
async fn who_manages_a_team_adds_members_of_the_account_to_it(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let form = see(&staff.chika, ADD).await?;
    assert_is_page(&form, 200);
    assert!(
        form.body.contains("Team vision") && !form.body.contains("Whole org") && !form.body.contains("type=\"radio\"")
    );
    let role = [("team", "vision"), ("role", "registry/user")];
    let without = add(&staff.chika, "dana@corp.example", &[("team", "vision"), ("role", "")]).await?;
    assert_is_page(&without, 422);
    assert!(without.body.contains("id=\"role-problem\""), "{}", without.body);
    let outsider = add(&staff.chika, "nina@acme.test", &role).await?;
    assert_is_page(&outsider, 403);
    assert!(outsider.body.contains("id=\"email-problem\"") && outsider.body.contains("ask a user admin of the org"));
    assert_eq!(add(&staff.chika, "nina@acme.test", &[("role", "registry/user")]).await?.status, 403);

    let dana = super::user_id(&staff.owner, "dana@corp.example").await?;
    staff.owner.post_form(&format!("/o/acme/people/{dana}/remove"), &[]).await?;
    let page = added(&staff.chika, "dana@corp.example", &role).await?;
    let shown = see(&staff.chika, &page).await?;
    assert!(
        shown.body.contains("Private Registry User") && !shown.body.contains("value=\"remove-0\""),
        "{}",
        shown.body
    );
    added(&staff.owner, "nina@acme.test", &[]).await?;
    let list = see(&staff.chika, INVITATIONS).await?;
    assert!(list.body.contains("dana@corp.example") && !list.body.contains("nina@acme.test"));
    Ok(())
}

async fn an_org_of_one_person_adds_nobody(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let solo = json!({"name": "solo", "owner": {"email": "solo@solo.test", "password": OWNER.1},
        "org": {"name": "solo", "kind": "individual"}});
    staff.node().apply(json!({"version": 1, "accounts": [solo]})).await?;
    let owner = staff.world.browser()?;
    owner.post_form("/login/password", &[("email", "solo@solo.test"), ("password", OWNER.1)]).await?;
    let page = see(&owner, "/o/solo/people/add").await?;
    assert_is_page(&page, 200);
    assert!(page.body.contains("This org is for one person") && !page.body.contains("name=\"email\""));
    assert!(!see(&owner, "/o/solo/people").await?.body.contains("Add user"));
    let refused = owner.post_form("/o/solo/people/add", &[("email", "a@solo.test"), ("valid_for", "6h")]).await?;
    assert_eq!(refused.status, 409, "{}", refused.body);
    Ok(())
}
