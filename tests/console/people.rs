//! People on their pages: found, given roles and relieved of them, removed and added again.

use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_testkit::world::OWNER;
use cardea_testkit::{Browser, Engine, stories};
use reqwest::Method;
use serde_json::json;

use super::{assert_is_page, between, see, user_id};
use crate::owners::second;
use crate::people::{Staff, give, own_roles};

stories! {
    people_are_filtered_by_where_their_roles_come_from,
    a_role_is_given_and_taken_away_on_the_page,
    what_cannot_be_given_is_said_next_to_the_field,
    whose_roles_rules_give_is_read_only_on_the_page,
    somebody_is_removed_with_what_ends_before_and_a_receipt_after,
    an_owner_is_removed_after_a_recent_sign_in,
    who_manages_a_team_sees_and_changes_only_what_is_there,
    whoever_may_not_is_offered_nothing_and_refused_as_by_the_api,
}

const PEOPLE: &str = "/o/acme/people";

/// The address of somebody's page.
async fn page_of(owner: &Browser, who: &str) -> Result<String> {
    let email = if who.contains('@') { who.to_owned() } else { format!("{who}@corp.example") };
    Ok(format!("{PEOPLE}/{}", user_id(owner, &email).await?))
}

/// By hand, by rules, without a role, suspended; in the address, and the same over the API.
async fn people_are_filtered_by_where_their_roles_come_from(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    staff.world.sign_in("ana").await?;
    let dana = page_of(&staff.owner, "dana").await?;
    let done = staff.owner.post_form(&format!("{dana}/deactivate"), &[("reason", "on leave")]).await?;
    assert_eq!(done.status, 303, "{}", done.body);
    let everybody = ["ana", "bo", "chika", "dana", "owner"];
    for (show, expected) in [
        ("everybody", &everybody[..]),
        ("nonsense", &everybody[..]),
        ("by_hand", &["bo", "chika", "dana"][..]),
        ("by_rules", &["ana"][..]),
        ("without_role", &["dana"][..]),
        ("suspended", &["dana"][..]),
    ] {
        let list = see(&staff.owner, &format!("{PEOPLE}?show={show}")).await?;
        assert_is_page(&list, 200);
        let (_, table) = list.body.split_once("<div id=\"people\"").context("the list")?;
        for who in everybody {
            assert_eq!(table.contains(&format!(">{who}@")), expected.contains(&who), "{show}: {who}");
        }
        let chosen = if show == "nonsense" { "everybody" } else { show };
        assert!(list.body.contains(&format!("<option value=\"{chosen}\" selected>")), "{show}");
    }
    let found = see(&staff.owner, &format!("{PEOPLE}?q=chika&show=by_rules")).await?;
    assert!(found.body.contains("contains “chika” among these"), "{}", found.body);
    let users = staff.owner.get("/api/v1/orgs/acme/users?show=by_rules").await?.json();
    assert_eq!((users["items"].as_array().map(Vec::len), &users["items"][0]["source"]), (Some(1), &json!("rules")));
    let users = staff.owner.get("/api/v1/orgs/acme/users?team=vision").await?.json();
    assert_eq!(users["items"].as_array().map(Vec::len), Some(2), "Ana by a rule and chika by hand");
    assert_eq!(staff.owner.get("/api/v1/orgs/acme/users?show=nonsense").await?.status, 400);
    Ok(())
}

