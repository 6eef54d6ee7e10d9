//! `cardea migrate`: the schema of this release, and the pepper file of a new instance.

use super::output::{Form, note, rows};
use crate::config::Config;
use crate::opening::{self, Opening, Purpose};
use serde::Serialize;
use std::process::ExitCode;

/// What was done.
#[derive(Serialize)]
struct Done {
    /// The files that were applied, in order.
    applied: Vec<String>,
    /// Whether the pepper file was made.
    pepper_made: bool,
}

/// Applies what is missing.
pub(crate) async fn migrate(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let opening = Opening::read(config, Purpose::Lasting)?;
    let db = opening::database(config).await?;
    let bar = super::progress::spinner("migrating the database");
    let applied = db.migrate(opening.clock.now()).await;
    bar.finish_and_clear();
    let applied = applied?;
    let path = &config.keys.pepper_file;
    let pepper_made = !path.exists();
    opening.node(db).await?.db.close().await;
    let mut lines: Vec<[String; 2]> = applied.iter().map(|name| ["applied".to_owned(), name.clone()]).collect();
    if pepper_made {
        lines.push(["made".to_owned(), path.display().to_string()]);
    }
    if lines.is_empty() && !json {
        note("the database is up to date");
    } else {
        rows(Form::choose(json), ["DONE", "FILE"], &lines, &Done { applied, pepper_made })?;
    }
    Ok(ExitCode::SUCCESS)
}
