//! Membership rules, by forms: created, previewed, activated, undone, taken out of force and tried on claims.

use anyhow::{Context, Result};
use cardea_testkit::{Answer, Browser, Engine, World, stories};
use serde_json::{Value, json};

use super::{assert_is_page, between, see, user_id};

stories! {
    a_rule_is_created_previewed_activated_and_undone_by_forms,
    an_org_without_an_identity_provider_is_told_to_connect_one,
    a_stale_preview_activates_nothing_and_shows_a_fresh_one,
    what_would_shut_people_out_asks_for_the_name_of_the_org_on_the_page,
    rules_are_taken_out_of_force_with_the_name_of_the_org,
    what_is_typed_into_the_form_of_a_rule_is_not_lost,
    a_rule_with_markup_stays_text,
    claims_are_tried_on_the_page,
    a_persons_page_says_why,
    only_who_manages_users_sees_rules,
}

const RULES: &str = "/o/acme/rules";

/// The usual scene, changed.
async fn with(world: &World, change: impl FnOnce(&mut Value)) -> Result<()> {
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    change(state.pointer_mut("/accounts/0").context("an account")?);
    world.node().apply(state).await?;
    world.node().catch_up().await
}

async fn unruled(world: &World) -> Result<()> {
    with(world, |account| {
        account["rules"] = json!([]);
        account["rules_state"] = json!("draft");
    })
    .await
}

/// The fields of a rule that gives Private Registry Admin to a group.
fn rule<'f>(name: &'f str, group: &'f str) -> Vec<(&'f str, &'f str)> {
    let mut fields = vec![("name", name), ("connection", "okta"), ("enabled", "yes"), ("account_role", "member")];
    fields.extend([("operation", "equals"), ("value", group), ("role", "registry/admin"), ("team", "")]);
    fields
}

async fn create(owner: &Browser, name: &str, group: &str) -> Result<()> {
    let made = owner.post_form(&format!("{RULES}/new"), &rule(name, group)).await?;
    assert_eq!((made.status, made.header("location")), (303, "/o/acme/rules?done=rule-saved"), "{}", made.body);
    Ok(())
}

async fn digest(owner: &Browser) -> Result<String> {
    let preview = see(owner, &format!("{RULES}/preview")).await?;
    assert_is_page(&preview, 200);
    Ok(between(&preview.body, "name=\"digest\" value=\"", "\"")?.to_owned())
}

async fn activate(owner: &Browser, digest: &str, confirm: &str) -> Result<Answer> {
    owner.post_form(&format!("{RULES}/activate"), &[("digest", digest), ("confirm", confirm)]).await
}

/// Whether somebody has a role in the registry.
async fn is_admin(browser: &Browser) -> Result<bool> {
    Ok(browser.get("/api/v1/me").await?.body.contains("\"registry\""))
}

