//! A link that two use at once, a link that is withdrawn or overtaken by a directory at that moment, and three who invite
//! owners at once: one thing comes of it, and never a fourth owner.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use cardea_gateway::accounts::AccountError;
use cardea_gateway::invitations::{self, InvitationError, InvitedAs, Wanted};
use cardea_gateway::login::local;
use cardea_gateway::pause::Point;
use cardea_gateway::{App, Ctx, provisioning, session};
use cardea_model::id::{AccountId, InvitationId, MemberId, UserId};
use cardea_model::rule::AccountRole;
use cardea_model::{Caller, Person};
use cardea_store::account::{self, Account};
use cardea_store::invitation::{self as rows, Invitation};
use cardea_store::{member, password, person};
use cardea_testkit::world::{self, DIRECTORY_TOKEN, OWNER};
use cardea_testkit::{Engine, World, races, stories};
use cardea_tokens::format::{Prefix, Secret};
use serde_json::json;

use super::{Gate, newcomer, scene};
use crate::invitations::CHOSEN;

stories! {
    two_who_use_a_link_at_once_make_one_member,
    an_acceptance_and_a_withdrawal_at_once_are_one_or_the_other,
    an_acceptance_beside_a_directory_s_creation_leaves_one_holder_of_the_address,
    three_invitations_at_once_never_make_a_fourth_owner,
    a_naive_invitation_makes_a_fourth_owner,
}

async fn acme(app: &App) -> Result<Account> {
    account::named(&mut app.db.read().await?, "acme").await?.context("acme")
}

/// An invitation that was written by nobody who could lose their rights, with the secret of its link.
async fn invitation(app: &App, account: AccountId, kind: &str, email: &str) -> Result<(Invitation, String)> {
    let (ctx, secret) = (app.ctx(Caller::System("test")), Secret::generate(Prefix::Link, &*app.random));
    let row = Invitation {
        id: InvitationId::new(ctx.now, &*app.random),
        account,
        kind: kind.to_owned(),
        email: email.to_owned(),
        email_normal: email.to_owned(),
        account_role: if kind == "owner" { "admin" } else { "member" }.to_owned(),
        roles: "[]".to_owned(),
        message: String::new(),
        validity: Duration::from_secs(3600),
        state: "pending".to_owned(),
        invited_by: "test".to_owned(),
        inviter: String::new(),
        created_at: ctx.now,
        expires_at: ctx.now.after(Duration::from_secs(3600)),
        ended_at: None,
        member: None,
        version: 1,
    };
    let mut tx = app.db.write().await?;
    rows::add(&mut tx, &row, &app.peppers.mac(secret.expose()).to_bytes()).await?;
    tx.commit().await?;
    Ok((row, secret.expose().to_owned()))
}

/// Somebody who is signed in to `acme` and whose address is proven.
async fn proven(app: &App, number: usize, email: &str) -> Result<Person> {
    let known = newcomer(app, number).await?;
    let mut tx = app.db.write().await?;
    let user = UserId::new(app.clock.now(), &*app.random);
    person::add(&mut tx, user, email, Some(email), Some(email), app.clock.now()).await?;
    let id = MemberId::new(app.clock.now(), &*app.random);
    member::add(&mut tx, id, known.account, user, "member", app.clock.now()).await?;
    let open = cardea_store::session::New {
        id: cardea_model::id::SessionId::new(app.clock.now(), &*app.random),
        secret_hash: cardea_tokens::hash::sha256(email.as_bytes()),
        member: id,
        connection: None,
        epoch: 1,
        minted_at: app.clock.now(),
        expires_at: app.clock.now().after(Duration::from_secs(3600)),
        provider: None,
    };
    cardea_store::session::add(&mut tx, &open).await?;
    tx.commit().await?;
    Ok(Person { user, member: id, session: open.id, ..known })
}

/// A second account, into which people of `acme` are invited.
async fn beta(world: &World) -> Result<Account> {
    let beta = json!({"name": "beta", "owner": {"email": "o@beta.test", "password": OWNER.1}});
    world.node().apply(json!({"version": 1, "accounts": [beta]})).await?;
    account::named(&mut world.node().app.db.read().await?, "beta").await?.context("beta")
}

