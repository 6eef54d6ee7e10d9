//! Several use one link at once: one of them does.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_gateway::activations::{self, For};
use cardea_gateway::pause::Point;
use cardea_gateway::{App, session};
use cardea_model::entitlement::Entitlement;
use cardea_model::id::ActivationId;
use cardea_model::{Caller, Fault as _};
use cardea_store::activation::{self, Activation};
use cardea_store::{account, entitlement};
use cardea_testkit::world::OWNER;
use cardea_testkit::{Engine, World, races, stories};
use cardea_tokens::format::{Prefix, Secret};
use serde_json::json;

use super::{Gate, scene};

stories! {
    two_claims_at_once_give_one_entitlement,
    a_naive_claim_gives_two,
    a_claim_never_outruns_a_transfer,
}

const SERVICE: &str = "ai_enterprise";
const ACCOUNTS: [&str; 2] = ["acme", "beta"];

/// The scene, with a second account of the same owner.
async fn two_accounts(engine: Engine, gate: &Arc<Gate>) -> Result<World> {
    let world = scene(engine, gate).await?;
    let beta = json!({"version": 1, "accounts": [{"name": "beta", "owner": {"email": OWNER.0}}]});
    world.node().apply(beta).await?;
    Ok(world)
}

/// The owner of both, who has signed in.
async fn owner(world: &World) -> Result<Caller> {
    let secret = world.sign_in_owner().await?.cookie("cardea")?;
    let app = &world.node().app;
    Ok(session::caller(app, &secret, app.clock.now()).await?)
}

/// The secret of a fresh link.
async fn offer(app: &App) -> Result<String> {
    let secret = Secret::generate(Prefix::Link, &*app.random).expose().to_owned();
    let now = app.clock.now();
    let row = Activation {
        id: ActivationId::new(now, &*app.random),
        service: SERVICE.to_owned(),
        email: OWNER.0.to_owned(),
        email_normal: OWNER.0.to_owned(),
        state: "offered".to_owned(),
        transferable: true,
        entitlement_ends_at: None,
        created_at: now,
        expires_at: now.after(Duration::from_secs(3600)),
        claimed_at: None,
        claimed_by: None,
        version: 1,
    };
    let mut tx = app.db.write().await?;
    activation::add(&mut tx, &row, &app.peppers.mac(&secret).to_bytes()).await?;
    tx.commit().await?;
    Ok(secret)
}

/// What comes of a claim or a transfer: nothing, or the code of its refusal.
type Outcome = Result<Option<&'static str>>;

async fn claim(app: App, owner: Caller, secret: String, account: &'static str) -> Outcome {
    let ctx = app.ctx(owner);
    let claimed = activations::claim(&app, &ctx, &secret, For::Standing(account.to_owned())).await;
    Ok(claimed.err().map(|error| error.code()))
}

async fn transfer(app: App, owner: Caller, secret: String) -> Outcome {
    let ctx = app.ctx(owner);
    let handed = activations::transfer(&app, &ctx, &secret, ("next@acme.test", None)).await;
    Ok(handed.err().map(|error| error.code()))
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
    let world = two_accounts(engine, &gate).await?;
    let (app, owner) = (&world.node().app, owner(&world).await?);
    for number in 0..races() {
        let secret = offer(app).await?;
        let [one, other] = ACCOUNTS.map(|name| claim(app.clone(), owner.clone(), secret.clone(), name));
        // Now both go on at once, now the second is through before the first goes on.
        let (one, other) = if number % 2 == 0 { gate.race(one, other).await } else { gate.overtake(one, other).await };
        let outcomes = [one?, other?];
        let won: Vec<&str> =
            ACCOUNTS.into_iter().zip(outcomes).filter(|(_, outcome)| outcome.is_none()).map(|(name, _)| name).collect();
        assert_eq!((won.len(), outcomes.into_iter().flatten().next()), (1, Some("activation_used")));
        assert_eq!(take_away(app).await?, won);
    }
    Ok(())
}

/// The same against a claim that looks before it gives but does not write the offer's row first.
async fn a_naive_claim_gives_two(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Claim);
    let world = two_accounts(engine, &gate).await?;
    let (app, owner) = (&world.node().app, owner(&world).await?);
    let mut doubled = 0;
    for _ in 0..20 {
        let secret = offer(app).await?;
        let [first, second] = ACCOUNTS;
        let other = claim(app.clone(), owner.clone(), secret.clone(), second);
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
    anyhow::ensure!(read.state == "offered" && read.expires_at > app.clock.now(), "it is used");
    app.pause.at(Point::Claim).await;
    let mut tx = app.db.write().await?;
    let row = account::named(&mut tx, name).await?.context("an account")?;
    entitlement::put(&mut tx, row.org, &Entitlement::endless(SERVICE)).await?;
    tx.commit().await?;
    Ok(())
}

async fn a_claim_never_outruns_a_transfer(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Claim);
    let world = two_accounts(engine, &gate).await?;
    let (app, owner) = (&world.node().app, owner(&world).await?);
    for number in 0..races() {
        let secret = offer(app).await?;
        let claim = claim(app.clone(), owner.clone(), secret.clone(), "acme");
        let transfer = transfer(app.clone(), owner.clone(), secret);
        let overtaken = number % 2 == 1;
        let (claimed, handed) =
            if overtaken { gate.overtake(claim, transfer).await } else { gate.race(claim, transfer).await };
        let (outcomes, had) = ((claimed?, handed?), take_away(app).await?);
        if outcomes.1.is_none() {
            assert_eq!((outcomes.0, had), (Some("activation_unknown"), Vec::new()));
        } else {
            assert!(!overtaken);
            assert_eq!((outcomes, had), ((None, Some("activation_used")), vec!["acme"]));
        }
    }
    Ok(())
}
