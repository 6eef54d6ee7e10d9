//! Preview, activation, undo.

use std::sync::Arc;

use anyhow::{Context, Result};
use cardea_store::{account, grant, member, person};
use cardea_testkit::{Engine, World, stories};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::{RULES, activate, add, in_groups, preview, roles, rule, unruled, words};

stories! {
    a_rule_gives_nothing_before_it_is_activated,
    what_the_preview_says_is_what_activation_does,
    whoever_was_invited_keeps_their_roles_until_a_rule_matches_them,
    whoever_leaves_is_not_again_what_they_were_by_hand,
    undo_brings_back_what_stood_before,
    a_stale_digest_is_refused,
    of_two_activations_at_once_one_is_refused,
    what_would_shut_people_out_asks_for_the_name_of_the_org,
    rules_out_of_force_give_nothing,
    a_rule_that_cannot_be_is_refused_with_what_to_do,
    the_guides_own_example_runs_from_the_claim_to_the_key,
}

const ADMINS: &str = "Registry admins";

/// What the simulated provider calls the group of the registry's admins.
fn admins() -> &'static str {
    cardea_simulate::people::REGISTRY_ADMINS
}

fn registry_admin() -> Value {
    json!([{"service": "registry", "role": "admin"}])
}

/// Rules have no effect until they are activated.
async fn a_rule_gives_nothing_before_it_is_activated(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    unruled(&world).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    let added = add(&owner, &rule(ADMINS, admins(), &registry_admin())).await?;
    assert_eq!(added.status, 201, "{}", added.body);
    assert_eq!(roles(&ana).await?, [""; 0]);
    let listed = owner.get(RULES).await?.json();
    assert_eq!((&listed["active"], &listed["pending"]), (&json!(false), &json!(true)));
    let why = owner.get("/api/v1/orgs/acme/users/ana@corp.example/explain").await?.json();
    assert_eq!((&why["codes"], &why["said"][0]["groups"][0]["value"]), (&json!(["not_activated"]), &json!(admins())));
    activate(&owner).await?;
    // Nobody has to sign in again: what the provider said last is known.
    assert_eq!(roles(&ana).await?, ["/registry:admin"]);
    let listed = owner.get(RULES).await?.json();
    assert_eq!((&listed["active"], &listed["pending"]), (&json!(true), &json!(false)));
    Ok(())
}

async fn what_the_preview_says_is_what_activation_does(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let people = [("ana", world.sign_in("ana").await?), ("bo", world.sign_in("bo").await?)];
    let readers =
        rule("Readers", cardea_simulate::people::REGISTRY_READERS, &json!([{"service": "registry", "role": "viewer"}]));
    assert_eq!(add(&owner, &readers).await?.status, 201);
    let id = owner.get(RULES).await?.json()["rules"][0]["id"].as_str().context("id")?.to_owned();
    assert_eq!(owner.send(Method::DELETE, &format!("{RULES}/{id}"), &json!({})).await?.status, 204);
    let said = preview(&owner).await?;
    let mut before = Vec::new();
    for (_, browser) in &people {
        before.push(roles(browser).await?);
    }
    assert_eq!(said["counts"]["losing"], 1);
    assert_eq!(said["counts"]["gaining"], 1);
    assert_eq!(said["counts"]["owners"], 1);
    activate(&owner).await?;
    for ((name, browser), before) in people.iter().zip(before) {
        let after = roles(browser).await?;
        let changed = said["people"]
            .as_array()
            .context("people")?
            .iter()
            .find(|person| person["name"].as_str().is_some_and(|full| full.to_lowercase().starts_with(name)));
        let changed = changed.context("somebody who changes")?;
        let named = |field: &str| words(changed[field].as_array().map_or(&[], Vec::as_slice));
        let mut expected: Vec<String> = before.into_iter().filter(|role| !named("removed").contains(role)).collect();
        expected.extend(named("added"));
        assert_eq!(after, expected, "{name}");
    }
    Ok(())
}

