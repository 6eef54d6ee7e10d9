//! Which indexes answer a filter.

use super::{Filter, Literal, Operator};
use crate::path::AttributePath;

/// A key by which a user can be found without reading others. The text is as the client wrote it;
/// whoever keeps the index folds it (`userName` and e-mail compare without case).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lookup {
    /// The server's id, exact.
    Id(String),
    /// `userName`, without case.
    UserName(String),
    /// `externalId`, exact.
    ExternalId(String),
    /// The value of one of the e-mail addresses, without case.
    Email(String),
}

/// What a filter demands of the indexed attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrowing {
    /// A user that satisfies the filter is found by every one of these.
    pub keys: Vec<Lookup>,
    /// Whether a user found by all of them satisfies the filter. If not, [`Filter::matches`] decides.
    pub complete: bool,
}

impl Filter {
    /// The index keys in this filter's top-level conjunction; `None` if it has none, so that only a scan
    /// could answer it.
    pub fn narrowing(&self) -> Option<Narrowing> {
        let mut found = Narrowing { keys: Vec::new(), complete: true };
        collect(self, None, &mut found);
        (!found.keys.is_empty()).then_some(found)
    }
}

fn collect(filter: &Filter, within: Option<&AttributePath>, found: &mut Narrowing) {
    match filter {
        Filter::And(parts) => {
            // Two conditions in brackets bind one element, which two keys alone cannot say.
            if within.is_some() {
                found.complete = false;
            }
            for part in parts {
                collect(part, within, found);
            }
        }
        Filter::Element { path, filter } => collect(filter, Some(path), found),
        Filter::Compare { path, operator: Operator::Equal, literal: Literal::Text(text) } => {
            match key(path, within, text) {
                Some(key) => found.keys.push(key),
                None => found.complete = false,
            }
        }
        Filter::Or(_) | Filter::Not(_) | Filter::Present(_) | Filter::Compare { .. } => {
            found.complete = false;
        }
    }
}

fn key(path: &AttributePath, within: Option<&AttributePath>, text: &str) -> Option<Lookup> {
    let (attribute, sub) = match within {
        Some(outer) => (outer.attribute.name, Some(path.attribute.name)),
        None => (path.attribute.name, path.sub.map(|sub| sub.name)),
    };
    let text = text.to_owned();
    match (attribute, sub) {
        ("id", None) => Some(Lookup::Id(text)),
        ("userName", None) => Some(Lookup::UserName(text)),
        ("externalId", None) => Some(Lookup::ExternalId(text)),
        ("emails", Some("value")) => Some(Lookup::Email(text)),
        _ => None,
    }
}
