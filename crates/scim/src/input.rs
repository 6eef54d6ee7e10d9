//! Reads the body of a POST or PUT as a user (RFC 7644 §3.3, §3.5.1).
//!
//! What the server computes is ignored, what it does not know is ignored and remarked, what has the wrong
//! type is refused. Names of attributes and schemas are read without case.

use serde_json::{Map, Value};

use crate::error::ScimError;
use crate::path::{Named, resolve};
use crate::resource::{Accepted, User};
use crate::schema::{Mutability, USER_TYPE, urn};
use crate::value::{Remarks, insert_once, read, read_extension};

impl User {
    /// The user in the body of a POST; one without `active` is active.
    pub fn create(body: Map<String, Value>) -> Result<Accepted, ScimError> {
        from_body(body, Some(true))
    }

    /// The user in the body of a PUT that replaces this one. What is left out is cleared, except `active`,
    /// which stays as it is: a client that omits it asks for neither access nor its end.
    pub fn replace(&self, body: Map<String, Value>) -> Result<Accepted, ScimError> {
        from_body(body, self.active())
    }
}

fn from_body(body: Map<String, Value>, active: Option<bool>) -> Result<Accepted, ScimError> {
    let mut remarks = Remarks::default();
    let mut attributes = Map::new();
    let mut has_schemas = false;
    for (name, value) in body {
        if name.eq_ignore_ascii_case("schemas") {
            has_schemas = true;
            check_schemas(&value, &mut remarks)?;
        } else if let Some(extension) = USER_TYPE.extension(&name) {
            let members = read_extension(extension, value, &mut remarks)?;
            if !members.is_empty() && attributes.insert(extension.urn.to_owned(), Value::Object(members)).is_some() {
                return Err(ScimError::invalid_syntax(format!("`{}` is given twice. Send it once.", extension.urn)));
            }
        } else {
            read_attribute(&name, value, &mut attributes, &mut remarks)?;
        }
    }
    if !has_schemas {
        return Err(no_schemas());
    }
    if let Some(active) = active {
        attributes.entry("active").or_insert(Value::Bool(active));
    }
    let user = User::from_attributes(attributes);
    user.check()?;
    Ok(Accepted { user, remarks: remarks.into_list() })
}

fn read_attribute(
    name: &str,
    value: Value,
    attributes: &mut Map<String, Value>,
    remarks: &mut Remarks,
) -> Result<(), ScimError> {
    let Some(attribute) = USER_TYPE.attribute(name) else {
        // Entra ID sends `"department": null` at the top level; an unassigned stranger is no news.
        if !value.is_null() {
            remarks.unknown("attribute", name);
        }
        return Ok(());
    };
    match attribute.mutability {
        Mutability::ReadOnly | Mutability::WriteOnly => Ok(()),
        Mutability::ReadWrite => match read(attribute, value, remarks)? {
            Some(value) => insert_once(attributes, attribute, value),
            None => Ok(()),
        },
    }
}

/// RFC 7643 §3: `schemas` is required and not empty. An unknown one is only remarked, because some clients
/// send those of SCIM 1.
fn check_schemas(value: &Value, remarks: &mut Remarks) -> Result<(), ScimError> {
    let schemas = value.as_array().filter(|schemas| !schemas.is_empty());
    for schema in schemas.ok_or_else(no_schemas)? {
        let schema = schema.as_str().ok_or_else(no_schemas)?;
        remark_schema(schema, remarks);
    }
    Ok(())
}

/// Names a schema that this resource does not have.
pub(crate) fn remark_schema(schema: &str, remarks: &mut Remarks) {
    let known =
        schema.eq_ignore_ascii_case(urn::USER) || matches!(resolve(&USER_TYPE, schema), Some(Named::Extension(_)));
    if !known {
        remarks.unknown("schema", schema);
    }
}

fn no_schemas() -> ScimError {
    ScimError::invalid_syntax(format!("`schemas` must be an array of schema names. Send [\"{}\"].", urn::USER))
}

#[cfg(test)]
mod tests;
