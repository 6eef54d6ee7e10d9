mod generated;
mod lists;

use serde_json::json;

use super::*;
use crate::error::ScimType;
use crate::filter::MAX_FILTER;
use crate::present::present;
use crate::schema::urn;

const ENTERPRISE: &str = urn::ENTERPRISE_USER;

fn meta() -> Meta {
    Meta { id: "u1".into(), created_us: 0, modified_us: 0, version: 1, base_url: "https://id.example/scim/v2".into() }
}

fn user_of(rest: Value) -> User {
    let mut body = rest.as_object().cloned().unwrap();
    body.insert("schemas".into(), json!([urn::USER]));
    body.entry("userName").or_insert(json!("ana@acme.test"));
    User::create(body).unwrap().user
}

fn full() -> User {
    user_of(
        json!({"externalId": "e1", "displayName": "Ana Ruiz", "name": {"givenName": "Ana", "familyName": "Ruiz"}, "active": true,
        "emails": [{"value": "ana@acme.test", "type": "work", "primary": true}, {"value": "a@home.test", "type": "home"}],
        ENTERPRISE: {"department": "R&D", "manager": {"value": "m1", "$ref": "../Users/m1"}}}),
    )
}

fn patch(user: &User, operations: Value) -> Result<Patched, ScimError> {
    let body = json!({"schemas": [urn::PATCH_OP], "Operations": operations});
    Patch::parse(&USER_TYPE, body.as_object().cloned().unwrap())?.apply(user, &meta())
}

fn patched(user: &User, operations: Value) -> Patched {
    patch(user, operations.clone()).unwrap_or_else(|error| panic!("{operations}: {error}"))
}

/// The attribute at a JSON pointer after the operations, none of which may be remarked.
fn after(user: &User, operations: Value, pointer: &str) -> Option<Value> {
    let patched = patched(user, operations);
    assert_eq!(patched.remarks, Vec::<String>::new());
    Value::Object(patched.user.attributes().clone()).pointer(pointer).cloned()
}

