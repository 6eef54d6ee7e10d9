//! A company's directory provisions its people over SCIM, in the words of Okta and of Entra ID: whoever it lets go of is
//! out at its answer, and comes back with nothing of what they held.

mod input;
mod lists;
mod meeting;
mod owners;
mod protocol;

use anyhow::{Context as _, Result, ensure};
use cardea_simulate::people::Person;
use cardea_simulate::scim_client::{Dialect, OKTA_PASSWORD, ScimClient};
use cardea_store::audit;
use cardea_store::{account, identity, person};
use cardea_testkit::world::DIRECTORY_TOKEN;
use cardea_testkit::{Answer, Browser, Engine, Node, NodeBuilder, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

stories! {
    okta_provisions_and_deprovisions_a_person,
    entra_provisions_and_deprovisions_a_person,
    entra_with_its_flag_provisions_and_deprovisions_a_person,
    whoever_is_created_inactive_is_held_from_the_start,
    names_and_addresses_follow_the_directory,
    an_answer_holds_on_the_node_that_gave_it,
    every_write_is_in_the_audit_log,
}

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A provisioning client in its own words, in front of the first node.
fn client(world: &World, dialect: Dialect) -> Result<ScimClient> {
    Ok(ScimClient::new(dialect, &format!("{}/scim/v2", world.node().url), DIRECTORY_TOKEN)?)
}

/// A request of the directory `okta`, word for word.
async fn scim(world: &World, method: Method, path: &str, body: Option<Value>) -> Result<Answer> {
    scim_as(world, DIRECTORY_TOKEN, method, path, body).await
}

async fn scim_as(world: &World, token: &str, method: Method, path: &str, body: Option<Value>) -> Result<Answer> {
    let mut request = Browser::new(&world.node().url)?.request(method, &format!("/scim/v2{path}")).bearer_auth(token);
    if let Some(body) = body {
        request = request.header("content-type", "application/scim+json; charset=utf-8").body(body.to_string());
    }
    Answer::read(request.send().await?).await
}

/// A body that creates this person; their external id is their subject at the provider.
fn created(person: &Person) -> Value {
    json!({"schemas": [USER], "userName": person.email, "externalId": person.subject, "active": true,
        "name": {"givenName": person.given_name, "familyName": person.family_name},
        "emails": [{"value": person.email, "type": "work", "primary": true}]})
}

fn patched(operations: &Value) -> Value {
    json!({"schemas": [PATCH], "Operations": operations})
}

fn deactivated() -> Value {
    patched(&json!([{"op": "replace", "path": "active", "value": false}]))
}

fn person_called(world: &World, name: &str) -> Result<Person> {
    world.provider.people().into_iter().find(|person| person.name == name).context("nobody of this name")
}

/// Creates a person and returns their id.
async fn provision(world: &World, body: Value) -> Result<String> {
    let made = scim(world, Method::POST, "/Users", Some(body)).await?;
    ensure!(made.status == 201, "not created: {} {}", made.status, made.body);
    Ok(id_of(&made))
}

fn id_of(answer: &Answer) -> String {
    answer.json()["id"].as_str().unwrap_or_default().to_owned()
}

async fn is_good(world: &World, secret: &str) -> Result<bool> {
    let answer = world.check(world.node(), secret).await?;
    ensure!(answer.status == 200, "the check was not answered: {}", answer.body);
    Ok(answer.json()["allowed"] == true)
}

/// The kinds of events in the audit log that a directory has caused, the oldest first.
async fn audited(node: &Node) -> Result<Vec<audit::Event>> {
    let mut conn = node.app.db.read().await?;
    let acme = account::named(&mut conn, "acme").await?.context("acme")?;
    let mut events = audit::page(&mut conn, acme.id, "aud_g", 500).await?;
    events.retain(|event| event.actor.starts_with("directory:"));
    // Events of one request have one time.
    events.sort_by(|one, other| (one.at, &one.action).cmp(&(other.at, &other.action)));
    Ok(events)
}

async fn okta_provisions_and_deprovisions_a_person(engine: Engine) -> Result<()> {
    a_person_comes_and_goes(engine, Dialect::Okta).await
}

async fn entra_provisions_and_deprovisions_a_person(engine: Engine) -> Result<()> {
    a_person_comes_and_goes(engine, Dialect::EntraDefault).await
}

async fn entra_with_its_flag_provisions_and_deprovisions_a_person(engine: Engine) -> Result<()> {
    a_person_comes_and_goes(engine, Dialect::EntraCompliant).await
}

async fn a_person_comes_and_goes(engine: Engine, dialect: Dialect) -> Result<()> {
    let world = World::new(engine).await?;
    let directory = client(&world, dialect)?;
    let ana = person_called(&world, "ana")?;

    // The admin tests the connection; the directory looks for Ana, does not find her, and creates her.
    let probe = directory.probe().await?;
    assert_eq!((probe.status, &probe.json().context("json")?["totalResults"]), (200, &json!(0)));
    assert_eq!(directory.find(&ana.email).await?.resource_id(), None);
    let made = directory.create(&ana).await?;
    assert_eq!(made.status, 201, "{}", made.response_body);
    assert!(!made.response_body.contains(OKTA_PASSWORD));
    let id = made.resource_id().context("an id")?;
    assert_eq!(directory.find(&ana.email.to_uppercase()).await?.resource_id().as_ref(), Some(&id));

    // She signs in, is the person whom the directory made, and makes a key.
    let browser = world.sign_in("ana").await?;
    assert_eq!(browser.get("/api/v1/me").await?.json()["user"]["id"], json!(id));
    let first = browser.make_key("laptop", &["registry"]).await?;
    assert!(is_good(&world, &first.secret).await?);

    // The directory deactivates her. Its answer means that nothing of hers works any more.
    let off = directory.deactivate(&id).await?;
    assert_eq!((off.status, &off.json().context("json")?["active"]), (200, &json!(false)), "{}", off.response_body);
    let answer = world.check(world.node(), &first.secret).await?;
    assert_eq!(answer.json(), json!({"allowed": false, "reason": "ended"}));
    assert_eq!(browser.get("/api/v1/me").await?.status, 401);
    assert_eq!(world.browser()?.sign_in("okta", "ana").await?.status, 401);
    // Said twice, it is true already: no new version, no second receipt.
    let again = directory.deactivate(&id).await?;
    assert_eq!((again.status, again.json()), (200, off.json()));
    let owner = world.sign_in_owner().await?;
    let receipts = owner.get("/api/v1/orgs/acme/revocations").await?.json();
    assert_eq!(receipts["items"].as_array().map(Vec::len), Some(1), "{receipts}");
    assert_eq!(receipts["items"][0]["cause"], "directory_deactivated");
    assert_eq!(receipts["items"][0]["source"], "directory:okta");

    // An inactive person is still found and shown; back again, she starts with nothing.
    assert_eq!(directory.find(&ana.email).await?.resource_id().as_ref(), Some(&id));
    let on = directory.reactivate(&id).await?;
    assert_eq!((on.status, &on.json().context("json")?["active"]), (200, &json!(true)));
    assert!(!is_good(&world, &first.secret).await?);
    assert_eq!(browser.get("/api/v1/me").await?.status, 401);
    world.node().finish_jobs().await?;
    let second = world.sign_in("ana").await?.make_key("laptop", &["registry"]).await?;
    assert!(is_good(&world, &second.secret).await?);

    // Deleted, she is nowhere, and no sign-in brings her back.
    assert_eq!(directory.delete(&id).await?.status, 204);
    assert!(!is_good(&world, &second.secret).await?);
    assert_eq!(directory.get(&id).await?.status, 404);
    assert_eq!(directory.deactivate(&id).await?.status, 404);
    assert_eq!(directory.delete(&id).await?.status, 404);
    assert_eq!(directory.find(&ana.email).await?.resource_id(), None);
    assert_eq!(world.browser()?.sign_in("okta", "ana").await?.status, 401);

    // Hired again, she is somebody new under the same name, whom her sign-in finds.
    let hired = directory.create(&ana).await?;
    assert_eq!(hired.status, 201, "{}", hired.response_body);
    let new = hired.resource_id().context("an id")?;
    assert_ne!(new, id);
    assert_eq!(directory.get(&id).await?.status, 404);
    let browser = world.sign_in("ana").await?;
    assert_eq!(browser.get("/api/v1/me").await?.json()["user"]["id"], json!(new));
    for dead in [&first, &second] {
        assert!(!is_good(&world, &dead.secret).await?);
    }

    // What Okta sends as a password is kept nowhere.
    let mut conn = world.node().app.db.read().await?;
    let row = record(&mut conn, &new).await?;
    assert!(!row.document.contains(OKTA_PASSWORD));
    Ok(())
}

/// The row of the record with this id.
async fn record(conn: &mut cardea_store::db::Conn, id: &str) -> Result<identity::Identity> {
    let okta = cardea_store::connection::named(conn, "okta").await?.context("okta")?;
    identity::of_user(conn, okta.id, id.parse()?).await?.context("no record")
}

async fn whoever_is_created_inactive_is_held_from_the_start(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let mut body = created(&person_called(&world, "ana")?);
    body["active"] = json!(false);
    let id = provision(&world, body).await?;
    assert_eq!(world.browser()?.sign_in("okta", "ana").await?.status, 401);

    // The directory opens what it had shut. Another hand's hold stays.
    let on = patched(&json!([{"op": "Replace", "path": "active", "value": "True"}]));
    let owner = world.sign_in_owner().await?;
    let shut = owner.send(Method::POST, &format!("/api/v1/orgs/acme/users/{id}/deactivate"), &json!({})).await?;
    assert_eq!(shut.status, 200, "{}", shut.body);
    assert_eq!(scim(&world, Method::PATCH, &format!("/Users/{id}"), Some(on)).await?.status, 200);
    assert_eq!(world.browser()?.sign_in("okta", "ana").await?.status, 401);
    let opened = owner.send(Method::POST, &format!("/api/v1/orgs/acme/users/{id}/reactivate"), &json!({})).await?;
    assert_eq!(opened.status, 204);
    world.sign_in("ana").await?;
    Ok(())
}

async fn names_and_addresses_follow_the_directory(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let shown = async |id: &str| {
        let user = owner.get(&format!("/api/v1/orgs/acme/users/{id}")).await?.json();
        anyhow::Ok((user["name"].clone(), user["email"].clone(), user["email_verified"].clone()))
    };
    let address = |value: &str| {
        json!({"schemas": [USER], "userName": value, "displayName": "Ana",
        "emails": [{"value": value, "primary": true}]})
    };
    let ana = provision(&world, address("ana@corp.example")).await?;
    assert_eq!(shown(&ana).await?, (json!("Ana"), json!("ana@corp.example"), json!(true)));

    // An address of a domain that is not this connection's is shown and not trusted; so is one that somebody has.
    let guest = provision(&world, address("guest@elsewhere.example")).await?;
    assert_eq!(shown(&guest).await?, (json!("Ana"), json!("guest@elsewhere.example"), json!(false)));
    let mut twin = address("twin@corp.example");
    twin["emails"][0]["value"] = json!("ANA@corp.example");
    let twin = provision(&world, twin).await?;
    assert_eq!(shown(&twin).await?.2, json!(false));

    // Name and address change in each dialect; a free address of the domain becomes trusted.
    let okta = client(&world, Dialect::Okta)?;
    let entra = client(&world, Dialect::EntraDefault)?;
    let flagged = client(&world, Dialect::EntraCompliant)?;
    for (directory, name) in [(okta, "one"), (entra, "two"), (flagged, "three")] {
        let person = Person::new(name, "Ana", name);
        let exchange = directory.replace(&guest, &person).await?.pop().context("an exchange")?;
        assert_eq!(exchange.status, 200, "{name}: {}", exchange.response_body);
        let expected = (json!(format!("Ana {name}")), json!(format!("{name}@corp.example")), json!(true));
        assert_eq!(shown(&guest).await?, expected);
    }
    // The address that was left is free again.
    let mut conn = world.node().app.db.read().await?;
    assert!(person::with_email(&mut conn, "one@corp.example").await?.is_none());
    assert!(person::with_email(&mut conn, "three@corp.example").await?.is_some());
    Ok(())
}

async fn an_answer_holds_on_the_node_that_gave_it(engine: Engine) -> Result<()> {
    let mut world = World::new(engine).await?;
    world.add_node(NodeBuilder::default().named("two")).await?;
    let [one, two] = world.nodes.as_slice() else { anyhow::bail!("two nodes") };
    let at_two = ScimClient::new(Dialect::EntraDefault, &format!("{}/scim/v2", two.url), DIRECTORY_TOKEN)?;
    let at_one = client(&world, Dialect::EntraDefault)?;
    let id = provision(&world, created(&person_called(&world, "ana")?)).await?;
    for round in 0..20 {
        let key = world.sign_in("ana").await?.make_key("laptop", &["registry"]).await?;
        for node in [one, two] {
            assert_eq!(world.check(node, &key.secret).await?.json()["allowed"], true, "{round}");
        }
        assert_eq!(at_one.deactivate(&id).await?.status, 200);
        // The provider did not hear the answer and asks again, and comes to the other node.
        assert_eq!(at_two.deactivate(&id).await?.status, 200);
        assert_eq!(
            world.check(two, &key.secret).await?.json(),
            json!({"allowed": false, "reason": "ended"}),
            "{round}"
        );
        one.finish_jobs().await?;
        assert_eq!(at_one.reactivate(&id).await?.status, 200);
        two.catch_up().await?;
    }
    Ok(())
}

async fn every_write_is_in_the_audit_log(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let mut body = created(&person_called(&world, "ana")?);
    body["favouriteColour"] = json!("teal");
    let id = provision(&world, body.clone()).await?;
    let path = format!("/Users/{id}");
    scim(&world, Method::PATCH, &path, Some(deactivated())).await?;
    scim(&world, Method::POST, "/Users", Some(body)).await?;
    scim(&world, Method::DELETE, &path, None).await?;
    let events = audited(world.node()).await?;
    let actions: Vec<_> = events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "user.created_by_directory",
            "access.ended",
            "user.changed_by_directory",
            "access.given_back",
            "user.revived_by_directory",
            "access.ended",
            "user.deleted_by_directory",
        ]
    );
    let first = events.first().context("an event")?;
    assert_eq!(first.target, id);
    assert_eq!(
        serde_json::from_str::<Value>(&first.detail)?["ignored"].to_string().matches("favouriteColour").count(),
        1
    );
    // The log says what has changed and holds nobody's name or address.
    assert!(events.iter().all(|event| !event.detail.contains("corp.example") && !event.detail.contains("Ruiz")));
    Ok(())
}
