//! From a document to a type, with every mistake instead of the first.
//!
//! A value that does not fit is noted with its place and put aside; then the document is read again without it, until
//! nothing is wrong any more or what is wrong cannot be put aside.

use super::tree::{Entry, Node, Place, Value};
use crate::complaint::nearest;
use cardea_model::name::excerpt;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, IntoDeserializer as _, MapAccess};
use serde::de::{SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use std::collections::BTreeSet;
use std::fmt;

/// A document with more mistakes than this is another document.
const MOST: usize = 100;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// Such as `services.registry.key_kinds[0]`; empty for the whole document.
    pub(crate) path: String,
    /// Where that stands.
    pub(crate) place: Place,
    /// What, lower case, no full stop.
    pub(crate) what: String,
    /// What was probably meant.
    pub(crate) hint: Option<String>,
}

/// Reads a document; the value is what remains if the mistakes are left out.
pub(crate) fn read<T: DeserializeOwned>(root: &Node) -> (Option<T>, Vec<Mistake>) {
    let mut mistakes = Vec::new();
    repeated(root, &Trail::Root, &mut mistakes);
    loop {
        let wrong = match T::deserialize(Reader { node: root, trail: &Trail::Root }) {
            Ok(value) => return (Some(value), mistakes),
            Err(wrong) => wrong,
        };
        let Wrong { what, hint, spot } = wrong;
        let whole = spot.is_none();
        let (path, place) = spot.unwrap_or((String::new(), root.place));
        mistakes.push(Mistake { path, place, what, hint });
        if whole || mistakes.len() >= MOST {
            return (None, mistakes);
        }
    }
}

/// Puts aside every key that stands in its mapping already.
fn repeated(node: &Node, trail: &Trail<'_>, mistakes: &mut Vec<Mistake>) {
    match &node.value {
        Value::Map(entries) => {
            let mut seen = BTreeSet::new();
            for entry in entries {
                let trail = Trail::Key(trail, &entry.key);
                if !seen.insert(&entry.key) && mistakes.len() < MOST {
                    let what = format!("`{}` stands here twice", excerpt(&entry.key));
                    mistakes.push(Mistake { path: trail.to_string(), place: entry.place, what, hint: None });
                    entry.node.gone.set(true);
                }
                repeated(&entry.node, &trail, mistakes);
            }
        }
        Value::List(list) => {
            for (index, node) in list.iter().enumerate() {
                repeated(node, &Trail::Index(trail, index), mistakes);
            }
        }
        Value::Null | Value::Bool(_) | Value::Whole(_) | Value::Number | Value::Text(_) => {}
    }
}

/// The way from the root to a value.
enum Trail<'t> {
    Root,
    Key(&'t Trail<'t>, &'t str),
    Index(&'t Trail<'t>, usize),
}

impl fmt::Display for Trail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(Trail::Root, key) => f.write_str(&excerpt(key)),
            Self::Key(above, key) => write!(f, "{above}.{}", excerpt(key)),
            Self::Index(above, index) => write!(f, "{above}[{index}]"),
        }
    }
}

/// Why a value does not fit, and where once that is known.
#[derive(Debug)]
struct Wrong {
    what: String,
    hint: Option<String>,
    spot: Option<(String, Place)>,
}

impl Wrong {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), hint: None, spot: None }
    }

    /// It is wrong here, unless further below, and `node` is put aside.
    fn at(mut self, trail: &Trail<'_>, place: Place, node: &Node) -> Self {
        if self.spot.is_none() {
            self.spot = Some((trail.to_string(), place));
            node.gone.set(true);
        }
        self
    }

    fn meant(mut self, word: &str, known: &'static [&'static str]) -> Self {
        self.hint = nearest(&excerpt(word), known).map(|nearest| format!("did you mean `{nearest}`?"));
        self
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Wrong {}

impl Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("unknown key `{}`", excerpt(field))).meant(field, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("`{}` is none of `{}`", excerpt(variant), expected.join("`, `"))).meant(variant, expected)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("`{field}` is missing"))
    }
}

