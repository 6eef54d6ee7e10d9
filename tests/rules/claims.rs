//! What a sign-in says about groups: all of them, none, nothing, or too many.

use std::time::Duration;

use anyhow::Result;
use cardea_testkit::{Engine, NodeBuilder, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{RULES, in_groups, leave_out_groups, roles};

stories! {
    an_empty_list_takes_every_role_and_an_absent_one_as_the_connection_says,
    an_absent_list_keeps_the_last_one_for_a_day_where_that_is_wanted,
    too_many_groups_keep_the_last_good_ones,
    whoever_does_not_sign_in_for_a_week_has_to_before_their_keys_work,
    claims_are_tried_on_the_rules_as_they_are_edited,
    what_sign_ins_have_said_counts_no_more_where_the_directory_says_the_groups,
    why_a_key_may_not_is_said_with_the_step_that_says_no,
}

const ANA: &str = "/api/v1/orgs/acme/users/ana@corp.example/explain";

/// The usual scene in which an absent claim means this.
async fn on_missing(world: &World, word: &str) -> Result<()> {
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    state["accounts"][0]["connections"][0]["groups"]["on_missing"] = json!(word);
    world.node().apply(state).await?;
    Ok(())
}

const ALL: [&str; 2] = ["/registry:admin", "vision/catalog:read"];

async fn an_empty_list_takes_every_role_and_an_absent_one_as_the_connection_says(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let first = world.sign_in("ana").await?;
    assert_eq!(roles(&first).await?, ALL);
    in_groups(&world, "ana", &[]);
    let ana = world.sign_in("ana").await?;
    assert_eq!(roles(&ana).await?, [""; 0]);
    // The session that was opened before sees the same: roles are worked out when they are asked for.
    assert_eq!(roles(&first).await?, [""; 0]);
    assert_eq!(owner.get(ANA).await?.json()["codes"], json!(["unmatched"]));

    in_groups(&world, "ana", &[cardea_simulate::people::REGISTRY_ADMINS]);
    assert_eq!(roles(&world.sign_in("ana").await?).await?, ALL);
    leave_out_groups(&world, "ana");
    assert_eq!(roles(&world.sign_in("ana").await?).await?, [""; 0]);
    assert_eq!(owner.get(ANA).await?.json()["said"][0]["said"], "missing");
    Ok(())
}

async fn an_absent_list_keeps_the_last_one_for_a_day_where_that_is_wanted(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    on_missing(&world, "keep_last").await?;
    world.sign_in("ana").await?;
    leave_out_groups(&world, "ana");
    world.node().clock.advance(Duration::from_secs(23 * 3600));
    assert_eq!(roles(&world.sign_in("ana").await?).await?, ALL);
    world.node().clock.advance(Duration::from_secs(2 * 3600));
    assert_eq!(roles(&world.sign_in("ana").await?).await?, [""; 0], "a day after they were last said");
    Ok(())
}

async fn too_many_groups_keep_the_last_good_ones(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    world.sign_in("ana").await?;
    let many: Vec<String> = (0..2_001).map(|number| format!("group {number}")).collect();
    let long = "x".repeat(513);
    for groups in [many.iter().map(String::as_str).collect::<Vec<_>>(), vec![long.as_str()]] {
        in_groups(&world, "ana", &groups);
        let ana = world.sign_in("ana").await?;
        assert_eq!(roles(&ana).await?, ALL);
        assert_eq!(ana.get("/api/v1/me").await?.json()["notices"], json!([{"code": "unknown_groups"}]));
        let why = owner.get(ANA).await?.json();
        assert_eq!((&why["said"][0]["said"], &why["codes"]), (&json!("overage"), &json!(["unknown_groups"])));
    }
    // Somebody whose first list is cut has no roles, and gets in.
    in_groups(&world, "bo", &many.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(roles(&world.sign_in("bo").await?).await?, [""; 0]);
    Ok(())
}

async fn whoever_does_not_sign_in_for_a_week_has_to_before_their_keys_work(engine: Engine) -> Result<()> {
    let world = World::with(engine, NodeBuilder::default()).await?;
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry"]).await?;
    let verdict = || async { anyhow::Ok(world.check(world.node(), &key.secret).await?.json()) };
    assert_eq!(verdict().await?["allowed"], true);
    world.node().clock.advance(Duration::from_secs(7 * 86_400));
    assert_eq!(verdict().await?["allowed"], true);
    world.node().clock.advance(Duration::from_secs(2 * 3600));
    let stale = verdict().await?;
    assert_eq!((&stale["allowed"], &stale["reason"]), (&json!(false), &json!("reauth_required")));
    world.sign_in("ana").await?;
    assert_eq!(verdict().await?["allowed"], true, "the key lives on");
    Ok(())
}

async fn claims_are_tried_on_the_rules_as_they_are_edited(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let admins = cardea_simulate::people::REGISTRY_ADMINS;
    let test = |claims: Value| {
        let (owner, body) = (&owner, json!({"connection": "okta", "claims": claims}));
        async move { anyhow::Ok(owner.send(Method::POST, &format!("{RULES}/test"), &body).await?.json()) }
    };
    let tried = test(json!({"sub": "x", "groups": [admins, "Staff", 7]})).await?;
    assert_eq!(
        tried["groups"],
        json!([{"value": admins, "rules": ["Registry admins"]}, {"value": "Staff", "rules": []}])
    );
    assert_eq!(tried["roles"].as_array().map(Vec::len), Some(2));
    assert_eq!(tried["remarks"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        test(json!({"groups": admins})).await?["roles"].as_array().map(Vec::len),
        Some(2),
        "one group as a string"
    );
    assert_eq!(test(json!({"sub": "x"})).await?["said"], "missing");
    assert_eq!(test(json!({"hasgroups": true})).await?["said"], "overage");
    let near = test(json!({"groups": [format!(" {}", admins.to_lowercase())]})).await?;
    assert_eq!(near["near_misses"].as_array().map(Vec::len), Some(1));
    Ok(())
}

/// A connection has one authority over groups: another one takes the place of all that the first has said.
async fn what_sign_ins_have_said_counts_no_more_where_the_directory_says_the_groups(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    let key = ana.make_key("laptop", &["registry"]).await?;
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true);
    let from = |word: &'static str| {
        let world = &world;
        async move {
            let mut state = cardea_testkit::world::state(world.provider.issuer());
            state["accounts"][0]["connections"][0]["groups"]["from"] = json!(word);
            world.node().apply(state).await?;
            world.node().catch_up().await
        }
    };
    from("scim").await?;
    assert_eq!(roles(&ana).await?, [""; 0]);
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], false);
    let preview = owner.send(Method::POST, &format!("{RULES}/preview"), &json!({})).await?.json();
    assert_eq!(preview["counts"]["matched"], 0);
    assert_eq!(roles(&world.sign_in("ana").await?).await?, [""; 0], "nor does what she says now");
    from("scim_then_claims").await?;
    assert_eq!(roles(&ana).await?, ALL);
    Ok(())
}

