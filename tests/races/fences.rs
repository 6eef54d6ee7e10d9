//! What was true when a request came need not be true when it writes: everything is asked once more, under the lock.

use std::sync::atomic::Ordering;

use anyhow::{Context as _, Result, bail, ensure};
use cardea_gateway::factors::{self, FactorError};
use cardea_gateway::keys::{self, Change, KeyError, Whose};
use cardea_gateway::login::{LoginError, admission, local};
use cardea_gateway::pause::Point;
use cardea_gateway::state::State;
use cardea_gateway::{App, GatewayError, declare, people, session};
use cardea_model::{Caller, Denied, Person};
use cardea_store::{identity, key, member};
use cardea_testkit::world::{self, OWNER};
use cardea_testkit::{Engine, World, stories};
use serde_json::{Value, json};

use super::{Gate, asserted, begun, deactivate, newcomer, okta, reactivate, scene, wanted};

stories! {
    a_connection_switched_off_meanwhile_admits_nobody,
    nobody_slips_through_a_connection_that_is_being_switched_off,
    a_password_changed_meanwhile_opens_nothing,
    a_password_that_its_owner_changes_meanwhile_opens_nothing,
    whose_session_ended_meanwhile_changes_no_password,
    whose_access_ended_meanwhile_changes_nobody,
    whose_session_ended_meanwhile_changes_no_key,
    a_name_is_free_as_soon_as_its_key_has_ended,
}

/// The state of the scene with its connection at this stage.
fn staged(world: &World, stage: &str) -> Value {
    let mut state = world::state(world.provider.issuer());
    state["accounts"][0]["connections"][0]["stage"] = json!(stage);
    state
}

async fn apply(app: App, state: Value) -> Result<()> {
    let state: State = serde_json::from_value(state)?;
    declare::apply(&app, &app.ctx(Caller::System("test")), &state).await?;
    Ok(())
}

async fn person_of(app: &App, secret: &str) -> Result<Person> {
    let caller = session::caller(app, secret, app.clock.now()).await?;
    let Caller::Person(person) = caller else { bail!("{caller:?}") };
    Ok(person)
}

async fn a_connection_switched_off_meanwhile_admits_nobody(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Admission);
    let world = scene(engine, &gate).await?;
    let app = &world.node().app;
    let okta = okta(app).await?;
    let known = app.ctx(Caller::Nobody);
    let opened = admission::admit(app, &known, &okta, &begun(&known, okta.id), &asserted(&world, 0)).await?;
    // Whoever has a session would lose it, and be refused for that.
    session::sign_out(app, &app.ctx(Caller::Person(person_of(app, &opened.secret).await?))).await?;
    // Somebody who is known, and somebody who would be created.
    for number in [0, 1] {
        let ctx = app.ctx(Caller::Nobody);
        let (flow, asserted) = (begun(&ctx, okta.id), asserted(&world, number));
        let login = admission::admit(app, &ctx, &okta, &flow, &asserted);
        let (late, off) = gate.overtake(login, apply(app.clone(), staged(&world, "off"))).await;
        off?;
        let reason = late.err().map(|error| error.reason());
        assert_eq!(reason, Some("no_connection"), "{number}");
        apply(app.clone(), staged(&world, "live")).await?;
    }
    assert_eq!(identity::count(&mut app.db.read().await?, okta.id).await?, 1);
    Ok(())
}

async fn nobody_slips_through_a_connection_that_is_being_switched_off(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Admission);
    let world = scene(engine, &gate).await?;
    let app = &world.node().app;
    let okta = okta(app).await?;
    for number in 0..25 {
        let ctx = app.ctx(Caller::Nobody);
        let (flow, asserted) = (begun(&ctx, okta.id), asserted(&world, number));
        let login = admission::admit(app, &ctx, &okta, &flow, &asserted);
        let (late, off) = gate.race(login, apply(app.clone(), staged(&world, "off"))).await;
        off?;
        let secret = match late {
            Ok(opened) => opened.secret,
            Err(LoginError::NoConnection) => String::new(),
            Err(other) => bail!("{other:?}"),
        };
        assert_eq!(session::caller(app, &secret, app.clock.now()).await?, Caller::Nobody, "while it is off");
        apply(app.clone(), staged(&world, "live")).await?;
        assert_eq!(session::caller(app, &secret, app.clock.now()).await?, Caller::Nobody, "when it is on again");
    }
    Ok(())
}

