//! People by hand and invitations in a document: who is made, what changes, and that nobody goes or comes back by it.

use std::time::Duration;

use anyhow::Result;
use cardea_gateway::declare::Applied;
use cardea_testkit::{Engine, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{apply, problems};
use crate::invitations::{CHOSEN, invited, join, link_to};

stories! {
    people_by_hand_are_made_and_changed_and_never_lost,
    whoever_has_left_or_was_shut_out_is_left_alone,
    an_invitation_is_sent_once_and_withdrawn_when_it_is_left_out,
    people_who_cannot_be_are_named_with_their_place,
}

fn with(section: &str, value: Value) -> Value {
    let mut account = json!({"name": "acme"});
    account[section] = value;
    json!({"version": 1, "accounts": [account]})
}

fn lines(applied: &Applied) -> Vec<String> {
    applied.changes.iter().map(ToString::to_string).collect()
}

fn ben(password: &str, roles: &Value) -> Value {
    with("users", json!([{"email": "Ben@acme.test", "name": "Ben", "password": password, "roles": roles}]))
}

async fn people_by_hand_are_made_and_changed_and_never_lost(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let user = json!([{"service": "registry", "role": "user"}]);
    assert_eq!(lines(&apply(node, &ben(CHOSEN, &user)).await?), ["+ accounts[acme].users[ben@acme.test]"]);
    assert_eq!(lines(&apply(node, &ben(CHOSEN, &user)).await?), [""; 0]);
    let browser = world.browser()?;
    let typed = [("email", "ben@acme.test"), ("password", CHOSEN)];
    assert_eq!(browser.post_form("/login/password", &typed).await?.status, 303);
    let key = browser.make_key("laptop", &["registry"]).await?;
    assert_eq!(world.check(node, &key.secret).await?.json()["allowed"], true);

    // Other roles count at the answer; the session lives on.
    let read = json!([{"team": "vision", "service": "catalog", "role": "read"}]);
    let changed = lines(&apply(node, &ben(CHOSEN, &read)).await?);
    assert_eq!(changed, ["~ accounts[acme].users[ben@acme.test]  roles: registry:user → vision/catalog:read"]);
    assert_eq!(world.check(node, &key.secret).await?.json()["allowed"], false);
    assert_eq!(browser.get("/api/v1/me").await?.json()["orgs"][0]["roles"][0]["team"], "vision");

    // Nobody goes by being left out, and what is not said stays.
    assert_eq!(lines(&apply(node, &with("users", json!([]))).await?), [""; 0]);
    assert_eq!(lines(&apply(node, &with("users", json!([{"email": "ben@acme.test"}]))).await?), [""; 0]);
    let admin = with("users", json!([{"email": "ben@acme.test", "account_role": "admin"}]));
    let changed = lines(&apply(node, &admin).await?);
    assert_eq!(changed, ["~ accounts[acme].users[ben@acme.test]  account_role: member → admin"]);
    assert_eq!(browser.get("/api/v1/me").await?.status, 200);

    // Another password ends the sessions under the old one.
    node.clock.advance(Duration::from_secs(1));
    let changed = lines(&apply(node, &ben("Another-Password-1", &read)).await?);
    assert_eq!(changed, ["~ accounts[acme].users[ben@acme.test]  password: given anew"]);
    assert_eq!(browser.get("/api/v1/me").await?.status, 401);

    // One person has one password: whoever is made in another account with another one is signed out here too.
    let typed = [("email", "ben@acme.test"), ("password", "Another-Password-1")];
    assert_eq!(browser.post_form("/login/password", &typed).await?.status, 303);
    node.clock.advance(Duration::from_secs(1));
    let beta = json!({"name": "beta", "users": [{"email": "ben@acme.test", "password": CHOSEN}]});
    apply(node, &json!({"version": 1, "accounts": [beta]})).await?;
    assert_eq!(browser.get("/api/v1/me").await?.status, 401);
    apply(node, &ben("Another-Password-1", &read)).await?;

    // Whoever is to own the org does; nobody stops owning it by a document.
    let owning = with("users", json!([{"email": "ben@acme.test", "owner": true}]));
    assert_eq!(lines(&apply(node, &owning).await?), ["+ accounts[acme].owners[ben@acme.test]"]);
    let applied = apply(node, &ben("Another-Password-1", &read)).await?;
    assert_eq!(lines(&applied), [""; 0]);
    let said: Vec<&str> = applied.warnings.iter().map(|warning| warning.what.as_str()).collect();
    assert!(said.contains(&"owns the org; nobody stops doing so by a document"), "{said:?}");
    node.finish_jobs().await
}

async fn whoever_has_left_or_was_shut_out_is_left_alone(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    let role = json!([{"service": "registry", "role": "user"}]);
    for (email, end) in [("ben@acme.test", Method::DELETE), ("cy@acme.test", Method::POST)] {
        let document = with("users", json!([{"email": email, "password": CHOSEN, "roles": role}]));
        apply(node, &document).await?;
        let path = format!("/api/v1/orgs/acme/users/{email}");
        let path = if end == Method::POST { format!("{path}/deactivate") } else { path };
        assert_eq!(owner.send(end, &path, &json!({})).await?.status, 200);
        for document in [document, with("invitations", json!([{"email": email}]))] {
            let applied = apply(node, &document).await?;
            assert_eq!(lines(&applied), [""; 0]);
            assert!(applied.warnings.iter().any(|warning| warning.what.starts_with("has left, or")), "{applied:?}");
        }
    }
    // Nor does a document make anybody an owner again whom another owner has removed.
    let document = with("owner", json!({"email": "zoe@acme.test", "password": CHOSEN}));
    apply(node, &document).await?;
    assert_eq!(owner.send(Method::DELETE, "/api/v1/orgs/acme/users/zoe@acme.test", &json!({})).await?.status, 200);
    let applied = apply(node, &document).await?;
    assert_eq!(lines(&applied), [""; 0]);
    assert!(applied.warnings.iter().any(|warning| warning.what.starts_with("has left, or")), "{applied:?}");
    // What rules give no document gives by hand.
    world.sign_in("ana").await?;
    let applied = apply(node, &with("users", json!([{"email": "ana@corp.example", "roles": role}]))).await?;
    assert_eq!(lines(&applied), [""; 0]);
    assert!(applied.warnings.iter().any(|warning| warning.what.starts_with("has roles by rules")), "{applied:?}");
    node.finish_jobs().await
}

async fn an_invitation_is_sent_once_and_withdrawn_when_it_is_left_out(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let cy = |message: &str, roles: Value| {
        with("invitations", json!([{"email": "cy@acme.test", "message": message, "valid_for": "1d", "roles": roles}]))
    };
    let user = json!([{"service": "registry", "role": "user"}]);
    assert_eq!(lines(&apply(node, &cy("Hello", user.clone())).await?), ["+ accounts[acme].invitations[cy@acme.test]"]);
    let first = link_to(node, "cy@acme.test").await?;
    assert_eq!(lines(&apply(node, &cy("Hello\n", user)).await?), [""; 0]);
    let sent = node.mail().await?.len();

    // Other roles need no other link; other words do, and the old link is dead.
    assert_eq!(apply(node, &cy("Hello", json!([]))).await?.changes.len(), 1);
    assert_eq!(node.mail().await?.len(), sent);
    assert_eq!(apply(node, &cy("Hello again", json!([]))).await?.changes.len(), 1);
    let second = link_to(node, "cy@acme.test").await?;
    assert_ne!(first, second);
    assert_eq!(world.browser()?.get(&first).await?.status, 409);

    // Left out is withdrawn; not mentioned is left alone.
    assert_eq!(lines(&apply(node, &json!({"version": 1, "accounts": [{"name": "acme"}]})).await?), [""; 0]);
    assert_eq!(world.browser()?.get(&second).await?.status, 200);
    let gone = lines(&apply(node, &with("invitations", json!([]))).await?);
    assert_eq!(gone, ["- accounts[acme].invitations[cy@acme.test]"]);
    assert_eq!(world.browser()?.get(&second).await?.status, 409);

    // One that came too late is sent anew; whoever has come is asked no more.
    apply(node, &cy("Hello", json!([]))).await?;
    node.clock.advance(Duration::from_secs(2 * 86_400));
    assert_eq!(apply(node, &cy("Hello", json!([]))).await?.changes.len(), 1);
    join(&world, &link_to(node, "cy@acme.test").await?).await?;
    assert_eq!(lines(&apply(node, &cy("Hello", json!([]))).await?), [""; 0]);
    Ok(())
}

#[expect(clippy::too_many_lines, reason = "a table of wrong documents")]
async fn people_who_cannot_be_are_named_with_their_place(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    invited(node, &owner, "two@acme.test", &json!({"owner": true, "account_role": "admin"})).await?;
    for (section, value, expected) in [
        (
            "users",
            json!([{"name": "Nobody"}]),
            "accounts[0].users[0]: needs an `email`, or an identity by which they are found",
        ),
        ("users", json!([{"email": "nobody"}]), "accounts[0].users[0].email: `nobody` is no e-mail address"),
        (
            "users",
            json!([{"email": "a@acme.test", "account_role": "owner"}]),
            "accounts[0].users[0].account_role: an account has one owner, who stands in `owner`",
        ),
        (
            "users",
            json!([{"email": "a@acme.test", "owner": true, "account_role": "member"}]),
            "accounts[0].users[0].account_role: must be `admin` for an owner of the org",
        ),
        (
            "users",
            json!([{"email": "a@acme.test", "roles": [{"team": "audio", "service": "registry", "role": "user"}]}]),
            "accounts[0].users[0].roles[0].team: `audio` is no team of this org",
        ),
        (
            "users",
            json!([{"email": "a@acme.test"}, {"email": "A@ACME.test"}]),
            "accounts[0].users[1].email: `a@acme.test` is taken by `accounts[0].users[0].email`",
        ),
        (
            "users",
            json!([{"email": "a@acme.test", "password": "short"}]),
            "accounts[0].users[0].password: a password has 9",
        ),
        (
            "users",
            json!([{"email": "a@acme.test", "password": {"kept": true}}]),
            "accounts[0].users[0].password: must be given: there is none here that could be kept",
        ),
        (
            "users",
            json!([{"email": "a@else.test", "owner": true}]),
            "accounts[0].users[0].email: all owners have addresses of one domain, here `acme.test`",
        ),
        (
            "users",
            json!([{"identities": [{"connection": "entra", "user_name": "x"}]}]),
            "accounts[0].users[0].identities[0].connection: `entra` is no connection of this account; there is `okta`",
        ),
        (
            "invitations",
            json!([{"email": "x@acme.test", "owner": true}]),
            "accounts[0].invitations[0].account_role: must be `admin` for an owner of the org",
        ),
        (
            "invitations",
            json!([{"email": "x@acme.test", "roles": [{"service": "registry", "role": "emperor"}]}]),
            "accounts[0].invitations[0].roles[0].role: `registry` has no role `emperor`",
        ),
        // Only the moment tells these; nothing of the account is applied either.
        (
            "invitations",
            json!([{"email": "x@acme.test", "valid_for": "9y"}]),
            "accounts[acme].invitations[x@acme.test]: an invitation is good for at least",
        ),
    ] {
        let said = problems(node, &with(section, value)).await?;
        assert!(said.iter().any(|problem| problem.starts_with(expected)), "{expected}\nin {said:#?}");
    }
    let many = json!([{"email": "b@acme.test", "owner": true}, {"email": "c@acme.test", "owner": true},
        {"email": "d@acme.test", "owner": true}]);
    let said = problems(node, &with("users", many)).await?;
    assert!(said.iter().any(|problem| problem.starts_with("accounts[0].users[2].email: ")), "{said:?}");
    Ok(())
}
