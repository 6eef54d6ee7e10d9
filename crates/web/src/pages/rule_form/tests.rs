use super::*;

fn matcher_of(value: serde_json::Value) -> Matcher {
    serde_json::from_value(value).unwrap()
}

#[test]
fn a_matcher_comes_through_the_form_as_it_was() {
    for value in [
        serde_json::json!({"equals": "NGC_AIE_PR_Admin"}),
        serde_json::json!({"one_of": ["A, B", "C"], "ignore_case": true}),
        serde_json::json!({"starts_with": "team-"}),
        serde_json::json!({"ends_with": "-admins"}),
        serde_json::json!({"regex": "a|b"}),
        serde_json::json!({"external_id": "00g1"}),
        serde_json::json!({"claim": "/realm_access/roles", "equals": "admin"}),
        serde_json::json!({"claim": "roles", "all_of": [{"equals": "A"}, {"claim": "department", "equals": "B"}]}),
        serde_json::json!({"all_of": [{"equals": "A"}], "none_of": [{"starts_with": "x", "ignore_case": true}]}),
    ] {
        let there = matcher_of(value);
        assert_eq!(matcher(&matcher_row(&there)), Some(there));
    }
}

#[test]
fn every_operation_of_the_form_is_understood() {
    for (operation, _) in crate::console::rules::OPERATIONS {
        let row = MatcherRow { operation: (*operation).to_owned(), value: " x \r\n".to_owned(), ..empty_matcher() };
        assert_eq!(plain(&matcher(&row).unwrap().operation), (*operation, ["x".to_owned()].as_slice()));
    }
}

#[test]
fn several_lines_are_one_group_only_where_that_is_meant() {
    let row =
        |operation: &str| MatcherRow { operation: operation.to_owned(), value: "a\nb".to_owned(), ..empty_matcher() };
    assert!(matcher(&row("one_of")).is_some());
    let typed = Typed { matchers: vec![row("equals")], ..Typed::nothing() };
    assert!(typed.wanted().unwrap_err().of("groups").is_some());
}

#[test]
fn rows_come_and_go() {
    let typed = Typed::nothing().edited("add-group").edited("add-group").edited("add-role");
    assert_eq!((typed.matchers.len(), typed.grants.len()), (3, 2));
    let typed = typed.edited("remove-group-1").edited("remove-role-7").edited("remove-role-0").edited("nonsense");
    assert_eq!((typed.matchers.len(), typed.grants.len()), (2, 1));
}
