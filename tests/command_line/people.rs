//! People, their roles and invitations from the command line, as whoever signed in, against a gateway that runs.

use anyhow::{Context as _, Result};
use cardea_testkit::world::OWNER;
use cardea_testkit::{Engine, World, stories};
use serde_json::{Value, json};

use super::hand::Hand;
use crate::invitations::{CHOSEN, join, link_to};

stories! {
    people_are_invited_given_roles_and_removed,
    an_invitation_is_changed_sent_again_and_withdrawn,
    the_accounts_people_are_listed_made_admins_and_readmitted,
    owners_come_and_go,
    a_door_is_shut_over_the_api_as_on_the_machine,
}

async fn people_are_invited_given_roles_and_removed(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = Hand::of(world.node(), OWNER).await?;
    let invite = ["invite", "create", "ben@acme.test", "--role", "registry:user", "--message", "Hello Ben"];
    let made = owner.say(&invite).await?.good()?;
    assert!(made.out.starts_with("ben@acme.test\tmember\tpending\t"), "{}", made.out);
    assert!(made.out.contains("\tregistry:user\tinv_"), "{}", made.out);
    let ben = join(&world, &link_to(world.node(), "ben@acme.test").await?).await?;

    // What the table shows can be typed.
    owner.done("role grant ben@acme.test vision/catalog:read").await?;
    assert_eq!(
        owner.done("role list ben@acme.test --org acme").await?,
        "\tregistry\tuser\tmanual\nvision\tcatalog\tread\tmanual\n"
    );
    let listed = owner.done("user list --search ben").await?;
    assert_eq!(listed, "ben@acme.test\tben@acme.test\tmember\tregistry:user, vision/catalog:read\t0\n");
    assert_eq!(owner.done("role revoke ben@acme.test registry:user").await?, "vision\tcatalog\tread\tmanual\n");
    let shown = owner.json("user show ben@acme.test").await?;
    assert_eq!((&shown["sessions"], &shown["roles"][0]["team"]), (&json!(1), &json!("vision")));
    assert!(owner.done("user show ben@acme.test").await?.contains("is\tmember\n"));

    // Nothing ends by a slip of the finger.
    let unsure = owner.refused("user remove ben@acme.test").await?;
    assert!(
        unsure.starts_with("error: nothing was done: every role, session and key of ben@acme.test in acme"),
        "{unsure}"
    );
    assert!(unsure.contains("\nhint: say --yes if that is meant\n"), "{unsure}");
    assert_eq!(ben.get("/api/v1/me").await?.status, 200);
    let removed = owner.json("user remove ben@acme.test --yes").await?;
    assert!(removed["receipt"].as_str().is_some_and(|receipt| receipt.starts_with("rcp_")), "{removed}");
    assert_eq!(ben.get("/api/v1/me").await?.status, 401);
    assert_eq!(owner.done("user list --search ben").await?, "");
    assert!(owner.done("user add ben@acme.test").await?.contains("is\tmember\n"));
    assert_eq!(owner.done("role list ben@acme.test").await?, "");

    // A refusal says what to do, in the gateway's words, and which request it was.
    let wrong = owner.refused("role grant ben@acme.test registry:emperor").await?;
    assert!(wrong.starts_with("error: the gateway: ") && wrong.contains(" (request req_"), "{wrong}");
    assert_eq!(owner.say(&["role", "grant", "ben@acme.test", "registry"]).await?.code, Some(2));
    assert!(owner.refused("user show nobody@acme.test").await?.contains("there is no such user"));
    assert!(owner.refused("user show .. --org acme").await?.contains("is nobody's and nothing's name"));
    Ok(())
}

async fn an_invitation_is_changed_sent_again_and_withdrawn(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = Hand::of(world.node(), OWNER).await?;
    let made = owner.say(&["invite", "create", "cy@elsewhere.test", "--valid-for", "24h"]).await?.good()?;
    assert!(made.err.contains("careful: `elsewhere.test` is no domain of this account"), "{}", made.err);
    let first = link_to(world.node(), "cy@elsewhere.test").await?;
    let roles = |invitation: &Value| invitation["roles"].clone();
    let role = json!({"team": "vision", "service": "catalog", "role": "read"});
    for _ in 0..2 {
        let changed = owner.json("invite role add cy@elsewhere.test vision/catalog:read").await?;
        assert_eq!(roles(&changed), json!([role]));
    }
    let changed = owner.json("invite role add cy@elsewhere.test registry:user").await?;
    assert_eq!(roles(&changed).as_array().map(Vec::len), Some(2));
    let changed = owner.json("invite role remove cy@elsewhere.test vision/catalog:read").await?;
    assert_eq!(roles(&changed), json!([{"service": "registry", "role": "user"}]));

    let again = owner.json("invite resend cy@elsewhere.test").await?;
    assert_eq!((&again["valid_for"], &again["state"]), (&json!("1d"), &json!("pending")));
    assert_ne!(link_to(world.node(), "cy@elsewhere.test").await?, first);
    assert_eq!(world.browser()?.get(&first).await?.status, 404, "the old link is dead");

    let id = again["id"].as_str().context("an id")?;
    assert!(owner.refused(&format!("invite revoke {id}")).await?.contains("say --yes"));
    assert_eq!(owner.json(&format!("invite revoke {id} --yes")).await?, json!({"withdrawn": id}));
    assert!(owner.done("invite list").await?.contains("cy@elsewhere.test\tmember\trevoked\t"));
    let gone = owner.refused("invite resend cy@elsewhere.test").await?;
    assert!(gone.contains("there is no open invitation for `cy@elsewhere.test`"), "{gone}");
    Ok(())
}

