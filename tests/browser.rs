//! What a person sees and does, in a real browser: `tests/browser/run.mjs` tells the story, this file sets the scene.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use cardea_gateway::accounts::{self, Filled};
use cardea_gateway::activations::{self, Offer};
use cardea_model::Caller;
use cardea_model::key::Span;
use cardea_testkit::world::{OWNER, PORTAL_SECRET};
use cardea_testkit::{Engine, NodeBuilder, World};
use serde_json::json;
use tokio::process::Command;

use crate::invitations::CHOSEN;

const CHROMIUM: &str = "/usr/bin/chromium";
/// What to do when something is missing: a browser story that is not told is not a passed one.
const REMEDY: &str = "`scripts/setup.sh test` installs it, and `make test` does so by itself";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_in_a_real_browser() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/browser");
    ensure!(Path::new(CHROMIUM).exists(), "{CHROMIUM} is missing; {REMEDY}");
    ensure!(folder.join("node_modules/playwright-core").exists(), "tests/browser/node_modules is missing; {REMEDY}");
    let world = World::with(Engine::Sqlite, NodeBuilder::default().on_real_time()).await?;
    let (newcomer, activation) = (offer(&world, "new@newco.test").await?, offer(&world, OWNER.0).await?);
    let story = json!({
        "second": second(&world).await?,
        "newcomer": newcomer,
        "activation": activation,
        "url": world.node().url,
        "owner": {"email": OWNER.0, "password": OWNER.1},
        "person": {"email": "ana@corp.example", "name": "Ana Ruiz"},
        "check": {"client": "portal", "secret": PORTAL_SECRET, "question": {"service": "registry",
            "action": "download_container", "entity_type": "container", "entity": "acme/app"}},
        "pictures": pictures(),
    });
    let mut node = Command::new("node");
    node.arg("run.mjs").current_dir(&folder).env("STORY", story.to_string()).env("CHROMIUM", CHROMIUM);
    node.stdin(Stdio::null()).kill_on_drop(true);
    let ended = node.status().await.with_context(|| format!("`node` cannot be started; {REMEDY}"))?;
    ensure!(ended.success(), "the browser's story ended badly; its words stand above, its pictures in target/browser");
    Ok(())
}

/// Offers a service to an address; returns the secret of the link.
async fn offer(world: &World, email: &str) -> Result<String> {
    let app = &world.node().app;
    let offer = Offer {
        service: "ai_enterprise".to_owned(),
        email: email.to_owned(),
        transferable: true,
        expires_in: Span::from_seconds(86_400),
        entitlement_ends_at: None,
    };
    Ok(activations::offer(app, &app.ctx(Caller::System("test")), offer).await?.secret.reveal())
}

/// Makes another owner; returns their address.
async fn second(world: &World) -> Result<String> {
    let app = &world.node().app;
    let link = accounts::invite_owner(app, &app.ctx(Caller::System("test")), "acme", "olga@acme.test").await?;
    let filled = Filled { account: None, email: None, password: CHOSEN.into() };
    Ok(accounts::use_link(app, &app.ctx(Caller::Nobody), &link.reveal(), filled).await?)
}

fn pictures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/browser")
}
