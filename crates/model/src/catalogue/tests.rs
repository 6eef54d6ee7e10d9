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
const FAULTS: [(&str, &str, &str); 27] = [
    ("/version", r#"2"#, "`version` is 2; this program reads 1"),
    ("/builtin_roles/user_admin/permissions", r#"["users.read"]"#, "`builtin_roles` cannot be changed"),
    ("/entity_grammar/depth", r#"[1, 2]"#, "`entity_grammar` cannot be changed"),
    ("/limits/org_owners", r#"0"#, "`limits.org_owners` is 0"),
    ("/limits/invitation_default", r#""31d""#, "`limits.invitation_min` to `invitation_max` is 5m to 30d"),
    ("/limits/share_min", r#""2d""#, "`limits.share_min` to `share_max` is 2d to 1d"),
    ("/notifications", r#"["Weather Report"]"#, "`notifications` has the name `Weather Report`"),
    ("/services/registry/roles/user/inherits", r#""viewr""#, "names the role `viewr`, which this service has not"),
    ("/services/registry/roles/viewer/inherits", r#""admin""#, "comes back to itself"),
    ("/services/registry/roles/viewer/inherits", r#""viewer""#, "comes back to itself"),
    ("/services/registry/roles/user/scopes", r#"["upload_*", "rename_*"]"#, "has `rename_*`, which is no scope"),
    (
        "/services/registry/roles/user/scopes",
        r#"["upload_container", "*_artifact"]"#,
        "has `*_artifact`, which is no scope",
    ),
    ("/services/registry/roles/user/scopes", r#"["upload"]"#, "has `upload`, which is no scope"),
    ("/services/registry/roles/viewer/replaced_by", r#""user""#, "is replaced and so has nothing of its own"),
    ("/services/registry/scopes/get_artifact/docker", r#"["mount"]"#, "has the docker action `mount`"),
    (
        "/services/registry/scopes/get_artifact/requires",
        r#"["peek"]"#,
        "`services.registry.scopes.get_artifact.requires` names `peek`",
    ),
    (
        "/services/catalog/scopes/get_artifact/aliases",
        r#"["List Container"]"#,
        "has the alias `List Container`, which is taken",
    ),
    (
        "/services/catalog/scopes/get_artifact/aliases",
        r#"["get_container"]"#,
        "has the alias `get_container`, which is taken",
    ),
    ("/services/catalog/minimum", r#"[["get_container", "peek"]]"#, "`services.catalog.minimum` names `peek`"),
    ("/services/catalog/minimum", r#"[[]]"#, "`services.catalog.minimum` has an empty set"),
    ("/services/catalog/publisher_orgs", r#"["NIM"]"#, "has `NIM`, which cannot be an org"),
    ("/services/catalog/entity_types/model/docker", r#""blob""#, "has a docker type other than `repository`"),
    (
        "/services/ai_enterprise/roles/viewer/confers",
        r#"{"catalog": "write"}"#,
        "confers `write` of `catalog`, which does not exist",
    ),
    ("/services/ai_enterprise/unlocks/service", r#""katalog""#, "names `katalog`, which is no service"),
    ("/services/registry/recipes/list-push-pull/entity_type", r#""model""#, "names `model`, which is no entity type"),
    (
        "/services/registry/recipes/list-push-pull/scopes",
        r#"["pull"]"#,
        "names `pull`, which is no scope of this service",
    ),
    (
        "/services/registry/recipes/list-push-pull/entity_values",
        r#"["*/{org}"]"#,
        "has the entity `*/{org}`: the org of a pattern",
    ),
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
    assert_eq!(errors.len(), 4, "{errors:?}");
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
fn a_role_in_use_is_replaced_not_removed() {
    let mut value = serde_json::to_value(shipped_document()).unwrap();
    value["services"]["registry"]["roles"]["pusher"] = json!({"replaced_by": "user"});
    let catalogue = Catalogue::compile(&serde_json::from_value(value).unwrap()).unwrap();
    assert_eq!(scopes_of(&catalogue, "registry", "pusher"), scopes_of(&catalogue, "registry", "user"));
    let granted = [("registry", "pusher"), ("registry", "user")];
    assert_eq!(catalogue.forgotten(granted), []);
    let errors = shipped().forgotten(granted.into_iter().chain([("registry", "pusher"), ("attic", "viewer")]));
    let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "`services.attic.roles.viewer` is missing but still granted; keep it with `replaced_by`",
            "`services.registry.roles.pusher` is missing but still granted; keep it with `replaced_by`",
        ]
    );
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
