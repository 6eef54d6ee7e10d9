//! `NAME`, `NAME_file`, `NAME_env`: three ways to give one value, in the configuration and in the declarative state.
//!
//! The types know only `NAME`. While a file is read, [`read`] stands between its parser and the types: a key
//! `NAME_file` or `NAME_env` is handed on as `NAME`, with the content of that file or variable as its value. So an
//! unreadable file is complained of at the line that names it, and giving a value twice is a repeated key.

use crate::environment::Environment;
use serde::de::value::StringDeserializer;
use serde::de::{DeserializeSeed, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use std::fmt;
use std::path::{Path, PathBuf};

/// Where values may come from.
pub(crate) struct Sources<'a> {
    /// The keys that may be given in three ways.
    pub(crate) keys: &'static [&'static str],
    /// What the path in a `NAME_file` starts from.
    pub(crate) base: &'a Path,
    /// Where the variable of a `NAME_env` is looked up.
    pub(crate) environment: &'a Environment,
}

/// Reads a `T`, with the values of `NAME_file` and `NAME_env` in their place.
pub(crate) fn read<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
    sources: &Sources<'_>,
) -> Result<T, D::Error> {
    T::deserialize(Filling { inner: from, sources })
}

/// Where the value of a key is to be fetched from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    File,
    Variable,
}

impl Sources<'_> {
    /// `secret_file` → `secret`, from a file; any other key is its own name and has its value beside it.
    fn origin<'k>(&self, key: &'k str) -> (&'k str, Option<Origin>) {
        let forms = [("_file", Origin::File), ("_env", Origin::Variable)];
        let named = forms.into_iter().find_map(|(end, origin)| Some((key.strip_suffix(end)?, origin)));
        match named {
            Some((name, origin)) if self.keys.contains(&name) => (name, Some(origin)),
            Some(_) | None => (key, None),
        }
    }

    fn fetch(&self, origin: Origin, name: &str) -> Result<String, String> {
        match origin {
            Origin::File => {
                let path: PathBuf = self.base.join(name);
                let content = std::fs::read_to_string(&path)
                    .map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
                Ok(content.trim_end_matches(['\r', '\n']).to_owned())
            }
            Origin::Variable => self
                .environment
                .get(name)
                .map(str::to_owned)
                .ok_or_else(|| format!("the environment variable `{name}` is not set")),
        }
    }
}

/// Anything of serde's, on its way through us.
struct Filling<'a, X> {
    inner: X,
    sources: &'a Sources<'a>,
}

