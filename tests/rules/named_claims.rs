//! Rules that read another claim than the connection's own: each claim is asked for, judged and aged by itself.

use std::time::Duration;

use anyhow::{Context, Result};
use cardea_simulate::people::REGISTRY_ADMINS;
use cardea_testkit::{Browser, Engine, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{RULES, activate, add, in_groups, preview, roles, unruled};

stories! {
    a_rule_reads_the_claim_that_it_names_and_no_other,
    a_claim_that_no_sign_in_was_asked_for_is_said_before_activation,
    a_claim_that_is_cut_or_left_out_ages_no_other,
    what_nobody_has_told_is_not_taken_for_absent,
    where_the_directory_says_the_groups_no_claim_counts,
    claims_that_are_tried_are_read_as_the_rules_read_them,
    a_claim_without_a_name_and_too_many_are_refused,
    rules_of_claims_that_are_frozen_or_undone_leave_what_they_should,
}

const ANA: &str = "/api/v1/orgs/acme/users/ana@corp.example/explain";

/// A rule of the connection `okta`.
fn reads(name: &str, any_of: &Value, service: &str, role: &str) -> Value {
    json!({"name": name, "connection": "okta", "any_of": [any_of], "grants": [{"service": service, "role": role}]})
}

/// What the provider says from now on in a claim of somebody's.
fn says(world: &World, name: &str, claim: &str, value: &Value) {
    assert!(
        world.provider.person(name, |person| drop(person.claims.insert(claim.to_owned(), value.clone()))),
        "{name}"
    );
}

async fn add_all(owner: &Browser, rules: &[Value]) -> Result<()> {
    for rule in rules {
        let answer = add(owner, rule).await?;
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    Ok(())
}

async fn a_rule_reads_the_claim_that_it_names_and_no_other(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    unruled(&world).await?;
    let owner = world.sign_in_owner().await?;
    let rules = [
        reads("Research", &json!({"claim": "department", "equals": "research"}), "registry", "viewer"),
        reads("Realm", &json!({"claim": "/realm_access/roles", "starts_with": "push"}), "registry", "admin"),
        reads(
            "Staff",
            &json!({"all_of": [{"equals": "Staff"}, {"claim": "department", "one_of": ["law", "research"]}]}),
            "catalog",
            "read",
        ),
    ];
    add_all(&owner, &rules).await?;
    says(&world, "ana", "department", &json!("research"));
    says(&world, "ana", "realm_access", &json!({"roles": ["pushers", 7]}));
    in_groups(&world, "ana", &["Staff"]);
    // The same words in another claim are other words.
    in_groups(&world, "bo", &["research", "pushers", "Staff"]);
    let (ana, bo) = (world.sign_in("ana").await?, world.sign_in("bo").await?);
    let said = preview(&owner).await?;
    assert_eq!((&said["counts"]["matched"], &said["counts"]["gaining"]), (&json!(1), &json!(1)), "{said}");
    activate(&owner).await?;
    assert_eq!(roles(&ana).await?, ["/catalog:read", "/registry:admin", "/registry:viewer"]);
    assert_eq!(roles(&bo).await?, [""; 0]);

    let why = owner.get(ANA).await?.json();
    let claims: Vec<_> = why["said"].as_array().context("said")?.iter().map(|said| said["claim"].clone()).collect();
    assert_eq!(claims, [Value::Null, json!("/realm_access/roles"), json!("department")]);
    assert_eq!(why["said"][2]["groups"], json!([{"value": "research", "rules": ["Research", "Staff"]}]));
    assert_eq!(why["said"][0]["groups"], json!([{"value": "Staff", "rules": ["Staff"]}]));
    let viewer = why["roles"].as_array().context("roles")?.iter().find(|role| role["role"] == "viewer");
    let because = json!([{"rule": "Research", "source": "rule", "claim": "department", "value": "research"}]);
    assert_eq!(viewer.context("viewer")?["because"], because);

    // A key follows the claim as it follows a group; the page says which claim it was.
    let key = ana.make_key("laptop", &["registry"]).await?;
    let page = owner.get(&format!("/o/acme/people/{}", why["user"].as_str().context("user")?)).await?;
    for text in ["in the claim <code>department</code>", "the claim department at sign-in"] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    says(&world, "ana", "department", &json!([]));
    says(&world, "ana", "realm_access", &json!({"roles": []}));
    world.sign_in("ana").await?;
    assert_eq!(roles(&ana).await?, [""; 0]);
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], false);
    Ok(())
}

