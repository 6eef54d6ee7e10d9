//! What is printed: one line of JSON a figure, complaints beside it.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

/// What a figure is held against.
#[derive(Clone, Copy)]
pub(crate) enum Mark {
    /// No less than this.
    AtLeast(f64),
    /// No more than this.
    AtMost(f64),
    /// Told only.
    None,
}

/// The figures so far.
#[derive(Default)]
pub(crate) struct Report {
    missed: bool,
}

/// One line, in this order.
#[derive(Serialize)]
struct Line<'a> {
    figure: &'a str,
    unit: &'a str,
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_least: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_most: Option<f64>,
    ok: bool,
    #[serde(flatten)]
    details: &'a Value,
}

impl Report {
    /// Prints a figure with an object of details.
    pub(crate) fn figure(&mut self, figure: &str, unit: &str, value: f64, mark: Mark, details: &Value) {
        let (at_least, at_most) = match mark {
            Mark::AtLeast(least) => (Some(least), None),
            Mark::AtMost(most) => (None, Some(most)),
            Mark::None => (None, None),
        };
        // A loader at its limit measures itself.
        let ours = details.get("loader_was_the_bottleneck") != Some(&Value::Bool(true));
        let ok = ours && at_least.is_none_or(|least| value >= least) && at_most.is_none_or(|most| value <= most);
        self.missed |= !ok;
        let line = Line { figure, unit, value: rounded(value), at_least, at_most, ok, details };
        print(&serde_json::to_string(&line).unwrap_or_default());
    }

    /// Whether every figure stands.
    pub(crate) fn verdict(&self) -> ExitCode {
        if self.missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

/// Says why there are no figures.
pub(crate) fn fail(error: &anyhow::Error) -> ExitCode {
    let _unheard = writeln!(std::io::stderr(), "bench: {error:#}");
    ExitCode::FAILURE
}

/// Says what is going on.
pub(crate) fn say(text: &str) {
    let _unheard = writeln!(std::io::stderr(), "bench: {text}");
}

/// Prints one line at once.
pub(crate) fn print(line: &str) {
    let mut out = std::io::stdout().lock();
    let _unheard = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// A count as a number to divide.
pub(crate) fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Three digits behind the point are more than any of this is worth.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Milliseconds.
pub(crate) fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}

/// The value below which `share` of all lie.
pub(crate) fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let rank = sorted.iter().zip(1..).find(|(_, rank)| f64::from(*rank) >= share * float(sorted.len()));
    rank.map(|(value, _)| *value).unwrap_or_default()
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
