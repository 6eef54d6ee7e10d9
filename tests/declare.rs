//! One document says what the instance is: it is applied once, applied again to no effect, and said back without secrets.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use cardea_gateway::declare::{self, Applied, DeclareError};
use cardea_gateway::state::State;
use cardea_gateway::{check, login, people};
use cardea_model::id::{MemberId, UserId};
use cardea_model::numbers::HoldKind;
use cardea_model::{Caller, Fault as _, Kind};
use cardea_store::db::{DbError, Engine as Driver, FromRow, Row, Sql};
use cardea_store::{account, connection, grant, hold, member, person};
use cardea_testkit::clock::TestRandom;
use cardea_testkit::world::OWNER;
use cardea_testkit::{Browser, Database, Engine, Node, NodeBuilder, World, stories};
use cardea_tokens::format::{Prefix, Secret};
use serde_json::{Value, json};

stories! {
    the_example_is_applied_once_and_then_stands,
    what_is_exported_is_applied_to_no_effect,
    no_secret_is_ever_said_back_or_written_down,
    a_plan_tells_what_apply_does_and_writes_nothing,
    two_applies_at_once_make_each_thing_once,
    a_wrong_document_changes_nothing_and_names_every_place,
    what_belongs_to_others_is_refused,
    what_is_left_out_goes_and_what_is_not_mentioned_stays,
    a_connection_that_is_left_out_is_off_and_what_hangs_on_it_stays,
    a_domain_and_a_client_move_from_one_account_to_the_next,
    a_team_that_ends_takes_its_roles_with_it_and_never_comes_back,
    a_secret_given_anew_takes_the_place_of_the_old_one,
    only_operators_declare,
    a_password_given_anew_ends_the_sessions_under_the_old_one,
    a_connection_that_is_switched_off_ends_the_sessions_through_it,
    roles_end_with_the_rule_that_gave_them,
    a_rule_sees_the_groups_of_its_own_connection_only,
    an_operator_lets_an_owner_in_whoever_has_shut_the_door,
}

/// Every secret of the example but the operator's token, which has a form of its own.
const SECRETS: [&str; 7] = [
    "Owner-Password-1",
    "connection-secret-2",
    "directory-secret-3",
    "Bearer signal-secret-4",
    "client-secret-5",
    "webhook-secret-6",
    "operators-client-secret-7",
];

fn operator_token() -> String {
    Secret::generate(Prefix::Operator, &TestRandom).expose().to_owned()
}

/// The contract's example, with a webhook and an operator's client besides.
fn example() -> Value {
    let [owner, upstream, directory, signal, client, webhook, own] = SECRETS;
    json!({
        "version": 1,
        "operators": [{"name": "ci", "token": operator_token()}],
        "accounts": [{
            "name": "acme",
            "owner": {"email": "owner@acme.test", "password": owner},
            "recovery_email": "it@acme-recovery.test",
            "org": {
                "name": "acme", "kind": "enterprise",
                "services": ["catalog", "registry", "public_api_endpoints"],
                "teams": [{"name": "vision", "description": "Computer vision"}]
            },
            "connections": [
                {
                    "name": "okta", "kind": "oidc", "issuer": "http://127.0.0.1:4010", "client_id": "gw",
                    "client_secret": upstream, "token_auth": "basic",
                    "scopes": ["openid", "profile", "email", "groups"],
                    "groups": {"claim": "groups", "from": "claims", "on_missing": "treat_as_empty"},
                    "subject_claim": "sub", "trust_email": "never", "domains": ["corp.example"], "jit": true,
                    "stage": "live"
                },
                {
                    "name": "adfs", "kind": "saml", "metadata": "<EntityDescriptor/>",
                    "attributes": {"subject": "name_id", "email": "mail", "given_name": "givenName",
                        "family_name": "sn", "groups": "memberOf"},
                    "idp_initiated": false, "domains": ["a.example"], "stage": "live"
                }
            ],
            "directories": [{"connection": "okta", "tokens": [{"name": "primary", "secret": directory}]}],
            "signals": [{
                "name": "okta-events", "connection": "okta", "delivery": "push", "issuer": "http://127.0.0.1:9400",
                "jwks_url": "http://127.0.0.1:9400/jwks.json",
                "audience": "http://127.0.0.1:8700/signals/okta-events", "profile": "final", "authorization": signal
            }],
            "rules": [{
                "name": "AIE admins", "connection": "okta", "any_of": [{"equals": "NGC_AIE_PR_Admin"}],
                "account_role": "member",
                "grants": [{"service": "registry", "role": "admin"},
                    {"team": "vision", "service": "catalog", "role": "read"}]
            }],
            "rules_state": "active",
            "clients": [{
                "client_id": "portal", "name": "Portal", "secret": client,
                "redirect_uris": ["http://127.0.0.1:9/cb"], "grants": ["authorization_code", "refresh_token"],
                "resource_server": true, "services": ["registry", "catalog"], "token_format": "opaque",
                "webhooks": [{"url": "https://hooks.example/a", "secret": webhook}]
            }]
        }],
        "clients": [{"client_id": "meter", "name": "Meter", "secret": own, "resource_server": true,
            "services": ["catalog"]}]
    })
}

