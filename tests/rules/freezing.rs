//! Rules taken out of force whose roles stay with people, by hand.

use std::time::Duration;

use anyhow::{Context, Result};
use cardea_testkit::{Browser, Engine, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{RULES, activate, add, freeze, in_groups, roles, rule};

stories! {
    what_rules_gave_stays_by_hand_once_they_are_frozen,
    what_nobody_has_written_yet_is_what_people_have,
    a_freeze_is_undone_as_if_it_had_never_been,
    whoever_matches_nothing_any_more_keeps_nothing,
    whose_groups_are_too_old_keeps_nothing_and_the_preview_says_so,
    whoever_leaves_takes_nothing_with_them,
}

const ANA: &str = "/api/v1/orgs/acme/users/ana@corp.example";
const ALL: [&str; 2] = ["/registry:admin", "vision/catalog:read"];

async fn before_freezing(admin: &Browser) -> Result<Value> {
    let answer = admin.send(Method::POST, &format!("{RULES}/deactivate/preview"), &json!({"how": "freeze"})).await?;
    assert_eq!(answer.status, 200, "{}", answer.body);
    Ok(answer.json())
}

async fn give(admin: &Browser, role: &str) -> Result<u16> {
    let wanted = json!({"service": "registry", "role": role});
    Ok(admin.send(Method::POST, &format!("{ANA}/roles"), &wanted).await?.status)
}

async fn take(admin: &Browser, role: &str) -> Result<u16> {
    Ok(admin.send(Method::DELETE, &format!("{ANA}/roles?service=registry&role={role}"), &json!({})).await?.status)
}

/// Rules can go out of force with everybody keeping what they had: it is theirs by hand from then on.
async fn what_rules_gave_stays_by_hand_once_they_are_frozen(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    let key = ana.make_key("laptop", &["registry"]).await?;
    let said = before_freezing(&owner).await?;
    assert_eq!(
        (&said["counts"]["managed"], &said["counts"]["losing"], &said["people"]),
        (&json!(1), &json!(0), &json!([]))
    );
    let unsure = owner.send(Method::POST, &format!("{RULES}/deactivate"), &json!({"how": "freeze"})).await?;
    assert_eq!((unsure.status, unsure.code().as_str()), (409, "confirmation_required"));
    assert_eq!(give(&owner, "viewer").await?, 409, "as long as rules manage her");

    freeze(&owner).await?;
    for written in [false, true] {
        if written {
            world.node().finish_jobs().await?;
        }
        assert_eq!(roles(&ana).await?, ALL, "written: {written}");
        let why = owner.get(&format!("{ANA}/explain")).await?.json();
        assert_eq!((&why["source"], &why["codes"]), (&json!("manual"), &json!(["not_activated"])));
        assert_eq!(why["roles"][0]["because"], json!([{"rule": "", "source": "manual", "value": ""}]));
        assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true);
    }
    // What her provider says changes nothing any more, and an admin changes everything.
    in_groups(&world, "ana", &[]);
    assert_eq!(roles(&world.sign_in("ana").await?).await?, ALL);
    assert_eq!(take(&owner, "admin").await?, 200);
    assert_eq!(roles(&ana).await?, ["vision/catalog:read"]);
    let again = owner.send(Method::POST, &format!("{RULES}/deactivate"), &json!({"how": "freeze"})).await?;
    assert_eq!(again.code(), "rules_not_active");
    // Weeks without a sign-in are none of the rules' business now.
    world.node().clock.advance(Duration::from_secs(10 * 86_400));
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["reason"], "no_role");
    assert_eq!(roles(&world.sign_in("ana").await?).await?, ["vision/catalog:read"]);
    Ok(())
}

