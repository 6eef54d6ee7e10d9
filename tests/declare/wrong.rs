//! Documents that cannot be: nothing of them is applied, and every mistake is named with its place.

use anyhow::{Context as _, Result};
use cardea_gateway::declare;
use cardea_gateway::state::State;
use cardea_model::{Caller, Fault as _, Kind};
use cardea_store::{account, connection};
use cardea_testkit::clock::TestRandom;
use cardea_testkit::{Engine, stories};
use cardea_tokens::format::{Prefix, Secret};
use serde_json::json;

use super::{SECRETS, apply, changed, example, operator_token, problems, start};

stories! {
    a_wrong_document_changes_nothing_and_names_every_place,
    what_belongs_to_others_is_refused,
    only_operators_declare,
}

#[expect(clippy::too_many_lines, reason = "a table of wrong documents")]
async fn a_wrong_document_changes_nothing_and_names_every_place(engine: Engine) -> Result<()> {
    let (_database, node) = start(engine).await?;
    // The second account is wrong, so the first is not made either.
    let second = changed(example(), "/accounts/-", json!({"name": "acme"}))?;
    assert_eq!(problems(&node, &second).await?, ["accounts[1].name: `acme` is taken by `accounts[0].name`"]);
    let second = changed(
        example(),
        "/accounts/-",
        json!({"name": "beta", "owner": {"email": "o@beta.test",
        "password": "short"}}),
    )?;
    let said = problems(&node, &second).await?;
    assert!(said.iter().any(|problem| problem.starts_with("accounts[1].owner.password: a password has 9")), "{said:?}");

    let other = json!({"name": "beta", "owner": {"email": "OWNER@acme.test", "password": "Another-Password-1"}});
    let said = problems(&node, &changed(example(), "/accounts/-", other)?).await?;
    let expected =
        "accounts[1].owner.password: is another than for the same person of `acme`; a person has one password";
    assert_eq!(said, [expected]);
    let token = operator_token();
    let twice = json!([{"name": "a", "token": token}, {"name": "b", "token": token}]);
    let said = problems(&node, &changed(example(), "/operators", twice)?).await?;
    assert_eq!(said, ["operators[1].token: is the token of the operator `a`"]);

    for (pointer, value, expected) in [
        (
            "/operators/0/token",
            json!("cdao_made-up"),
            "operators[0].token: is no operator token; make one with `cardea operator create --print-only`",
        ),
        (
            "/operators/0/token",
            json!(Secret::generate(Prefix::Directory, &TestRandom).expose()),
            "operators[0].token: is no operator token; make one with `cardea operator create --print-only`",
        ),
        (
            "/accounts/0/rules",
            json!([{"name": "Too curious", "connection": "okta", "grants": [{"service": "registry", "role": "user"}],
                "any_of": (0..21).map(|claim| json!({"claim": format!("claim {claim}"), "equals": "x"})).collect::<Vec<_>>()}]),
            "accounts[0].rules: the rules of an org read at most 20 claims",
        ),
        (
            "/accounts/0/org/keys",
            json!({"max_age": "5m", "legacy": false}),
            "accounts[0].org.keys.max_age: must lie between `1h` and `100y`",
        ),
        (
            "/operators/0",
            json!({"name": "ci"}),
            "operators[0].token: must be given: there is none here that could be kept",
        ),
        (
            "/accounts/0/connections/0/client_secret",
            json!({"kept": true}),
            "accounts[0].connections[0].client_secret: must be given: there is none here that could be kept",
        ),
        (
            "/accounts/0/clients/0/webhooks/0/secret",
            json!({"kept": true}),
            "accounts[0].clients[0].webhooks[0].secret: must be given: there is none here that could be kept",
        ),
        (
            "/accounts/0/signals/0/authorization",
            json!({"kept": true}),
            "accounts[0].signals[0].authorization: must be given: there is none here that could be kept",
        ),
        (
            "/accounts/0/owner/password",
            json!({"kept": true}),
            "accounts[0].owner.password: must be given: there is none here that could be kept",
        ),
        (
            "/accounts/0/directories/-",
            json!({"connection": "adfs", "tokens": [{"name": "t", "secret": SECRETS[2]}]}),
            "accounts[0].directories[1].tokens[0].secret: is another directory token's; a token alone must tell its directory",
        ),
    ] {
        let said = problems(&node, &changed(example(), pointer, value)?).await?;
        assert!(said.iter().any(|problem| problem == expected), "{expected}\nin {said:#?}");
    }

    // Nobody could sign in through it: that address is where passwords are typed. Switched off it harms nobody.
    let named = changed(example(), "/accounts/0/connections/0/name", json!("password"))?;
    let said = problems(&node, &named).await?;
    let expected = "accounts[0].connections[0].name: `password` is the name of signing in here, without a provider";
    assert!(said.iter().any(|problem| problem == expected), "{said:#?}");
    let said = problems(&node, &changed(named, "/accounts/0/connections/0/stage", json!("off"))?).await?;
    assert!(!said.iter().any(|problem| problem == expected), "{said:#?}");

    // A section alone is checked together with what stands beside it.
    apply(&node, &example()).await?;
    let rules = json!([{"name": "r", "connection": "entra", "any_of": [{"equals": "g"}],
        "grants": [{"team": "audio", "service": "registry", "role": "admin"}]}]);
    let alone = json!({"version": 1, "accounts": [{"name": "acme", "rules": rules}]});
    assert_eq!(
        problems(&node, &alone).await?,
        [
            "accounts[0].rules[0].connection: `entra` is no connection of this account; there is `adfs`, `okta`",
            "accounts[0].rules[0].grants[0].team: `audio` is no team of this org",
        ]
    );
    Ok(())
}

