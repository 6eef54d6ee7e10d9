//! Instants as SAML and X.509 write them, from seconds since 1970.

/// Seconds of a day.
const DAY: i64 = 86_400;
/// The first second of 2050.
pub(crate) const YEAR_2050: i64 = 2_524_608_000;

/// Year, month and day, hour, minute and second in UTC.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

/// `2026-11-22T05:25:34Z` (XML Schema `dateTime` in UTC, SAML core §1.3.3).
pub(crate) fn instant(seconds: i64) -> String {
    let civil = civil(seconds);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        civil.year, civil.month, civil.day, civil.hour, civil.minute, civil.second
    )
}

/// `2026-11-22T05:25:34.123Z`, as Entra ID and Okta write it.
pub(crate) fn fractional(seconds: i64) -> String {
    instant(seconds).replace('Z', ".123Z")
}

/// `20261122052534Z`, and without the century where X.509 wants it so: the digits of `GeneralizedTime`
/// from 2050 on, those of `UTCTime` before (RFC 5280 §4.1.2.5).
pub(crate) fn digits(seconds: i64) -> String {
    let all = instant(seconds).replace(['-', ':', 'T'], "");
    if seconds < YEAR_2050 { all.chars().skip(2).collect() } else { all }
}

/// The civil date of a day count in the proleptic Gregorian calendar; a year is taken to begin in
/// March, so that the leap day is its last.
fn civil(seconds: i64) -> Civil {
    let (days, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    Civil {
        year: year_of_era + era * 400 + i64::from(month <= 2),
        month,
        day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
        hour: rest / 3_600,
        minute: rest % 3_600 / 60,
        second: rest % 60,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_the_calendar_says() {
        assert_eq!(instant(0), "1970-01-01T00:00:00Z");
        assert_eq!(instant(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(instant(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(instant(4_102_444_800), "2100-01-01T00:00:00Z");
        assert_eq!(instant(-1), "1969-12-31T23:59:59Z");
        assert_eq!(digits(1_700_000_000), "231114221320Z");
        assert_eq!(digits(YEAR_2050 - 1), "491231235959Z");
        assert_eq!(digits(YEAR_2050), "20500101000000Z");
        assert_eq!(fractional(0), "1970-01-01T00:00:00.123Z");
    }
}