/// Edit membership: pick a role, add it; take it away after a page that says what that does.
async fn a_role_is_given_and_taken_away_on_the_page(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let dana = page_of(&staff.owner, "dana").await?;
    let before = see(&staff.bo, &dana).await?;
    assert_is_page(&before, 200);
    for text in
        ["None yet: they can sign in and see nothing.", "Private Registry User", "Team vision", "Give this role"]
    {
        assert!(before.body.contains(text), "{text}: {}", before.body);
    }
    for (team, role) in [("", "registry/user"), ("vision", "catalog/read")] {
        let given = staff.bo.post_form(&format!("{dana}/roles"), &[("team", team), ("role", role)]).await?;
        assert_eq!(given.header("location"), format!("{dana}?done=role-given"), "{}", given.body);
    }
    assert_eq!(own_roles(&staff.dana).await?, ["/registry/user", "vision/catalog/read"]);
    let page = see(&staff.bo, &format!("{dana}?done=role-given")).await?;
    let take = format!("{dana}/roles/take?service=registry&role=user");
    assert!(
        page.body.contains("The role is given")
            && page.body.contains("roles/take?service=catalog&#38;role=read&#38;team=vision")
    );
    let asked = see(&staff.bo, &take).await?;
    assert_is_page(&asked, 200);
    assert!(asked.body.contains("Take Private Registry User from Dana Levi") && asked.body.contains("the whole org"));
    assert_eq!(own_roles(&staff.dana).await?.len(), 2, "looking takes nothing");
    let taken = staff.bo.post_form(&take, &[]).await?;
    assert_eq!(taken.header("location"), format!("{dana}?done=role-taken"), "{}", taken.body);
    assert_eq!(own_roles(&staff.dana).await?, ["vision/catalog/read"]);
    // Somebody else was quicker: nothing is taken twice, and nothing breaks.
    let again = staff.owner.post_form(&take, &[]).await?;
    assert_eq!(again.header("location"), format!("{dana}?done=role-gone"));
    assert_is_page(&see(&staff.owner, &take).await?, 404);
    Ok(())
}

async fn what_cannot_be_given_is_said_next_to_the_field(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let dana = page_of(&staff.owner, "dana").await?;
    for (team, role, field, text) in [
        ("vision", "", "role", "Choose a role"),
        ("", "registry/emperor", "role", "no role"),
        ("", "secrets_manager/user", "role", "does not have the service"),
        ("audio", "registry/user", "team", "no team"),
    ] {
        let refused = staff.owner.post_form(&format!("{dana}/roles"), &[("team", team), ("role", role)]).await?;
        assert_is_page(&refused, 422);
        let said = between(&refused.body, &format!("id=\"{field}-problem\""), "</p>").unwrap_or_default();
        assert!(said.contains(text), "{text}: {}", refused.body);
        assert!(refused.body.contains("There is a problem"));
    }
    let kept = staff.owner.post_form(&format!("{dana}/roles"), &[("team", "vision"), ("role", "")]).await?;
    assert!(kept.body.contains("<option value=\"vision\" selected>"), "{}", kept.body);
    assert_eq!(own_roles(&staff.dana).await?, Vec::<String>::new());
    Ok(())
}

/// The roles of whom rules manage are read-only, with the names of the rules.
async fn whose_roles_rules_give_is_read_only_on_the_page(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let ana = staff.world.sign_in("ana").await?;
    let before = own_roles(&ana).await?;
    let page = page_of(&staff.owner, "ana").await?;
    let shown = see(&staff.owner, &page).await?;
    assert!(shown.body.contains("Read-only: the rule <b>Registry admins</b> gives these roles"), "{}", shown.body);
    assert!(!shown.body.contains("name=\"role\"") && !shown.body.contains("/roles/take"));
    let refused = staff.owner.post_form(&format!("{page}/roles"), &[("team", ""), ("role", "registry/user")]).await?;
    assert_is_page(&refused, 409);
    assert!(
        refused.body.contains("Nothing was changed: the membership rule <code>Registry admins</code>"),
        "{}",
        refused.body
    );
    let taken = staff.owner.post_form(&format!("{page}/roles/take?service=registry&role=admin"), &[]).await?;
    assert_eq!(taken.status, 409, "{}", taken.body);
    assert_eq!(own_roles(&ana).await?, before);
    Ok(())
}