/// How somebody accepts: signed in, or with a password that they choose.
async fn accept(app: App, ctx: Ctx, secret: String) -> Result<invitations::Accepted, InvitationError> {
    let password = (ctx.caller == Caller::Nobody).then(|| CHOSEN.into());
    invitations::accept(&app, &ctx, &secret, password).await
}

/// In every tenth round somebody new, whose password has to be computed; else somebody who is signed in.
async fn whoever(app: &App, number: usize, email: &str) -> Result<Ctx> {
    Ok(match number % 10 {
        0 => app.ctx(Caller::Nobody),
        _ => app.ctx(Caller::Person(proven(app, number, email).await?)),
    })
}

async fn two_who_use_a_link_at_once_make_one_member(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Acceptance);
    let world = scene(engine, &gate).await?;
    let (app, beta) = (&world.node().app, beta(&world).await?);
    for number in 0..races() {
        let email = format!("n{number}@elsewhere.example");
        let ctx = whoever(app, number, &email).await?;
        let (_, secret) = invitation(app, beta.id, "member", &email).await?;
        let (app_too, ctx_too, secret_too) = (app.clone(), ctx.clone(), secret.clone());
        let other = async move { Ok(accept(app_too, ctx_too, secret_too).await) };
        let (one, other) = gate.race(accept(app.clone(), ctx, secret), other).await;
        let (done, refused) = match (one, other?) {
            (Ok(done), Err(refused)) | (Err(refused), Ok(done)) => (done, refused),
            both => bail!("{number}: {both:?}"),
        };
        let late = matches!(refused, InvitationError::Accepted | InvitationError::SignIn);
        ensure!(late && done.email == email, "{number}: {refused:?}");
        let members = member::count(&mut app.db.read().await?, beta.id).await?;
        assert_eq!(members, i64::try_from(number + 2)?, "{number}");
    }
    Ok(())
}

async fn an_acceptance_and_a_withdrawal_at_once_are_one_or_the_other(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Acceptance);
    let world = scene(engine, &gate).await?;
    let (app, beta) = (&world.node().app, beta(&world).await?);
    let mut accepted = 0;
    for number in 0..races() {
        let email = format!("n{number}@elsewhere.example");
        let ctx = whoever(app, number, &email).await?;
        let (row, secret) = invitation(app, beta.id, "member", &email).await?;
        let (app_too, account) = (app.clone(), beta.id);
        let withdrawal = async move {
            let ctx = app_too.ctx(Caller::System("test"));
            Ok(invitations::revoke(&app_too, &ctx, account, row.id).await)
        };
        let one = accept(app.clone(), ctx, secret);
        // In every other round the withdrawal is through before the acceptance goes on.
        let (one, other) = match number % 2 {
            0 => gate.race(one, withdrawal).await,
            _ => gate.overtake(one, withdrawal).await,
        };
        match (&one, other?) {
            (Ok(_), Err(InvitationError::Accepted)) => accepted += 1,
            (Err(InvitationError::Revoked), Ok(())) => {}
            both => bail!("{number}: {both:?}"),
        }
        let mut conn = app.db.read().await?;
        assert_eq!(member::count(&mut conn, beta.id).await?, 1 + accepted, "{number}");
        let state = rows::find(&mut conn, beta.id, row.id).await?.context("the row")?.state;
        assert_eq!(state, if one.is_ok() { "accepted" } else { "revoked" });
    }
    Ok(())
}

