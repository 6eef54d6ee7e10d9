//! What a document does to people who are signed in.

use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_gateway::people;
use cardea_model::Caller;
use cardea_model::id::MemberId;
use cardea_model::numbers::HoldKind;
use cardea_store::{account, hold, member, person};
use cardea_testkit::world::OWNER;
use cardea_testkit::{Browser, Engine, World, stories};
use serde_json::{Value, json};

use super::{ask, changed};

stories! {
    a_password_given_anew_ends_the_sessions_under_the_old_one,
    a_connection_that_is_switched_off_ends_the_sessions_through_it,
    roles_end_with_the_rule_that_gave_them,
    a_rule_sees_the_groups_of_its_own_connection_only,
    an_operator_lets_an_owner_in_whoever_has_shut_the_door,
}

/// The usual state with the value at `pointer` replaced.
fn usual(world: &World, pointer: &str, value: Value) -> Result<Value> {
    changed(cardea_testkit::world::state(world.provider.issuer()), pointer, value)
}

async fn a_password_given_anew_ends_the_sessions_under_the_old_one(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let beta = json!({"version": 1, "accounts": [{"name": "beta", "owner": {"email": OWNER.0}}]});
    world.node().apply(beta).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    world.node().clock.advance(Duration::from_secs(1));
    world.node().apply(usual(&world, "/accounts/0/owner/password", json!("Another-Password-1"))?).await?;
    assert_eq!(owner.get("/api/v1/me").await?.status, 401);
    assert_eq!(ana.get("/api/v1/me").await?.status, 200, "nobody else's");
    // The same person in another account: a password is one.
    let ends = "SELECT cause FROM receipt ORDER BY seq".to_owned();
    assert_eq!(ask(world.node(), ends.clone()).await?, ["password_changed", "password_changed"]);
    world.node().apply(usual(&world, "/accounts/0/owner/password", json!("Another-Password-1"))?).await?;
    assert_eq!(ask(world.node(), ends).await?.len(), 2, "the same password again ends nothing");
    world.node().finish_jobs().await
}

async fn a_connection_that_is_switched_off_ends_the_sessions_through_it(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    let key = ana.make_key("laptop", &["registry"]).await?;
    world.node().clock.advance(Duration::from_secs(1));
    world.node().apply(usual(&world, "/accounts/0/connections/0/stage", json!("off"))?).await?;
    assert_eq!(ana.get("/api/v1/me").await?.status, 401);
    assert_eq!(owner.get("/api/v1/me").await?.status, 200);
    assert_eq!(ask(world.node(), "SELECT cause FROM receipt".to_owned()).await?, ["connection_off"]);
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true, "keys live on");
    world.node().finish_jobs().await
}

async fn roles_end_with_the_rule_that_gave_them(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let rule = usual(&world, "/version", json!(1))?.pointer("/accounts/0/rules/0").cloned().context("a rule")?;
    let narrowed = changed(rule.clone(), "/grants", json!([{"team": "vision", "service": "catalog", "role": "read"}]))?;
    let left = ["catalog:read"];
    for (pointer, value, left) in [
        ("/accounts/0/rules", json!([]), [].as_slice()),
        ("/accounts/0/rules_state", json!("draft"), [].as_slice()),
        ("/accounts/0/rules", json!([narrowed]), left.as_slice()),
    ] {
        world.node().apply(usual(&world, "/version", json!(1))?).await?;
        let ana = world.sign_in("ana").await?;
        let key = ana.make_key(&format!("laptop {pointer} {left:?}"), &["registry"]).await?;
        assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true, "{pointer}");
        world.node().apply(usual(&world, pointer, value)?).await?;
        world.node().catch_up().await?;
        assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], false, "{pointer}");
        assert_eq!(roles(&ana).await?, left, "{pointer}: the session lives on");
    }
    Ok(())
}

/// The roles of whoever asks, as their own page lists them.
async fn roles(browser: &Browser) -> Result<Vec<String>> {
    let me = browser.get("/api/v1/me").await?.json();
    let roles = me.pointer("/orgs/0/roles").and_then(Value::as_array).context("roles")?;
    Ok(roles.iter().map(|role| format!("{}:{}", role["service"], role["role"]).replace('"', "")).collect())
}

async fn a_rule_sees_the_groups_of_its_own_connection_only(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    assert_ne!(roles(&ana).await?, [""; 0]);
    let entra = json!({"name": "entra", "kind": "oidc", "issuer": "https://idp.example", "client_id": "gw",
        "client_secret": "s", "stage": "live"});
    let document = usual(&world, "/accounts/0/connections/-", entra)?;
    let elsewhere = changed(document, "/accounts/0/rules/0/connection", json!("entra"))?;
    world.node().apply(elsewhere).await?;
    assert_eq!(roles(&ana).await?, [""; 0], "the same words of another connection are another group");
    world.node().apply(usual(&world, "/version", json!(1))?).await?;
    assert_ne!(roles(&ana).await?, [""; 0]);
    Ok(())
}

async fn an_operator_lets_an_owner_in_whoever_has_shut_the_door(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let app = &world.node().app;
    let ctx = app.ctx(Caller::System("test"));
    let row = account::named(&mut app.db.read().await?, "acme").await?.context("acme")?;
    people::deactivate(app, &ctx, row.id, OWNER.0).await?;
    let member = "(SELECT id FROM member WHERE owner = TRUE)";
    let count = format!("SELECT CAST(COUNT(*) AS TEXT) FROM hold WHERE member_id = {member}");
    // As a directory would have shut it.
    let receipts = ask(world.node(), "SELECT receipt_id FROM hold".to_owned()).await?;
    let receipt = receipts.first().context("a receipt")?.parse()?;
    let owner: MemberId =
        ask(world.node(), format!("SELECT id FROM member WHERE id = {member}")).await?.remove(0).parse()?;
    let mut tx = app.db.write().await?;
    for kind in [HoldKind::Disabled, HoldKind::Deleted] {
        hold::put(&mut tx, owner, "directory:okta", kind, ctx.now, receipt).await?;
    }
    tx.commit().await?;
    assert_eq!(ask(world.node(), count.clone()).await?, ["3"]);
    assert!(world.sign_in_owner().await.is_err());
    assert!(people::reactivate(app, &ctx, row.id, OWNER.0).await?);
    assert_eq!(ask(world.node(), count).await?, ["0"]);
    world.sign_in_owner().await?;
    let said = "SELECT detail FROM audit WHERE action = 'access.given_back'".to_owned();
    assert!(ask(world.node(), said).await?.concat().contains("directory:okta"));
    // Of anybody else an operator lifts the operators' own hold only.
    world.sign_in("ana").await?;
    let ana = member::all_of_user(
        &mut app.db.read().await?,
        person::with_email(&mut app.db.read().await?, "ana@corp.example").await?.context("Ana")?.id,
    )
    .await?;
    let ana = ana.first().context("Ana")?;
    let mut tx = app.db.write().await?;
    hold::put(&mut tx, ana.id, "directory:okta", HoldKind::Disabled, ctx.now, receipt).await?;
    tx.commit().await?;
    assert!(!people::reactivate(app, &ctx, row.id, "ana@corp.example").await?);
    world.node().finish_jobs().await
}
