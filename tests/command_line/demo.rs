//! The demo, by what it prints: a newcomer walks through it, and its directory speaks as each product does.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use cardea_testkit::Browser;
use serde_json::json;

use super::PASSWORD;
use super::program::start;

/// The shell lines of a text: from the first step of the walk to its last.
fn walk(text: &str) -> Result<String> {
    let (_, after) = text.split_once("\n# Sign in as Ana").context("the first step")?;
    let (steps, _) = after.split_once("# Refused, from that answer on\ncheck\n").context("the last step")?;
    Ok(format!("# Sign in as Ana{steps}# Refused, from that answer on\ncheck\n"))
}

#[tokio::test]
async fn a_newcomer_walks_through_the_demo_and_the_readme_by_the_same_commands() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut demo = start(folder.path(), &["demo"], &[("TMPDIR", folder.path())])?;
    let printed = demo.read_to("Ctrl-C ends").await?;
    let steps = walk(&printed)?;
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md"))?;
    assert_eq!(walk(&readme)?, steps);

    // Pasted into a shell, as it is told.
    let export = printed.lines().find(|line| line.starts_with("export ")).context("the variables")?;
    let script = format!("set -eu\n{export}\n{steps}rm \"$JAR\"\n");
    let shell = tokio::process::Command::new("bash").args(["-c", &script]).kill_on_drop(true).output().await?;
    let said = String::from_utf8(shell.stdout)?;
    ensure!(shell.status.success(), "{said}{}", String::from_utf8_lossy(&shell.stderr));
    let at = |word: &str| said.find(word).with_context(|| format!("`{word}` in: {said}"));
    let order =
        [at("ana@corp.example")?, at("\"allowed\":true")?, at("PATCH")?, at("\"allowed\":false,\"reason\":\"ended\"")?];
    assert!(order.is_sorted(), "{said}");

    // The terminal of the demo shows the conversation too, with the receipt; its owner can read it.
    let told = demo.read_to("  Receipt  ").await?;
    assert!(told.contains("speaking as Okta, deactivates Ana Ruiz") && told.contains("  200  "), "{told}");
    let receipt = told.lines().last().and_then(|line| line.rsplit('/').next()).context("a receipt")?;
    let value = |name: &str| printed.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
    let (console, link) = (value("Console").context("the console")?, value("Owner").context("the link")?);
    let owner = Browser::new(console)?;
    assert_eq!(owner.post_form(link, &[("password", PASSWORD)]).await?.status, 303);
    let shown = owner.get(&format!("/api/v1/orgs/acme/revocations/{receipt}")).await?.json();
    assert_eq!((&shown["cause"], &shown["email"]), (&json!("directory_deactivated"), &json!("ana@corp.example")));
    assert_eq!(owner.get(&format!("/o/acme/revocations/{receipt}")).await?.status, 200);

    // Nothing is kept.
    demo.signal("INT").await?;
    assert_eq!(demo.end().await?, Some(0));
    let left: Vec<_> = std::fs::read_dir(folder.path())?.collect::<std::io::Result<_>>()?;
    assert!(left.is_empty(), "{left:?}");
    Ok(())
}

#[tokio::test]
async fn the_demos_directory_speaks_every_dialect_and_only_to_scripts() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut demo = start(folder.path(), &["demo"], &[("TMPDIR", folder.path())])?;
    let printed = demo.read_to("Ctrl-C ends").await?;
    let directory = printed.lines().find_map(|line| line.trim().strip_prefix("Directory")).context("it")?.trim();
    let script = Browser::new(directory)?;
    for (user, dialect, name) in
        [("bo", "entra", "Entra ID"), ("chika", "entra_compliant", "Entra ID with"), ("dana", "okta", "Okta")]
    {
        for (verb, deed) in [("deactivate", "deactivates"), ("reactivate", "reactivates")] {
            let done = script.post_form(&format!("/{verb}?user={user}&dialect={dialect}"), &[]).await?;
            assert_eq!(done.status, 200, "{}", done.body);
            assert!(done.body.contains(&format!("speaking as {name}")) && done.body.contains(deed), "{}", done.body);
        }
    }
    let stranger = script.post_form("/deactivate?user=eve", &[]).await?;
    assert_eq!((stranger.status, stranger.body.contains("only ana, bo")), (422, true), "{}", stranger.body);
    let page = script.request(reqwest::Method::POST, "/deactivate?user=ana").header("origin", "http://evil.example");
    assert_eq!(page.send().await?.status(), 403);
    Ok(())
}
