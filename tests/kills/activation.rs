//! Killed in the middle of an activation: the rules from before are in force, or the new ones, for everybody; and what is
//! left to be written of the change is written by whoever comes next.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result, ensure};
use cardea_gateway::login::admission;
use cardea_gateway::rules::{self, Asked};
use cardea_model::Caller;
use cardea_model::id::UserId;
use cardea_store::{account, member};
use cardea_testkit::world::{OWNER, state};
use cardea_testkit::{Browser, Database, Engine, Node, NodeBuilder, kills, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Served, every_end_of_access_is_whole, installed};
use crate::races::{asserted_by, begun, okta};

stories! {
    a_killed_activation_leaves_one_set_of_rules_in_force_for_everybody,
}

const PEOPLE: usize = 30;
const RULES: &str = "/api/v1/orgs/acme/rules";
const ISSUER: &str = "http://127.0.0.1:9";
/// What the one rule gives by turns.
const ROLES: [&str; 2] = ["admin", "viewer"];

/// Everybody signs in once and is in one group.
async fn everybody(node: &Node) -> Result<Vec<UserId>> {
    let (app, okta) = (&node.app, okta(&node.app).await?);
    let mut users = Vec::new();
    for number in 0..PEOPLE {
        let ctx = app.ctx(Caller::Nobody);
        let mut asserted = asserted_by(ISSUER, number, ctx.now);
        asserted.groups = cardea_connect::GroupClaims::Present(vec!["Everybody".to_owned()]);
        let opened = admission::admit(app, &ctx, &okta, &begun(&ctx, okta.id), &asserted).await?;
        let caller = cardea_gateway::session::caller(app, &opened.secret, ctx.now).await?;
        let Caller::Person(person) = caller else { anyhow::bail!("nobody came in") };
        users.push(person.user);
    }
    Ok(users)
}

/// Signs the owner in.
async fn owner(url: &str) -> Result<Browser> {
    let owner = Browser::new(url)?;
    let entered = owner.post_form("/login/password", &[("email", OWNER.0), ("password", OWNER.1)]).await?;
    ensure!(entered.status == 303, "{} {}", entered.status, entered.body);
    Ok(owner)
}

/// Activates another rule again and again until the gateway is gone; returns the role of each activation that was answered.
async fn activate(owner: Browser, rule: String, asked: Arc<AtomicUsize>) -> Result<Vec<&'static str>> {
    let mut answered = Vec::new();
    let ask = async |method, path: String, body: Value| {
        asked.fetch_add(1, Ordering::SeqCst);
        owner.send(method, &path, &body).await
    };
    for role in ROLES.into_iter().cycle() {
        let body = json!({"name": "Everybody", "connection": "okta", "any_of": [{"equals": "Everybody"}],
            "grants": [{"service": "registry", "role": role}]});
        let Ok(put) = ask(Method::PUT, format!("{RULES}/{rule}"), body).await else { break };
        ensure!(put.status == 200, "{}", put.body);
        let Ok(said) = ask(Method::POST, format!("{RULES}/preview"), json!({})).await else { break };
        let wanted = json!({"digest": said.json()["digest"], "confirm": "acme"});
        let Ok(done) = ask(Method::POST, format!("{RULES}/activate"), wanted).await else { break };
        ensure!(done.status == 200, "{}", done.body);
        answered.push(role);
    }
    Ok(answered)
}

/// The roles of everybody, each set of them once.
async fn roles(node: &Node, users: &[UserId]) -> Result<BTreeSet<Vec<String>>> {
    let ctx = node.app.ctx(Caller::System("test"));
    let acme = account::named(&mut node.app.db.read().await?, "acme").await?.context("acme")?;
    let mut all = BTreeSet::new();
    for user in users {
        let why = rules::explain(&node.app, &ctx, acme.id, &user.to_string(), Asked::default()).await?;
        all.insert(why.roles.into_iter().map(|role| role.role).collect());
    }
    Ok(all)
}

async fn look(database: &Database) -> Result<Node> {
    NodeBuilder::default().on_real_time().start(database).await
}

async fn a_killed_activation_leaves_one_set_of_rules_in_force_for_everybody(engine: Engine) -> Result<()> {
    let (folder, database) = installed(engine)?;
    let node = look(&database).await?;
    node.apply(state(ISSUER)).await?;
    let users = everybody(&node).await?;
    let browser = owner(&node.url).await?;
    let rule = browser.get(RULES).await?.json()["rules"][0]["id"].as_str().context("id")?.to_owned();
    node.stop().await;

    let (mut standing, mut total) = (Vec::new(), 0);
    for round in 0..kills() {
        let mut served = Served::start(folder.path(), &database.url, &[]).await?;
        let asked = Arc::new(AtomicUsize::new(0));
        let work = tokio::spawn(activate(owner(&served.url).await?, rule.clone(), Arc::clone(&asked)));
        // Killed at another request each time, somewhere in the middle of it.
        while asked.load(Ordering::SeqCst) <= round % 9 && !work.is_finished() {
            tokio::task::yield_now().await;
        }
        served.child.kill().await?;
        let answered = work.await??;
        total += answered.len();
        if let Some(role) = answered.last() {
            standing = vec![(*role).to_owned()];
        }

        let node = look(&database).await?;
        let found = roles(&node, &users).await?;
        assert_eq!(found.len(), 1, "some have the rules from before, and some the new ones: {found:?}");
        let found = found.into_iter().next().context("somebody")?;
        // The next one may have been committed and not answered.
        let next = ROLES.into_iter().cycle().nth(answered.len()).map(str::to_owned);
        assert!(found == standing || Some(found.as_slice()) == next.as_ref().map(std::slice::from_ref), "{found:?}");
        node.finish_jobs().await?;
        assert_eq!(
            roles(&node, &users).await?,
            BTreeSet::from([found.clone()]),
            "what was left to be written is written"
        );
        standing = found;
        node.stop().await;
    }
    assert!(total > 0, "no activation was answered");
    everybody_is_managed(&database).await?;
    every_end_of_access_is_whole(&database).await
}

/// Whoever the rules manage carries their mark, as soon as another generation has come.
async fn everybody_is_managed(database: &Database) -> Result<()> {
    let node = look(database).await?;
    let mut conn = node.app.db.read().await?;
    let acme = account::named(&mut conn, "acme").await?.context("acme")?;
    let page = cardea_store::group::page(&mut conn, acme.id, "", 1_000).await?;
    let unmarked = page.iter().filter(|told| !told.owner && told.managed_since.is_none()).count();
    assert_eq!((page.len(), unmarked), (PEOPLE + 1, 0));
    assert_eq!(member::count(&mut conn, acme.id).await?, i64::try_from(PEOPLE + 1)?);
    Ok(())
}
