//! What a key may do, against an oracle that was written from the specification alone.

use crate::entity::{Entity, EntityPattern, TeamWildcard};
use proptest::prelude::*;

use super::*;

/// The oracle: by names, each condition of the specification on its own.
fn naive(specs: &[GrantSpec], held: &[(Option<String>, String)], (action, entity): (&str, &str)) -> bool {
    let viewer = ["get_container", "list_containers", "download_container"];
    let user = ["upload_container", "update_container"];
    let scopes_of = |role: &str| match role {
        "viewer" => viewer.to_vec(),
        "user" => [viewer.as_slice(), &user].concat(),
        _ => [viewer.as_slice(), &user, &["delete_container"]].concat(),
    };
    let parts: Vec<&str> = entity.split('/').collect();
    let team = (parts.len() == 3).then(|| parts[1]);
    let by_role =
        held.iter().any(|(of, role)| (of.is_none() || of.as_deref() == team) && scopes_of(role).contains(&action));
    let by_grant = specs.iter().any(|spec| {
        let scoped = spec.scopes.as_ref().is_none_or(|list| list.iter().any(|scope| scope == action || scope == "*"));
        let typed = spec.entity_type.as_deref().is_none_or(|kind| kind == "container");
        let parsed = Entity::parse(entity).unwrap();
        let named = spec.entity_values.as_ref().is_none_or(|values| {
            values
                .iter()
                .any(|value| EntityPattern::parse(value).is_ok_and(|p| p.matches(&parsed, TeamWildcard::TeamsOnly)))
        });
        spec.service == "registry" && scoped && typed && named
    });
    parts[0] == "acme" && by_role && by_grant
}

const ACTIONS: [&str; 4] = ["get_container", "upload_container", "delete_container", "*"];

fn any_spec() -> impl Strategy<Value = GrantSpec> {
    let values = prop_oneof![
        Just("acme/*"),
        Just("acme/*/*"),
        Just("acme/a/*"),
        Just("acme/a/x"),
        Just("acme/x"),
        Just("evil/*"),
        Just("bad*")
    ];
    (
        prop_oneof![4 => Just("registry"), 1 => Just("catalog"), 1 => Just("attic")],
        proptest::option::of(proptest::collection::vec(proptest::sample::select(&ACTIONS[..]), 0..3)),
        proptest::option::of(prop_oneof![Just("container"), Just("artifact")]),
        proptest::option::of(proptest::collection::vec(values, 0..3)),
    )
        .prop_map(|(service, scopes, entity_type, values)| GrantSpec {
            service: service.to_owned(),
            scopes: scopes.map(|list| list.into_iter().map(str::to_owned).collect()),
            entity_type: entity_type.map(str::to_owned),
            entity_values: values.map(|list| list.into_iter().map(str::to_owned).collect()),
        })
}

fn any_held() -> impl Strategy<Value = Vec<(Option<String>, String)>> {
    proptest::collection::vec((proptest::option::of("[ab]"), "viewer|user|admin"), 0..3)
}

fn answer(
    catalogue: &Catalogue,
    specs: &[GrantSpec],
    held: &[(Option<String>, String)],
    (action, entity): (&str, &str),
) -> bool {
    let held = held.iter().map(|(team, role)| HeldRole { team: team.as_deref(), service: "registry", role });
    let roles = Roles::of_member(catalogue, held);
    let question = Question::read(catalogue, "registry", action, Some("container"), Some(entity)).unwrap();
    let org = OrgFacts { name: "acme", enabled: catalogue.services_named(["registry"]) };
    decide(&question, &KeyGrants::load(specs, catalogue), Holder::Person(&roles), &org).is_ok()
}
proptest! {
    #[test]
    fn the_check_is_that_of_the_specification(
        specs in proptest::collection::vec(any_spec(), 0..4),
        held in any_held(),
        action in proptest::sample::select(&ACTIONS[..3]),
        entity in "(acme|evil)(/[ab])?/[xy]",
    ) {
        let catalogue = shipped();
        let question = (action, entity.as_str());
        prop_assert_eq!(answer(&catalogue, &specs, &held, question), naive(&specs, &held, question));
    }

    #[test]
    fn less_granted_or_held_never_allows_more(
        specs in proptest::collection::vec(any_spec(), 1..4),
        held in any_held().prop_filter("some role", |held| !held.is_empty()),
        action in proptest::sample::select(&ACTIONS[..3]),
        entity in "acme(/[ab])?/[xy]",
    ) {
        let catalogue = shipped();
        let question = (action, entity.as_str());
        if !answer(&catalogue, &specs, &held, question) {
            prop_assert!(!answer(&catalogue, &specs[1..], &held, question));
            prop_assert!(!answer(&catalogue, &specs, &held[1..], question));
        }
    }
}
