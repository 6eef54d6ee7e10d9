use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::error::ScimType;
use crate::present::{Meta, present};
use crate::resource::{Email, MAX_KEY};

const ENTERPRISE: &str = urn::ENTERPRISE_USER;

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn created(value: Value) -> Accepted {
    User::create(object(value)).unwrap_or_else(|error| panic!("{error}"))
}

fn attributes(value: Value) -> Value {
    Value::Object(created(value).user.attributes().clone())
}

fn refused(value: Value) -> ScimError {
    User::create(object(value)).unwrap_err()
}

#[test]
fn the_user_that_okta_posts() {
    let accepted = created(json!({"schemas": [urn::USER], "userName": "ana@acme.test",
        "name": {"givenName": "Ana", "familyName": "Ruiz"},
        "emails": [{"primary": true, "value": "ana@acme.test", "type": "work"}], "displayName": "Ana Ruiz", "locale": "en-US",
        "externalId": "00uAAA1", "groups": [], "password": "k3x-placeholder", "active": true}));
    let user = &accepted.user;
    assert_eq!(accepted.remarks, Vec::<String>::new());
    assert_eq!((user.user_name(), user.external_id(), user.active()), ("ana@acme.test", Some("00uAAA1"), Some(true)));
    assert_eq!(
        (user.display_name(), user.given_name(), user.family_name(), user.formatted_name()),
        (Some("Ana Ruiz"), Some("Ana"), Some("Ruiz"), None)
    );
    assert_eq!(user.emails(), [Email { value: "ana@acme.test", kind: Some("work"), primary: true }]);
    assert_eq!(user.primary_email(), Some("ana@acme.test"));
    assert!(!serde_json::to_string(user).unwrap().contains("k3x"));
    assert!(!format!("{user:?}").contains("ana@acme.test"));
}

#[test]
fn the_user_that_entra_id_posts() {
    let accepted = created(
        json!({"schemas": [urn::USER, ENTERPRISE], "externalId": "anar", "userName": "ana@acme.test", "active": true,
        "displayName": "Ana Ruiz", "emails": [{"primary": true, "type": "work", "value": "ana@acme.test"}],
        "meta": {"resourceType": "User"}, "name": {"formatted": "Ana Ruiz", "familyName": "Ruiz", "givenName": "Ana"}, "roles": [],
        "addresses": null, "phoneNumbers": null, "title": null, "department": null, "manager": null}),
    );
    assert_eq!(accepted.remarks, Vec::<String>::new());
    assert_eq!(
        Value::Object(accepted.user.attributes().clone()),
        json!({"externalId": "anar", "userName": "ana@acme.test", "active": true, "displayName": "Ana Ruiz",
            "emails": [{"primary": true, "type": "work", "value": "ana@acme.test"}],
            "name": {"formatted": "Ana Ruiz", "familyName": "Ruiz", "givenName": "Ana"}})
    );
}

#[test]
fn booleans_may_be_strings() {
    let user = attributes(json!({"schemas": [urn::USER], "userName": "ana", "active": "False",
        "roles": [{"primary": "True", "type": "WindowsAzureActiveDirectoryRole", "display": "Admin", "value": "Admin"}]}));
    assert_eq!(user["active"], false);
    assert_eq!(user["roles"][0]["primary"], true);
    assert_eq!(
        refused(json!({"schemas": [urn::USER], "userName": "ana", "active": "no"})).scim_type,
        Some(ScimType::InvalidValue)
    );
    assert_eq!(
        refused(json!({"schemas": [urn::USER], "userName": "ana", "active": 0})).scim_type,
        Some(ScimType::InvalidValue)
    );
}

#[test]
fn unknown_schemas_are_remarked_as_one_login_needs_it() {
    let accepted = created(
        json!({"schemas": ["urn:scim:schemas:core:2.0", "urn:scim:schemas:extension:enterprise:2.0"], "userName": "ana",
        "urn:scim:schemas:extension:enterprise:2.0": {"department": "R&D"}, "favouriteColour": "blue",
        "name": {"givenName": "Ana", "nick\u{0}": "x"}, ENTERPRISE: {"shoeSize": 38}}),
    );
    assert_eq!(
        accepted.remarks,
        [
            "attribute `favouriteColour` is not known and was ignored",
            "attribute `name.nick\u{fffd}` is not known and was ignored",
            "schema `urn:scim:schemas:core:2.0` is not known and was ignored",
            "schema `urn:scim:schemas:extension:enterprise:2.0` is not known and was ignored",
            "attribute `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:shoeSize` is not known and was ignored",
            "attribute `urn:scim:schemas:extension:enterprise:2.0` is not known and was ignored",
        ]
    );
    assert_eq!(
        Value::Object(accepted.user.attributes().clone()),
        json!({"userName": "ana", "name": {"givenName": "Ana"}, "active": true})
    );
}

