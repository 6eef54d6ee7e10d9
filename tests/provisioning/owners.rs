//! What a directory may do to owners, and to people who are somebody elsewhere.

use anyhow::{Context as _, Result};
use cardea_model::Caller;
use cardea_model::id::MemberId;
use cardea_simulate::scim_client::Dialect;
use cardea_store::{account, person};
use cardea_testkit::{Engine, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{USER, audited, client, created, deactivated, patched, person_called, provision, record, scim};

stories! {
    an_owner_can_be_suspended_by_their_own_directory_and_not_rewritten,
    an_owner_who_is_only_local_is_invisible,
    whoever_is_somebody_elsewhere_keeps_their_name_and_address,
}

async fn an_owner_can_be_suspended_by_their_own_directory_and_not_rewritten(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let id = provision(&world, created(&person_called(&world, "ana")?)).await?;
    let browser = world.sign_in("ana").await?;
    let mut tx = node.app.db.write().await?;
    let row = record(&mut tx, &id).await?;
    cardea_store::member::make_owner(&mut tx, row.member, "admin").await?;
    tx.commit().await?;

    // Whoever could change an owner's address could have its password reset.
    let path = format!("/Users/{id}");
    let change = patched(&json!([{"op": "replace", "value": {"displayName": "Mallory",
        "emails": [{"value": "mallory@corp.example", "primary": true}]}}]));
    assert_eq!(scim(&world, Method::PATCH, &path, Some(change)).await?.status, 200);
    let me = browser.get("/api/v1/me").await?.json();
    assert_eq!((&me["user"]["email"], &me["user"]["name"]), (&json!("ana@corp.example"), &json!("Ana Ruiz")));

    assert_eq!(scim(&world, Method::PATCH, &path, Some(deactivated())).await?.status, 200);
    assert_eq!(browser.get("/api/v1/me").await?.status, 401);
    let last = audited(node).await?.pop().context("an event")?;
    assert_eq!(last.action, "user.changed_by_directory");
    assert_eq!(serde_json::from_str::<Value>(&last.detail)?["owner"], true);

    // Deleted, the owner stays a person of the org: ownership is not the directory's to take.
    assert_eq!(scim(&world, Method::DELETE, &path, None).await?.status, 204);
    let mut conn = node.app.db.read().await?;
    assert!(person::find(&mut conn, id.parse()?).await?.is_some());
    let member = cardea_store::member::find(&mut conn, row.member).await?.context("the member")?;
    assert!(member.owner && member.numbers.held);
    let holds = cardea_store::hold::of(&mut conn, row.member).await?;
    assert!(holds.iter().all(|hold| hold.kind == "disabled") && holds.len() == 1, "{holds:?}");
    Ok(())
}

async fn whoever_is_somebody_elsewhere_keeps_their_name_and_address(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let state = json!({"version": 1, "accounts": [{"name": "globex",
        "owner": {"email": "owner@globex.test", "password": "Correct-horse-8-battery"},
        "org": {"name": "globex", "kind": "enterprise", "services": ["registry"], "teams": []}}]});
    node.apply(state).await?;
    for (name, owns) in [("ana", true), ("bo", false)] {
        let id = provision(&world, created(&person_called(&world, name)?)).await?;
        let ctx = node.app.ctx(Caller::System("test"));
        let mut tx = node.app.db.write().await?;
        let globex = account::named(&mut tx, "globex").await?.context("globex")?;
        let there = MemberId::new(ctx.now, &*node.app.random);
        cardea_store::member::add(&mut tx, there, globex.id, id.parse()?, "member", ctx.now).await?;
        if owns {
            cardea_store::member::make_owner(&mut tx, there, "admin").await?;
        }
        tx.commit().await?;
        let change = patched(&json!([{"op": "replace", "value": {"displayName": "Mallory",
            "emails": [{"value": "mallory@corp.example", "primary": true}]}}]));
        let written = scim(&world, Method::PATCH, &format!("/Users/{id}"), Some(change)).await?;
        // The record is the directory's; the person is not only its own.
        assert_eq!((written.status, &written.json()["displayName"]), (200, &json!("Mallory")), "{}", written.body);
        let mut conn = node.app.db.read().await?;
        let person = person::find(&mut conn, id.parse()?).await?.context("the person")?;
        assert_eq!(person.email, Some(format!("{name}@corp.example")));
        assert_ne!(person.name, "Mallory");
    }
    Ok(())
}

async fn an_owner_who_is_only_local_is_invisible(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let id = owner.get("/api/v1/me").await?.json()["user"]["id"].as_str().context("an id")?.to_owned();
    let directory = client(&world, Dialect::Okta)?;
    assert_eq!(directory.find(cardea_testkit::world::OWNER.0).await?.resource_id(), None);
    for answer in [directory.get(&id).await?, directory.deactivate(&id).await?, directory.delete(&id).await?] {
        assert_eq!(answer.status, 404);
    }
    // A record of the owner's name and address is somebody else and gets nothing of theirs.
    let namesake = json!({"schemas": [USER], "userName": cardea_testkit::world::OWNER.0, "externalId": id,
        "emails": [{"value": cardea_testkit::world::OWNER.0, "primary": true}]});
    let other = provision(&world, namesake).await?;
    assert_ne!(other, id);
    assert_eq!(directory.deactivate(&other).await?.status, 200);
    assert_eq!(directory.delete(&other).await?.status, 204);
    assert_eq!(owner.get("/api/v1/me").await?.status, 200);
    assert_eq!(world.sign_in_owner().await?.get("/api/v1/me").await?.json()["user"]["id"], json!(id));
    Ok(())
}
