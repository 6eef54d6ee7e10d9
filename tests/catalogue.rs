//! The catalogue is data: an operator's own services, roles and scopes hold like the built-in ones, what the catalogue
//! forgets allows nothing, and everybody can see which catalogue holds.

use anyhow::{Context as _, Result};
use cardea_gateway::audit;
use cardea_simulate::people;
use cardea_store::audit::{Event, sealed_after};
use cardea_testkit::world;
use cardea_testkit::{Engine, Node, NodeBuilder, World, stories};
use serde_json::{Value, json};

stories! {
    a_service_of_ones_own_holds_from_apply_to_key_check,
    a_role_that_the_catalogue_lost_allows_nothing_until_it_is_replaced,
    the_catalogue_s_digest_is_shown_and_its_change_is_written_down,
}

/// What an operator wrote instead of the built-in catalogue; the services of the usual scene are there by name.
const PRESS: &str = "
version: 1
services:
  press:
    key_kinds: [personal, service]
    entity_types: {job: {}}
    scopes: {print_page: {}, print_poster: {requires: [print_page]}, empty_tray: {}, count_pages: {}}
    roles:
      printer: {scopes: ['print_*']}
      operator: {inherits: printer, scopes: [empty_tray], confers: {catalog: read}}
      auditor: {scopes: [count_pages]}
  registry:
    key_kinds: [personal]
    entity_types: {container: {}}
    scopes: {download_container: {}}
    roles: {admin: {scopes: ['*']}}
  catalog:
    key_kinds: [personal]
    entity_types: {container: {}}
    scopes: {get_container: {}}
    roles: {read: {scopes: [get_container]}}
  public_api_endpoints: {key_kinds: [personal], scopes: {invoke_endpoint: {}}, roles: {}}
";

/// The usual state, and the press: enabled, checked by the portal, and earned by Ana's group.
fn state(world: &World, role: &str) -> Value {
    let mut state = world::state(world.provider.issuer());
    for services in ["/accounts/0/org/services", "/clients/0/services"] {
        if let Some(list) = state.pointer_mut(services).and_then(Value::as_array_mut) {
            list.push(json!("press"));
        }
    }
    if let Some(rules) = state.pointer_mut("/accounts/0/rules").and_then(Value::as_array_mut) {
        let grants = json!([{"service": "press", "role": role}]);
        rules.push(json!({"name": "Press", "connection": "okta", "any_of": [{"equals": people::REGISTRY_ADMINS}],
            "grants": grants}));
    }
    state
}

async fn ask(world: &World, node: &Node, key: &str, service: &str, action: &str) -> Result<Value> {
    let question = json!({"key": key, "service": service, "action": action, "entity": "acme/thing"});
    let answer = world.ask(node, &question).await?.json();
    Ok(answer["reason"].as_str().map_or(answer["allowed"].clone(), |reason| json!(reason)))
}

async fn a_service_of_ones_own_holds_from_apply_to_key_check(engine: Engine) -> Result<()> {
    let world = World::with(engine, NodeBuilder::default().under(PRESS)).await?;
    let node = world.node();

    // A role that the service has not is named where it stands, and nothing is applied.
    let refused = node.apply(state(&world, "foreman")).await.err().context("a role that does not exist")?;
    let said = format!("{refused:?}");
    assert!(said.contains("rules[1].grants[0].role") && said.contains("`foreman`"), "{said}");

    node.apply(state(&world, "operator")).await?;
    node.catch_up().await?;
    let ana = world.sign_in("ana").await?;
    let me = ana.get("/api/v1/me").await?.body;
    assert!(me.contains("\"operator\""), "{me}");
    let key = ana.make_key("press", &["press", "catalog"]).await?.secret;

    // What the role inherits, matches, says and confers, and no more.
    for (service, action, expected) in [
        ("press", "print_page", json!(true)),
        ("press", "print_poster", json!(true)),
        ("press", "empty_tray", json!(true)),
        ("catalog", "get_container", json!(true)),
        ("press", "count_pages", json!("no_role")),
        ("press", "set_type", json!("unknown_action")),
        ("registry", "download_container", json!("service_not_granted")),
        ("secrets_manager", "read_secret", json!("unknown_service")),
    ] {
        assert_eq!(ask(&world, node, &key, service, action).await?, expected, "{service} {action}");
    }
    Ok(())
}