async fn the_accounts_people_are_listed_made_admins_and_readmitted(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = Hand::of(world.node(), OWNER).await?;
    owner.done("invite create dee@acme.test").await?;
    join(&world, &link_to(world.node(), "dee@acme.test").await?).await?;
    assert_eq!(
        owner.done("user edit dee@acme.test --account-role admin").await?,
        "dee@acme.test\tdee@acme.test\tadmin\t\n"
    );
    owner.done("user remove dee@acme.test --from-account --yes").await?;
    let all = owner.done("user list --all --search dee").await?;
    assert_eq!(all, "dee@acme.test\tdee@acme.test\tmember, deactivated\tthe account\n");
    assert_eq!(owner.done("user readmit dee@acme.test").await?, "dee@acme.test\tdee@acme.test\tmember\tthe org\n");
    let unknown = owner.refused("user readmit eve@acme.test").await?;
    assert!(unknown.starts_with("error: the gateway: "), "{unknown}");

    // Whoever manages nobody is told so.
    owner.done("user add dee@acme.test").await?;
    let dee = Hand::of(world.node(), ("dee@acme.test", CHOSEN)).await?;
    assert!(dee.refused("user list").await?.contains("your role does not allow this"));
    Ok(())
}

async fn owners_come_and_go(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = Hand::of(world.node(), OWNER).await?;
    let asked = owner.json("owner add ola@acme.test").await?;
    assert_eq!((&asked["kind"], &asked["account_role"]), (&json!("owner"), &json!("admin")));
    let alone = "owner@acme.test\towner@acme.test\towner\t\nola@acme.test\t\t\tinvited\n";
    assert_eq!(owner.done("owner list").await?, alone);
    assert!(owner.refused("owner add ola@elsewhere.test").await?.contains("acme.test"));
    join(&world, &link_to(world.node(), "ola@acme.test").await?).await?;
    let two = owner.done("owner list").await?;
    assert!(two.contains("\nola@acme.test\t") && two.ends_with("\tadmin\t\n"), "{two}");

    // Only a recent sign-in does it, and the command line knows how to get one.
    world.node().clock.advance(std::time::Duration::from_secs(16 * 60));
    let late = owner.refused("owner remove ola@acme.test --yes").await?;
    assert!(late.contains("\nhint: sign in again with `cardea login`, then repeat it\n"), "{late}");
    owner.sign_in(world.node(), OWNER).await?;
    assert!(owner.refused("owner remove ola@acme.test").await?.contains("owns acme no longer"));
    assert_eq!(owner.json("owner remove ola@acme.test --yes").await?, json!({"removed": "ola@acme.test"}));
    assert_eq!(owner.done("owner list").await?, "owner@acme.test\towner@acme.test\towner\t\n");
    let last = owner.refused("org leave --yes").await?;
    assert!(last.contains("this is the last owner of the org"), "{last}");
    Ok(())
}

async fn a_door_is_shut_over_the_api_as_on_the_machine(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let owner = Hand::of(world.node(), OWNER).await?;
    let ended = owner.say(&["user", "deactivate", "ana@corp.example"]).await?.good()?;
    assert!(ended.out.starts_with("rcp_"), "{}", ended.out);
    let receipt = format!("{}/o/acme/revocations/{}", world.node().url, ended.out.trim());
    assert!(ended.err.contains(&receipt), "{}", ended.err);
    assert_eq!(ana.get("/api/v1/me").await?.status, 401);
    assert_eq!(owner.json("user reactivate ana@corp.example").await?, json!({"reactivated": true}));
    assert!(
        owner.refused("user reactivate ana@corp.example --org acme").await?.contains("nothing that you could lift")
    );
    let both = ["user", "deactivate", "ana@corp.example", "--org", "acme", "--account", "acme"];
    assert_eq!(owner.say(&both).await?.code, Some(2), "here or there, not both");
    Ok(())
}
