//! Docker asks for a token: a key comes in, and out goes exactly what it may of what was asked.

mod asking;
mod programs;

use anyhow::{Context as _, Result, ensure};
use cardea_gateway::{audit, registry};
use cardea_model::Caller;
use cardea_store::audit::sealed_after;
use cardea_testkit::{Answer, Browser, Engine, MadeKey, Node, NodeBuilder, World, stories};
use cardea_tokens::jose;
use reqwest::Method;
use serde_json::{Value, json};

use crate::oauth::said;
pub(crate) use programs::free_address;

stories! {
    a_login_is_given_a_token_that_allows_nothing,
    what_a_key_may_is_granted_and_the_rest_is_left_out,
    a_key_that_does_not_hold_is_refused_with_and_without_a_scope,
    nobody_is_given_a_token_for_nothing,
    a_registry_of_one_account_takes_its_keys_and_lists_its_names,
    a_service_key_lists_nothing_where_the_catalogue_keeps_it_from_that,
    a_registry_chooses_how_its_tokens_name_their_key,
    many_nodes_at_once_make_one_authority,
}

/// The name that keys are shown under.
pub(crate) const USER: &str = "$oauthtoken";

/// Asks as docker does, with a key or without.
async fn ask(node: &Node, key: Option<&str>, query: &str) -> Result<Answer> {
    let mut request = Browser::new(&node.url)?.request(Method::GET, &format!("/token?{query}"));
    if let Some(key) = key {
        request = request.basic_auth(USER, Some(key));
    }
    Answer::read(request.send().await?).await
}

/// What the token in an answer says.
fn claims(answer: &Answer) -> Result<Value> {
    ensure!(answer.status == 200, "{} {}", answer.status, answer.body);
    said(answer.json()["token"].as_str().context("a token")?, 1)
}

/// What the token allows, as docker writes scopes.
fn allowed(answer: &Answer) -> Result<Vec<String>> {
    let claims = claims(answer)?;
    let written = claims["access"].as_array().context("access")?.iter().map(|access| {
        let actions: Vec<&str> = access["actions"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let text = |name: &str| access[name].as_str().unwrap_or_default().to_owned();
        format!("{}:{}:{}", text("type"), text("name"), actions.join(","))
    });
    Ok(written.collect())
}

/// The status and docker's word for what is wrong.
fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["errors"][0]["code"].as_str().unwrap_or_default().to_owned())
}

fn unauthorized() -> (u16, String) {
    (401, "UNAUTHORIZED".to_owned())
}

/// The events of tokens that were given: whose key, for which registry, what it allows.
async fn minted(node: &Node) -> Result<Vec<(String, String, Value)>> {
    while audit::seal(&node.app).await? > 0 {}
    let all = sealed_after(&mut node.app.db.read().await?, 0, 1000).await?;
    let of_tokens = all.into_iter().map(|sealed| sealed.event).filter(|event| event.action == "registry.token");
    of_tokens
        .map(|event| {
            let detail: Value = serde_json::from_str(&event.detail)?;
            Ok((event.actor, event.target, detail["access"].clone()))
        })
        .collect()
}

/// A service key of the org.
pub(crate) async fn service_key(owner: &Browser, name: &str, grants: Value) -> Result<MadeKey> {
    let wanted = json!({"name": name, "never": true, "grants": grants});
    let made = owner.send(Method::POST, "/api/v1/orgs/acme/service-keys", &wanted).await?;
    ensure!(made.status == 201, "{} {}", made.status, made.body);
    let text = |name: &str| made.json()[name].as_str().map(str::to_owned).context("a made key lacks a member");
    Ok(MadeKey { id: text("id")?, secret: text("secret")? })
}

/// A grant of the registry's containers.
pub(crate) fn containers(values: &[&str], scopes: &[&str]) -> Value {
    json!([{"service": "registry", "entity_type": "container", "entity_values": values, "scopes": scopes}])
}