async fn a_claim_that_no_sign_in_was_asked_for_is_said_before_activation(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    unruled(&world).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    says(&world, "ana", "department", &json!(["research"]));
    world.sign_in("ana").await?;
    assert_eq!(preview(&owner).await?["unasked"], json!([]));
    let rule = reads("Research", &json!({"claim": "department", "equals": "research"}), "registry", "viewer");
    add_all(&owner, &[rule]).await?;
    let said = preview(&owner).await?;
    assert_eq!(said["unasked"], json!([{"rule": "Research", "claim": "department"}]));
    assert_eq!(said["counts"]["matched"], 0);
    let page = owner.get("/o/acme/rules/preview").await?;
    assert!(page.body.contains("Rule <b>Research</b> reads the claim <code>department</code>"), "{}", page.body);
    let list = owner.get("/o/acme/rules").await?;
    assert!(list.body.contains("<code>research</code> in the claim <code>department</code>"), "{}", list.body);
    // From then on it is asked for, though nobody has activated the rule.
    world.sign_in("ana").await?;
    let said = preview(&owner).await?;
    assert_eq!((&said["unasked"], &said["counts"]["matched"]), (&json!([]), &json!(1)));
    assert_eq!(roles(&ana).await?, [""; 0]);
    activate(&owner).await?;
    assert_eq!(roles(&ana).await?, ["/registry:viewer"]);
    Ok(())
}

/// One claim that was cut off, or left out for too long, ages none of the others: neither their roles nor the keys that
/// rest on them.
async fn a_claim_that_is_cut_or_left_out_ages_no_other(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    state["accounts"][0]["connections"][0]["groups"]["on_missing"] = json!("keep_last");
    let research = reads("Research", &json!({"claim": "department", "equals": "research"}), "catalog", "read");
    let admins = reads("Admins", &json!({"equals": REGISTRY_ADMINS}), "registry", "admin");
    state["accounts"][0]["rules"] = json!([research, admins]);
    world.node().apply(state).await?;
    world.node().catch_up().await?;
    let owner = world.sign_in_owner().await?;
    let all = ["/catalog:read", "/registry:admin"];
    says(&world, "ana", "department", &json!("research"));
    let ana = world.sign_in("ana").await?;
    assert_eq!(roles(&ana).await?, all);
    let key = ana.make_key("laptop", &["registry"]).await?;

    let many: Vec<String> = (0..2_001).map(|number| format!("d{number}")).collect();
    says(&world, "ana", "department", &json!(many));
    assert_eq!(roles(&world.sign_in("ana").await?).await?, all, "the last good list stands");
    let why = owner.get(ANA).await?.json();
    assert_eq!((&why["said"][0]["said"], &why["said"][1]["said"]), (&json!("present"), &json!("overage")));
    assert_eq!(why["codes"], json!(["unknown_groups"]));

    says(&world, "ana", "department", &Value::Null);
    world.node().clock.advance(Duration::from_secs(23 * 3600));
    let ana = world.sign_in("ana").await?;
    assert_eq!(roles(&ana).await?, all);
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true);
    let owner = world.sign_in_owner().await?;
    let before = owner.get(ANA).await?.json();
    world.node().clock.advance(Duration::from_secs(2 * 3600));
    // What the node remembers of her says the same as what is worked out anew.
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true);
    let ana = world.sign_in("ana").await?;
    assert_eq!(roles(&ana).await?, ["/registry:admin"], "a day after the department was last said");
    assert!(before["said"][0]["seen_at"].as_str() > before["said"][1]["seen_at"].as_str(), "{before}");
    in_groups(&world, "ana", &[]);
    assert_eq!(roles(&world.sign_in("ana").await?).await?, [""; 0]);
    Ok(())
}

