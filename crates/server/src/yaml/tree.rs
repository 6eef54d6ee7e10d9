//! A document as it stands in its file: every value with its place.

use super::options;
use cardea_model::name::excerpt;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Error, Location, Spanned};
use std::cell::Cell;
use std::fmt;

/// A line and a column, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

/// A value and its place.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(super) value: Value,
    /// Whether something was wrong with it, so that the rest is read without it.
    pub(super) gone: Cell<bool>,
}

#[derive(Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Whole(u64),
    /// A number that is negative, broken or very large.
    Number,
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) node: Node,
}

/// Reads a text whole; what is wrong in its grammar ends that at once. A key may stand several times.
pub(crate) fn parse(text: &str) -> Result<Node, Error> {
    let read = serde_saphyr::from_str_with_options::<Spanned<Value>>(text, options(DuplicateKeyPolicy::LastWins));
    read.map(node)
}

impl Node {
    /// Where something stands: at the path, such as `services.registry.roles.user.scopes[1]`, or at so much of it as
    /// there is.
    pub(crate) fn locate(&self, path: &str) -> Place {
        let below = match &self.value {
            Value::Map(entries) => entries.iter().find_map(|entry| {
                let rest = path.strip_prefix('.').unwrap_or(path).strip_prefix(excerpt(&entry.key).as_str())?;
                let whole = rest.is_empty() || rest.starts_with(['.', '[']);
                whole.then(|| if rest.is_empty() { entry.spot() } else { entry.node.locate(rest) })
            }),
            Value::List(list) => {
                path.strip_prefix('[').and_then(|path| path.split_once(']')).and_then(|(index, rest)| {
                    let node = list.get(index.parse::<usize>().ok()?)?;
                    Some(node.locate(rest))
                })
            }
            Value::Null | Value::Bool(_) | Value::Whole(_) | Value::Number | Value::Text(_) => None,
        };
        below.unwrap_or(self.place)
    }
}

impl Entry {
    /// What a complaint points at: the value if it is one word, else the key.
    const fn spot(&self) -> Place {
        match self.node.value {
            Value::Bool(_) | Value::Whole(_) | Value::Number | Value::Text(_) => self.node.place,
            Value::Null | Value::List(_) | Value::Map(_) => self.place,
        }
    }
}

fn node(spanned: Spanned<Value>) -> Node {
    Node { place: place(spanned.referenced), value: spanned.value, gone: Cell::new(false) }
}

fn place(at: Location) -> Place {
    Place { line: at.line(), column: at.column() }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reading)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a number, a list or a mapping")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Whole(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(u64::try_from(value).map_or(Value::Number, Value::Whole))
    }

    fn visit_u128<E>(self, _: u128) -> Result<Value, E> {
        Ok(Value::Number)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Value, E> {
        Ok(Value::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Number)
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(spanned) = list.next_element::<Spanned<Value>>()? {
            nodes.push(node(spanned));
        }
        Ok(Value::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let node = node(map.next_value()?);
            entries.push(Entry { key: key.value, place: place(key.referenced), node });
        }
        Ok(Value::Map(entries))
    }
}
