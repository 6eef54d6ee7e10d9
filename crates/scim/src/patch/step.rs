//! Reads a PATCH body into steps: one attribute each, its path resolved.

use serde_json::{Map, Value};

use super::in_operation;
use crate::error::{ScimError, shown};
use crate::filter::Filter;
use crate::input::remark_schema;
use crate::path::{AttributePath, PatchPath};
use crate::schema::{Mutability, ResourceType, Schema, find, urn};
use crate::value::{Remarks, as_array, as_members};

/// The most operations in one request.
pub const MAX_OPERATIONS: usize = 2000;

/// One attribute's part in an operation.
#[derive(Debug)]
pub(super) struct Step {
    /// The operation, counted from 1.
    pub(super) operation: usize,
    pub(super) target: Target,
}

#[derive(Debug)]
pub(super) enum Target {
    /// Take the whole extension away.
    Extension(&'static Schema),
    Write {
        verb: Verb,
        path: AttributePath,
        filter: Option<Filter>,
        value: Value,
    },
    Remove {
        path: AttributePath,
        filter: Option<Filter>,
        /// What to remove, for clients that name the values here instead of in a filter.
        value: Option<Value>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Add,
    Replace,
}

/// The steps of a PATCH body, in order.
pub(super) fn parse(
    kind: &'static ResourceType,
    body: Map<String, Value>,
    remarks: &mut Remarks,
) -> Result<Vec<Step>, ScimError> {
    let mut schemas = None;
    let mut operations = None;
    for (name, value) in body {
        match name.to_ascii_lowercase().as_str() {
            "schemas" => schemas = Some(value),
            "operations" => operations = Some(value),
            _ => remarks.unknown("attribute", &name),
        }
    }
    check_schemas(schemas)?;
    let operations = match operations {
        Some(Value::Array(operations)) if !operations.is_empty() => operations,
        _ => {
            return Err(ScimError::invalid_syntax("`Operations` must be an array of one or more operations."));
        }
    };
    if operations.len() > MAX_OPERATIONS {
        return Err(ScimError::new(
            413,
            format!("More than {MAX_OPERATIONS} operations. Send them in several requests."),
        ));
    }
    let mut reader = Reader { kind, remarks, steps: Vec::new(), operation: 0 };
    for operation in operations {
        reader.operation += 1;
        reader.operation(operation).map_err(|error| in_operation(reader.operation, error))?;
    }
    Ok(reader.steps)
}

fn check_schemas(schemas: Option<Value>) -> Result<(), ScimError> {
    let named = as_array(schemas.unwrap_or_default())
        .iter()
        .filter_map(Value::as_str)
        .any(|schema| schema.eq_ignore_ascii_case(urn::PATCH_OP));
    if named {
        return Ok(());
    }
    Err(ScimError::invalid_syntax(format!("`schemas` must name the message. Send [\"{}\"].", urn::PATCH_OP)))
}

struct Reader<'a> {
    kind: &'static ResourceType,
    remarks: &'a mut Remarks,
    steps: Vec<Step>,
    operation: usize,
}

impl Reader<'_> {
    fn operation(&mut self, operation: Value) -> Result<(), ScimError> {
        let Value::Object(members) = operation else {
            return Err(ScimError::invalid_syntax("an operation must be a JSON object."));
        };
        let (mut op, mut path, mut value) = (None, None, None);
        for (name, member) in members {
            let slot = match name.to_ascii_lowercase().as_str() {
                "op" => &mut op,
                "path" => &mut path,
                "value" => &mut value,
                _ => {
                    self.remarks.unknown("attribute", &name);
                    continue;
                }
            };
            if slot.replace(member).is_some() {
                return Err(ScimError::invalid_syntax(format!("`{name}` is given twice.")));
            }
        }
        let path = match path {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(PatchPath::parse(self.kind, &text)?),
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                return Err(ScimError::invalid_path("`path` must be a string."));
            }
        };
        let op = op.as_ref().and_then(Value::as_str).unwrap_or_default();
        match op.to_ascii_lowercase().as_str() {
            "add" => self.write(Verb::Add, path, value),
            "replace" => self.write(Verb::Replace, path, value),
            "remove" => self.remove(path, value),
            _ => Err(ScimError::invalid_syntax(format!(
                "`op` is `{}`; it must be `add`, `replace` or `remove`.",
                shown(op)
            ))),
        }
    }

    fn write(&mut self, verb: Verb, path: Option<PatchPath>, value: Option<Value>) -> Result<(), ScimError> {
        match (path, value) {
            (_, None) => Err(ScimError::invalid_value("`value` is missing. Send the value to set, or use `remove`.")),
            (Some(path), Some(value)) => self.write_at(verb, path, value),
            (None, Some(Value::Object(members))) => self.write_members(verb, members),
            (None, Some(_)) => {
                Err(ScimError::invalid_value("without `path`, `value` must be a JSON object of attributes."))
            }
        }
    }

    /// A value without path: each key is a path of its own. Unknown ones are ignored, as in a POST.
    fn write_members(&mut self, verb: Verb, members: Map<String, Value>) -> Result<(), ScimError> {
        let mut seen = Vec::new();
        for (name, value) in members {
            let Ok(path) = PatchPath::parse(self.kind, &name) else {
                self.remarks.unknown("attribute", &name);
                continue;
            };
            let canonical = path.to_string();
            if seen.contains(&canonical) {
                return Err(ScimError::invalid_syntax(format!("`{canonical}` is given twice.")));
            }
            seen.push(canonical);
            self.write_at(verb, path, value)?;
        }
        Ok(())
    }

    fn write_at(&mut self, verb: Verb, path: PatchPath, value: Value) -> Result<(), ScimError> {
        match path {
            PatchPath::Extension(schema) => self.write_extension(verb, schema, value),
            PatchPath::Attribute { path, filter } => {
                if path.attribute.mutability == Mutability::WriteOnly {
                    return Ok(()); // A password is accepted and not kept.
                }
                if path.attribute.name == "schemas" {
                    // It follows from the attributes, so writing it means nothing more.
                    for schema in as_array(value).iter().filter_map(Value::as_str) {
                        remark_schema(schema, self.remarks);
                    }
                    return Ok(());
                }
                self.push(Target::Write { verb, path, filter, value });
                Ok(())
            }
        }
    }

    fn write_extension(&mut self, verb: Verb, schema: &'static Schema, value: Value) -> Result<(), ScimError> {
        let members = as_members(schema.urn, value)?;
        if members.is_empty() && verb == Verb::Replace {
            self.push(Target::Extension(schema));
        }
        for (name, value) in members {
            let Some(attribute) = find(schema.attributes, &name) else {
                self.remarks.unknown("attribute", &format!("{}:{name}", schema.urn));
                continue;
            };
            let path = AttributePath { extension: Some(schema), attribute, sub: None };
            self.push(Target::Write { verb, path, filter: None, value });
        }
        Ok(())
    }

    fn remove(&mut self, path: Option<PatchPath>, value: Option<Value>) -> Result<(), ScimError> {
        match path {
            None => Err(ScimError::no_target("`remove` needs a `path`.")),
            Some(PatchPath::Extension(schema)) => {
                self.push(Target::Extension(schema));
                Ok(())
            }
            Some(PatchPath::Attribute { path, filter }) => {
                if path.attribute.mutability != Mutability::WriteOnly {
                    self.push(Target::Remove { path, filter, value: value.filter(|value| !value.is_null()) });
                }
                Ok(())
            }
        }
    }

    fn push(&mut self, target: Target) {
        self.steps.push(Step { operation: self.operation, target });
    }
}
