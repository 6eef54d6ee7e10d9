//! How the records of a directory meet people who came by sign-in, and people who were here before.

use anyhow::{Context as _, Result};
use cardea_simulate::scim_client::Dialect;
use cardea_store::{identity, person};
use cardea_testkit::{Engine, World, stories};
use reqwest::Method;
use serde_json::json;

use super::{client, created, deactivated, id_of, is_good, patched, person_called, provision, record, scim, scim_as};

stories! {
    the_directory_finds_and_adopts_whoever_came_by_sign_in,
    a_record_that_names_two_people_is_refused,
    whoever_comes_back_inactive_is_the_same_person_without_their_keys,
    whoever_comes_back_deleted_is_somebody_new,
    a_user_name_is_one_person_s,
    a_directory_sees_and_reaches_only_its_own_people,
    an_address_that_the_provider_calls_unproven_finds_nobody,
    whose_subject_was_deleted_is_nobody_else,
    a_first_sign_in_makes_nobody_where_a_directory_does_unless_told_to,
    sessions_opened_while_their_end_is_on_its_way_end_too,
}

const GLOBEX_TOKEN: &str = "directory-secret-of-globex";

async fn the_directory_finds_and_adopts_whoever_came_by_sign_in(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let directory = client(&world, Dialect::Okta)?;
    // By user name, by subject under another name, and by address under another name and without an external id.
    for (name, change) in [
        ("ana", json!({})),
        ("bo", json!({"userName": "b.chen"})),
        ("chika", json!({"userName": "c.obi", "externalId": "employee-3"})),
    ] {
        let browser = world.sign_in("ana").await?;
        let person = person_called(&world, name)?;
        let key = match name {
            "ana" => Some(browser.make_key("laptop", &["registry"]).await?),
            _ => None,
        };
        let me = world.sign_in(name).await?.get("/api/v1/me").await?.json()["user"]["id"].clone();
        let found = directory.find(&person.email).await?.resource_id();
        assert_eq!(found.as_deref(), me.as_str(), "{name}");
        let mut body = created(&person);
        if let (Some(body), Some(change)) = (body.as_object_mut(), change.as_object()) {
            body.extend(change.clone());
        }
        let adopted = scim(&world, Method::POST, "/Users", Some(body.clone())).await?;
        assert_eq!((adopted.status, &adopted.json()["id"]), (201, &me), "{name} {}", adopted.body);
        assert_eq!(adopted.json()["userName"], body["userName"]);
        // To be adopted ends nothing; from now on the directory decides.
        if let Some(key) = key {
            assert!(is_good(&world, &key.secret).await?);
        }
        world.sign_in(name).await?;
        let off = scim(&world, Method::PATCH, &format!("/Users/{}", id_of(&adopted)), Some(deactivated())).await?;
        assert_eq!(off.status, 200);
        assert_eq!(world.browser()?.sign_in("okta", name).await?.status, 401);
        let on = patched(&json!([{"op": "add", "path": "active", "value": true}]));
        assert_eq!(scim(&world, Method::PATCH, &format!("/Users/{}", id_of(&adopted)), Some(on)).await?.status, 200);
        assert_eq!(scim(&world, Method::POST, "/Users", Some(body)).await?.status, 409);
    }
    Ok(())
}

async fn an_address_that_the_provider_calls_unproven_finds_nobody(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let bo = provision(&world, created(&person_called(&world, "bo")?)).await?;
    // Ana has typed Bo's address at the provider, which says that nobody has proven it.
    world.provider.person("ana", |ana| {
        ana.email_verified = Some(false);
        ana.claims.insert("email".to_owned(), json!("bo@corp.example"));
        ana.claims.insert("preferred_username".to_owned(), serde_json::Value::Null);
    });
    let me = world.sign_in("ana").await?.get("/api/v1/me").await?.json()["user"]["id"].clone();
    let me = me.as_str().context("an id")?.to_owned();
    assert_ne!(me, bo);
    let mut conn = world.node().app.db.read().await?;
    assert_eq!(record(&mut conn, &bo).await?.subject, None);
    let own = record(&mut conn, &me).await?;
    assert_eq!((own.email_normal.as_deref(), own.document.contains("bo@")), (None, false), "{}", own.document);
    assert!(own.user_name != "bo@corp.example");
    drop(conn);
    // Bo comes in as himself.
    let browser = world.sign_in("bo").await?;
    assert_eq!(browser.get("/api/v1/me").await?.json()["user"]["id"], json!(bo));
    Ok(())
}