async fn a_rule_is_created_previewed_activated_and_undone_by_forms(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    unruled(&world).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    assert!(see(&owner, RULES).await?.body.contains("There is no rule"));
    let form = see(&owner, &format!("{RULES}/new")).await?;
    assert_is_page(&form, 200);
    assert!(form.body.contains("Private Registry Admin") && form.body.contains("in team vision"));
    create(&owner, "Registry admins", cardea_simulate::people::REGISTRY_ADMINS).await?;
    let list = see(&owner, &format!("{RULES}?done=rule-saved")).await?;
    assert_is_page(&list, 200);
    for text in ["Not in force", "Group equals <code>", "Private Registry Admin</b> in the org", "Preview and activate"]
    {
        assert!(list.body.contains(text), "{text}: {}", list.body);
    }
    let preview = see(&owner, &format!("{RULES}/preview")).await?;
    assert_is_page(&preview, 200);
    for text in ["Ana Ruiz", "Gains ", "Private Registry Admin</b> in the org", "Activate 1 rule<", "1 owner is never"]
    {
        assert!(preview.body.contains(text), "{text}: {}", preview.body);
    }
    assert!(!is_admin(&ana).await?, "looking changes nothing");
    let done = activate(&owner, &digest(&owner).await?, "").await?;
    assert_eq!((done.status, done.header("location")), (303, "/o/acme/rules/in-force?done=rules-activated"));
    assert!(is_admin(&ana).await?);
    let receipt = see(&owner, done.header("location")).await?;
    assert_is_page(&receipt, 200);
    for text in ["1 rule is in force", "Registry admins", "Possible until", "Take the rules out of force"] {
        assert!(receipt.body.contains(text), "{text}: {}", receipt.body);
    }
    let generation = between(&receipt.body, "name=\"generation\" value=\"", "\"")?.to_owned();
    // A page of a change that is not the last any more undoes nothing.
    let old = owner.post_form(&format!("{RULES}/undo"), &[("generation", "0")]).await?;
    assert_eq!(old.header("location"), "/o/acme/rules/in-force?done=not-the-last-change");
    assert!(is_admin(&ana).await?);
    let undone = owner.post_form(&format!("{RULES}/undo"), &[("generation", &generation)]).await?;
    assert_eq!(undone.header("location"), "/o/acme/rules/in-force?done=rules-undone");
    assert!(!is_admin(&ana).await?);
    let after = see(&owner, undone.header("location")).await?;
    assert!(after.body.contains("No rules are in force") && after.body.contains("cannot be undone"), "{}", after.body);
    Ok(())
}

async fn an_org_without_an_identity_provider_is_told_to_connect_one(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    unruled(&world).await?;
    with(&world, |account| {
        account["rules"] = json!([]);
        account["rules_state"] = json!("draft");
        account["connections"][0]["stage"] = json!("draft");
    })
    .await?;
    let owner = world.sign_in_owner().await?;
    for address in ["", "/new", "/test"] {
        let answer = see(&owner, &format!("{RULES}{address}")).await?;
        assert_is_page(&answer, 200);
        assert!(answer.body.contains("This org is not linked to an identity provider"), "{address}");
        assert!(answer.body.contains("href=\"/o/acme/connections\""), "{address}");
        assert!(!answer.body.contains("name=\"operation\"") && !answer.body.contains("name=\"claims\""), "{address}");
    }
    let refused = owner.post_form(&format!("{RULES}/new"), &rule("Admins", "Admins")).await?;
    assert_is_page(&refused, 409);
    assert!(refused.body.contains("This org is not linked to an identity provider"));
    Ok(())
}

async fn a_stale_preview_activates_nothing_and_shows_a_fresh_one(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    unruled(&world).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    create(&owner, "Registry admins", cardea_simulate::people::REGISTRY_ADMINS).await?;
    let old = digest(&owner).await?;
    create(&owner, "Others", "Somebody else").await?;
    let stale = activate(&owner, &old, "acme").await?;
    assert_is_page(&stale, 412);
    assert!(stale.body.contains("so nothing was activated") && stale.body.contains("Activate 2 rules<"));
    assert!(!is_admin(&ana).await?);
    let fresh = between(&stale.body, "name=\"digest\" value=\"", "\"")?;
    assert_ne!(fresh, old);
    assert_eq!(activate(&owner, fresh, "").await?.status, 303);
    assert!(is_admin(&ana).await?);
    Ok(())
}

