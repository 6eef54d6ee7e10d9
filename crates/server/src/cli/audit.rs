//! `cardea audit verify`: the hash chain, computed anew from its beginning.

use super::finding::{self, Finding};
use super::output::{Form, rows};
use super::progress;
use crate::config::Config;
use crate::opening;
use cardea_gateway::audit;
use std::process::ExitCode;

/// Verifies the whole chain; exit code 1 if it is broken.
pub(crate) async fn verify(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let app = opening::to_look(config).await?;
    let bar = progress::spinner("verifying the audit log");
    let verdict = audit::verify(&app).await;
    bar.finish_and_clear();
    app.db.close().await;
    let verdict = verdict?;
    if json {
        rows(Form::Json, [], &[], &verdict)?;
        return Ok(if verdict.broken_at.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let mut findings = vec![match verdict.broken_at {
        None => Finding::ok("chain", format!("{} sealed events, each proven by its hash", verdict.sealed)),
        Some(place) => Finding::problem(
            "chain",
            format!("event {place} is missing or was altered; the {} before it are proven", verdict.sealed),
            Some("compare it with a backup"),
        ),
    }];
    if verdict.unsealed > 0 {
        let detail =
            format!("{} events wait for their place; a serving node seals them within a second", verdict.unsealed);
        findings.push(Finding::note("tail", detail, None));
    }
    finding::print(false, &findings)
}
