//! What an org is entitled to: a service, until when, and whether it is held back meanwhile.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::time::Timestamp;

/// A service that an org has. In a document it is the service's name alone, unless there is more to say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entitlement {
    /// The service, by the catalogue's name.
    pub service: String,
    /// Whether an operator holds it back.
    pub state: State,
    /// When it ends by itself; none for never.
    pub ends_at: Option<Timestamp>,
}

/// Whether an entitlement is held back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It gives the service until its end.
    #[default]
    Active,
    /// It gives nothing until it is active again.
    Suspended,
}

impl State {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    /// Reads the stored word; whatever else a newer release may have written gives nothing.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text == Self::Active.as_str() { Self::Active } else { Self::Suspended }
    }
}

impl Entitlement {
    /// A service without an end.
    #[must_use]
    pub fn endless(service: &str) -> Self {
        Self { service: service.to_owned(), state: State::Active, ends_at: None }
    }

    /// Whether it has ended by itself.
    #[must_use]
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.ends_at.is_some_and(|end| end <= now)
    }

    /// Whether the org has the service now.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.state == State::Active && !self.has_ended(now)
    }

    /// Whether it lasts longer than one that ends then.
    #[must_use]
    pub fn outlasts(&self, end: Option<Timestamp>) -> bool {
        match (self.ends_at, end) {
            (None, Some(_)) => true,
            (None | Some(_), None) => false,
            (Some(own), Some(other)) => own > other,
        }
    }
}

/// The long form of a document.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Long {
    service: String,
    #[serde(default)]
    state: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends_at: Option<Timestamp>,
}

impl Serialize for Entitlement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.state == State::Active && self.ends_at.is_none() {
            return serializer.serialize_str(&self.service);
        }
        Long { service: self.service.clone(), state: self.state, ends_at: self.ends_at }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Entitlement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = Entitlement;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a service, or `service` with `state` and `ends_at`")
    }

    fn visit_str<E>(self, name: &str) -> Result<Entitlement, E> {
        Ok(Entitlement::endless(name))
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Entitlement, M::Error> {
        let Long { service, state, ends_at } = Long::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Entitlement { service, state, ends_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn it_is_in_force_until_its_end_unless_it_is_held_back() {
        let ending = Entitlement { ends_at: Some(at(10)), ..Entitlement::endless("registry") };
        assert!(ending.is_in_force(at(9)) && !ending.is_in_force(at(10)));
        assert!(Entitlement::endless("registry").is_in_force(at(i64::MAX / 2_000_000)));
        let held = Entitlement { state: State::Suspended, ..ending };
        assert!(!held.is_in_force(at(9)) && !held.has_ended(at(9)));
        assert_eq!(State::parse("whatever"), State::Suspended);
    }

    #[test]
    fn nothing_outlasts_what_never_ends() {
        let ending = |end| Entitlement { ends_at: end, ..Entitlement::endless("registry") };
        for (own, other, longer) in [
            (None, None, false),
            (None, Some(at(1)), true),
            (Some(at(1)), None, false),
            (Some(at(1)), Some(at(1)), false),
            (Some(at(2)), Some(at(1)), true),
        ] {
            assert_eq!(ending(own).outlasts(other), longer, "{own:?} {other:?}");
        }
    }

    #[test]
    fn it_is_written_as_a_name_where_there_is_no_more_to_say() {
        let long = r#"{"service":"registry","state":"suspended","ends_at":"2027-01-01T00:00:00Z"}"#;
        for text in [r#""registry""#, long, r#"{"service":"registry","state":"suspended"}"#] {
            let read: Entitlement = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
        let plain: Entitlement = serde_json::from_str(r#"{"service":"registry"}"#).unwrap();
        assert_eq!(plain, Entitlement::endless("registry"));
        for text in [r#"{"service":"registry","end":"x"}"#, r#"{"service":"r","ends_at":"soon"}"#, "1", "{}"] {
            assert!(serde_json::from_str::<Entitlement>(text).is_err(), "{text}");
        }
    }
}
