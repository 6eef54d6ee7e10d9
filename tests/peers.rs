//! The same stories against real programs of others, not only against our own simulators.

mod sign_on;

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_testkit::world::state;
use cardea_testkit::{Answer, Browser, Engine, NodeBuilder, World, stories};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use url::Url;

stories! {
    a_person_signs_in_through_a_certified_provider,
}

/// Where the programs of npm are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/peers");

/// `oidc-provider` of npm on a free port.
async fn provider(redirect_uri: &str) -> Result<(Child, String)> {
    let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let mut child = Command::new("node")
        .args(["oidc-provider.mjs", &port.to_string(), redirect_uri])
        .current_dir(FOLDER)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("node is missing: run scripts/setup.sh test")?;
    let mut lines = BufReader::new(child.stdout.take().context("its output")?).lines();
    let ready = async {
        while let Some(line) = lines.next_line().await? {
            if line == "ready" {
                return Ok(());
            }
        }
        anyhow::bail!("oidc-provider did not start: run scripts/setup.sh test")
    };
    tokio::time::timeout(Duration::from_secs(60), ready).await??;
    // What it says from now on is read and forgotten: a closed pipe would end it.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok((child, format!("http://127.0.0.1:{port}")))
}

/// Follows redirects and fills in the provider's forms until an answer of the gateway is no redirect.
async fn through(browser: &Browser, mut answer: Answer, mut address: Url, person: &str, ours: &str) -> Result<Answer> {
    for _ in 0..20 {
        let here = address.as_str().starts_with(ours);
        if (300..400).contains(&answer.status) {
            address = address.join(answer.header("location"))?;
            answer = browser.get(address.as_str()).await?;
        } else if here {
            return Ok(answer);
        } else {
            let action = answer.body.split("action=\"").nth(1).and_then(|rest| rest.split('"').next());
            let action = address.join(action.with_context(|| format!("a form on {}", answer.body))?)?;
            let prompt = if answer.body.contains("value=\"login\"") { "login" } else { "consent" };
            let fields = [("prompt", prompt), ("login", person), ("password", "anything")];
            answer = browser.post_form(action.as_str(), &fields).await?;
            address = action;
        }
    }
    anyhow::bail!("twenty steps and no end, the last at {address}")
}

async fn a_person_signs_in_through_a_certified_provider(engine: Engine) -> Result<()> {
    let world = World::with(engine, NodeBuilder::default().on_real_time()).await?;
    let ours = &world.node().url;
    let (_running, issuer) = provider(&format!("{ours}/oidc/okta/callback")).await?;
    world.node().apply(state(&issuer)).await?;

    let ana = world.browser()?;
    let start = Url::parse(&format!("{ours}/login/okta?return_to=/api/v1/me"))?;
    let me = through(&ana, ana.get(start.as_str()).await?, start, "ana", ours).await?;
    assert_eq!(me.status, 200, "{}", me.body);
    assert_eq!(me.json()["user"]["email"], "ana@corp.example");
    assert_eq!(me.json()["user"]["email_verified"], true);
    let roles = me.json()["orgs"][0]["roles"].clone();
    assert!(roles.as_array().is_some_and(|roles| roles.iter().any(|role| role["service"] == "registry")), "{roles}");

    let key = ana.make_key("laptop", &["registry"]).await?;
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true);
    Ok(())
}
