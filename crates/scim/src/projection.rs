//! `attributes` and `excludedAttributes`: which part of a resource an answer shows (RFC 7644 §3.9).

use serde_json::{Map, Value};

use crate::path::{AttributePath, Named, resolve};
use crate::present::list_schemas;
use crate::schema::{ResourceType, Returned, Schema};

/// What to show. `id` and `schemas` are always shown. Unknown names select nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    kind: &'static ResourceType,
    selection: Selection,
}

#[derive(Debug, Clone, PartialEq)]
enum Selection {
    Everything,
    Only(Vec<Named>),
    Without(Vec<Named>),
}

impl Projection {
    /// Reads the two parameters, each a list parted by commas. If both are given, `attributes` counts.
    pub fn parse(kind: &'static ResourceType, attributes: Option<&str>, excluded: Option<&str>) -> Self {
        let names =
            |list: &str| -> Vec<Named> { list.split(',').filter_map(|name| resolve(kind, name.trim())).collect() };
        let given = |list: Option<&'_ str>| list.is_some_and(|list| !list.trim().is_empty());
        let selection = match (attributes, excluded) {
            (Some(list), _) if given(attributes) => Selection::Only(names(list)),
            (_, Some(list)) if given(excluded) => Selection::Without(names(list)),
            _ => Selection::Everything,
        };
        Self { kind, selection }
    }

    /// Shows everything.
    pub fn everything(kind: &'static ResourceType) -> Self {
        Self { kind, selection: Selection::Everything }
    }

    /// Whether the client named attributes; a PATCH is then answered with a body (RFC 7644 §3.5.2).
    pub fn is_selective(&self) -> bool {
        self.selection != Selection::Everything
    }

    /// The part of a presented resource that was asked for; `schemas` lists what is left.
    pub fn apply(&self, resource: Value) -> Value {
        let Value::Object(resource) = resource else {
            return resource;
        };
        let mut shown = match &self.selection {
            Selection::Everything => return Value::Object(resource),
            Selection::Only(names) => self.only(names, &resource),
            Selection::Without(names) => self.without(names, resource),
        };
        list_schemas(self.kind, &mut shown);
        Value::Object(shown)
    }

    fn only(&self, names: &[Named], resource: &Map<String, Value>) -> Map<String, Value> {
        let mut shown: Map<String, Value> = resource
            .iter()
            .filter(|(name, _)| self.is_always_shown(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        for named in names {
            match named {
                Named::Extension(schema) => {
                    if let Some(value) = resource.get(schema.urn) {
                        shown.insert(schema.urn.to_owned(), value.clone());
                    }
                }
                Named::Attribute(path) => include(path, resource, &mut shown),
            }
        }
        shown
    }

    fn without(&self, names: &[Named], mut resource: Map<String, Value>) -> Map<String, Value> {
        for named in names {
            match named {
                Named::Extension(schema) => {
                    resource.remove(schema.urn);
                }
                Named::Attribute(path) if path.leaf().returned == Returned::Always => {}
                Named::Attribute(path) => exclude(path, &mut resource),
            }
        }
        resource
    }

    fn is_always_shown(&self, name: &str) -> bool {
        self.kind.attribute(name).is_some_and(|attribute| attribute.returned == Returned::Always)
    }
}

/// Copies what `path` names; parts of one attribute that are named one by one come together again.
fn include(path: &AttributePath, resource: &Map<String, Value>, shown: &mut Map<String, Value>) {
    let Some(value) = holder(path.extension, resource).and_then(|map| map.get(path.attribute.name)) else {
        return;
    };
    let part = match path.sub {
        Some(sub) => only_sub(value, sub.name),
        None => value.clone(),
    };
    let target = match path.extension {
        None => Some(shown),
        Some(extension) => shown.entry(extension.urn).or_insert_with(|| Value::Object(Map::new())).as_object_mut(),
    };
    if let Some(target) = target {
        merge(target.entry(path.attribute.name).or_insert(Value::Null), part);
    }
}

fn exclude(path: &AttributePath, resource: &mut Map<String, Value>) {
    let holder = match path.extension {
        None => Some(&mut *resource),
        Some(extension) => resource.get_mut(extension.urn).and_then(Value::as_object_mut),
    };
    let Some(holder) = holder else {
        return;
    };
    match (path.sub, holder.get_mut(path.attribute.name)) {
        (_, None) => {}
        (None, Some(_)) => {
            holder.remove(path.attribute.name);
        }
        (Some(sub), Some(Value::Array(elements))) => {
            for element in elements.iter_mut().filter_map(Value::as_object_mut) {
                element.remove(sub.name);
            }
        }
        (Some(sub), Some(value)) => {
            if let Some(members) = value.as_object_mut() {
                members.remove(sub.name);
            }
        }
    }
    if let Some(extension) = path.extension
        && holder.is_empty()
    {
        resource.remove(extension.urn);
    }
}

fn holder<'a>(extension: Option<&Schema>, resource: &'a Map<String, Value>) -> Option<&'a Map<String, Value>> {
    match extension {
        None => Some(resource),
        Some(extension) => resource.get(extension.urn)?.as_object(),
    }
}