#[derive(Clone, Copy)]
struct Reader<'t> {
    node: &'t Node,
    trail: &'t Trail<'t>,
}

impl<'t> Reader<'t> {
    fn map(self) -> Result<Entries<'t>, Wrong> {
        let entries: &[Entry] = match &self.node.value {
            Value::Map(entries) => entries,
            // A key with nothing after it.
            Value::Null => &[],
            Value::Bool(_) | Value::Whole(_) | Value::Number | Value::Text(_) | Value::List(_) => {
                return Err(Wrong::new("must be a mapping"));
            }
        };
        Ok(Entries { entries: entries.iter(), trail: self.trail, last: None })
    }

    fn list(self) -> Result<Elements<'t>, Wrong> {
        let list: &[Node] = match &self.node.value {
            Value::List(list) => list,
            Value::Null => &[],
            Value::Bool(_) | Value::Whole(_) | Value::Number | Value::Text(_) | Value::Map(_) => {
                return Err(Wrong::new("must be a list"));
            }
        };
        Ok(Elements { list: list.iter().enumerate(), trail: self.trail })
    }

    fn text(self) -> Result<&'t str, Wrong> {
        match &self.node.value {
            Value::Text(text) => Ok(text),
            Value::Bool(_) | Value::Whole(_) | Value::Number => Err(Wrong::new("must be text: put it in quotes")),
            Value::Null | Value::List(_) | Value::Map(_) => Err(Wrong::new("must be text")),
        }
    }

    fn whole(self) -> Result<u64, Wrong> {
        match &self.node.value {
            Value::Whole(number) => Ok(*number),
            Value::Null | Value::Bool(_) | Value::Number | Value::Text(_) | Value::List(_) | Value::Map(_) => {
                Err(Wrong::new("must be a whole number"))
            }
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Whole(number) => visitor.visit_u64(*number),
            Value::Number => Err(Wrong::new("must be a whole number")),
            Value::Text(text) => visitor.visit_str(text),
            Value::List(_) => visitor.visit_seq(self.list()?),
            Value::Map(_) => visitor.visit_map(self.map()?),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.node.value {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Null | Value::Whole(_) | Value::Number | Value::Text(_) | Value::List(_) | Value::Map(_) => {
                Err(Wrong::new("must be `true` or `false`"))
            }
        }
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_u64(self.whole()?)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_u64(self.whole()?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if matches!(self.node.value, Value::Null) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_seq(self.list()?)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_map(self.map()?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_map(self.map()?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let word: StrDeserializer<'_, Wrong> = self.text()?.into_deserializer();
        visitor.visit_enum(word)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u16 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
        ignored_any
    }
}

struct Entries<'t> {
    entries: std::slice::Iter<'t, Entry>,
    trail: &'t Trail<'t>,
    last: Option<&'t Entry>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        self.last = self.entries.find(|entry| !entry.node.gone.get());
        let Some(entry) = self.last else { return Ok(None) };
        let key: StrDeserializer<'_, Wrong> = entry.key.as_str().into_deserializer();
        let read = seed.deserialize(key);
        read.map(Some).map_err(|wrong| wrong.at(&Trail::Key(self.trail, &entry.key), entry.place, &entry.node))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Wrong> {
        let entry = self.last.ok_or_else(|| Wrong::new("a value without a key"))?;
        let trail = Trail::Key(self.trail, &entry.key);
        let read = seed.deserialize(Reader { node: &entry.node, trail: &trail });
        read.map_err(|wrong| wrong.at(&trail, entry.node.place, &entry.node))
    }
}

struct Elements<'t> {
    list: std::iter::Enumerate<std::slice::Iter<'t, Node>>,
    trail: &'t Trail<'t>,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Wrong;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        let Some((index, node)) = self.list.find(|(_, node)| !node.gone.get()) else { return Ok(None) };
        let trail = Trail::Index(self.trail, index);
        let read = seed.deserialize(Reader { node, trail: &trail });
        read.map(Some).map_err(|wrong| wrong.at(&trail, node.place, node))
    }
}