/// A rule against a value gives nothing before the claim was told: nobody knows yet that the value is not there.
async fn what_nobody_has_told_is_not_taken_for_absent(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    unruled(&world).await?;
    let owner = world.sign_in_owner().await?;
    in_groups(&world, "ana", &["Staff"]);
    says(&world, "ana", "status", &json!("leaver"));
    let ana = world.sign_in("ana").await?;
    let but = json!({"all_of": [{"equals": "Staff"}], "none_of": [{"claim": "status", "equals": "leaver"}]});
    add_all(&owner, &[reads("Staff", &but, "registry", "viewer")]).await?;
    let page = owner.get("/o/acme/rules").await?;
    let words = "and no group equals <code>leaver</code> in the claim <code>status</code>";
    assert!(page.body.contains(words), "{}", page.body);
    activate(&owner).await?;
    assert_eq!(roles(&ana).await?, [""; 0], "nobody has asked");
    let signs_in = async |status: Value| {
        says(&world, "ana", "status", &status);
        roles(&world.sign_in("ana").await?).await
    };
    assert_eq!(signs_in(json!("leaver")).await?, [""; 0]);
    assert_eq!(signs_in(Value::Null).await?, [""; 0], "left out");
    assert_eq!(signs_in(json!([])).await?, ["/registry:viewer"]);
    assert_eq!(signs_in(json!(["guest"])).await?, ["/registry:viewer"]);
    assert_eq!(signs_in(json!(["guest", "leaver"])).await?, [""; 0]);
    Ok(())
}

async fn where_the_directory_says_the_groups_no_claim_counts(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let from = async |word: &str| {
        let mut state = cardea_testkit::world::state(world.provider.issuer());
        let rule = reads("Research", &json!({"claim": "department", "equals": "research"}), "registry", "viewer");
        state["accounts"][0]["rules"] = json!([rule]);
        state["accounts"][0]["connections"][0]["groups"]["from"] = json!(word);
        world.node().apply(state).await?;
        world.node().catch_up().await
    };
    let owner = world.sign_in_owner().await?;
    from("claims").await?;
    says(&world, "ana", "department", &json!("research"));
    let ana = world.sign_in("ana").await?;
    assert_eq!(roles(&ana).await?, ["/registry:viewer"]);
    from("scim").await?;
    assert_eq!(roles(&ana).await?, [""; 0]);
    assert_eq!(roles(&world.sign_in("ana").await?).await?, [""; 0]);
    assert_eq!(preview(&owner).await?["unasked"], json!([{"rule": "Research", "claim": "department"}]));
    from("scim_then_claims").await?;
    assert_eq!(roles(&ana).await?, ["/registry:viewer"]);
    Ok(())
}

async fn claims_that_are_tried_are_read_as_the_rules_read_them(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    unruled(&world).await?;
    let owner = world.sign_in_owner().await?;
    let both =
        json!({"claim": "/realm/roles", "all_of": [{"equals": "push"}, {"claim": "department", "equals": "law"}]});
    add_all(&owner, &[reads("Lawyers", &both, "registry", "viewer")]).await?;
    let body =
        json!({"connection": "okta", "claims": {"realm": {"roles": ["push"]}, "department": "Law", "groups": []}});
    let tried = async |body: &Value| anyhow::Ok(owner.send(Method::POST, &format!("{RULES}/test"), body).await?.json());
    let said = tried(&body).await?;
    assert_eq!((&said["said"], &said["roles"]), (&json!("present"), &json!([])));
    assert_eq!(said["near_misses"], json!([{"rule": "Lawyers", "wanted": "law", "group": "Law"}]));
    let mut right = body.clone();
    right["claims"]["department"] = json!(["law", "it"]);
    let said = tried(&right).await?;
    assert_eq!(said["roles"][0]["because"].as_array().map(Vec::len), Some(2), "{said}");
    let groups = |claim: &str, groups: Value| json!({"claim": claim, "said": "present", "groups": groups});
    let met = |value: &str| json!({"value": value, "rules": ["Lawyers"]});
    let other = json!({"value": "it", "rules": []});
    assert_eq!(
        said["claims"],
        json!([groups("/realm/roles", json!([met("push")])), groups("department", json!([met("law"), other]))])
    );
    assert_eq!(tried(&json!({"connection": "okta", "claims": {}})).await?["claims"][0]["said"], "missing");
    let claims = right["claims"].to_string();
    let page = owner.post_form("/o/acme/rules/test", &[("connection", "okta"), ("claims", &claims)]).await?;
    assert!(page.body.contains("The claim <code>department</code> says 2 values."), "{}", page.body);
    Ok(())
}