/// Removal from the org ends roles, sessions and keys at once, each named before; the account knows the person still.
async fn somebody_is_removed_with_what_ends_before_and_a_receipt_after(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    give(&staff.owner, "dana", &json!({"service": "registry", "role": "user"})).await?;
    let key = staff.dana.make_key("nightly build", &["registry"]).await?.secret;
    let dana = page_of(&staff.owner, "dana").await?;
    assert!(see(&staff.bo, &dana).await?.body.contains("Remove from acme"));
    let asked = see(&staff.bo, &format!("{dana}/remove")).await?;
    assert_is_page(&asked, 200);
    for text in [
        "Remove Dana Levi from acme",
        "nightly build",
        "through okta",
        "Private Registry User",
        "Remove and end 1 key and 1 session",
    ] {
        assert!(asked.body.contains(text), "{text}: {}", asked.body);
    }
    assert_eq!(staff.dana.get("/api/v1/me").await?.status, 200, "looking ends nothing");
    let removed = staff.bo.post_form(&format!("{dana}/remove"), &[]).await?;
    assert!(removed.header("location").starts_with("/o/acme/revocations/"), "{}", removed.body);
    let receipt = see(&staff.bo, removed.header("location")).await?;
    assert_is_page(&receipt, 200);
    assert!(receipt.body.contains("Dana Levi"));
    assert_eq!(staff.dana.get("/api/v1/me").await?.status, 401);
    assert_eq!(staff.world.check(staff.node(), &key).await?.json()["allowed"], json!(false));
    assert!(!see(&staff.bo, PEOPLE).await?.body.contains("Dana Levi"));

    let left = see(&staff.bo, &dana).await?;
    assert!(left.body.contains("left the org") && left.body.contains("Add to acme again"), "{}", left.body);
    assert!(!left.body.contains("name=\"role\"") && !left.body.contains("Remove from acme"));
    assert_eq!(staff.bo.post_form(&format!("{dana}/remove"), &[]).await?.status, 409, "nobody leaves twice");
    let added = staff.bo.post_form(&format!("{dana}/add"), &[]).await?;
    assert_eq!(added.header("location"), format!("{dana}?done=added-again"));
    let back = staff.world.sign_in("dana").await?;
    assert_eq!(own_roles(&back).await?, Vec::<String>::new());
    assert_eq!(staff.world.check(staff.node(), &key).await?.json()["allowed"], json!(false), "what ended stays dead");
    Ok(())
}

/// Owners are removed by owners, the last one by nobody, and the page shows the way to the sign-in that it asks for.
async fn an_owner_is_removed_after_a_recent_sign_in(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let first = page_of(&staff.owner, OWNER.0).await?;
    assert!(!see(&staff.owner, &first).await?.body.contains("Remove from acme"), "the account's one owner stays");
    let last = staff.owner.post_form(&format!("{first}/remove"), &[]).await?;
    assert_is_page(&last, 409);
    assert!(last.body.contains("this is the last owner of the org"), "{}", last.body);
    second(&staff.world, &staff.owner, "two@acme.test").await?;
    let two = page_of(&staff.owner, "two@acme.test").await?;
    assert!(!see(&staff.bo, &two).await?.body.contains("Remove from acme"));
    assert_eq!(staff.bo.post_form(&format!("{two}/remove"), &[]).await?.status, 403);

    staff.node().clock.advance(Duration::from_secs(16 * 60));
    let asked = see(&staff.owner, &format!("{two}/remove")).await?;
    assert!(asked.body.contains("Ownership of the org") && asked.body.contains("a sign-in of the last 15 minutes"));
    let refused = staff.owner.post_form(&format!("{two}/remove"), &[]).await?;
    assert_is_page(&refused, 403);
    assert!(refused.body.contains("Sign in again first."), "{}", refused.body);
    let way = between(&refused.body, "href=\"/login?", "\"")?.replace("&#38;", "&");
    assert!(way.starts_with("email=owner%40acme.test&return_to=%2Fo%2Facme%2Fpeople%2F"), "{way}");
    let fields = [("email", OWNER.0), ("password", OWNER.1)];
    assert_eq!(staff.owner.post_form("/login/password", &fields).await?.status, 303);
    let removed = staff.owner.post_form(&format!("{two}/remove"), &[]).await?;
    assert!(removed.header("location").starts_with("/o/acme/revocations/"), "{}", removed.body);
    assert!(see(&staff.owner, &two).await?.body.contains("left the org"));
    Ok(())
}