/// The example with the value at `pointer` replaced, added, or appended at `/-`.
fn changed(mut document: Value, pointer: &str, value: Value) -> Result<Value> {
    let (parent, key) = pointer.rsplit_once('/').context("a pointer")?;
    let parent = document.pointer_mut(parent).with_context(|| format!("{pointer} in the example"))?;
    match (key, parent) {
        ("-", Value::Array(list)) => list.push(value),
        (key, Value::Object(fields)) => drop(fields.insert(key.to_owned(), value)),
        (key, parent) => *parent.get_mut(key.parse::<usize>()?).context("an item")? = value,
    }
    Ok(document)
}

async fn start(engine: Engine) -> Result<(Database, Node)> {
    let database = Database::fresh(engine)?;
    let node = Node::start(&database).await?;
    Ok((database, node))
}

async fn apply(node: &Node, document: &Value) -> Result<Applied, DeclareError> {
    let state: State = serde_json::from_value(document.clone()).map_err(|_| DeclareError::Corrupt("story"))?;
    declare::apply(&node.app, &node.app.ctx(Caller::System("test")), &state).await
}

async fn export(node: &Node) -> Result<State> {
    Ok(declare::export(&node.app, &node.app.ctx(Caller::System("test"))).await?)
}

/// What is wrong with the document, of which nothing may be applied.
async fn problems(node: &Node, document: &Value) -> Result<Vec<String>> {
    let before = dump(node).await?;
    let said = match apply(node, document).await {
        Err(DeclareError::Problems(problems)) => problems.iter().map(ToString::to_string).collect(),
        other => bail!("expected problems: {other:?}"),
    };
    assert_eq!(dump(node).await?, before, "{said:?}");
    Ok(said)
}

/// The tables with their columns and whether each holds bytes, from the migrations themselves.
fn tables() -> Vec<(&'static str, Vec<(&'static str, bool)>)> {
    let migrations = [
        include_str!("../migrations/0001_foundation.sql"),
        include_str!("../migrations/0002_mail.sql"),
        include_str!("../migrations/0003_people.sql"),
        include_str!("../migrations/0006_oauth.sql"),
    ];
    let column = |line: &'static str| {
        let mut words = line.split_whitespace();
        Some((words.next()?, words.next()?.trim_end_matches(',') == "BYTEA"))
    };
    let mut tables: Vec<(&str, Vec<_>)> = Vec::new();
    for statement in migrations.iter().flat_map(|text| text.split(';')) {
        if let Some((name, body)) =
            statement.split_once("CREATE TABLE ").and_then(|(_, table)| table.split_once(" (\n"))
        {
            let columns = body.lines().map(str::trim).filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
            tables.push((name, columns.filter_map(column).collect()));
        }
        if let Some((name, line)) =
            statement.split_once("ALTER TABLE ").and_then(|(_, change)| change.split_once(" ADD COLUMN "))
        {
            let table = tables.iter_mut().find(|(known, _)| *known == name);
            table.unwrap_or_else(|| panic!("no table {name}")).1.extend(column(line));
        }
        if let Some((_, name)) = statement.split_once("DROP TABLE ") {
            tables.retain(|(known, _)| *known != name);
        }
    }
    tables
}