async fn a_claim_without_a_name_and_too_many_are_refused(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    unruled(&world).await?;
    let owner = world.sign_in_owner().await?;
    for claim in ["", " ", "/", "a\nb", &"x".repeat(201)] {
        let refused = add(&owner, &reads("Bad", &json!({"claim": claim, "equals": "a"}), "registry", "viewer")).await?;
        assert_eq!((refused.status, refused.code().as_str()), (422, "invalid_rule"), "{claim:?}");
    }
    let parts: Vec<Value> = (0..21).map(|number| json!({"claim": format!("c{number}"), "equals": "a"})).collect();
    let many = |count: usize| reads("Many", &json!({"all_of": parts[..count]}), "registry", "viewer");
    assert_eq!(add(&owner, &many(21)).await?.code(), "invalid_rule");
    assert_eq!(add(&owner, &many(20)).await?.status, 201);
    // By the form it comes and goes as it was typed.
    let mut fields = vec![("name", "By form"), ("connection", "okta"), ("enabled", "yes"), ("account_role", "member")];
    fields.extend([
        ("operation", "equals"),
        ("value", "law"),
        ("claim", " c7 "),
        ("role", "registry/viewer"),
        ("team", ""),
    ]);
    assert_eq!(owner.post_form("/o/acme/rules/new", &fields).await?.status, 303);
    let listed = owner.get(RULES).await?.json();
    let made = listed["rules"].as_array().context("rules")?.iter().find(|rule| rule["name"] == "By form");
    let made = made.context("the rule")?;
    assert_eq!(made["any_of"], json!([{"claim": "c7", "equals": "law"}]));
    let form = owner.get(&format!("/o/acme/rules/{}", made["id"].as_str().context("id")?)).await?;
    assert!(form.body.contains("name=\"claim\" type=\"text\" value=\"c7\""), "{}", form.body);
    Ok(())
}

async fn rules_of_claims_that_are_frozen_or_undone_leave_what_they_should(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    unruled(&world).await?;
    let owner = world.sign_in_owner().await?;
    add_all(&owner, &[reads("Research", &json!({"claim": "department", "equals": "research"}), "registry", "viewer")])
        .await?;
    says(&world, "ana", "department", &json!("research"));
    let ana = world.sign_in("ana").await?;
    activate(&owner).await?;
    world.node().finish_jobs().await?;
    super::freeze(&owner).await?;
    assert_eq!(roles(&ana).await?, ["/registry:viewer"]);
    world.node().finish_jobs().await?;
    assert_eq!(roles(&ana).await?, ["/registry:viewer"]);
    says(&world, "ana", "department", &json!([]));
    assert_eq!(roles(&world.sign_in("ana").await?).await?, ["/registry:viewer"], "by hand now");
    let undone = owner.send(Method::POST, &format!("{RULES}/undo"), &json!({})).await?;
    assert_eq!(undone.status, 200, "{}", undone.body);
    assert_eq!(roles(&ana).await?, [""; 0], "the rule counts again, and her department is another");
    Ok(())
}
