//! The people of an org: what they are given by hand and by whom, the teams they are in, and how they leave and come back.

mod account;
mod escalation;
mod grants;
mod leaving;
mod owners;
mod teams;

use anyhow::{Context as _, Result, ensure};
use cardea_testkit::{Answer, Browser, Engine, Node, NodeBuilder, World};
use reqwest::Method;
use serde_json::{Value, json};

/// The users of the org.
const USERS: &str = "/api/v1/orgs/acme/users";

/// The scene with people whose roles are given by hand: `bo` manages the users of the org, `chika` those of the team
/// `vision`, `dana` has no role.
pub(crate) struct Staff {
    pub(crate) world: World,
    pub(crate) owner: Browser,
    pub(crate) bo: Browser,
    pub(crate) chika: Browser,
    pub(crate) dana: Browser,
}

impl Staff {
    pub(crate) async fn new(engine: Engine) -> Result<Self> {
        Self::with(engine, NodeBuilder::default()).await
    }

    pub(crate) async fn with(engine: Engine, builder: NodeBuilder) -> Result<Self> {
        let world = World::with(engine, builder).await?;
        let owner = world.sign_in_owner().await?;
        let (bo, chika, dana) =
            (world.sign_in("bo").await?, world.sign_in("chika").await?, world.sign_in("dana").await?);
        for (who, role) in
            [("bo", json!({"role": "user_admin"})), ("chika", json!({"team": "vision", "role": "user_admin"}))]
        {
            let given = give(&owner, who, &role).await?;
            ensure!(given.status == 200, "{who}: {}", given.body);
        }
        Ok(Self { world, owner, bo, chika, dana })
    }

    pub(crate) fn node(&self) -> &Node {
        self.world.node()
    }
}

fn email(who: &str) -> String {
    if who.contains('@') { who.to_owned() } else { format!("{who}@corp.example") }
}

fn user(who: &str) -> String {
    format!("{USERS}/{}", email(who))
}

/// Gives a role by hand.
pub(crate) async fn give(by: &Browser, who: &str, role: &Value) -> Result<Answer> {
    by.send(Method::POST, &format!("{}/roles", user(who)), role).await
}

/// Takes a role; it stands in the query.
async fn take(by: &Browser, who: &str, role: &str) -> Result<Answer> {
    delete(by, &format!("{}/roles?{role}", user(who))).await
}

async fn delete(by: &Browser, address: &str) -> Result<Answer> {
    Answer::read(by.request(Method::DELETE, address).send().await?).await
}

async fn add(by: &Browser, who: &str) -> Result<Answer> {
    by.send(Method::POST, USERS, &json!({"user": email(who)})).await
}

/// Status and code at once.
fn outcome(answer: &Answer) -> (u16, String) {
    (answer.status, answer.code())
}

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// The roles that somebody sees of themselves, as `team/service/role`.
pub(crate) async fn own_roles(browser: &Browser) -> Result<Vec<String>> {
    let me = browser.get("/api/v1/me").await?;
    ensure!(me.status == 200, "{}", me.body);
    Ok(words(&me.json()["orgs"][0]["roles"]))
}

/// Roles as `team/service/role`.
fn words(roles: &Value) -> Vec<String> {
    let word = |role: &Value, name: &str| role[name].as_str().unwrap_or_default().to_owned();
    let all = roles.as_array().into_iter().flatten();
    all.map(|role| [word(role, "team"), word(role, "service"), word(role, "role")].join("/")).collect()
}

/// The names of a list of users.
async fn names(browser: &Browser, address: &str) -> Result<Vec<String>> {
    let list = browser.get(address).await?;
    ensure!(list.status == 200, "{}", list.body);
    let items = list.json()["items"].as_array().cloned().context("items")?;
    let mut names: Vec<String> = items.iter().filter_map(|user| user["name"].as_str()).map(str::to_owned).collect();
    names.sort();
    Ok(names)
}

/// What a node says of a key that asks for an image of this name: yes, why not, or `over` for a key that has ended, which its
/// row says a little after the numbers do.
async fn pulls(world: &World, node: &Node, key: &str, entity: &str) -> Result<Value> {
    let question = json!({"key": key, "service": "registry", "action": "download_container", "entity_type": "container",
        "entity": entity});
    let answer = world.ask(node, &question).await?.json();
    Ok(match (&answer["allowed"], answer["reason"].as_str()) {
        (Value::Bool(true), _) => json!(true),
        (_, Some("ended" | "revoked")) => json!("over"),
        (_, reason) => json!(reason),
    })
}
