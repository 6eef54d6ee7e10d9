//! Which entities a pattern names: every case of the table, from the form to the check.

use super::*;

stories! {
    every_pattern_names_what_the_table_says,
    grants_of_one_key_are_never_crossed,
    a_stored_grant_widens_nothing,
    a_team_s_role_reaches_that_team_only,
}

/// Two services of the same shape; in the second `org/*/*` reaches `org/name` too.
const SERVICES: &str = "
services:
  plain:
    key_kinds: [personal, service]
    entity_types: {container: {docker: repository}}
    publisher_orgs: [nim, nvidia]
    scopes: {get: {}, delete: {}}
    roles: {admin: {scopes: ['*']}}
  rooted:
    key_kinds: [personal, service]
    entity_types: {container: {docker: repository}}
    publisher_orgs: [nim, nvidia]
    team_wildcard_includes_root: true
    scopes: {get: {}, delete: {}}
    roles: {admin: {scopes: ['*']}}
";

/// Pattern, entity, whether `org/*/*` reaches `org/name`, and what comes of it.
const CASES: [(&str, &str, bool, &str); 56] = [
    ("acme/*", "acme/app", false, "allowed"),
    ("acme/*", "acme/team1/app", false, "entity_mismatch"),
    ("acme/*/*", "acme/team1/app", false, "allowed"),
    ("acme/*/*", "acme/app", false, "entity_mismatch"),
    ("acme/*/*", "acme/app", true, "allowed"),
    ("acme/*", "acme", false, "bad_entity"),
    ("acme/*", "acme/", false, "bad_entity"),
    ("acme/*/*", "acme/t/app/extra", false, "bad_entity"),
    ("acme/team1/*", "acme/team1/app", false, "allowed"),
    ("acme/team1/*", "acme/team2/app", false, "entity_mismatch"),
    ("acme/team1/*", "acme/team1", false, "entity_mismatch"),
    ("acme/team1/*", "acme/team1x/app", false, "entity_mismatch"),
    ("acme/team1", "acme/team1", false, "allowed"),
    ("acme/team1", "acme/team1/app", false, "entity_mismatch"),
    ("acme/team1/app", "acme/team1/app", false, "allowed"),
    ("acme/team1/app", "acme/team1/app2", false, "entity_mismatch"),
    ("nim/*/*", "nim/meta/llama-3.1-8b-instruct", false, "allowed"),
    ("nim/*/*", "nvidia/ace/x", false, "entity_mismatch"),
    ("nim/*/*", "nim-evil/meta/x", false, "entity_mismatch"),
    ("nvidia/ace/nemovision-4b-v2-instruct", "nvidia/ace/nemovision-4b-v2-instruct", false, "allowed"),
    ("nvidia/ace/nemovision-4b-v2-instruct", "nvidia/ace/nemovision-4b-v2", false, "entity_mismatch"),
    ("nvidia/*/*", "nvidia/pytorch", false, "entity_mismatch"),
    ("nvidia/*/*", "nvidia/pytorch", true, "allowed"),
    ("*", "acme/app", false, "refused"),
    ("*/*", "acme/app", false, "refused"),
    ("*/*/*", "acme/t/app", false, "refused"),
    ("acme/*/app", "acme/t/app", false, "refused"),
    ("acme/te*", "acme/team1", false, "refused"),
    ("acme/**", "acme/t/app", false, "refused"),
    ("acme", "acme/app", false, "refused"),
    ("", "acme/app", false, "refused"),
    ("/acme/*", "acme/app", false, "refused"),
    ("acme/", "acme/app", false, "refused"),
    ("acme//*", "acme//app", false, "refused"),
    ("Acme/*", "acme/app", false, "refused"),
    ("acme/*", "Acme/app", false, "bad_entity"),
    ("acme/*", "acme/App", false, "bad_entity"),
    ("acme/*", "acme/..", false, "bad_entity"),
    ("acme/*/*", "acme/../victim", false, "bad_entity"),
    ("acme/*/*", "acme/t/../../victim/x", false, "bad_entity"),
    ("acme/*", "acme/.", false, "bad_entity"),
    ("acme/*", "acme/%2e%2e", false, "bad_entity"),
    ("acme/*", "acme/a%2fb", false, "bad_entity"),
    ("acme/*", "acme/a\\b", false, "bad_entity"),
    ("acme/*", "acme/app\n", false, "bad_entity"),
    ("acme/*", "acme/app\0", false, "bad_entity"),
    ("acme/*", "acme/\u{430}pp", false, "bad_entity"),
    ("acme/*", "", false, "bad_entity"),
    ("acme/*", " acme/app", false, "bad_entity"),
    ("acme/*", "acme/app:1.0", false, "bad_entity"),
    ("acme/*", "acme/app@sha256:ab", false, "bad_entity"),
    ("acme/*", "acme/-app", false, "bad_entity"),
    ("acme/*", "acme/a..b", false, "bad_entity"),
    ("acme/*", "acme/a_b.c-d", false, "allowed"),
    ("acme/?", "acme/a", false, "refused"),
    ("acme/[a-z]*", "acme/app", false, "refused"),
];