macro_rules! pass_on {
    ($($method:ident($($argument:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method($($argument,)* Filling { inner: visitor, sources: self.sources })
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Filling<'_, D> {
    type Error = D::Error;

    pass_on! {
        deserialize_any() deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64()
        deserialize_i128() deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64() deserialize_char() deserialize_str() deserialize_string()
        deserialize_bytes() deserialize_byte_buf() deserialize_option() deserialize_unit() deserialize_seq()
        deserialize_map() deserialize_identifier() deserialize_ignored_any()
        deserialize_unit_struct(name: &'static str)
        deserialize_newtype_struct(name: &'static str)
        deserialize_tuple(length: usize)
        deserialize_tuple_struct(name: &'static str, length: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! visit {
    ($($method:ident($type:ty))*) => {$(
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Filling<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    visit! {
        visit_bool(bool) visit_i8(i8) visit_i16(i16) visit_i32(i32) visit_i64(i64) visit_i128(i128) visit_u8(u8)
        visit_u16(u16) visit_u32(u32) visit_u64(u64) visit_u128(u128) visit_f32(f32) visit_f64(f64) visit_char(char)
        visit_str(&str) visit_borrowed_str(&'de str) visit_string(String) visit_bytes(&[u8])
        visit_borrowed_bytes(&'de [u8]) visit_byte_buf(Vec<u8>)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(Filling { inner, sources: self.sources })
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Filling { inner, sources: self.sources })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.inner.visit_seq(Filling { inner, sources: self.sources })
    }

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(Entries { inner, sources: self.sources, last: Last::default() })
    }

    // No variant of an enum holds a value that may come from elsewhere.
    fn visit_enum<A: EnumAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(inner)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Filling<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_element_seed(Filling { inner: seed, sources: self.sources })
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Filling<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Filling { inner, sources: self.sources })
    }
}

/// The entries of a mapping.
struct Entries<'a, A> {
    inner: A,
    sources: &'a Sources<'a>,
    last: Last,
}

/// What the last key of a mapping was.
#[derive(Default)]
struct Last {
    /// Where its value is to be fetched from.
    origin: Option<Origin>,
    /// Which of the keys with three forms stood here so far.
    given: Vec<String>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Entries<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.last.origin = None;
        self.inner.next_key_seed(Key { inner: seed, sources: self.sources, last: &mut self.last })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        match self.last.origin.take() {
            None => self.inner.next_value_seed(Filling { inner: seed, sources: self.sources }),
            Some(origin) => self.inner.next_value_seed(Fetched { inner: seed, sources: self.sources, origin }),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

/// A key on its way through us.
struct Key<'a, X> {
    inner: X,
    sources: &'a Sources<'a>,
    last: &'a mut Last,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Key<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Key { inner, sources: self.sources, last: self.last })
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Key<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_identifier(Key { inner: visitor, sources: self.sources, last: self.last })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Key<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<V::Value, E> {
        let (name, origin) = self.sources.origin(key);
        if self.sources.keys.contains(&name) {
            if self.last.given.iter().any(|given| given == name) {
                return Err(E::custom(format!(
                    "`{name}` is given twice; `{name}`, `{name}_file` and `{name}_env` mean the same"
                )));
            }
            self.last.given.push(name.to_owned());
        }
        self.last.origin = origin;
        self.inner.visit_str(name)
    }
}

/// A value that stands elsewhere; what the file says is where.
struct Fetched<'a, X> {
    inner: X,
    sources: &'a Sources<'a>,
    origin: Origin,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Fetched<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Fetched<'_, S> {
    type Value = S::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.origin {
            Origin::File => "the path of a file",
            Origin::Variable => "the name of an environment variable",
        })
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<S::Value, E> {
        let text = self.sources.fetch(self.origin, name).map_err(E::custom)?;
        self.inner.deserialize(Text(text.into_deserializer()))
    }
}

/// Text that also fills an `Option`, which serde's own does not.
struct Text<E>(StringDeserializer<E>);

impl<'de, E: Error> Deserializer<'de> for Text<E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        name: String,
        things: Vec<Inner>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        secret: Option<String>,
        token: String,
    }

    fn outer(json: &str) -> Result<Outer, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret.txt"), "from a file\n").unwrap();
        let environment = Environment::from_iter([("TOKEN", "from the environment")]);
        let sources = Sources { keys: &["secret", "token"], base: folder.path(), environment: &environment };
        read(&mut serde_json::Deserializer::from_str(json), &sources).map_err(|error| error.to_string())
    }

    #[test]
    fn a_value_comes_from_where_its_key_says() {
        let read =
            outer(r#"{"name":"x","things":[{"secret_file":"secret.txt","token_env":"TOKEN"},{"token":"here"}]}"#)
                .unwrap();
        let there = Inner { secret: Some("from a file".into()), token: "from the environment".into() };
        assert_eq!(read, Outer { name: "x".into(), things: vec![there, Inner { secret: None, token: "here".into() }] });
    }

    #[test]
    fn what_is_not_there_is_named() {
        let missing = outer(r#"{"name":"x","things":[{"token_file":"none.txt"}]}"#).unwrap_err();
        assert!(missing.contains("none.txt") && missing.contains("cannot read"), "{missing}");
        let unset = outer(r#"{"name":"x","things":[{"token_env":"NONE"}]}"#).unwrap_err();
        assert!(unset.contains("`NONE` is not set"), "{unset}");
    }

    #[test]
    fn a_value_given_twice_is_a_repeated_key() {
        let error = outer(r#"{"name":"x","things":[{"token":"a","token_env":"TOKEN"}]}"#).unwrap_err();
        assert!(error.contains("`token` is given twice"), "{error}");
    }

    #[test]
    fn only_the_named_keys_have_three_forms() {
        let error = outer(r#"{"name_env":"TOKEN","things":[]}"#).unwrap_err();
        assert!(error.contains("unknown field `name_env`"), "{error}");
    }
}
