//! The user as a value: canonical names, no nulls, nothing that the server computes.
//!
//! `schemas`, `id`, `meta` and `groups` are not in it; [`crate::present()`] puts them in on the way out.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::ScimError;
use crate::schema::{USER_TYPE, urn};

/// The longest `userName`, `externalId` or e-mail address in bytes: both databases can index it.
pub const MAX_KEY: usize = 512;
/// The largest user in bytes of names and texts; PATCHes could otherwise make it grow for ever.
pub const MAX_RESOURCE: usize = 1024 * 1024;

/// A user's attributes. Serialises as their JSON object, which is also what to store.
///
/// `Debug` prints no values, because they are personal data.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct User {
    attributes: Map<String, Value>,
}

/// A user as read from a request, and what was ignored in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The user.
    pub user: User,
    /// Names of unknown attributes and schemas that were ignored, for the trace. A strict directory
    /// refuses the request if there are any.
    pub remarks: Vec<String>,
}

/// One e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Email<'a> {
    /// The address as it was sent.
    pub value: &'a str,
    /// Such as `work`.
    pub kind: Option<&'a str>,
    /// Whether it is marked as the preferred one.
    pub primary: bool,
}

impl User {
    /// The attributes in canonical spelling.
    pub fn attributes(&self) -> &Map<String, Value> {
        &self.attributes
    }

    /// Whoever builds one keeps the canonical spelling and then calls [`User::check`].
    pub(crate) fn from_attributes(attributes: Map<String, Value>) -> Self {
        Self { attributes }
    }

    /// `userName`; never empty in a user that was accepted.
    pub fn user_name(&self) -> &str {
        self.text("userName").unwrap_or_default()
    }

    /// `externalId`, the client's own identifier.
    pub fn external_id(&self) -> Option<&str> {
        self.text("externalId")
    }

    /// `active`. `None` says nothing about access: it must not lift a hold.
    pub fn active(&self) -> Option<bool> {
        self.attributes.get("active").and_then(Value::as_bool)
    }

    /// `displayName`.
    pub fn display_name(&self) -> Option<&str> {
        self.text("displayName")
    }

    /// `name.formatted`.
    pub fn formatted_name(&self) -> Option<&str> {
        self.name("formatted")
    }

    /// `name.givenName`.
    pub fn given_name(&self) -> Option<&str> {
        self.name("givenName")
    }

    /// `name.familyName`.
    pub fn family_name(&self) -> Option<&str> {
        self.name("familyName")
    }

    /// The e-mail addresses that have a value, in the order sent.
    pub fn emails(&self) -> Vec<Email<'_>> {
        let elements = self.attributes.get("emails").and_then(Value::as_array);
        elements
            .into_iter()
            .flatten()
            .filter_map(|element| {
                Some(Email {
                    value: filled(element.get("value"))?,
                    kind: filled(element.get("type")),
                    primary: element.get("primary") == Some(&Value::Bool(true)),
                })
            })
            .collect()
    }

    /// The address marked primary, else the first of type `work`, else the first.
    pub fn primary_email(&self) -> Option<&str> {
        let emails = self.emails();
        let is_work = |email: &&Email<'_>| email.kind.is_some_and(|kind| kind.eq_ignore_ascii_case("work"));
        emails
            .iter()
            .find(|email| email.primary)
            .or_else(|| emails.iter().find(is_work))
            .or_else(|| emails.first())
            .map(|email| email.value)
    }

    /// An attribute of the enterprise extension that is a string, such as `department`.
    pub fn enterprise(&self, name: &str) -> Option<&str> {
        filled(self.attributes.get(urn::ENTERPRISE_USER)?.get(name))
    }

    /// Whether it may be stored: `userName` there, keys not too long, one primary per attribute.
    pub(crate) fn check(&self) -> Result<(), ScimError> {
        if self.user_name().trim().is_empty() {
            return Err(ScimError::invalid_value(
                "`userName` is required and must not be empty. Map an attribute of the directory to it.",
            ));
        }
        for (name, value) in [("userName", self.user_name()), ("externalId", self.external_id().unwrap_or_default())] {
            check_key(name, value)?;
        }
        for email in self.emails() {
            check_key("emails.value", email.value)?;
        }
        for attribute in USER_TYPE.schema.attributes {
            let elements = self.attributes.get(attribute.name).and_then(Value::as_array);
            let primaries = elements
                .into_iter()
                .flatten()
                .filter(|element| element.get("primary") == Some(&Value::Bool(true)))
                .count();
            if primaries > 1 {
                return Err(ScimError::invalid_value(format!(
                    "`{}` has more than one value with `primary` true. Mark only one.",
                    attribute.name
                )));
            }
        }
        if self.attributes.values().map(weight).sum::<usize>() > MAX_RESOURCE {
            return Err(ScimError::invalid_value(format!(
                "The user is larger than {MAX_RESOURCE} bytes. Remove what is not needed."
            )));
        }
        Ok(())
    }

    fn text(&self, name: &str) -> Option<&str> {
        filled(self.attributes.get(name))
    }

    fn name(&self, part: &str) -> Option<&str> {
        filled(self.attributes.get("name")?.get(part))
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.attributes.keys()).finish()
    }
}

fn filled(value: Option<&Value>) -> Option<&str> {
    value?.as_str().filter(|text| !text.is_empty())
}

fn check_key(name: &str, value: &str) -> Result<(), ScimError> {
    if value.len() > MAX_KEY {
        return Err(ScimError::invalid_value(format!("`{name}` is longer than {MAX_KEY} bytes. Send a shorter one.")));
    }
    Ok(())
}

/// About the bytes that a value takes as JSON; its depth is bounded by the attribute table.
fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len() + 8,
        Value::Array(elements) => elements.iter().map(weight).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + weight(value)).sum(),
    }
}
