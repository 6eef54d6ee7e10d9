//! What a person sees and does, in a real browser: `tests/browser/run.mjs` tells the story, this file sets the scene.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use cardea_testkit::world::{OWNER, PORTAL_SECRET};
use cardea_testkit::{Engine, NodeBuilder, World};
use serde_json::json;
use tokio::process::Command;

const CHROMIUM: &str = "/usr/bin/chromium";
/// What to do when something is missing: a browser story that is not told is not a passed one.
const REMEDY: &str = "`scripts/setup.sh test` installs it, and `make test` does so by itself";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_in_a_real_browser() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/browser");
    ensure!(Path::new(CHROMIUM).exists(), "{CHROMIUM} is missing; {REMEDY}");
    ensure!(folder.join("node_modules/playwright-core").exists(), "tests/browser/node_modules is missing; {REMEDY}");
    let world = World::with(Engine::Sqlite, NodeBuilder::default().on_real_time()).await?;
    let story = json!({
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

fn pictures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/browser")
}
