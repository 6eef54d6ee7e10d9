//! The shapes of the document: a JSON schema (2020-12, as far as we write it) in words.

use serde_json::Value;
use utoipa::openapi::OpenApi;

use crate::console::docs::{Field, Kind, Shape};

/// Every shape that has a name.
pub(super) fn all(document: &OpenApi) -> Vec<Shape> {
    let schemas = document.components.iter().flat_map(|components| &components.schemas);
    let named = schemas.filter_map(|(name, schema)| Some((name.clone(), serde_json::to_value(schema).ok()?)));
    named.map(|(name, schema)| shape(name, &schema)).collect()
}

fn shape(name: String, schema: &Value) -> Shape {
    let mut fields = Vec::new();
    collect(schema, &mut fields);
    Shape { name, text: text(schema), kind: kind(schema), fields }
}

/// The fields of an object, and of each part of one that is put together from several.
fn collect(schema: &Value, fields: &mut Vec<Field>) {
    for part in list(schema, "allOf") {
        match part.get("$ref") {
            // Its own fields stand where it is described.
            Some(_) => fields.push(Field {
                name: "…".to_owned(),
                kind: kind(part),
                optional: false,
                text: "All of it, and:".to_owned(),
            }),
            None => collect(part, fields),
        }
    }
    for (name, schema_of) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let optional = !list(schema, "required").any(|required| required == name);
        fields.push(Field { name: name.clone(), kind: kind(schema_of), optional, text: text(schema_of) });
    }
}

/// What a value looks like.
pub(super) fn kind(schema: &Value) -> Kind {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        return Kind { words: String::new(), shape: reference.rsplit('/').next().map(str::to_owned) };
    }
    let choices: Vec<Kind> = ["oneOf", "anyOf"].into_iter().flat_map(|key| list(schema, key)).map(kind).collect();
    if !choices.is_empty() {
        return either(choices);
    }
    if let Some(items) = schema.get("items") {
        let inner = kind(items);
        return Kind { words: format!("list of {}", inner.words).trim_end().to_owned(), shape: inner.shape };
    }
    let values: Vec<String> =
        list(schema, "enum").filter_map(Value::as_str).map(|value| format!("`{value}`")).collect();
    if !values.is_empty() {
        return Kind { words: values.join(", "), shape: None };
    }
    Kind { words: word(schema), shape: None }
}

/// One of several; null comes last and a shape at the very end, where its name is a link.
fn either(mut choices: Vec<Kind>) -> Kind {
    choices.sort_by_key(|choice| (choice.shape.is_some(), choice.words == "null"));
    let shape = choices.iter_mut().find_map(|choice| choice.shape.take());
    let mut words: Vec<_> = choices.into_iter().map(|choice| choice.words).filter(|words| !words.is_empty()).collect();
    if shape.is_some() {
        words.push(String::new());
    }
    Kind { words: words.join(" or ").trim_end().to_owned(), shape }
}

/// The word for a plain type.
fn word(schema: &Value) -> String {
    let is_time = schema.get("format").is_some_and(|format| format == "date-time");
    let name = |kind: &str| if kind == "string" && is_time { "time (RFC 3339)".to_owned() } else { kind.to_owned() };
    match schema.get("type") {
        Some(Value::String(kind)) => name(kind),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).map(name).collect::<Vec<_>>().join(" or "),
        _ => "any value".to_owned(),
    }
}

fn text(schema: &Value) -> String {
    schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'v>(schema: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    schema.get(key).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_is_told_in_words() {
        let reference = json!({"$ref": "#/components/schemas/Key"});
        for (schema, words, shape) in [
            (json!({"type": "string"}), "string", None),
            (json!({"type": ["string", "null"], "format": "date-time"}), "time (RFC 3339) or null", None),
            (json!({"type": "array", "items": {"type": "integer", "format": "int64"}}), "list of integer", None),
            (json!({"type": "string", "enum": ["active", "revoked"]}), "`active`, `revoked`", None),
            (reference.clone(), "", Some("Key")),
            (json!({"type": "array", "items": reference}), "list of", Some("Key")),
            (json!({"oneOf": [reference, {"type": "null"}]}), "null or", Some("Key")),
            (json!({}), "any value", None),
        ] {
            assert_eq!(kind(&schema), Kind { words: words.to_owned(), shape: shape.map(str::to_owned) }, "{schema}");
        }
    }

    #[test]
    fn what_is_put_together_shows_all_its_parts() {
        let schema = json!({"allOf": [{"$ref": "#/components/schemas/Key"},
            {"type": "object", "required": ["secret"], "properties": {"secret": {"type": "string"}, "note": {"type": "string"}}}]});
        let shape = shape("KeyWithSecret".to_owned(), &schema);
        let fields: Vec<_> = shape.fields.iter().map(|field| (field.name.as_str(), field.optional)).collect();
        assert_eq!(fields, [("…", false), ("note", true), ("secret", false)]);
    }
}
