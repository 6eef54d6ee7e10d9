//! Any sequence of operations: all or nothing, and what stands afterwards reads back.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn operations() -> impl Strategy<Value = Vec<Value>> {
    let paths = vec![
        "active",
        "userName",
        "title",
        "name",
        "name.givenName",
        "emails",
        "emails.value",
        "emails.primary",
        "emails[type eq \"work\"]",
        "emails[type eq \"fax\"].value",
        "emails[primary eq true].value",
        "emails[value co \"a\"].primary",
        "manager",
        "manager.value",
        "department",
        "id",
        "groups",
        "password",
        "schemas",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "roles[primary eq \"True\"].value",
        "x[",
        "unknown",
    ];
    let path = proptest::option::weighted(0.9, proptest::sample::select(paths.clone()));
    let simple = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        "[a\0@]{0,3}".prop_map(Value::from),
        Just(json!("False")),
        Just(json!([])),
        Just(json!("u1"))
    ];
    let element = (simple.clone(), simple.clone(), simple.clone()).prop_map(
        |(value, kind, primary)| json!({"value": value, "type": kind, "primary": primary, "givenName": value}),
    );
    let keyed = (proptest::sample::select(paths), simple.clone())
        .prop_map(|(path, value)| Value::Object(Map::from_iter([(path.to_owned(), value)])));
    let value = prop_oneof![3 => simple, 2 => element.clone(), 2 => keyed, 1 => proptest::collection::vec(element, 0..3).prop_map(Value::Array)];
    let op = proptest::sample::select(vec!["add", "Replace", "remove", "add", "Replace", "remove", "nonsense"]);
    let operation = (op, path, proptest::option::weighted(0.9, value)).prop_map(|(op, path, value)| {
        let mut operation = Map::from_iter([("op".to_owned(), json!(op))]);
        operation.extend(path.map(|path| ("path".to_owned(), json!(path))));
        operation.extend(value.map(|value| ("value".to_owned(), value)));
        Value::Object(operation)
    });
    proptest::collection::vec(operation, 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_patch_is_all_or_nothing_and_leaves_a_user_that_reads_back(operations in operations()) {
        let user = full();
        // One at a time, each on the result of the one before: the whole must succeed exactly if all of
        // them do (the state in between need not be storable, so such a case is left out).
        let mut stepwise = Ok(user.clone());
        for operation in &operations {
            stepwise = stepwise.and_then(|user| patch(&user, json!([operation])).map(|done| done.user));
        }
        match (patch(&user, Value::Array(operations)), stepwise) {
            (Ok(done), Ok(expected)) => {
                prop_assert_eq!(done.user.attributes(), expected.attributes());
                prop_assert_eq!(done.changed, done.user != user);
                let shown = present(&done.user, &meta());
                let again = User::create(shown.as_object().cloned().unwrap()).unwrap();
                let mut active = done.user.attributes().clone();
                active.entry("active").or_insert(json!(true));
                prop_assert_eq!(again.user.attributes(), &active);
            }
            (Err(_), Ok(_)) => prop_assert!(false, "the whole failed though each succeeds"),
            (Ok(_), Err(error)) => prop_assert_eq!(error.scim_type, Some(ScimType::InvalidValue)),
            (Err(error), Err(_)) => prop_assert!(error.status == 400),
        }
        prop_assert_eq!(user, full());
    }
}
