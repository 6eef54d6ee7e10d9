//! The one error of this crate, which is also the error body of RFC 7644 §3.12.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::schema::urn;

/// The `scimType` keywords of RFC 7644 §3.12, Table 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ScimType {
    /// The filter could not be read or compares what cannot be compared.
    InvalidFilter,
    /// The filter would yield more results than the server is willing to calculate.
    TooMany,
    /// A value that must be unique is in use.
    Uniqueness,
    /// The attribute may not be changed in this way.
    Mutability,
    /// The body's structure is not what the request demands.
    InvalidSyntax,
    /// The `path` of a PATCH operation could not be read or names nothing known.
    InvalidPath,
    /// The `path` of a PATCH operation found nothing to work on.
    NoTarget,
    /// A required value is missing or a value does not fit its attribute.
    InvalidValue,
    /// The protocol version is not supported.
    InvalidVers,
    /// The request would put a secret into a URL or a comparison.
    Sensitive,
}

/// A refusal: the HTTP status, the keyword if the status has one, and a sentence that says what to do.
///
/// It serialises as the error body of RFC 7644 §3.12, where `status` is a string.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ScimError {
    /// The HTTP status.
    pub status: u16,
    /// The keyword of RFC 7644 Table 9.
    pub scim_type: Option<ScimType>,
    /// What went wrong and what to do, for the person who reads the client's log.
    pub detail: String,
}

impl ScimError {
    /// An error without keyword, such as 401, 404, 413, 415, 429, 501 or 503.
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: detail.into() }
    }

    /// 400 `invalidFilter`.
    pub fn invalid_filter(detail: impl Into<String>) -> Self {
        Self::keyed(400, ScimType::InvalidFilter, detail)
    }

    /// 400 `tooMany`.
    pub fn too_many(detail: impl Into<String>) -> Self {
        Self::keyed(400, ScimType::TooMany, detail)
    }

    /// 409 `uniqueness`.
    pub fn uniqueness(detail: impl Into<String>) -> Self {
        Self::keyed(409, ScimType::Uniqueness, detail)
    }

    /// 400 `mutability`.
    pub fn mutability(detail: impl Into<String>) -> Self {
        Self::keyed(400, ScimType::Mutability, detail)
    }

    /// 400 `invalidSyntax`.
    pub fn invalid_syntax(detail: impl Into<String>) -> Self {
        Self::keyed(400, ScimType::InvalidSyntax, detail)
    }

    /// 400 `invalidPath`.
    pub fn invalid_path(detail: impl Into<String>) -> Self {
        Self::keyed(400, ScimType::InvalidPath, detail)
    }

    /// 400 `noTarget`.
    pub fn no_target(detail: impl Into<String>) -> Self {
        Self::keyed(400, ScimType::NoTarget, detail)
    }

    /// 400 `invalidValue`.
    pub fn invalid_value(detail: impl Into<String>) -> Self {
        Self::keyed(400, ScimType::InvalidValue, detail)
    }

    /// 403 `sensitive`: a secret must not be searched for (RFC 7644 §7.5.2).
    pub fn sensitive(detail: impl Into<String>) -> Self {
        Self::keyed(403, ScimType::Sensitive, detail)
    }

    /// 404 for a resource, a schema or a resource type that is not there.
    pub fn not_found(what: &str, id: &str) -> Self {
        Self::new(404, format!("{what} `{}` does not exist.", shown(id)))
    }

    /// 412: `If-Match` names another version than the current one (RFC 7644 §3.14).
    pub fn precondition_failed() -> Self {
        Self::new(412, "The resource has changed since it was read. Read it again and repeat the change.")
    }

    fn keyed(status: u16, scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self { status, scim_type: Some(scim_type), detail: detail.into() }
    }
}

impl Serialize for ScimError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_struct("Error", 4)?;
        body.serialize_field("schemas", &[urn::ERROR])?;
        body.serialize_field("status", &self.status.to_string())?;
        if let Some(scim_type) = self.scim_type {
            body.serialize_field("scimType", &scim_type)?;
        }
        body.serialize_field("detail", &self.detail)?;
        body.end()
    }
}

/// Foreign text made fit for a message: cut to 80 characters, control characters replaced.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_body_has_a_string_status_and_a_keyword() {
        let error = ScimError::uniqueness("`userName` is taken.");
        assert_eq!(
            serde_json::to_value(&error).unwrap(),
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                   "status": "409", "scimType": "uniqueness", "detail": "`userName` is taken."})
        );
    }

    #[test]
    fn an_error_without_keyword_has_no_scim_type() {
        let body = serde_json::to_value(ScimError::not_found("User", "u1")).unwrap();
        assert_eq!(body["status"], "404");
        assert!(body.get("scimType").is_none());
    }

    #[test]
    fn foreign_text_is_cut_and_cleaned() {
        assert_eq!(shown("a\u{0}\nb"), "a\u{fffd}\u{fffd}b");
        assert_eq!(shown(&"x".repeat(500)).len(), 80);
    }
}