/// Docker's login sends no scope, and is told that the key is good. No refresh token is given, whatever is asked for: docker
/// would keep it in the place of the key.
async fn a_login_is_given_a_token_that_allows_nothing(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let key = world.sign_in("ana").await?.make_key("laptop", &["registry"]).await?;
    let query = "account=%24oauthtoken&client_id=docker&offline_token=true&service=portal";
    let answer = ask(node, Some(&key.secret), query).await?;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let given = answer.json();
    let token = given["token"].as_str().context("a token")?;
    let now = node.app.clock.now();
    let issued_at = cardea_model::Timestamp::from_seconds(now.as_seconds()).to_string();
    assert_eq!(given, json!({"token": token, "access_token": token, "expires_in": 120, "issued_at": issued_at}));
    let (header, claims) = (said(token, 0)?, said(token, 1)?);
    let published = world.browser()?.get("/oauth2/jwks").await?.json();
    let es256 =
        published["keys"].as_array().into_iter().flatten().find(|key| key["alg"] == "ES256").context("a key")?;
    assert_eq!((&header["alg"], &header["typ"], &header["kid"]), (&json!("ES256"), &json!("JWT"), &es256["kid"]));
    assert_eq!(header["x5c"].as_array().map(Vec::len), Some(1), "{header}");
    let now = now.as_seconds();
    let expected = json!({"iss": node.url, "sub": format!("key:{}", key.id), "aud": "portal", "exp": now + 120, "nbf": now,
        "iat": now, "jti": claims["jti"], "access": []});
    assert_eq!(claims, expected);
    let another = said(ask(node, Some(&key.secret), query).await?.json()["token"].as_str().context("a token")?, 1)?;
    assert_ne!(claims["jti"], another["jti"]);
    // Each has its event, and says nothing of the key that would help anybody.
    assert_eq!(minted(node).await?, vec![(key.id.clone(), "portal".to_owned(), json!([])); 2]);
    // It is for the registry alone: no other door opens to it.
    assert_eq!(world.browser()?.request(Method::GET, "/api/v1/me").bearer_auth(token).send().await?.status(), 401);
    assert_eq!(crate::oauth::introspect(node, crate::oauth::PORTAL, token).await?, json!({"active": false}));
    assert!(jose::payload(token).is_some());
    Ok(())
}

