//! Programs under measurement: this program again, on a core of its own, asked how much of it was used.
//!
//! A child reads its orders from stdin as one line of JSON, answers on stdout with its address, and ends when stdin does.

use std::ffi::OsStr;
use std::future::Future;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::report;

/// Where the servers run.
pub(crate) const SERVER_CORE: &str = "0";
/// Where the loader runs, and whatever it starts besides.
pub(crate) const LOADER_CORE: &str = "1";

/// The kernel counts processor time for programs in hundredths of a second, whatever its own clock.
const TICK: Duration = Duration::from_millis(10);

/// Runs this program again on one core, to its end.
pub(crate) fn on_core(core: &str, arguments: &[&str]) -> Result<ExitCode> {
    let mut command = pinned(core, std::env::current_exe()?, arguments);
    let status = command.status().context("`taskset` (util-linux) is needed, and two cores")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn pinned(core: &str, program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", core]).arg(program).args(arguments);
    command
}

/// A server under measurement; it ends when this is dropped.
pub(crate) struct Child {
    process: std::process::Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Child {
    /// Starts this program as `role` and waits until it listens.
    pub(crate) fn start(role: &str, orders: &impl Serialize) -> Result<Self> {
        Self::of(std::env::current_exe()?, &[role], orders)
    }

    /// Starts another program that keeps to the same ways.
    pub(crate) fn of(program: impl AsRef<OsStr>, arguments: &[&str], orders: &impl Serialize) -> Result<Self> {
        let mut command = pinned(SERVER_CORE, program, arguments);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = serde_json::to_string(orders)?;
        line.push('\n');
        process.stdin.as_mut().context("no stdin")?.write_all(line.as_bytes())?;
        let mut answer = String::new();
        BufReader::new(process.stdout.take().context("no stdout")?).read_line(&mut answer)?;
        let address = answer.trim().parse().with_context(|| format!("`{}` did not start", arguments.join(" ")))?;
        Ok(Self { process, address })
    }

    /// Its `http://` address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The processor time that it has used.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu_of(&self.process.id().to_string())
    }

    /// What it has in memory now.
    pub(crate) fn memory(&self) -> Result<Resident> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let field = |name: &str| -> Result<f64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).context("no such line in status")?;
            let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
            Ok(kib * 1024.0 / 1e6)
        };
        Ok(Resident { all: field("VmRSS:")?, anonymous: field("RssAnon:")? })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        if self.process.wait().is_err() {
            report::say("a server could not be waited for");
        }
    }
}

/// Resident memory in MB of 10⁶ bytes.
pub(crate) struct Resident {
    /// With the pages of files that are mapped, which the kernel takes back when it needs them.
    pub(crate) all: f64,
    /// The program's own.
    pub(crate) anonymous: f64,
}

/// The processor time that the loader has used.
pub(crate) fn own_cpu() -> Result<Duration> {
    cpu_of("self")
}

/// `utime` and `stime` of proc(5), the 14th and 15th fields; the second field may hold spaces and ends with `)`.
fn cpu_of(process: &str) -> Result<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = text.rsplit_once(')').context("stat without a name")?;
    let ticks: u32 = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
    Ok(TICK * ticks)
}

/// Processor time over a stretch of the clock, for a server and the loader.
pub(crate) struct Meter<'a> {
    server: &'a Child,
    began: Instant,
    server_cpu: Duration,
    loader_cpu: Duration,
}

/// What was used between two looks.
#[derive(Clone, Copy)]
pub(crate) struct Used {
    pub(crate) wall: f64,
    pub(crate) server: f64,
    pub(crate) loader: f64,
}

impl<'a> Meter<'a> {
    pub(crate) fn start(server: &'a Child) -> Result<Self> {
        Ok(Self { server, began: Instant::now(), server_cpu: server.cpu()?, loader_cpu: own_cpu()? })
    }

    pub(crate) fn stop(self) -> Result<Used> {
        Ok(Used {
            wall: self.began.elapsed().as_secs_f64(),
            server: self.server.cpu()?.saturating_sub(self.server_cpu).as_secs_f64(),
            loader: own_cpu()?.saturating_sub(self.loader_cpu).as_secs_f64(),
        })
    }
}

impl Used {
    /// The loader had no time left while the server had: then the figure is the loader's.
    pub(crate) fn loader_was_the_bottleneck(&self) -> bool {
        self.loader > 0.9 * self.wall && self.server < self.loader
    }
}

/// The child's side: reads the orders, serves, tells the address, stops when stdin ends.
pub(crate) async fn serve<O, S, F>(start: S) -> Result<ExitCode>
where
    O: DeserializeOwned,
    S: FnOnce(O) -> F,
    F: Future<Output = Result<Serving>>,
{
    let mut orders = String::new();
    std::io::stdin().read_line(&mut orders)?;
    let serving = start(serde_json::from_str(&orders)?).await?;
    report::print(&serving.address);
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(ExitCode::SUCCESS)
}

/// A server that serves as long as this lives.
pub(crate) struct Serving {
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    /// What serves.
    pub(crate) _alive: Box<dyn Send>,
}