/// Everything that a document can change: what nodes write about themselves is left out, and the places that the sealer
/// gives to audit events.
async fn dump(node: &Node) -> Result<String> {
    let mut text = String::new();
    for (table, columns) in tables() {
        let kept: Vec<_> = match table {
            "setting" | "node" | "node_applied" => continue,
            "audit" => columns.into_iter().filter(|(name, _)| !matches!(*name, "seq" | "hash")).collect(),
            _ => columns,
        };
        let shown = kept.iter().map(|(name, bytes)| match (bytes, node.app.db.engine()) {
            (true, Driver::Sqlite) => format!("COALESCE(hex({name}), '')"),
            (true, Driver::Postgres) => format!("COALESCE(upper(encode({name}, 'hex')), '')"),
            (false, _) => format!("COALESCE(CAST({name} AS TEXT), '')"),
        });
        let row = shown.collect::<Vec<_>>().join(" || '|' || ");
        let filter = if table == "counter" { " WHERE name = 'feed'" } else { "" };
        let rows = ask(node, format!("SELECT {row} FROM {table}{filter} ORDER BY 1")).await?;
        writeln!(text, "{table}\n{}", rows.join("\n"))?;
    }
    Ok(text)
}

async fn ask(node: &Node, text: String) -> Result<Vec<String>> {
    struct First(String);
    impl FromRow for First {
        fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
            String::from_row(row).map(Self)
        }
    }
    let sql = Sql { text: text.leak(), file: file!(), line: line!() };
    let rows: Vec<First> = node.app.db.read().await?.all(sql, &[]).await?;
    Ok(rows.into_iter().map(|First(text)| text).collect())
}

async fn the_example_is_applied_once_and_then_stands(engine: Engine) -> Result<()> {
    let (_database, node) = start(engine).await?;
    let document = example();
    let first = apply(&node, &document).await?;
    let made: Vec<String> = first.changes.iter().map(ToString::to_string).collect();
    let expected = [
        "+ accounts[acme]",
        "+ accounts[acme].owners[owner@acme.test]",
        "~ accounts[acme]  recovery_email: it@acme-recovery.test",
        "+ accounts[acme].org.teams[vision]",
        "+ accounts[acme].connections[okta]",
        "+ accounts[acme].connections[adfs]",
        "+ accounts[acme].connections[okta].domains[corp.example]",
        "+ accounts[acme].connections[adfs].domains[a.example]",
        "+ accounts[acme].directories[okta].tokens[primary]",
        "+ accounts[acme].rules[AIE admins]",
        "~ accounts[acme]  rules_state: draft → active",
        "+ accounts[acme].clients[portal]",
        "+ accounts[acme].clients[portal].webhooks[https://hooks.example/a]",
        "+ accounts[acme].signals[okta-events]",
        "+ operators[ci]",
        "+ clients[meter]",
    ];
    for line in expected {
        assert!(made.iter().any(|change| change == line), "{line} in {made:#?}");
    }
    let warned: Vec<&str> = first.warnings.iter().map(|warning| warning.path.as_str()).collect();
    for path in [
        "accounts[acme].connections[adfs]",
        "accounts[acme].signals[okta-events]",
        "accounts[acme].clients[portal].webhooks",
    ] {
        assert!(warned.contains(&path), "{path} in {warned:?}");
    }

    // The second time nothing happens: no change, no row, no version, no audit event, no word to the other nodes.
    let before = dump(&node).await?;
    let second = apply(&node, &document).await?;
    assert_eq!(second.changes, []);
    assert_eq!(dump(&node).await?, before);

    // What it says is so: the portal is who it says, the owner gets in, the operator is known.
    check::authenticate(&node.app, "portal", SECRETS[4]).await?;
    check::authenticate(&node.app, "meter", SECRETS[6]).await?;
    let nobody = node.app.ctx(Caller::Nobody);
    login::local::sign_in(&node.app, &nobody, "owner@acme.test", SECRETS[0].into()).await?;
    let token = document.pointer("/operators/0/token").and_then(Value::as_str).context("a token")?;
    assert!(matches!(cardea_gateway::accounts::operator(&node.app, token).await?, Caller::Operator(_)));
    Ok(())
}