async fn what_belongs_to_others_is_refused(engine: Engine) -> Result<()> {
    let (_database, node) = start(engine).await?;
    apply(&node, &example()).await?;
    let beta = json!({"version": 1, "accounts": [{
        "name": "beta",
        "org": {"name": "acme"},
        "connections": [
            {"name": "okta", "kind": "oidc", "issuer": "https://idp.example", "client_id": "gw", "client_secret": "s"},
            {"name": "beta", "kind": "oidc", "issuer": "https://idp.example", "client_id": "gw", "client_secret": "s",
                "domains": ["Corp.Example"]}],
        "directories": [{"connection": "beta", "tokens": [{"name": "t", "secret": SECRETS[2]}]}],
        "signals": [{"name": "okta-events", "connection": "beta", "delivery": "poll",
            "transmitter": "https://idp.example"}],
        "clients": [{"client_id": "portal", "name": "P"}, {"client_id": "meter", "name": "M"}]
    }]});
    assert_eq!(
        problems(&node, &beta).await?,
        [
            "accounts[0].org.name: `acme` is another account's",
            "accounts[0].connections[0].name: `okta` is another account's connection",
            "accounts[0].connections[1].domains[0]: `corp.example` belongs to the connection `okta` of another account",
            "accounts[0].directories[0].tokens[0].secret: is another directory token's; a token alone must tell its directory",
            "accounts[0].signals[0].name: `okta-events` is another account's stream",
            "accounts[0].clients[0].client_id: `portal` is a client of another account or of the operator",
            "accounts[0].clients[1].client_id: `meter` is a client of another account or of the operator",
        ]
    );
    let renamed = json!({"version": 1, "accounts": [{"name": "acme", "org": {"name": "acme-2"},
        "owner": {"email": "boss@elsewhere.test"}}], "operators": [{"name": "other", "token": "?"}]});
    let token = operator_token();
    apply(&node, &json!({"version": 1, "operators": [{"name": "deploy", "token": token}]})).await?;
    let said = problems(&node, &changed(renamed, "/operators/0/token", json!(token))?).await?;
    assert_eq!(
        said,
        [
            "accounts[0].org.name: an org keeps its name, because keys name it; this one is `acme`",
            "accounts[0].owner.email: all owners have addresses of one domain, here `acme.test`",
            "operators[0].token: is the token of the operator `deploy`",
        ]
    );
    Ok(())
}

async fn only_operators_declare(engine: Engine) -> Result<()> {
    let (_database, node) = start(engine).await?;
    let state: State = serde_json::from_value(example())?;
    let row = {
        apply(&node, &example()).await?;
        account::named(&mut node.app.db.read().await?, "acme").await?.context("acme")?
    };
    let okta = connection::named(&mut node.app.db.read().await?, "okta").await?.context("okta")?;
    let directory = Caller::Directory { connection: okta.id, account: row.id };
    for (caller, kind) in [(Caller::Nobody, Kind::Unauthenticated), (directory, Kind::Refused)] {
        let ctx = node.app.ctx(caller);
        let refused = [
            declare::plan(&node.app, &ctx, &state).await.err(),
            declare::apply(&node.app, &ctx, &state).await.err(),
            declare::export(&node.app, &ctx).await.err(),
        ];
        for error in refused {
            assert_eq!(error.map(|error| error.kind()), Some(kind));
        }
    }
    Ok(())
}