#[test]
fn every_dialect_deactivates_and_reactivates() {
    for operation in [
        json!({"op": "replace", "value": {"active": false}}),         // Okta
        json!({"op": "Replace", "path": "active", "value": "False"}), // Entra ID
        json!({"op": "Add", "path": "active", "value": "False"}),     // Entra ID, seen
        json!({"op": "replace", "path": "active", "value": false}),   // RFC
        json!({"op": "REPLACE", "path": "ACTIVE", "value": "false"}),
        json!({"Op": "replace", "Path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "Value": false}),
        json!({"op": "replace", "path": null, "value": {"ActiVe": "FALSE"}}),
    ] {
        let done = patched(&full(), json!([operation]));
        assert_eq!((done.user.active(), done.changed, done.remarks.len()), (Some(false), true, 0), "{operation}");
        let again = patched(&done.user, json!([operation]));
        assert!(!again.changed, "{operation}");
    }
    let inactive = user_of(json!({"active": false}));
    assert_eq!(
        after(&inactive, json!([{"op": "Replace", "path": "active", "value": "True"}]), "/active"),
        Some(json!(true))
    );
}

#[test]
fn removing_active_says_nothing_about_access() {
    let inactive = user_of(json!({"active": false}));
    assert_eq!(patched(&inactive, json!([{"op": "remove", "path": "active"}])).user.active(), None);
}

#[test]
fn what_entra_id_sends_by_default() {
    let operations = json!([
        {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "n@acme.test"},
        {"op": "Replace", "path": "name.givenName", "value": "An"},
        {"op": "Add", "path": "addresses[type eq \"work\"].streetAddress", "value": "Main 1"},
        {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+34 600"},
        {"op": "Add", "path": "roles[primary eq \"True\"].value", "value": "Admin"},
        {"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "Sales"}
    ]);
    let done = patched(&full(), operations);
    assert_eq!(
        Value::Object(done.user.attributes().clone()),
        json!({"userName": "ana@acme.test", "externalId": "e1", "displayName": "Ana Ruiz", "active": true,
            "name": {"givenName": "An", "familyName": "Ruiz"},
            "emails": [{"value": "n@acme.test", "type": "work", "primary": true}, {"value": "a@home.test", "type": "home"}],
            "addresses": [{"type": "work", "streetAddress": "Main 1"}], "phoneNumbers": [{"type": "mobile", "value": "+34 600"}],
            "roles": [{"primary": true, "value": "Admin"}],
            ENTERPRISE: {"department": "Sales", "manager": {"value": "m1", "$ref": "../Users/m1"}}})
    );
}

#[test]
fn what_entra_id_sends_with_the_compliance_flag() {
    let done = patched(
        &full(),
        json!([
            {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "n@acme.test"},
            {"op": "replace", "value": {"displayName": "A", "name.givenName": "An",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber": "7"}}
        ]),
    );
    assert_eq!(
        (done.user.display_name(), done.user.given_name(), done.user.family_name()),
        (Some("A"), Some("An"), Some("Ruiz"))
    );
    assert_eq!((done.user.enterprise("employeeNumber"), done.user.enterprise("department")), (Some("7"), Some("R&D")));
    assert_eq!(done.user.primary_email(), Some("n@acme.test"));
}

#[test]
fn a_manager_comes_and_goes_in_every_form() {
    let pointer = "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/manager";
    let long = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
    let old = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.manager";
    for path in [long, old, "manager"] {
        for value in [json!("m2"), json!({"value": "m2"}), json!([{"$ref": null, "value": "m2"}])] {
            for op in ["Add", "Replace"] {
                let operations = json!([{"op": op, "path": path, "value": value}]);
                assert_eq!(after(&full(), operations.clone(), pointer), Some(json!({"value": "m2"})), "{operations}");
                assert_eq!(after(&user_of(json!({})), operations, pointer), Some(json!({"value": "m2"})));
            }
        }
        let with_url = json!([{"op": "Add", "path": path, "value": [{"$ref": "../Users/m2", "value": "m2"}]}]);
        assert_eq!(after(&full(), with_url, pointer), Some(json!({"value": "m2", "$ref": "../Users/m2"})));
        for gone in [
            json!([{"op": "Replace", "path": path, "value": ""}]),
            json!([{"op": "Remove", "path": path}]),
            json!([{"op": "Replace", "path": path, "value": null}]),
            json!([{"op": "Replace", "path": format!("{path}.value"), "value": ""}]),
        ] {
            assert_eq!(after(&full(), gone, pointer), None);
        }
    }
    // The extension vanishes with its last attribute.
    let only = user_of(json!({ENTERPRISE: {"manager": "m1"}}));
    let gone = patched(&only, json!([{"op": "Replace", "path": "manager", "value": ""}])).user;
    assert_eq!(present(&gone, &meta())["schemas"], json!([urn::USER]));
}

#[test]
fn an_extension_is_written_and_removed_as_a_whole() {
    let pointer = format!("/{ENTERPRISE}");
    for operation in [
        json!({"op": "add", "path": ENTERPRISE, "value": {"division": "D"}}),
        json!({"op": "replace", "value": {ENTERPRISE: {"division": "D"}}}),
    ] {
        let expected = json!({"department": "R&D", "division": "D", "manager": {"value": "m1", "$ref": "../Users/m1"}});
        assert_eq!(after(&full(), json!([operation]), &pointer), Some(expected));
    }
    assert_eq!(after(&full(), json!([{"op": "remove", "path": ENTERPRISE}]), &pointer), None);
    assert_eq!(after(&full(), json!([{"op": "replace", "value": {ENTERPRISE: null}}]), &pointer), None);
    let unknown = patched(&full(), json!([{"op": "add", "value": {ENTERPRISE: {"shoeSize": 38}}}]));
    assert_eq!((unknown.changed, unknown.remarks.len()), (false, 1));
}

#[test]
fn read_only_attributes_may_be_repeated_but_not_changed() {
    for same in [
        json!({"id": "u1", "displayName": "X"}),
        json!({"ID": "u1"}),
        json!({"meta": {"resourceType": "User"}}),
        json!({"groups": []}),
        json!({"groups": null}),
        json!({"schemas": [urn::USER]}),
    ] {
        assert_eq!(patched(&full(), json!([{"op": "replace", "value": same}])).remarks.len(), 0);
    }
    assert!(patch(&full(), json!([{"op": "replace", "path": "meta.version", "value": "W/\"1\""}])).is_ok());
    for operation in [
        json!({"op": "replace", "value": {"id": "u2"}}),
        json!({"op": "replace", "path": "id", "value": "u2"}),
        json!({"op": "add", "path": "groups", "value": [{"value": "g1"}]}),
        json!({"op": "replace", "path": "groups[value eq \"g1\"].display", "value": "x"}),
        json!({"op": "replace", "path": "groups[value eq \"g1\"].display", "value": null}),
        json!({"op": "replace", "path": "meta.version", "value": "W/\"2\""}),
        json!({"op": "replace", "value": {"meta": {"version": "W/\"2\""}}}),
        json!({"op": "replace", "path": "id", "value": null}),
        json!({"op": "replace", "path": "manager.displayName", "value": "Boss"}),
        json!({"op": "remove", "path": "id"}),
        json!({"op": "remove", "path": "meta"}),
        json!({"op": "remove", "path": "schemas"}),
        json!({"op": "remove", "path": "groups"}),
        json!({"op": "remove", "path": "userName"}),
    ] {
        let error = patch(&full(), json!([operation])).unwrap_err();
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::Mutability)), "{operation}");
    }
}

#[test]
fn a_password_is_accepted_and_not_kept() {
    for operation in [
        json!({"op": "replace", "value": {"password": "S3cret!"}}),
        json!({"op": "replace", "path": "password", "value": "S3cret!"}),
        json!({"op": "remove", "path": "password"}),
    ] {
        let done = patched(&full(), json!([operation]));
        assert_eq!((done.changed, done.remarks.len()), (false, 0));
    }
}

#[test]
fn adding_merges_appends_and_leaves_what_is_there() {
    let user = full();
    for unchanged in [
        json!({"op": "add", "path": "displayName", "value": "Ana Ruiz"}),
        json!({"op": "add", "path": "emails", "value": [{"value": "ANA@acme.test", "type": "work"}]}),
        json!({"op": "add", "path": "emails", "value": []}),
        json!({"op": "add", "path": "title", "value": null}),
        json!({"op": "add", "path": "name", "value": {"givenName": "Ana", "familyName": null}}),
        json!({"op": "add", "path": "emails[type eq \"work\"].value", "value": "ana@acme.test"}),
        json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": {"value": "ana@acme.test", "primary": true}}),
    ] {
        assert!(!patched(&user, json!([unchanged])).changed, "{unchanged}");
    }
    assert_eq!(
        after(&user, json!([{"op": "add", "path": "name", "value": {"middleName": "M"}}]), "/name"),
        Some(json!({"givenName": "Ana", "familyName": "Ruiz", "middleName": "M"}))
    );
    let twice =
        json!([{"op": "add", "path": "emails", "value": [{"value": "x@y"}, {"value": "x@y"}, {"value": "z@y"}]}]);
    assert_eq!(patched(&user, twice).user.emails().len(), 4);
}

#[test]
fn replacing_merges_an_object_and_exchanges_a_list() {
    assert_eq!(
        after(
            &full(),
            json!([{"op": "replace", "path": "name", "value": {"familyName": "R", "givenName": null}}]),
            "/name"
        ),
        Some(json!({"familyName": "R"}))
    );
    assert_eq!(
        after(&full(), json!([{"op": "replace", "path": "emails", "value": [{"value": "x@y"}]}]), "/emails"),
        Some(json!([{"value": "x@y"}]))
    );
    assert_eq!(after(&full(), json!([{"op": "replace", "path": "emails", "value": []}]), "/emails"), None);
    assert_eq!(
        after(
            &full(),
            json!([{"op": "replace", "path": "emails[type eq \"home\"]", "value": {"value": "x@y"}}]),
            "/emails/1"
        ),
        Some(json!({"type": "home", "value": "x@y"}))
    );
    assert_eq!(
        after(
            &full(),
            json!([{"op": "replace", "path": "emails[type eq \"work\"]", "value": {"value": "x@y"}}]),
            "/emails/0"
        ),
        Some(json!({"type": "work", "value": "x@y"})),
        "what the new element does not have, such as the primary mark, is gone"
    );
    assert_eq!(
        after(&full(), json!([{"op": "replace", "path": "emails.type", "value": "other"}]), "/emails"),
        Some(
            json!([{"value": "ana@acme.test", "type": "other", "primary": true}, {"value": "a@home.test", "type": "other"}])
        )
    );
}

#[test]
fn what_is_unknown_is_refused_as_path_and_ignored_as_attribute() {
    let error = patch(&full(), json!([{"op": "replace", "path": "shoeSize", "value": 38}])).unwrap_err();
    assert_eq!(error.scim_type, Some(ScimType::InvalidPath));
    assert!(error.detail.starts_with("Operation 1: "));
    let done = patched(
        &full(),
        json!([{"op": "replace", "value": {"shoeSize": 38, "urn:x:y": {"a": 1}, "name": {"nick": "x"}, "active": false}}]),
    );
    assert_eq!(done.user.active(), Some(false));
    assert_eq!(
        done.remarks,
        [
            "attribute `shoeSize` is not known and was ignored",
            "attribute `urn:x:y` is not known and was ignored",
            "attribute `name.nick` is not known and was ignored"
        ]
    );
}

fn assert_refused(rows: Vec<(Value, ScimType, &str)>) {
    for (operations, scim_type, needle) in rows {
        let error = patch(&full(), operations.clone()).unwrap_err();
        assert_eq!((error.status, error.scim_type), (400, Some(scim_type)), "{operations}");
        assert!(error.detail.contains(needle), "{operations}: {}", error.detail);
    }
}

#[test]
fn malformed_operations_are_refused() {
    let deep = format!("emails[{}type pr{}]", "(".repeat(900), ")".repeat(900));
    assert_refused(vec![
        (json!([]), ScimType::InvalidSyntax, "one or more"),
        (json!({"op": "replace"}), ScimType::InvalidSyntax, "must be an array"),
        (json!(["x"]), ScimType::InvalidSyntax, "Operation 1: an operation must be"),
        (json!([{"path": "active", "value": false}]), ScimType::InvalidSyntax, "`op` is ``"),
        (
            json!([{"op": "active", "path": "active", "value": false}, {}]),
            ScimType::InvalidSyntax,
            "Operation 1: `op` is `active`",
        ),
        (
            json!([{"op": "add", "path": "title", "value": "x"}, {"op": 5}]),
            ScimType::InvalidSyntax,
            "Operation 2: `op`",
        ),
        (json!([{"op": "add", "OP": "remove", "path": "title"}]), ScimType::InvalidSyntax, "given twice"),
        (
            json!([{"op": "replace", "value": {"active": true, "Active": false}}]),
            ScimType::InvalidSyntax,
            "`active` is given twice",
        ),
        (json!([{"op": "remove"}]), ScimType::NoTarget, "needs a `path`"),
        (json!([{"op": "remove", "value": {"active": true}}]), ScimType::NoTarget, "needs a `path`"),
        (json!([{"op": "replace", "path": 5, "value": 1}]), ScimType::InvalidPath, "must be a string"),
        (json!([{"op": "replace", "path": "", "value": "x"}]), ScimType::InvalidPath, "character 1"),
        (json!([{"op": "remove", "path": "emails[type eq"}]), ScimType::InvalidPath, "character 15"),
        (json!([{"op": "remove", "path": deep}]), ScimType::InvalidPath, "levels of nesting"),
        (json!([{"op": "remove", "path": "x".repeat(MAX_FILTER + 1)}]), ScimType::InvalidPath, "longer than"),
    ]);
    let many = Value::Array(vec![json!({"op": "remove", "path": "title"}); MAX_OPERATIONS + 1]);
    assert_eq!(patch(&full(), many).unwrap_err().status, 413);
}

#[test]
fn values_that_do_not_fit_are_refused() {
    assert_refused(vec![
        (json!([{"op": "replace", "path": "active"}]), ScimType::InvalidValue, "`value` is missing"),
        (json!([{"op": "replace", "value": "x"}]), ScimType::InvalidValue, "must be a JSON object"),
        (json!([{"op": "replace"}]), ScimType::InvalidValue, "`value` is missing"),
        (
            json!([{"op": "replace", "path": "active", "value": "maybe"}]),
            ScimType::InvalidValue,
            "`active` must be true or false",
        ),
        (json!([{"op": "replace", "path": "userName", "value": ""}]), ScimType::InvalidValue, "`userName` is required"),
        (
            json!([{"op": "replace", "path": "userName", "value": null}]),
            ScimType::InvalidValue,
            "`userName` is required",
        ),
        (json!([{"op": "replace", "path": "title", "value": "a\u{0}"}]), ScimType::InvalidValue, "U+0000"),
        (
            json!([{"op": "replace", "path": "title", "value": {"a": 1}}]),
            ScimType::InvalidValue,
            "`title` must be a string",
        ),
        (
            json!([{"op": "replace", "path": "name", "value": "Ana"}]),
            ScimType::InvalidValue,
            "`name` must be a JSON object",
        ),
    ]);
}

#[test]
fn the_message_names_its_schema() {
    let read = |body: Value| Patch::parse(&USER_TYPE, body.as_object().cloned().unwrap());
    let operations = json!([{"op": "remove", "path": "title"}]);
    for schemas in [json!([urn::USER]), json!([]), json!(null)] {
        let error = read(json!({"schemas": schemas, "Operations": operations})).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
        assert!(error.detail.contains(urn::PATCH_OP));
    }
    assert!(read(json!({"Operations": operations})).is_err());
    assert!(read(json!({"schemas": [urn::PATCH_OP.to_lowercase()], "operations": operations})).is_ok());
}
