//! Orgs and teams from the command line; who speaks, and what it says when nobody may or nobody answers.

use anyhow::Result;
use cardea_testkit::world::OWNER;
use cardea_testkit::{Engine, World, stories};
use serde_json::json;

use super::hand::Hand;
use super::program::{run, run_with};
use crate::invitations::invited;

stories! {
    an_org_is_shown_described_and_written_to,
    teams_are_made_described_and_ended,
    whoever_is_in_two_orgs_goes_from_one_to_the_other,
    rules_are_tried_on_claims_and_taken_out_of_force,
    an_operators_token_says_what_it_is_not_for,
}

async fn an_org_is_shown_described_and_written_to(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = Hand::of(world.node(), OWNER).await?;
    assert_eq!(owner.done("org list").await?, "acme\tacme\t1\towner\there\n");
    assert_eq!(owner.done("org list --search nowhere").await?, "");
    let shown = owner.done("org show").await?;
    for line in [
        "kind\tenterprise",
        "account\tacme (1)",
        "services\tcatalog, public_api_endpoints, registry",
        "identity provider\tlinked",
        "owners\towner@acme.test",
    ] {
        assert!(shown.lines().any(|known| known == line), "{line} in {shown}");
    }
    assert_eq!(owner.json("org show --org acme").await?["name"], "acme");
    let described = owner.say(&["org", "edit", "--description", "Anvils and more", "--json"]).await?.good()?.json()?;
    assert_eq!(described["description"], "Anvils and more");

    let letter = ["org", "contact", "--about", "product-request", "--message", "More anvils, please"];
    let sent = owner.say(&letter).await?.good()?;
    assert!(sent.err.contains("the owners of acme have it"), "{}", sent.err);
    assert!(world.node().letter_to(OWNER.0).await?.text.contains("More anvils, please"));
    assert!(owner.refused("org show --org globex").await?.contains("there is no such org"));
    Ok(())
}

async fn teams_are_made_described_and_ended(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = Hand::of(world.node(), OWNER).await?;
    assert_eq!(owner.done("team list").await?, "vision\tComputer vision\n");
    owner.done("team create audio --description Sound").await?;
    assert_eq!(owner.json("team edit audio --description Noise").await?["description"], "Noise");
    assert!(owner.done("team show audio").await?.contains("description\tNoise\n"));
    let capitals = owner.refused("team create Audio").await?;
    assert!(capitals.contains("audio"), "{capitals}");
    assert!(owner.refused("team delete audio").await?.contains("nobody can ever use its name again"));
    assert_eq!(owner.json("team list").await?["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(owner.json("team delete audio --yes").await?, json!({"ended": "audio"}));
    assert_eq!(owner.done("team list").await?, "vision\tComputer vision\n");
    assert!(owner.refused("team create audio").await?.starts_with("error: the gateway: "));
    Ok(())
}

async fn whoever_is_in_two_orgs_goes_from_one_to_the_other(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let beta = json!({"name": "beta", "owner": {"email": "olga@beta.test", "password": OWNER.1},
        "org": {"name": "beta-lab", "kind": "enterprise"}});
    world.node().apply(json!({"version": 1, "accounts": [beta]})).await?;
    let browser = world.sign_in_owner().await?;
    let link = invited(world.node(), &browser, "olga@beta.test", &json!({})).await?;
    let olga = Hand::of(world.node(), ("olga@beta.test", OWNER.1)).await?;
    let at_home = world.browser()?;
    at_home.post_form("/login/password", &[("email", "olga@beta.test"), ("password", OWNER.1)]).await?;
    assert_eq!(at_home.post_form(&link, &[]).await?.status, 200);

    assert!(olga.done("org show").await?.contains("account\tbeta (2)\n"));
    assert_eq!(olga.done("org switch acme").await?, "acme\n");
    assert_eq!(olga.done("org list").await?, "acme\tacme\t1\t\there\nbeta-lab\tbeta\t2\towner\t\n");
    assert!(olga.done("org show").await?.contains("account\tacme (1)\n"));
    assert!(olga.refused("org leave").await?.contains("every role, session and key of yours in this org ends"));
    assert!(olga.done("org leave --yes").await?.starts_with("rcp_"));
    let over = olga.refused("org list").await?;
    assert!(over.contains("hint: sign in with `cardea login`"), "{over}");
    Ok(())
}

async fn rules_are_tried_on_claims_and_taken_out_of_force(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let owner = Hand::of(world.node(), OWNER).await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("claims.json");
    std::fs::write(&file, r#"{"sub": "x", "groups": ["NGC_AIE_PR_Admin"]}"#)?;
    let tried = owner.done(&format!("rule test {} --connection okta", file.display())).await?;
    assert!(tried.contains("vision\tcatalog\tread\tRegistry admins (NGC_AIE_PR_Admin)\n"), "{tried}");

    let unsure = owner.refused("rule deactivate").await?;
    assert!(unsure.contains("everybody in acme loses what the rules gave"), "{unsure}");
    assert_ne!(ana.get("/api/v1/me").await?.json()["orgs"][0]["roles"], json!([]));
    owner.done("rule deactivate --yes").await?;
    assert_eq!(ana.get("/api/v1/me").await?.json()["orgs"][0]["roles"], json!([]));
    assert!(owner.refused("rule deactivate --yes").await?.starts_with("error: the gateway: "));
    Ok(())
}

async fn an_operators_token_says_what_it_is_not_for(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let folder = tempfile::tempdir()?;
    let token = run(folder.path(), &["operator", "create", "--name", "ci", "--print-only"]).await?.good()?.out;
    let token = token.trim();
    world.node().apply(json!({"version": 1, "operators": [{"name": "ci", "token": token}]})).await?;
    let ana = world.sign_in("ana").await?;
    let variables = [("CARDEA_URL", world.node().url.as_str()), ("CARDEA_TOKEN", token)];
    let operator = async |line: &str| run_with(folder.path(), &line.split(' ').collect::<Vec<_>>(), &variables).await;
    let refused = operator("team list --org acme").await?.bad()?;
    assert!(refused.contains("hint: an operator has no say over an org's people"), "{refused}");
    // But to shut the door.
    operator("user deactivate ana@corp.example --org acme").await?.good()?;
    assert_eq!(ana.get("/api/v1/me").await?.status, 401);
    assert!(operator("org switch acme").await?.bad()?.contains("CARDEA_TOKEN: speaks for one org"));

    let nowhere = [("CARDEA_URL", "http://127.0.0.1:9"), ("CARDEA_TOKEN", token)];
    let silent = run_with(folder.path(), &["team", "list", "--org", "acme"], &nowhere).await?.bad()?;
    assert!(silent.starts_with("error: http://127.0.0.1:9: it does not answer"), "{silent}");
    assert!(silent.contains("hint: is it running"), "{silent}");
    Ok(())
}
