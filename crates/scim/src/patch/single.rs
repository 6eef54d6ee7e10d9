//! Steps on an attribute that has one value.

use serde_json::{Map, Value};

use super::Verb;
use crate::error::ScimError;
use crate::path::AttributePath;
use crate::schema::{Attribute, Mutability};
use crate::value::{Remarks, as_object, read};

/// A complex attribute after `value` was written to it, or to the sub-attribute that the path names.
pub(super) fn write(
    verb: Verb,
    path: &AttributePath,
    current: Option<Value>,
    value: Value,
    remarks: &mut Remarks,
) -> Result<Option<Value>, ScimError> {
    let given = given(path, value)?;
    if given.is_empty() && path.sub.is_none() {
        return Ok(match verb {
            Verb::Add => current,
            Verb::Replace => None,
        });
    }
    let merged = merge(path.attribute, verb, members(current), given, remarks)?;
    // A reference to nobody is no reference: Entra ID empties `manager.value` to take the manager away.
    let is_void = merged.is_empty() || merged.get("value").is_some_and(|value| value == "");
    Ok((!is_void).then_some(Value::Object(merged)))
}

/// An attribute after it, or the sub-attribute that the path names, was removed.
pub(super) fn remove(path: &AttributePath, current: Option<Value>) -> Option<Value> {
    let sub = path.sub?;
    let mut left = members(current);
    left.remove(sub.name);
    (!left.is_empty()).then_some(Value::Object(left))
}

/// The members that a step writes: the object it was given, or its one sub-attribute.
pub(super) fn given(path: &AttributePath, value: Value) -> Result<Map<String, Value>, ScimError> {
    match path.sub {
        Some(sub) => Ok(Map::from_iter([(sub.name.to_owned(), value)])),
        None => as_object(path.attribute, value),
    }
}

/// An object with the given members set and all others kept. What is unassigned (`null`, `[]`) is removed by
/// a replace and no news to an add.
pub(super) fn merge(
    attribute: &'static Attribute,
    verb: Verb,
    current: Map<String, Value>,
    given: Map<String, Value>,
    remarks: &mut Remarks,
) -> Result<Map<String, Value>, ScimError> {
    let referred = current.get("value").cloned();
    let mut names_url = false;
    let mut merged = current;
    for (name, value) in given {
        let Some(sub) = attribute.sub(&name) else {
            remarks.unknown("attribute", &format!("{}.{name}", attribute.name));
            continue;
        };
        if sub.mutability == Mutability::ReadOnly {
            continue;
        }
        match (read(sub, value, remarks)?, verb) {
            (Some(value), _) => {
                names_url |= sub.name == "$ref";
                merged.insert(sub.name.to_owned(), value);
            }
            (None, Verb::Replace) => {
                merged.remove(sub.name);
            }
            (None, Verb::Add) => {}
        }
    }
    // The URL of the former manager must not stay beside the id of the new one.
    if !names_url && referred.as_ref() != merged.get("value") {
        merged.remove("$ref");
    }
    Ok(merged)
}

pub(super) fn members(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    }
}
