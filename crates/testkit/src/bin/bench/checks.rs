//! Key checks: what one costs beside the bare server, with a thousand keys and with a million, how long it takes, and
//! what a node has in memory.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cardea_testkit::Engine;
use cardea_testkit::world::PORTAL_SECRET;
use serde_json::json;

use crate::loader::{self, Script};
use crate::open_loop::{self, Seen};
use crate::process::{Child, Meter, Used};
use crate::report::{Mark, Report, float, median, rounded, say};
use crate::scene::{KEYS_A_MEMBER, Scene};
use crate::{bare, memory};

const CONNECTIONS: usize = 32;
const FEW: usize = 1_000;
const MANY: usize = 1_000_000;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);
/// Far enough below what a server takes at most that its queue is short.
const LOAD: f64 = 0.4;

/// Checks of many keys in turn, each from bytes that are ready but for the key.
pub(crate) struct Checks {
    template: Vec<u8>,
    key_at: usize,
    keys: Arc<Vec<String>>,
    stride: usize,
}

impl Checks {
    pub(crate) fn new(keys: Arc<Vec<String>>) -> Result<Self> {
        let sample = keys.first().context("no key")?;
        let body = json!({"key": sample, "service": "registry", "action": "download_container",
            "entity_type": "container", "entity": "acme/app"});
        let portal = STANDARD.encode(format!("portal:{PORTAL_SECRET}"));
        let headers = format!("authorization: Basic {portal}\r\ncontent-type: application/json\r\n");
        let text = loader::request("POST", "/api/v1/keys/check", &headers, &body.to_string());
        let key_at = text.find(sample.as_str()).context("no key in the request")?;
        // A prime, so that neighbours in time are not neighbours in the table and every key has its turn.
        Ok(Self { template: text.into_bytes(), key_at, keys, stride: 7919 })
    }

    /// Writes the check with this number.
    pub(crate) fn fill(&self, number: usize, request: &mut Vec<u8>) {
        request.extend_from_slice(&self.template);
        let key = self.keys.get(number.wrapping_mul(self.stride) % self.keys.len()).map_or("", String::as_str);
        request.iter_mut().skip(self.key_at).zip(key.bytes()).for_each(|(to, from)| *to = from);
    }
}

impl Script for Checks {
    fn write(&self, number: usize, request: &mut Vec<u8>) -> bool {
        self.fill(number, request);
        true
    }

    fn read(&self, _: usize, status: u16, body: &[u8]) -> Result<()> {
        ensure!(
            status == 200 && body.starts_with(br#"{"allowed":true"#),
            "a check said {status} {}",
            String::from_utf8_lossy(body)
        );
        Ok(())
    }
}

/// A server and what it is asked.
struct Side {
    child: Child,
    checks: Arc<Checks>,
    rounds: Vec<Round>,
}

#[derive(Clone, Copy)]
struct Round {
    answered: usize,
    used: Used,
}

impl Round {
    fn per_cpu_second(&self) -> f64 {
        float(self.answered) / self.used.server
    }
}

impl Side {
    fn new(child: Child, keys: &Arc<Vec<String>>) -> Result<Self> {
        Ok(Self { child, checks: Arc::new(Checks::new(Arc::clone(keys))?), rounds: Vec::new() })
    }

    async fn round(&mut self, span: Duration) -> Result<Round> {
        let meter = Meter::start(&self.child)?;
        let answered = loader::run(self.child.address, CONNECTIONS, span, Arc::clone(&self.checks)).await?;
        Ok(Round { answered, used: meter.stop()? })
    }

    async fn measure(&mut self) -> Result<()> {
        let round = self.round(ROUND).await?;
        self.rounds.push(round);
        Ok(())
    }

    fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(of).collect())
    }

    fn details(&self) -> serde_json::Value {
        json!({
            "requests_per_cpu_second": self.median(Round::per_cpu_second).round(),
            "cpu_us_a_request": rounded(1e6 / self.median(Round::per_cpu_second)),
            "requests_per_second": self.median(|round| float(round.answered) / round.used.wall).round(),
            "server_cpu": rounded(self.median(|round| round.used.server / round.used.wall)),
            "loader_cpu": rounded(self.median(|round| round.used.loader / round.used.wall)),
        })
    }

    fn loader_was_the_bottleneck(&self) -> bool {
        self.rounds.iter().filter(|round| round.used.loader_was_the_bottleneck()).count() * 2 > self.rounds.len()
    }
}

/// The median of the ratios of rounds that followed each other, so that a slow machine slows both sides of a ratio.
fn ratio(above: &Side, below: &Side) -> f64 {
    let pairs = above.rounds.iter().zip(&below.rounds);
    median(pairs.map(|(above, below)| above.per_cpu_second() / below.per_cpu_second()).collect())
}

