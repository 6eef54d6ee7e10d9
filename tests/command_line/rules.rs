//! Membership rules from the command line: as the person who signed in, against a gateway that runs.

use anyhow::Result;
use cardea_testkit::world::OWNER;
use cardea_testkit::{Engine, World, stories};
use serde_json::json;

use super::program::run;

stories! {
    rules_are_written_previewed_activated_and_taken_back,
}

async fn rules_are_written_previewed_activated_and_taken_back(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    world.sign_in("bo").await?;
    let folder = tempfile::tempdir()?;
    let home = folder.path();
    let cardea = |words: &'static [&'static str]| run(home, words);
    let before = cardea(&["rule", "list", "--org", "acme"]).await?.bad()?;
    assert_eq!(before, "error: login: nobody has signed in\nhint: sign in with `cardea login --url …`\n");

    std::fs::write(home.join("password"), "Wrong-horse-7-battery\n")?;
    let login = ["login", "--url", &world.node().url, "--email", OWNER.0, "--password-file", "password"];
    assert!(run(home, &login).await?.bad()?.contains("the address or the password is wrong"));
    std::fs::write(home.join("password"), format!("{}\n", OWNER.1))?;
    run(home, &login).await?.good()?;

    let listed = cardea(&["rule", "list", "--org", "acme"]).await?.good()?;
    assert!(listed.err.contains("rules of acme: in force"), "{}", listed.err);
    assert!(listed.out.contains("registry:admin, vision/catalog:read"), "{}", listed.out);
    let rule = "name: Readers\nconnection: okta\nany_of: [{equals: NGC_AIE_PR_Reader}]\ngrants: [{service: registry, role: viewer}]\n";
    std::fs::write(home.join("rule.yaml"), rule)?;
    cardea(&["rule", "put", "rule.yaml", "--org", "acme"]).await?.good()?;
    let again = cardea(&["rule", "put", "rule.yaml", "--org", "acme", "--json"]).await?.good()?.json()?;
    assert_eq!(again["name"], "Readers");

    let shown = cardea(&["rule", "preview", "--org", "acme"]).await?.good()?;
    assert_eq!(shown.out, "bo@corp.example\tregistry:viewer\t\n");
    let preview = cardea(&["rule", "preview", "--org", "acme", "--json"]).await?.good()?.json()?;
    let digest = preview["digest"].as_str().unwrap_or_default().to_owned();
    let activate = ["rule", "activate", "--org", "acme", "--digest", &digest, "--json"];
    assert_eq!(run(home, &activate).await?.good()?.json()?["counts"]["gaining"], 1);
    assert!(run(home, &activate).await?.bad()?.contains("preview them again"));
    let why = cardea(&["rule", "explain", "bo@corp.example", "--org", "acme"]).await?.good()?;
    assert_eq!(why.out, "\tregistry\tviewer\tReaders (NGC_AIE_PR_Reader)\n");

    assert!(cardea(&["rule", "undo", "--org", "acme"]).await?.bad()?.contains("hint: say --yes if that is meant"));
    cardea(&["rule", "undo", "--org", "acme", "--yes"]).await?.good()?;
    assert_eq!(cardea(&["rule", "explain", "bo@corp.example", "--org", "acme"]).await?.good()?.out, "");
    let unknown = cardea(&["rule", "remove", "Reader", "--org", "acme"]).await?.bad()?;
    assert_eq!(unknown, "error: acme: there is no rule `Reader`\nhint: did you mean `Readers`?\n");
    assert_eq!(
        cardea(&["rule", "remove", "Readers", "--org", "acme", "--json"]).await?.good()?.json()?,
        json!({"removed": "Readers"})
    );
    assert!(cardea(&["rule", "list", "--org", "globex"]).await?.bad()?.contains("there is no such org"));

    cardea(&["logout"]).await?.good()?;
    assert!(cardea(&["rule", "list", "--org", "acme"]).await?.bad()?.contains("nobody has signed in"));
    Ok(())
}