/// What is not granted is no error: the token allows what is left, name by name, and never more than was asked for.
async fn what_a_key_may_is_granted_and_the_rest_is_left_out(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    let ana = world.sign_in("ana").await?.make_key("laptop", &["registry"]).await?;
    let reader =
        service_key(&owner, "reader", containers(&["acme/app", "acme/vision/*"], &["download_container"])).await?;
    let both = json!([
        containers(&["acme/one"], &["download_container"])[0],
        containers(&["acme/two"], &["upload_container"])[0]
    ]);
    let split = service_key(&owner, "split", both).await?;
    let elsewhere = owner.make_key("elsewhere", &["public_api_endpoints"]).await?;
    let host = node.url.trim_start_matches("http://");
    let with_host = format!("repository:{host}/acme/app:pull");
    for (key, scopes, expected) in [
        (&ana, &["repository:acme/app:pull,push"][..], &["repository:acme/app:pull,push"][..]),
        (&ana, &["repository:acme/app:delete"], &["repository:acme/app:delete"]),
        // A mount asks for two, and once more for the first.
        (
            &ana,
            &["repository:acme/vision/app:pull,push", "repository:acme/app:pull", "repository:acme/vision/app:delete"],
            &["repository:acme/vision/app:pull,push,delete", "repository:acme/app:pull"],
        ),
        (
            &ana,
            &["repository:acme/app:pull repository:acme/b:push"],
            &["repository:acme/app:pull", "repository:acme/b:push"],
        ),
        (&ana, &["repository:other/app:pull"], &[]),
        (&ana, &["repository:acme/*:pull", "repository:*:pull", "repository:acme/app:*"], &[]),
        (&ana, &["repository:acme/App:pull", "repository:acme/a/b/c:pull", "repository:acme:pull"], &[]),
        (&ana, &["repository:acme/../app:pull", "repository:acme/app%00:pull", "repository:acme/app/:pull"], &[]),
        (&ana, &[&with_host], &["repository:acme/app:pull"]),
        (&ana, &["repository:other.example:5000/acme/app:pull"], &[]),
        (&ana, &["repository(plugin):acme/app:pull"], &["repository:acme/app:pull"]),
        (&ana, &["artifact:acme/app:pull", "nonsense", "repository:acme/app"], &[]),
        // This registry has the names of every org.
        (&ana, &["registry:catalog:*"], &[]),
        (&reader, &["repository:acme/app:pull,push"], &["repository:acme/app:pull"]),
        (&reader, &["repository:acme/app2:pull"], &[]),
        (
            &reader,
            &["repository:acme/vision/app:pull", "repository:acme/vision:pull"],
            &["repository:acme/vision/app:pull"],
        ),
        // No cross product of grants.
        (
            &split,
            &["repository:acme/one:pull,push", "repository:acme/two:pull,push"],
            &["repository:acme/one:pull", "repository:acme/two:push"],
        ),
        (&elsewhere, &["repository:acme/app:pull"], &[]),
    ] {
        let mut query = url::form_urlencoded::Serializer::new("service=portal".to_owned());
        query.extend_pairs(scopes.iter().map(|scope| ("scope", scope)));
        let answer = ask(node, Some(&key.secret), &query.finish()).await?;
        assert_eq!(allowed(&answer)?, expected, "{scopes:?}");
    }
    // A service of the catalogue is a registry too, and is no more than that service.
    let catalog = world.sign_in("ana").await?.make_key("catalog", &["catalog"]).await?;
    for (service, key, expected) in [
        ("registry", &ana, &["repository:acme/vision/app:pull"][..]),
        ("catalog", &ana, &[]),
        ("catalog", &catalog, &["repository:acme/vision/app:pull"]),
        ("registry", &catalog, &[]),
    ] {
        let answer =
            ask(node, Some(&key.secret), &format!("service={service}&scope=repository:acme/vision/app:pull")).await?;
        assert_eq!(allowed(&answer)?, expected, "{service}");
        assert_eq!(claims(&answer)?["aud"], service);
    }
    let events = minted(node).await?;
    let mount = json!([{"type": "repository", "name": "acme/vision/app", "actions": ["pull", "push", "delete"]},
        {"type": "repository", "name": "acme/app", "actions": ["pull"]}]);
    assert_eq!(events.iter().filter(|(actor, _, access)| *actor == ana.id && *access == mount).count(), 1);
    assert_eq!(events.len(), 22);
    Ok(())
}

