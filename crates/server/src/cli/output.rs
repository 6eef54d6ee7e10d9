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
    let shown: Vec<_> = rows.iter().map(|row| row.each_ref().map(|cell| harmless(cell))).collect();
    let text = match form {
        Form::Json => format!("{}\n", serde_json::to_string_pretty(data)?),
        Form::Table => table(headings, &shown, console::Term::stdout().size_checked().map(|(_, width)| width.into())),
        Form::Plain => shown.iter().map(|row| format!("{}\n", row.join("\t"))).collect(),
    };
    print(&text)
}

/// Prints what one thing is: its settings under a heading, or `data` as JSON.
pub(crate) fn settings(
    form: Form,
    heading: &str,
    settings: &[(&str, String)],
    data: &impl Serialize,
) -> anyhow::Result<()> {
    let lines: Vec<_> = settings.iter().map(|(name, value)| [(*name).to_owned(), value.clone()]).collect();
    rows(form, [heading, ""], &lines, data)
}

/// Text that somebody else chose, without what would move a cursor, colour a screen or break a column.
fn harmless(text: &str) -> String {
    let acts = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if acts(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Prints `text` as it is. A reader that went away is no failure.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// No column is made narrower than this for the sake of the screen.
const NARROWEST: usize = 8;

/// Columns as wide as their widest cell, two spaces between them; on a screen that is narrower than that the widest columns
/// give way, and their cells go on below.
fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]], screen: Option<usize>) -> String {
    let heading = headings.map(str::to_owned);
    let mut widths = [0; N];
    for row in std::iter::once(&heading).chain(rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let room = screen.unwrap_or(usize::MAX).saturating_sub(2 * N.saturating_sub(1));
    while widths.iter().sum::<usize>() > room
        && let Some(widest) = widths.iter_mut().max().filter(|width| **width > NARROWEST)
    {
        *widest -= 1;
    }
    std::iter::once(&heading).chain(rows).map(|row| lines(row, &widths)).collect()
}

/// A row, over as many lines as its longest cell needs.
fn lines<const N: usize>(row: &[String; N], widths: &[usize; N]) -> String {
    let mut cells: Vec<Vec<String>> = row.iter().zip(widths).map(|(cell, width)| folded(cell, *width)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or_default();
    cells.iter_mut().for_each(|cell| cell.resize(height, String::new()));
    let line = |number: usize| {
        let parts = cells.iter().zip(widths).map(|(cell, width)| {
            let part = cell.get(number).map(String::as_str).unwrap_or_default();
            format!("{part:width$}")
        });
        format!("{}\n", parts.collect::<Vec<_>>().join("  ").trim_end())
    };
    (0..height).map(line).collect()
}

/// A cell in lines of at most so many characters, broken after a space where there is one.
fn folded(cell: &str, width: usize) -> Vec<String> {
    let (mut all, mut line) = (Vec::new(), String::new());
    for word in cell.split_inclusive(' ') {
        let fits = line.chars().count() + word.trim_end().chars().count() <= width;
        if !fits && !line.is_empty() {
            all.push(std::mem::take(&mut line).trim_end().to_owned());
        }
        for letter in word.chars() {
            if line.chars().count() >= width.max(1) {
                all.push(std::mem::take(&mut line).trim_end().to_owned());
            }
            line.push(letter);
        }
    }
    all.push(line.trim_end().to_owned());
    all
}

/// Tells a person something on stderr that is no data.
pub(crate) fn note(text: &str) {
    let text: Vec<_> = text.split('\n').map(harmless).collect();
    // Nobody is left to tell if stderr is gone.
    let _gone = io::stderr().write_all(format!("{}\n", text.join("\n")).as_bytes());
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
        assert_eq!(table(["NAME", "STAGE"], &rows, None), "NAME         STAGE\nokta         live\na-long-name\n");
    }

    #[test]
    fn a_table_fits_the_screen_and_loses_nothing() {
        let rows = [["ana".to_owned(), "registry:admin, vision/catalog:read, gateway:user_admin".to_owned()]];
        let shown = table(["WHO", "ROLES"], &rows, Some(30));
        assert_eq!(shown, "WHO  ROLES\nana  registry:admin,\n     vision/catalog:read,\n     gateway:user_admin\n");
        let word = [["0123456789abcdef".to_owned()]];
        assert_eq!(table(["ID"], &word, Some(10)), "ID\n0123456789\nabcdef\n");
        // Too narrow for anything: it overflows instead of vanishing.
        assert_eq!(table(["ID"], &word, Some(0)), "ID\n01234567\n89abcdef\n");
    }

    #[test]
    fn what_others_wrote_cannot_command_the_terminal() {
        assert_eq!(harmless("Ana\u{1b}[2J\tRuiz\u{202e}"), "Ana\u{fffd}[2J\u{fffd}Ruiz\u{fffd}");
    }
}
