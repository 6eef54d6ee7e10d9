//! What a key may do: roles ∩ grants, case by case.

mod later;
mod oracle;
mod preview;

use super::super::*;
use crate::catalogue::tests::shipped;
use crate::catalogue::{Catalogue, ServiceSet};
use crate::key::decide::HeldRole;
use serde_json::json;

/// A grant in its JSON form.
fn specs(value: serde_json::Value) -> Vec<GrantSpec> {
    serde_json::from_value(value).unwrap()
}

/// What the check says for a key of the org `acme`, which has every service.
fn ask(
    grants: serde_json::Value,
    holder: Holder<'_>,
    service: &str,
    action: &str,
    entity: Option<&str>,
) -> Result<(), Reason> {
    let catalogue = shipped();
    let entity_type = entity.filter(|_| matches!(service, "registry" | "catalog")).map(|_| "container");
    let question = Question::read(&catalogue, service, action, entity_type, entity)?;
    let org = OrgFacts { name: "acme", enabled: catalogue.services().map(|(index, _)| index).collect() };
    decide(&question, &KeyGrants::load(&specs(grants), &catalogue), holder, &org)
}

fn roles(held: &[(Option<&str>, &str, &str)]) -> Roles {
    let held = held.iter().map(|(team, service, role)| HeldRole { team: *team, service, role });
    Roles::of_member(&shipped(), held)
}

#[test]
fn case_57_no_scope_no_access() {
    let none = json!([{"service": "registry", "scopes": [], "entity_type": "container", "entity_values": ["acme/*"]}]);
    assert_eq!(ask(none, Holder::Org, "registry", "get_container", Some("acme/x")), Err(Reason::ActionNotGranted));
}

#[test]
fn case_58_grants_are_never_crossed() {
    let two = json!([
        {"service": "registry", "scopes": ["get_container"], "entity_type": "container", "entity_values": ["acme/x"]},
        {"service": "registry", "scopes": ["delete_container"], "entity_type": "container", "entity_values": ["acme/y"]},
    ]);
    for (action, entity, expected) in [
        ("get_container", "acme/x", Ok(())),
        ("delete_container", "acme/y", Ok(())),
        ("delete_container", "acme/x", Err(Reason::EntityMismatch)),
        ("get_container", "acme/y", Err(Reason::EntityMismatch)),
        ("update_container", "acme/x", Err(Reason::ActionNotGranted)),
    ] {
        assert_eq!(ask(two.clone(), Holder::Org, "registry", action, Some(entity)), expected, "{action} {entity}");
    }
}

#[test]
fn case_59_another_org_is_refused_at_creation_and_at_the_check() {
    let catalogue = shipped();
    let foreign = |service: &str, value: &str| {
        specs(
            json!([{"service": service, "scopes": ["get_container"], "entity_type": "container", "entity_values": [value]}]),
        )
    };
    for (service, value, good) in [
        ("registry", "acme/*", true),
        ("registry", "victim/*", false),
        ("registry", "nim/*/*", false),
        ("catalog", "nim/*/*", true),
        ("catalog", "nvidia/ace/nemovision-4b-v2-instruct", true),
        ("catalog", "victim/*", false),
    ] {
        let checked = KeyGrants::check(foreign(service, value), &catalogue, "acme", KeyKind::Service);
        match checked {
            Ok(_) => assert!(good, "{service} {value}"),
            Err(error) => {
                assert!(!good && matches!(error, GrantError::ForeignOrg { .. }), "{service} {value}: {error}")
            }
        }
    }
    let stored = serde_json::to_value(foreign("registry", "victim/*")).unwrap();
    assert_eq!(ask(stored, Holder::Org, "registry", "get_container", Some("victim/x")), Err(Reason::EntityMismatch));
    // Not by a whole service, nor as an owner either.
    for holder in [Holder::Person(&Roles::of_owner()), Holder::Org] {
        let whole = json!([{"service": "registry"}]);
        assert_eq!(ask(whole, holder, "registry", "get_container", Some("victim/x")), Err(Reason::EntityMismatch));
    }
}

