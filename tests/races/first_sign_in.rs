//! A first sign-in beside the directory that creates or deletes the same person: one person comes of it, or none.

use std::sync::Arc;

use anyhow::Result;
use cardea_gateway::login::admission;
use cardea_gateway::pause::Point;
use cardea_gateway::{provisioning, session};
use cardea_model::Caller;
use cardea_store::identity;
use cardea_testkit::world::DIRECTORY_TOKEN;
use cardea_testkit::{Engine, races, stories};
use serde_json::json;

use super::{Gate, asserted, begun, okta, scene};

stories! {
    a_first_sign_in_never_brings_back_whom_the_directory_deletes,
    a_first_sign_in_beside_a_directory_s_creation_makes_one_person,
}

async fn a_first_sign_in_never_brings_back_whom_the_directory_deletes(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Admission);
    let world = scene(engine, &gate).await?;
    let app = &world.node().app;
    let okta = okta(app).await?;
    let directory = Arc::new(provisioning::recognise(app, &app.ctx(Caller::Nobody), DIRECTORY_TOKEN).await?);
    let mut survivors = 0;
    for number in 0..races() {
        let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": format!("person{number}"), "active": true});
        let made = provisioning::create(app, &directory, body.as_object().cloned().unwrap_or_default()).await?;
        let id = made.meta.id;
        let (app_too, directory_too) = (app.clone(), Arc::clone(&directory));
        let deletion = async move { Ok(provisioning::delete(&app_too, &directory_too, &id, None).await?) };
        let ctx = app.ctx(Caller::Nobody);
        // The provider vouches for the very person whom the directory is deleting at this moment.
        let (asserted, flow) = (asserted(&world, number), begun(&ctx, okta.id));
        let (entered, deleted) = gate.race(admission::admit(app, &ctx, &okta, &flow, &asserted), deletion).await;
        deleted?;
        if let Ok(opened) = entered {
            survivors += usize::from(session::caller(app, &opened.secret, app.clock.now()).await? != Caller::Nobody);
        }
        let ctx = app.ctx(Caller::Nobody);
        let later = admission::admit(app, &ctx, &okta, &begun(&ctx, okta.id), &asserted).await;
        survivors += usize::from(later.is_ok());
    }
    assert_eq!(survivors, 0);
    Ok(())
}

async fn a_first_sign_in_beside_a_directory_s_creation_makes_one_person(engine: Engine) -> Result<()> {
    let mut people = 0;
    for (point, rounds) in [(Point::Admission, races()), (Point::Creation, races())] {
        let gate = Gate::at(point);
        let world = scene(engine, &gate).await?;
        let app = &world.node().app;
        let okta = okta(app).await?;
        let directory = Arc::new(provisioning::recognise(app, &app.ctx(Caller::Nobody), DIRECTORY_TOKEN).await?);
        for number in 0..rounds {
            // One subject under two names: nothing that either writes conflicts with what the other does.
            let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": format!("record{number}"), "externalId": format!("subject-{number}"), "active": true});
            let body = body.as_object().cloned().unwrap_or_default();
            let (app_too, directory_too, okta_too) = (app.clone(), Arc::clone(&directory), okta.clone());
            let creation = async move { Ok(provisioning::create(&app_too, &directory_too, body).await?) };
            let (app_too, asserted) = (app.clone(), asserted(&world, number));
            let entry = async move {
                let ctx = app_too.ctx(Caller::Nobody);
                let flow = begun(&ctx, okta_too.id);
                Ok(admission::admit(&app_too, &ctx, &okta_too, &flow, &asserted).await?)
            };
            let (entered, made) = if point == Point::Admission {
                gate.race(entry, creation).await
            } else {
                let (made, entered) = gate.race(creation, entry).await;
                (entered, made)
            };
            let (opened, id) = (entered?, made?.meta.id);
            let Caller::Person(person) = session::caller(app, &opened.secret, app.clock.now()).await? else {
                anyhow::bail!("the sign-in did not work");
            };
            assert_eq!(person.user.to_string(), id, "{number}");
        }
        people += identity::count(&mut app.db.read().await?, okta.id).await?;
    }
    assert_eq!(people, i64::try_from(2 * races())?);
    Ok(())
}