async fn what_is_exported_is_applied_to_no_effect(engine: Engine) -> Result<()> {
    let (_database, node) = start(engine).await?;
    apply(&node, &example()).await?;
    let other = json!({"version": 1, "accounts": [{"name": "umbrella"}, {"name": "alpha", "org": {"name": "alpha",
        "kind": "individual"}}]});
    apply(&node, &other).await?;
    let exported = export(&node).await?;
    let text = serde_json::to_string(&exported)?;
    let names: Vec<&str> = exported.accounts.iter().map(|account| account.name.as_str()).collect();
    assert_eq!(names, ["acme", "alpha", "umbrella"]);

    let before = dump(&node).await?;
    let again = apply(&node, &serde_json::to_value(&exported)?).await?;
    assert_eq!(again.changes, []);
    assert_eq!(dump(&node).await?, before);
    assert_eq!(serde_json::to_string(&export(&node).await?)?, text);

    // Every section of the example is there, in words that mean the same.
    let acme = serde_json::to_value(exported.accounts.first().context("acme")?)?;
    for (pointer, expected) in [
        ("/owner", json!({"email": "owner@acme.test", "password": {"kept": true}})),
        ("/connections/0/name", json!("adfs")),
        ("/connections/0/metadata", json!("<EntityDescriptor/>")),
        ("/connections/1/client_secret", json!({"kept": true})),
        ("/connections/1/domains", json!(["corp.example"])),
        ("/connections/1/stage", json!("live")),
        ("/directories", json!([{"connection": "okta", "tokens": [{"name": "primary", "secret": {"kept": true}}]}])),
        ("/signals/0/authorization", json!({"kept": true})),
        ("/rules/0/any_of", json!([{"equals": "NGC_AIE_PR_Admin"}])),
        ("/rules_state", json!("active")),
        ("/clients/0/webhooks/0/secret", json!({"kept": true})),
        ("/org/services", json!(["catalog", "public_api_endpoints", "registry"])),
    ] {
        assert_eq!(acme.pointer(pointer), Some(&expected), "{pointer} in {acme:#}");
    }
    Ok(())
}