#[test]
fn case_61_a_team_s_role_reaches_that_team_only() {
    let key = json!([{"service": "registry", "entity_values": ["acme/*/*", "acme/*"]}]);
    let held = roles(&[(Some("team1"), "registry", "user")]);
    for (entity, expected) in [
        ("acme/team1/x", Ok(())),
        ("acme/team2/x", Err(Reason::NoRole)),
        ("acme/team1", Err(Reason::NoRole)),
        ("acme/x", Err(Reason::NoRole)),
    ] {
        assert_eq!(
            ask(key.clone(), Holder::Person(&held), "registry", "get_container", Some(entity)),
            expected,
            "{entity}"
        );
    }
    assert_eq!(
        ask(key, Holder::Person(&held), "registry", "delete_container", Some("acme/team1/x")),
        Err(Reason::NoRole)
    );
    // A publisher's folder with the team's name is not the team.
    let held = roles(&[(Some("meta"), "catalog", "read")]);
    let key = json!([{"service": "catalog"}]);
    assert_eq!(
        ask(key, Holder::Person(&held), "catalog", "get_container", Some("nim/meta/llama")),
        Err(Reason::NoRole)
    );
}

#[test]
fn case_62_a_key_for_a_team_does_not_reach_the_org() {
    let key = json!([{"service": "registry", "entity_values": ["acme/team1/*"]}]);
    let held = roles(&[(None, "registry", "admin")]);
    assert_eq!(
        ask(key.clone(), Holder::Person(&held), "registry", "get_container", Some("acme/app")),
        Err(Reason::EntityMismatch)
    );
    assert_eq!(ask(key, Holder::Person(&held), "registry", "get_container", Some("acme/team1/app")), Ok(()));
}

#[test]
fn a_personal_key_is_cut_to_what_its_holder_may_now() {
    let key = json!([{"service": "registry"}, {"service": "cloud_functions"}]);
    let check = |held: &Roles, service: &str, action: &str, entity| {
        ask(key.clone(), Holder::Person(held), service, action, Some(entity))
    };
    let user = roles(&[(None, "registry", "user")]);
    assert_eq!(check(&user, "registry", "upload_container", "acme/x"), Ok(()));
    assert_eq!(check(&user, "registry", "delete_container", "acme/x"), Err(Reason::NoRole));
    assert_eq!(check(&user, "cloud_functions", "invoke_function", "acme/x"), Err(Reason::NoRole));
    assert_eq!(check(&Roles::default(), "registry", "get_container", "acme/x"), Err(Reason::NoRole));
    // Roles of the org and of a team add up, by service.
    let both = roles(&[
        (None, "registry", "viewer"),
        (Some("vision"), "registry", "admin"),
        (Some("vision"), "registry", "viewer"),
    ]);
    assert_eq!(check(&both, "registry", "delete_container", "acme/vision/x"), Ok(()));
    assert_eq!(check(&both, "registry", "delete_container", "acme/x"), Err(Reason::NoRole));
    assert_eq!(check(&both, "registry", "get_container", "acme/x"), Ok(()));
    let owner = Roles::of_owner();
    assert_eq!(check(&owner, "registry", "delete_container", "acme/x"), Ok(()));
    assert_eq!(
        ask(key.clone(), Holder::Person(&owner), "catalog", "get_container", Some("acme/x")),
        Err(Reason::ServiceNotGranted)
    );
    // A role that confers one of another service.
    let premium = roles(&[(None, "ai_enterprise", "viewer")]);
    assert_eq!(
        ask(
            json!([{"service": "catalog"}]),
            Holder::Person(&premium),
            "catalog",
            "get_container",
            Some("nim/meta/llama")
        ),
        Ok(())
    );
    // Names that the catalogue forgot.
    let gone = roles(&[(None, "registry", "emperor"), (None, "attic", "viewer")]);
    assert_eq!(check(&gone, "registry", "get_container", "acme/x"), Err(Reason::NoRole));
}

