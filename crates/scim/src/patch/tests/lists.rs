//! Operations on lists: filters, primary values, removals.

use serde_json::json;

use super::*;

#[test]
fn a_filter_that_selects_nothing_creates_what_it_describes() {
    for op in ["add", "replace"] {
        for (path, pointer, expected) in [
            ("phoneNumbers[type eq \"fax\"].value", "/phoneNumbers/0", json!({"type": "fax", "value": "v"})),
            ("roles[primary eq \"True\"].value", "/roles/0", json!({"primary": true, "value": "v"})),
            (
                "emails[type eq \"other\" and primary eq true].value",
                "/emails/2",
                json!({"type": "other", "primary": true, "value": "v"}),
            ),
            ("phoneNumbers[type eq \"fax\"]", "/phoneNumbers/0", json!({"type": "fax", "value": "v"})),
            ("phoneNumbers.value", "/phoneNumbers/0", json!({"value": "v"})),
        ] {
            assert_eq!(
                after(&full(), json!([{"op": op, "path": path, "value": "v"}]), pointer),
                Some(expected),
                "{path}"
            );
        }
        // A selector that speaks of a certain value, or is no description, creates nothing.
        for path in [
            "emails[value eq \"no@x\"].type",
            "emails[type ne \"work\" and type ne \"home\"].value",
            "emails[type eq \"x\" or type eq \"y\"].value",
            "emails[not (type pr)].value",
        ] {
            let error = patch(&full(), json!([{"op": op, "path": path, "value": "v"}])).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::NoTarget), "{path}");
        }
    }
    // One miss does not block the deactivation beside it.
    let done = patched(
        &full(),
        json!([{"op": "Replace", "path": "phoneNumbers[type eq \"fax\"].value", "value": "1"}, {"op": "Replace", "path": "active", "value": "False"}]),
    );
    assert_eq!(done.user.active(), Some(false));
    // Nothing is created for nothing, and nobody loses the primary mark to it.
    let nothing = patched(
        &full(),
        json!([{"op": "replace", "path": "emails[type eq \"other\" and primary eq true].value", "value": null}]),
    );
    assert!(!nothing.changed);
}

#[test]
fn a_new_primary_value_demotes_the_old_one() {
    for operation in [
        json!({"op": "add", "path": "emails", "value": [{"value": "n@x", "primary": true}]}),
        json!({"op": "replace", "path": "emails[type eq \"home\"].primary", "value": "True"}),
        json!({"op": "add", "path": "emails[type eq \"other\"]", "value": {"value": "n@x", "primary": true}}),
    ] {
        let done = patched(&full(), json!([operation])).user;
        let primaries: Vec<_> =
            done.emails().into_iter().filter(|email| email.primary).map(|email| email.value.to_owned()).collect();
        assert_eq!(primaries.len(), 1, "{operation}");
        assert_ne!(primaries, ["ana@acme.test"]);
    }
    for two in [
        json!({"op": "replace", "path": "emails", "value": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}),
        json!({"op": "replace", "path": "emails.primary", "value": true}),
    ] {
        assert_eq!(patch(&full(), json!([two])).unwrap_err().scim_type, Some(ScimType::InvalidValue));
    }
}

#[test]
fn removing_takes_what_is_named_and_no_more() {
    let home = json!({"value": "a@home.test", "type": "home"});
    let work = json!({"value": "ana@acme.test", "type": "work", "primary": true});
    for (operation, left) in [
        (json!({"op": "remove", "path": "emails"}), None),
        (json!({"op": "remove", "path": "emails", "value": null}), None),
        (json!({"op": "remove", "path": "emails[type eq \"work\"]"}), Some(json!([home]))),
        (json!({"op": "Remove", "path": "emails[type eq \"work\"].value"}), Some(json!([home]))),
        (
            json!({"op": "remove", "path": "emails[type eq \"work\"].primary"}),
            Some(json!([{"value": "ana@acme.test", "type": "work"}, home])),
        ),
        (
            json!({"op": "remove", "path": "emails.type"}),
            Some(json!([{"value": "ana@acme.test", "primary": true}, {"value": "a@home.test"}])),
        ),
        (json!({"op": "remove", "path": "emails.value"}), None),
        (
            json!({"op": "Remove", "path": "emails", "value": [{"$ref": null, "value": "ANA@acme.test"}]}),
            Some(json!([home])),
        ),
        (
            json!({"op": "Remove", "path": "emails", "value": {"value": "ana@acme.test", "display": "stale"}}),
            Some(json!([home])),
        ),
        (json!({"op": "Remove", "path": "emails", "value": "ana@acme.test"}), Some(json!([home]))),
        (json!({"op": "Remove", "path": "emails", "value": [{"type": "work"}]}), Some(json!([home]))),
        (
            json!({"op": "Remove", "path": "emails", "value": [{"value": "ana@acme.test", "type": "home"}]}),
            Some(json!([work, home])),
        ),
        (json!({"op": "Remove", "path": "emails", "value": [{"value": "no@x"}]}), Some(json!([work, home]))),
        (json!({"op": "Remove", "path": "emails", "value": [{"unknown": "x"}]}), Some(json!([work, home]))),
        (json!({"op": "Remove", "path": "emails", "value": []}), Some(json!([work, home]))),
    ] {
        assert_eq!(after(&full(), json!([operation]), "/emails"), left, "{operation}");
    }
    assert_eq!(after(&full(), json!([{"op": "remove", "path": "displayName"}]), "/displayName"), None);
    assert_eq!(
        after(&full(), json!([{"op": "remove", "path": "name.givenName"}]), "/name"),
        Some(json!({"familyName": "Ruiz"}))
    );
    assert_eq!(after(&full(), json!([{"op": "remove", "path": "name"}]), "/name"), None);
    assert!(!patched(&full(), json!([{"op": "remove", "path": "title"}])).changed);
    let error = patch(&full(), json!([{"op": "remove", "path": "emails[type eq \"fax\"]"}])).unwrap_err();
    assert_eq!(error.scim_type, Some(ScimType::NoTarget));
}

#[test]
fn a_user_does_not_grow_for_ever() {
    let many: Vec<Value> = (0..300).map(|n| json!({"value": format!("a{n}@x")})).collect();
    assert!(
        patch(&full(), json!([{"op": "add", "path": "emails", "value": many}]))
            .unwrap_err()
            .detail
            .contains("more than 256")
    );
    let mut user = full();
    let mut last = None;
    for n in 0..20 {
        let photo =
            json!([{"op": "add", "path": "photos", "value": [{"value": format!("{n}{}", "x".repeat(100_000))}]}]);
        match patch(&user, photo) {
            Ok(done) => user = done.user,
            Err(error) => last = Some(error),
        }
    }
    assert!(last.unwrap().detail.contains("larger than"));
}
