//! A person writes to the owners of their org.

use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Browser, Engine, NodeBuilder, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::second;

stories! {
    templates_are_filled_in_with_the_org_and_the_team,
    every_owner_reads_it_and_answers_the_person,
    five_messages_a_day_whichever_node_takes_them,
    only_plain_text_about_what_is_there_is_sent,
    whose_address_is_not_proven_gets_no_answer_by_itself,
}

const CONTACT: &str = "/api/v1/orgs/acme/contact";

async fn write(by: &Browser, body: &Value) -> Result<Answer> {
    by.send(Method::POST, CONTACT, body).await
}

fn product(body: &str) -> Value {
    json!({"template": "product_request", "body": body})
}

async fn templates_are_filled_in_with_the_org_and_the_team(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let all = ana.get(&format!("{CONTACT}/templates?team=vision")).await?.json();
    let kinds: Vec<_> = all["templates"].as_array().into_iter().flatten().map(|it| &it["template"]).collect();
    assert_eq!(kinds, ["product_request", "team_access_request"]);
    for template in all["templates"].as_array().into_iter().flatten() {
        let body = template["body"].as_str().context("a body")?;
        assert!(body.contains("acme") && body.contains("vision"), "{body}");
    }
    assert_eq!(ana.get(&format!("{CONTACT}/templates?team=nowhere")).await?.code(), "unknown_team");
    assert_eq!(ana.get(&format!("{CONTACT}/templates")).await?.status, 200);
    assert_eq!(ana.get("/api/v1/orgs/beta/contact/templates").await?.status, 404);
    Ok(())
}

async fn every_owner_reads_it_and_answers_the_person(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    second(&world, &owner, "two@acme.test").await?;
    let ana = world.sign_in("ana").await?;
    let before = world.node().mail().await?.len();
    let body = json!({"template": "team_access_request", "team": "vision", "body": "Hello,\nmay I?"});
    assert_eq!(write(&ana, &body).await?.status, 204);
    let letters = world.node().mail().await?.split_off(before);
    let mut readers: Vec<&str> = letters.iter().map(|letter| letter.to.as_str()).collect();
    readers.sort_unstable();
    assert_eq!(readers, [OWNER.0, "two@acme.test"]);
    for letter in &letters {
        assert_eq!(letter.reply_to.as_deref(), Some("ana@corp.example"));
        assert_eq!(letter.subject, "[acme] Access to the team vision of acme");
        assert!(letter.text.contains("ana@corp.example") && letter.text.contains("> may I?"), "{}", letter.text);
    }
    Ok(())
}

async fn five_messages_a_day_whichever_node_takes_them(engine: Engine) -> Result<()> {
    let mut world = World::new(engine).await?;
    world.add_node(NodeBuilder::default().named("two")).await?;
    let ana = world.sign_in("ana").await?;
    let two = world.nodes.get(1).context("two nodes")?;
    let elsewhere = ana.at(&two.url);
    // Ten at once on two nodes: five are sent.
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..10 {
        let browser = if number % 2 == 0 { ana.clone() } else { elsewhere.clone() };
        tasks.spawn(async move { write(&browser, &product(&format!("Number {number}"))).await });
    }
    let mut statuses = Vec::new();
    while let Some(answer) = tasks.join_next().await {
        statuses.push(answer??.status);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 204, 204, 204, 204, 429, 429, 429, 429, 429]);
    assert_eq!(world.node().mail().await?.len(), 5);
    let refused = write(&ana, &product("One more")).await?;
    assert_eq!(refused.code(), "rate_limited");
    let wait: u64 = refused.header("retry-after").parse().context("seconds")?;
    assert!((86_390..=86_401).contains(&wait), "{wait}");
    // Others are not counted with her, and a day later she writes again.
    assert_eq!(write(&world.sign_in("bo").await?, &product("I am Bo")).await?.status, 204);
    for node in &world.nodes {
        node.clock.advance(Duration::from_secs(86_401));
    }
    assert_eq!(write(&world.sign_in("ana").await?, &product("Good morning")).await?.status, 204);
    Ok(())
}

async fn only_plain_text_about_what_is_there_is_sent(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    for (body, code) in [
        (product(" \n"), "invalid_message"),
        (product("a\u{0}b"), "invalid_message"),
        (product(&"a".repeat(4001)), "invalid_message"),
        (json!({"template": "product_request", "body": "x", "subject": "a\r\nBcc: b@c.example"}), "invalid_message"),
        (json!({"template": "product_request", "body": "x", "team": "nowhere"}), "unknown_team"),
        (json!({"template": "team_access_request", "body": "x"}), "team_missing"),
        (json!({"template": "love_letter", "body": "x"}), "invalid_value"),
    ] {
        let answer = write(&ana, &body).await?;
        assert_eq!((answer.status, answer.code().as_str()), (422, code), "{body}");
    }
    assert_eq!(world.node().mail().await?, []);
    assert_eq!(write(&world.browser()?, &product("x")).await?.status, 401);
    // Markup is words.
    assert_eq!(write(&ana, &product("<img src=x onerror=alert(1)>")).await?.status, 204);
    let letter = world.node().letter_to(OWNER.0).await?;
    assert!(!letter.html.contains("<img"), "{}", letter.html);
    Ok(())
}

async fn whose_address_is_not_proven_gets_no_answer_by_itself(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    world.provider.person("bo", |bo| bo.email = "victim@elsewhere.example".to_owned());
    let bo = world.sign_in("bo").await?;
    assert_eq!(write(&bo, &product("x")).await?.status, 204);
    let letter = world.node().letter_to(OWNER.0).await?;
    assert_eq!(letter.reply_to, None);
    assert!(letter.text.contains("(victim@elsewhere.example, not proven)"), "{}", letter.text);
    Ok(())
}