#[test]
fn names_and_schema_names_are_read_without_case() {
    assert_eq!(
        attributes(json!({"SCHEMAS": [urn::USER.to_uppercase()], "USERNAME": "Ana", "Name": {"GIVENNAME": "Ana"},
            "EMAILS": [{"VALUE": "a@x", "Primary": true}], ENTERPRISE.to_lowercase(): {"DEPARTMENT": "R&D"}})),
        json!({"userName": "Ana", "name": {"givenName": "Ana"}, "emails": [{"value": "a@x", "primary": true}], "active": true, ENTERPRISE: {"department": "R&D"}})
    );
    for (body, name) in [
        (json!({"schemas": [urn::USER], "userName": "a", "username": "b"}), "userName"),
        (json!({"schemas": [urn::USER], "userName": "a", "name": {"givenName": "a", "givenname": "b"}}), "givenName"),
        (
            json!({"schemas": [urn::USER], "userName": "a", ENTERPRISE: {"division": "a"}, ENTERPRISE.to_lowercase(): {"division": "b"}}),
            "enterprise",
        ),
    ] {
        let error = refused(body);
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
        assert!(error.detail.contains(name) && error.detail.contains("given twice"));
    }
}

#[test]
fn null_and_empty_lists_are_unassigned() {
    assert_eq!(
        attributes(
            json!({"schemas": [urn::USER], "userName": "ana", "title": null, "emails": [], "roles": [null, {}, {"value": null}],
            "name": {"givenName": null}, ENTERPRISE: {"manager": null, "department": null}})
        ),
        json!({"userName": "ana", "active": true})
    );
}

#[test]
fn read_only_input_is_ignored() {
    let user = attributes(json!({"schemas": [urn::USER], "userName": "ana", "id": "mine", "meta": {"version": "x"},
        "groups": [{"value": "g1", "display": "Admins"}], ENTERPRISE: {"manager": {"value": "m1", "displayName": "Boss", "$ref": "../Users/m1"}}}));
    assert_eq!(
        user,
        json!({"userName": "ana", "active": true, ENTERPRISE: {"manager": {"value": "m1", "$ref": "../Users/m1"}}})
    );
}

#[test]
fn a_manager_is_taken_in_every_form() {
    for manager in
        [json!("m1"), json!({"value": "m1"}), json!([{"value": "m1"}]), json!([{"$ref": null, "value": "m1"}])]
    {
        let user = attributes(json!({"schemas": [urn::USER], "userName": "ana", ENTERPRISE: {"manager": manager}}));
        assert_eq!(user[ENTERPRISE], json!({"manager": {"value": "m1"}}));
    }
    for nobody in [json!(""), json!({"value": ""}), json!([]), json!({})] {
        let user = attributes(json!({"schemas": [urn::USER], "userName": "ana", ENTERPRISE: {"manager": nobody}}));
        assert!(user.get(ENTERPRISE).is_none());
    }
}

#[test]
fn values_are_kept_as_they_were_sent() {
    let phone = json!([{"value": " +34 (600) 12-34-56 ext. 7 ", "type": "Mobile"}]);
    let user = attributes(json!({"schemas": [urn::USER], "userName": " Ana ", "phoneNumbers": phone}));
    assert_eq!((&user["phoneNumbers"], &user["userName"]), (&phone, &json!(" Ana ")));
}

#[test]
fn what_cannot_be_stored_is_refused() {
    let long = "x".repeat(MAX_KEY + 1);
    let many: Vec<Value> = (0..300).map(|n| json!({"value": format!("a{n}@x")})).collect();
    for (rest, needle) in [
        (json!({}), "`userName` is required"),
        (json!({"userName": null}), "`userName` is required"),
        (json!({"userName": ""}), "`userName` is required"),
        (json!({"userName": "   "}), "`userName` is required"),
        (json!({"userName": 5}), "`userName` must be a string"),
        (json!({"userName": ["ana"]}), "`userName` must be a string"),
        (json!({"userName": "a\u{0}b"}), "U+0000"),
        (json!({"userName": "a", "emails": [{"value": "a\u{0}"}]}), "U+0000"),
        (json!({"userName": long}), "`userName` is longer"),
        (json!({"userName": "a", "externalId": long}), "`externalId` is longer"),
        (json!({"userName": "a", "emails": [{"value": long}]}), "`emails.value` is longer"),
        (json!({"userName": "a", "emails": many}), "more than 256"),
        (
            json!({"userName": "a", "emails": [{"value": "a", "primary": true}, {"value": "b", "primary": "true"}]}),
            "more than one value with `primary`",
        ),
        (json!({"userName": "a", "emails": [7]}), "`emails` must be a JSON object"),
        (json!({"userName": "a", "name": "Ana"}), "`name` must be a JSON object"),
        (json!({"userName": "a", "name": [[{"givenName": "x"}]]}), "`name` must be a JSON object"),
        (json!({"userName": "a", ENTERPRISE: "R&D"}), "must be a JSON object"),
        (json!({"userName": "a", "title": "x".repeat(1024 * 1024)}), "larger than"),
    ] {
        let mut body = object(rest);
        body.insert("schemas".into(), json!([urn::USER]));
        let error = User::create(body).unwrap_err();
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)), "{needle}");
        assert!(error.detail.contains(needle), "{}", error.detail);
    }
}

