//! Spans of time (`500ms`, `1s`, `12h`, `30d`) and sizes in bytes (`64MiB`) as people write them.

use serde::{Deserialize, Deserializer};
use std::time::Duration;

const SPANS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const SIZES: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];

/// Reads a span of time, in whole milliseconds.
pub(crate) fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = || {
        serde::de::Error::custom(format!(
            "`{text}` is no span of time; write one like `500ms`, `1s`, `5m`, `12h` or `30d`"
        ))
    };
    read_span(&text).ok_or_else(wrong)
}

/// A span as people write it; nothing if it is none.
pub(crate) fn read_span(text: &str) -> Option<Duration> {
    measure(text, &SPANS).map(Duration::from_millis)
}

/// Reads a size in bytes.
pub(crate) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong =
        || serde::de::Error::custom(format!("`{text}` is no size; write one like `512KiB`, `64MiB`, `1GiB` or `0B`"));
    measure(&text, &SIZES).ok_or_else(wrong)
}

/// `span` as people write it: a whole number of the largest unit that leaves no rest.
pub(crate) fn written(span: Duration) -> String {
    let millis = span.as_millis();
    let fits = |(_, factor): &&(&str, u64)| millis != 0 && millis.is_multiple_of(u128::from(*factor));
    match SPANS.iter().rev().find(fits) {
        Some((unit, factor)) => format!("{}{unit}", millis / u128::from(*factor)),
        None => "0s".to_owned(),
    }
}

/// A whole number directly followed by one of `units`, in the smallest of them.
fn measure(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(end)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_sizes_are_whole_numbers_with_a_unit() {
        for (text, millis) in
            [("500ms", 500), ("1s", 1_000), ("5m", 300_000), ("12h", 43_200_000), ("30d", 2_592_000_000)]
        {
            assert_eq!(measure(text, &SPANS), Some(millis), "{text}");
        }
        for (text, bytes) in [("0B", 0), ("512KiB", 524_288), ("64MiB", 67_108_864), ("1GiB", 1_073_741_824)] {
            assert_eq!(measure(text, &SIZES), Some(bytes), "{text}");
        }
    }

    #[test]
    fn a_span_is_written_as_it_is_read() {
        for text in ["500ms", "1s", "90s", "5m", "12h", "30d"] {
            assert_eq!(measure(text, &SPANS).map(Duration::from_millis).map(written).as_deref(), Some(text));
        }
        assert_eq!(written(Duration::from_secs(86_400 * 2)), "2d");
        assert_eq!(written(Duration::ZERO), "0s");
    }

    #[test]
    fn what_has_no_unit_or_overflows_is_refused() {
        for text in ["", "5", "s", "1 s", "-1s", "1.5h", "1S", "99999999999999999999s", "18446744073709551615d", "1s1s"]
        {
            assert_eq!(measure(text, &SPANS), None, "{text:?}");
        }
        for text in ["64mib", "64MB", "64", "99999999999GiB"] {
            assert_eq!(measure(text, &SIZES), None, "{text:?}");
        }
    }
}