async fn no_secret_is_ever_said_back_or_written_down(engine: Engine) -> Result<()> {
    let (_database, node) = start(engine).await?;
    let document = example();
    let applied = apply(&node, &document).await?;
    let token = document.pointer("/operators/0/token").and_then(Value::as_str).context("a token")?;
    let said = format!("{}{applied:?}", serde_json::to_string(&applied)?);
    let exported = serde_json::to_string(&export(&node).await?)?;
    let stored = dump(&node).await?;
    for secret in SECRETS.into_iter().chain([token]) {
        let bytes = secret.bytes().fold(String::new(), |text, byte| format!("{text}{byte:02X}"));
        for (place, text) in [("the answer", &said), ("the export", &exported), ("the database", &stored)] {
            assert!(!text.contains(secret) && !text.contains(&bytes), "{secret} in {place}");
        }
    }
    assert!(
        stored.contains("domain.added") && stored.contains(r#""proof":"operator""#),
        "an operator's word is audited"
    );
    Ok(())
}

async fn a_plan_tells_what_apply_does_and_writes_nothing(engine: Engine) -> Result<()> {
    let (_database, node) = start(engine).await?;
    let ctx = node.app.ctx(Caller::System("test"));
    let document = example();
    let edited = changed(document.clone(), "/accounts/0/connections/0/issuer", json!("http://127.0.0.1:4011"))?;
    let edited = changed(edited, "/accounts/0/rules", json!([]))?;
    for document in [document, edited] {
        let state: State = serde_json::from_value(document.clone())?;
        let before = dump(&node).await?;
        let plan = declare::plan(&node.app, &ctx, &state).await?;
        assert_eq!(dump(&node).await?, before);
        let applied = apply(&node, &document).await?;
        assert_eq!((plan.changes, plan.warnings), (applied.changes, applied.warnings));
        assert_eq!(declare::plan(&node.app, &ctx, &state).await?.changes, []);
    }
    Ok(())
}

async fn two_applies_at_once_make_each_thing_once(engine: Engine) -> Result<()> {
    let (database, one) = start(engine).await?;
    let two = NodeBuilder::default().named("two").start(&database).await?;
    for run in 0..20 {
        let (name, label) = (format!("acme-{run}"), |what: &str| format!("{what}-{run}"));
        let mut document = json!({"version": 1, "accounts": [{
            "name": name,
            "owner": {"email": format!("owner@{name}.test")},
            "org": {"name": name, "services": ["registry"], "teams": [{"name": "vision"}, {"name": "audio"}]},
            "connections": [{"name": label("okta"), "kind": "oidc", "issuer": "https://idp.example", "client_id": "gw",
                "client_secret": "s", "domains": [format!("corp{run}.example")], "stage": "live"}],
            "directories": [{"connection": label("okta"), "tokens": [{"name": "t", "secret": label("token")}]}],
            "rules": [{"name": "r", "connection": label("okta"), "any_of": [{"equals": "g"}],
                "grants": [{"service": "registry", "role": "user"}]}],
            "clients": [{"client_id": label("portal"), "name": "P", "secret": "s", "resource_server": true,
                "webhooks": [{"url": "https://hooks.example", "secret": "s"}]}],
        }]});
        // Both hash the password of somebody who does not exist yet; the slower one has to look again.
        if run % 5 == 0 {
            document = changed(document, "/accounts/0/owner/password", json!(SECRETS[0]))?;
        }
        let (first, second) = tokio::join!(apply(&one, &document), apply(&two, &document));
        let applied: Vec<Applied> = [first, second].into_iter().collect::<Result<_, _>>()?;
        let (busy, idle): (Vec<_>, Vec<_>) = applied.iter().partition(|applied| !applied.changes.is_empty());
        assert_eq!((busy.len(), idle.len()), (1, 1), "one does all of it, the other nothing: {applied:#?}");
        assert_eq!(apply(&one, &document).await?.changes, []);
    }
    for (table, expected) in [
        ("account", 20),
        ("team", 40),
        ("person", 20),
        ("member", 20),
        ("connection", 20),
        ("rule", 20),
        ("client", 20),
    ] {
        assert_eq!(ask(&one, format!("SELECT CAST(COUNT(*) AS TEXT) FROM {table}")).await?, [expected.to_string()]);
    }
    for action in ["account.created", "owner.added", "connection.added", "client.added", "webhook.added"] {
        let count = format!("SELECT CAST(COUNT(*) AS TEXT) FROM audit WHERE action = '{action}'");
        assert_eq!(ask(&one, count).await?, ["20"], "{action}");
    }
    Ok(())
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
        "accounts[1].owner.password: is another than for the same owner of `acme`; a person has one password";
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

/// The usual state with the value at `pointer` replaced.
fn usual(world: &World, pointer: &str, value: Value) -> Result<Value> {
    changed(cardea_testkit::world::state(world.provider.issuer()), pointer, value)
}

async fn a_password_given_anew_ends_the_sessions_under_the_old_one(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let beta = json!({"version": 1, "accounts": [{"name": "beta", "owner": {"email": OWNER.0}}]});
    world.node().apply(beta).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    world.node().clock.advance(Duration::from_secs(1));
    world.node().apply(usual(&world, "/accounts/0/owner/password", json!("Another-Password-1"))?).await?;
    assert_eq!(owner.get("/api/v1/me").await?.status, 401);
    assert_eq!(ana.get("/api/v1/me").await?.status, 200, "nobody else's");
    // The same person in another account: a password is one.
    let ends = "SELECT cause FROM receipt ORDER BY seq".to_owned();
    assert_eq!(ask(world.node(), ends.clone()).await?, ["password_changed", "password_changed"]);
    world.node().apply(usual(&world, "/accounts/0/owner/password", json!("Another-Password-1"))?).await?;
    assert_eq!(ask(world.node(), ends).await?.len(), 2, "the same password again ends nothing");
    world.node().finish_jobs().await
}

async fn a_connection_that_is_switched_off_ends_the_sessions_through_it(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    let key = ana.make_key("laptop", &["registry"]).await?;
    world.node().clock.advance(Duration::from_secs(1));
    world.node().apply(usual(&world, "/accounts/0/connections/0/stage", json!("off"))?).await?;
    assert_eq!(ana.get("/api/v1/me").await?.status, 401);
    assert_eq!(owner.get("/api/v1/me").await?.status, 200);
    assert_eq!(ask(world.node(), "SELECT cause FROM receipt".to_owned()).await?, ["connection_off"]);
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true, "keys live on");
    world.node().finish_jobs().await
}

async fn roles_end_with_the_rule_that_gave_them(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let rule = usual(&world, "/version", json!(1))?.pointer("/accounts/0/rules/0").cloned().context("a rule")?;
    let narrowed = changed(rule.clone(), "/grants", json!([{"team": "vision", "service": "catalog", "role": "read"}]))?;
    let left = ["catalog:read"];
    for (pointer, value, left) in [
        ("/accounts/0/rules", json!([]), [].as_slice()),
        ("/accounts/0/rules_state", json!("draft"), [].as_slice()),
        ("/accounts/0/rules", json!([narrowed]), left.as_slice()),
    ] {
        world.node().apply(usual(&world, "/version", json!(1))?).await?;
        let ana = world.sign_in("ana").await?;
        let key = ana.make_key(&format!("laptop {pointer} {left:?}"), &["registry"]).await?;
        assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true, "{pointer}");
        world.node().apply(usual(&world, pointer, value)?).await?;
        world.node().catch_up().await?;
        assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], false, "{pointer}");
        assert_eq!(roles(&ana).await?, left, "{pointer}: the session lives on");
    }
    Ok(())
}