/// Scopes are bits, and the same bit means another thing in another service and nothing in another team.
#[test]
fn roles_of_two_services_and_of_two_teams_are_kept_apart() {
    let key = json!([{"service": "registry"}, {"service": "secrets_manager"}]);
    for (strong, weak) in [("registry", "secrets_manager"), ("secrets_manager", "registry")] {
        for team in [None, Some("vision")] {
            let held = roles(&[(team, strong, "admin"), (team, weak, "viewer")]);
            let check = |service: &str, action: &str| {
                ask(key.clone(), Holder::Person(&held), service, action, Some("acme/vision/x")).is_ok()
            };
            assert!(check("registry", "list_containers") && check("secrets_manager", "list_secrets"));
            assert_eq!(check("registry", "delete_container"), strong == "registry");
            assert_eq!(check("secrets_manager", "delete_secret"), strong == "secrets_manager");
        }
    }
    let held = roles(&[(Some("vision"), "registry", "admin"), (Some("audio"), "registry", "viewer")]);
    let check = |entity| ask(key.clone(), Holder::Person(&held), "registry", "delete_container", Some(entity));
    assert_eq!(check("acme/vision/x"), Ok(()));
    assert_eq!(check("acme/audio/x"), Err(Reason::NoRole));
}

#[test]
fn questions_are_looked_up_before_they_are_answered() {
    let catalogue = shipped();
    for (service, action, entity_type, entity, expected) in [
        ("attic", "get_container", None, Some("acme/x"), Some(Reason::UnknownService)),
        ("registry", "peek", None, Some("acme/x"), Some(Reason::UnknownAction)),
        ("registry", "get_container", Some("model"), Some("acme/x"), Some(Reason::UnknownEntityType)),
        ("registry", "get_container", Some("container"), None, Some(Reason::EntityRequired)),
        ("registry", "get_container", None, None, Some(Reason::EntityRequired)),
        ("registry", "get_container", None, Some("acme/X"), Some(Reason::BadEntity)),
        ("registry", "get_container", None, Some("acme/../victim"), Some(Reason::BadEntity)),
        ("registry", "get_container", None, Some("acme/x"), None),
        ("catalog", "List Container", None, Some("acme/x"), None),
    ] {
        let read = Question::read(&catalogue, service, action, entity_type, entity).map(|question| question.service());
        assert_eq!(read, expected.map_or(Ok(catalogue.service_named(service)), Err).map(Option::unwrap));
    }
}

#[test]
fn a_service_without_entities_is_asked_without() {
    let mut document = crate::catalogue::tests::shipped_document();
    document.services.get_mut("gateway").unwrap().entity_types.clear();
    let catalogue = Catalogue::compile(&document).unwrap();
    let question = Question::read(&catalogue, "gateway", "scim", None, None).unwrap();
    let org = OrgFacts { name: "acme", enabled: ServiceSet::NONE.with(question.service()) };
    let decide = |grants, holder| decide(&question, &KeyGrants::load(&specs(grants), &catalogue), holder, &org);
    assert_eq!(decide(json!([{"service": "gateway", "scopes": ["scim"]}]), Holder::Org), Ok(()));
    assert_eq!(
        decide(json!([{"service": "gateway", "scopes": ["audit_read"]}]), Holder::Org),
        Err(Reason::ActionNotGranted)
    );
    // A grant for some entities is none for no entity.
    assert_eq!(
        decide(json!([{"service": "gateway", "entity_values": ["acme/*"]}]), Holder::Org),
        Err(Reason::EntityMismatch)
    );
    let team = [HeldRole { team: Some("vision"), service: "gateway", role: "robot" }];
    document.services.get_mut("gateway").unwrap().roles.insert(
        "robot".to_owned(),
        crate::catalogue::document::RoleEntry { scopes: vec!["*".to_owned()], ..Default::default() },
    );
    let catalogue = Catalogue::compile(&document).unwrap();
    let held = Roles::of_member(&catalogue, team);
    assert_eq!(decide(json!([{"service": "gateway"}]), Holder::Person(&held)), Err(Reason::NoRole));
}

