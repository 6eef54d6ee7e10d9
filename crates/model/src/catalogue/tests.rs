mod expansion;

use super::*;
use serde_json::{Value, json};

/// The catalogue that the binary has built in.
const SHIPPED: &str = include_str!("../../../../config/catalogue.yaml");

pub(crate) fn shipped_document() -> Document {
    serde_saphyr::from_str(SHIPPED).unwrap()
}

pub(crate) fn shipped() -> Catalogue {
    Catalogue::compile(&shipped_document()).unwrap()
}

/// The errors of the shipped catalogue after a change of its JSON form.
fn errors_after(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut value = serde_json::to_value(shipped_document()).unwrap();
    change(&mut value);
    let document: Document = serde_json::from_value(value).unwrap();
    let errors = Catalogue::compile(&document).map_or_else(|errors| errors, |_| Vec::new());
    errors.iter().map(ToString::to_string).collect()
}

fn scopes_of(catalogue: &Catalogue, service: &str, role: &str) -> BTreeMap<String, Vec<String>> {
    let names = |(index, set): &(ServiceIndex, ScopeSet)| {
        let service = catalogue.service(*index).unwrap();
        (service.name.to_string(), service.names_of(*set).map(str::to_owned).collect())
    };
    catalogue.role_named(service, role).unwrap().reach.iter().map(names).collect()
}

#[test]
fn the_shipped_catalogue_is_good_and_says_what_the_product_says() {
    let catalogue = shipped();
    let names: Vec<_> = catalogue.services().map(|(_, service)| &*service.name).collect();
    assert_eq!(
        names,
        [
            "ai_enterprise",
            "catalog",
            "cloud_functions",
            "gateway",
            "public_api_endpoints",
            "registry",
            "secrets_manager"
        ]
    );
    assert_eq!(*catalogue.limits(), Limits::default());
    assert_eq!(catalogue.notifications().len(), 4);

    let catalog = catalogue.service(catalogue.service_named("catalog").unwrap()).unwrap();
    assert_eq!(
        (catalog.team_wildcard, catalog.default_on.as_slice()),
        (TeamWildcard::TeamsAndRoot, &[OrgKind::Individual][..])
    );
    assert!(catalog.serves("acme", "acme") && catalog.serves("acme", "nim") && !catalog.serves("acme", "victim"));
    assert_eq!(catalog.minimum.len(), 2);
    assert_eq!(catalog.scope_named("List Container"), catalog.scope_named("list_containers"));
    assert!(catalog.scope_named("list container").is_none());
    let download = &catalog.scopes[usize::from(catalog.scope_named("download_container").unwrap().0)];
    assert_eq!(download.docker, [DockerAction::Pull]);
    assert_eq!(catalog.names_of(download.requires).collect::<Vec<_>>(), ["get_container"]);
    assert!(catalog.entity_types[usize::from(catalog.entity_type_named("container").unwrap().0)].docker_repository);
    assert_eq!(catalog.only_entity_type(), None);

    let functions = catalogue.service(catalogue.service_named("cloud_functions").unwrap()).unwrap();
    assert_eq!((&*functions.title, functions.team_wildcard), ("Cloud functions", TeamWildcard::TeamsOnly));
    assert_eq!(functions.only_entity_type(), functions.entity_type_named("function"));
    let premium = catalogue.service(catalogue.service_named("ai_enterprise").unwrap()).unwrap();
    let unlock = premium.unlocks.as_ref().unwrap();
    assert_eq!((Some(unlock.service), &*unlock.label), (catalogue.service_named("catalog"), "nvaie"));
}