/// The scene with both services.
async fn scene(engine: Engine) -> Result<World> {
    let built_in = include_str!("../../config/catalogue.yaml");
    let text = built_in.replacen("\nservices:\n", SERVICES, 1);
    let world = World::with(engine, cardea_testkit::NodeBuilder::default().under(&text)).await?;
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    let all = json!(["catalog", "registry", "public_api_endpoints", "plain", "rooted"]);
    state["accounts"][0]["org"]["services"] = all.clone();
    state["clients"][0]["services"] = all;
    world.node().apply(state).await?;
    world.node().catch_up().await?;
    Ok(world)
}

async fn asked(world: &World, key: &str, service: &str, action: &str, entity: &str) -> Result<String> {
    let question =
        json!({"key": key, "service": service, "action": action, "entity_type": "container", "entity": entity});
    let answer = world.ask(world.node(), &question).await?.json();
    Ok(answer["reason"].as_str().unwrap_or(if answer["allowed"] == true { "allowed" } else { "" }).to_owned())
}

/// All 56 cases of patterns and entities; a pattern that cannot be is refused when the key is made.
async fn every_pattern_names_what_the_table_says(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let owner = world.sign_in_owner().await?;
    for (number, (pattern, entity, rooted, expected)) in (1..).zip(CASES) {
        let service = if rooted { "rooted" } else { "plain" };
        let grants =
            json!([{"service": service, "entity_type": "container", "entity_values": [pattern], "scopes": ["get"]}]);
        let case = format!("case {number}: {pattern} {entity:?}");
        if expected == "refused" {
            let body = json!({"name": case, "never": true, "grants": grants});
            let refused = owner.send(Method::POST, SERVICE_KEYS, &body).await?;
            assert_eq!((refused.status, refused.code().as_str()), (422, "invalid_grant"), "{case} {}", refused.body);
            continue;
        }
        let key = make_service_key(&owner, &format!("case {number}"), grants).await?;
        assert_eq!(asked(&world, &key.secret, service, "get", entity).await?, expected, "{case}");
        let address = format!("{SERVICE_KEYS}/{}", key.id);
        assert_eq!(owner.send(Method::DELETE, &address, &Value::Null).await?.status, 204);
    }
    assert_eq!(owner.get(SERVICE_KEYS).await?.json()["keys"], json!([]));
    Ok(())
}

