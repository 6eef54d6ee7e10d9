//! An answer that was given before an end of access is not for keeping after it.

use anyhow::{Context as _, Result, ensure};
use cardea_gateway::check::{Ask, Verdict, authenticate, check_to_keep};
use cardea_gateway::keys;
use cardea_gateway::pause::Point;
use cardea_model::Caller;
use cardea_testkit::world::PORTAL_SECRET;
use cardea_testkit::{Engine, NodeBuilder, World, stories};
use std::sync::Arc;

use super::{Gate, deactivate, newcomer, wanted};

stories! {
    an_answer_that_an_end_of_access_has_overtaken_is_not_for_keeping,
}

async fn an_answer_that_an_end_of_access_has_overtaken_is_not_for_keeping(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::CacheFill);
    let mut world = World::new(engine).await?;
    world.add_node(NodeBuilder::default().named("two").paused_by(Arc::<Gate>::clone(&gate))).await?;
    let [one, two] = world.nodes.as_slice() else { anyhow::bail!("two nodes") };
    for number in 0..20 {
        let mut made = Vec::new();
        for person in [number * 2, number * 2 + 1] {
            let person = newcomer(&one.app, person).await?;
            let ctx = one.app.ctx(Caller::Person(person.clone()));
            made.push((keys::create(&one.app, &ctx, wanted()).await?.secret.reveal(), person));
        }
        let [(quiet, _), (raced, person)] = made.as_slice() else { anyhow::bail!("two people") };
        two.catch_up().await?;
        let asker = authenticate(&two.app, "portal", PORTAL_SECRET).await?;
        let asked = async |key: &str| {
            let ask = Ask {
                key,
                service: "registry",
                action: "download_container",
                entity_type: Some("container"),
                entity: Some("acme/app"),
                labels: &[],
                operation: None,
            };
            check_to_keep(&two.app, &asker, &ask).await
        };
        // The same without the end of access: the race is about something that may be kept.
        let (verdict, keep) = asked(quiet).await?;
        ensure!(matches!(verdict, Verdict::Allowed(_)) && keep.is_some(), "{verdict:?} {keep:?}");
        let (app, here, person) = (one.app.clone(), two.app.clone(), person.clone());
        let ending = async move {
            deactivate(app, person).await?;
            let last = cardea_store::feed::last(&mut here.db.read().await?).await?;
            here.feed.reached(last).await;
            Ok(())
        };
        let (answer, ended) = gate.overtake(asked(raced), ending).await;
        ended?;
        let (verdict, keep) = answer.context("no answer")?;
        ensure!(matches!(verdict, Verdict::Allowed(_)), "it was so when it was asked: {verdict:?}");
        ensure!(keep.is_none(), "{keep:?}");
    }
    Ok(())
}