/// The roles of whoever asks, as their own page lists them.
async fn roles(browser: &Browser) -> Result<Vec<String>> {
    let me = browser.get("/api/v1/me").await?.json();
    let roles = me.pointer("/orgs/0/roles").and_then(Value::as_array).context("roles")?;
    Ok(roles.iter().map(|role| format!("{}:{}", role["service"], role["role"]).replace('"', "")).collect())
}

async fn a_rule_sees_the_groups_of_its_own_connection_only(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    assert_ne!(roles(&ana).await?, [""; 0]);
    let entra = json!({"name": "entra", "kind": "oidc", "issuer": "https://idp.example", "client_id": "gw",
        "client_secret": "s", "stage": "live"});
    let document = usual(&world, "/accounts/0/connections/-", entra)?;
    let elsewhere = changed(document, "/accounts/0/rules/0/connection", json!("entra"))?;
    world.node().apply(elsewhere).await?;
    assert_eq!(roles(&ana).await?, [""; 0], "the same words of another connection are another group");
    world.node().apply(usual(&world, "/version", json!(1))?).await?;
    assert_ne!(roles(&ana).await?, [""; 0]);
    Ok(())
}

async fn an_operator_lets_an_owner_in_whoever_has_shut_the_door(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let app = &world.node().app;
    let ctx = app.ctx(Caller::System("test"));
    let row = account::named(&mut app.db.read().await?, "acme").await?.context("acme")?;
    people::deactivate(app, &ctx, row.id, OWNER.0).await?;
    let member = "(SELECT id FROM member WHERE owner = TRUE)";
    let count = format!("SELECT CAST(COUNT(*) AS TEXT) FROM hold WHERE member_id = {member}");
    // As a directory would have shut it.
    let receipts = ask(world.node(), "SELECT receipt_id FROM hold".to_owned()).await?;
    let receipt = receipts.first().context("a receipt")?.parse()?;
    let owner: MemberId =
        ask(world.node(), format!("SELECT id FROM member WHERE id = {member}")).await?.remove(0).parse()?;
    let mut tx = app.db.write().await?;
    for kind in [HoldKind::Disabled, HoldKind::Deleted] {
        hold::put(&mut tx, owner, "directory:okta", kind, ctx.now, receipt).await?;
    }
    tx.commit().await?;
    assert_eq!(ask(world.node(), count.clone()).await?, ["3"]);
    assert!(world.sign_in_owner().await.is_err());
    assert!(people::reactivate(app, &ctx, row.id, OWNER.0).await?);
    assert_eq!(ask(world.node(), count).await?, ["0"]);
    world.sign_in_owner().await?;
    let said = "SELECT detail FROM audit WHERE action = 'access.given_back'".to_owned();
    assert!(ask(world.node(), said).await?.concat().contains("directory:okta"));
    // Of anybody else an operator lifts the operators' own hold only.
    world.sign_in("ana").await?;
    let ana = member::all_of_user(
        &mut app.db.read().await?,
        person::with_email(&mut app.db.read().await?, "ana@corp.example").await?.context("Ana")?.id,
    )
    .await?;
    let ana = ana.first().context("Ana")?;
    let mut tx = app.db.write().await?;
    hold::put(&mut tx, ana.id, "directory:okta", HoldKind::Disabled, ctx.now, receipt).await?;
    tx.commit().await?;
    assert!(!people::reactivate(app, &ctx, row.id, "ana@corp.example").await?);
    world.node().finish_jobs().await
}