async fn what_would_shut_people_out_asks_for_the_name_of_the_org_on_the_page(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    let list = see(&owner, RULES).await?;
    let id = between(&list.body, "href=\"/o/acme/rules/rul_", "\"")?.trim_end_matches("/delete").to_owned();
    let asked = see(&owner, &format!("{RULES}/rul_{id}/delete")).await?;
    assert_is_page(&asked, 200);
    assert!(asked.body.contains("Delete rule Registry admins"));
    let gone = owner.post_form(&format!("{RULES}/rul_{id}/delete"), &[]).await?;
    assert_eq!(gone.header("location"), "/o/acme/rules?done=rule-deleted");
    assert!(see(&owner, RULES).await?.body.contains("Edited, not activated"));
    assert!(is_admin(&ana).await?, "deleting takes nothing before it is activated");
    let preview = see(&owner, &format!("{RULES}/preview")).await?;
    for text in ["No rule matches anybody", "name=\"confirm\"", "Loses ", "Activate no rules<"] {
        assert!(preview.body.contains(text), "{text}: {}", preview.body);
    }
    let digest = digest(&owner).await?;
    for confirm in ["", "ACME"] {
        let refused = activate(&owner, &digest, confirm).await?;
        assert_is_page(&refused, 409);
        assert!(refused.body.contains("id=\"confirm-problem\""), "{}", refused.body);
    }
    assert!(is_admin(&ana).await?);
    assert_eq!(activate(&owner, &digest, "acme").await?.status, 303);
    assert!(!is_admin(&ana).await?);
    Ok(())
}

async fn rules_are_taken_out_of_force_with_the_name_of_the_org(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    let off = format!("{RULES}/off");
    let asked = see(&owner, &off).await?;
    assert_is_page(&asked, 200);
    assert!(asked.body.contains("Ana Ruiz") && asked.body.contains("Loses "), "{}", asked.body);
    let refused = owner.post_form(&off, &[("confirm", "other")]).await?;
    assert_is_page(&refused, 409);
    assert!(refused.body.contains("id=\"confirm-problem\"") && is_admin(&ana).await?);
    let done = owner.post_form(&off, &[("confirm", "acme")]).await?;
    assert_eq!(done.header("location"), "/o/acme/rules/in-force?done=rules-off");
    assert!(!is_admin(&ana).await?);
    let receipt = see(&owner, done.header("location")).await?;
    assert!(receipt.body.contains("No rules are in force") && receipt.body.contains("Undo change"));
    assert_eq!(see(&owner, &off).await?.status, 409, "what is out of force is not taken out again");
    let generation = between(&receipt.body, "name=\"generation\" value=\"", "\"")?;
    owner.post_form(&format!("{RULES}/undo"), &[("generation", generation)]).await?;
    assert!(is_admin(&ana).await?);
    Ok(())
}