#[test]
fn roles_reach_what_they_inherit_match_and_confer() {
    let catalogue = shipped();
    let viewer = ["download_container", "get_artifact", "get_container", "list_artifacts", "list_containers"];
    let user = ["update_artifact", "update_container", "upload_artifact", "upload_container"];
    let admin = ["delete_artifact", "delete_container"];
    let sorted = |parts: &[&[&str]]| {
        let mut names: Vec<String> = parts.concat().into_iter().map(str::to_owned).collect();
        names.sort();
        BTreeMap::from([("registry".to_owned(), names)])
    };
    assert_eq!(scopes_of(&catalogue, "registry", "viewer"), sorted(&[&viewer]));
    assert_eq!(scopes_of(&catalogue, "registry", "user"), sorted(&[&viewer, &user]));
    assert_eq!(scopes_of(&catalogue, "registry", "admin"), sorted(&[&viewer, &user, &admin]));
    assert_eq!(scopes_of(&catalogue, "ai_enterprise", "viewer"), scopes_of(&catalogue, "catalog", "read"));
    let functions = catalogue.service(catalogue.service_named("cloud_functions").unwrap()).unwrap();
    assert_eq!(scopes_of(&catalogue, "cloud_functions", "admin")["cloud_functions"].len(), functions.scopes.len());
    assert!(catalogue.role_named("registry", "read").is_none() && catalogue.role_named("nowhere", "read").is_none());
}

