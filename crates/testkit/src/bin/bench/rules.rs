//! Membership rules over very many people: what a preview and an activation cost, what one person costs, and how long one
//! explanation takes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cardea_model::id::RuleId;
use cardea_model::rule::{CompiledRules, Rule};
use cardea_store::account;
use cardea_store::db::Sql;
use cardea_testkit::reqwest::Method;
use cardea_testkit::{Browser, Engine};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::checks::Checks;
use crate::logins;
use crate::open_loop::{self, Seen};
use crate::process::Child;
use crate::report::{Mark, Report, median, rounded, say};
use crate::scene::Scene;

const GROUPS: usize = 5_000;
const RULES: usize = 1_000;
/// So many people with eight keys each are there besides, so that there is something to check.
const HOLDERS: usize = 125;
/// Key checks a second, far below what a server takes.
const RATE: f64 = 1_000.0;
const PATH: &str = "/api/v1/orgs/acme/rules";

/// Measures.
pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    one_person(report)?;
    one_sign_in(report).await?;
    for (people, most) in [(100_000, 1.0), (1_000_000, 10.0)] {
        everybody(report, people, most).await?;
    }
    Ok(())
}

/// A person in 20 groups under 1,000 rules: by then it is known what each group meets.
fn one_person(report: &mut Report) -> Result<()> {
    let rule = |number: usize| -> Result<Rule> {
        let id: RuleId = format!("{}_{number:032x}", RuleId::PREFIX).parse()?;
        let body = json!({"any_of": [{"equals": format!("group {}", number * 5)}], "grants": [{"service": "registry", "role": "user"}]});
        Ok(Rule { id, name: format!("rule {number}"), body: serde_json::from_value(body)? })
    };
    let rules = (1..=RULES).map(rule).collect::<Result<Vec<_>>>()?;
    let rules = CompiledRules::compile(&rules).map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
    let met: HashMap<usize, Vec<u32>> =
        (1..=GROUPS).map(|group| (group, rules.met("", &format!("group {group}")))).collect();
    let groups_of = |person: usize| (0..20).map(|group| (person * 7 + group * 251) % GROUPS + 1).collect();
    let people: Vec<Vec<usize>> = (0..1_000).map(groups_of).collect();
    let (mut rounds, mut scratch) = (Vec::new(), Vec::new());
    for _ in 0..9 {
        let began = Instant::now();
        let mut applying = 0;
        for groups in people.iter().cycle().take(100_000) {
            scratch.clear();
            scratch.extend(groups.iter().filter_map(|group| met.get(group)).flatten());
            applying += rules.applying(&scratch).count();
        }
        ensure!(applying > 0, "no rule applies to anybody");
        rounds.push(began.elapsed().as_secs_f64() * 1e9 / 1e5);
    }
    let details = json!({"rules": RULES, "groups_a_person": 20});
    report.figure("rule_evaluation", "ns", median(rounds), Mark::AtMost(1_000.0), &details);
    Ok(())
}

/// A sign-in in which the provider names 20 groups and 1,000 rules are in force, beside one with neither.
async fn one_sign_in(report: &mut Report) -> Result<()> {
    let without = Scene::new(Engine::Sqlite, 0).await?;
    let with = Scene::new(Engine::Sqlite, 0).await?;
    fill(&with, 1).await?;
    with.world
        .provider
        .person("ana", |ana| ana.groups = (1..=20).map(|number| format!("group {}", number * 5)).collect());
    let (plain, ruled) = (without.serve("plain")?, with.serve("ruled")?);
    let owner = owner(&ruled).await?;
    let (preview, _) = post(&owner, "preview", &json!({})).await?;
    post(&owner, "activate", &json!({"digest": preview.get("digest"), "confirm": "acme"})).await?;
    let more = logins::more_with_rules(&plain, &ruled).await?;
    let details = json!({"rules": RULES, "groups_a_person": 20});
    report.figure("sign_in_recompute", "us", more, Mark::AtMost(1_000.0), &details);
    Ok(())
}

async fn owner(child: &Child) -> Result<Browser> {
    let owner = Browser::new(&child.url())?;
    let (email, password) = cardea_testkit::world::OWNER;
    owner.post_form("/login/password", &[("email", email), ("password", password)]).await?;
    Ok(owner)
}