async fn a_password_changed_meanwhile_opens_nothing(engine: Engine) -> Result<()> {
    const NEW: &str = "Another-horse-8-battery";
    let gate = Gate::at(Point::Login);
    let world = scene(engine, &gate).await?;
    let app = &world.node().app;
    let mut state = world::state(world.provider.issuer());
    state["accounts"][0]["owner"]["password"] = json!(NEW);
    let ctx = app.ctx(Caller::Nobody);
    let login = local::sign_in(app, &ctx, OWNER.0, OWNER.1.into());
    let (late, changed) = gate.overtake(login, apply(app.clone(), state)).await;
    changed?;
    assert!(matches!(late, Err(LoginError::Credentials)));
    assert!(local::sign_in(app, &app.ctx(Caller::Nobody), OWNER.0, OWNER.1.into()).await.is_err());
    local::sign_in(app, &app.ctx(Caller::Nobody), OWNER.0, NEW.into()).await?;
    Ok(())
}

async fn a_password_that_its_owner_changes_meanwhile_opens_nothing(engine: Engine) -> Result<()> {
    const NEW: &str = "Another-horse-8-battery";
    let gate = Gate::at(Point::Login);
    let world = scene(engine, &gate).await?;
    let app = &world.node().app;
    let (app_too, speaking) = (app.clone(), app.ctx(Caller::Person(owner(app).await?)));
    let changing =
        async move { Ok(factors::change_password(&app_too, &speaking, OWNER.1.into(), NEW.into()).await?.secret) };
    let ctx = app.ctx(Caller::Nobody);
    let login = local::sign_in(app, &ctx, OWNER.0, OWNER.1.into());
    let (late, changed) = gate.overtake(login, changing).await;
    assert!(matches!(late, Err(LoginError::Credentials)));
    person_of(app, &changed?).await?;
    Ok(())
}

async fn whose_session_ended_meanwhile_changes_no_password(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Speaking);
    let world = scene(engine, &gate).await?;
    let app = &world.node().app;
    let ctx = app.ctx(Caller::Person(owner(app).await?));
    let (app_too, ctx_too) = (app.clone(), ctx.clone());
    let leaving = async move { Ok(session::sign_out(&app_too, &ctx_too).await?) };
    let changing = factors::change_password(app, &ctx, OWNER.1.into(), "Another-horse-8-battery".into());
    let (late, left) = gate.overtake(changing, leaving).await;
    left?;
    assert!(matches!(late, Err(FactorError::Denied(Denied::Unknown))));
    owner(app).await?;
    assert!(world.node().mail().await?.is_empty());
    Ok(())
}

async fn owner(app: &App) -> Result<Person> {
    let opened = local::sign_in(app, &app.ctx(Caller::Nobody), OWNER.0, OWNER.1.into()).await?;
    person_of(app, &opened.secret).await
}

async fn is_held(app: &App, person: &Person) -> Result<bool> {
    Ok(member::find(&mut app.db.read().await?, person.member).await?.context("member")?.numbers.held)
}