async fn whose_subject_was_deleted_is_nobody_else(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = provision(&world, created(&person_called(&world, "ana")?)).await?;
    world.sign_in("ana").await?;
    assert_eq!(scim(&world, Method::DELETE, &format!("/Users/{ana}"), None).await?.status, 204);
    let chika = provision(&world, created(&person_called(&world, "chika")?)).await?;
    // Whom the directory deleted takes the name and the address of somebody who has not come in yet.
    world.provider.person("ana", |ana| ana.email = "chika@corp.example".to_owned());
    assert_eq!(world.browser()?.sign_in("okta", "ana").await?.status, 401);
    let mut conn = world.node().app.db.read().await?;
    assert_eq!(record(&mut conn, &chika).await?.subject, None);
    Ok(())
}

async fn a_first_sign_in_makes_nobody_where_a_directory_does_unless_told_to(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    let okta = state["accounts"][0]["connections"][0].as_object_mut().context("okta")?;
    okta.remove("jit");
    world.node().apply(state.clone()).await?;
    assert_eq!(world.browser()?.sign_in("okta", "ana").await?.status, 401);
    assert_eq!(scim(&world, Method::GET, "/Users", None).await?.json()["totalResults"], 0);
    let ana = provision(&world, created(&person_called(&world, "ana")?)).await?;
    assert_eq!(world.sign_in("ana").await?.get("/api/v1/me").await?.json()["user"]["id"], json!(ana));
    state["accounts"][0]["connections"][0]["jit"] = json!(true);
    world.node().apply(state).await?;
    world.sign_in("bo").await?;
    Ok(())
}

async fn sessions_opened_while_their_end_is_on_its_way_end_too(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let first = world.sign_in("ana").await?;
    let cookie = first.cookie("cardea")?;
    let caller = cardea_gateway::session::caller(&node.app, &cookie, node.app.clock.now()).await?;
    // The request to end everything began before the second sign-in, and is carried out after it.
    let begun = node.app.ctx(caller);
    node.clock.advance(std::time::Duration::from_secs(1));
    let second = world.sign_in("ana").await?;
    cardea_gateway::session::sign_out_everywhere(&node.app, &begun).await?;
    for browser in [first, second] {
        assert_eq!(browser.get("/api/v1/me").await?.status, 401);
    }
    Ok(())
}

async fn a_record_that_names_two_people_is_refused(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    world.sign_in("ana").await?;
    world.sign_in("bo").await?;
    // Ana's subject under Bo's name: the directory must say what it means, nobody guesses.
    let mut body = created(&person_called(&world, "ana")?);
    body["userName"] = json!("BO@corp.example");
    let refused = scim(&world, Method::POST, "/Users", Some(body)).await?;
    assert_eq!((refused.status, &refused.json()["scimType"]), (409, &json!("uniqueness")), "{}", refused.body);
    let list = scim(&world, Method::GET, "/Users", None).await?.json();
    assert_eq!(list["totalResults"], 2);
    assert!(!list.to_string().contains("BO@"));
    Ok(())
}

async fn whoever_comes_back_inactive_is_the_same_person_without_their_keys(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let mut body = created(&person_called(&world, "ana")?);
    let id = provision(&world, body.clone()).await?;
    let key = world.sign_in("ana").await?.make_key("laptop", &["registry"]).await?;
    scim(&world, Method::PATCH, &format!("/Users/{id}"), Some(deactivated())).await?;

    // Asked for as inactive, she stays inactive; asked for as active, she is back. Her name may have changed.
    body["active"] = json!(false);
    let held = scim(&world, Method::POST, "/Users", Some(body.clone())).await?;
    assert_eq!((held.status, id_of(&held)), (201, id.clone()));
    assert_eq!(world.browser()?.sign_in("okta", "ana").await?.status, 401);
    body["active"] = json!(true);
    body["userName"] = json!("ana.ruiz@corp.example");
    let back = scim(&world, Method::POST, "/Users", Some(body)).await?;
    assert_eq!((back.status, id_of(&back)), (201, id.clone()), "{}", back.body);
    assert_eq!(back.json()["userName"], "ana.ruiz@corp.example");
    assert!(!is_good(&world, &key.secret).await?);
    let browser = world.sign_in("ana").await?;
    assert_eq!(browser.get("/api/v1/me").await?.json()["user"]["id"], json!(id));
    assert!(!is_good(&world, &key.secret).await?);
    Ok(())
}