/// Measures.
pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let few = Scene::new(Engine::Sqlite, FEW / KEYS_A_MEMBER).await?;
    let node = few.serve("few")?;
    memory::at_rest(report, &node).await?;
    say("adding a million keys");
    let many = Scene::new(Engine::Sqlite, MANY / KEYS_A_MEMBER).await?;
    let few_keys = Arc::new(few.keys.clone());
    let many_keys = Arc::new(many.keys.clone());
    let mut bare = Side::new(Child::start("bare", &bare::Orders { keys: few.keys.clone() })?, &few_keys)?;
    let mut ours = Side::new(node, &few_keys)?;
    let mut full = Side::new(many.serve("many")?, &many_keys)?;
    say("asking for every key once, and waiting until the uses are written");
    warm(&full).await?;
    settle(&full.child).await?;
    for side in [&mut bare, &mut ours, &mut full] {
        side.round(Duration::from_secs(1)).await?;
    }
    for _ in 0..ROUNDS {
        bare.measure().await?;
        ours.measure().await?;
        full.measure().await?;
    }
    let stuck = bare.loader_was_the_bottleneck() || ours.loader_was_the_bottleneck();
    let details = json!({"connections": CONNECTIONS, "rounds": ROUNDS, "ours": ours.details(), "bare": bare.details(),
        "loader_was_the_bottleneck": stuck});
    report.figure("key_check", "ratio", ratio(&ours, &bare), Mark::AtLeast(0.70), &details);
    let details = json!({"keys": MANY, "few": ours.details(), "many": full.details(),
        "loader_was_the_bottleneck": full.loader_was_the_bottleneck()});
    report.figure("key_check_many_keys", "ratio", ratio(&ours, &full), Mark::AtMost(1.3), &details);
    memory::hot(report, &full.child, MANY)?;
    drop((full, many));
    latency(report, &ours, &bare).await
}

/// Every key is asked for once: its member's roles are then in memory, and its use is noted.
async fn warm(side: &Side) -> Result<()> {
    struct Once(Arc<Checks>);
    impl Script for Once {
        fn write(&self, number: usize, request: &mut Vec<u8>) -> bool {
            self.0.fill(number, request);
            number < self.0.keys.len()
        }
        fn read(&self, number: usize, status: u16, body: &[u8]) -> Result<()> {
            self.0.read(number, status, body)
        }
    }
    let once = Arc::new(Once(Arc::clone(&side.checks)));
    loader::run(side.child.address, CONNECTIONS, Duration::from_secs(600), once).await?;
    Ok(())
}

/// How many seconds without work show that no use is left to write. Once a minute a node looks at every key whether it was
/// used, which is work too, so no whole minute is without any.
const QUIET: f64 = 50.0;

/// Watches a node until it has had nothing to do for almost a minute: a million uses noted in one minute are a million
/// updates in the next.
async fn settle(child: &Child) -> Result<()> {
    let mut look = tokio::time::interval(Duration::from_secs(2));
    look.tick().await;
    let mut quiet = 0.0;
    while quiet < QUIET {
        let meter = Meter::start(child)?;
        look.tick().await;
        let used = meter.stop()?;
        quiet = if used.server < 0.05 * used.wall { quiet + used.wall } else { 0.0 };
    }
    Ok(())
}

async fn latency(report: &mut Report, ours: &Side, bare: &Side) -> Result<()> {
    let rate = LOAD * ours.median(|round| float(round.answered) / round.used.wall);
    let (mut seen, mut bare_p99) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        seen.push(open_loop(ours, rate).await?);
        bare_p99.push(open_loop(bare, rate).await?.answered(0.99));
    }
    let of = |part: &dyn Fn(&Seen) -> f64| median(seen.iter().map(part).collect());
    let (p99, late) = (of(&|seen| seen.answered(0.99)), of(&|seen| seen.late(0.99)));
    let best = seen.iter().map(|seen| seen.answered(0.99)).fold(f64::INFINITY, f64::min);
    let details = json!({"connections": CONNECTIONS, "rounds": ROUNDS, "rate_per_second": rate.round(),
        "p50": rounded(of(&|seen| seen.answered(0.5))), "best_round": rounded(best), "bare": rounded(median(bare_p99)),
        "loader_late_p99": rounded(late), "loader_was_the_bottleneck": late > 0.5});
    report.figure("key_check_p99", "ms", p99, Mark::AtMost(1.0), &details);
    Ok(())
}

async fn open_loop(side: &Side, rate: f64) -> Result<Seen> {
    let (address, checks) = (side.child.address, Arc::clone(&side.checks));
    tokio::task::spawn_blocking(move || open_loop::run(address, CONNECTIONS, rate, &checks)).await?
}
