//! What an operator does with accounts, and nobody else.

use anyhow::{Context as _, Result};
use cardea_gateway::accounts::{self, AccountError};
use cardea_model::Caller;
use cardea_testkit::world::OWNER;
use cardea_testkit::{Engine, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Operator, refusal, refused};

stories! {
    an_operator_makes_an_account_and_with_it_its_org,
    an_account_is_described_and_its_recovery_address_is_no_owner_s,
    accounts_are_listed_in_pages,
    accounts_are_for_operators_only,
    an_individual_org_has_room_for_one,
}

const ACCOUNTS: &str = "/api/v1/accounts";

/// Creating an account always makes its org, and both have one number.
async fn an_operator_makes_an_account_and_with_it_its_org(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let operator = Operator::of(world.node()).await?;
    let made = operator.send(Method::POST, ACCOUNTS, &json!({"name": "Umbrella", "kind": "individual"})).await?;
    assert_eq!(made.status, 201, "{}", made.body);
    let account = made.json();
    assert_eq!(
        (&account["name"], &account["org"], &account["kind"], &account["number"]),
        (&json!("Umbrella"), &json!("umbrella"), &json!("individual"), &json!(2))
    );
    // By name, by id, and where the answer said.
    for path in [format!("{ACCOUNTS}/Umbrella"), made.header("location").to_owned()] {
        assert_eq!(operator.get(&path).await?.json(), account);
    }
    // An individual org has the catalog from the start.
    assert_eq!(operator.entitlements("Umbrella").await?, ["catalog:active"]);

    for (wanted, expected) in [
        (json!({"name": "two words", "kind": "enterprise"}), refused(422, "invalid_name")),
        (json!({"name": "x", "org": "Upper", "kind": "enterprise"}), refused(422, "invalid_name")),
        (json!({"name": "Ünder", "kind": "enterprise"}), refused(422, "invalid_name")),
        (json!({"name": "a\u{0}b", "kind": "enterprise"}), refused(422, "invalid_name")),
        (json!({"name": "x", "kind": "company"}), refused(422, "invalid_value")),
        (json!({"name": "x"}), refused(422, "invalid_value")),
        (json!({"name": "Umbrella", "org": "other", "kind": "enterprise"}), refused(409, "name_taken")),
        (json!({"name": "other", "org": "acme", "kind": "enterprise"}), refused(409, "name_taken")),
    ] {
        assert_eq!(refusal(&operator.send(Method::POST, ACCOUNTS, &wanted).await?), expected, "{wanted}");
    }
    // What was refused took no number.
    let next = operator.send(Method::POST, ACCOUNTS, &json!({"name": "third", "kind": "enterprise"})).await?;
    assert_eq!(next.json()["number"], 3);
    Ok(())
}

async fn an_account_is_described_and_its_recovery_address_is_no_owner_s(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let operator = Operator::of(world.node()).await?;
    let path = format!("{ACCOUNTS}/acme");
    let change = async |body: Value| operator.send(Method::PATCH, &path, &body).await;
    let changed = change(json!({"description": "Robots", "recovery_email": "it@elsewhere.test"})).await?.json();
    assert_eq!((&changed["description"], &changed["recovery_email"]), (&json!("Robots"), &json!("it@elsewhere.test")));
    // What is left out stays; null is nowhere.
    let changed = change(json!({"recovery_email": null})).await?.json();
    assert_eq!((&changed["description"], &changed["recovery_email"]), (&json!("Robots"), &Value::Null));
    for (body, expected) in [
        (json!({"recovery_email": OWNER.0.to_uppercase()}), refused(422, "recovery_is_primary")),
        (json!({"recovery_email": "nowhere"}), refused(422, "invalid_email")),
        (json!({"description": "two\nlines"}), refused(422, "invalid_description")),
        (json!({"name": "other"}), refused(422, "invalid_value")),
    ] {
        assert_eq!(refusal(&change(body.clone()).await?), expected, "{body}");
    }
    assert_eq!(operator.get(&path).await?.json(), changed);
    assert_eq!(refusal(&operator.get(&format!("{ACCOUNTS}/none")).await?), refused(404, "not_found"));
    Ok(())
}

