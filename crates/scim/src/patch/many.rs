//! Steps on an attribute that has many values.

use serde_json::{Map, Value};

use super::Verb;
use super::single::{given, members, merge};
use crate::error::ScimError;
use crate::filter::{Filter, Literal, Operator, same};
use crate::path::AttributePath;
use crate::schema::Attribute;
use crate::value::{Remarks, as_array, as_object, check_count, read_many};

/// One value on its way through a step.
struct Element {
    value: Value,
    /// Whether this step wrote it; its `primary` then counts before that of the others.
    written: bool,
}

/// The values after `value` was written to all of them, to those that the filter selects, or to their
/// sub-attribute.
pub(super) fn write(
    verb: Verb,
    path: &AttributePath,
    filter: Option<&Filter>,
    current: Option<Value>,
    value: Value,
    remarks: &mut Remarks,
) -> Result<Option<Value>, ScimError> {
    let current = as_array(current.unwrap_or_default());
    let mut elements = if filter.is_none() && path.sub.is_none() {
        write_whole(verb, path.attribute, current, value, remarks)?
    } else {
        write_selected(verb, path, filter, current, value, remarks)?
    };
    check_count(path.attribute, elements.len())?;
    settle_primary(&mut elements);
    Ok(listed(elements.into_iter().map(|element| element.value).collect()))
}

/// The values that are left after a removal.
pub(super) fn remove(
    path: &AttributePath,
    filter: Option<&Filter>,
    current: Option<Value>,
    value: Option<Value>,
) -> Result<Option<Value>, ScimError> {
    let mut left = as_array(current.unwrap_or_default());
    if let Some(filter) = filter
        && !left.iter().any(|element| selects(filter, element))
    {
        return Err(nothing_selected(path, filter));
    }
    let selected = |element: &Value| filter.is_none_or(|filter| selects(filter, element));
    match (path.sub, value) {
        (Some(sub), _) => {
            for element in left.iter_mut().filter(|element| selected(element)) {
                if let Some(members) = element.as_object_mut() {
                    members.remove(sub.name);
                }
            }
            left.retain(|element| !is_hollow(element));
        }
        (None, Some(value)) if filter.is_none() => {
            let unwanted = unwanted(path.attribute, value)?;
            left.retain(|element| !unwanted.iter().any(|given| contains(path.attribute, element, given)));
        }
        (None, _) => left.retain(|element| !selected(element)),
    }
    Ok(listed(left))
}

fn write_whole(
    verb: Verb,
    attribute: &'static Attribute,
    current: Vec<Value>,
    value: Value,
    remarks: &mut Remarks,
) -> Result<Vec<Element>, ScimError> {
    let given = read_many(attribute, value, remarks)?;
    let mut elements: Vec<Element> = match verb {
        Verb::Replace => Vec::new(),
        Verb::Add => current.into_iter().map(|value| Element { value, written: false }).collect(),
    };
    for value in given {
        let known = value
            .as_object()
            .is_some_and(|given| elements.iter().any(|element| contains(attribute, &element.value, given)));
        if !known {
            elements.push(Element { value, written: true });
        }
    }
    Ok(elements)
}

fn write_selected(
    verb: Verb,
    path: &AttributePath,
    filter: Option<&Filter>,
    current: Vec<Value>,
    value: Value,
    remarks: &mut Remarks,
) -> Result<Vec<Element>, ScimError> {
    let given = given(path, value)?;
    let described = filter.map_or_else(|| Some(Map::new()), described);
    let mut elements = Vec::new();
    let mut found = false;
    for element in current {
        if !filter.is_none_or(|filter| selects(filter, &element)) {
            elements.push(Element { value: element, written: false });
            continue;
        }
        found = true;
        // RFC 7644 §3.5.2.3: a filter without sub-attribute replaces the whole element. It stays the
        // element that the filter describes.
        let before = match (verb, path.sub, &described) {
            (Verb::Replace, None, Some(described)) => described.clone(),
            (Verb::Replace | Verb::Add, _, _) => members(Some(element)),
        };
        let merged = merge(path.attribute, verb, before, given.clone(), remarks)?;
        elements.push(Element { value: Value::Object(merged), written: true });
    }
    if !found {
        let before = match (described, filter) {
            (Some(described), _) => described,
            (None, Some(filter)) => return Err(nothing_selected(path, filter)),
            (None, None) => Map::new(),
        };
        let merged = merge(path.attribute, verb, before, given, remarks)?;
        elements.push(Element { value: Value::Object(merged), written: true });
    }
    elements.retain(|element| !(element.written && is_hollow(&element.value)));
    Ok(elements)
}