async fn what_is_typed_into_the_form_of_a_rule_is_not_lost(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let new = format!("{RULES}/new");
    let post = async |more: &[(&str, &str)]| {
        let mut fields = rule("Readers", "vision-");
        fields.extend(more);
        owner.post_form(&new, &fields).await
    };
    let longer = post(&[("edit", "add-group"), ("ignore_case", "0")]).await?;
    assert_is_page(&longer, 200);
    assert!(longer.body.contains("id=\"value-2\"") && longer.body.contains("value=\"Readers\""));
    assert!(longer.body.contains("name=\"ignore_case\" value=\"0\" checked") && longer.body.contains(">\nvision-<"));
    let shorter = post(&[("operation", "one_of"), ("value", "A\r\nB"), ("edit", "remove-group-0")]).await?;
    assert!(shorter.body.contains("<option value=\"one_of\" selected>") && !shorter.body.contains("vision-"));
    for (more, field, text) in [
        (vec![("operation", "equals"), ("value", "A\r\nB")], "groups", "several lines"),
        (vec![("operation", "regex"), ("value", "(")], "groups", "regular expression"),
        (
            vec![("operation", "starts_with"), ("value", "a"), ("role", "gateway/user_admin"), ("team", "")],
            "groups",
            "whole names",
        ),
        (vec![("role", "registry/emperor"), ("team", "")], "roles", "no role"),
        (vec![("role", "nonsense"), ("team", "")], "roles", "Choose a role"),
    ] {
        let answer = post(&more).await?;
        assert_is_page(&answer, 422);
        let said = between(&answer.body, &format!("id=\"{field}-problem\""), "</p>").unwrap_or_default();
        assert!(said.contains(text), "{text}: {}", answer.body);
        assert!(answer.body.contains("value=\"Readers\""));
    }
    let mut taken = rule("registry ADMINS", "x");
    let answer = owner.post_form(&new, &taken).await?;
    assert_is_page(&answer, 409);
    assert!(answer.body.contains("id=\"name-problem\""));
    taken[0].1 = "";
    taken[5].1 = " ";
    let empty = owner.post_form(&new, &taken).await?;
    assert_is_page(&empty, 422);
    assert!(empty.body.contains("id=\"name-problem\"") && empty.body.contains("id=\"groups-problem\""));
    assert_eq!(owner.get("/api/v1/orgs/acme/rules").await?.json()["rules"].as_array().map(Vec::len), Some(1));

    // A rule that only the API can write comes through the form unharmed.
    let compound = json!([{"all_of": [{"equals": "A"}], "none_of": [{"starts_with": "b"}]}]);
    let body = json!({"name": "Both", "connection": "okta", "any_of": compound, "grants": []});
    let made = owner.send(reqwest::Method::POST, "/api/v1/orgs/acme/rules", &body).await?.json();
    let address = format!("{RULES}/{}", made["id"].as_str().context("id")?);
    let form = see(&owner, &address).await?;
    assert!(form.body.contains("no group") && form.body.contains("name=\"operation\" value=\"kept\""), "{}", form.body);
    let kept = compound[0].to_string();
    let fields =
        [("name", "Either"), ("connection", "okta"), ("enabled", "yes"), ("operation", "kept"), ("value", &kept)];
    assert_eq!(owner.post_form(&address, &fields).await?.status, 303);
    let rules = owner.get("/api/v1/orgs/acme/rules").await?.json();
    assert_eq!((&rules["rules"][1]["name"], &rules["rules"][1]["any_of"]), (&json!("Either"), &compound));
    Ok(())
}

async fn a_rule_with_markup_stays_text(engine: Engine) -> Result<()> {
    const MARKUP: &str = "<script>alert(1)</script>\"'`";
    let world = World::new(engine).await?;
    unruled(&world).await?;
    world.provider.person("ana", |ana| ana.groups = vec![MARKUP.to_owned()]);
    let owner = world.sign_in_owner().await?;
    world.sign_in("ana").await?;
    create(&owner, MARKUP, MARKUP).await?;
    let id = owner.get("/api/v1/orgs/acme/rules").await?.json()["rules"][0]["id"].as_str().context("id")?.to_owned();
    let mut pages = vec![see(&owner, &format!("{RULES}/preview")).await?];
    assert_eq!(activate(&owner, &digest(&owner).await?, "acme").await?.status, 303);
    let ana = user_id(&owner, "ana@corp.example").await?;
    let claims = json!({"groups": [MARKUP, MARKUP.to_uppercase()]}).to_string();
    let wrong = owner.post_form(&format!("{RULES}/new"), &rule(MARKUP, MARKUP)).await?;
    let tried = owner.post_form(&format!("{RULES}/test"), &[("connection", "okta"), ("claims", &claims)]).await?;
    for page in [&wrong, &tried] {
        assert!(page.body.contains("&#60;script&#62;"), "{}", page.body);
    }
    pages.extend([wrong, tried]);
    for address in ["".to_owned(), format!("/{id}"), format!("/{id}/delete"), "/in-force".to_owned()] {
        let page = see(&owner, &format!("{RULES}{address}")).await?;
        assert!(page.body.contains("&#60;script&#62;"), "{address}: {}", page.body);
        pages.push(page);
    }
    pages.push(see(&owner, &format!("/o/acme/people/{ana}")).await?);
    for page in pages {
        assert!(!page.body.contains("<script>") && !page.body.contains("<SCRIPT>"), "{}", page.body);
    }
    Ok(())
}

