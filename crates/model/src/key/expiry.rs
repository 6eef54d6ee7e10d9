//! How long a key shall live, as people and scripts say it.

use std::fmt;
use std::time::Duration;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::time::Timestamp;

/// A span of time in whole seconds, written as a number with a unit: `90s`, `5m`, `6h`, `30d` or `1y` (365 days).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

/// When a key shall expire, as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// So long after its creation.
    In(Span),
    /// At this instant.
    At(Timestamp),
    /// Never.
    Never,
}

/// What an org allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiryBounds {
    /// The shortest life.
    pub least: Span,
    /// The longest life; if there is one, a key cannot live for ever.
    pub most: Option<Span>,
}

/// Why a key cannot expire then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadExpiry {
    /// None or several of the ways to say it.
    #[error("say exactly one of `expires_in`, `expires_at` and `never`")]
    OneWay,
    /// Neither a span, seconds, `never` nor an instant.
    #[error("an expiry is a span such as `30d` or `1h`, a number of seconds, an RFC 3339 time, or `never`")]
    Unreadable,
    /// Now, in the past, or sooner than allowed.
    #[error("a key lives for at least {0}")]
    Short(Span),
    /// Later than allowed.
    #[error("a key lives for at most {0}")]
    Long(Span),
    /// Never, where the org wants an end.
    #[error("a key must expire here, after at most {0}")]
    Endless(Span),
}

const UNITS: [(char, u64); 5] = [('y', 365 * 86_400), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
/// No key is given an end beyond this; what lies further away is a slip of the pen.
const CENTURY: Span = Span(100 * 365 * 86_400);

impl Span {
    /// A span of so many seconds.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Reads a number with a unit.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let unit = text.chars().next_back()?;
        let (_, seconds) = UNITS.iter().find(|(letter, _)| *letter == unit)?;
        let number = text.strip_suffix(unit)?;
        if !number.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        number.parse::<u64>().ok()?.checked_mul(*seconds).map(Self)
    }

    /// The span for arithmetic with instants.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = UNITS.iter().find(|(_, seconds)| self.0 != 0 && self.0.is_multiple_of(*seconds));
        let (unit, seconds) = whole.unwrap_or(&('s', 1));
        write!(f, "{}{unit}", self.0 / seconds)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| de::Error::custom("a span is a number with `s`, `m`, `h`, `d` or `y`, such as `6h`"))
    }
}

impl Expiry {
    /// Reads `30d`, `3600` (seconds), `never` or RFC 3339.
    ///
    /// # Errors
    /// [`BadExpiry::Unreadable`].
    pub fn parse(text: &str) -> Result<Self, BadExpiry> {
        if text == "never" {
            return Ok(Self::Never);
        }
        let span = || Span::parse(text).map(Self::In);
        let seconds = || text.parse::<u64>().ok().map(|seconds| Self::In(Span(seconds)));
        let instant = || Timestamp::parse(text).map(Self::At);
        span().or_else(seconds).or_else(instant).ok_or(BadExpiry::Unreadable)
    }

    /// The one expiry of a request whose body may say it in three ways.
    ///
    /// # Errors
    /// [`BadExpiry::OneWay`] if it says it in none or in several.
    pub const fn of_request(
        expires_in: Option<Self>,
        expires_at: Option<Self>,
        never: bool,
    ) -> Result<Self, BadExpiry> {
        match (expires_in, expires_at, never) {
            (Some(expiry), None, false) | (None, Some(expiry), false) => Ok(expiry),
            (None, None, true) => Ok(Self::Never),
            (None, None, false) | (Some(_), Some(_), _) | (Some(_), _, true) | (_, Some(_), true) => {
                Err(BadExpiry::OneWay)
            }
        }
    }

    /// The instant at which a key made `now` expires; nothing if never.
    ///
    /// # Errors
    /// What the bounds do not allow.
    pub fn resolve(self, now: Timestamp, bounds: ExpiryBounds) -> Result<Option<Timestamp>, BadExpiry> {
        let end = match (self, bounds.most) {
            (Self::Never, None) => return Ok(None),
            (Self::Never, Some(most)) => return Err(BadExpiry::Endless(most)),
            (Self::In(span), _) => now.after(span.duration()),
            (Self::At(instant), _) => instant,
        };
        let most = bounds.most.map_or(CENTURY, |most| most.min(CENTURY));
        if end <= now || end < now.after(bounds.least.duration()) {
            return Err(BadExpiry::Short(bounds.least));
        }
        if end > now.after(most.duration()) {
            return Err(BadExpiry::Long(most));
        }
        Ok(Some(end))
    }
}

impl fmt::Display for Expiry {
    /// As [`Expiry::parse`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::In(span) => span.fmt(f),
            Self::At(instant) => instant.fmt(f),
            Self::Never => f.write_str("never"),
        }
    }
}

impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Expiry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a span such as `30d`, a number of seconds, an RFC 3339 time, or `never`")
            }

            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Expiry, E> {
                Ok(Expiry::In(Span(seconds)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Expiry, E> {
                Expiry::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Text)
    }
}