async fn an_acceptance_beside_a_directory_s_creation_leaves_one_holder_of_the_address(engine: Engine) -> Result<()> {
    for point in [Point::Acceptance, Point::Creation] {
        let gate = Gate::at(point);
        let world = scene(engine, &gate).await?;
        // The domain is the connection's, but its people may still sign in here.
        let mut state = world::state(world.provider.issuer());
        state["accounts"][0]["connections"][0]["stage"] = json!("tested");
        world.node().apply(state).await?;
        let (app, acme) = (&world.node().app, acme(&world.node().app).await?);
        let directory = Arc::new(provisioning::recognise(app, &app.ctx(Caller::Nobody), DIRECTORY_TOKEN).await?);
        // Each round computes a password.
        for number in 0..races().div_ceil(10) {
            let email = format!("n{number}@corp.example");
            let (_, secret) = invitation(app, acme.id, "member", &email).await?;
            let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": email,
                "active": true, "emails": [{"value": email, "primary": true}]});
            let body = body.as_object().cloned().unwrap_or_default();
            let (app_too, directory_too) = (app.clone(), Arc::clone(&directory));
            let creation = async move { Ok(provisioning::create(&app_too, &directory_too, body).await?) };
            let (app_too, ctx) = (app.clone(), app.ctx(Caller::Nobody));
            let acceptance = async move { Ok(accept(app_too, ctx, secret).await) };
            let (one, made) = if point == Point::Acceptance {
                gate.race(acceptance, creation).await
            } else {
                let (made, one) = gate.race(creation, acceptance).await;
                (one, made)
            };
            let (one, made) = (one?, made?.meta.id);
            let mut conn = app.db.read().await?;
            let holder = person::with_email(&mut conn, &email).await?.context("somebody has the address")?;
            let chosen = password::find(&mut conn, holder.id).await?.is_some();
            match one {
                // Two people, of whom one is proven to have the address.
                Ok(_) => ensure!(chosen && holder.id.to_string() != made, "{number}: {made}"),
                Err(InvitationError::SignIn) => ensure!(!chosen && holder.id.to_string() == made, "{number}: {made}"),
                Err(error) => bail!("{number}: {error:?}"),
            }
        }
    }
    Ok(())
}

async fn owner(app: &App) -> Result<Person> {
    let opened = local::sign_in(app, &app.ctx(Caller::Nobody), OWNER.0, OWNER.1.into()).await?;
    let caller = session::caller(app, &opened.secret, app.clock.now()).await?;
    let Caller::Person(person) = caller else { bail!("{caller:?}") };
    Ok(person)
}

async fn invite_owner(app: App, ctx: Ctx, account: AccountId, email: String) -> Result<bool> {
    let wanted = Wanted {
        email,
        invited_as: InvitedAs::Owner,
        account_role: AccountRole::Admin,
        message: None,
        valid_for: None,
        roles: Vec::new(),
    };
    match invitations::create(&app, &ctx, account, wanted).await {
        Ok(_) => Ok(true),
        Err(InvitationError::Account(AccountError::Owners)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn three_invitations_at_once_never_make_a_fourth_owner(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Speaking);
    let world = scene(engine, &gate).await?;
    let app = &world.node().app;
    let (acme, owner) = (acme(app).await?, owner(app).await?);
    for number in 0..races() {
        let ctx = app.ctx(Caller::Person(owner.clone()));
        let one = |who| invite_owner(app.clone(), ctx.clone(), acme.id, format!("{who}{number}@acme.test"));
        let others = (one("second"), one("third"));
        let others = async move {
            let (second, third) = tokio::join!(tokio::spawn(others.0), tokio::spawn(others.1));
            Ok([second??, third??])
        };
        let (first, others) = gate.race(one("first"), others).await;
        let made = usize::from(first?) + others?.into_iter().filter(|made| *made).count();
        assert_eq!(made, 2, "{number}");
        let mut tx = app.db.write().await?;
        let invited = rows::pending_owners(&mut tx, acme.id, app.clock.now()).await?;
        assert_eq!(invited.len(), 2, "{number}");
        for email in invited {
            let row = rows::pending(&mut tx, acme.id, &email).await?.context("the row")?;
            rows::end(&mut tx, row.id, "revoked", None, app.clock.now()).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// The same race against one who counts before they write but does not lock the account.
async fn a_naive_invitation_makes_a_fourth_owner(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Acceptance);
    let world = scene(engine, &gate).await?;
    let app = &world.node().app;
    let (acme, owner) = (acme(app).await?, owner(app).await?);
    invitation(app, acme.id, "owner", "second@acme.test").await?;
    let naive = async {
        let free = rows::pending_owners(&mut app.db.read().await?, acme.id, app.clock.now()).await?.len() < 2;
        app.pause.at(Point::Acceptance).await;
        if free { invitation(app, acme.id, "owner", "naive@acme.test").await.map(drop) } else { Ok(()) }
    };
    let ctx = app.ctx(Caller::Person(owner));
    let honest = invite_owner(app.clone(), ctx, acme.id, "third@acme.test".to_owned());
    let (made, other) = gate.overtake(naive, honest).await;
    made?;
    assert!(other?, "there was room for one");
    let invited = rows::pending_owners(&mut app.db.read().await?, acme.id, app.clock.now()).await?;
    assert_eq!(invited.len(), 3, "the race does not race");
    Ok(())
}
