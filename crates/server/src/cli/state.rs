//! `cardea plan`, `apply` and `export`: the declarative state against the instance.

use super::output::{Form, note, print, rows};
use super::{Document, progress};
use crate::complaint::{Complaint, Complaints};
use crate::config::Config;
use crate::environment::Environment;
use crate::{opening, state_file};
use cardea_gateway::App;
use cardea_gateway::declare::{self, Change, DeclareError, Warning};
use cardea_gateway::state::{Problem, State};
use std::path::Path;
use std::process::ExitCode;

/// Prints what `apply` would change.
pub(crate) async fn plan(config: &Config, environment: &Environment, document: &Document) -> anyhow::Result<ExitCode> {
    let state = state_file::load(&document.file, environment)?;
    let app = opening::to_look(config).await?;
    let bar = progress::spinner("comparing");
    let plan = declare::plan(&app, &super::ctx(&app), &state).await;
    bar.finish_and_clear();
    app.db.close().await;
    let plan = plan.map_err(|error| placed(&document.file, error))?;
    show(document.printed.json, &plan.changes, &plan.warnings, &plan, "nothing would change")
}

/// Makes the instance what the file says.
pub(crate) async fn apply(config: &Config, environment: &Environment, document: &Document) -> anyhow::Result<ExitCode> {
    let state = state_file::load(&document.file, environment)?;
    let app = opening::to_write(config).await?;
    let applied = applied(&app, &document.file, &state).await;
    app.db.close().await;
    let applied = applied?;
    show(document.printed.json, &applied.changes, &applied.warnings, &applied, "nothing to change")
}

async fn applied(app: &App, file: &Path, state: &State) -> anyhow::Result<declare::Applied> {
    let bar = progress::spinner(&format!("applying {} accounts", state.accounts.len()));
    let applied = declare::apply(app, &super::ctx(app), state).await;
    bar.finish_and_clear();
    applied.map_err(|error| placed(file, error))
}

/// Prints the instance as a file for `apply`.
pub(crate) async fn export(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let app = opening::to_look(config).await?;
    let bar = progress::spinner("reading the instance");
    let state = declare::export(&app, &super::ctx(&app)).await;
    bar.finish_and_clear();
    app.db.close().await;
    let state = state?;
    print(&if json { format!("{}\n", serde_json::to_string_pretty(&state)?) } else { state_file::write(&state)? })?;
    Ok(ExitCode::SUCCESS)
}

fn show(
    json: bool,
    changes: &[Change],
    warnings: &[Warning],
    data: &impl serde::Serialize,
    nothing: &str,
) -> anyhow::Result<ExitCode> {
    match Form::choose(json) {
        Form::Json => rows(Form::Json, [], &[], data)?,
        Form::Table | Form::Plain => {
            let lines: String = changes.iter().map(|change| format!("{change}\n")).collect();
            print(if lines.is_empty() { "" } else { &lines })?;
            for warning in warnings {
                note(&format!("warning: {warning}"));
            }
            if lines.is_empty() {
                note(nothing);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The problems of a document stand in its file.
fn placed(file: &Path, error: DeclareError) -> anyhow::Error {
    let DeclareError::Problems(problems) = error else { return error.into() };
    let complain = |problem: Problem| Complaint::new(format!("{}: {}", file.display(), problem.path), problem.what);
    Complaints(problems.into_iter().map(complain).collect()).into()
}