/// A user_admin of a team sees and changes what is in the team, and is offered nothing else.
async fn who_manages_a_team_sees_and_changes_only_what_is_there(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let role = json!({"team": "vision", "service": "catalog", "role": "read"});
    give(&staff.owner, "dana", &role).await?;
    give(&staff.owner, "dana", &json!({"service": "registry", "role": "user"})).await?;
    let (bo, dana) = (page_of(&staff.owner, "bo").await?, page_of(&staff.owner, "dana").await?);
    let list = see(&staff.chika, PEOPLE).await?;
    assert_is_page(&list, 200);
    assert!(list.body.contains("Dana Levi") && !list.body.contains("Bo Chen"), "{}", list.body);
    for hidden in ["/o/acme/connections", "/o/acme/rules", "/o/acme/revocations"] {
        assert!(!list.body.contains(hidden), "{hidden}");
        assert_is_page(&see(&staff.chika, hidden).await?, 403);
    }
    assert_is_page(&see(&staff.chika, &bo).await?, 404);
    let shown = see(&staff.chika, &dana).await?;
    assert_is_page(&shown, 200);
    assert!(shown.body.contains("Team vision") && shown.body.contains("NGC Catalog Read"), "{}", shown.body);
    for absent in ["Whole org", "Deactivate", "Remove from acme", "User admin", "Why?", "Taken away"] {
        assert!(!shown.body.contains(absent), "{absent}: {}", shown.body);
    }
    assert_eq!(
        staff.chika.post_form(&format!("{dana}/roles"), &[("team", ""), ("role", "registry/admin")]).await?.status,
        403
    );
    let promoted = [("team", "vision"), ("role", "gateway/user_admin")];
    assert_eq!(staff.chika.post_form(&format!("{dana}/roles"), &promoted).await?.status, 403);
    for rest in ["/remove", "/deactivate", "/reactivate", "/add"] {
        assert_eq!(staff.chika.post_form(&format!("{dana}{rest}"), &[("reason", "x")]).await?.status, 403, "{rest}");
    }
    let given = [("team", "vision"), ("role", "registry/user")];
    assert_eq!(staff.chika.post_form(&format!("{dana}/roles"), &given).await?.status, 303);
    for (query, to) in [
        ("service=registry&role=user&team=vision", format!("{dana}?done=role-taken")),
        // With the last role there she is out of sight.
        ("service=catalog&role=read&team=vision", format!("{PEOPLE}?done=role-taken")),
    ] {
        let taken = staff.chika.post_form(&format!("{dana}/roles/take?{query}"), &[]).await?;
        assert_eq!(taken.header("location"), to, "{}", taken.body);
    }
    assert_eq!(own_roles(&staff.dana).await?, ["/registry/user"]);
    assert_eq!(staff.dana.get("/api/v1/me").await?.status, 200);
    Ok(())
}

/// Every control that somebody may not use is absent, and its address answers as the API does.
async fn whoever_may_not_is_offered_nothing_and_refused_as_by_the_api(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let page = page_of(&staff.owner, "bo").await?;
    let nobody = staff.world.browser()?;
    for rest in ["/roles", "/roles/take?role=user_admin&service=gateway", "/remove", "/add"] {
        let address = format!("{page}{rest}");
        let fields = [("team", ""), ("role", "registry/user")];
        assert_eq!(staff.dana.post_form(&address, &fields).await?.status, 403, "{rest}");
        assert_eq!(nobody.post_form(&address, &fields).await?.header("location"), "/login?return_to=%2F", "{rest}");
    }
    for rest in ["/roles/take?role=user_admin&service=gateway", "/remove"] {
        assert_is_page(&see(&staff.dana, &format!("{page}{rest}")).await?, 403);
    }
    assert_eq!(own_roles(&staff.bo).await?, ["/gateway/user_admin"]);
    let nobody_here = format!("{PEOPLE}/usr_00000000000000000000000000000000");
    for rest in ["", "/remove", "/roles/take?service=registry&role=user"] {
        assert_is_page(&see(&staff.owner, &format!("{nobody_here}{rest}")).await?, 404);
    }
    let posted = staff.owner.request(Method::POST, &format!("{nobody_here}/remove")).send().await?;
    assert_eq!(posted.status(), 404);
    Ok(())
}
