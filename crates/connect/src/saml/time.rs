//! Times as SAML writes them, and how far clocks may be apart.

use std::time::Duration;

use cardea_model::Timestamp;

use super::error::SamlError;
use super::tree::Node;

/// How far the provider's clock may be from ours.
pub(super) const SKEW: Duration = Duration::from_secs(180);
/// A statement is made while its reader waits: an older one has lain somewhere.
pub(super) const AGE_MOST: Duration = Duration::from_secs(10 * 60);
/// However long a provider lets an assertion live, it is over by then.
pub(super) const LIFE_MOST: Duration = Duration::from_secs(60 * 60);

/// An instant in UTC, written with a final `Z` (SAML core §1.3.3).
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'.' | b'T' | b'Z');
    if !text.ends_with('Z') || !text.bytes().all(plain) || text.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    Timestamp::parse(text)
}

/// The instant in an attribute, if it is there.
pub(super) fn of(node: Node<'_>, attribute: &'static str) -> Result<Option<Timestamp>, SamlError> {
    node.attribute(attribute).map(|text| parse(text).ok_or(SamlError::Time(attribute))).transpose()
}

/// The instant in an attribute that must be there.
pub(super) fn needed(node: Node<'_>, attribute: &'static str) -> Result<Timestamp, SamlError> {
    of(node, attribute)?.ok_or(SamlError::Time(attribute))
}

/// Fails if `begin` is not there yet, whatever the clocks.
pub(super) fn begun(begin: Timestamp, now: Timestamp) -> Result<(), SamlError> {
    if begin > now.after(SKEW) { Err(SamlError::NotYetValid(seconds(now, begin))) } else { Ok(()) }
}

/// Fails if `end` has passed, whatever the clocks.
pub(super) fn not_over(end: Timestamp, now: Timestamp) -> Result<(), SamlError> {
    if end.after(SKEW) <= now { Err(SamlError::Expired(seconds(end, now))) } else { Ok(()) }
}

/// Fails if a statement was made in the future or too long ago.
pub(super) fn fresh(issued: Timestamp, now: Timestamp) -> Result<(), SamlError> {
    begun(issued, now)?;
    if issued.after(AGE_MOST) < now { Err(SamlError::TooOld(seconds(issued, now))) } else { Ok(()) }
}

/// Seconds from one instant to another.
pub(super) const fn seconds(from: Timestamp, to: Timestamp) -> i64 {
    to.as_seconds().saturating_sub(from.as_seconds())
}

/// An instant as SAML writes it: whole seconds, UTC.
pub(super) fn written(at: Timestamp) -> String {
    Timestamp::from_seconds(at.as_seconds()).to_string()
}
