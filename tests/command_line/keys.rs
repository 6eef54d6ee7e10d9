//! Keys from the command line: as the person who signed in, and as the service that asks.

use anyhow::Result;
use cardea_testkit::world::{OWNER, PORTAL_SECRET};
use cardea_testkit::{Engine, World, stories};
use serde_json::Value;

use super::program::{run, run_with};

stories! {
    keys_are_made_asked_about_rotated_and_ended,
}

async fn keys_are_made_asked_about_rotated_and_ended(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let folder = tempfile::tempdir()?;
    let home = folder.path();
    let cardea = async |words: &[&str]| run(home, words).await;
    std::fs::write(home.join("password"), format!("{}\n", OWNER.1))?;
    cardea(&["login", "--url", &world.node().url, "--email", OWNER.0, "--password-file", "password"]).await?.good()?;

    let shown = cardea(&["key", "preview", "--service", "registry"]).await?.good()?;
    assert!(shown.out.contains("registry\t\tacme/*/*\t") && shown.out.contains("\tvision\n"), "{}", shown.out);
    let made = cardea(&["key", "create", "laptop", "--service", "registry"]).await?.good()?;
    assert!(made.out.contains("\tcdap_") && made.err.contains("not shown again"), "{} {}", made.out, made.err);
    let grants = "- {service: registry, entity_type: container, entity_values: ['acme/*'], scopes: [get_container]}\n";
    std::fs::write(home.join("grants.yaml"), grants)?;
    let create = ["key", "create", "ci", "--org", "acme", "--grants", "grants.yaml", "--expires", "never", "--json"];
    let ci = cardea(&create).await?.good()?.json()?;
    assert_eq!((&ci["kind"], &ci["expires_at"]), (&Value::from("service"), &Value::Null));
    let secret = ci["secret"].as_str().unwrap_or_default().to_owned();
    let listed = cardea(&["key", "list", "--org", "acme"]).await?.good()?.out;
    assert!(listed.contains("ci\tservice registry\tactive\tcdas_") && !listed.contains(&secret), "{listed}");

    let client = [("CARDEA_CLIENT_ID", "portal"), ("CARDEA_CLIENT_SECRET", PORTAL_SECRET)];
    let ask = async |key: &str, entity: &str| {
        let words = [
            "key",
            "check",
            key,
            "--service",
            "registry",
            "--action",
            "get_container",
            "--entity-type",
            "container",
            "--entity",
            entity,
        ];
        run_with(home, &words, &client).await
    };
    assert!(ask(&secret, "acme/app").await?.good()?.out.starts_with("true\t\tkey_"));
    let refused = ask(&secret, "acme/vision/app").await?;
    assert_eq!((refused.code, refused.out.as_str()), (Some(1), "false\tentity_mismatch\t\t\n"));
    let nobody =
        cardea(&["key", "check", &secret, "--service", "registry", "--action", "get_container"]).await?.bad()?;
    assert!(nobody.contains("CARDEA_CLIENT_ID"), "{nobody}");

    let rotated = cardea(&["key", "rotate", "ci", "--org", "acme", "--leak", "--json"]).await?.good()?.json()?;
    assert_eq!(ask(&secret, "acme/app").await?.out, "false\tsuperseded\t\t\n");
    let fresh = rotated["secret"].as_str().unwrap_or_default();
    cardea(&["key", "disable", "ci", "--org", "acme"]).await?.good()?;
    assert_eq!(ask(fresh, "acme/app").await?.out, "false\tdisabled\t\t\n");
    cardea(&["key", "enable", "ci", "--org", "acme"]).await?.good()?;
    ask(fresh, "acme/app").await?.good()?;
    cardea(&["key", "delete", "ci", "--org", "acme"]).await?.good()?;
    assert_eq!(ask(fresh, "acme/app").await?.out, "false\trevoked\t\t\n");
    let unknown = cardea(&["key", "delete", "lapto"]).await?.bad()?;
    assert_eq!(unknown, "error: keys: there is no key `lapto`\nhint: did you mean `laptop`?\n");
    Ok(())
}
