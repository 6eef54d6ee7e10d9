//! The command line, as the real program: an installation is made, looked at and run from it, every mistake is told with
//! what to do.

mod apps;
mod catalogue;
mod demo;
mod hand;
mod keys;
mod orgs;
mod people;
mod program;
mod registry;
mod rules;
mod serving;
mod watching;
mod whole;

use std::path::Path;

use anyhow::{Context as _, Result};
use cardea_testkit::{Engine, stories};
use program::{Installation, run};
use serde_json::{Value, json};

stories! {
    an_installation_is_made_looked_at_and_emptied_of_a_person,
    a_state_is_planned_applied_and_exported,
    the_pepper_and_the_database_belong_together,
}

const PASSWORD: &str = "Correct-horse-7-battery";

fn state(issuer: &str) -> String {
    format!(
        "version: 1\naccounts:\n  - name: acme\n    owner: {{email: owner@acme.test, password: {PASSWORD}}}\n    \
         org: {{name: acme, kind: enterprise, services: [registry]}}\n    connections:\n      \
         - {{name: okta, kind: oidc, issuer: '{issuer}', client_id: gw, client_secret: s3cret-of-okta, domains: [corp.example], stage: live}}\n      \
         - {{name: adfs, kind: saml, metadata: '{}', domains: [a.example], stage: live}}\n\
         clients:\n  - {{client_id: portal, name: Portal, secret: portal-s3cret, resource_server: true, services: [registry]}}\n",
        crate::saml::published()
    )
}

/// The status of each thing that `check` or `doctor` looked at.
fn statuses(found: &Value) -> Vec<(String, String)> {
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    found.as_array().into_iter().flatten().map(|it| (text(it, "subject"), text(it, "status"))).collect()
}

fn status<'a>(all: &'a [(String, String)], subject: &str) -> &'a str {
    all.iter().find(|(name, _)| name == subject).map_or("absent", |(_, status)| status)
}

/// The names of all migrations, in order.
fn migrations() -> Result<Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let entries: Vec<_> = std::fs::read_dir(folder)?.collect::<std::io::Result<_>>()?;
    let mut names: Vec<_> = entries.iter().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| name.ends_with(".sql"));
    names.sort();
    Ok(names)
}

async fn an_installation_is_made_looked_at_and_emptied_of_a_person(engine: Engine) -> Result<()> {
    let place = Installation::new(engine)?;

    // Nothing is there yet, which is no fault; and looking makes nothing.
    let found = statuses(&place.run(&["check", "--json"]).await?.good()?.json()?);
    assert_eq!(status(&found, "pepper"), "note");
    assert_eq!(status(&found, "database"), "note");
    assert!(!place.path("data").exists());

    let made = place.run(&["migrate", "--json"]).await?.good()?.json()?;
    assert_eq!(made, json!({"applied": migrations()?, "pepper_made": true}));
    let again = place.run(&["migrate", "--json"]).await?.good()?.json()?;
    assert_eq!(again, json!({"applied": [], "pepper_made": false}));
    let found = statuses(&place.run(&["check", "--json"]).await?.good()?.json()?);
    assert!(found.iter().all(|(_, status)| status == "ok"), "{found:?}");
    assert!(found.len() >= 5, "{found:?}");

    // An operator, an owner's link, and the owner's end.
    let token = place.run(&["operator", "create", "--name", "ci"]).await?.good()?.out;
    assert!(token.starts_with("cdao_") && token.lines().count() == 1, "{token}");
    place.write("state.yaml", &state("http://127.0.0.1:9"))?;
    place.run(&["apply", "state.yaml"]).await?.good()?;
    let invited = ["owner", "invite", "--account", "acme", "--email", "second@acme.test"];
    let link = place.run(&invited).await?.good()?.out;
    assert!(link.starts_with(&format!("{}/link/cdai_", place.url)), "{link}");
    let stranger = ["owner", "invite", "--account", "nobody", "--email", "second@acme.test"];
    assert_eq!(place.run(&stranger).await?.bad()?, "error: there is no account `nobody`\n");

    let person = ["owner@acme.test", "--account", "acme", "--json"];
    let ended = place.run(&[&["user", "deactivate"], &person[..]].concat()).await?.good()?.json()?;
    let receipt = ended["receipt"].as_str().context("a receipt")?;
    assert_eq!(ended["address"], format!("{}/o/acme/revocations/{receipt}", place.url));
    place.run(&[&["user", "reactivate"], &person[..]].concat()).await?.good()?;
    let twice = place.run(&[&["user", "reactivate"], &person[..]].concat()).await?.bad()?;
    assert!(twice.contains("no operator's hold stands on owner@acme.test"), "{twice}");
    let unknown = place.run(&["user", "deactivate", "eve@acme.test", "--account", "acme"]).await?.bad()?;
    assert_eq!(unknown, "error: there is no user `eve@acme.test` in the account `acme`\n");

    // Nobody serves, so nothing is sealed: that is said, and it is no break.
    let verdict = place.run(&["audit", "verify", "--json"]).await?.good()?.json()?;
    assert_eq!((&verdict["sealed"], &verdict["broken_at"]), (&json!(0), &Value::Null));
    assert!(verdict["unsealed"].as_i64() > Some(5), "{verdict}");
    let sick = place.run(&["doctor", "--json"]).await?;
    let found = statuses(&sick.json()?);
    assert_eq!(sick.code, Some(1), "the provider at port 9 does not answer");
    assert_eq!((status(&found, "connection okta"), status(&found, "nodes")), ("problem", "note"));
    assert_eq!((status(&found, "clocks"), status(&found, "feed")), ("ok", "ok"));
    assert_eq!(status(&found, "connection adfs"), "ok", "its metadata stands in the declaration: {}", sick.out);
    Ok(())
}