/// A crash after the flip, before or amid the writing, changes nothing: whoever is not written has the same.
async fn what_nobody_has_written_yet_is_what_people_have(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let readers = cardea_simulate::people::REGISTRY_READERS;
    add(&owner, &rule("Readers", readers, &json!([{"service": "registry", "role": "viewer"}]))).await?;
    activate(&owner).await?;
    let (ana, bo, dana) = (world.sign_in("ana").await?, world.sign_in("bo").await?, world.sign_in("dana").await?);
    freeze(&owner).await?;
    // An edit and a sign-in each write the one whom they are about, first.
    assert_eq!(give(&owner, "viewer").await?, 200);
    assert_eq!(roles(&ana).await?, ["/registry:admin", "/registry:viewer", "vision/catalog:read"]);
    in_groups(&world, "bo", &["Others"]);
    assert_eq!(roles(&world.sign_in("bo").await?).await?, ["/registry:viewer"]);
    in_groups(&world, "dana", &[readers]);
    assert_eq!(roles(&world.sign_in("dana").await?).await?, [""; 0], "no rules are in force to give her anything");
    // The rules can be activated again at once: what is left to write is written before.
    for (name, id) in [("Readers", 1), ("Registry admins", 0)] {
        let listed = owner.get(RULES).await?.json();
        assert_eq!(listed["rules"][id]["name"], name);
        let id = listed["rules"][id]["id"].as_str().context("id")?.to_owned();
        assert_eq!(owner.send(Method::DELETE, &format!("{RULES}/{id}"), &json!({})).await?.status, 204);
    }
    add(&owner, &rule("Others", "Others", &json!([{"service": "catalog", "role": "read"}]))).await?;
    activate(&owner).await?;
    for _ in 0..2 {
        assert_eq!(roles(&ana).await?, ["/registry:admin", "/registry:viewer", "vision/catalog:read"]);
        assert_eq!(roles(&bo).await?, ["/catalog:read"], "whom a new rule matches it manages");
        assert_eq!(roles(&dana).await?, [""; 0]);
        world.node().finish_jobs().await?;
    }
    let undone = owner.send(Method::POST, &format!("{RULES}/undo"), &json!({})).await?;
    assert_eq!(undone.status, 200, "{}", undone.body);
    assert_eq!(roles(&bo).await?, ["/registry:viewer"], "what the freeze left");
    Ok(())
}

async fn a_freeze_is_undone_as_if_it_had_never_been(engine: Engine) -> Result<()> {
    for written in [false, true] {
        let world = World::new(engine).await?;
        let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
        freeze(&owner).await?;
        if written {
            world.node().finish_jobs().await?;
            assert_eq!(take(&owner, "admin").await?, 200);
        }
        let undone = owner.send(Method::POST, &format!("{RULES}/undo"), &json!({})).await?;
        assert_eq!(undone.status, 200, "{}", undone.body);
        assert_eq!(roles(&ana).await?, ALL);
        world.node().finish_jobs().await?;
        assert_eq!(give(&owner, "viewer").await?, 409, "rules manage her again");
        in_groups(&world, "ana", &[]);
        assert_eq!(roles(&world.sign_in("ana").await?).await?, [""; 0], "written: {written}");
        // And once more: what counted the last time is not what counts now.
        in_groups(&world, "ana", &[cardea_simulate::people::REGISTRY_ADMINS]);
        world.sign_in("ana").await?;
        freeze(&owner).await?;
        assert_eq!(roles(&ana).await?, ALL);
        world.node().finish_jobs().await?;
        assert_eq!(roles(&ana).await?, ALL);
    }
    Ok(())
}

/// Managed by rules and matching none: that is what a freeze leaves, and not what there was by hand before.
async fn whoever_matches_nothing_any_more_keeps_nothing(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    super::unruled(&world).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    assert_eq!(give(&owner, "viewer").await?, 200);
    let admins = cardea_simulate::people::REGISTRY_ADMINS;
    add(&owner, &rule("Registry admins", admins, &json!([{"service": "registry", "role": "admin"}]))).await?;
    activate(&owner).await?;
    in_groups(&world, "ana", &[]);
    world.sign_in("ana").await?;
    freeze(&owner).await?;
    assert_eq!(roles(&ana).await?, [""; 0]);
    world.node().finish_jobs().await?;
    assert_eq!(roles(&ana).await?, [""; 0]);
    Ok(())
}

async fn whose_groups_are_too_old_keeps_nothing_and_the_preview_says_so(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry"]).await?;
    world.node().clock.advance(Duration::from_secs(8 * 86_400));
    let owner = world.sign_in_owner().await?;
    let said = before_freezing(&owner).await?;
    assert_eq!(said["counts"]["losing_everything"], 1);
    assert_eq!(super::words(said["people"][0]["removed"].as_array().context("roles")?), ALL);
    freeze(&owner).await?;
    for _ in 0..2 {
        let verdict = world.check(world.node(), &key.secret).await?.json();
        assert_eq!(verdict["allowed"], false, "a key that was refused does not come to life: {verdict}");
        assert_eq!(roles(&world.sign_in("ana").await?).await?, [""; 0]);
        world.node().finish_jobs().await?;
    }
    Ok(())
}

async fn whoever_leaves_takes_nothing_with_them(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    freeze(&owner).await?;
    assert_eq!(ana.send(Method::POST, "/api/v1/me/leave", &json!({})).await?.status, 200);
    let back = owner.send(Method::POST, "/api/v1/orgs/acme/users", &json!({"user": "ana@corp.example"})).await?;
    assert_eq!(back.status, 200, "{}", back.body);
    for _ in 0..2 {
        assert_eq!(roles(&world.sign_in("ana").await?).await?, [""; 0]);
        world.node().finish_jobs().await?;
    }
    Ok(())
}