async fn whoever_comes_back_deleted_is_somebody_new(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let body = created(&person_called(&world, "ana")?);
    let first = provision(&world, body.clone()).await?;
    world.sign_in("ana").await?;
    let subject = record(&mut world.node().app.db.read().await?, &first).await?.subject.context("a subject")?;
    assert_eq!(scim(&world, Method::DELETE, &format!("/Users/{first}"), None).await?.status, 204);
    let mut conn = world.node().app.db.read().await?;
    assert!(person::find(&mut conn, first.parse()?).await?.is_none(), "the person goes with their last record");
    drop(conn);

    // The subject goes over to the new record in the transaction that makes it; the tombstone stays.
    let second = provision(&world, body.clone()).await?;
    let mut conn = world.node().app.db.read().await?;
    let (old, new) = (record(&mut conn, &first).await?, record(&mut conn, &second).await?);
    assert!(old.deleted_at.is_some() && old.subject.is_none());
    assert_eq!(new.subject.as_deref(), Some(subject.as_str()));
    let found = identity::of_subject(&mut conn, new.connection, &subject).await?.context("the subject")?;
    assert_eq!(found.id, new.id);
    let holder = person::with_email(&mut conn, "ana@corp.example").await?.context("the address")?;
    assert_eq!(holder.id, second.parse()?);
    drop(conn);

    // Deleted once more, no sign-in makes her again.
    assert_eq!(scim(&world, Method::DELETE, &format!("/Users/{second}"), None).await?.status, 204);
    assert_eq!(world.browser()?.sign_in("okta", "ana").await?.status, 401);
    assert_ne!(provision(&world, body).await?, second);
    world.sign_in("ana").await?;
    Ok(())
}

async fn a_user_name_is_one_person_s(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let named = |name: &str| json!({"schemas": [super::USER], "userName": name});
    let id = provision(&world, named("Änne@corp.example")).await?;
    let other = provision(&world, named("bo@corp.example")).await?;
    let rename = patched(&json!([{"op": "replace", "path": "userName", "value": "BO@CORP.example"}]));
    let replaced = json!({"schemas": [super::USER], "userName": "Bo@corp.example"});
    let path = format!("/Users/{id}");
    for answer in [
        scim(&world, Method::POST, "/Users", Some(named("äNNE@corp.example"))).await?,
        scim(&world, Method::PATCH, &path, Some(rename.clone())).await?,
        scim(&world, Method::PUT, &path, Some(replaced)).await?,
    ] {
        assert_eq!((answer.status, &answer.json()["scimType"]), (409, &json!("uniqueness")), "{}", answer.body);
        assert_eq!(answer.json()["status"], "409");
    }
    assert_eq!(scim(&world, Method::GET, &path, None).await?.json()["userName"], "Änne@corp.example");
    // One who has gone leaves the name.
    assert_eq!(scim(&world, Method::DELETE, &format!("/Users/{other}"), None).await?.status, 204);
    assert_eq!(scim(&world, Method::PATCH, &path, Some(rename)).await?.status, 200);
    Ok(())
}

async fn a_directory_sees_and_reaches_only_its_own_people(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let state = json!({"version": 1, "accounts": [{"name": "globex",
        "owner": {"email": "owner@globex.test", "password": "Correct-horse-8-battery"},
        "org": {"name": "globex", "kind": "enterprise", "services": ["registry"], "teams": []},
        "connections": [{"name": "entra", "kind": "oidc", "issuer": "https://login.globex.example", "client_id": "gw",
            "client_secret": "x", "scopes": ["openid"], "domains": ["globex.example"], "stage": "draft"}],
        "directories": [{"connection": "entra", "tokens": [{"name": "primary", "secret": GLOBEX_TOKEN}]}]}]});
    world.node().apply(state).await?;
    let body = created(&person_called(&world, "ana")?);
    let ana = provision(&world, body.clone()).await?;
    let key = world.sign_in("ana").await?.make_key("laptop", &["registry"]).await?;

    let path = format!("/Users/{ana}");
    for (method, sent) in [
        (Method::GET, None),
        (Method::PATCH, Some(deactivated())),
        (Method::PUT, Some(body.clone())),
        (Method::DELETE, None),
    ] {
        let answer = scim_as(&world, GLOBEX_TOKEN, method.clone(), &path, sent).await?;
        assert_eq!(answer.status, 404, "{method} {}", answer.body);
    }
    for query in ["", "?filter=userName%20eq%20%22ana%40corp.example%22", &format!("?filter=id%20eq%20%22{ana}%22")] {
        let list = scim_as(&world, GLOBEX_TOKEN, Method::GET, &format!("/Users{query}"), None).await?;
        assert_eq!(list.json()["totalResults"], 0, "{query} {}", list.body);
    }
    assert!(is_good(&world, &key.secret).await?);

    // The same user name there is another person, whose end is not Ana's; a draft of a connection provisions already.
    let twin = scim_as(&world, GLOBEX_TOKEN, Method::POST, "/Users", Some(body)).await?;
    assert_eq!(twin.status, 201, "{}", twin.body);
    assert_ne!(id_of(&twin), ana);
    let gone = scim_as(&world, GLOBEX_TOKEN, Method::DELETE, &format!("/Users/{}", id_of(&twin)), None).await?;
    assert_eq!(gone.status, 204);
    assert!(is_good(&world, &key.secret).await?);
    Ok(())
}
