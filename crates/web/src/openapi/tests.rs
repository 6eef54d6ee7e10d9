use serde_json::{Map, Value};

use super::*;
use crate::api;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
/// What is sent with no body, because the address says it all.
const WITHOUT_BODY: [&str; 12] = [
    "/api/v1/me/leave",
    "/api/v1/users/{id}/logout",
    "/api/v1/me/sessions/end-others",
    "/api/v1/me/keys/{id}/end-grace",
    "/api/v1/orgs/{org}/service-keys/{id}/end-grace",
    "/api/v1/orgs/{org}/service-keys/{id}/revoke",
    "/api/v1/orgs/{org}/users/{user}/keys/{id}/revoke",
    "/api/v1/orgs/{org}/rules/preview",
    "/api/v1/orgs/{org}/users/{user}/deactivate",
    "/api/v1/orgs/{org}/users/{user}/reactivate",
    "/api/v1/orgs/{org}/invitations/{invitation}/owner",
    "/api/v1/orgs/{org}/invitations/{invitation}/resend",
];

fn document() -> Value {
    serde_json::to_value(&*with_document(api::routes()).1).unwrap()
}

/// Each operation: its path, its method, itself.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, item)| {
        METHODS.into_iter().filter_map(move |method| Some((path.as_str(), method, item.get(method)?)))
    });
    all.collect()
}

fn is_resolved(document: &Value, schema: &Value) -> bool {
    let reference = schema["$ref"].as_str();
    let found = reference.and_then(|reference| document.pointer(reference.strip_prefix('#')?));
    if reference.is_some() { found.is_some() } else { schema.as_object().is_some_and(|schema| !schema.is_empty()) }
}

/// Every value under a key named `$ref`.
fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("$ref").and_then(Value::as_str));
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_operation_says_what_it_does_takes_and_answers() {
    let document = document();
    let operations = operations(&document);
    assert!(operations.len() > 14, "{}", operations.len());
    for (path, method, operation) in operations {
        let name = format!("{method} {path}");
        assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 8), "{name} has no summary");
        let answers = operation["responses"].as_object().unwrap();
        let (good, bad): (Map<_, _>, Map<_, _>) =
            answers.clone().into_iter().partition(|(status, _)| status.starts_with('2'));
        assert_eq!(good.len(), 1, "{name}");
        for (status, answer) in good {
            // What goes on is said piece by piece.
            let kind = if path.ends_with("/feed") { "text/event-stream" } else { "application/json" };
            let schema = &answer["content"][kind]["schema"];
            // Nothing is said of what is gone, nor of what somebody reports.
            assert!(
                ["202", "204"].contains(&status.as_str()) || is_resolved(&document, schema),
                "{name}: {status} has no shape"
            );
        }
        assert!(["401", "503", "default"].iter().all(|status| bad.contains_key(*status)), "{name}: {bad:?}");
        for (status, answer) in bad {
            let schema = &answer["content"]["application/problem+json"]["schema"];
            assert_eq!(schema["$ref"], "#/components/schemas/Problem", "{name}: {status}");
            assert!(answer["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}: {status}");
        }
        if ["post", "put", "patch"].contains(&method) && !WITHOUT_BODY.contains(&path) {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            assert!(is_resolved(&document, schema), "{name} does not say what it takes");
        }
    }
}

#[test]
fn every_part_of_an_address_is_a_parameter() {
    let document = document();
    for (path, method, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let mut named: Vec<_> = parameters.iter().map(|parameter| (&parameter["in"], &parameter["name"])).collect();
        let count = named.len();
        named.dedup();
        assert_eq!(named.len(), count, "{method} {path} names a parameter twice");
        for part in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            let is_there = named.iter().any(|(place, name)| *place == "path" && *name == part);
            assert!(is_there, "{method} {path}: {part}");
        }
    }
}

#[test]
fn every_reference_is_found_and_every_shape_is_used() {
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 40, "{found:?}");
    for reference in &found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(found.contains(&format!("#/components/schemas/{name}").as_str()), "{name} is not used");
    }
}