async fn a_state_is_planned_applied_and_exported(engine: Engine) -> Result<()> {
    let place = Installation::new(engine)?;
    place.write("state.yaml", &state("http://127.0.0.1:9"))?;

    // Planning looks only, and there is nothing to look at.
    let early = place.run(&["plan", "state.yaml"]).await?.bad()?;
    assert!(early.contains("hint: run `cardea migrate`"), "{early}");
    place.run(&["migrate"]).await?.good()?;
    let plan = place.run(&["plan", "state.yaml"]).await?.good()?.out;
    assert!(plan.contains("+ accounts[acme].connections[okta]\n"), "{plan}");

    let applied = place.run(&["apply", "state.yaml", "--json"]).await?.good()?;
    assert!(applied.json()?["changes"].as_array().is_some_and(|changes| changes.len() > 3), "{}", applied.out);
    let again = place.run(&["apply", "state.yaml", "--json"]).await?.good()?.json()?;
    assert_eq!(again["changes"], json!([]));
    let plan = place.run(&["plan", "state.yaml"]).await?.good()?;
    assert_eq!((plan.out.as_str(), plan.err.contains("nothing would change")), ("", true));

    // What is exported holds no secret, and applying it changes nothing.
    let exported = place.run(&["export"]).await?.good()?.out;
    for secret in [PASSWORD, "s3cret-of-okta", "portal-s3cret"] {
        assert!(!exported.contains(secret), "{exported}");
    }
    place.write("exported.yaml", &exported)?;
    let nothing = place.run(&["apply", "exported.yaml", "--json"]).await?.good()?.json()?;
    assert_eq!(nothing["changes"], json!([]));
    assert_eq!(place.run(&["export", "--json"]).await?.good()?.json()?["accounts"][0]["name"], "acme");

    // A mistake is told with its place, and nothing of the file is applied.
    place.write("wrong.yaml", "version: 1\naccounts:\n  - name: other\n    ogr: {name: other}\n")?;
    let wrong = place.run(&["apply", "wrong.yaml"]).await?.bad()?;
    assert_eq!(wrong, "error: wrong.yaml:4:5: unknown key `ogr`\nhint: did you mean `org`?\n");
    place
        .write("wrong.yaml", "version: 1\naccounts:\n  - {name: other, org: {name: other, services: [registri]}}\n")?;
    let wrong = place.run(&["apply", "wrong.yaml"]).await?.bad()?;
    assert!(wrong.starts_with("error: wrong.yaml: accounts[0].org.services[0]: "), "{wrong}");
    assert!(!place.run(&["export"]).await?.good()?.out.contains("other"));
    let absent = place.run(&["apply", "nowhere.yaml"]).await?.bad()?;
    assert!(absent.starts_with("error: nowhere.yaml: cannot be read"), "{absent}");
    Ok(())
}

