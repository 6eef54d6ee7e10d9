//! A whole sign-in through the provider, whose own work is done in the loader's process: what is left is the gateway's.

use std::sync::Arc;

use anyhow::{Result, ensure};
use cardea_testkit::{Browser, Engine};
use serde_json::json;
use tokio::task::JoinSet;

use crate::process::{Child, Meter, Used};
use crate::report::{Mark, Report, float, median, rounded};
use crate::scene::Scene;

/// So many browsers sign in at once: a few, who seldom share a commit, and as many as ask for keys' checks.
const BROWSERS: [(&str, usize); 2] = [("code_flow_cpu", 8), ("code_flow_cpu_crowded", 32)];
/// So many sign-ins of all of them together.
const LOGINS: usize = 2048;
const ROUNDS: usize = 3;

/// Measures.
pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let scene = Scene::new(Engine::Sqlite, 0).await?;
    let child = scene.serve("one")?;
    let url: Arc<str> = child.url().into();
    sign_in(&url, 20).await?;
    for (figure, browsers) in BROWSERS {
        crowd(report, &child, &url, (figure, browsers)).await?;
    }
    Ok(())
}

async fn crowd(report: &mut Report, child: &Child, url: &Arc<str>, (figure, at_once): (&str, usize)) -> Result<()> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(round(child, url, at_once).await?);
    }
    let logins = float(LOGINS);
    let of = |part: &dyn Fn(&Used) -> f64| median(rounds.iter().map(part).collect());
    // The loader signs tokens and draws pages too, so it may well be the slower side: only processor time is told.
    let details = json!({"logins": LOGINS, "rounds": ROUNDS, "at_once": at_once,
        "logins_per_second": of(&|used| logins / used.wall).round(), "server_cpu": rounded(of(&|used| used.server / used.wall)),
        "loader_cpu": rounded(of(&|used| used.loader / used.wall))});
    report.figure(figure, "us", of(&|used| 1e6 * used.server / logins), Mark::AtMost(400.0), &details);
    Ok(())
}

/// What [`LOGINS`] sign-ins use, of which so many are under way at once.
async fn round(child: &Child, url: &Arc<str>, at_once: usize) -> Result<Used> {
    let meter = Meter::start(child)?;
    let mut browsers = JoinSet::new();
    for _ in 0..at_once {
        let url = Arc::clone(url);
        browsers.spawn(async move { sign_in(&url, LOGINS / at_once).await });
    }
    while let Some(browser) = browsers.join_next().await {
        browser??;
    }
    meter.stop()
}

/// What a sign-in costs more where many rules are in force and the person is in many groups, in microseconds of processor
/// time: the median of the differences of rounds that followed each other.
pub(crate) async fn more_with_rules(without: &Child, with: &Child) -> Result<f64> {
    let mut differences = Vec::new();
    let sides: [(&Child, Arc<str>); 2] = [(without, without.url().into()), (with, with.url().into())];
    for (_, url) in &sides {
        sign_in(url, 20).await?;
    }
    for _ in 0..ROUNDS {
        let mut used = [0.0, 0.0];
        for ((child, url), used) in sides.iter().zip(&mut used) {
            *used = round(child, url, 8).await?.server;
        }
        differences.push(1e6 * (used[1] - used[0]) / float(LOGINS));
    }
    Ok(median(differences))
}

/// Signs in time after time: to the gateway, to the provider and back with a code, until the session's cookie is there.
async fn sign_in(url: &str, times: usize) -> Result<()> {
    let browser = Browser::new(url)?;
    for _ in 0..times {
        let begun = browser.get("/login/okta?return_to=/api/v1/me").await?;
        let (_, entered) = browser.follow(begun, "ana", Some("/api/v1/me")).await?;
        let cookies = entered.headers.get_all("set-cookie");
        let opened = cookies.iter().any(|cookie| cookie.as_bytes().starts_with(b"cardea="));
        ensure!(entered.status == 303 && opened, "no session was opened: {} {}", entered.status, entered.body);
    }
    Ok(())
}