async fn why_a_key_may_not_is_said_with_the_step_that_says_no(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    let key = ana.make_key("laptop", &["registry"]).await?;
    let why = |rest: &'static str| {
        let (owner, id) = (&owner, key.id.clone());
        async move {
            let answer = owner.get(&format!("{ANA}?key={id}&{rest}")).await?;
            assert_eq!(answer.status, 200, "{}", answer.body);
            anyhow::Ok(answer.json()["key"].clone())
        }
    };
    let no = |reason: &str, step: &str| json!({"allowed": false, "reason": reason, "step": step});
    let pulls = "service=registry&action=download_container&entity_type=container&entity=acme/app";
    assert_eq!(why(pulls).await?, json!({"allowed": true}));
    assert_eq!(why("service=nonsense&action=x").await?, no("unknown_service", "question"));
    assert_eq!(why("service=cloud_functions&action=invoke_function&entity=acme/x").await?["step"], "service");
    let other = "service=catalog&action=get_artifact&entity_type=artifact&entity=acme/x";
    assert_eq!(why(other).await?, no("service_not_granted", "grant"));
    let elsewhere = "service=registry&action=download_container&entity_type=container&entity=globex/app";
    assert_eq!(why(elsewhere).await?, no("entity_mismatch", "grant"));
    in_groups(&world, "ana", &[]);
    world.sign_in("ana").await?;
    assert_eq!(why(pulls).await?, no("no_role", "role"));
    ana.send(Method::PATCH, &format!("/api/v1/me/keys/{}", key.id), &json!({"active": false})).await?;
    assert_eq!(why(pulls).await?, no("disabled", "key"));
    // It is hers, or it is not there; and who does not manage rules is not told.
    assert_eq!(owner.get(&format!("{ANA}?key=key_00000000000000000000000000000000")).await?.status, 404);
    assert_eq!(owner.get(&format!("{ANA}?key=nonsense")).await?.status, 404);
    assert_eq!(ana.get(&format!("{ANA}?key={}", key.id)).await?.status, 403);
    Ok(())
}
