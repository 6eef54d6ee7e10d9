//! PATCH (RFC 7644 §3.5.2) in the forms that real identity providers send.
//!
//! A request is read into steps, then all steps are applied to a copy, so either all of them count or none.
//!
//! | beyond the RFC | why |
//! |---|---|
//! | `op` in any case, booleans as strings, `add` on `active` | Entra ID |
//! | keys of a value without `path` are paths (`name.givenName`) | Entra ID |
//! | a filter that selects nothing creates what it describes | Entra ID; one miss would else block `active: false` beside it |
//! | `remove` with a `value` removes only that | Entra ID |
//! | a read-only attribute that is sent back unchanged is accepted | Okta repeats `id` |
//!
//! | file | does |
//! |---|---|
//! | `step` | the body to steps |
//! | `single` | what a step makes of an attribute with one value |
//! | `many` | what a step makes of an attribute with many values |

mod many;
mod single;
mod step;

use serde_json::{Map, Value};

use crate::error::ScimError;
use crate::path::AttributePath;
use crate::present::Meta;
use crate::resource::User;
use crate::schema::{Mutability, ResourceType, Type, USER_TYPE};
use crate::value::{Remarks, read};

pub use step::MAX_OPERATIONS;
use step::{Step, Target, Verb};

/// A PATCH request, read but not applied.
#[derive(Debug)]
pub struct Patch {
    steps: Vec<Step>,
    remarks: Remarks,
}

/// What a PATCH made of a user.
#[derive(Debug, Clone, PartialEq)]
pub struct Patched {
    /// The user afterwards.
    pub user: User,
    /// Names of unknown attributes and schemas that were ignored, for the trace. A strict directory
    /// refuses the request if there are any.
    pub remarks: Vec<String>,
    /// Whether anything is different; if not, version and `lastModified` stay.
    pub changed: bool,
}

impl Patch {
    /// Reads the body of a PATCH. 400 `invalidSyntax`, `invalidPath`, `noTarget` or `mutability`, naming
    /// the operation.
    pub fn parse(kind: &'static ResourceType, body: Map<String, Value>) -> Result<Self, ScimError> {
        let mut remarks = Remarks::default();
        let steps = step::parse(kind, body, &mut remarks)?;
        Ok(Self { steps, remarks })
    }

    /// Applies all operations to `user`, or none. `meta` tells the read-only values that may be repeated.
    pub fn apply(self, user: &User, meta: &Meta) -> Result<Patched, ScimError> {
        let Self { steps, mut remarks } = self;
        let mut attributes = user.attributes().clone();
        for step in steps {
            let operation = step.operation;
            apply_step(step, &mut attributes, meta, &mut remarks).map_err(|error| in_operation(operation, error))?;
        }
        let patched = User::from_attributes(attributes);
        patched.check()?;
        Ok(Patched { changed: patched != *user, user: patched, remarks: remarks.into_list() })
    }
}

fn apply_step(
    step: Step,
    attributes: &mut Map<String, Value>,
    meta: &Meta,
    remarks: &mut Remarks,
) -> Result<(), ScimError> {
    match step.target {
        Target::Extension(schema) => {
            attributes.remove(schema.urn);
            Ok(())
        }
        Target::Write { verb, path, filter, value } => {
            if is_read_only(&path) {
                let current = read_only(&path, attributes, meta);
                return if filter.is_none() && agrees(current.as_ref(), &value) {
                    Ok(())
                } else {
                    Err(immutable(&path))
                };
            }
            let current = take(attributes, &path);
            let next = if path.attribute.multi_valued {
                many::write(verb, &path, filter.as_ref(), current, value, remarks)?
            } else if path.attribute.kind == Type::Complex {
                single::write(verb, &path, current, value, remarks)?
            } else {
                read(path.attribute, value, remarks)?.or(match verb {
                    Verb::Add => current,
                    Verb::Replace => None,
                })
            };
            put(attributes, &path, next);
            Ok(())
        }
        Target::Remove { path, filter, value } => {
            if is_read_only(&path) || path.leaf().required {
                return Err(immutable(&path));
            }
            let current = take(attributes, &path);
            let next = if path.attribute.multi_valued {
                many::remove(&path, filter.as_ref(), current, value)?
            } else {
                single::remove(&path, current)
            };
            put(attributes, &path, next);
            Ok(())
        }
    }
}

fn is_read_only(path: &AttributePath) -> bool {
    [path.attribute, path.leaf()].iter().any(|attribute| attribute.mutability == Mutability::ReadOnly)
}

/// The current value of a read-only attribute.
fn read_only(path: &AttributePath, attributes: &Map<String, Value>, meta: &Meta) -> Option<Value> {
    let whole = match path.attribute.name {
        "id" => Some(Value::from(meta.id.as_str())),
        "meta" => Some(meta.to_value(&USER_TYPE)),
        name => match path.extension {
            Some(extension) => attributes.get(extension.urn)?.get(name).cloned(),
            None => attributes.get(name).cloned(),
        },
    };
    match path.sub {
        Some(sub) => whole?.get(sub.name).cloned(),
        None => whole,
    }
}

/// Whether `given` says nothing else than `current`; an object may say less.
fn agrees(current: Option<&Value>, given: &Value) -> bool {
    match (current, given) {
        (None, Value::Null) => true,
        (None, Value::Array(elements)) => elements.is_empty(),
        (Some(Value::Object(current)), Value::Object(given)) => given.iter().all(|(name, value)| {
            let found = current.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            agrees(found.map(|(_, value)| value), value)
        }),
        (current, given) => current == Some(given),
    }
}

/// Takes an attribute's value out, to be put back by [`put`].
fn take(attributes: &mut Map<String, Value>, path: &AttributePath) -> Option<Value> {
    let holder = match path.extension {
        None => attributes,
        Some(extension) => attributes.get_mut(extension.urn)?.as_object_mut()?,
    };
    holder.remove(path.attribute.name)
}

/// Puts a value in, or leaves it out; an extension's object is there only with members.
fn put(attributes: &mut Map<String, Value>, path: &AttributePath, value: Option<Value>) {
    let name = path.attribute.name.to_owned();
    let Some(extension) = path.extension else {
        attributes.extend(value.map(|value| (name, value)));
        return;
    };
    let mut members = match attributes.remove(extension.urn) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    members.extend(value.map(|value| (name, value)));
    if !members.is_empty() {
        attributes.insert(extension.urn.to_owned(), Value::Object(members));
    }
}

fn immutable(path: &AttributePath) -> ScimError {
    ScimError::mutability(if path.leaf().required {
        format!("`{path}` is required and cannot be removed. Replace it instead.")
    } else {
        format!("`{path}` is set by the server. Leave it out.")
    })
}

/// The error with the number of its operation, counted from 1.
fn in_operation(number: usize, error: ScimError) -> ScimError {
    ScimError { detail: format!("Operation {number}: {}", error.detail), ..error }
}

#[cfg(test)]
mod tests;