/// Whoever shows a key that does not hold is refused always, and docker's login with them.
async fn a_key_that_does_not_hold_is_refused_with_and_without_a_scope(engine: Engine) -> Result<()> {
    let mut world = World::new(engine).await?;
    world.add_node(NodeBuilder::default().named("two")).await?;
    let [one, two] = world.nodes.as_slice() else { anyhow::bail!("two nodes") };
    let ana = world.sign_in("ana").await?;
    let (laptop, off) = (ana.make_key("laptop", &["registry"]).await?, ana.make_key("off", &["registry"]).await?);
    ana.send(Method::PATCH, &format!("/api/v1/me/keys/{}", off.id), &json!({"active": false})).await?;
    let owner = world.sign_in_owner().await?;
    let robot = service_key(&owner, "robot", containers(&["acme/app"], &["download_container"])).await?;
    let login = "service=portal";
    let pull = "service=portal&scope=repository:acme/app:pull";
    let forged =
        format!("{}{}", &laptop.secret[..60], if laptop.secret.ends_with('0') { "1111111" } else { "0000000" });
    for key in [&forged, &off.secret, "", "x", "cdap_000000000000_00000000000000000000000000000000000000000002JmOGF"] {
        for query in [login, pull] {
            let answer = ask(one, Some(key), query).await?;
            assert_eq!(refusal(&answer), unauthorized(), "{key} {query}");
            assert!(answer.header("www-authenticate").starts_with("Basic"), "{:?}", answer.headers);
        }
    }
    for node in [one, two] {
        assert_eq!(allowed(&ask(node, Some(&laptop.secret), pull).await?)?, ["repository:acme/app:pull"]);
    }
    let before = minted(one).await?.len();
    // The owner shuts the door: from the answer on there is no token, on no node.
    let shut = owner.send(Method::POST, "/api/v1/orgs/acme/users/ana@corp.example/deactivate", &json!({})).await?;
    assert_eq!(shut.status, 200, "{}", shut.body);
    for query in [login, pull] {
        assert_eq!(refusal(&ask(one, Some(&laptop.secret), query).await?), unauthorized());
    }
    two.catch_up().await?;
    assert_eq!(refusal(&ask(two, Some(&laptop.secret), pull).await?), unauthorized());
    assert_eq!(minted(one).await?.len(), before);
    // The org's own key is nobody's, and lives on.
    assert_eq!(allowed(&ask(two, Some(&robot.secret), pull).await?)?, ["repository:acme/app:pull"]);
    Ok(())
}

/// Without a key there is no login, and whoever asks for something is given what is public: nothing.
async fn nobody_is_given_a_token_for_nothing(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    assert_eq!(refusal(&ask(node, None, "service=portal").await?), unauthorized());
    assert_eq!(refusal(&ask(node, None, "service=portal&scope=").await?), unauthorized());
    let anonymous = ask(node, None, "service=portal&scope=repository:acme/app:pull").await?;
    let said = claims(&anonymous)?;
    assert_eq!((&said["sub"], &said["access"]), (&json!(""), &json!([])));
    assert_eq!(minted(node).await?, []);
    Ok(())
}

/// The usual scene with a registry of acme's own, and one of another account.
async fn depots(engine: Engine, builder: NodeBuilder) -> Result<World> {
    let world = World::with(engine, builder).await?;
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    let client = |id: &str| json!([{"client_id": id, "name": id, "secret": "depot-secret", "services": ["registry"]}]);
    state["accounts"][0]["clients"] = client("depot");
    let other = json!({"name": "beta", "owner": {"email": "o@beta.test", "password": cardea_testkit::world::OWNER.1},
        "org": {"name": "beta", "kind": "enterprise", "services": ["registry"]}, "clients": client("shed")});
    state["accounts"].as_array_mut().context("accounts")?.push(other);
    world.node().apply(state).await?;
    world.node().catch_up().await?;
    Ok(world)
}

const LIST: &str = "scope=registry:catalog:*";

/// A registry that is one account's own has only names of its org, so whoever may list all of them may have the list.
async fn a_registry_of_one_account_takes_its_keys_and_lists_its_names(engine: Engine) -> Result<()> {
    let world = depots(engine, NodeBuilder::default()).await?;
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    let ana = world.sign_in("ana").await?.make_key("laptop", &["registry"]).await?;
    let lists = async |key: &MadeKey, service: &str| {
        let granted = allowed(&ask(node, Some(&key.secret), &format!("service={service}&{LIST}")).await?)?;
        ensure!(granted.is_empty() || granted == ["registry:catalog:*"], "{granted:?}");
        Ok(!granted.is_empty())
    };
    // The one that is everybody's has other people's names too. Called by the service, each account finds its own.
    for (service, expected) in [("depot", true), ("portal", false), ("registry", true)] {
        assert_eq!(lists(&ana, service).await?, expected, "{service}");
    }
    for (values, scope, expected) in [
        (&["acme/*", "acme/*/*"][..], "list_containers", true),
        (&["acme/*"], "list_containers", false),
        (&["acme/*/*"], "list_containers", false),
        (&["acme/app", "acme/vision/*"], "list_containers", false),
        (&["acme/*", "acme/*/*"], "download_container", false),
    ] {
        let robot = service_key(&owner, &format!("{values:?} {scope}"), containers(values, &[scope])).await?;
        assert_eq!(lists(&robot, "depot").await?, expected, "{values:?} {scope}");
    }
    // Another account's.
    for query in ["service=shed", "service=shed&scope=repository:acme/app:pull"] {
        assert_eq!(refusal(&ask(node, Some(&ana.secret), query).await?), unauthorized(), "{query}");
    }
    Ok(())
}

