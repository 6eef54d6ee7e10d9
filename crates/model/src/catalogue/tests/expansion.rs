//! What a role allows, against an oracle that was written from the specification alone: by names, one question at a
//! time, from the YAML's own form and without any of the compiler's sets.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::key::{HeldRole, Holder, KeyGrants, OrgFacts, Question, Roles, decide};

/// The oracle: whether the role `(service, role)` allows `scope` of `of`, on a way through other roles that never comes
/// back to one in `passed`.
fn allows<'v>(
    document: &'v Value,
    (service, role): (&'v str, &'v str),
    (of, scope): (&str, &str),
    passed: &BTreeSet<(&str, &str)>,
) -> bool {
    let text = &document["services"][service]["roles"][role];
    if text.is_null() || passed.contains(&(service, role)) {
        return false;
    }
    let mut passed = passed.clone();
    passed.insert((service, role));
    let onwards = |next: (&'v str, &'v str)| allows(document, next, (of, scope), &passed);
    let own = || {
        let declared = document["services"][service]["scopes"].as_object().unwrap().contains_key(scope);
        let globs = text["scopes"].as_array().unwrap().iter().map(|glob| glob.as_str().unwrap());
        let mut matching = globs.filter(|glob| match glob.find('*') {
            Some(star) => scope.len() >= star && scope[..star] == glob[..star],
            None => *glob == scope,
        });
        service == of && declared && matching.next().is_some()
    };
    let above = ["inherits", "replaced_by"].map(|field| text[field].as_str());
    let conferred = text["confers"].as_object().unwrap();
    own()
        || above.into_iter().flatten().any(|parent| onwards((service, parent)))
        || conferred.iter().any(|(other, role)| onwards((other, role.as_str().unwrap())))
}

const SERVICES: [&str; 3] = ["bakery", "cellar", "dairy"];
const SCOPES: [&str; 6] = ["cut_cheese", "cut_bread", "eat", "eat_bread", "pour", "eat_cheese"];
const GLOBS: [&str; 9] = ["*", "eat", "eat*", "eat_*", "eat_bread", "eat_c*", "c*", "cut_cheese", "p*"];
const ROLES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// A role that has scopes of its own, or that was replaced; parents are later in the alphabet, so there is no circle.
fn any_role(number: usize) -> impl Strategy<Value = Value> {
    let later: Vec<_> = ROLES[number + 1..].iter().map(|role| json!(role)).chain([Value::Null]).collect();
    let scopes = proptest::sample::subsequence(&GLOBS[..], 0..3);
    let confers = proptest::collection::btree_map(
        proptest::sample::select(&SERVICES[..]),
        proptest::sample::select(&ROLES[..]),
        0..2,
    );
    (proptest::sample::select(later), scopes, confers, proptest::bool::weighted(0.2)).prop_map(
        |(parent, scopes, confers, replaced)| match (replaced, parent) {
            (true, parent) if !parent.is_null() => json!({"replaced_by": parent}),
            (_, parent) => json!({"inherits": parent, "scopes": scopes, "confers": confers}),
        },
    )
}

fn any_service() -> impl Strategy<Value = Value> {
    let roles = (any_role(0), any_role(1), any_role(2), any_role(3), any_role(4));
    // Every glob matches something, and the order of the scopes in the file is any.
    (Just(SCOPES.to_vec()).prop_shuffle(), roles).prop_map(|(scopes, (a, b, c, d, e))| {
        let scopes: serde_json::Map<_, _> = scopes.into_iter().map(|scope| (scope.to_owned(), json!({}))).collect();
        json!({"key_kinds": ["personal"], "scopes": scopes, "roles": {"a": a, "b": b, "c": c, "d": d, "e": e}})
    })
}

fn any_document() -> impl Strategy<Value = Value> {
    (any_service(), any_service(), any_service()).prop_map(|(bakery, cellar, dairy)| {
        let read: Document = serde_json::from_value(
            json!({"version": 1, "services": {"bakery": bakery, "cellar": cellar, "dairy": dairy}}),
        )
        .unwrap();
        serde_json::to_value(read).unwrap()
    })
}

proptest! {
    #[test]
    fn a_role_allows_what_the_specification_says(document in any_document()) {
        let catalogue = Catalogue::compile(&serde_json::from_value(document.clone()).unwrap()).unwrap();
        for service in SERVICES {
            for role in ROLES {
                let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
                for of in SERVICES {
                    for scope in BTreeSet::from(SCOPES) {
                        if allows(&document, (service, role), (of, scope), &BTreeSet::new()) {
                            expected.entry(of.to_owned()).or_default().push(scope.to_owned());
                        }
                    }
                }
                prop_assert_eq!(scopes_of(&catalogue, service, role), expected, "{} of {}", role, service);
            }
        }
    }

    #[test]
    fn a_key_of_a_person_may_what_their_roles_allow_and_no_more(
        document in any_document(),
        held in proptest::sample::subsequence(&ROLES[..], 0..3),
        of in proptest::sample::select(&SERVICES[..]),
        scope in proptest::sample::select(&SCOPES[..]),
    ) {
        let catalogue = Catalogue::compile(&serde_json::from_value(document.clone()).unwrap()).unwrap();
        let roles = Roles::of_member(&catalogue, held.iter().map(|role| HeldRole { team: None, service: "bakery", role }));
        let grants = KeyGrants::load(&SERVICES.map(crate::key::GrantSpec::whole), &catalogue);
        let org = OrgFacts { name: "acme", enabled: catalogue.services_named(SERVICES) };
        let question = Question::read(&catalogue, of, scope, None, None).unwrap();
        let expected = held.iter().any(|role| allows(&document, ("bakery", role), (of, scope), &BTreeSet::new()));
        prop_assert_eq!(decide(&question, &grants, Holder::Person(&roles), &org).is_ok(), expected);
    }
}
