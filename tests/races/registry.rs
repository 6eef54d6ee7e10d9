//! A token for a registry is not given to whoever loses their access while it is made.

use anyhow::{Result, ensure};
use cardea_gateway::keys;
use cardea_gateway::pause::Point;
use cardea_gateway::registry::{Asked, RegistryError, token};
use cardea_model::Caller;
use cardea_testkit::{Engine, stories};

use super::{Gate, deactivate, newcomer, scene, wanted};

stories! {
    a_registry_s_token_never_outruns_a_deactivation,
}

async fn a_registry_s_token_never_outruns_a_deactivation(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::RegistryToken);
    let world = scene(engine, &gate).await?;
    let app = &world.node().app;
    let asked = Asked { service: "portal", scopes: &["repository:acme/app:pull"] };
    for number in 0..20 {
        let person = newcomer(app, number).await?;
        let ctx = app.ctx(Caller::Person(person.clone()));
        let secret = keys::create(app, &ctx, wanted()).await?.secret.reveal();
        let ctx = app.ctx(Caller::Nobody);
        // The same without the end of access: the race is about something that works.
        ensure!(token(app, &ctx, Some(&secret), asked).await.is_ok(), "no token without a race");
        let late = token(app, &ctx, Some(&secret), asked);
        let (late, ended) = gate.overtake(late, deactivate(app.clone(), person)).await;
        ended?;
        ensure!(matches!(late, Err(RegistryError::Unauthorized(_))), "a token was given");
    }
    Ok(())
}
