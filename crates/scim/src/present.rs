//! How a user looks from outside: attributes, `schemas`, `id` and `meta` (RFC 7643 §3).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::resource::User;
use crate::schema::{ResourceType, USER_TYPE};

/// What the store knows about a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// The server's identifier.
    pub id: String,
    /// When it was created, in microseconds since 1970.
    pub created_us: i64,
    /// When it was last changed, in microseconds since 1970.
    pub modified_us: i64,
    /// Counts the changes.
    pub version: i64,
    /// The SCIM root without a slash at its end, such as `https://id.example/scim/v2`.
    pub base_url: String,
}

impl Meta {
    /// The resource's URL, which is also the `Location` header.
    pub fn location(&self, kind: &ResourceType) -> String {
        format!("{}{}/{}", self.base_url, kind.endpoint, self.id)
    }

    /// The `meta` object.
    pub(crate) fn to_value(&self, kind: &ResourceType) -> Value {
        json!({
            "resourceType": kind.name,
            "created": instant(self.created_us),
            "lastModified": instant(self.modified_us),
            "location": self.location(kind),
            "version": etag(self.version),
        })
    }
}

/// The user as the body of an answer; narrow it with [`crate::Projection::apply`].
pub fn present(user: &User, meta: &Meta) -> Value {
    let mut resource = user.attributes().clone();
    resource.insert("id".to_owned(), Value::from(meta.id.as_str()));
    resource.insert("meta".to_owned(), meta.to_value(&USER_TYPE));
    list_schemas(&USER_TYPE, &mut resource);
    Value::Object(resource)
}

/// Sets `schemas`: the core, and each extension whose object is there.
pub(crate) fn list_schemas(kind: &ResourceType, resource: &mut Map<String, Value>) {
    let mut schemas = vec![Value::from(kind.schema.urn)];
    for extension in kind.extensions {
        if resource.contains_key(extension.urn) {
            schemas.push(Value::from(extension.urn));
        }
    }
    resource.insert("schemas".to_owned(), Value::Array(schemas));
}

/// The weak entity tag of a version: the value of `meta.version` and of the `ETag` header.
pub fn etag(version: i64) -> String {
    format!("W/\"{version}\"")
}

/// Whether an `If-Match` or `If-None-Match` header names this version: `*`, or the tag in a list. Tags
/// compare weakly, since ours are weak (RFC 7644 §3.14).
pub fn names_version(header: &str, version: i64) -> bool {
    let current = format!("\"{version}\"");
    header.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == current)
}

/// RFC 3339; what lies beyond the years that it can write is shown as the nearest it can.
fn instant(microseconds: i64) -> String {
    let nearest = if microseconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(microseconds).unwrap_or(nearest).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta() -> Meta {
        Meta {
            id: "u1".into(),
            created_us: 1_767_225_600_000_000,
            modified_us: 1_767_225_600_123_456,
            version: 7,
            base_url: "https://id.example/scim/v2".into(),
        }
    }

    fn user(body: Value) -> User {
        User::create(body.as_object().cloned().unwrap()).unwrap().user
    }

    #[test]
    fn the_server_s_attributes_are_added() {
        let user = user(json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ana"}));
        assert_eq!(
            present(&user, &meta()),
            json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "id": "u1", "userName": "ana", "active": true,
                "meta": {"resourceType": "User", "created": "2026-01-01T00:00:00Z",
                         "lastModified": "2026-01-01T00:00:00.123456Z",
                         "location": "https://id.example/scim/v2/Users/u1", "version": "W/\"7\""}
            })
        );
    }

    #[test]
    fn an_extension_is_listed_if_and_only_if_its_object_is_there() {
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let core = "urn:ietf:params:scim:schemas:core:2.0:User";
        let with = user(json!({"schemas": [core], "userName": "ana", enterprise: {"department": "R&D"}}));
        assert_eq!(present(&with, &meta())["schemas"], json!([core, enterprise]));
        let without = user(json!({"schemas": [core, enterprise], "userName": "ana", enterprise: {"department": null}}));
        assert_eq!(present(&without, &meta())["schemas"], json!([core]));
        assert!(present(&without, &meta()).get(enterprise).is_none());
    }

    #[test]
    fn entity_tags_compare_weakly_and_in_lists() {
        for header in ["W/\"7\"", "\"7\"", "*", "W/\"6\", W/\"7\""] {
            assert!(names_version(header, 7), "{header}");
        }
        for header in ["W/\"6\"", "", "7", "W/\"77\""] {
            assert!(!names_version(header, 7), "{header}");
        }
    }

    #[test]
    fn times_out_of_range_are_still_shown() {
        assert!(instant(i64::MAX).starts_with("9999-"));
        assert!(instant(i64::MIN).starts_with("-00"));
    }
}
