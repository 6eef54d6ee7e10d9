//! Where log lines go: to stderr, as text for a person and as JSON for a machine.

use crate::config::{Format, Log};
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Begins to log as `log` says; fails if `log.level` is no filter, or if the process logs already.
pub(crate) fn start(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&log.level)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let for_people = match log.format {
        Format::Auto => std::io::stderr().is_terminal(),
        Format::Text => true,
        Format::Json => false,
    };
    let started = if for_people {
        lines.with_ansi(std::io::stderr().is_terminal()).try_init()
    } else {
        lines.json().flatten_event(true).try_init()
    };
    started.map_err(anyhow::Error::from_boxed)
}
