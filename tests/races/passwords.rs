//! A password is made, typed and replaced at the same moment: only what still holds leads anywhere.

use anyhow::{Context as _, Result, bail};
use cardea_gateway::accounts::{self, AccountError, Filled};
use cardea_gateway::login::LoginError;
use cardea_gateway::login::local::{self, Entrance};
use cardea_gateway::pause::Point;
use cardea_gateway::users::{self, Way};
use cardea_gateway::{App, Ctx, people, session};
use cardea_model::Caller;
use cardea_testkit::world::OWNER;
use cardea_testkit::{Engine, stories};

use super::{Gate, scene};

stories! {
    a_password_that_an_admin_replaces_meanwhile_leads_nowhere,
    whose_access_ended_meanwhile_chooses_no_password,
}

const MEI: &str = "mei@acme.test";
const CHOSEN: &str = "Purple-walrus-31-teapot";

/// The owner, who speaks, and the password that they have made for Mei.
async fn made(app: &App) -> Result<(Ctx, String)> {
    let nobody = app.ctx(Caller::Nobody);
    let opened = local::sign_in(app, &nobody, OWNER.0, OWNER.1.into()).await?;
    let owner = nobody.with(session::caller(app, &opened.secret, app.clock.now()).await?);
    let made = users::create(app, &owner, MEI, Way::Made).await?;
    Ok((owner, made.password.context("a password")?.reveal()))
}

async fn link(app: &App, password: &str) -> Result<String> {
    match local::enter(app, &app.ctx(Caller::Nobody), MEI, password.into()).await? {
        Entrance::Choose(secret) => Ok(secret.reveal()),
        Entrance::In(_) => bail!("a password that was made opens a session"),
    }
}

async fn a_password_that_an_admin_replaces_meanwhile_leads_nowhere(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Login);
    let world = scene(engine, &gate).await?;
    let app = &world.node().app;
    let (owner, first) = made(app).await?;
    let before = link(app, &first).await?;
    let nobody = app.ctx(Caller::Nobody);
    let app_too = app.clone();
    let replacing = async move { Ok(users::reset(&app_too, &owner, MEI, Way::Made).await?) };
    let typing = local::enter(app, &nobody, MEI, first.as_str().into());
    let (late, replaced) = gate.overtake(typing, replacing).await;
    assert!(matches!(late, Err(LoginError::Credentials)));
    assert!(matches!(accounts::look_at_link(app, &before).await, Err(AccountError::Link)));
    link(app, &replaced?.password.context("a password")?.reveal()).await?;
    Ok(())
}

/// And when it is given back, what was on its way stays dead.
async fn whose_access_ended_meanwhile_chooses_no_password(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Choice);
    let world = scene(engine, &gate).await?;
    let app = &world.node().app;
    let (owner, password) = made(app).await?;
    let link = link(app, &password).await?;
    let account = people::account_of(app, &owner, "acme", cardea_model::Permission::DeactivateUsers).await?.id;
    let nobody = app.ctx(Caller::Nobody);
    let filled = || Filled { account: None, email: None, password: CHOSEN.into() };
    let (app_too, owner_too) = (app.clone(), owner.clone());
    let ending = async move { Ok(people::deactivate(&app_too, &owner_too, account, MEI).await?) };
    let choosing = accounts::use_link(app, &nobody, &link, filled());
    let (late, ended) = gate.overtake(choosing, ending).await;
    ended?;
    assert!(matches!(late, Err(AccountError::Link)));
    assert!(people::reactivate(app, &owner, account, MEI).await?);
    assert!(matches!(accounts::use_link(app, &nobody, &link, filled()).await, Err(AccountError::Link)));
    assert!(matches!(local::sign_in(app, &nobody, MEI, CHOSEN.into()).await, Err(LoginError::Credentials)));
    Ok(())
}