/// `value`, or each of its elements, with one member left. Elements stay even when empty, so that they can
/// be merged by position.
fn only_sub(value: &Value, sub: &str) -> Value {
    match value {
        Value::Array(elements) => elements.iter().map(|element| only_sub(element, sub)).collect(),
        Value::Object(members) => {
            members.get_key_value(sub).map(|(name, value)| (name.clone(), value.clone())).into_iter().collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Value::Null,
    }
}

fn merge(into: &mut Value, part: Value) {
    match (into, part) {
        (Value::Array(elements), Value::Array(parts)) => {
            for (element, part) in elements.iter_mut().zip(parts) {
                merge(element, part);
            }
        }
        (Value::Object(members), Value::Object(parts)) => members.extend(parts),
        (into, part) => *into = part,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::USER_TYPE;

    const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn resource() -> Value {
        json!({"schemas": [CORE, ENTERPRISE], "id": "u1", "userName": "ana", "name": {"givenName": "Ana", "familyName": "Ruiz"},
               "emails": [{"value": "a@x", "type": "work"}, {"value": "b@x", "type": "home"}],
               ENTERPRISE: {"department": "R&D"}, "meta": {"version": "W/\"1\""}})
    }

    fn projected(attributes: Option<&str>, excluded: Option<&str>) -> Value {
        Projection::parse(&USER_TYPE, attributes, excluded).apply(resource())
    }

    #[test]
    fn only_what_was_asked_for_is_shown_and_always_the_id() {
        for (attributes, expected) in [
            ("userName", json!({"schemas": [CORE], "id": "u1", "userName": "ana"})),
            ("USERNAME, id", json!({"schemas": [CORE], "id": "u1", "userName": "ana"})),
            ("id", json!({"schemas": [CORE], "id": "u1"})),
            ("nonsense", json!({"schemas": [CORE], "id": "u1"})),
            ("title", json!({"schemas": [CORE], "id": "u1"})),
            ("name.givenName", json!({"schemas": [CORE], "id": "u1", "name": {"givenName": "Ana"}})),
            (
                "emails.value,emails.type,name",
                json!({"schemas": [CORE], "id": "u1", "name": {"givenName": "Ana", "familyName": "Ruiz"},
                       "emails": [{"value": "a@x", "type": "work"}, {"value": "b@x", "type": "home"}]}),
            ),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
                json!({"schemas": [CORE, ENTERPRISE], "id": "u1", ENTERPRISE: {"department": "R&D"}}),
            ),
            (ENTERPRISE, json!({"schemas": [CORE, ENTERPRISE], "id": "u1", ENTERPRISE: {"department": "R&D"}})),
        ] {
            assert_eq!(projected(Some(attributes), None), expected, "{attributes}");
        }
    }

    #[test]
    fn what_was_excluded_is_not_shown_but_the_id_stays() {
        let shown = projected(
            None,
            Some(
                "id,schemas,emails.type,meta,urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department,name",
            ),
        );
        assert_eq!(
            shown,
            json!({"schemas": [CORE], "id": "u1", "userName": "ana", "emails": [{"value": "a@x"}, {"value": "b@x"}]})
        );
        assert!(projected(None, Some(ENTERPRISE)).get(ENTERPRISE).is_none());
    }

    #[test]
    fn of_both_parameters_attributes_counts() {
        assert_eq!(
            projected(Some("userName"), Some("userName")),
            json!({"schemas": [CORE], "id": "u1", "userName": "ana"})
        );
    }

    #[test]
    fn empty_parameters_select_nothing_away() {
        assert_eq!(projected(Some(""), Some(" ")), resource());
        assert_eq!(projected(None, None), resource());
        assert!(!Projection::parse(&USER_TYPE, Some(""), None).is_selective());
        assert!(Projection::parse(&USER_TYPE, Some("id"), None).is_selective());
        assert_eq!(Projection::everything(&USER_TYPE).apply(resource()), resource());
    }
}