#[test]
fn schemas_are_required() {
    for body in [
        json!({"userName": "a"}),
        json!({"userName": "a", "schemas": []}),
        json!({"userName": "a", "schemas": urn::USER}),
        json!({"userName": "a", "schemas": null}),
        json!({"userName": "a", "schemas": [5]}),
    ] {
        let error = refused(body);
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
        assert!(error.detail.contains(urn::USER));
    }
}

#[test]
fn a_replacement_clears_what_it_omits_but_never_the_state() {
    let inactive = created(json!({"schemas": [urn::USER], "userName": "ana", "title": "VP", "active": false})).user;
    let replace = |user: &User, body: Value| user.replace(object(body)).unwrap().user;
    let omitted = replace(&inactive, json!({"schemas": [urn::USER], "userName": "ana2"}));
    assert_eq!(Value::Object(omitted.attributes().clone()), json!({"userName": "ana2", "active": false}));
    let active = created(json!({"schemas": [urn::USER], "userName": "ana"})).user;
    assert_eq!(
        replace(&active, json!({"schemas": [urn::USER], "userName": "ana", "active": null})).active(),
        Some(true)
    );
    assert_eq!(
        replace(&active, json!({"schemas": [urn::USER], "userName": "ana", "active": false})).active(),
        Some(false)
    );
    assert_eq!(
        replace(&inactive, json!({"schemas": [urn::USER], "userName": "ana", "active": true})).active(),
        Some(true)
    );
}

#[test]
fn what_we_returned_may_be_put_back_whole() {
    let user = created(json!({"schemas": [urn::USER, ENTERPRISE], "userName": "ana", "emails": ["a@x"], ENTERPRISE: {"manager": "m1"}})).user;
    let mut body = object(present(&user, &meta()));
    body.insert("groups".into(), json!([{"value": "g1", "display": "Admins"}]));
    let accepted = user.replace(body).unwrap();
    assert_eq!((&accepted.user, accepted.remarks), (&user, vec![]));
}

#[test]
fn the_primary_address_is_the_marked_one_else_the_work_one_else_the_first() {
    for (emails, expected) in [
        (json!([{"value": "a"}, {"value": "b", "type": "Work"}, {"value": "c", "primary": true}]), Some("c")),
        (json!([{"value": "a"}, {"value": "b", "type": "Work"}]), Some("b")),
        (json!([{"type": "work", "primary": true}, {"value": "b"}]), Some("b")),
        (json!("a"), Some("a")),
        (json!([]), None),
    ] {
        let user = created(json!({"schemas": [urn::USER], "userName": "ana", "emails": emails})).user;
        assert_eq!(user.primary_email(), expected);
    }
}

fn meta() -> Meta {
    Meta { id: "u1".into(), created_us: 0, modified_us: 0, version: 1, base_url: "https://id.example/scim/v2".into() }
}

/// Bodies near enough to a user that many are accepted.
fn bodies() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        Just(json!("True")),
        Just(json!("")),
        "[a-zA-Z@.\0]{0,5}".prop_map(Value::from),
        any::<i8>().prop_map(Value::from)
    ];
    let names = proptest::sample::select(vec![
        "value",
        "VALUE",
        "type",
        "primary",
        "display",
        "$ref",
        "givenName",
        "department",
        "manager",
        "unknown",
    ]);
    let value = leaf.prop_recursive(3, 12, 3, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            proptest::collection::btree_map(names.clone(), inner, 0..4)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    });
    let names = proptest::sample::select(vec![
        "userName",
        "active",
        "name",
        "EMAILS",
        "roles",
        "title",
        "manager",
        "id",
        "meta",
        "groups",
        "password",
        "x509Certificates",
        ENTERPRISE,
        "unknown",
    ]);
    proptest::collection::btree_map(names, value, 0..5).prop_map(|members| {
        let mut body: Map<String, Value> = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        body.insert("schemas".into(), json!([urn::USER]));
        body.entry("userName").or_insert(json!("ana"));
        Value::Object(body)
    })
}

proptest! {
    #[test]
    fn reading_is_idempotent(body in bodies()) {
        if let Ok(accepted) = User::create(object(body)) {
            let shown = present(&accepted.user, &meta());
            prop_assert!(!shown.to_string().contains("null") && !shown.to_string().contains("\\u0000"));
            let again = User::create(object(shown)).unwrap();
            prop_assert_eq!(again.user.attributes(), accepted.user.attributes());
            prop_assert_eq!(again.remarks, Vec::<String>::new());
        }
    }
}
