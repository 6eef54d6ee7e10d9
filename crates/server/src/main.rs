//! The binary: reads what was typed and what was configured, and hands on to the room that does it.

mod catalogue;
mod chance;
mod cli;
mod clock;
mod complaint;
mod config;
mod demo;
mod environment;
mod lifecycle;
mod listening;
mod opening;
mod pepper;
mod sources;
mod state_file;
mod telemetry;
mod yaml;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run(&cli::Cli::parse()) {
        Ok(code) => code,
        Err(error) => cli::output::fail(&error),
    }
}