async fn a_role_that_the_catalogue_lost_allows_nothing_until_it_is_replaced(engine: Engine) -> Result<()> {
    let mut world = World::with(engine, NodeBuilder::default().under(PRESS)).await?;
    world.node().apply(state(&world, "operator")).await?;
    world.node().catch_up().await?;
    let key = world.sign_in("ana").await?.make_key("press", &["press"]).await?.secret;

    let operator = "      operator: {inherits: printer, scopes: [empty_tray], confers: {catalog: read}}\n";
    let lost = PRESS.replace(operator, "");
    let replaced = PRESS.replace(operator, "      operator: {replaced_by: printer}\n");
    let gone = PRESS.replace("  press:\n", "  mangle:\n");
    for (name, catalogue, print_page, empty_tray) in [
        ("two", lost, json!("no_role"), json!("no_role")),
        ("three", replaced, json!(true), json!("no_role")),
        ("four", gone, json!("unknown_service"), json!("unknown_service")),
    ] {
        assert_ne!(catalogue, PRESS, "{name}");
        world.add_node(NodeBuilder::default().named(name).under(&catalogue)).await?;
        let node = world.nodes.last().context("a node")?;
        assert_eq!(ask(&world, node, &key, "press", "print_page").await?, print_page, "{name}");
        assert_eq!(ask(&world, node, &key, "press", "empty_tray").await?, empty_tray, "{name}");
        // A grant that stands for nothing keeps nobody out.
        let browser = cardea_testkit::Browser::new(&node.url)?;
        assert_eq!(browser.sign_in("okta", "ana").await?.status, 200, "{name}");
    }
    Ok(())
}

/// The changes of the catalogue that were written down, the oldest first: digest, and the one before.
async fn changes(node: &Node) -> Result<Vec<(String, Value)>> {
    while audit::seal(&node.app).await? > 0 {}
    let sealed = sealed_after(&mut node.app.db.read().await?, 0, 10_000).await?;
    let told = sealed.into_iter().map(|sealed| sealed.event).filter(|event| event.action == "catalogue.changed");
    let read = |event: Event| {
        let detail: Value = serde_json::from_str(&event.detail)?;
        Ok((detail["digest"].as_str().context("a digest")?.to_owned(), detail["before"].clone()))
    };
    told.map(read).collect()
}

async fn digest(node: &Node) -> Result<String> {
    let health = cardea_testkit::Browser::new(&node.url)?.get("/healthz").await?.json();
    Ok(health["catalogue"].as_str().context("a digest")?.to_owned())
}

async fn the_catalogue_s_digest_is_shown_and_its_change_is_written_down(engine: Engine) -> Result<()> {
    let mut world = World::new(engine).await?;
    let built_in = digest(world.node()).await?;
    assert!(built_in.len() == 64 && built_in.bytes().all(|b| b.is_ascii_hexdigit()), "{built_in}");
    let first = (built_in.clone(), Value::Null);
    assert_eq!(changes(world.node()).await?, std::slice::from_ref(&first));

    // The same again, and the same in another order and with a comment: nothing to write down.
    world.add_node(NodeBuilder::default().named("two")).await?;
    assert_eq!(changes(world.node()).await?, std::slice::from_ref(&first));

    world.add_node(NodeBuilder::default().named("three").under(PRESS)).await?;
    let press = digest(world.nodes.last().context("a node")?).await?;
    assert_ne!(press, built_in);
    let reordered = PRESS.replace("version: 1\n", "# ours\n") + "version: 1\n";
    world.add_node(NodeBuilder::default().named("four").under(&reordered)).await?;
    assert_eq!(digest(world.nodes.last().context("a node")?).await?, press);
    assert_eq!(changes(world.node()).await?, [first, (press, json!(built_in))]);
    Ok(())
}