async fn everybody(report: &mut Report, people: usize, most: f64) -> Result<()> {
    say(&format!("{people} people are made"));
    let scene = Scene::new(Engine::Sqlite, HOLDERS).await?;
    fill(&scene, people).await?;
    let child = scene.serve("one")?;
    let owner = owner(&child).await?;
    let details = json!({"people": people, "groups_a_person": 6, "groups": GROUPS, "rules": RULES});
    let quiet = checks(&child, &scene).await?;
    let before = child.memory()?;
    let (preview, took) = post(&owner, "preview", &json!({})).await?;
    report.figure("rules_preview", "s", took, Mark::AtMost(most), &details);
    let wanted = json!({"digest": preview.get("digest"), "confirm": "acme"});
    let (_, took) = post(&owner, "activate", &wanted).await?;
    report.figure("rules_activation", "s", took, Mark::AtMost(most), &details);
    let after = child.memory()?;
    let grown = json!({"people": people, "anonymous_before": before.anonymous, "all": after.all});
    report.figure("rules_memory", "MB", after.anonymous, Mark::AtMost(300.0), &grown);
    let busy = beside(&owner, &child, &scene).await?;
    let (p99, quiet_p99) = (busy.answered(0.99), quiet.answered(0.99));
    let seen = json!({"people": people, "rate_per_second": RATE, "p99_ms": rounded(p99), "quiet_p99_ms": rounded(quiet_p99),
        "loader_late_p99_ms": rounded(busy.late(0.99))});
    report.figure("key_check_beside_rules", "x", p99 / quiet_p99, Mark::AtMost(2.0), &seen);
    let mut rounds = Vec::new();
    for number in 1..=50 {
        let began = Instant::now();
        let user = format!("usr_{:032x}", number * (people / 60));
        let answer = owner.get(&format!("/api/v1/orgs/acme/users/{user}/explain")).await?;
        ensure!(answer.status == 200, "no explanation: {}", answer.body);
        rounds.push(began.elapsed().as_secs_f64() * 1e3);
    }
    report.figure("rules_explain", "ms", median(rounds), Mark::AtMost(5.0), &details);
    Ok(())
}

/// Checks of keys at a steady rate.
async fn checks(child: &Child, scene: &Scene) -> Result<Seen> {
    let (address, checks) = (child.address, Checks::new(Arc::new(scene.keys.clone()))?);
    tokio::task::spawn_blocking(move || open_loop::run(address, 8, RATE, &checks)).await?
}

/// The same while the rules are compared with what is in force and put in force, over and over.
async fn beside(owner: &Browser, child: &Child, scene: &Scene) -> Result<Seen> {
    let over = async {
        loop {
            let (preview, _) = post(owner, "preview", &json!({})).await?;
            let wanted = json!({"digest": preview.get("digest"), "confirm": "acme"});
            post(owner, "activate", &wanted).await?;
        }
    };
    tokio::select! {
        seen = checks(child, scene) => seen,
        failed = over => failed,
    }
}

async fn post(owner: &Browser, what: &str, body: &Value) -> Result<(Value, f64)> {
    let began = Instant::now();
    let answer = owner.send(Method::POST, &format!("{PATH}/{what}"), body).await?;
    let took: Duration = began.elapsed();
    ensure!(answer.status == 200, "{what}: {}", answer.body);
    Ok((answer.json(), took.as_secs_f64()))
}

/// People with six groups each, and a rule for every fifth group, written by the database itself.
async fn fill(scene: &Scene, people: usize) -> Result<()> {
    let node = cardea_testkit::NodeBuilder::default().on_real_time().start(&scene.world.database).await?;
    let app = &node.app;
    let acme = account::named(&mut app.db.read().await?, "acme").await?.context("no account")?;
    let okta: String = one(app, "SELECT id FROM connection WHERE name = 'okta'".to_owned()).await?;
    let count =
        |most: usize| format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most})");
    let id = |prefix: &str| format!("'{prefix}_' || printf('%032x', i)");
    let (person, member, identity) = (id("usr"), id("mbr"), id("idn"));
    let (account, org) = (acme.id, acme.org);
    let groups = (0..6).map(|number| format!("(i % 800 + 1 + {number} * 800)")).collect::<Vec<_>>().join(" || ',' || ");
    let document = r#"'{"any_of":[{"equals":"group ' || (i * 5) || '"}],"account_role":"member","grants":[{"service":"registry","role":"user"}]}'"#;
    for statement in [
        format!(
            "{} INSERT INTO external_group (id, connection_id, value) SELECT i, '{okta}', 'group ' || i FROM n",
            count(GROUPS)
        ),
        format!("UPDATE counter SET value = {GROUPS} WHERE name = 'external_group'"),
        format!(
            "{} INSERT INTO rule (id, org_id, connection_id, name, position, document) SELECT {}, '{org}', '{okta}', 'rule ' || i, i, {document} FROM n",
            count(RULES - 1),
            id("rul")
        ),
        format!(
            "{} INSERT INTO person (id, name, search, created_at) SELECT {person}, 'Person ' || i, 'person ' || i, 1 FROM n",
            count(people)
        ),
        format!(
            "{} INSERT INTO member (id, account_id, person_id, account_role, created_at) SELECT {member}, '{account}', {person}, 'member', 1 FROM n",
            count(people)
        ),
        format!(
            "{} INSERT INTO identity (id, connection_id, person_id, member_id, user_name, user_name_folded, managed, active, document, created_at, modified_at) SELECT {identity}, '{okta}', {person}, {member}, 'p' || i, 'p' || i, FALSE, TRUE, '{{}}', 1, 1 FROM n",
            count(people)
        ),
        format!(
            "{} INSERT INTO group_snapshot (identity_id, member_id, connection_id, group_ids, said, seen_at) SELECT {identity}, {member}, '{okta}', {groups}, 'present', 1 FROM n",
            count(people)
        ),
    ] {
        let mut tx = app.db.write().await?;
        tx.execute(Sql { text: statement.leak(), file: file!(), line: line!() }, &[]).await?;
        tx.commit().await?;
    }
    node.stop().await;
    Ok(())
}

async fn one(app: &cardea_gateway::App, text: String) -> Result<String> {
    Ok(app.db.read().await?.one(Sql { text: text.leak(), file: file!(), line: line!() }, &[]).await?)
}