/// A key that may get x and delete y may not delete x.
async fn grants_of_one_key_are_never_crossed(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let owner = world.sign_in_owner().await?;
    let part = |action: &str, entity: &str| json!({"service": "plain", "entity_values": [entity], "scopes": [action]});
    let key = make_service_key(&owner, "two", json!([part("get", "acme/x"), part("delete", "acme/y")])).await?;
    for (action, entity, expected) in [
        ("get", "acme/x", "allowed"),
        ("delete", "acme/y", "allowed"),
        ("delete", "acme/x", "entity_mismatch"),
        ("get", "acme/y", "entity_mismatch"),
    ] {
        assert_eq!(asked(&world, &key.secret, "plain", action, entity).await?, expected, "{action} {entity}");
    }
    Ok(())
}

/// No scope is no access, and another org is refused when the key is made and, were it stored, at the check.
async fn a_stored_grant_widens_nothing(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let owner = world.sign_in_owner().await?;
    let of = |scopes: Value, value: &str| json!([{"service": "registry", "scopes": scopes, "entity_values": [value]}]);
    let (none, foreign) = (of(json!([]), "acme/*"), of(json!(["get_container"]), "victim/*"));
    for grants in [&none, &foreign] {
        let body = json!({"name": "x", "never": true, "grants": grants});
        let refused = owner.send(Method::POST, SERVICE_KEYS, &body).await?;
        assert_eq!((refused.status, refused.code().as_str()), (422, "invalid_grant"), "{}", refused.body);
    }
    let key = make_service_key(&owner, "ci", of(json!(["get_container"]), "acme/*")).await?;
    assert_eq!(asked(&world, &key.secret, "registry", "get_container", "acme/x").await?, "allowed");
    for (grants, entity, expected) in [
        (none, "acme/x", "action_not_granted"),
        (foreign, "victim/x", "entity_mismatch"),
        (json!([{"service": "attic", "scopes": ["get_container"]}]), "acme/x", "service_not_granted"),
        (of(json!(["attic", "get_container"]), "acme/*"), "acme/x", "allowed"),
    ] {
        store_grants(world.node(), &key.id, &grants).await?;
        assert_eq!(asked(&world, &key.secret, "registry", "get_container", entity).await?, expected, "{grants}");
    }
    // A team that has ended keeps its name, so a key that names it never reaches another one.
    let team = "/api/v1/orgs/acme/teams/vision";
    assert_eq!(owner.send(Method::DELETE, team, &Value::Null).await?.status, 204);
    let again = owner.send(Method::POST, "/api/v1/orgs/acme/teams", &json!({"name": "vision"})).await?;
    assert_eq!((again.status, again.code().as_str()), (409, "team_name_ended"));
    Ok(())
}

/// Whoever has a role in one team reaches no other by a key for all, and a key for a team does not reach the org.
async fn a_team_s_role_reaches_that_team_only(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let ana = world.sign_in("ana").await?;
    let make = async |name: &str, services: Value| {
        let body = json!({"name": name, "never": true, "services": services});
        let made = ana.send(Method::POST, "/api/v1/me/keys", &body).await?;
        assert_eq!(made.status, 201, "{}", made.body);
        anyhow::Ok(made.json()["secret"].as_str().unwrap_or_default().to_owned())
    };
    let wide = make("wide", json!([{"service": "catalog", "entity_values": ["acme/*", "acme/*/*"]}])).await?;
    for (entity, expected) in [
        ("acme/vision/x", "allowed"),
        ("acme/team2/x", "no_role"),
        ("acme/x", "no_role"),
        // A publisher's folder with the team's name is not the team.
        ("nim/vision/x", "entity_mismatch"),
    ] {
        assert_eq!(asked(&world, &wide, "catalog", "get_container", entity).await?, expected, "{entity}");
    }
    let narrow = make("narrow", json!([{"service": "registry", "entity_values": ["acme/vision/*"]}])).await?;
    for (entity, expected) in [("acme/vision/app", "allowed"), ("acme/app", "entity_mismatch")] {
        assert_eq!(asked(&world, &narrow, "registry", "get_container", entity).await?, expected, "{entity}");
    }
    Ok(())
}
