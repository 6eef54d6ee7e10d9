//! Another secret for a key, and a key of an org: neither is given to whoever has lost their access.

use anyhow::{Context as _, Result, ensure};
use cardea_gateway::keys::service;
use cardea_gateway::keys::{self, KeyError, Rotation, Whose};
use cardea_gateway::pause::Point;
use cardea_model::key::{Expiry, GrantSpec};
use cardea_model::{Caller, Standing};
use cardea_store::{grant, key};
use cardea_testkit::{Engine, races, stories};

use super::{Gate, deactivate, newcomer, reactivate, scene, wanted, works};

stories! {
    a_rotation_never_outruns_a_deactivation,
    nobody_whose_access_has_ended_makes_a_service_key,
}

async fn a_rotation_never_outruns_a_deactivation(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::KeyCreation);
    let world = scene(engine, &gate).await?;
    let node = world.node();
    let mut survivors = 0;
    for number in 0..races() {
        let person = newcomer(&node.app, number).await?;
        let ctx = node.app.ctx(Caller::Person(person.clone()));
        let made = keys::create(&node.app, &ctx, wanted()).await?;
        let mut secrets = vec![made.secret.reveal()];
        let rotation = keys::rotate(&node.app, &ctx, &Whose::Own, made.key.id, Rotation::default());
        let (rotated, ended) = gate.race(rotation, deactivate(node.app.clone(), person.clone())).await;
        ended?;
        match rotated {
            Ok(rotated) => secrets.push(rotated.secret.reveal()),
            Err(KeyError::Database(error)) => Err(error)?,
            Err(_) => {}
        }
        survivors += key::of_member(&mut node.app.db.read().await?, person.member).await?.len();
        for secret in &secrets {
            survivors += usize::from(works(&world, node, secret).await?);
        }
        reactivate(&node.app, person).await?;
        for secret in &secrets {
            survivors += usize::from(works(&world, node, secret).await?);
        }
    }
    assert_eq!(survivors, 0);
    Ok(())
}

async fn nobody_whose_access_has_ended_makes_a_service_key(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::KeyCreation);
    let world = scene(engine, &gate).await?;
    let app = &world.node().app;
    let wanted = |number: usize| service::Wanted {
        name: format!("key {number}"),
        expiry: Expiry::Never,
        grants: vec![GrantSpec { scopes: Some(vec!["*".to_owned()]), ..GrantSpec::whole("registry") }],
        once: None,
    };
    for number in 0..20 {
        let mut maker = newcomer(app, number).await?;
        let mut tx = app.db.write().await?;
        let role = grant::Role { team_id: "", service: "gateway", role: "user_admin" };
        grant::add(&mut tx, maker.member, role, "test", app.clock.now()).await?;
        tx.commit().await?;
        maker.standing = Standing::UserAdmin;
        let ctx = app.ctx(Caller::Person(maker.clone()));
        if number == 0 {
            // The same without the end of access: the race is about something that works.
            service::create(app, &ctx, maker.account, wanted(1_000)).await?;
        }
        let creation = service::create(app, &ctx, maker.account, wanted(number));
        let (late, ended) = gate.overtake(creation, deactivate(app.clone(), maker.clone())).await;
        ended?;
        ensure!(matches!(late, Err(KeyError::Ended)), "a key was made");
        let keys = key::of_org(&mut app.db.read().await?, maker.org).await?;
        assert_eq!(keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["key 1000"]);
        let first = keys.first().context("the key")?;
        assert_eq!(first.state, "active");
    }
    Ok(())
}
