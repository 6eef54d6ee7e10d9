//! Filters (RFC 7644 §3.4.2.2): the tree, its printed form, and where to find the rest.
//!
//! | file | does |
//! |---|---|
//! | `parser` | text to tree, with positions and limits |
//! | `evaluate` | tree against a resource |
//! | `lookup` | which indexes answer the tree |

mod evaluate;
mod lookup;
mod parser;

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use crate::error::ScimError;
use crate::path::AttributePath;
use crate::schema::ResourceType;

pub(crate) use evaluate::same;
pub use lookup::{Lookup, Narrowing};
pub use parser::{MAX_FILTER, MAX_FILTER_DEPTH, MAX_TERMS};
pub(crate) use parser::{Parser, Purpose};

/// A filter, resolved against the attribute table.
///
/// Its `Display` is a filter that reads back equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// All of them hold.
    And(Vec<Filter>),
    /// One of them holds.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// `pr`: the attribute has a value.
    Present(AttributePath),
    /// The attribute, or one of its values, compares so.
    Compare {
        /// What is compared.
        path: AttributePath,
        /// How.
        operator: Operator,
        /// With what.
        literal: Literal,
    },
    /// `attribute[…]`: one element satisfies the whole filter in brackets.
    Element {
        /// The complex attribute.
        path: AttributePath,
        /// The filter over sub-attributes.
        filter: Box<Filter>,
    },
}

/// The comparison operators of RFC 7644 Table 3, without `pr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `eq`
    Equal,
    /// `ne`: `eq` does not hold.
    NotEqual,
    /// `co`
    Contains,
    /// `sw`
    StartsWith,
    /// `ew`
    EndsWith,
    /// `gt`
    Greater,
    /// `ge`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `le`
    LessOrEqual,
}

impl Operator {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Equal, "eq"),
        (Self::NotEqual, "ne"),
        (Self::Contains, "co"),
        (Self::StartsWith, "sw"),
        (Self::EndsWith, "ew"),
        (Self::Greater, "gt"),
        (Self::GreaterOrEqual, "ge"),
        (Self::Less, "lt"),
        (Self::LessOrEqual, "le"),
    ];

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| name.eq_ignore_ascii_case(word)).map(|(operator, _)| *operator)
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(operator, _)| *operator == self).map_or("eq", |(_, name)| name)
    }
}

/// The right-hand side of a comparison, typed as its attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// For strings, references and binaries.
    Text(String),
    /// For booleans.
    Boolean(bool),
    /// For instants; compared as such, whatever offset they were written with.
    Instant(Timestamp),
    /// `null`: no value, as in `title eq null`.
    Null,
}

impl Filter {
    /// Reads a filter over `kind`; 400 `invalidFilter` with the position, or 403 `sensitive` for passwords.
    pub fn parse(kind: &'static ResourceType, text: &str) -> Result<Self, ScimError> {
        Parser::new(text, Purpose::Filter)?.filter(kind)
    }

    fn write_in(&self, f: &mut fmt::Formatter<'_>, parent: Parent) -> fmt::Result {
        // What the grammar would join with the parent, or bind less tightly, needs its own parentheses.
        let grouped = match parent {
            Parent::And => matches!(self, Self::And(_) | Self::Or(_)),
            Parent::Or => matches!(self, Self::Or(_)),
        };
        if grouped { write!(f, "({self})") } else { write!(f, "{self}") }
    }
}

#[derive(Clone, Copy)]
enum Parent {
    And,
    Or,
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, word, parent) = match self {
            Self::And(parts) => (parts, " and ", Parent::And),
            Self::Or(parts) => (parts, " or ", Parent::Or),
            Self::Not(inner) => return write!(f, "not ({inner})"),
            Self::Present(path) => return write!(f, "{path} pr"),
            Self::Compare { path, operator, literal } => return write!(f, "{path} {} {literal}", operator.name()),
            Self::Element { path, filter } => return write!(f, "{path}[{filter}]"),
        };
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                f.write_str(word)?;
            }
            part.write_in(f, parent)?;
        }
        Ok(())
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", Value::from(text.as_str())),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Instant(instant) => write!(f, "\"{instant}\""),
            Self::Null => f.write_str("null"),
        }
    }
}

#[cfg(test)]
mod tests;
