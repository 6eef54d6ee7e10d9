//! An installation that is exported, wiped and made anew by the real program.

use anyhow::Result;
use cardea_testkit::{Engine, stories};
use serde_json::{Value, json};

use super::program::Installation;
use super::{PASSWORD, state};

stories! {
    an_installation_is_exported_wiped_and_made_anew,
}

/// Puts the secrets back that an export leaves out.
fn fill(value: &mut Value, secret: &str) {
    match value {
        Value::Object(fields) if fields.get("kept") == Some(&json!(true)) => *value = json!(secret),
        Value::Object(fields) => fields.iter_mut().for_each(|(name, field)| {
            fill(field, if name == "password" { PASSWORD } else { "Secret-of-nobody-else-1" });
        }),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, secret)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

async fn an_installation_is_exported_wiped_and_made_anew(engine: Engine) -> Result<()> {
    let place = Installation::new(engine)?;
    let people = "    users:\n      \
         - {email: ben@acme.test, name: Ben, password: PASSWORD, roles: [{service: registry, role: user}]}\n      \
         - {identities: [{connection: okta, user_name: kim@corp.example}], roles: [{service: registry, role: viewer}]}\n    \
         invitations:\n      - {email: cy@acme.test, valid_for: 3d, roles: [{service: gateway, role: user_admin}]}\n    \
         description: 'Anvils: all kinds'\nclients:\n";
    let people = people.replace("PASSWORD", PASSWORD);
    place.write("state.yaml", &state("http://127.0.0.1:9").replacen("clients:\n", &people, 1))?;
    let plan = place.run(&["plan", "state.yaml"]).await?.bad()?;
    assert!(plan.contains("hint: run `cardea migrate`"), "{plan}");
    place.run(&["migrate"]).await?.good()?;
    let planned = place.run(&["plan", "state.yaml"]).await?.good()?.out;
    for line in [
        "+ accounts[acme].users[ben@acme.test]\n",
        "+ accounts[acme].users[kim@corp.example at okta]\n",
        "+ accounts[acme].invitations[cy@acme.test]\n",
    ] {
        assert!(planned.contains(line), "{line} in {planned}");
    }
    assert_eq!(place.run(&["apply", "state.yaml"]).await?.good()?.out, planned);
    let exported = place.run(&["export"]).await?.good()?.out;
    assert!(exported.contains("ben@acme.test") && !exported.contains(PASSWORD), "{exported}");

    // Elsewhere the secrets are missed, each with its place; given again, all of it is there.
    let fresh = Installation::new(engine)?;
    fresh.write("state.yaml", &exported)?;
    let missed = fresh.run(&["apply", "state.yaml"]).await?.bad()?;
    assert!(missed.contains("accounts[0].users[0].password: must be given"), "{missed}");
    let mut document = place.run(&["export", "--json"]).await?.good()?.json()?;
    fill(&mut document, "");
    fresh.write("filled.yaml", &document.to_string())?;
    fresh.run(&["apply", "filled.yaml"]).await?.good()?;
    assert_eq!(fresh.run(&["export"]).await?.good()?.out, exported);
    for again in ["filled.yaml", "state.yaml"] {
        let applied = fresh.run(&["apply", again]).await?.good()?;
        assert_eq!((applied.out.as_str(), applied.err.contains("nothing to change")), ("", true), "{}", applied.err);
    }
    Ok(())
}
