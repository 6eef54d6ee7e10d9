//! What a preview tells: as a table too, what has changed since, who hears of the activation, and rules whose targets are
//! gone.

use anyhow::{Context, Result};
use cardea_store::{account, entitlement};
use cardea_testkit::world::OWNER;
use cardea_testkit::{Engine, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{RULES, activate, add, in_groups, preview, roles, rule, unruled};

stories! {
    a_preview_is_a_table_too_of_which_no_cell_is_a_formula,
    whoever_activates_too_late_hears_what_has_changed,
    owners_and_whoever_activated_hear_what_it_did,
    a_rule_whose_target_is_gone_is_flagged,
    a_rule_of_several_conditions_is_explained_as_a_whole,
    a_declaration_puts_in_force_what_was_edited_and_never_activated,
}

fn viewer() -> Value {
    json!([{"service": "registry", "role": "viewer"}])
}

async fn a_preview_is_a_table_too_of_which_no_cell_is_a_formula(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    unruled(&world).await?;
    let hostile = "=HYPERLINK(\"http://evil.example\",\"Bo, really\")";
    assert!(world.provider.person("bo", |person| drop(person.claims.insert("name".to_owned(), json!(hostile)))));
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    world.sign_in("bo").await?;
    in_groups(&world, "dana", &["Others"]);
    world.sign_in("dana").await?;
    for (name, group) in
        [("Admins", cardea_simulate::people::REGISTRY_ADMINS), ("Readers", cardea_simulate::people::REGISTRY_READERS)]
    {
        assert_eq!(add(&owner, &rule(name, group, &viewer())).await?.status, 201);
    }
    let table = owner.send(Method::POST, &format!("{RULES}/preview?format=csv"), &json!({})).await?;
    assert_eq!((table.status, table.header("content-type")), (200, "text/csv; charset=utf-8; header=present"));
    let mut lines: Vec<&str> = table.body.split_terminator("\r\n").collect();
    assert_eq!(lines.remove(0), "user,name,email,migrated,gains,loses");
    let bo = "\"'=HYPERLINK(\"\"http://evil.example\"\",\"\"Bo, really\"\")\",bo@corp.example,yes,registry:viewer,";
    assert!(lines.iter().any(|line| line.ends_with(bo)), "{}", table.body);
    assert!(
        lines.iter().any(|line| line.ends_with(",Ana Ruiz,ana@corp.example,yes,registry:viewer,")),
        "{}",
        table.body
    );
    assert_eq!(lines.len(), 2, "only whom it changes: {}", table.body);
    let page = owner.get("/o/acme/rules/preview.csv").await?;
    assert_eq!((page.status, page.body), (200, table.body.clone()));
    assert!(owner.get("/o/acme/rules/preview").await?.body.contains("/o/acme/rules/preview.csv"));
    for (browser, status) in [(&ana, 403), (&world.browser()?, 401)] {
        assert_eq!(
            browser.send(Method::POST, &format!("{RULES}/preview?format=csv"), &json!({})).await?.status,
            status
        );
    }
    assert_eq!(preview(&owner).await?["people"].as_array().map(Vec::len), Some(2), "without it the answer is JSON");
    Ok(())
}

async fn whoever_activates_too_late_hears_what_has_changed(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let digest = preview(&owner).await?["digest"].clone();
    world.sign_in("ana").await?;
    assert_eq!(add(&owner, &rule("Readers", "Readers", &viewer())).await?.status, 201);
    let late = |digest: Value| {
        let (owner, wanted) = (&owner, json!({"digest": digest, "confirm": "acme"}));
        async move { owner.send(Method::POST, &format!("{RULES}/activate"), &wanted).await }
    };
    let refused = late(digest.clone()).await?;
    assert_eq!((refused.status, refused.code().as_str()), (412, "stale"));
    let detail = refused.json()["detail"].as_str().context("detail")?.to_owned();
    let says =
        "the rules were edited (1 then, 2 now), the people of the org are others (1 then, 2 now); preview them again";
    assert!(detail.ends_with(says), "{detail}");
    activate(&owner).await?;
    let refused = late(digest).await?.json()["detail"].as_str().context("detail")?.to_owned();
    assert!(refused.contains("of the rules in force was made"), "{refused}");
    // Whoever brings no more than the decisive part is refused as well, and hears less.
    assert!(
        late(json!("x")).await?.json()["detail"].as_str().context("detail")?.ends_with("preview; preview them again")
    );

    // People who signed in since are judged by what is known now, and the answer says what the preview had said.
    assert_eq!(add(&owner, &rule("Bo", cardea_simulate::people::REGISTRY_READERS, &viewer())).await?.status, 201);
    let digest = preview(&owner).await?["digest"].clone();
    world.sign_in("bo").await?;
    let done = late(digest).await?.json();
    assert_eq!((&done["counts"]["gaining"], &done["previewed"]["gaining"]), (&json!(1), &json!(0)));
    assert_eq!(activate(&owner).await?["previewed"], Value::Null);
    Ok(())
}

async fn owners_and_whoever_activated_hear_what_it_did(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    let id = owner.get(RULES).await?.json()["rules"][0]["id"].as_str().context("id")?.to_owned();
    let admin = rule("Registry admins", cardea_simulate::people::REGISTRY_ADMINS, &json!([{"role": "user_admin"}]));
    assert_eq!(owner.send(Method::PUT, &format!("{RULES}/{id}"), &admin).await?.status, 200);
    preview(&owner).await?;
    assert!(world.node().mail().await?.is_empty(), "a preview tells nobody");
    activate(&owner).await?;
    assert_eq!(world.node().mail().await?.len(), 1, "the owner, once, though it was the owner's own doing");
    activate(&ana).await?;
    let letters = world.node().mail().await?;
    assert_eq!(letters.len(), 3);
    for address in [OWNER.0, "ana@corp.example"] {
        let letter = world.node().letter_to(address).await?;
        assert!(letter.subject.contains("New membership rules are in force in acme"), "{}", letter.subject);
        for body in [&letter.text, &letter.html] {
            assert!(body.contains("Ana Ruiz") && body.contains("acme"), "{body}");
        }
    }
    let refused = owner.send(Method::POST, &format!("{RULES}/activate"), &json!({"digest": "x"})).await?;
    assert_eq!((refused.status, world.node().mail().await?.len()), (412, 3), "what did not happen is not told");
    Ok(())
}

async fn a_rule_whose_target_is_gone_is_flagged(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let broken = || async { anyhow::Ok(owner.get(RULES).await?.json()["rules"][0]["broken"].clone()) };
    assert_eq!((broken().await?, &preview(&owner).await?["broken"]), (json!([]), &json!([])));
    assert_eq!(owner.send(Method::DELETE, "/api/v1/orgs/acme/teams/vision", &json!({})).await?.status, 204);
    assert_eq!(broken().await?, json!(["`vision` is no team of this org"]));
    let mut tx = world.node().app.db.write().await?;
    let acme = account::named(&mut tx, "acme").await?.context("acme")?;
    assert!(entitlement::remove(&mut tx, acme.org, "registry").await?);
    tx.commit().await?;
    let all = json!(["this org does not have the service `registry`", "`vision` is no team of this org"]);
    assert_eq!(broken().await?, all);
    assert_eq!(preview(&owner).await?["broken"], json!(["Registry admins"]));
    let page = owner.get("/o/acme/rules").await?;
    assert!(page.body.contains("does not have the service"), "{}", page.body);
    let id = owner.get(RULES).await?.json()["rules"][0]["id"].as_str().context("id")?.to_owned();
    let form = owner.get(&format!("/o/acme/rules/{id}")).await?;
    for text in ["This rule gives less than it says", "<code>vision</code> is no team of this org"] {
        assert!(form.body.contains(text), "{text}: {}", form.body);
    }
    Ok(())
}

async fn a_rule_of_several_conditions_is_explained_as_a_whole(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    unruled(&world).await?;
    let owner = world.sign_in_owner().await?;
    let both = json!({"name": "Both", "connection": "okta", "grants": viewer(),
        "any_of": [{"all_of": [{"equals": "red"}, {"equals": "green"}], "none_of": [{"equals": "blue"}]}]});
    assert_eq!(add(&owner, &both).await?.status, 201);
    activate(&owner).await?;
    let met = |groups: &'static [&'static str]| {
        let (world, owner) = (&world, &owner);
        async move {
            in_groups(world, "ana", groups);
            let had = roles(&world.sign_in("ana").await?).await?;
            let why = owner.get("/api/v1/orgs/acme/users/ana@corp.example/explain").await?.json();
            let said = why["said"][0]["groups"].as_array().context("groups")?.clone();
            let by = |group: &Value| (group["rules"] == json!(["Both"])).then(|| group["value"].clone());
            anyhow::Ok((had.len(), said.iter().filter_map(by).collect::<Vec<_>>()))
        }
    };
    assert_eq!(met(&["red"]).await?, (0, vec![]));
    assert_eq!(met(&["red", "green", "grey"]).await?, (1, vec![json!("red"), json!("green")]));
    assert_eq!(met(&["red", "green", "blue"]).await?, (0, vec![]), "no group alone says so");
    Ok(())
}

/// Where a document says that rules are in force, it means its own.
async fn a_declaration_puts_in_force_what_was_edited_and_never_activated(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (owner, bo) = (world.sign_in_owner().await?, world.sign_in("bo").await?);
    let readers = rule("Readers", cardea_simulate::people::REGISTRY_READERS, &viewer());
    assert_eq!(add(&owner, &readers).await?.status, 201);
    assert_eq!(roles(&bo).await?, [""; 0]);
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    state["accounts"][0]["rules"].as_array_mut().context("rules")?.push(readers);
    world.node().apply(state.clone()).await?;
    world.node().catch_up().await?;
    assert_eq!(roles(&bo).await?, ["/registry:viewer"]);
    let generation = owner.get(RULES).await?.json()["generation"].clone();
    world.node().apply(state).await?;
    assert_eq!(owner.get(RULES).await?.json()["generation"], generation, "a second time changes nothing");
    Ok(())
}
