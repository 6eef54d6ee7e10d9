//! Tables for spreadsheets (RFC 4180), streamed, of which no cell is ever a formula.

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use cardea_gateway::rules::{Changed, Named, Rows, RulesError};
use futures::stream;

/// One line. What a spreadsheet would take for a formula begins with a quotation mark of its own.
fn line(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    format!("{}\r\n", cells.join(","))
}

fn cell(text: &str) -> String {
    // Names are people's own: `=HYPERLINK(…)` in one would run at whoever opens the table.
    let is_formula =
        text.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
            || text.starts_with(['\t', '\r', '\n']);
    let safe = if is_formula { format!("'{text}") } else { text.to_owned() };
    if safe.contains([',', '"', '\n', '\r', ';', '\t']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

fn words(roles: &[Named]) -> String {
    let word = |role: &Named| match &role.team {
        Some(team) => format!("{team}/{}:{}", role.service, role.role),
        None => format!("{}:{}", role.service, role.role),
    };
    roles.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn row(one: &Changed) -> String {
    let (user, migrated) = (one.user.to_string(), if one.migrated { "yes" } else { "no" });
    let (added, removed) = (words(&one.added), words(&one.removed));
    line(&[&user, &one.name, one.email.as_deref().unwrap_or_default(), migrated, &added, &removed])
}

/// Everybody whom an activation would change, as they are found.
pub(crate) fn people(rows: Rows) -> Response {
    let head = line(&["user", "name", "email", "migrated", "gains", "loses"]);
    let pages = stream::unfold((Some(head), rows), |(head, mut rows)| async move {
        match head {
            Some(head) => Some((Ok(head), (None, rows))),
            None => {
                let page: Result<Vec<Changed>, RulesError> = rows.next().await?;
                Some((page.map(|page| page.iter().map(row).collect::<String>()), (None, rows)))
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"preview.csv\""),
    ];
    (headers, Body::from_stream(pages)).into_response()
}

#[cfg(test)]
mod tests;
