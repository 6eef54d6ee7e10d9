//! What goes with a document, what moves, and what stays although nobody names it.

use anyhow::{Context as _, Result};
use cardea_gateway::state::State;
use cardea_gateway::{check, declare, login};
use cardea_model::Caller;
use cardea_model::id::{MemberId, UserId};
use cardea_store::{account, connection, grant, member, person};
use cardea_testkit::clock::TestRandom;
use cardea_testkit::{Engine, stories};
use serde_json::{Value, json};

use super::{SECRETS, apply, changed, dump, example, export, problems, start};

stories! {
    what_is_left_out_goes_and_what_is_not_mentioned_stays,
    a_connection_that_is_left_out_is_off_and_what_hangs_on_it_stays,
    a_domain_and_a_client_move_from_one_account_to_the_next,
    a_team_that_ends_takes_its_roles_with_it_and_never_comes_back,
    a_secret_given_anew_takes_the_place_of_the_old_one,
}

async fn what_is_left_out_goes_and_what_is_not_mentioned_stays(engine: Engine) -> Result<()> {
    let (_database, node) = start(engine).await?;
    apply(&node, &example()).await?;
    let before = dump(&node).await?;
    // Nothing is mentioned, so nothing happens.
    assert_eq!(apply(&node, &json!({"version": 1, "accounts": [{"name": "acme"}]})).await?.changes, []);
    assert_eq!(apply(&node, &json!({"version": 1})).await?.changes, []);
    assert_eq!(dump(&node).await?, before);

    let bare = json!({"version": 1, "clients": [], "accounts": [{"name": "acme", "connections": [], "directories": [],
        "signals": [], "rules": [], "clients": []}]});
    let applied = apply(&node, &bare).await?;
    let mut made: Vec<String> = applied.changes.iter().map(ToString::to_string).collect();
    made.sort();
    assert_eq!(
        made,
        [
            "- accounts[acme].clients[portal]",
            "- accounts[acme].connections[adfs].domains[a.example]",
            "- accounts[acme].connections[okta].domains[corp.example]",
            "- accounts[acme].directories[okta].tokens[primary]",
            "- accounts[acme].rules[AIE admins]",
            "- accounts[acme].signals[okta-events]",
            "- clients[meter]",
            r#"~ accounts[acme].connections[adfs]  stage: "live" → "off""#,
            r#"~ accounts[acme].connections[okta]  stage: "live" → "off""#,
        ]
    );
    assert!(applied.warnings.iter().any(|warning| warning.path == "accounts[acme].connections[okta]"));
    assert_eq!(apply(&node, &bare).await?.changes, []);
    // A connection is never deleted: people are bound to it. What served it is gone.
    let text = serde_json::to_string(&export(&node).await?)?;
    assert!(text.contains(r#""name":"okta""#) && text.contains(r#""stage":"off""#), "{text}");
    assert!(check::authenticate(&node.app, "portal", SECRETS[4]).await.is_err());
    assert!(check::authenticate(&node.app, "meter", SECRETS[6]).await.is_err());

    // It comes back as it was, but for what nobody keeps: the secrets of what was deleted.
    let again = apply(&node, &example_without_operator()?).await?;
    assert!(!again.changes.iter().any(|change| change.to_string() == "+ accounts[acme].connections[okta]"));
    check::authenticate(&node.app, "portal", SECRETS[4]).await?;
    Ok(())
}

fn example_without_operator() -> Result<Value> {
    changed(example(), "/operators", json!([]))
}

async fn a_connection_that_is_left_out_is_off_and_what_hangs_on_it_stays(engine: Engine) -> Result<()> {
    let (_database, node) = start(engine).await?;
    apply(&node, &example()).await?;
    let only = example().pointer("/accounts/0/connections/1").cloned().context("adfs")?;
    let applied = apply(&node, &json!({"version": 1, "accounts": [{"name": "acme", "connections": [only]}]})).await?;
    let made: Vec<String> = applied.changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        made,
        [
            "- accounts[acme].connections[okta].domains[corp.example]",
            r#"~ accounts[acme].connections[okta]  stage: "live" → "off""#,
        ]
    );
    let acme = serde_json::to_value(export(&node).await?.accounts.first().context("acme")?)?;
    assert_eq!(acme.pointer("/connections/1/stage"), Some(&json!("off")));
    assert_eq!(acme.pointer("/connections/1/client_secret"), Some(&json!({"kept": true})));
    assert_eq!(acme.pointer("/rules/0/connection"), Some(&json!("okta")));
    assert_eq!(acme.pointer("/directories/0/tokens/0/name"), Some(&json!("primary")));
    assert_eq!(apply(&node, &example_without_operator()?).await?.changes.len(), 2);
    Ok(())
}

async fn a_domain_and_a_client_move_from_one_account_to_the_next(engine: Engine) -> Result<()> {
    let (_database, node) = start(engine).await?;
    let account = |name: &str, domains: Value, clients: Value| {
        json!({"name": name, "clients": clients, "connections": [{"name": name, "kind": "oidc", "client_id": "gw",
            "client_secret": "s", "issuer": "https://idp.example", "domains": domains, "stage": "live"}]})
    };
    let portal = json!([{"client_id": "portal", "name": "Portal", "secret": "s"}]);
    let before = json!({"version": 1, "accounts": [account("alpha", json!(["corp.example"]), portal.clone()),
        account("beta", json!([]), json!([]))]});
    apply(&node, &before).await?;
    let after = json!({"version": 1, "accounts": [account("alpha", json!([]), json!([])),
        account("beta", json!(["corp.example"]), portal)]});
    let state: State = serde_json::from_value(after.clone())?;
    let planned = declare::plan(&node.app, &node.app.ctx(Caller::System("test")), &state).await?.changes;
    assert_eq!(apply(&node, &after).await?.changes, planned);
    let holder = connection::of_domain(&mut node.app.db.read().await?, "corp.example").await?.context("a holder")?;
    assert_eq!(holder.name, "beta");
    // Within one account a domain moves too.
    let within = json!({"version": 1, "accounts": [{"name": "beta", "connections": [
        {"name": "beta-2", "kind": "oidc", "client_id": "gw", "client_secret": "s", "issuer": "https://idp.example",
            "domains": ["corp.example"]}]}]});
    apply(&node, &within).await?;
    let holder = connection::of_domain(&mut node.app.db.read().await?, "corp.example").await?.context("a holder")?;
    assert_eq!(holder.name, "beta-2");
    Ok(())
}

async fn a_team_that_ends_takes_its_roles_with_it_and_never_comes_back(engine: Engine) -> Result<()> {
    let (_database, node) = start(engine).await?;
    let team = |names: &[&str]| {
        let teams: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
        json!({"version": 1, "accounts": [{"name": "acme", "org": {"name": "acme", "teams": teams}}]})
    };
    apply(&node, &team(&["vision", "audio"])).await?;
    let (app, now) = (&node.app, node.app.clock.now());
    let row = account::named(&mut app.db.read().await?, "acme").await?.context("acme")?;
    let teams = account::teams(&mut app.db.read().await?, row.org).await?;
    let vision = teams.iter().find(|team| team.name == "vision").context("vision")?.id.to_string();
    let (user, id) = (UserId::new(now, &TestRandom), MemberId::new(now, &TestRandom));
    let mut tx = app.db.write().await?;
    person::add(&mut tx, user, "Ana", None, None, now).await?;
    member::add(&mut tx, id, row.id, user, "member", now).await?;
    let role = grant::Role { team_id: &vision, service: "registry", role: "user" };
    grant::add(&mut tx, id, role, "test", now).await?;
    tx.commit().await?;
    let version = |member: Option<member::Member>| member.map(|member| member.rules.version);
    let before = version(member::find(&mut app.db.read().await?, id).await?).context("Ana")?;

    apply(&node, &team(&["audio"])).await?;
    // What nodes remember of her roles is void, and the roles are gone.
    let mut conn = app.db.read().await?;
    assert!(version(member::find(&mut conn, id).await?) > Some(before));
    assert_eq!(grant::of(&mut conn, id).await?, []);
    drop(conn);
    let said = problems(&node, &team(&["audio", "vision"])).await?;
    assert_eq!(
        said,
        [
            "accounts[0].org.teams[1].name: `vision` was a team that has ended; its name is never given again, because keys name it"
        ]
    );
    Ok(())
}

async fn a_secret_given_anew_takes_the_place_of_the_old_one(engine: Engine) -> Result<()> {
    let (_database, node) = start(engine).await?;
    apply(&node, &example_without_operator()?).await?;
    for (pointer, value, expected) in [
        (
            "/accounts/0/clients/0/secret",
            "another-client-secret",
            "~ accounts[acme].clients[portal]  secret: given anew",
        ),
        (
            "/accounts/0/connections/0/client_secret",
            "another-upstream-secret",
            "~ accounts[acme].connections[okta]  client_secret: given anew",
        ),
        (
            "/accounts/0/directories/0/tokens/0/secret",
            "another-directory-secret",
            "~ accounts[acme].directories[okta].tokens[primary]  secret: given anew",
        ),
        (
            "/accounts/0/signals/0/authorization",
            "Bearer another",
            "~ accounts[acme].signals[okta-events]  authorization: given anew",
        ),
        (
            "/accounts/0/clients/0/webhooks/0/secret",
            "another-webhook-secret",
            "~ accounts[acme].clients[portal].webhooks[https://hooks.example/a]  secret: given anew",
        ),
        (
            "/accounts/0/owner/password",
            "Another-Password-1",
            "~ accounts[acme].owners[owner@acme.test]  password: given anew",
        ),
    ] {
        let document = changed(example_without_operator()?, pointer, json!(value))?;
        let made: Vec<String> = apply(&node, &document).await?.changes.iter().map(ToString::to_string).collect();
        assert_eq!(made, [expected]);
        assert_eq!(apply(&node, &document).await?.changes, []);
        if pointer == "/accounts/0/clients/0/secret" {
            node.catch_up().await?;
            check::authenticate(&node.app, "portal", value).await?;
            assert!(check::authenticate(&node.app, "portal", SECRETS[4]).await.is_err());
        }
        if pointer == "/accounts/0/owner/password" {
            let nobody = node.app.ctx(Caller::Nobody);
            login::local::sign_in(&node.app, &nobody, "owner@acme.test", value.into()).await?;
            assert!(login::local::sign_in(&node.app, &nobody, "owner@acme.test", SECRETS[0].into()).await.is_err());
        }
        apply(&node, &example_without_operator()?).await?;
    }
    Ok(())
}