/// Gives somebody a role by hand.
async fn give(world: &World, email: &str, service: &str, role: &str) -> Result<()> {
    let app = &world.node().app;
    let mut tx = app.db.write().await?;
    let acme = account::named(&mut tx, "acme").await?.context("acme")?;
    let person = person::with_email(&mut tx, email).await?.context("somebody")?;
    let member = member::of_user(&mut tx, acme.id, person.id).await?.context("a member")?;
    grant::add(&mut tx, member.id, grant::Role { team_id: "", service, role }, "test", app.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Before activation people keep the roles given by hand; whom rules match they manage from then on, with the same keys;
/// whom none matches stays as they are.
async fn whoever_was_invited_keeps_their_roles_until_a_rule_matches_them(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    unruled(&world).await?;
    let (owner, ana, dana) = (world.sign_in_owner().await?, world.sign_in("ana").await?, world.sign_in("dana").await?);
    give(&world, "ana@corp.example", "catalog", "read").await?;
    give(&world, "ana@corp.example", "registry", "admin").await?;
    give(&world, "dana@corp.example", "catalog", "read").await?;
    assert_eq!(roles(&ana).await?, ["/catalog:read", "/registry:admin"]);
    let key = ana.make_key("laptop", &["registry"]).await?;
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true);

    add(&owner, &rule(ADMINS, admins(), &json!([{"service": "registry", "role": "viewer"}]))).await?;
    let said = preview(&owner).await?;
    assert_eq!((&said["counts"]["migrated"], &said["counts"]["unmatched"]), (&json!(1), &json!(1)));
    activate(&owner).await?;
    assert_eq!(roles(&ana).await?, ["/registry:viewer"]);
    assert_eq!(roles(&dana).await?, ["/catalog:read"]);
    // The key lives and can do what its holder still may: the smaller of both.
    let scope = |scope: &str| json!({"key": key.secret, "service": "registry", "action": scope, "entity_type": "container", "entity": "acme/app"});
    assert_eq!(world.ask(world.node(), &scope("download_container")).await?.json()["allowed"], true);
    assert_eq!(world.ask(world.node(), &scope("delete_container")).await?.json()["allowed"], false);

    // Once managed, always managed: out of the group means no roles, not the old ones by hand.
    world.node().finish_jobs().await?;
    in_groups(&world, "ana", &[]);
    let ana = world.sign_in("ana").await?;
    assert_eq!(roles(&ana).await?, [""; 0]);
    Ok(())
}

/// An admin of the account by hand whom rules have made a member stays one when they leave the org.
async fn whoever_leaves_is_not_again_what_they_were_by_hand(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    let app = &world.node().app;
    let mut tx = app.db.write().await?;
    let acme = account::named(&mut tx, "acme").await?.context("acme")?;
    let listed = person::by_email(&mut tx, acme.id, "ana@corp.example").await?.context("Ana")?;
    assert!(member::set_account_role(&mut tx, listed.member, "admin").await?);
    tx.commit().await?;
    let tenants = "/api/v1/accounts/acme/users";
    assert_eq!(owner.get(tenants).await?.status, 200);
    assert_eq!(ana.get(tenants).await?.status, 403);
    assert_eq!(ana.send(Method::POST, "/api/v1/me/leave", &json!({})).await?.status, 200);
    assert_eq!(world.sign_in("ana").await?.get(tenants).await?.status, 403);
    Ok(())
}

async fn undo_brings_back_what_stood_before(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    unruled(&world).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    give(&world, "ana@corp.example", "catalog", "read").await?;
    add(&owner, &rule(ADMINS, admins(), &registry_admin())).await?;
    activate(&owner).await?;
    assert_eq!(roles(&ana).await?, ["/registry:admin"]);
    let ana = world.sign_in("ana").await?;
    world.node().finish_jobs().await?;
    let undone = owner.send(Method::POST, &format!("{RULES}/undo"), &json!({})).await?;
    assert_eq!(undone.status, 200, "{}", undone.body);
    assert_eq!(roles(&ana).await?, ["/catalog:read"]);
    assert_eq!(owner.send(Method::POST, &format!("{RULES}/undo"), &json!({})).await?.code(), "nothing_to_undo");
    // The rules are still there to be activated again.
    activate(&owner).await?;
    assert_eq!(roles(&ana).await?, ["/registry:admin"]);
    Ok(())
}

async fn a_stale_digest_is_refused(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    unruled(&world).await?;
    let owner = world.sign_in_owner().await?;
    let digest = preview(&owner).await?["digest"].clone();
    add(&owner, &rule(ADMINS, admins(), &registry_admin())).await?;
    let wanted = json!({"digest": digest, "confirm": "acme"});
    let refused = owner.send(Method::POST, &format!("{RULES}/activate"), &wanted).await?;
    assert_eq!((refused.status, refused.code().as_str()), (412, "stale"));
    let missing = owner.send(Method::POST, &format!("{RULES}/activate"), &json!({"confirm": "acme"})).await?;
    assert_eq!(missing.status, 412);
    assert_eq!(owner.get(RULES).await?.json()["generation"].as_i64(), preview(&owner).await?["generation"].as_i64());
    Ok(())
}

async fn of_two_activations_at_once_one_is_refused(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    unruled(&world).await?;
    let owner = world.sign_in_owner().await?;
    world.sign_in("ana").await?;
    add(&owner, &rule(ADMINS, admins(), &registry_admin())).await?;
    let digest = preview(&owner).await?["digest"].clone();
    let before = owner.get(RULES).await?.json()["generation"].as_i64().context("generation")?;
    let (barrier, wanted) = (Arc::new(Barrier::new(2)), json!({"digest": digest, "confirm": "acme"}));
    let ask = || async {
        barrier.wait().await;
        owner.send(Method::POST, &format!("{RULES}/activate"), &wanted).await
    };
    let (one, other) = tokio::join!(ask(), ask());
    let mut statuses = [one?.status, other?.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    assert_eq!(owner.get(RULES).await?.json()["generation"], before + 1);
    Ok(())
}

async fn what_would_shut_people_out_asks_for_the_name_of_the_org(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    let id = owner.get(RULES).await?.json()["rules"][0]["id"].as_str().context("id")?.to_owned();
    let admin = rule(ADMINS, admins(), &json!([{"role": "user_admin"}]));
    assert_eq!(owner.send(Method::PUT, &format!("{RULES}/{id}"), &admin).await?.status, 200);
    activate(&owner).await?;
    assert_eq!(roles(&ana).await?, ["/gateway:user_admin"]);
    // Ana manages users by that rule, and is about to take it away from herself.
    assert_eq!(ana.send(Method::DELETE, &format!("{RULES}/{id}"), &json!({})).await?.status, 204);
    let said = preview(&ana).await?;
    assert_eq!(said["guards"], json!(["many_lose_everything", "you_lose_user_admin", "nobody_matches"]));
    for confirm in [json!(null), json!("ACME")] {
        let wanted = json!({"digest": said["digest"], "confirm": confirm});
        let refused = ana.send(Method::POST, &format!("{RULES}/activate"), &wanted).await?;
        assert_eq!((refused.status, refused.code().as_str()), (409, "confirmation_required"));
    }
    assert_eq!(roles(&ana).await?, ["/gateway:user_admin"]);
    activate(&ana).await?;
    assert_eq!(roles(&ana).await?, [""; 0]);
    assert_eq!(ana.get(RULES).await?.status, 403);
    Ok(())
}

async fn rules_out_of_force_give_nothing(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    give(&world, "ana@corp.example", "catalog", "read").await?;
    let refused = owner.send(Method::POST, &format!("{RULES}/deactivate"), &json!({})).await?;
    assert_eq!(refused.code(), "confirmation_required");
    let taken = owner.send(Method::POST, &format!("{RULES}/deactivate"), &json!({"confirm": "acme"})).await?;
    assert_eq!(taken.status, 200, "{}", taken.body);
    // What was given by hand before the rules came does not come back either.
    assert_eq!(roles(&ana).await?, [""; 0]);
    world.node().finish_jobs().await?;
    assert_eq!(roles(&ana).await?, [""; 0]);
    let again = owner.send(Method::POST, &format!("{RULES}/deactivate"), &json!({"confirm": "acme"})).await?;
    assert_eq!(again.code(), "rules_not_active");
    Ok(())
}

async fn a_rule_that_cannot_be_is_refused_with_what_to_do(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    let grants = registry_admin();
    let with = |field: &str, value: Value| {
        let mut written = rule("Another", "Others", &grants);
        written[field] = value;
        written
    };
    for (written, status, says) in [
        (with("name", json!("")), 422, "a rule has a name"),
        (with("name", json!(" registry ADMINS")), 409, "another rule of this org has this name"),
        (with("connection", json!("nowhere")), 422, "`nowhere` is no connection"),
        (with("any_of", json!([])), 422, "no matcher"),
        (with("any_of", json!([{"regex": "(a{1000}){1000}"}])), 422, "no regular expression"),
        (with("account_role", json!("owner")), 422, "cannot make owners"),
        (with("grants", json!([{"service": "registry", "role": "owner"}])), 422, "cannot make owners"),
        (with("grants", json!([{"service": "registry", "role": "emperor"}])), 422, "has no role `emperor`"),
        (with("grants", json!([{"service": "cloud_functions", "role": "user"}])), 422, "does not have the service"),
        (with("grants", json!([{"team": "Vision", "service": "registry", "role": "user"}])), 422, "no team"),
        (
            json!({"name": "Broad", "connection": "okta", "any_of": [{"starts_with": "a"}], "grants": [{"role": "user_admin"}]}),
            422,
            "only given by `equals`",
        ),
    ] {
        let refused = add(&owner, &written).await?;
        assert_eq!(refused.status, status, "{}", refused.body);
        let detail = refused.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(detail.contains(says), "{detail}");
    }
    assert_eq!(owner.get(RULES).await?.json()["rules"].as_array().map(Vec::len), Some(1));
    assert_eq!(add(&ana, &rule("Mine", "x", &grants)).await?.status, 403);
    assert_eq!(add(&world.browser()?, &rule("Mine", "x", &grants)).await?.status, 401);
    Ok(())
}

/// Two people of the group `NGC_AIE_PR_Admin` become AI Enterprise Viewer and Private Registry Admin by one rule.
async fn the_guides_own_example_runs_from_the_claim_to_the_key(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    unruled(&world).await?;
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    state["accounts"][0]["org"]["services"] = json!(["catalog", "registry", "ai_enterprise"]);
    state["accounts"][0]["rules"] = json!([]);
    state["accounts"][0]["rules_state"] = json!("draft");
    world.node().apply(state).await?;
    in_groups(&world, "ana", &["NGC_AIE_PR_Admin"]);
    in_groups(&world, "bo", &["NGC_AIE_PR_Admin", "Everyone"]);
    in_groups(&world, "chika", &["ngc_aie_pr_admin"]);
    let owner = world.sign_in_owner().await?;
    let grants = json!([{"service": "ai_enterprise", "role": "viewer"}, {"service": "registry", "role": "admin"}]);
    assert_eq!(add(&owner, &rule("AIE admins", "NGC_AIE_PR_Admin", &grants)).await?.status, 201);
    activate(&owner).await?;
    for name in ["ana", "bo"] {
        let browser = world.sign_in(name).await?;
        assert_eq!(roles(&browser).await?, ["/ai_enterprise:viewer", "/registry:admin"], "{name}");
        let key = browser.make_key("laptop", &["registry"]).await?;
        assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true, "{name}");
    }
    // Typed exactly: another case is another group, and the explanation says how near it was.
    let chika = world.sign_in("chika").await?;
    assert_eq!(roles(&chika).await?, [""; 0]);
    let why = owner.get("/api/v1/orgs/acme/users/chika@corp.example/explain?service=registry").await?.json();
    assert_eq!(
        why["near_misses"],
        json!([{"rule": "AIE admins", "wanted": "NGC_AIE_PR_Admin", "group": "ngc_aie_pr_admin"}])
    );
    let why = owner.get("/api/v1/orgs/acme/users/bo@corp.example/explain?service=registry").await?.json();
    assert_eq!(
        why["roles"][0]["because"],
        json!([{"rule": "AIE admins", "source": "rule", "value": "NGC_AIE_PR_Admin"}])
    );
    assert_eq!(
        why["said"][0]["groups"],
        json!([
        {"value": "NGC_AIE_PR_Admin", "rules": ["AIE admins"]}, {"value": "Everyone", "rules": []}])
    );
    Ok(())
}
