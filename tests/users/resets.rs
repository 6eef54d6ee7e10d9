//! An admin takes a password away, or signs somebody out: nobody above them, nobody of a provider, nobody of another account.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cardea_gateway::accounts;
use cardea_model::Caller;
use cardea_model::id::MemberId;
use cardea_store::{account, member, person};
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Browser, Engine, NodeBuilder, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{CHOSEN, MEI, at, at_the_door, beside, chosen, enter, logged, make, me};

stories! {
    a_reset_ends_the_password_and_every_session_and_no_key,
    nobody_reaches_above_themselves,
    an_owner_resets_another_owner_after_a_recent_sign_in,
    a_password_that_opens_other_accounts_is_nobody_else_s,
    a_person_is_signed_out_on_every_node,
}

async fn reset(admin: &Browser, user: &str) -> Result<Answer> {
    admin.send(Method::POST, &format!("/api/v1/users/{user}/password"), &json!({})).await
}

async fn refused(admin: &Browser, user: &str) -> Result<(u16, String)> {
    let answer = reset(admin, user).await?;
    Ok((answer.status, answer.code()))
}

async fn sign_out(admin: &Browser, user: &str) -> Result<Answer> {
    admin.send(Method::POST, &format!("/api/v1/users/{user}/logout"), &json!({})).await
}

async fn give(owner: &Browser, user: &str, role: &Value) -> Result<()> {
    let given = owner.send(Method::POST, &format!("/api/v1/orgs/acme/users/{user}/roles"), role).await?;
    ensure!(given.status == 200, "{} {}", given.status, given.body);
    Ok(())
}

async fn a_reset_ends_the_password_and_every_session_and_no_key(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let (user, first) = make(&owner, MEI).await?;
    give(&owner, MEI, &json!({"service": "registry", "role": "admin"})).await?;
    let mei = chosen(&world, MEI, &first).await?;
    let key = mei.make_key("laptop", &["registry"]).await?;
    let (_, waiting) = {
        // A link that is on its way when the password goes is over.
        let again = reset(&owner, MEI).await?.json();
        world.node().clock.advance(Duration::from_secs(1));
        at_the_door(&world, MEI, again["tempPassword"].as_str().context("a password")?).await?
    };
    let answer = owner.send(Method::POST, &format!("{}/password", at(&user)), &json!({})).await?;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{}", answer.body);
    let second = answer.json()["tempPassword"].as_str().context("a password")?.to_owned();
    assert_eq!((&answer.json()["id"], &answer.json()["email"]), (&user["id"], &json!(MEI)));
    assert_ne!(first, second);
    assert_eq!(me(&mei).await?.status, 401);
    assert_eq!(mei.get(&waiting).await?.status, 404);
    for old in [CHOSEN, first.as_str()] {
        assert_eq!(enter(&world.browser()?, MEI, old).await?.status, 401, "{old}");
    }
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true, "keys live on");
    let letter = world.node().letter_to(MEI).await?;
    assert!(letter.text.contains(OWNER.0) && !letter.text.contains(&second), "{}", letter.text);
    let log = json!(logged(&owner, "password.reset").await?).to_string();
    assert!(log.contains("made") && !log.contains(&second), "{log}");
    let ends = logged(&owner, "access.ended").await?;
    assert!(ends.iter().all(|end| end["detail"]["cause"] == "password_reset"), "{ends:?}");
    assert_eq!(me(&chosen(&world, MEI, &second).await?).await?.status, 200);
    Ok(())
}

async fn nobody_reaches_above_themselves(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    world.sign_in("ana").await?;
    let (_, password) = make(&owner, MEI).await?;
    make(&owner, "bo@acme.test").await?;
    give(&owner, MEI, &json!({"role": "user_admin"})).await?;
    let mei = chosen(&world, MEI, &password).await?;
    let forbidden = (403, "forbidden".to_owned());
    assert_eq!(reset(&mei, "bo@acme.test").await?.status, 200);
    assert_eq!(refused(&mei, OWNER.0).await?, forbidden);
    assert_eq!(sign_out(&mei, OWNER.0).await?.status, 403);
    // An admin of the account may do what a user_admin may not.
    let promote = json!({"account_role": "admin"});
    assert_eq!(owner.send(Method::PATCH, "/api/v1/accounts/acme/users/bo@acme.test", &promote).await?.status, 200);
    assert_eq!(refused(&mei, "bo@acme.test").await?, forbidden);
    assert_eq!(sign_out(&mei, "bo@acme.test").await?.status, 403);
    assert_eq!(reset(&owner, "bo@acme.test").await?.status, 200);
    assert_eq!(me(&owner).await?.status, 200);
    // Nobody resets what they know, nor what is kept elsewhere.
    for (admin, own) in [(&mei, MEI), (&owner, OWNER.0)] {
        assert_eq!(refused(admin, own).await?, (409, "own_password".to_owned()));
    }
    assert_eq!(refused(&owner, "ana@corp.example").await?, (409, "federated_user".to_owned()));
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    make(&owner, "lu@later.example").await?;
    state["accounts"][0]["connections"][0]["domains"] = json!(["corp.example", "later.example"]);
    world.node().apply(state).await?;
    assert_eq!(refused(&owner, "lu@later.example").await?, (409, "domain_federated".to_owned()));
    for nobody in [format!("usr_{:032x}", 7), "nobody@acme.test".to_owned(), "nonsense".to_owned()] {
        assert_eq!((reset(&owner, &nobody).await?.status, sign_out(&owner, &nobody).await?.status), (404, 404));
    }
    let plain = world.sign_in("dana").await?;
    assert_eq!((refused(&plain, MEI).await?, sign_out(&plain, MEI).await?.status), (forbidden, 403));
    Ok(())
}

