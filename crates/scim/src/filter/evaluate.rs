//! Whether a resource satisfies a filter.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Filter, Literal, Operator};
use crate::path::AttributePath;
use crate::schema::Attribute;

impl Filter {
    /// Whether `resource`, as it would be presented or one element of it, satisfies the filter.
    ///
    /// `ne` holds where `eq` does not, so also for a missing value. An ordering never holds for one.
    pub fn matches(&self, resource: &Map<String, Value>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(resource)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(resource)),
            Self::Not(inner) => !inner.matches(resource),
            Self::Present(path) => values(path, resource).into_iter().any(is_assigned),
            Self::Compare { path, operator, literal } => compares(path, *operator, literal, resource),
            Self::Element { path, filter } => {
                values(path, resource).into_iter().filter_map(Value::as_object).any(|element| filter.matches(element))
            }
        }
    }
}

/// Whether two values of `attribute` are equal, by its case rule.
pub(crate) fn same(attribute: &Attribute, left: &Value, right: &Value) -> bool {
    match (left.as_str(), right.as_str()) {
        (Some(left), Some(right)) => same_text(attribute, left, right),
        _ => left == right,
    }
}

fn compares(path: &AttributePath, operator: Operator, literal: &Literal, resource: &Map<String, Value>) -> bool {
    let found = values(path, resource);
    match (operator, literal) {
        (Operator::NotEqual, _) => !compares(path, Operator::Equal, literal, resource),
        (_, Literal::Null) => !found.into_iter().any(is_assigned),
        _ => found.into_iter().any(|value| holds(path.leaf(), operator, value, literal)),
    }
}

/// The values at `path`: those of each element where an attribute has many.
fn values<'a>(path: &AttributePath, resource: &'a Map<String, Value>) -> Vec<&'a Value> {
    let holder = match path.extension {
        Some(extension) => resource.get(extension.urn).and_then(Value::as_object),
        None => Some(resource),
    };
    let found = match holder.and_then(|holder| holder.get(path.attribute.name)) {
        Some(Value::Array(elements)) => elements.iter().collect(),
        Some(value) => vec![value],
        None => Vec::new(),
    };
    match path.sub {
        Some(sub) => found.into_iter().filter_map(|value| value.get(sub.name)).collect(),
        None => found,
    }
}

fn is_assigned(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

fn holds(attribute: &Attribute, operator: Operator, value: &Value, literal: &Literal) -> bool {
    match literal {
        Literal::Null => false,
        Literal::Boolean(wanted) => value.as_bool() == Some(*wanted),
        Literal::Instant(wanted) => value
            .as_str()
            .and_then(|text| text.parse::<Timestamp>().ok())
            .is_some_and(|instant| ordered(operator, instant.cmp(wanted))),
        Literal::Text(wanted) => value.as_str().is_some_and(|text| {
            if operator == Operator::Equal {
                same_text(attribute, text, wanted)
            } else if attribute.case_exact {
                text_holds(operator, text, wanted)
            } else {
                text_holds(operator, &fold(text), &fold(wanted))
            }
        }),
    }
}

fn text_holds(operator: Operator, text: &str, wanted: &str) -> bool {
    match operator {
        Operator::Contains => text.contains(wanted),
        Operator::StartsWith => text.starts_with(wanted),
        Operator::EndsWith => text.ends_with(wanted),
        Operator::Equal
        | Operator::NotEqual
        | Operator::Greater
        | Operator::GreaterOrEqual
        | Operator::Less
        | Operator::LessOrEqual => ordered(operator, text.cmp(wanted)),
    }
}

fn ordered(operator: Operator, ordering: Ordering) -> bool {
    match operator {
        Operator::Equal => ordering.is_eq(),
        Operator::NotEqual => ordering.is_ne(),
        Operator::Greater => ordering.is_gt(),
        Operator::GreaterOrEqual => ordering.is_ge(),
        Operator::Less => ordering.is_lt(),
        Operator::LessOrEqual => ordering.is_le(),
        Operator::Contains | Operator::StartsWith | Operator::EndsWith => false,
    }
}

/// Equality makes up nearly all comparisons, so plain ASCII is compared without a copy.
fn same_text(attribute: &Attribute, left: &str, right: &str) -> bool {
    if attribute.case_exact {
        left == right
    } else if left.is_ascii() && right.is_ascii() {
        left.eq_ignore_ascii_case(right)
    } else {
        fold(left) == fold(right)
    }
}

fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}
