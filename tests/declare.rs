//! One document says what the instance is: it is applied once, applied again to no effect, and said back without secrets.

mod effects;
mod going;
mod people;
mod whole;
mod wrong;

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use cardea_gateway::declare::{self, Applied, DeclareError};
use cardea_gateway::state::State;
use cardea_gateway::{check, login};
use cardea_model::Caller;
use cardea_store::db::{DbError, Engine as Driver, FromRow, Row, Sql};
use cardea_testkit::clock::TestRandom;
use cardea_testkit::{Database, Engine, Node, NodeBuilder, stories};
use cardea_tokens::format::{Prefix, Secret};
use serde_json::{Value, json};

stories! {
    the_example_is_applied_once_and_then_stands,
    what_is_exported_is_applied_to_no_effect,
    no_secret_is_ever_said_back_or_written_down,
    a_plan_tells_what_apply_does_and_writes_nothing,
    two_applies_at_once_make_each_thing_once,
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
                    "name": "adfs", "kind": "saml", "metadata": crate::saml::published(),
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
                "name": "AIE admins", "connection": "okta", "any_of": [{"equals": "NGC_AIE_PR_Admin"}, {"claim": "/realm/roles", "one_of": ["push"]}],
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
        include_str!("../migrations/0004_keys.sql"),
        include_str!("../migrations/0005_rules.sql"),
        include_str!("../migrations/0006_oauth.sql"),
        include_str!("../migrations/0007_claims.sql"),
        include_str!("../migrations/0008_clients.sql"),
        include_str!("../migrations/0009_temporary_passwords.sql"),
        include_str!("../migrations/0010_saml.sql"),
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
        if let Some((name, to)) =
            statement.split_once("ALTER TABLE ").and_then(|(_, change)| change.split_once(" RENAME TO "))
        {
            tables.iter_mut().filter(|(known, _)| *known == name).for_each(|(known, _)| *known = to);
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
    for path in ["accounts[acme].signals[okta-events]", "accounts[acme].clients[portal].webhooks"] {
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
        ("/connections/0/metadata", json!(crate::saml::published())),
        ("/connections/1/client_secret", json!({"kept": true})),
        ("/connections/1/domains", json!(["corp.example"])),
        ("/connections/1/stage", json!("live")),
        ("/directories", json!([{"connection": "okta", "tokens": [{"name": "primary", "secret": {"kept": true}}]}])),
        ("/signals/0/authorization", json!({"kept": true})),
        ("/rules/0/any_of", json!([{"equals": "NGC_AIE_PR_Admin"}, {"claim": "/realm/roles", "one_of": ["push"]}])),
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
