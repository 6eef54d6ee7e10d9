//! What is shown before a key is made is what the check enforces: for any grants, roles, services and questions.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

const SERVICES: [&str; 4] = ["registry", "catalog", "gateway", "attic"];
const SCOPES: [&str; 7] =
    ["get_container", "delete_container", "get_artifact", "list_artifacts", "scim", "users_read", "*"];
const PATTERNS: [&str; 11] = [
    "acme/*", "acme/*/*", "acme/a/*", "acme/a/x", "acme/x", "nim/*/*", "nim/*", "nim/a/x", "evil/*", "evil/*/*", "bad*",
];
const ENTITIES: [&str; 12] = [
    "acme/x", "acme/y", "acme/a/x", "acme/a/y", "acme/b/x", "acme/b", "nim/x", "nim/a/x", "nim/a/y", "evil/x",
    "evil/a/x", "acme/a",
];
const ROLES: [(&str, &str); 6] = [
    ("registry", "viewer"),
    ("registry", "admin"),
    ("catalog", "read"),
    ("ai_enterprise", "viewer"),
    ("gateway", "robot"),
    ("attic", "viewer"),
];

/// The shipped catalogue, where the gateway's own scopes act on nothing and a role has them.
fn catalogue() -> Catalogue {
    let mut document = crate::catalogue::tests::shipped_document();
    let gateway = document.services.get_mut("gateway").unwrap();
    gateway.entity_types.clear();
    let robot = crate::catalogue::document::RoleEntry { scopes: vec!["*".to_owned()], ..Default::default() };
    gateway.roles.insert("robot".to_owned(), robot);
    Catalogue::compile(&document).unwrap()
}

fn any_spec() -> impl Strategy<Value = GrantSpec> {
    let pick = |from: &'static [&'static str]| proptest::sample::select(from).prop_map(str::to_owned);
    (
        pick(&SERVICES),
        proptest::option::of(proptest::collection::vec(pick(&SCOPES), 0..3)),
        proptest::option::of(pick(&["container", "artifact", "boat"])),
        proptest::option::of(proptest::collection::vec(pick(&PATTERNS), 0..4)),
    )
        .prop_map(|(service, scopes, entity_type, entity_values)| GrantSpec {
            service,
            scopes,
            entity_type,
            entity_values,
        })
}

fn any_held() -> impl Strategy<Value = Vec<(Option<&'static str>, (&'static str, &'static str))>> {
    let team = proptest::option::of(proptest::sample::select(&["a", "b"][..]));
    proptest::collection::vec((team, proptest::sample::select(&ROLES[..])), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]
    #[test]
    fn the_preview_is_what_is_enforced(
        specs in proptest::collection::vec(any_spec(), 0..4),
        held in any_held(),
        holder in 0..3,
        enabled in proptest::sample::subsequence(&SERVICES[..3], 0..=3),
    ) {
        static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(catalogue);
        let catalogue = &*CATALOGUE;
        let grants = KeyGrants::load(&specs, catalogue);
        let held = held.iter().map(|(team, (service, role))| HeldRole { team: *team, service, role });
        let roles = if holder == 1 { Roles::of_owner() } else { Roles::of_member(catalogue, held) };
        let holder = if holder == 2 { Holder::Org } else { Holder::Person(&roles) };
        let org = OrgFacts { name: "acme", enabled: catalogue.services_named(enabled.iter().copied()) };
        let lines = reach(catalogue, &grants, holder, &org);
        for service in SERVICES {
            for action in SCOPES {
                for kind in [None, Some("container"), Some("artifact")] {
                    for entity in std::iter::once(None).chain(ENTITIES.into_iter().map(Some)) {
                        let Ok(question) = Question::read(catalogue, service, action, kind, entity) else { continue };
                        let shown = lines.iter().any(|line| line.covers(&question));
                        let enforced = decide(&question, &grants, holder, &org);
                        prop_assert_eq!(
                            shown, enforced.is_ok(), "{} {} {:?} {:?}: {:?}", service, action, kind, entity, enforced
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_preview_reads_as_somebody_would_say_it() {
    let catalogue = shipped();
    let org = OrgFacts { name: "acme", enabled: catalogue.services_named(["registry", "catalog"]) };
    let reader = roles(&[(None, "catalog", "read")]);
    let held = roles(&[(Some("vision"), "registry", "viewer")]);
    let lines = |grants, holder| -> Vec<String> {
        let lines = reach(&catalogue, &KeyGrants::load(&specs(grants), &catalogue), holder, &org);
        lines.iter().map(|line| line.entities.as_ref().map(ToString::to_string).unwrap_or_default()).collect()
    };
    let all = json!([{"service": "registry", "scopes": ["get_container"], "entity_values": ["acme/*", "acme/*/*"]}]);
    assert_eq!(lines(all.clone(), Holder::Org), ["acme/*", "acme/*/*"]);
    // Whoever has a role in a team only reaches that team, and of another's folders nothing.
    assert_eq!(lines(all, Holder::Person(&held)), ["acme/vision/*"]);
    let whole = json!([{"service": "catalog"}]);
    assert_eq!(
        lines(whole, Holder::Person(&reader)),
        ["acme/*", "acme/*/*", "nim/*", "nim/*/*", "nvidia/*", "nvidia/*/*"]
    );
    // In the catalog two values are one.
    let teams = json!([{"service": "catalog", "scopes": ["get_artifact"], "entity_values": ["nim/*/*"]}]);
    assert_eq!(lines(teams, Holder::Org), ["nim/*/*", "nim/*"]);
}
