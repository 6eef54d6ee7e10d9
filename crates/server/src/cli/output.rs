//! How commands speak: data on stdout, as a table for people, plain in a pipe, JSON on demand; all else on stderr.

use crate::complaint::{Complaint, Complaints};
use cardea_gateway::ground::DbError;
use serde::Serialize;
use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;

/// What a command prints its data as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One JSON document.
    Json,
    /// Aligned columns under a heading.
    Table,
    /// One line a row, columns between tabs, no heading.
    Plain,
}

impl Form {
    /// The form for this command and this stdout.
    pub(crate) fn choose(json: bool) -> Self {
        match (json, io::stdout().is_terminal()) {
            (true, _) => Self::Json,
            (false, true) => Self::Table,
            (false, false) => Self::Plain,
        }
    }
}

/// Prints `rows` under `headings`, or `data` as JSON.
pub(crate) fn rows<const N: usize>(
    form: Form,
    headings: [&str; N],
    rows: &[[String; N]],
    data: &impl Serialize,
) -> anyhow::Result<()> {
    let text = match form {
        Form::Json => format!("{}\n", serde_json::to_string_pretty(data)?),
        Form::Table => table(headings, rows),
        Form::Plain => rows.iter().map(|row| format!("{}\n", row.join("\t"))).collect(),
    };
    print(&text)
}

/// Prints `text` as it is. A reader that went away is no failure.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Columns as wide as their widest cell, two spaces between them.
fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let heading = headings.map(str::to_owned);
    let mut widths = [0; N];
    for row in std::iter::once(&heading).chain(rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    std::iter::once(&heading).chain(rows).map(line).collect()
}

/// Tells a person something on stderr that is no data.
pub(crate) fn note(text: &str) {
    // Nobody is left to tell if stderr is gone.
    let _gone = io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// Says on stderr why a command failed and what to do about it; the exit code for that.
pub(crate) fn fail(error: &anyhow::Error) -> ExitCode {
    for (what, hint) in told(error) {
        note(&format!("error: {what}"));
        if let Some(hint) = hint {
            note(&format!("hint: {hint}"));
        }
    }
    ExitCode::FAILURE
}

/// What an error says, and what to do about each of its parts.
pub(crate) fn told(error: &anyhow::Error) -> Vec<(String, Option<String>)> {
    let complaint = |complaint: &Complaint| (complaint.to_string(), complaint.hint.clone());
    if let Some(Complaints(complaints)) = error.downcast_ref::<Complaints>() {
        return complaints.iter().map(complaint).collect();
    }
    if let Some(one) = error.downcast_ref::<Complaint>() {
        return vec![complaint(one)];
    }
    vec![(format!("{error:#}"), error.chain().find_map(hint).map(str::to_owned))]
}

/// What to do about a failure of the database.
fn hint(cause: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    Some(match cause.downcast_ref::<DbError>()? {
        DbError::Served { .. } => "stop the other `cardea serve` first; every other command may run beside it",
        DbError::Unavailable(_) => "check `database.url`, and that the database runs and lets this user in",
        DbError::Address(_) => "set `database.url` to `sqlite://PATH` or `postgres://user:password@host/database`",
        DbError::ReadOnly => "give this user the right to write there",
        DbError::Full => "make room on the disk of the database",
        DbError::Busy => "somebody else writes; try again",
        DbError::NewerSchema { .. } => "run the newest release that ever ran on this database",
        DbError::Edited { .. } => "run a release that was built from unchanged migrations",
        DbError::Conflict
        | DbError::Reference
        | DbError::Nul
        | DbError::Nested
        | DbError::Spoilt
        | DbError::NotCommitted(_)
        | DbError::Migration { .. }
        | DbError::NoRow { .. }
        | DbError::Column { .. }
        | DbError::Statement { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let rows = [["okta".to_owned(), "live".to_owned()], ["a-long-name".to_owned(), String::new()]];
        assert_eq!(table(["NAME", "STAGE"], &rows), "NAME         STAGE\nokta         live\na-long-name\n");
    }
}