#[test]
fn what_the_org_has_not_enabled_is_refused_even_to_owners() {
    let catalogue = shipped();
    let question = Question::read(&catalogue, "registry", "get_container", None, Some("acme/x")).unwrap();
    let grants = KeyGrants::load(&[GrantSpec::whole("registry")], &catalogue);
    let org = OrgFacts { name: "acme", enabled: catalogue.services_named(["catalog", "attic"]) };
    let owner = Roles::of_owner();
    assert_eq!(decide(&question, &grants, Holder::Person(&owner), &org), Err(Reason::ServiceNotEnabled));
    assert_eq!(owner.services(org.enabled), catalogue.services_named(["catalog"]));
    assert_eq!(
        roles(&[(Some("t"), "catalog", "read"), (None, "registry", "user")]).services(org.enabled),
        catalogue.services_named(["catalog"])
    );
    assert_eq!(Roles::default().services(org.enabled), ServiceSet::NONE);
}

#[test]
fn stored_names_that_are_gone_allow_nothing_and_widen_nothing() {
    let catalogue = shipped();
    let load = |value| KeyGrants::load(&specs(value), &catalogue);
    assert_eq!(load(json!([{"service": "attic"}])), KeyGrants::default());
    assert_eq!(load(json!([{"service": "registry", "entity_type": "attic"}])), KeyGrants::default());
    let ask = |value, action| ask(value, Holder::Org, "registry", action, Some("acme/x"));
    assert_eq!(
        ask(json!([{"service": "registry", "scopes": ["attic"]}]), "get_container"),
        Err(Reason::ActionNotGranted)
    );
    assert_eq!(
        ask(json!([{"service": "registry", "entity_values": ["*"]}]), "get_container"),
        Err(Reason::EntityMismatch)
    );
    assert_eq!(
        ask(json!([{"service": "registry", "entity_type": "artifact"}]), "get_container"),
        Err(Reason::EntityMismatch)
    );
    assert_eq!(ask(json!([{"service": "registry", "scopes": ["attic", "get_container"]}]), "get_container"), Ok(()));
    let both = load(json!([{"service": "registry"}, {"service": "catalog", "scopes": ["*"]}]));
    assert_eq!(both.services(), catalogue.services_named(["registry", "catalog"]));
}

#[test]
fn grants_are_checked_when_a_key_is_made() {
    let catalogue = shipped();
    let check =
        |value, kind| KeyGrants::check(specs(value), &catalogue, "acme", kind).map_err(|error| error.to_string());
    for (value, kind, expected) in [
        (json!([]), KeyKind::Personal, "name at least one service"),
        (json!([{"service": "attic"}]), KeyKind::Personal, "there is no service `attic`"),
        (json!([{"service": "gateway"}]), KeyKind::Personal, "`gateway` takes no personal keys"),
        (
            json!([{"service": "secrets_manager", "scopes": ["*"]}]),
            KeyKind::Service,
            "`secrets_manager` takes no service keys",
        ),
        (json!([{"service": "registry"}]), KeyKind::Service, "name the scopes in `registry`"),
        (json!([{"service": "registry", "scopes": []}]), KeyKind::Personal, "name the scopes in `registry`"),
        (json!([{"service": "registry", "scopes": ["peek"]}]), KeyKind::Personal, "`registry` has no scope `peek`"),
        (
            json!([{"service": "registry", "entity_type": "model"}]),
            KeyKind::Personal,
            "`registry` has no entity type `model`",
        ),
        (json!([{"service": "registry", "entity_values": []}]), KeyKind::Personal, "name the entities in `registry`"),
        (
            json!([{"service": "registry", "entity_values": ["acme/te*"]}]),
            KeyKind::Personal,
            "`acme/te*` names no entities: `*` stands",
        ),
        (
            json!([{"service": "registry", "entity_values": ["victim/*"]}]),
            KeyKind::Personal,
            "`victim/*` lies outside `acme`",
        ),
    ] {
        let error = check(value.clone(), kind).unwrap_err();
        assert!(error.contains(expected), "{value}: {error}");
    }
    let personal = json!([{"service": "registry"}, {"service": "catalog", "scopes": ["*"]}]);
    assert_eq!(check(personal.clone(), KeyKind::Personal), Ok(specs(personal)));
    let frozen = check(json!([{"service": "catalog", "scopes": ["*"]}]), KeyKind::Service).unwrap();
    assert_eq!(frozen[0].scopes.as_ref().unwrap().len(), 5);
    assert_eq!(frozen[0].entity_values.as_deref(), Some(&["acme/*".to_owned(), "acme/*/*".to_owned()][..]));
    // A legacy key is for what personal keys are for.
    assert!(check(json!([{"service": "registry"}]), KeyKind::Legacy).is_ok());
    assert!(check(json!([{"service": "gateway"}]), KeyKind::Legacy).unwrap_err().contains("takes no legacy keys"));
    assert!(serde_json::from_value::<GrantSpec>(json!({"service": "catalog", "scope": []})).is_err());
}

