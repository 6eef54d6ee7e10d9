//! The three discovery endpoints, made from the attribute table (RFC 7643 §5 to §7, RFC 7644 §4).
//!
//! They say what is served and nothing else.

use serde_json::{Map, Value, json};

use crate::error::ScimError;
use crate::list::{DEFAULT_PAGE, ListResponse, MAX_PAGE, Page};
use crate::schema::{Attribute, Mutability, ResourceType, Returned, Schema, Type, USER_TYPE, Uniqueness, urn};

/// What is served at `/ResourceTypes`.
const RESOURCE_TYPES: &[&ResourceType] = &[&USER_TYPE];

/// The body of `/ServiceProviderConfig`.
pub fn service_provider_config(base_url: &str) -> Value {
    json!({
        "schemas": [urn::SERVICE_PROVIDER_CONFIG],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": MAX_PAGE},
        "changePassword": {"supported": false},
        "sort": {"supported": false},
        "etag": {"supported": true},
        "pagination": {
            "cursor": false,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": DEFAULT_PAGE,
            "maxPageSize": MAX_PAGE,
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "The directory's token in the Authorization header, as RFC 6750 says.",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": meta("ServiceProviderConfig", base_url, "/ServiceProviderConfig"),
    })
}

/// The body of `/ResourceTypes`.
pub fn resource_types(base_url: &str) -> ListResponse {
    whole(RESOURCE_TYPES.iter().map(|kind| describe_type(kind, base_url)).collect())
}

/// The body of `/ResourceTypes/{id}`; 404 if there is none.
pub fn resource_type(base_url: &str, id: &str) -> Result<Value, ScimError> {
    RESOURCE_TYPES
        .iter()
        .find(|kind| kind.name == id)
        .map(|kind| describe_type(kind, base_url))
        .ok_or_else(|| ScimError::not_found("Resource type", id))
}

/// The body of `/Schemas`.
pub fn schemas(base_url: &str) -> ListResponse {
    whole(all_schemas().map(|schema| describe_schema(schema, base_url)).collect())
}

/// The body of `/Schemas/{urn}`; 404 if there is none.
pub fn schema(base_url: &str, id: &str) -> Result<Value, ScimError> {
    all_schemas()
        .find(|schema| schema.urn.eq_ignore_ascii_case(id))
        .map(|schema| describe_schema(schema, base_url))
        .ok_or_else(|| ScimError::not_found("Schema", id))
}

/// 403 if the request carries a filter, which discovery does not take (RFC 7644 §4).
pub fn refuse_filter(parameters: &[(String, String)]) -> Result<(), ScimError> {
    if parameters.iter().any(|(name, _)| name.eq_ignore_ascii_case("filter")) {
        return Err(ScimError::new(403, "Discovery documents cannot be filtered. Leave out the parameter `filter`."));
    }
    Ok(())
}

fn all_schemas() -> impl Iterator<Item = &'static Schema> {
    RESOURCE_TYPES.iter().flat_map(|kind| std::iter::once(kind.schema).chain(kind.extensions.iter().copied()))
}

/// A list that is shown whole.
fn whole(resources: Vec<Value>) -> ListResponse {
    let page = Page { start_index: 1, count: MAX_PAGE };
    let total = u64::try_from(resources.len()).unwrap_or(u64::MAX);
    ListResponse::new(page, total, resources)
}

fn meta(resource_type: &str, base_url: &str, path: &str) -> Value {
    json!({"resourceType": resource_type, "location": format!("{base_url}{path}")})
}

fn describe_type(kind: &ResourceType, base_url: &str) -> Value {
    let extensions: Vec<Value> =
        kind.extensions.iter().map(|extension| json!({"schema": extension.urn, "required": false})).collect();
    json!({
        "schemas": [urn::RESOURCE_TYPE],
        "id": kind.name,
        "name": kind.name,
        "description": kind.description,
        "endpoint": kind.endpoint,
        "schema": kind.schema.urn,
        "schemaExtensions": extensions,
        "meta": meta("ResourceType", base_url, &format!("/ResourceTypes/{}", kind.name)),
    })
}

fn describe_schema(schema: &Schema, base_url: &str) -> Value {
    json!({
        "schemas": [urn::SCHEMA],
        "id": schema.urn,
        "name": schema.name,
        "description": schema.description,
        "attributes": describe_all(schema.attributes),
        "meta": meta("Schema", base_url, &format!("/Schemas/{}", schema.urn)),
    })
}

fn describe_all(attributes: &[Attribute]) -> Vec<Value> {
    attributes.iter().map(describe).collect()
}

fn describe(attribute: &Attribute) -> Value {
    let mut described = Map::from_iter([
        ("name".to_owned(), attribute.name.into()),
        ("type".to_owned(), type_name(attribute.kind).into()),
        ("multiValued".to_owned(), attribute.multi_valued.into()),
        ("description".to_owned(), attribute.description.into()),
        ("required".to_owned(), attribute.required.into()),
        ("caseExact".to_owned(), attribute.case_exact.into()),
        ("mutability".to_owned(), mutability_name(attribute.mutability).into()),
        ("returned".to_owned(), returned_name(attribute.returned).into()),
        ("uniqueness".to_owned(), uniqueness_name(attribute.uniqueness).into()),
    ]);
    if !attribute.canonical_values.is_empty() {
        described.insert("canonicalValues".to_owned(), json!(attribute.canonical_values));
    }
    if !attribute.reference_types.is_empty() {
        described.insert("referenceTypes".to_owned(), json!(attribute.reference_types));
    }
    if !attribute.sub_attributes.is_empty() {
        let parts = describe_all(attribute.sub_attributes);
        described.insert("subAttributes".to_owned(), Value::Array(parts));
    }
    Value::Object(described)
}

