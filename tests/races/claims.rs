//! Several use one link at once: one of them does.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use cardea_gateway::pause::Point;
use cardea_gateway::{App, accounts};
use cardea_model::entitlement::Entitlement;
use cardea_model::{Caller, Timestamp};
use cardea_store::{account, activation, entitlement};
use cardea_testkit::reqwest::Method;
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Browser, Engine, World, races, stories};
use serde_json::{Value, json};

use super::{Gate, scene};

stories! {
    two_claims_at_once_give_one_entitlement,
    a_naive_claim_gives_two,
    a_claim_never_outruns_a_transfer,
}

const SERVICE: &str = "ai_enterprise";
const ACCOUNTS: [&str; 2] = ["acme", "beta"];

/// The scene, with a second account of the same owner, and an operator's token.
async fn two_accounts(engine: Engine, gate: &Arc<Gate>) -> Result<(World, String)> {
    let world = scene(engine, gate).await?;
    let beta = json!({"version": 1, "accounts": [{"name": "beta", "owner": {"email": OWNER.0}}]});
    world.node().apply(beta).await?;
    let app = &world.node().app;
    let token = accounts::create_operator(app, &app.ctx(Caller::System("test")), "ops").await?.reveal();
    Ok((world, token))
}

/// The secret of a fresh link.
async fn offer(world: &World, token: &str) -> Result<String> {
    let wanted = json!({"service": SERVICE, "email": OWNER.0, "transferable": true});
    let request = world.browser()?.request(Method::POST, "/api/v1/activations").bearer_auth(token).json(&wanted);
    let answer = Answer::read(request.send().await?).await?;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.json()["secret"].as_str().map(str::to_owned).context("a secret")
}

/// What the owner does with a link.
async fn use_link(owner: Browser, path: String, body: Value) -> Result<Answer> {
    owner.send(Method::POST, &format!("/api/v1/activations/{path}"), &body).await
}

/// Which accounts have the service; they have it no more after this.
async fn take_away(app: &App) -> Result<Vec<&'static str>> {
    let mut tx = app.db.write().await?;
    let mut had = Vec::new();
    for name in ACCOUNTS {
        let row = account::named(&mut tx, name).await?.context("an account")?;
        if entitlement::remove(&mut tx, row.org, SERVICE).await? {
            had.push(name);
        }
    }
    tx.commit().await?;
    Ok(had)
}

async fn two_claims_at_once_give_one_entitlement(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Claim);
    let (world, token) = two_accounts(engine, &gate).await?;
    let owner = world.sign_in_owner().await?;
    for number in 0..races() {
        let claim = format!("{}/claim", offer(&world, &token).await?);
        let [one, other] = ACCOUNTS.map(|name| use_link(owner.clone(), claim.clone(), json!({"account": name})));
        // Now both go on at once, now the second is through before the first goes on.
        let (one, other) = if number % 2 == 0 { gate.race(one, other).await } else { gate.overtake(one, other).await };
        let answers = [one?, other?];
        let mut said = answers.iter().map(|answer| (answer.status, answer.code())).collect::<Vec<_>>();
        said.sort();
        assert_eq!(said, [(200, String::new()), (409, "activation_used".to_owned())]);
        let won: Vec<&str> = ACCOUNTS
            .into_iter()
            .zip(&answers)
            .filter(|(_, answer)| answer.status == 200)
            .map(|(name, _)| name)
            .collect();
        assert_eq!(take_away(&world.node().app).await?, won);
    }
    Ok(())
}

/// The same against a claim that looks before it gives but does not write the offer's row first.
async fn a_naive_claim_gives_two(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Claim);
    let (world, token) = two_accounts(engine, &gate).await?;
    let owner = world.sign_in_owner().await?;
    let app = &world.node().app;
    let mut doubled = 0;
    for _ in 0..20 {
        let secret = offer(&world, &token).await?;
        let [first, second] = ACCOUNTS;
        let other = use_link(owner.clone(), format!("{secret}/claim"), json!({"account": second}));
        let (one, other) = gate.overtake(naive(app, &secret, first), other).await;
        one?;
        other?;
        doubled += usize::from(take_away(app).await?.len() == 2);
    }
    assert!(doubled > 0, "the race does not race");
    Ok(())
}

async fn naive(app: &App, secret: &str, name: &str) -> Result<()> {
    let mac = app.peppers.mac(secret).to_bytes();
    let read = activation::with_mac(&mut app.db.read().await?, &mac).await?.context("an offer")?;
    let now: Timestamp = app.clock.now();
    anyhow::ensure!(read.state == "offered" && read.expires_at > now, "it is used");
    app.pause.at(Point::Claim).await;
    let mut tx = app.db.write().await?;
    let row = account::named(&mut tx, name).await?.context("an account")?;
    entitlement::put(&mut tx, row.org, &Entitlement::endless(SERVICE)).await?;
    tx.commit().await?;
    Ok(())
}

async fn a_claim_never_outruns_a_transfer(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Claim);
    let (world, token) = two_accounts(engine, &gate).await?;
    let owner = world.sign_in_owner().await?;
    for number in 0..races() {
        let secret = offer(&world, &token).await?;
        let claim = use_link(owner.clone(), format!("{secret}/claim"), json!({"account": "acme"}));
        let to = json!({"email": format!("next{number}@acme.test")});
        let transfer = use_link(owner.clone(), format!("{secret}/transfer"), to);
        let overtaken = number % 2 == 1;
        let (claimed, handed) =
            if overtaken { gate.overtake(claim, transfer).await } else { gate.race(claim, transfer).await };
        let (claimed, handed) = (claimed?, handed?);
        let had = take_away(&world.node().app).await?;
        if handed.status == 204 {
            assert_eq!((claimed.status, claimed.code().as_str()), (404, "activation_unknown"));
            assert_eq!(had, [""; 0]);
        } else {
            assert!(!overtaken);
            assert_eq!((claimed.status, handed.code().as_str()), (200, "activation_used"));
            assert_eq!(had, ["acme"]);
        }
    }
    Ok(())
}