async fn the_pepper_and_the_database_belong_together(engine: Engine) -> Result<()> {
    let place = Installation::new(engine)?;
    place.run(&["migrate"]).await?.good()?;
    let pepper = place.path("data/pepper");
    let kept = std::fs::read(&pepper)?;

    // Lost: nobody makes a new one, which would hide the loss.
    std::fs::remove_file(&pepper)?;
    for words in [&["serve"][..], &["migrate"], &["apply", "state.yaml"], &["export"]] {
        place.write("state.yaml", "version: 1\n")?;
        let said = place.run(words).await?.bad()?;
        assert!(said.contains("the pepper file is not there"), "{words:?}: {said}");
        assert!(!pepper.exists(), "{words:?}");
    }
    assert_eq!(place.run(&["check"]).await?.code, Some(1));

    // Another one's.
    let other = Installation::new(Engine::Sqlite)?;
    other.run(&["migrate"]).await?.good()?;
    std::fs::copy(other.path("data/pepper"), &pepper)?;
    let said = place.run(&["serve"]).await?.bad()?;
    assert!(said.contains("the pepper file is not the one that this database was made with"), "{said}");

    // The right one, open to everybody.
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(&pepper, kept)?;
    std::fs::set_permissions(&pepper, std::fs::Permissions::from_mode(0o644))?;
    let found = place.run(&["check", "--json"]).await?;
    assert_eq!(status(&statuses(&found.json()?), "pepper"), "problem");
    assert!(found.out.contains("chmod 600 data/pepper"), "{}", found.out);
    std::fs::set_permissions(&pepper, std::fs::Permissions::from_mode(0o600))?;
    place.run(&["check"]).await?.good()?;
    Ok(())
}

#[tokio::test]
async fn mistakes_in_the_configuration_name_their_place() -> Result<()> {
    let place = Installation::new(Engine::Sqlite)?;
    place.write("wrong.toml", "listen = \"127.0.0.1:0\"\n\n[databse]\nurl = \"x\"\n")?;
    for words in [["--config", "wrong.toml", "serve"], ["migrate", "--config", "wrong.toml"]] {
        let said = place.run(&words).await?.bad()?;
        assert_eq!(said, "error: wrong.toml:3: unknown key `databse`\nhint: did you mean `database`?\n");
    }
    let found = place.run(&["check", "--config", "wrong.toml", "--json"]).await?;
    assert_eq!(found.code, Some(1));
    let finding = &found.json()?[0];
    assert_eq!(finding["detail"], "wrong.toml:3: unknown key `databse`");
    assert_eq!(finding["fix"], "did you mean `database`?");

    place.write("away.toml", "[database]\nurl = \"postgres://cardea:hunter2@127.0.0.1:1/cardea\"\n")?;
    for command in ["serve", "migrate", "export"] {
        let said = place.run(&["--config", "away.toml", command]).await?.bad()?;
        assert!(
            said.contains("the database cannot be reached") && said.contains("hint: check `database.url`"),
            "{said}"
        );
        assert!(!said.contains("hunter2"), "{said}");
    }
    place.write("catalogue.toml", "catalogue = \"mine.yaml\"\n")?;
    let said = place.run(&["--config", "catalogue.toml", "serve"]).await?.bad()?;
    assert!(said.starts_with("error: mine.yaml: cannot be read"), "{said}");
    Ok(())
}

#[tokio::test]
async fn what_needs_no_database_makes_none() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let token = run(folder.path(), &["operator", "create", "--name", "ci", "--print-only"]).await?.good()?.out;
    let inspected = run(folder.path(), &["key", "inspect", token.trim(), "--json"]).await?.good()?.json()?;
    assert_eq!((&inspected["kind"], &inspected["checksum"]), (&json!("operator token"), &json!("good")));
    let changed = token.trim().replacen("cdao_", "cdap_", 1);
    assert_eq!(run(folder.path(), &["key", "inspect", &changed]).await?.code, Some(1));
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(folder.path(), &["completions", shell]).await?.good()?.out.contains("deactivate"));
    }
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}

#[tokio::test]
async fn every_command_of_the_contract_helps_with_an_example() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let commands = [
        "serve",
        "demo",
        "migrate",
        "check",
        "apply",
        "plan",
        "export",
        "owner invite",
        "operator create",
        "user deactivate",
        "user reactivate",
        "login",
        "logout",
        "org list",
        "org switch",
        "org leave",
        "team create",
        "team delete",
        "user list",
        "user remove",
        "role grant",
        "role revoke",
        "invite create",
        "invite role add",
        "owner list",
        "owner add",
        "owner remove",
        "rule list",
        "rule put",
        "rule preview",
        "rule activate",
        "rule undo",
        "rule deactivate",
        "rule test",
        "rule explain",
        "key inspect",
        "audit verify",
        "doctor",
        "completions",
    ];
    for command in commands {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let help = run(folder.path(), &words).await?.good()?.out;
        assert!(help.contains(&format!("  cardea {command}")), "{help}");
    }
    assert!(run(folder.path(), &["--help"]).await?.good()?.out.contains("cardea apply state.yaml"));
    assert_eq!(run(folder.path(), &["sevre"]).await?.code, Some(2));
    Ok(())
}
