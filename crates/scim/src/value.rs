//! Reads a foreign JSON value as the value of an attribute.
//!
//! Strict about types, except where real clients are known to differ: booleans as strings, one element
//! without its array, and a bare string for an object that has a `value`.

use serde_json::{Map, Value};

use crate::error::{ScimError, shown};
use crate::schema::{Attribute, Mutability, Schema, Type};

/// The most elements of one attribute.
pub const MAX_ELEMENTS: usize = 256;
/// The most names that are remarked in one request.
const MAX_REMARKS: usize = 50;

/// What was ignored, named for the trace: unknown attributes and schemas, never values.
#[derive(Debug, Default)]
pub(crate) struct Remarks(Vec<String>);

impl Remarks {
    pub(crate) fn unknown(&mut self, what: &str, name: &str) {
        let remark = format!("{what} `{}` is not known and was ignored", shown(name));
        if self.0.len() < MAX_REMARKS && !self.0.contains(&remark) {
            self.0.push(remark);
        }
    }

    pub(crate) fn into_list(self) -> Vec<String> {
        self.0
    }
}

/// The value to keep, in canonical spelling; `None` if `value` means "unassigned" (RFC 7643 §2.5).
pub(crate) fn read(
    attribute: &'static Attribute,
    value: Value,
    remarks: &mut Remarks,
) -> Result<Option<Value>, ScimError> {
    if attribute.multi_valued {
        let elements = read_many(attribute, value, remarks)?;
        return Ok((!elements.is_empty()).then_some(Value::Array(elements)));
    }
    if attribute.kind == Type::Complex {
        let members = read_complex(attribute, value, remarks)?;
        return Ok((!members.is_empty()).then_some(Value::Object(members)));
    }
    read_simple(attribute, value)
}

/// The elements of a multi-valued attribute; a single element may come without its array.
pub(crate) fn read_many(
    attribute: &'static Attribute,
    value: Value,
    remarks: &mut Remarks,
) -> Result<Vec<Value>, ScimError> {
    let mut elements = Vec::new();
    for element in as_array(value) {
        if attribute.kind == Type::Complex {
            let members = read_complex(attribute, element, remarks)?;
            if !members.is_empty() {
                elements.push(Value::Object(members));
            }
        } else {
            elements.extend(read_simple(attribute, element)?);
        }
        check_count(attribute, elements.len())?;
    }
    Ok(elements)
}

/// The members of an extension's object, in canonical spelling; empty if unassigned.
pub(crate) fn read_extension(
    schema: &'static Schema,
    value: Value,
    remarks: &mut Remarks,
) -> Result<Map<String, Value>, ScimError> {
    let mut read_members = Map::new();
    for (name, value) in as_members(schema.urn, value)? {
        match crate::schema::find(schema.attributes, &name) {
            None => remarks.unknown("attribute", &format!("{}:{name}", schema.urn)),
            Some(attribute) => {
                if let Some(value) = read(attribute, value, remarks)? {
                    insert_once(&mut read_members, attribute, value)?;
                }
            }
        }
    }
    Ok(read_members)
}

/// A complex value as the object it stands for, its members unread. A bare string is its `value`;
/// `""` is unassigned, which is how Entra ID takes a manager away.
pub(crate) fn as_object(attribute: &'static Attribute, value: Value) -> Result<Map<String, Value>, ScimError> {
    match value {
        Value::Null => Ok(Map::new()),
        Value::Object(members) => Ok(members),
        Value::String(text) if attribute.sub("value").is_some() => {
            Ok(if text.is_empty() { Map::new() } else { Map::from_iter([("value".to_owned(), Value::String(text))]) })
        }
        Value::Array(elements) => match <[Value; 1]>::try_from(elements) {
            Ok([only]) if !only.is_array() => as_object(attribute, only),
            Err(elements) if elements.is_empty() => Ok(Map::new()),
            Ok(_) | Err(_) => Err(wrong_type(attribute)),
        },
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(wrong_type(attribute)),
    }
}

/// The elements that a multi-valued attribute was sent; `null` is none.
pub(crate) fn as_array(value: Value) -> Vec<Value> {
    match value {
        Value::Array(elements) => elements,
        Value::Null => Vec::new(),
        single @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            vec![single]
        }
    }
}

/// The members of an object named `name`; `null` and `""` have none.
pub(crate) fn as_members(name: &str, value: Value) -> Result<Map<String, Value>, ScimError> {
    match value {
        Value::Object(members) => Ok(members),
        Value::Null => Ok(Map::new()),
        Value::String(text) if text.is_empty() => Ok(Map::new()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(ScimError::invalid_value(format!("`{name}` must be a JSON object.")))
        }
    }
}

/// 400 `invalidValue` when an attribute would have more than [`MAX_ELEMENTS`].
pub(crate) fn check_count(attribute: &Attribute, count: usize) -> Result<(), ScimError> {
    if count > MAX_ELEMENTS {
        return Err(ScimError::invalid_value(format!(
            "`{}` has more than {MAX_ELEMENTS} values. Send fewer.",
            attribute.name
        )));
    }
    Ok(())
}

/// Inserts under the canonical name; refuses `userName` beside `USERNAME`, which could mean either.
pub(crate) fn insert_once(into: &mut Map<String, Value>, attribute: &Attribute, value: Value) -> Result<(), ScimError> {
    if into.insert(attribute.name.to_owned(), value).is_some() {
        return Err(ScimError::invalid_syntax(format!("`{}` is given twice. Send it once.", attribute.name)));
    }
    Ok(())
}

fn read_complex(
    attribute: &'static Attribute,
    value: Value,
    remarks: &mut Remarks,
) -> Result<Map<String, Value>, ScimError> {
    let mut members = Map::new();
    for (name, value) in as_object(attribute, value)? {
        match attribute.sub(&name) {
            None => remarks.unknown("attribute", &format!("{}.{name}", attribute.name)),
            Some(sub) if sub.mutability == Mutability::ReadOnly => {}
            Some(sub) => {
                if let Some(value) = read_simple(sub, value)? {
                    insert_once(&mut members, sub, value)?;
                }
            }
        }
    }
    // `{"manager": {"value": ""}}` names nobody, as `{"manager": ""}` does.
    if !attribute.multi_valued && members.get("value").is_some_and(|value| value == "") {
        members.clear();
    }
    Ok(members)
}

fn read_simple(attribute: &Attribute, value: Value) -> Result<Option<Value>, ScimError> {
    match (attribute.kind, value) {
        (_, Value::Null) => Ok(None),
        (Type::Boolean, Value::Bool(value)) => Ok(Some(Value::Bool(value))),
        (Type::Boolean, Value::String(text)) => match text.to_ascii_lowercase().as_str() {
            "true" => Ok(Some(Value::Bool(true))),
            "false" => Ok(Some(Value::Bool(false))),
            _ => Err(wrong_type(attribute)),
        },
        (Type::String | Type::Reference | Type::Binary | Type::DateTime, Value::String(text)) => {
            if text.contains('\0') {
                return Err(ScimError::invalid_value(format!(
                    "`{}` holds the character U+0000, which cannot be stored.",
                    attribute.name
                )));
            }
            Ok(Some(Value::String(text)))
        }
        _ => Err(wrong_type(attribute)),
    }
}

fn wrong_type(attribute: &Attribute) -> ScimError {
    let wanted = match attribute.kind {
        Type::String | Type::Reference | Type::Binary | Type::DateTime => "a string",
        Type::Boolean => "true or false",
        Type::Complex => "a JSON object",
    };
    ScimError::invalid_value(format!("`{}` must be {wanted}.", attribute.name))
}
