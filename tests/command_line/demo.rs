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

#[tokio::test]
async fn people_of_three_saml_providers_sign_in_at_the_demo_until_one_misbehaves() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut demo = start(folder.path(), &["demo"], &[("TMPDIR", folder.path())])?;
    let printed = demo.read_to("Ctrl-C ends").await?;
    let value = |name: &str| printed.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
    let console = value("Console").context("the console")?;
    let pages: Vec<&str> = printed.lines().map(str::trim).filter(|line| line.ends_with("/switches")).collect();
    assert_eq!(pages.len(), 3, "{printed}");
    for (connection, domain) in [("entra", "entra.example"), ("okta-saml", "okta.example"), ("adfs", "adfs.example")] {
        let browser = Browser::new(console)?;
        assert_eq!(through_saml(&browser, connection).await?, 303, "{connection}");
        let me = browser.get("/api/v1/me").await?.json();
        assert_eq!(me["user"]["email"], json!(format!("ana@{domain}")), "{me}");
        assert_eq!(me["orgs"][0]["roles"][0]["role"], "admin", "{me}");
    }
    let page = pages.iter().find(|page| page.contains("/adfs/")).context("a page")?;
    let origin = url::Url::parse(page)?.origin().ascii_serialization();
    let switched = Browser::new(&origin)?.post_form(url::Url::parse(page)?.path(), &[("mode", "sha1")]).await?;
    assert_eq!(switched.status, 303, "{}", switched.body);
    assert_eq!(through_saml(&Browser::new(console)?, "adfs").await?, 401);
    Ok(())
}

/// Signs Ana in through a simulated SAML provider as a browser does; the status of what our side says to its answer.
async fn through_saml(browser: &Browser, connection: &str) -> Result<u16> {
    let sent = browser.get(&format!("/login/{connection}")).await?;
    let answer = browser.get(&format!("{}&simulate_user=ana", sent.header("location"))).await?;
    let field = |name: &str| {
        let (_, rest) = answer.body.split_once(&format!("name=\"{name}\" value=\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let (response, state) = (field("SAMLResponse").context("a response")?, field("RelayState").unwrap_or_default());
    let fields = [("SAMLResponse", response.as_str()), ("RelayState", state.as_str())];
    Ok(browser.post_form(&format!("/saml/{connection}/acs"), &fields).await?.status)
}
