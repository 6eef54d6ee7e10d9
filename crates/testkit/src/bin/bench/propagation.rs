//! From the answer that somebody is deactivated to the first node that refuses their key: three nodes on one PostgreSQL,
//! every one of them asked about the key without a pause, and about others besides.
//!
//! ```text
//! node one    ask ask PATCH ─────────► 200 ask: refused
//! node two    ask ask ask ask ask ask │ ask: refused
//! node three  ask ask ask ask ask ask │ ask ask: refused
//!                            answered ┘ └──┘ the start of the last yes after it: the figure
//! ```

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cardea_testkit::Engine;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::checks::Checks;
use crate::directory::deactivation;
use crate::loader::Connection;
use crate::process::{Child, Meter};
use crate::report::{Mark, Report, float, millis, quantile, rounded};
use crate::scene::{self, Scene};

const DEACTIVATIONS: usize = 1_000;
const OTHERS: usize = 100;

/// Measures.
pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let scene = Scene::new(Engine::Postgres, OTHERS).await?;
    let nodes = [scene.serve("one")?, scene.serve("two")?, scene.serve("three")?];
    let background = Background::start(&nodes, scene.keys.clone())?;
    let mut people = scene::directory_people(&scene, DEACTIVATIONS).await?;
    let [one, ..] = &nodes;
    let mut directory = Connection::open(one.address).await?;
    let meter = Meter::start(one)?;
    let mut later: [Vec<Duration>; 3] = Default::default();
    let mut took = Vec::new();
    for (id, key) in people.drain(..) {
        let (elapsed, seen) = deactivate(&nodes, &mut directory, &id, key).await?;
        took.push(elapsed);
        for (all, one) in later.iter_mut().zip(seen) {
            all.push(one);
        }
    }
    let used = meter.stop()?;
    let asked = background.stop().await?;
    let [same, two, three] = later;
    let mut other = [two, three].concat();
    other.sort();
    took.sort();
    let after = same.iter().filter(|span| !span.is_zero()).count();
    let details = json!({"deactivations": DEACTIVATIONS, "answered_ms_p50": rounded(millis(quantile(&took, 0.5))),
        "loader_cpu": rounded(used.loader / used.wall)});
    report.figure("allowed_after_answer_same_node", "requests", float(after), Mark::AtMost(0.0), details);
    let at = |share| rounded(millis(quantile(&other, share)));
    let refused_before = other.iter().filter(|span| span.is_zero()).count();
    let details = json!({"nodes": 3, "database": "PostgreSQL", "deactivations": DEACTIVATIONS, "samples": other.len(),
        "refused_before_the_answer": refused_before, "p50": at(0.5), "max": at(1.0),
        "background_checks_per_second": (float(asked) / used.wall).round(),
        "loader_cpu": rounded(used.loader / used.wall)});
    report.figure("refused_on_other_nodes_p99", "ms", millis(quantile(&other, 0.99)), Mark::AtMost(50.0), details);
    report.figure("refused_on_other_nodes_max", "ms", at(1.0), Mark::AtMost(1000.0), json!({"bound_ms": 1000}));
    Ok(())
}

/// Deactivates one person while every node is asked about their key; how long the answer took, and for each node how long
/// after it the last request began that was still allowed.
async fn deactivate(
    nodes: &[Child; 3],
    directory: &mut Connection,
    id: &str,
    key: String,
) -> Result<(Duration, Vec<Duration>)> {
    let checks = Arc::new(Checks::new(Arc::new(vec![key]))?);
    let warm = Arc::new(AtomicUsize::new(0));
    let mut probes = JoinSet::new();
    for (number, node) in nodes.iter().enumerate() {
        let (address, checks, warm) = (node.address, Arc::clone(&checks), Arc::clone(&warm));
        probes.spawn(async move { anyhow::Ok((number, last_yes(address, &checks, &warm).await?)) });
    }
    while warm.load(Ordering::Acquire) < nodes.len() {
        tokio::task::yield_now().await;
    }
    directory.request.clear();
    directory.request.extend(deactivation(id).bytes());
    let sent = Instant::now();
    let (status, body) = directory.exchange().await?;
    let answered = Instant::now();
    ensure!(status == 200, "a person was not deactivated: {status} {}", String::from_utf8_lossy(body));
    let mut seen = Vec::new();
    while let Some(probe) = probes.join_next().await {
        seen.push(probe??);
    }
    seen.sort_by_key(|(number, _)| *number);
    let later = seen.iter().map(|(_, last)| last.saturating_duration_since(answered)).collect();
    Ok((answered - sent, later))
}

/// Asks until the answer is no; when the last request began that was answered yes.
async fn last_yes(address: SocketAddr, checks: &Checks, warm: &AtomicUsize) -> Result<Instant> {
    let mut connection = Connection::open(address).await?;
    checks.fill(0, &mut connection.request);
    let mut last = None;
    let mut asked = 0;
    loop {
        let began = Instant::now();
        let (status, body) = connection.exchange().await?;
        ensure!(status == 200, "a check said {status}");
        if !body.starts_with(br#"{"allowed":true"#) {
            ensure!(body == br#"{"allowed":false,"reason":"ended"}"#, "a check said {}", String::from_utf8_lossy(body));
            return last.context("the key never worked");
        }
        last = Some(began);
        asked += 1;
        if asked == 5 {
            warm.fetch_add(1, Ordering::Release);
        }
    }
}

/// Checks of other people's keys, on every node, for as long as this runs.
struct Background {
    stop: Arc<AtomicBool>,
    tasks: JoinSet<Result<usize>>,
}

impl Background {
    fn start(nodes: &[Child], keys: Vec<String>) -> Result<Self> {
        let checks = Arc::new(Checks::new(Arc::new(keys))?);
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for node in nodes {
            let (address, checks, stop) = (node.address, Arc::clone(&checks), Arc::clone(&stop));
            tasks.spawn(async move {
                let mut connection = Connection::open(address).await?;
                let mut asked = 0;
                while !stop.load(Ordering::Relaxed) {
                    connection.request.clear();
                    checks.fill(asked, &mut connection.request);
                    let (status, body) = connection.exchange().await?;
                    ensure!(
                        status == 200 && body.starts_with(br#"{"allowed":true"#),
                        "a key in the background stopped working"
                    );
                    asked += 1;
                }
                Ok(asked)
            });
        }
        Ok(Self { stop, tasks })
    }

    async fn stop(mut self) -> Result<usize> {
        self.stop.store(true, Ordering::Relaxed);
        let mut asked = 0;
        while let Some(task) = self.tasks.join_next().await {
            asked += task??;
        }
        Ok(asked)
    }
}
