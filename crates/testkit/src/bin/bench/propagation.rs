//! From the answer that somebody is deactivated to the first no to their key: three nodes on one PostgreSQL, every one of
//! them asked about the key all the time, and about others besides.
//!
//! ```text
//! node one    yes yes PATCH ──────► 200 no        none may be yes that began after the answer
//! node two    yes  yes  yes  yes  yes │ no        the figure ends where the request began that was refused, so it is
//! node three  yes  yes  yes  yes  yes │ yes  no   too long by what lies between two requests, never too short
//!                            answered ┘
//! ```

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cardea_testkit::Engine;
use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::checks::Checks;
use crate::directory::deactivation;
use crate::loader::Connection;
use crate::process::{Child, Meter};
use crate::report::{Mark, Report, float, millis, quantile, rounded};
use crate::scene::{self, Scene};

const DEACTIVATIONS: usize = 1_000;
const OTHERS: usize = 100;
/// Connections on each node that ask about the others.
const LINES: usize = 4;
/// A connection that does not ask as fast as it can asks once in this time.
const PACE: Duration = Duration::from_millis(2);
const YES: &[u8] = br#"{"allowed":true"#;
const NO: &[u8] = br#"{"allowed":false,"reason":"ended"}"#;

/// Measures.
pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let scene = Scene::new(Engine::Postgres, OTHERS).await?;
    let people = scene::directory_people(&scene, DEACTIVATIONS).await?;
    let nodes = [scene.serve("one")?, scene.serve("two")?, scene.serve("three")?];
    let background = Background::start(&nodes, scene.keys.clone())?;
    let [one, ..] = &nodes;
    let mut directory = Connection::open(one.address).await?;
    let meter = Meter::start(one)?;
    let (mut took, mut after, mut until) = (Vec::new(), 0, Vec::new());
    for (id, key) in people {
        let seen = deactivate(&nodes, &mut directory, &id, key).await?;
        took.push(seen.took);
        after += usize::from(seen.allowed_after_the_answer);
        until.extend(seen.until_refused);
    }
    let used = meter.stop()?;
    let asked = background.stop().await?;
    took.sort();
    until.sort();
    let details =
        json!({"deactivations": DEACTIVATIONS, "answered_after_ms_p50": rounded(millis(quantile(&took, 0.5)))});
    report.figure("allowed_after_the_answer_same_node", "requests", float(after), Mark::AtMost(0.0), &details);
    let at = |share| rounded(millis(quantile(&until, share)));
    let before = until.iter().filter(|span| span.is_zero()).count();
    let details = json!({"nodes": nodes.len(), "database": "PostgreSQL", "deactivations": DEACTIVATIONS, "p50": at(0.5),
        "refused_before_the_answer": rounded(float(before) / float(until.len())),
        "background_checks_per_second": (float(asked) / used.wall).round(), "loader_cpu": rounded(used.loader / used.wall)});
    report.figure("refused_on_other_nodes_p99", "ms", millis(quantile(&until, 0.99)), Mark::AtMost(50.0), &details);
    report.figure("refused_on_other_nodes_max", "ms", at(1.0), Mark::AtMost(1000.0), &json!({"bound": 1000}));
    Ok(())
}

/// One deactivation.
struct Seen {
    /// How long the directory waited for its answer.
    took: Duration,
    allowed_after_the_answer: bool,
    /// For each other node, from the answer to where the first request began that was refused.
    until_refused: Vec<Duration>,
}

/// Deactivates one person while every node is asked about their key.
async fn deactivate(nodes: &[Child; 3], directory: &mut Connection, id: &str, key: String) -> Result<Seen> {
    let checks = Arc::new(Checks::new(Arc::new(vec![key]))?);
    let ready = Arc::new(Barrier::new(nodes.len() + 1));
    let mut others = JoinSet::new();
    let [one, rest @ ..] = nodes;
    let same = tokio::spawn(probe(one.address, Arc::clone(&checks), Arc::clone(&ready), None));
    for node in rest {
        others.spawn(probe(node.address, Arc::clone(&checks), Arc::clone(&ready), Some(pace())));
    }
    directory.request.clear();
    directory.request.extend(deactivation(id).bytes());
    ready.wait().await;
    let sent = Instant::now();
    let (status, body) = directory.exchange().await?;
    let answered = Instant::now();
    ensure!(status == 200, "a person was not deactivated: {status} {}", String::from_utf8_lossy(body));
    let mut until_refused = Vec::new();
    while let Some(probed) = others.join_next().await {
        until_refused.push(probed??.first_no.saturating_duration_since(answered));
    }
    Ok(Seen { took: answered - sent, allowed_after_the_answer: same.await??.last_yes > answered, until_refused })
}

/// When requests began.
struct Probed {
    last_yes: Instant,
    first_no: Instant,
}

fn pace() -> Interval {
    let mut pace = interval(PACE);
    // Whoever is late asks once, and not as often as was missed.
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

/// Asks until the answer is no, at a pace or as fast as it can.
async fn probe(
    address: SocketAddr,
    checks: Arc<Checks>,
    ready: Arc<Barrier>,
    mut pace: Option<Interval>,
) -> Result<Probed> {
    let mut connection = Connection::open(address).await?;
    checks.fill(0, &mut connection.request);
    ensure!(connection.exchange().await?.1.starts_with(YES), "the key never worked");
    let mut last_yes = Instant::now();
    ready.wait().await;
    loop {
        let began = Instant::now();
        let (status, body) = connection.exchange().await?;
        if body == NO {
            return Ok(Probed { last_yes, first_no: began });
        }
        ensure!(body.starts_with(YES), "a check said {status} {}", String::from_utf8_lossy(body));
        last_yes = began;
        if let Some(pace) = &mut pace {
            pace.tick().await;
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
        for address in nodes.iter().flat_map(|node| [node.address; LINES]) {
            let (checks, stop) = (Arc::clone(&checks), Arc::clone(&stop));
            tasks.spawn(async move {
                let mut connection = Connection::open(address).await?;
                let (mut asked, mut pace) = (0, pace());
                while !stop.load(Ordering::Relaxed) {
                    connection.request.clear();
                    checks.fill(asked, &mut connection.request);
                    let (status, body) = connection.exchange().await?;
                    ensure!(body.starts_with(YES), "a check in the background said {status}");
                    asked += 1;
                    pace.tick().await;
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
            asked += task.context("a connection in the background")??;
        }
        Ok(asked)
    }
}