async fn claims_are_tried_on_the_page(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let admins = cardea_simulate::people::REGISTRY_ADMINS;
    let test = async |claims: &str| {
        owner.post_form(&format!("{RULES}/test"), &[("connection", "okta"), ("claims", claims)]).await
    };
    assert_is_page(&see(&owner, &format!("{RULES}/test")).await?, 200);
    let met = test(&json!({"groups": [admins]}).to_string()).await?;
    assert_is_page(&met, 200);
    for text in ["The claims say 1 group.", "Private Registry Admin</b> in the org", "Registry admins"] {
        assert!(met.body.contains(text), "{text}: {}", met.body);
    }
    let near = test(&json!({"groups": [admins.to_lowercase()]}).to_string()).await?;
    assert!(near.body.contains("Nearly.") && near.body.contains("No role: this person can sign in"), "{}", near.body);
    assert!(test("{}").await?.body.contains("the claim is missing"));
    for claims in ["", "[1]", "eyJhbGciOi.e30."] {
        let wrong = test(claims).await?;
        assert_is_page(&wrong, 422);
        assert!(wrong.body.contains("id=\"claims-problem\"") && wrong.body.contains(claims), "{claims}");
    }
    let nowhere = owner.post_form(&format!("{RULES}/test"), &[("connection", "nowhere"), ("claims", "{}")]).await?;
    assert_is_page(&nowhere, 422);
    assert!(nowhere.body.contains("id=\"connection-problem\""));
    Ok(())
}

async fn a_persons_page_says_why(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let admins = cardea_simulate::people::REGISTRY_ADMINS;
    world.provider.person("bo", |bo| bo.groups = vec![admins.to_lowercase()]);
    let owner = world.sign_in_owner().await?;
    world.sign_in("ana").await?;
    world.sign_in("bo").await?;
    let page = async |email: &str| see(&owner, &format!("/o/acme/people/{}", user_id(&owner, email).await?)).await;
    let ana = page("ana@corp.example").await?;
    assert_is_page(&ana, 200);
    assert!(ana.body.contains("Managed by rule <code>Registry admins</code>"), "{}", ana.body);
    let bo = page("bo@corp.example").await?;
    assert!(bo.body.contains("Nearly.") && bo.body.contains(&admins.to_lowercase()), "{}", bo.body);
    let owner_page = page(cardea_testkit::world::OWNER.0).await?;
    assert!(owner_page.body.contains("An owner may do everything."), "{}", owner_page.body);
    Ok(())
}

async fn only_who_manages_users_sees_rules(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (ana, nobody) = (world.sign_in("ana").await?, world.browser()?);
    let rule_page = format!("{RULES}/rul_00000000000000000000000000000000");
    let addresses = ["", "/new", "/preview", "/in-force", "/off", "/test"].map(|rest| format!("{RULES}{rest}"));
    for address in addresses.iter().chain([&rule_page, &format!("{rule_page}/delete")]) {
        assert_is_page(&see(&ana, address).await?, 403);
        assert_eq!(see(&nobody, address).await?.status, 303, "{address}");
    }
    let posts = ["/new", "/activate", "/undo", "/off", "/test"].map(|rest| format!("{RULES}{rest}"));
    for address in posts.iter().chain([&rule_page, &format!("{rule_page}/delete")]) {
        assert_eq!(ana.post_form(address, &[("confirm", "acme")]).await?.status, 403, "{address}");
    }
    let owner = world.sign_in_owner().await?;
    for rest in ["", "/delete"] {
        assert_eq!(see(&owner, &format!("{rule_page}{rest}")).await?.status, 404);
        assert_eq!(see(&owner, &format!("{RULES}/nonsense{rest}")).await?.status, 404);
    }
    assert!(see(&owner, RULES).await?.body.contains("Registry admins"), "nothing was changed");
    Ok(())
}
