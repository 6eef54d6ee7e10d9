//! What `check` and `doctor` find: one line a thing that was looked at.

use super::output::{Form, rows};
use serde::Serialize;
use std::process::ExitCode;

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// As it should be.
    Ok,
    /// Worth knowing, and nothing to mend.
    Note,
    /// To be mended.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// The thing.
    pub(crate) subject: String,
    /// How it is.
    pub(crate) status: Status,
    /// What was seen.
    pub(crate) detail: String,
    /// What to do, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fix: Option<String>,
}

impl Finding {
    /// All is well.
    pub(crate) fn ok(subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { subject: subject.into(), status: Status::Ok, detail: detail.into(), fix: None }
    }

    /// Worth knowing.
    pub(crate) fn note(subject: impl Into<String>, detail: impl Into<String>, fix: Option<&str>) -> Self {
        let fix = fix.map(str::to_owned);
        Self { subject: subject.into(), status: Status::Note, detail: detail.into(), fix }
    }

    /// To be mended.
    pub(crate) fn problem(subject: impl Into<String>, detail: impl Into<String>, fix: Option<&str>) -> Self {
        Self { status: Status::Problem, ..Self::note(subject, detail, fix) }
    }

    /// What an error says, and every line of it if it is a list of complaints.
    pub(crate) fn of_error(subject: &str, error: &anyhow::Error) -> Vec<Self> {
        let told = super::output::told(error);
        told.into_iter().map(|(what, hint)| Self::problem(subject, what, hint.as_deref())).collect()
    }
}

/// Prints what was found; exit code 1 if there is a problem.
pub(crate) fn print(json: bool, findings: &[Finding]) -> anyhow::Result<ExitCode> {
    let lines: Vec<_> = findings
        .iter()
        .map(|finding| {
            let status = match finding.status {
                Status::Ok => "ok",
                Status::Note => "note",
                Status::Problem => "PROBLEM",
            };
            let fix = finding.fix.as_ref().map(|fix| format!("; {fix}")).unwrap_or_default();
            [finding.subject.clone(), status.to_owned(), format!("{}{fix}", finding.detail)]
        })
        .collect();
    rows(Form::choose(json), ["WHAT", "STATUS", "DETAIL"], &lines, &findings)?;
    let healthy = findings.iter().all(|finding| finding.status != Status::Problem);
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