/// A new primary value takes the mark from the old one (RFC 7644 §3.5.2).
fn settle_primary(elements: &mut [Element]) {
    let is_primary = |element: &Element| element.value.get("primary") == Some(&Value::Bool(true));
    if !elements.iter().any(|element| element.written && is_primary(element)) {
        return;
    }
    for element in elements {
        if !element.written
            && is_primary(element)
            && let Some(members) = element.value.as_object_mut()
        {
            members.insert("primary".to_owned(), Value::Bool(false));
        }
    }
}

fn selects(filter: &Filter, element: &Value) -> bool {
    element.as_object().is_some_and(|members| filter.matches(members))
}

/// The element that a simple selector such as `type eq "work"` describes. One that names the `value` itself
/// speaks of an element that should exist, so it describes none.
fn described(filter: &Filter) -> Option<Map<String, Value>> {
    match filter {
        Filter::And(parts) => {
            let mut all = Map::new();
            for part in parts {
                all.extend(described(part)?);
            }
            Some(all)
        }
        Filter::Compare { path, operator: Operator::Equal, literal } => {
            let name = path.attribute.name;
            let value = match literal {
                _ if name == "value" || name == "$ref" => return None,
                Literal::Text(text) => Value::from(text.as_str()),
                Literal::Boolean(value) => Value::Bool(*value),
                Literal::Instant(_) | Literal::Null => return None,
            };
            Some(Map::from_iter([(name.to_owned(), value)]))
        }
        Filter::Or(_) | Filter::Not(_) | Filter::Present(_) | Filter::Element { .. } | Filter::Compare { .. } => None,
    }
}

/// What a `remove` with values names. If a `value` is given it identifies, together with the `type`;
/// `$ref` and `display` may be out of date.
fn unwanted(attribute: &'static Attribute, value: Value) -> Result<Vec<Map<String, Value>>, ScimError> {
    let mut all = Vec::new();
    for element in as_array(value) {
        let mut known = Map::new();
        for (name, value) in as_object(attribute, element)? {
            if let Some(sub) = attribute.sub(&name)
                && !value.is_null()
            {
                known.insert(sub.name.to_owned(), value);
            }
        }
        if known.contains_key("value") {
            known.retain(|name, _| name == "value" || name == "type");
        }
        if !known.is_empty() {
            all.push(known);
        }
    }
    Ok(all)
}

/// Whether `element` has every one of the given members.
fn contains(attribute: &Attribute, element: &Value, given: &Map<String, Value>) -> bool {
    given.iter().all(|(name, value)| {
        attribute.sub(name).zip(element.get(name)).is_some_and(|(sub, known)| same(sub, known, value))
    })
}

/// Whether nothing but labels is left of an element.
fn is_hollow(element: &Value) -> bool {
    element.as_object().is_some_and(|members| members.keys().all(|name| name == "type" || name == "primary"))
}

fn listed(elements: Vec<Value>) -> Option<Value> {
    (!elements.is_empty()).then_some(Value::Array(elements))
}

fn nothing_selected(path: &AttributePath, filter: &Filter) -> ScimError {
    ScimError::no_target(format!(
        "`{}[{filter}]` selects no value. Read the resource and name one that it has.",
        path.attribute.name
    ))
}