async fn whose_access_ended_meanwhile_changes_nobody(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Speaking);
    let world = scene(engine, &gate).await?;
    let app = &world.node().app;
    let (target, mut admin) = (newcomer(app, 0).await?, owner(app).await?);
    let (account, user) = (target.account, target.user.to_string());
    let ctx = app.ctx(Caller::Person(admin.clone()));
    let shutting = people::deactivate(app, &ctx, account, &user);
    let (late, ended) = gate.overtake(shutting, deactivate(app.clone(), admin.clone())).await;
    ended?;
    assert!(matches!(late, Err(GatewayError::Denied(Denied::Unknown))), "{late:?}");
    assert!(!is_held(app, &target).await?);

    // The same with the door that is to be opened, and with an end of the session alone.
    reactivate(app, admin.clone()).await?;
    admin = owner(app).await?;
    people::deactivate(app, &app.ctx(Caller::Person(admin.clone())), account, &user).await?;
    let ctx = app.ctx(Caller::Person(admin.clone()));
    let (app_too, ctx_too) = (app.clone(), ctx.clone());
    let leaving = async move { Ok(session::sign_out(&app_too, &ctx_too).await?) };
    let (late, left) = gate.overtake(people::reactivate(app, &ctx, account, &user), leaving).await;
    left?;
    assert!(matches!(late, Err(GatewayError::Denied(Denied::Unknown))), "{late:?}");
    assert!(is_held(app, &target).await?);
    assert!(people::reactivate(app, &app.ctx(Caller::Person(owner(app).await?)), account, &user).await?);
    Ok(())
}

async fn whose_session_ended_meanwhile_changes_no_key(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Speaking);
    let world = scene(engine, &gate).await?;
    let app = &world.node().app;
    let person = newcomer(app, 0).await?;
    let ctx = app.ctx(Caller::Person(person.clone()));
    let made = keys::create(app, &ctx, wanted()).await?.key;
    let off = Change { active: Some(false), ..Change::default() };
    let (app_too, ctx_too) = (app.clone(), ctx.clone());
    let leaving = async move { Ok(session::sign_out(&app_too, &ctx_too).await?) };
    let (late, left) = gate.overtake(keys::change(app, &ctx, &Whose::Own, made.id, off), leaving).await;
    left?;
    assert!(matches!(late, Err(KeyError::Ended)), "{late:?}");
    assert!(matches!(keys::delete(app, &ctx, &Whose::Own, made.id).await, Err(KeyError::Ended)));
    let rows = key::of_member(&mut app.db.read().await?, person.member).await?;
    assert_eq!(rows.iter().map(|row| row.state.as_str()).collect::<Vec<_>>(), ["active"]);
    Ok(())
}

async fn a_name_is_free_as_soon_as_its_key_has_ended(engine: Engine) -> Result<()> {
    // No job is done until the gate opens: the rows of what has ended do not say so yet.
    let gate = Gate::at(Point::Jobs);
    gate.armed.store(true, Ordering::SeqCst);
    let world = scene(engine, &gate).await?;
    let (node, ana) = (world.node(), world.sign_in("ana").await?);
    let old = ana.make_key("laptop", &["registry"]).await?;
    for number in 0..7 {
        ana.make_key(&format!("key {number}"), &["registry"]).await?;
    }
    let admin = world.sign_in_owner().await?;
    let user = "/api/v1/orgs/acme/users/ana@corp.example";
    let shut = admin.post_form(&format!("{user}/deactivate"), &[]).await?;
    ensure!(shut.status == 200, "{} {}", shut.status, shut.body);
    ensure!(admin.post_form(&format!("{user}/reactivate"), &[]).await?.status == 204);
    let ana = world.sign_in("ana").await?;
    let fresh = ana.make_key("laptop", &["registry"]).await?;
    assert_eq!(world.check(node, &fresh.secret).await?.json()["allowed"], true);
    assert_eq!(world.check(node, &old.secret).await?.json()["allowed"], false);

    // The receipt, when it is written, lists what the end of access took and nothing else.
    gate.both.wait().await;
    while cardea_store::job::count(&mut node.app.db.read().await?).await? > 0 {
        node.finish_jobs().await?;
    }
    let receipt = shut.json()["receipt"].as_str().unwrap_or_default().to_owned();
    let receipt = admin.get(&format!("/api/v1/orgs/acme/revocations/{receipt}")).await?.json();
    let listed = receipt["ended"]["keys"].as_array().cloned().unwrap_or_default();
    assert_eq!(listed.len(), 8, "{receipt}");
    assert!(listed.iter().any(|key| key["id"] == old.id) && listed.iter().all(|key| key["id"] != fresh.id));
    assert_eq!(world.check(node, &fresh.secret).await?.json()["allowed"], true);
    Ok(())
}