async fn a_service_key_lists_nothing_where_the_catalogue_keeps_it_from_that(engine: Engine) -> Result<()> {
    let open = include_str!("../config/catalogue.yaml");
    let kept = open.replace("service_key_denied_operations: []", "service_key_denied_operations: [cli_list]");
    ensure!(open != kept, "the catalogue has another form");
    let world = depots(engine, NodeBuilder::default().under(&kept)).await?;
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    let query = format!("service=depot&{LIST}");
    let robot = service_key(&owner, "robot", containers(&["acme/*", "acme/*/*"], &["list_containers"])).await?;
    assert_eq!(allowed(&ask(node, Some(&robot.secret), &query).await?)?, [""; 0]);
    let mine = owner.make_key("mine", &["registry"]).await?;
    assert_eq!(allowed(&ask(node, Some(&mine.secret), &query).await?)?, ["registry:catalog:*"]);
    Ok(())
}

async fn a_registry_chooses_how_its_tokens_name_their_key(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let old =
        json!({"client_id": "old", "name": "Old", "services": ["registry"], "kid_style": "libtrust", "x5c": false});
    crate::oauth::apply(&world, vec![old]).await?;
    let key = world.sign_in("ana").await?.make_key("laptop", &["registry"]).await?;
    let answer = ask(node, Some(&key.secret), "service=old").await?;
    let header = said(answer.json()["token"].as_str().context("a token")?, 0)?;
    let kid = header["kid"].as_str().context("a kid")?;
    assert_eq!((kid.len(), kid.split(':').count(), header.get("x5c")), (59, 12, None), "{header}");
    Ok(())
}

/// Two nodes that are asked at once agree on one authority, and tell registries the same ever after.
async fn many_nodes_at_once_make_one_authority(engine: Engine) -> Result<()> {
    let mut world = World::new(engine).await?;
    for name in ["two", "three"] {
        world.add_node(NodeBuilder::default().named(name)).await?;
    }
    let mut asked = tokio::task::JoinSet::new();
    for node in &world.nodes {
        let app = node.app.clone();
        asked.spawn(async move { registry::trust_bundle(&app, &app.ctx(Caller::System("test"))).await });
    }
    let mut roots = std::collections::HashSet::new();
    while let Some(bundle) = asked.join_next().await {
        let bundle = bundle??;
        let root = bundle.split_inclusive("-----END CERTIFICATE-----\n").next().context("a root")?.to_owned();
        // The authority, and the one key that signs.
        assert_eq!(bundle.matches("BEGIN CERTIFICATE").count(), 2, "{bundle}");
        roots.insert(root);
    }
    assert_eq!(roots.len(), 1);
    let app = &world.node().app;
    let nobody = registry::trust_bundle(app, &app.ctx(Caller::Nobody)).await;
    assert!(nobody.is_err());
    // The pair is sealed where it lies.
    let stored = cardea_store::setting::get(&mut app.db.read().await?, "registry.root").await?.context("stored")?;
    let sealed = cardea_tokens::hash::from_base64url(stored.split('.').next().unwrap_or_default()).context("sealed")?;
    assert!(jose::SigningKey::read(jose::Algorithm::Es256, &sealed).is_err());
    Ok(())
}