/// Also where the domain has a provider: an owner's password opens the door when no provider does.
async fn an_owner_resets_another_owner_after_a_recent_sign_in(engine: Engine) -> Result<()> {
    const SECOND: &str = "second@acme.test";
    let world = World::new(engine).await?;
    let (owner, app) = (world.sign_in_owner().await?, &world.node().app);
    let link = accounts::invite_owner(app, &app.ctx(Caller::System("test")), "acme", SECOND).await?.reveal();
    let second = world.browser()?;
    assert_eq!(second.post_form(&format!("/link/{link}"), &[("password", CHOSEN)]).await?.status, 303);
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    state["accounts"][0]["connections"][0]["domains"] = json!(["corp.example", "acme.test"]);
    world.node().apply(state).await?;
    world.node().clock.advance(Duration::from_secs(16 * 60));
    assert_eq!(refused(&owner, SECOND).await?, (403, "reauthentication_required".to_owned()));
    assert_eq!(me(&second).await?.status, 200);
    let owner = world.sign_in_owner().await?;
    assert_eq!(reset(&owner, SECOND).await?.status, 200);
    assert_eq!(me(&second).await?.status, 401);
    assert_eq!(enter(&second, SECOND, CHOSEN).await?.status, 401);
    Ok(())
}

async fn a_password_that_opens_other_accounts_is_nobody_else_s(engine: Engine) -> Result<()> {
    let (world, neighbour) = beside(engine).await?;
    let (owner, app) = (world.sign_in_owner().await?, &world.node().app);
    let (user, password) = make(&owner, MEI).await?;
    let mei = chosen(&world, MEI, &password).await?;
    assert_eq!((reset(&neighbour, MEI).await?.status, sign_out(&neighbour, MEI).await?.status), (404, 404));
    let mut tx = app.db.write().await?;
    let globex = account::named(&mut tx, "globex").await?.context("globex")?;
    let found = person::with_email(&mut tx, MEI).await?.context("Mei")?;
    let id = MemberId::new(app.clock.now(), &*app.random);
    member::add(&mut tx, id, globex.id, found.id, "member", app.clock.now()).await?;
    tx.commit().await?;
    for admin in [&owner, &neighbour] {
        assert_eq!(refused(admin, MEI).await?, (409, "other_accounts".to_owned()));
    }
    assert_eq!(me(&mei).await?.status, 200);
    // Each signs her out of its own account, and of no other.
    assert_eq!(sign_out(&neighbour, MEI).await?.status, 200);
    assert_eq!(me(&mei).await?.status, 200);
    assert_eq!(owner.get(&at(&user)).await?.status, 200);
    Ok(())
}

async fn a_person_is_signed_out_on_every_node(engine: Engine) -> Result<()> {
    let mut world = World::new(engine).await?;
    world.add_node(NodeBuilder::default().named("two")).await?;
    let owner = world.sign_in_owner().await?;
    let (user, password) = make(&owner, MEI).await?;
    give(&owner, MEI, &json!({"service": "registry", "role": "admin"})).await?;
    let mei = chosen(&world, MEI, &password).await?;
    let key = mei.make_key("laptop", &["registry"]).await?;
    let there = mei.at(&world.nodes.last().context("two")?.url);
    assert_eq!((me(&mei).await?.status, me(&there).await?.status), (200, 200));
    let ended = sign_out(&owner, user["id"].as_str().unwrap_or_default()).await?;
    assert_eq!(ended.status, 200, "{}", ended.body);
    assert_eq!((me(&mei).await?.status, me(&there).await?.status), (401, 401));
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true, "keys live on");
    let receipt = ended.json()["receipt"].as_str().context("a receipt")?.to_owned();
    let receipt = owner.get(&format!("/api/v1/orgs/acme/revocations/{receipt}")).await?.json();
    assert_eq!((&receipt["cause"], &receipt["what"]), (&json!("admin_signed_out"), &json!("sessions")));
    // The password is theirs still; and whoever signs in at a provider is signed out the same way.
    world.node().clock.advance(Duration::from_secs(1));
    assert_eq!(enter(&mei, MEI, CHOSEN).await?.status, 303);
    assert_eq!(me(&mei).await?.status, 200);
    let ana = world.sign_in("ana").await?;
    assert_eq!(sign_out(&owner, "ana@corp.example").await?.status, 200);
    assert_eq!(me(&ana).await?.status, 401);
    Ok(())
}