async fn accounts_are_listed_in_pages(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let operator = Operator::of(world.node()).await?;
    for name in ["zeta", "alpha", "mu"] {
        let made = operator.send(Method::POST, ACCOUNTS, &json!({"name": name, "kind": "enterprise"})).await?;
        assert_eq!(made.status, 201, "{}", made.body);
    }
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = operator.get(&format!("{ACCOUNTS}?limit=2&cursor={cursor}")).await?.json();
        let items = page["items"].as_array().cloned().context("items")?;
        assert!(items.len() <= 2);
        names.extend(items.iter().map(|item| item["name"].as_str().unwrap_or_default().to_owned()));
        match page["cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    // Each of them once.
    names.sort();
    assert_eq!(names, ["acme", "alpha", "mu", "zeta"]);
    Ok(())
}

async fn accounts_are_for_operators_only(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let operator = Operator::of(world.node()).await?;
    let (owner, nobody) = (world.sign_in_owner().await?, world.browser()?);
    let account = json!({"name": "mine", "kind": "enterprise"});
    let offer = json!({"service": "registry", "email": OWNER.0});
    for (method, path, body) in [
        (Method::GET, ACCOUNTS.to_owned(), json!({})),
        (Method::POST, ACCOUNTS.to_owned(), account),
        (Method::GET, format!("{ACCOUNTS}/acme"), json!({})),
        (Method::PATCH, format!("{ACCOUNTS}/acme"), json!({"description": "mine"})),
        (Method::GET, format!("{ACCOUNTS}/acme/entitlements"), json!({})),
        (Method::PUT, format!("{ACCOUNTS}/acme/entitlements/ai_enterprise"), json!({})),
        (Method::DELETE, format!("{ACCOUNTS}/acme/entitlements/registry"), json!({})),
        (Method::GET, "/api/v1/activations".to_owned(), json!({})),
        (Method::POST, "/api/v1/activations".to_owned(), offer),
        (Method::DELETE, "/api/v1/activations/act_x".to_owned(), json!({})),
    ] {
        let refusal_of = |answer| refusal(&answer);
        let by_owner = owner.send(method.clone(), &path, &body).await.map(refusal_of)?;
        assert_eq!(by_owner, refused(403, "forbidden"), "{method} {path}");
        let by_nobody = nobody.send(method.clone(), &path, &body).await.map(refusal_of)?;
        assert_eq!(by_nobody, refused(401, "unauthenticated"), "{method} {path}");
    }
    assert_eq!(operator.get(ACCOUNTS).await?.json()["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(operator.entitlements("acme").await?.len(), 3);
    assert_eq!(world.node().mail().await?, []);
    Ok(())
}

/// An individual org is accessible by exactly one user, its owner.
async fn an_individual_org_has_room_for_one(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let app = &world.node().app;
    let operator = Operator::of(world.node()).await?;
    let solo = json!({"version": 1, "accounts": [{"name": "solo", "owner": {"email": "one@solo.test", "password": OWNER.1},
        "org": {"name": "solo", "kind": "individual"}}]});
    world.node().apply(solo).await?;
    let system = app.ctx(Caller::System("test"));
    let second = accounts::invite_owner(app, &system, "solo", "two@solo.test").await.map(drop);
    assert!(matches!(second, Err(AccountError::Individual)), "{second:?}");
    // Who has the rights already may be asked again, and an enterprise has room.
    drop(accounts::invite_owner(app, &system, "solo", "One@solo.test").await?);
    operator.entitle("solo", "ai_enterprise", &json!({})).await?;
    drop(accounts::invite_owner(app, &system, "solo", "two@solo.test").await?);
    Ok(())
}
