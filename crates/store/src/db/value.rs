//! Statements and the values bound to them.

use cardea_model::Timestamp;

/// One SQL statement of this program. Only [`sql!`](crate::sql) makes one; a test finds its calls
/// in the sources and prepares each on both engines.
#[derive(Clone, Copy, Debug)]
pub struct Sql {
    /// Portable PostgreSQL with `$1`, `$2`, ….
    pub text: &'static str,
    /// Where it stands.
    pub file: &'static str,
    /// In which line.
    pub line: u32,
}

impl Sql {
    /// A statement of one engine, or a whole migration: what is never prepared, so that no test need
    /// find it. `file` says where it stands.
    pub(crate) const fn control(text: &'static str, file: &'static str) -> Self {
        Self { text, file, line: 1 }
    }
}

/// A statement: portable PostgreSQL with `$1`, `$2`, …, in a literal, or in several that stand behind one another. A list
/// of columns that many statements read is a macro without arguments that is one literal, and stands among them.
#[macro_export]
macro_rules! sql {
    ($($part:expr),+ $(,)?) => {
        $crate::db::Sql { text: concat!($($part),+), file: file!(), line: line!() }
    };
}

/// The values of a statement, in the order of its `$n`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::db::Value::from($value)),*] };
}

/// A value bound to a statement: the only types that cross to the database.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// TEXT.
    Text(Option<&'a str>),
    /// BIGINT.
    Int(Option<i64>),
    /// BOOLEAN.
    Bool(Option<bool>),
    /// BYTEA.
    Bytes(Option<&'a [u8]>),
}

impl std::fmt::Debug for Value<'_> {
    /// The type only: a value may be a secret's hash or a person's address.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::Int(_) => "Int",
            Self::Bool(_) => "Bool",
            Self::Bytes(_) => "Bytes",
        })
    }
}

impl Value<'_> {
    /// SQLite would store a NUL character and PostgreSQL refuses it, so neither is asked.
    pub(super) fn has_nul(&self) -> bool {
        matches!(self, Self::Text(Some(text)) if text.as_bytes().contains(&0))
    }
}

macro_rules! into_value {
    ($($type:ty => |$value:ident| $variant:ident($converted:expr);)*) => {$(
        impl<'a> From<$type> for Value<'a> {
            fn from($value: $type) -> Self {
                Self::$variant($converted)
            }
        }
    )*};
}

into_value! {
    &'a str => |value| Text(Some(value));
    &'a String => |value| Text(Some(value));
    Option<&'a str> => |value| Text(value);
    Option<&'a String> => |value| Text(value.map(String::as_str));
    &'a Option<String> => |value| Text(value.as_deref());
    i64 => |value| Int(Some(value));
    Option<i64> => |value| Int(value);
    Timestamp => |value| Int(Some(value.as_micros()));
    Option<Timestamp> => |value| Int(value.map(Timestamp::as_micros));
    bool => |value| Bool(Some(value));
    Option<bool> => |value| Bool(value);
    &'a [u8] => |value| Bytes(Some(value));
    &'a Vec<u8> => |value| Bytes(Some(value));
    Option<&'a [u8]> => |value| Bytes(value);
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Bytes(Some(value))
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, ValueRef};
        let borrowed = match *self {
            Value::Text(value) => value.map(|text| ValueRef::Text(text.as_bytes())),
            Value::Int(value) => value.map(ValueRef::Integer),
            Value::Bool(value) => value.map(|truth| ValueRef::Integer(i64::from(truth))),
            Value::Bytes(value) => value.map(ValueRef::Blob),
        };
        Ok(ToSqlOutput::Borrowed(borrowed.unwrap_or(ValueRef::Null)))
    }
}
