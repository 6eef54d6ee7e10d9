//! Killed in the middle of anything: what was answered is kept, what was not is whole or absent.

mod activation;
mod letters;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cardea_testkit::world::{DIRECTORY_TOKEN, state};
use cardea_testkit::{Browser, Database, Engine, Node, kills, stories};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

stories! {
    a_killed_gateway_has_kept_every_answer,
}

/// The real program, serving.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    /// Starts `cardea serve` with these variables besides, and waits until it is ready.
    async fn start(folder: &Path, database: &str, variables: &[(&str, &str)]) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        let url = format!("http://{address}");
        let child = Command::new(env!("CARGO_BIN_EXE_cardea"))
            .arg("serve")
            .current_dir(folder)
            .env("CARDEA__PUBLIC_URL", &url)
            .env("CARDEA__LISTEN", address.to_string())
            .env("CARDEA__DATABASE__URL", database)
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let served = Self { child, url };
        let probe = Browser::new(&served.url)?;
        let ready = async {
            while !probe.get("/readyz").await.is_ok_and(|answer| answer.status == 200) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), ready).await.context("it did not become ready")?;
        Ok(served)
    }
}

/// A folder with the pepper of a fresh database.
fn installed(engine: Engine) -> Result<(tempfile::TempDir, Database)> {
    let folder = tempfile::tempdir()?;
    std::fs::create_dir(folder.path().join("data"))?;
    let database = Database::fresh(engine)?;
    let pepper = folder.path().join("data/pepper");
    std::fs::write(&pepper, database.pepper())?;
    std::fs::set_permissions(&pepper, std::fs::Permissions::from_mode(0o600))?;
    Ok((folder, database))
}

/// What a directory was told.
struct Told {
    user: String,
    deactivated: bool,
}

/// Creates people and deactivates every second one until the gateway is gone; returns what was answered.
async fn provision(url: String, round: usize, answered: Arc<AtomicUsize>) -> Result<Vec<Told>> {
    let client = Browser::new(&url)?;
    let mut told = Vec::new();
    for number in 0.. {
        let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "active": true,
            "userName": format!("person{round}-{number}@corp.example")});
        let Ok(made) = scim(&client, Method::POST, "/scim/v2/Users", &body).await else { break };
        ensure!(made.0 == 201, "{} {}", made.0, made.1);
        let user = made.1["id"].as_str().context("id")?.to_owned();
        told.push(Told { user: user.clone(), deactivated: false });
        answered.fetch_add(1, Ordering::SeqCst);
        if number % 2 == 0 {
            let patch = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "replace", "value": {"active": false}}]});
            let Ok(shut) = scim(&client, Method::PATCH, &format!("/scim/v2/Users/{user}"), &patch).await else { break };
            ensure!(shut.0 == 200, "{} {}", shut.0, shut.1);
            told.push(Told { user, deactivated: true });
            answered.fetch_add(1, Ordering::SeqCst);
        }
    }
    Ok(told)
}

async fn scim(client: &Browser, method: Method, path: &str, body: &Value) -> Result<(u16, Value)> {
    let request =
        client.request(method, path).bearer_auth(DIRECTORY_TOKEN).header("content-type", "application/scim+json");
    let response = request.body(body.to_string()).send().await?;
    Ok((response.status().as_u16(), serde_json::from_str(&response.text().await?)?))
}

async fn a_killed_gateway_has_kept_every_answer(engine: Engine) -> Result<()> {
    let (folder, database) = installed(engine)?;
    let node = Node::start(&database).await?;
    node.apply(state("http://127.0.0.1:9")).await?;
    node.stop().await;

    let mut told = Vec::new();
    for round in 0..kills() {
        let mut served = Served::start(folder.path(), &database.url, &[]).await?;
        let answered = Arc::new(AtomicUsize::new(0));
        let work = tokio::spawn(provision(served.url.clone(), round, Arc::clone(&answered)));
        // Killed after a different stretch of work each time, somewhere in the next request.
        while answered.load(Ordering::SeqCst) < round % 25 && !work.is_finished() {
            tokio::task::yield_now().await;
        }
        served.child.kill().await?;
        told.extend(work.await??);
    }
    assert!(told.len() > kills(), "{} answers are too few to tell anything", told.len());

    let served = Served::start(folder.path(), &database.url, &[]).await?;
    let client = Browser::new(&served.url)?;
    let shut: std::collections::HashSet<_> =
        told.iter().filter(|told| told.deactivated).map(|told| &told.user).collect();
    for told in &told {
        let (status, user) = scim(&client, Method::GET, &format!("/scim/v2/Users/{}", told.user), &Value::Null).await?;
        assert_eq!(status, 200, "an answered creation is lost: {user}");
        if shut.contains(&told.user) {
            assert_eq!(user["active"], false, "an answered deactivation is lost");
        }
    }
    drop(served);
    every_end_of_access_is_whole(&database).await
}

/// No receipt without its feed row, hold and audit event; no gap in the feed.
async fn every_end_of_access_is_whole(database: &Database) -> Result<()> {
    let node = Node::start(database).await?;
    let found = cardea_testkit::tamper::halves(&node.app.db).await?;
    assert_eq!(found, Vec::<String>::new());
    Ok(())
}