fn type_name(kind: Type) -> &'static str {
    match kind {
        Type::String => "string",
        Type::Boolean => "boolean",
        Type::DateTime => "dateTime",
        Type::Reference => "reference",
        Type::Binary => "binary",
        Type::Complex => "complex",
    }
}

fn mutability_name(mutability: Mutability) -> &'static str {
    match mutability {
        Mutability::ReadOnly => "readOnly",
        Mutability::ReadWrite => "readWrite",
        Mutability::WriteOnly => "writeOnly",
    }
}

fn returned_name(returned: Returned) -> &'static str {
    match returned {
        Returned::Always => "always",
        Returned::Never => "never",
        Returned::Default => "default",
    }
}

fn uniqueness_name(uniqueness: Uniqueness) -> &'static str {
    match uniqueness {
        Uniqueness::None => "none",
        Uniqueness::Server => "server",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://id.example/scim/v2";

    fn value(list: ListResponse) -> Value {
        serde_json::to_value(list).unwrap()
    }

    #[test]
    fn the_configuration_says_what_is_served() {
        let config = service_provider_config(BASE);
        for (feature, supported) in [
            ("patch", true),
            ("filter", true),
            ("etag", true),
            ("bulk", false),
            ("sort", false),
            ("changePassword", false),
        ] {
            assert_eq!(config[feature]["supported"], json!(supported), "{feature}");
        }
        assert_eq!(config["filter"]["maxResults"], 200);
        assert!(config["bulk"]["maxOperations"].is_u64() && config["bulk"]["maxPayloadSize"].is_u64());
        let scheme = &config["authenticationSchemes"][0];
        assert!(["type", "name", "description"].iter().all(|name| scheme[name].is_string()));
        assert_eq!(config["meta"]["location"], format!("{BASE}/ServiceProviderConfig"));
    }

    #[test]
    fn resource_types_are_listed_and_found_by_id() {
        let list = value(resource_types(BASE));
        assert_eq!(list["totalResults"], 1);
        assert_eq!(list["Resources"][0], resource_type(BASE, "User").unwrap());
        assert_eq!(list["Resources"][0]["endpoint"], "/Users");
        assert_eq!(list["Resources"][0]["schemaExtensions"][0]["schema"], urn::ENTERPRISE_USER);
        assert_eq!(resource_type(BASE, "Group").unwrap_err().status, 404);
    }

    #[test]
    fn schemas_are_listed_and_found_by_urn() {
        let list = value(schemas(BASE));
        assert_eq!(list["totalResults"], 2);
        for found in list["Resources"].as_array().unwrap() {
            let id = found["id"].as_str().unwrap();
            assert_eq!(&schema(BASE, id).unwrap(), found);
            assert_eq!(found["meta"]["location"], format!("{BASE}/Schemas/{id}"));
        }
        assert_eq!(schema(BASE, "urn:nonsense").unwrap_err().status, 404);
    }

    #[test]
    fn every_attribute_has_all_its_characteristics_and_no_null() {
        fn check(attributes: &Value) {
            for attribute in attributes.as_array().unwrap() {
                for name in ["name", "type", "description", "mutability", "returned", "uniqueness"] {
                    assert!(attribute[name].as_str().is_some_and(|text| !text.is_empty()), "{attribute}");
                }
                for name in ["multiValued", "required", "caseExact"] {
                    assert!(attribute[name].is_boolean(), "{attribute}");
                }
                assert_eq!(attribute["type"] == "complex", attribute.get("subAttributes").is_some());
                assert!(attribute.as_object().unwrap().values().all(|value| !value.is_null()));
                if let Some(parts) = attribute.get("subAttributes") {
                    check(parts);
                }
            }
        }
        for schema in value(schemas(BASE))["Resources"].as_array().unwrap() {
            check(&schema["attributes"]);
        }
    }

    #[test]
    fn the_user_schema_lists_external_id_and_hides_the_password() {
        let user = schema(BASE, urn::USER).unwrap();
        let find = |name: &str| {
            let attributes = user["attributes"].as_array().unwrap();
            attributes.iter().find(|attribute| attribute["name"] == name).cloned().unwrap()
        };
        assert_eq!(find("externalId")["caseExact"], true);
        assert_eq!((&find("userName")["required"], &find("userName")["uniqueness"]), (&json!(true), &json!("server")));
        assert_eq!(
            (&find("password")["mutability"], &find("password")["returned"]),
            (&json!("writeOnly"), &json!("never"))
        );
        assert_eq!(find("groups")["mutability"], "readOnly");
    }

    #[test]
    fn a_filter_is_refused() {
        let filter = [("Filter".to_owned(), "id pr".to_owned())];
        assert_eq!(refuse_filter(&filter).unwrap_err().status, 403);
        assert!(refuse_filter(&[("count".to_owned(), "1".to_owned())]).is_ok());
    }
}
