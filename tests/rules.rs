//! Membership rules, from the group that an identity provider says to the key that works: written, previewed, activated,
//! explained and taken back.

mod activation;
mod claims;
mod freezing;
mod model;
mod named_claims;
mod previews;

use anyhow::{Context, Result};
use cardea_testkit::{Answer, Browser, World};
use reqwest::Method;
use serde_json::{Value, json};

const RULES: &str = "/api/v1/orgs/acme/rules";

/// The usual scene without rules.
async fn unruled(world: &World) -> Result<()> {
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    let account = state.pointer_mut("/accounts/0").and_then(Value::as_object_mut).context("an account")?;
    account.insert("rules".into(), json!([]));
    account.insert("rules_state".into(), json!("draft"));
    world.node().apply(state).await?;
    world.node().catch_up().await
}

/// What the provider says from now on about somebody's groups.
fn in_groups(world: &World, name: &str, groups: &[&str]) {
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    assert!(world.provider.person(name, |person| person.groups = groups), "{name}");
}

/// The provider says somebody's groups under another name from now on: the claim is absent.
fn leave_out_groups(world: &World, name: &str) {
    assert!(world.provider.person(name, |person| person.groups_claim = Some("elsewhere".to_owned())), "{name}");
}

/// A rule of the connection `okta`.
fn rule(name: &str, group: &str, grants: &Value) -> Value {
    json!({"name": name, "connection": "okta", "any_of": [{"equals": group}], "grants": grants})
}

async fn add(admin: &Browser, rule: &Value) -> Result<Answer> {
    admin.send(Method::POST, RULES, rule).await
}

async fn preview(admin: &Browser) -> Result<Value> {
    let answer = admin.send(Method::POST, &format!("{RULES}/preview"), &json!({})).await?;
    assert_eq!(answer.status, 200, "{}", answer.body);
    Ok(answer.json())
}

/// Activates what was previewed, with the org's name for whatever guards there are.
async fn activate(admin: &Browser) -> Result<Value> {
    let digest = preview(admin).await?["digest"].clone();
    let wanted = json!({"digest": digest, "confirm": "acme"});
    let answer = admin.send(Method::POST, &format!("{RULES}/activate"), &wanted).await?;
    assert_eq!(answer.status, 200, "{}", answer.body);
    Ok(answer.json())
}

/// Takes the rules out of force, and leaves what they gave by hand.
async fn freeze(admin: &Browser) -> Result<()> {
    let wanted = json!({"how": "freeze", "confirm": "acme"});
    let answer = admin.send(Method::POST, &format!("{RULES}/deactivate"), &wanted).await?;
    assert_eq!(answer.status, 200, "{}", answer.body);
    Ok(())
}

/// The roles of whoever asks, as `team/service:role`.
async fn roles(browser: &Browser) -> Result<Vec<String>> {
    let me = browser.get("/api/v1/me").await?;
    assert_eq!(me.status, 200, "{}", me.body);
    let me = me.json();
    Ok(words(me.pointer("/orgs/0/roles").and_then(Value::as_array).context("roles")?))
}

/// Roles, as `team/service:role`.
fn words(roles: &[Value]) -> Vec<String> {
    let word = |role: &Value, name: &str| role[name].as_str().unwrap_or_default().to_owned();
    roles
        .iter()
        .map(|role| format!("{}/{}:{}", word(role, "team"), word(role, "service"), word(role, "role")))
        .collect()
}
