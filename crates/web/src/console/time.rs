//! Times as a person reads them: relative on the page, exact UTC on hover.

use std::time::Duration;

use cardea_model::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `at` as seen from `now`: `just now`, `3 minutes ago`, `in 29 days`. `assets/cardea.js` says the same words.
#[must_use]
pub fn relative(at: &Timestamp, now: &Timestamp) -> String {
    let (past, seconds) = if at <= now { (true, now.since(*at).as_secs()) } else { (false, at.since(*now).as_secs()) };
    let (number, unit) = match seconds {
        0..45 => return if past { "just now" } else { "in a moment" }.to_owned(),
        45..HOUR => ((seconds + 30) / MINUTE, "minute"),
        HOUR..DAY => ((seconds + HOUR / 2) / HOUR, "hour"),
        _ => ((seconds + DAY / 2) / DAY, "day"),
    };
    let (number, unit) = match (number, unit) {
        (days @ 60..730, "day") => ((days + 15) / 30, "month"),
        (days @ 730.., "day") => (days / 365, "year"),
        other => other,
    };
    let plural = if number == 1 { "" } else { "s" };
    if past { format!("{number} {unit}{plural} ago") } else { format!("in {number} {unit}{plural}") }
}

/// `2026-11-21 10:00:00 UTC`.
#[must_use]
pub fn exact(at: &Timestamp) -> String {
    let text = at.to_string();
    match text.split_once('T') {
        Some((date, rest)) => format!("{date} {} UTC", rest.get(..8).unwrap_or(rest)),
        None => text,
    }
}

/// `2026-11-21 10:00:00.123 UTC`, for evidence.
#[must_use]
pub fn to_the_millisecond(at: &Timestamp) -> String {
    let millis = at.as_micros().div_euclid(1000).rem_euclid(1000);
    exact(at).replace(" UTC", &format!(".{millis:03} UTC"))
}

/// A span as short as it is true: `<1 ms`, `9 ms`, `1.2 s`, `4 min`, `3 h`.
#[must_use]
pub fn span(span: &Duration) -> String {
    let millis = span.as_millis();
    match millis {
        0 => "<1 ms".to_owned(),
        1..1_000 => format!("{millis} ms"),
        1_000..60_000 if millis % 1_000 < 50 => format!("{} s", millis / 1_000),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        60_000..3_600_000 => format!("{} min", millis / 60_000),
        _ => format!("{} h", millis / 3_600_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_as_a_person_says_it() {
        let now = Timestamp::from_seconds(1_795_255_200);
        let ago = |seconds| relative(&now.before(Duration::from_secs(seconds)), &now);
        let until = |seconds| relative(&now.after(Duration::from_secs(seconds)), &now);
        assert_eq!(ago(0), "just now");
        assert_eq!(ago(44), "just now");
        assert_eq!(ago(45), "1 minute ago");
        assert_eq!(ago(3 * MINUTE), "3 minutes ago");
        assert_eq!(ago(HOUR), "1 hour ago");
        assert_eq!(ago(DAY), "1 day ago");
        assert_eq!(ago(90 * DAY), "3 months ago");
        assert_eq!(ago(800 * DAY), "2 years ago");
        assert_eq!(until(1), "in a moment");
        assert_eq!(until(29 * DAY), "in 29 days");
    }

    #[test]
    fn exact_times_are_utc() {
        let at = Timestamp::from_micros(1_795_255_200_009_500);
        assert_eq!(exact(&at), "2026-11-21 10:00:00 UTC");
        assert_eq!(to_the_millisecond(&at), "2026-11-21 10:00:00.009 UTC");
    }

    #[test]
    fn a_span_is_never_shown_shorter_than_its_unit() {
        let text = |millis| span(&Duration::from_millis(millis));
        assert_eq!(text(0), "<1 ms");
        assert_eq!(text(9), "9 ms");
        assert_eq!(text(1_000), "1 s");
        assert_eq!(text(1_230), "1.2 s");
        assert_eq!(text(240_000), "4 min");
        assert_eq!(text(10_800_000), "3 h");
    }
}