/// Where in the catalogue, what is written there instead (JSON), and what is said of it.
const FAULTS: [(&str, &str, &str); 45] = [
    ("/version", "2", "`version` is 2; this program reads 1"),
    ("/builtin_roles/user_admin/permissions", r#"["users.read"]"#, "`builtin_roles` cannot be changed"),
    ("/entity_grammar/depth", "[1, 2]", "`entity_grammar` cannot be changed"),
    ("/limits/org_owners", "0", "`limits.org_owners` is 0"),
    ("/limits/invitation_default", r#""31d""#, "`limits.invitation_min` to `invitation_max` is 5m to 30d"),
    ("/limits/share_min", r#""2d""#, "`limits.share_min` to `share_max` is 2d to 1d"),
    ("/notifications", r#"["news", "Weather Report"]"#, "`notifications[1]` is no name: `Weather Report`"),
    ("/notifications", r#"["news", "news"]"#, "`notifications[1]` names `news` again"),
    ("/services/registry/title", r#""a\u0000b""#, "`services.registry.title` must be 1 to 120 bytes"),
    (
        "/services/registry/key_kinds",
        r#"["personal", "legacy"]"#,
        "`services.registry.key_kinds[1]` is `legacy`, which",
    ),
    (
        "/services/registry/key_kinds",
        r#"["service", "service"]"#,
        "`services.registry.key_kinds[1]` names `service` again",
    ),
    ("/services/ai_enterprise/default_on", r#"["individual"]"#, "`services.ai_enterprise.default_on` has `individual`"),
    ("/services/catalog/default_on", r#"["individual", "individual"]"#, "`services.catalog.default_on[1]` names"),
    (
        "/services/catalog/publisher_orgs",
        r#"["NIM"]"#,
        "`services.catalog.publisher_orgs[0]` is `NIM`, which cannot be",
    ),
    ("/services/catalog/publisher_orgs", r#"["nim", "nim"]"#, "`services.catalog.publisher_orgs[1]` names `nim` again"),
    (
        "/services/registry/service_key_denied_operations",
        r#"["cli list"]"#,
        "denied_operations[0]` is no name: `cli list`",
    ),
    (
        "/services/registry/roles/user/inherits",
        r#""viewr""#,
        "roles.user.inherits` is `viewr`, which is no role of this",
    ),
    ("/services/registry/roles/user/inherits", r#""read""#, "roles.user.inherits` is `read`, which is no role of this"),
    ("/services/registry/roles/viewer/inherits", r#""admin""#, "roles.user.inherits` comes back to the role itself"),
    ("/services/registry/roles/viewer/inherits", r#""viewer""#, "roles.viewer.inherits` comes back to the role itself"),
    (
        "/services/registry/roles/user/scopes",
        r#"["upload_*", "rename_*"]"#,
        "`services.registry.roles.user.scopes[1]` is `rename_*`, which is no scope of this service",
    ),
    (
        "/services/registry/roles/user/scopes",
        r#"["upload_container", "*_artifact"]"#,
        "scopes[1]` is `*_artifact`, which",
    ),
    ("/services/registry/roles/user/scopes", r#"["upload"]"#, "roles.user.scopes[0]` is `upload`, which is no scope"),
    ("/services/registry/roles/user/scopes", r#"["upload_*", "upload_*"]"#, "user.scopes[1]` names `upload_*` again"),
    (
        "/services/catalog/roles/read/scopes",
        r#"["List Container"]"#,
        "roles.read.scopes[0]` is `List Container`, which",
    ),
    (
        "/services/registry/roles/viewer/replaced_by",
        r#""user""#,
        "`services.registry.roles.viewer` is replaced and so has no",
    ),
    (
        "/services/registry/scopes/get_artifact/docker",
        r#"["mount"]"#,
        "get_artifact.docker[0]` is `mount`, which is no docker",
    ),
    (
        "/services/registry/scopes/get_artifact/requires",
        r#"["peek"]"#,
        "get_artifact.requires[0]` is `peek`, which is no scope",
    ),
    (
        "/services/registry/scopes/get_artifact/requires",
        r#"["get_artifact"]"#,
        "get_artifact.requires` names the scope itself",
    ),
    (
        "/services/catalog/scopes/get_artifact/aliases",
        r#"["List Container"]"#,
        "aliases[0]` is `List Container`, which is taken",
    ),
    (
        "/services/catalog/scopes/get_artifact/aliases",
        r#"["get_container"]"#,
        "aliases[0]` is `get_container`, which is taken",
    ),
    (
        "/services/catalog/minimum",
        r#"[["get_container", "peek"]]"#,
        "`services.catalog.minimum[0][1]` is `peek`, which is no",
    ),
    ("/services/catalog/minimum", r#"[["get_container"], []]"#, "`services.catalog.minimum[1]` is empty"),
    (
        "/services/catalog/entity_types/model/docker",
        r#""blob""#,
        "entity_types.model.docker` is `blob`, which is no type",
    ),
    (
        "/services/ai_enterprise/roles/viewer/confers",
        r#"{"catalog": "write"}"#,
        "confers.catalog` is `write`, which is no role",
    ),
    (
        "/services/ai_enterprise/roles/viewer/confers",
        r#"{"katalog": "read"}"#,
        "confers.katalog` is `katalog`, which is no",
    ),
    ("/services/ai_enterprise/unlocks/service", r#""katalog""#, "unlocks.service` is `katalog`, which is no service"),
    ("/services/ai_enterprise/unlocks/service", r#""ai_enterprise""#, "unlocks.service` is the service itself"),
    ("/services/ai_enterprise/unlocks/label", r#""NV AIE""#, "unlocks.label` is no name: `NV AIE`"),
    (
        "/services/registry/recipes/list-push-pull/entity_type",
        r#""model""#,
        "entity_type` is `model`, which is no entity type",
    ),
    (
        "/services/registry/recipes/list-push-pull/scopes",
        r#"["pull"]"#,
        "list-push-pull.scopes[0]` is `pull`, which is no scope",
    ),
    ("/services/registry/recipes/list-push-pull/entity_values", r#"["*/{org}"]"#, "is `*/{org}`: the org of a pattern"),
    (
        "/services/registry/recipes/list-push-pull/entity_values",
        r#"["nim/*"]"#,
        "is `nim/*`: the org is neither `{org}` nor",
    ),
    (
        "/services/registry/recipes/Push",
        r#"{"entity_type": "container", "entity_values": [], "scopes": []}"#,
        "recipes.Push` is no",
    ),
    ("/services/registry/roles/admin/title", r#""""#, "`services.registry.roles.admin.title` must be 1 to 120 bytes"),
];

#[test]
fn every_fault_is_found_and_said() {
    for (pointer, value, expected) in FAULTS {
        let value: Value = serde_json::from_str(value).unwrap();
        let errors = errors_after(|catalogue| {
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            catalogue.pointer_mut(parent).unwrap()[field] = value;
        });
        assert!(errors.iter().any(|error| error.contains(expected)), "{pointer}: {errors:?}");
    }
    assert_eq!(errors_after(|_| {}), Vec::<String>::new());
}

#[test]
fn names_that_would_not_fit_elsewhere_are_refused() {
    let errors = errors_after(|catalogue| {
        let services = &mut catalogue["services"];
        services["Upper"] = json!({});
        services["registry"]["scopes"]["get it"] = json!({});
        services["registry"]["roles"]["owner"] = json!({"scopes": ["get_*"]});
        services["registry"]["entity_types"][""] = json!({});
    });
    let places: Vec<_> = errors.iter().filter_map(|error| error.split('`').nth(1)).collect();
    assert_eq!(
        places,
        [
            "services.Upper",
            "services.registry.entity_types.",
            "services.registry.roles.owner",
            "services.registry.scopes.get it",
        ]
    );
}

#[test]
fn a_set_has_64_places_and_not_one_more() {
    for (count, good) in [(64, true), (65, false), (300, false)] {
        let errors = errors_after(|catalogue| {
            let many: serde_json::Map<_, _> = (0..count).map(|n| (format!("s{n}"), json!({}))).collect();
            catalogue["services"]["gateway"]["scopes"] = Value::Object(many);
        });
        assert_eq!(errors.is_empty(), good, "{errors:?}");
        let errors = errors_after(|catalogue| {
            let many: serde_json::Map<_, _> = (0..count).map(|n| (format!("s{n}"), json!({}))).collect();
            catalogue["services"] = Value::Object(many);
        });
        assert_eq!(errors.is_empty(), good, "{errors:?}");
    }
    let last = ScopeIndex(63);
    assert!(ScopeSet::NONE.with(last).has(last) && !ScopeSet::EVERY.has(ScopeIndex(64)) && ScopeSet::NONE.is_empty());
    assert!(!ServiceSet::NONE.with(ServiceIndex(64)).has(ServiceIndex(64)));
}

#[test]
fn unknown_fields_are_refused() {
    for (pointer, field) in [
        ("", "servces"),
        ("/services/registry", "role"),
        ("/services/registry/roles/user", "scope"),
        ("/limits", "owners"),
    ] {
        let mut value = serde_json::to_value(shipped_document()).unwrap();
        value.pointer_mut(pointer).unwrap()[field] = json!(1);
        let error = serde_json::from_value::<Document>(value).unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
}

#[test]
fn what_nothing_has_comes_with_what_there_is() {
    let mut document = shipped_document();
    let registry = document.services.get_mut("registry").unwrap();
    registry.roles.get_mut("user").unwrap().scopes = vec!["rename_*".to_owned()];
    let errors = Catalogue::compile(&document).unwrap_err();
    let unknown = errors[0].unknown.as_ref().unwrap();
    assert_eq!((errors.len(), unknown.name.as_str()), (1, "rename_*"));
    assert_eq!(unknown.known, ["delete_*", "download_*", "get_*", "list_*", "update_*", "upload_*"]);
}

#[test]
fn a_catalogue_says_no_more_than_it_must() {
    let mut value = serde_json::to_value(shipped_document()).unwrap();
    let whole = serde_json::from_value::<Document>(value.clone()).unwrap().canonical();
    for part in ["builtin_roles", "entity_grammar", "limits"] {
        value.as_object_mut().unwrap().remove(part);
    }
    let short: Document = serde_json::from_value(value).unwrap();
    assert_eq!(short.canonical(), whole);
    assert_eq!(Catalogue::compile(&short).unwrap().canonical(), whole);
}

#[test]
fn a_hostile_catalogue_is_refused_at_once() {
    let errors_with = |roles: Value, services: &[(&str, Value)]| {
        errors_after(|catalogue| {
            catalogue["services"]["registry"]["roles"] = roles;
            for (name, service) in services {
                catalogue["services"][*name] = service.clone();
            }
        })
    };
    // A chain of very many roles.
    let mut chain: serde_json::Map<_, _> =
        (1..30_000).map(|number| (format!("r{number}"), json!({"inherits": format!("r{}", number - 1)}))).collect();
    chain.insert("r0".to_owned(), json!({"scopes": ["get_*"]}));
    assert_eq!(errors_with(Value::Object(chain), &[]), ["`services` has more than 1024 roles in all"]);
    // Names of a hundred thousand characters, one of them NUL.
    let long = "x".repeat(100_000);
    let service = json!({
        "scopes": {(&*long): {"requires": [&long, "\0", &long]}},
        "roles": {"": {"inherits": &long, "scopes": vec!["y"; 100_000]}}
    });
    let errors = errors_with(json!({}), &[(&long, service)]);
    let text: String = errors.concat();
    assert!(errors.len() == 1_000 && text.len() < 200_000 && !text.contains('\0'), "{text}");
}

#[test]
fn a_role_in_use_is_replaced_not_removed() {
    let mut value = serde_json::to_value(shipped_document()).unwrap();
    value["services"]["registry"]["roles"]["pusher"] = json!({"replaced_by": "publisher"});
    value["services"]["registry"]["roles"]["publisher"] = json!({"replaced_by": "user"});
    let catalogue = Catalogue::compile(&serde_json::from_value(value).unwrap()).unwrap();
    assert_eq!(scopes_of(&catalogue, "registry", "pusher"), scopes_of(&catalogue, "registry", "user"));
    let Standing::Replaced { by, role } = catalogue.standing("registry", "pusher") else { panic!("not replaced") };
    assert_eq!((by, &*role.title), ("user", "User"));
    assert!(matches!(catalogue.standing("registry", "user"), Standing::Role(role) if &*role.title == "User"));

    let granted = |service: &str, role: &str, by_rules, by_hand| GrantedRole {
        service: service.to_owned(),
        role: role.to_owned(),
        by_rules,
        by_hand,
    };
    let all = || {
        [
            granted("registry", "pusher", 1, 0),
            granted("registry", "user", 1, 1),
            granted("registry", "pusher", 2, 5),
            granted("gateway", "user_admin", 1, 0),
            granted("attic", "viewer", 0, 7),
        ]
    };
    let said =
        |catalogue: &Catalogue| -> Vec<String> { catalogue.forgotten(all()).iter().map(ToString::to_string).collect() };
    let attic = "`services.attic.roles.viewer` is gone but still granted (by rules: 0, by hand: 7); it allows nothing \
                 until it says `replaced_by`";
    assert_eq!(said(&catalogue), [attic]);
    let pusher = "`services.registry.roles.pusher` is gone but still granted (by rules: 3, by hand: 5); it allows nothing \
                  until it says `replaced_by`";
    assert_eq!(said(&shipped()), [attic, pusher]);
    assert!(matches!(shipped().standing("registry", "pusher"), Standing::Unknown));
    assert!(matches!(shipped().standing("attic", "viewer"), Standing::Unknown));
}

#[test]
fn the_canonical_bytes_tell_content_from_layout() {
    let document = shipped_document();
    let reordered: Document = serde_json::from_slice(&document.canonical()).unwrap();
    assert_eq!(reordered.canonical(), document.canonical());
    let mut changed = document.clone();
    changed.services.get_mut("registry").unwrap().external_ok = false;
    assert_ne!(changed.canonical(), document.canonical());
}
