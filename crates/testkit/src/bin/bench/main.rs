//! `make bench`: what the gateway costs, one line of JSON a figure.
//!
//! ```text
//! bench ─► core 1: bench run ─┬─ stdin/stdout ─► core 0: bench node   the gateway's own router
//!                             └─ stdin/stdout ─► core 0: bench bare   the least that could answer a key check
//! ```
//! A figure that is a ratio has both its sides in the same run, by turns. Costs are the server's processor time, which
//! other programs on the machine disturb least. The exit code is 1 if a figure misses its mark, or if the loader was
//! so busy that the figure would be its own.
//!
//! `bench checks`, `directory`, `propagation`, `logins`, `rules` or `tokens`, or several of them, measure these only.

mod bare;
mod checks;
mod directory;
mod loader;
mod logins;
mod memory;
mod open_loop;
mod process;
mod propagation;
mod report;
mod rules;
mod scene;
mod tokens;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use report::Report;

const USAGE: &str = "usage: bench [checks] [directory] [propagation] [logins] [rules] [tokens]";

fn main() -> ExitCode {
    match begin() {
        Ok(code) => code,
        Err(error) => report::fail(&error),
    }
}

fn begin() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["node"] => runtime()?.block_on(process::serve(scene::node)),
        ["bare"] => runtime()?.block_on(process::serve(bare::serve)),
        ["run", chosen @ ..] => runtime()?.block_on(run(chosen)),
        chosen => process::on_core(process::LOADER_CORE, &[&["run"], chosen].concat()),
    }
}

/// The same for both sides: as many threads as the process has cores.
fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")
}

async fn run(chosen: &[&str]) -> Result<ExitCode> {
    const ALL: [&str; 6] = ["checks", "directory", "propagation", "logins", "rules", "tokens"];
    if chosen.iter().any(|name| !ALL.contains(name)) {
        bail!(USAGE);
    }
    let mut report = Report::default();
    for name in ALL.into_iter().filter(|name| chosen.is_empty() || chosen.contains(name)) {
        match name {
            "checks" => checks::measure(&mut report).await?,
            "directory" => directory::measure(&mut report).await?,
            "propagation" => propagation::measure(&mut report).await?,
            "rules" => rules::measure(&mut report).await?,
            "tokens" => tokens::measure(&mut report).await?,
            _ => logins::measure(&mut report).await?,
        }
    }
    Ok(report.verdict())
}