#[test]
fn what_is_missing_for_a_key_to_be_of_use_is_said() {
    let catalogue = shipped();
    let of = |scopes: &[&str]| json!({"service": "catalog", "scopes": scopes});
    let least = "`catalog` is of use with at least `get_container` and `list_containers`, or \
                 `get_artifact` and `list_artifacts`";
    for (value, said) in [
        (json!([of(&["get_container", "List Container"])]), vec![]),
        (json!([of(&["get_artifact"]), of(&["list_artifacts"])]), vec![]),
        (json!([of(&["get_container"])]), vec![least]),
        (
            json!([of(&["download_container"])]),
            vec![least, "`download_container` is of no use without `get_container`"],
        ),
        (json!([of(&["*"])]), vec![]),
        (json!([{"service": "registry", "scopes": ["upload_container"]}, {"service": "catalog"}]), vec![]),
    ] {
        assert_eq!(warnings(&specs(value.clone()), &catalogue), said, "{value}");
    }
}

#[test]
fn what_is_restricted_is_for_orgs_that_have_what_opens_it() {
    let catalogue = shipped();
    let asked = catalogue.service_named("catalog").unwrap();
    let with = |names: &[&str], labels: &[&str]| {
        unlocked(&catalogue, asked, labels, catalogue.services_named(names.iter().copied()))
    };
    assert!(with(&["catalog"], &[]));
    assert!(!with(&["catalog"], &["nvaie"]));
    assert!(with(&["catalog", "ai_enterprise"], &["nvaie"]));
    assert!(!with(&["catalog", "ai_enterprise"], &["nvaie", "unheard_of"]));
    let registry = catalogue.service_named("registry").unwrap();
    assert!(!unlocked(&catalogue, registry, &["nvaie"], catalogue.services_named(["registry", "ai_enterprise"])));
}

#[test]
fn a_key_is_granted_only_so_much() {
    let catalogue = shipped();
    let check = |value| KeyGrants::check(specs(value), &catalogue, "acme", KeyKind::Personal);
    let whole = json!({"service": "registry"});
    let scopes = |count: usize| json!([{"service": "registry", "scopes": vec!["get_container"; count]}]);
    let entities = |values: Vec<String>| json!([{"service": "registry", "entity_values": values}]);
    let short = |count: usize| entities((0..count).map(|number| format!("acme/app{number}")).collect());
    let long = |length: usize| format!("acme/{}", "a".repeat(length - 5));
    for (value, text) in [
        (json!(vec![whole.clone(); 33]), "a key has at most 32 grants; make several keys instead"),
        (scopes(65), "a grant names at most 64 scopes; make several keys instead"),
        (short(257), "a grant names at most 256 entities; make several keys instead"),
        (entities(vec![long(513)]), "an entity has at most 512 bytes; make several keys instead"),
        (entities(vec![long(105); 200]), "the grants of a key have at most 16 KiB together; make several keys instead"),
    ] {
        let error = check(value).unwrap_err();
        assert!(matches!(error, GrantError::TooMuch(_)), "{error}");
        assert_eq!(error.to_string(), text);
    }
    for value in [json!(vec![whole; 32]), scopes(64), short(256)] {
        check(value).unwrap();
    }
    // As long as a value may be here; how long a name may be, the pattern says.
    assert!(!matches!(check(entities(vec![long(512)])), Err(GrantError::TooMuch(_))));
}
