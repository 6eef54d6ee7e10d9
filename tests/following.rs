//! Services in other processes remember answers, and forget them as soon as a node of the gateway would.

mod service;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cardea_gateway::feed::listeners;
use cardea_testkit::world::PORTAL_SECRET;
use cardea_testkit::{Answer, Browser, Engine, Node, NodeBuilder, World, stories};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::bounds::Deaf;

stories! {
    whoever_follows_hears_what_has_changed,
    what_may_be_kept_says_what_it_rests_on,
    an_account_s_client_hears_of_its_own_people_only,
    a_feed_is_for_clients_that_check_keys,
    a_stream_ends_with_its_client_and_with_its_node,
    a_node_that_cannot_hear_says_nothing,
}

/// Nothing on a working line takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> Result<T> {
    tokio::time::timeout(PATIENCE, future).await.with_context(|| what.to_owned())
}

/// A stream of the feed.
struct Stream {
    response: Response,
    rest: String,
}

impl Stream {
    async fn ask(node: &Node, client: &str, secret: &str) -> Result<Response> {
        let request = Browser::new(&node.url)?.request(Method::GET, "/api/v1/keys/feed");
        soon("an answer", request.basic_auth(client, Some(secret)).send()).await?.context("the feed")
    }

    async fn open(node: &Node, client: &str) -> Result<Self> {
        let response = Self::ask(node, client, PORTAL_SECRET).await?;
        ensure!(response.status() == 200, "{client}: {}", response.status());
        let said = ["content-type", "cache-control", "x-accel-buffering"].map(|name| response.headers()[name].to_str());
        assert_eq!(said.map(Result::unwrap_or_default), ["text/event-stream", "no-store", "no"]);
        Ok(Self { response, rest: String::new() })
    }

    /// The next event and its data; nothing at the end.
    async fn next(&mut self) -> Result<Option<(String, Value)>> {
        loop {
            if let Some((event, rest)) = self.rest.split_once("\n\n") {
                let (name, data) = event.split_once('\n').context("an event of two lines")?;
                let name = name.strip_prefix("event: ").context("a name")?.to_owned();
                let data = serde_json::from_str(data.strip_prefix("data: ").context("data")?)?;
                self.rest = rest.to_owned();
                return Ok(Some((name, data)));
            }
            match soon("the feed is silent", self.response.chunk()).await?? {
                Some(piece) => self.rest.push_str(&String::from_utf8_lossy(&piece)),
                None => return Ok(None),
            }
        }
    }

    /// The next thing that is to be dropped; nothing at the end.
    async fn dropped(&mut self) -> Result<Option<Value>> {
        loop {
            match self.next().await? {
                Some((name, data)) if name == "drop" => return Ok(Some(data)),
                Some((name, data)) => ensure!(name == "alive" || name == "hello", "{name} {data}"),
                None => return Ok(None),
            }
        }
    }
}

/// The usual question, from whoever would keep the answer.
fn question(key: &str) -> Value {
    json!({"key": key, "service": "registry", "action": "download_container", "entity_type": "container",
        "entity": "acme/app", "keep": true})
}

async fn deactivate(owner: &Browser, person: &str) -> Result<()> {
    let path = format!("/api/v1/orgs/acme/users/{person}@corp.example/deactivate");
    let shut = owner.send(Method::POST, &path, &json!({})).await?;
    ensure!(shut.status == 200, "{}", shut.body);
    Ok(())
}

async fn set_active(holder: &Browser, id: &str, active: bool) -> Result<()> {
    let changed = holder.send(Method::PATCH, &format!("/api/v1/me/keys/{id}"), &json!({"active": active})).await?;
    ensure!(changed.status == 200, "{}", changed.body);
    Ok(())
}

async fn id_of(browser: &Browser) -> Result<Value> {
    Ok(browser.get("/api/v1/me").await?.json()["user"]["id"].clone())
}

async fn whoever_follows_hears_what_has_changed(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, owner, ana) = (world.node(), world.sign_in_owner().await?, world.sign_in("ana").await?);
    let key = ana.make_key("laptop", &["registry"]).await?;
    let unasked = owner.make_key("unasked", &["registry"]).await?;
    node.catch_up().await?;
    let mut stream = Stream::open(node, "portal").await?;
    let (name, hello) = stream.next().await?.context("a first word")?;
    let expected = json!({"bound_ms": 1000, "position": node.app.feed.tail(), "node": node.app.feed.node.to_string()});
    assert_eq!((name.as_str(), hello), ("hello", expected));
    let (name, alive) = stream.next().await?.context("a sign of life")?;
    assert_eq!((name.as_str(), &alive["at_ms"]), ("alive", &json!(0)));
    assert!(alive["age_ms"].as_u64().is_some_and(|age| age <= 1000), "{alive}");
    // Of whom nobody has asked this node about, nobody has kept anything.
    set_active(&owner, &unasked.id, false).await?;
    node.catch_up().await?;
    for secret in [&key.secret, &unasked.secret] {
        world.ask(node, &question(secret)).await?;
        node.catch_up().await?;
    }
    set_active(&ana, &key.id, false).await?;
    assert_eq!(stream.dropped().await?, Some(json!({"key": key.id})));
    set_active(&ana, &key.id, true).await?;
    assert_eq!(stream.dropped().await?, Some(json!({"key": key.id})));
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    state["accounts"][0]["org"]["services"] = json!(["catalog", "registry"]);
    node.apply(state).await?;
    assert_eq!(stream.dropped().await?, Some(json!({"org": "acme"})));
    let user = id_of(&ana).await?;
    world.provider.person("ana", |ana| ana.groups.clear());
    world.sign_in("ana").await?;
    assert_eq!(stream.dropped().await?, Some(json!({"user": user})));
    deactivate(&owner, "ana").await?;
    assert_eq!(stream.dropped().await?, Some(json!({"user": user})));
    Ok(())
}

async fn what_may_be_kept_says_what_it_rests_on(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, owner, ana) = (world.node(), world.sign_in_owner().await?, world.sign_in("ana").await?);
    let key = ana.make_key("laptop", &["registry"]).await?;
    let asked = async |question: Value| anyhow::Ok(world.ask(node, &question).await?.json());
    let basis = json!({"node": node.app.feed.node.to_string(), "key": key.id, "user": id_of(&ana).await?, "org": "acme",
        "for_ms": 300_000});
    node.catch_up().await?;
    let yes = asked(question(&key.secret)).await?;
    assert_eq!((&yes["allowed"], &yes["keep"]), (&json!(true), &basis));
    let mut unkept = question(&key.secret);
    unkept["keep"] = json!(false);
    assert_eq!(asked(unkept).await?.get("keep"), None);
    // A no rests on the same.
    let mut other = question(&key.secret);
    other["entity"] = json!("victim/app");
    assert_eq!(asked(other).await?, json!({"allowed": false, "reason": "entity_mismatch", "keep": basis}));
    set_active(&ana, &key.id, false).await?;
    node.catch_up().await?;
    assert_eq!(asked(question(&key.secret)).await?, json!({"allowed": false, "reason": "disabled", "keep": basis}));
    // What names nobody may be made at any time.
    let unknown = "cdap_000000000000_00000000000000000000000000000000000000000002JmOGF";
    for (key, reason) in [("garbage", "malformed"), (unknown, "unknown_key")] {
        assert_eq!(asked(question(key)).await?, json!({"allowed": false, "reason": reason}));
    }
    // Nothing is kept for longer than it holds by itself: a key that ends in two minutes, and one of the org's, which is nobody's.
    let body = json!({"name": "short", "services": ["registry"],
        "expires_at": node.app.clock.now().after(Duration::from_secs(120)).to_string()});
    let short = owner.send(Method::POST, "/api/v1/me/keys", &body).await?;
    let secret = short.json()["secret"].as_str().with_context(|| short.body.clone())?.to_owned();
    node.catch_up().await?;
    let kept = asked(question(&secret)).await?["keep"]["for_ms"].as_u64();
    assert!(kept.is_some_and(|span| (119_000..120_000).contains(&span)), "{kept:?}");
    let grants = json!([{"service": "registry", "scopes": ["*"]}]);
    let robot = crate::registry::service_key(&owner, "robot", grants).await?;
    node.catch_up().await?;
    let kept = asked(question(&robot.secret)).await?["keep"].clone();
    assert_eq!((&kept["key"], kept.get("user")), (&json!(robot.id), None));
    // Many at once, each by itself.
    let request = Browser::new(&node.url)?.request(Method::POST, "/api/v1/keys/check/batch");
    let checks = json!({"checks": [question(&robot.secret), question("garbage")]});
    let many =
        Answer::read(request.basic_auth("portal", Some(PORTAL_SECRET)).json(&checks).send().await?).await?.json();
    assert_eq!((&many["results"][0]["keep"]["key"], many["results"][1].get("keep")), (&json!(robot.id), None));
    Ok(())
}

/// A state with two accounts, each with a client of its own.
fn two_accounts(world: &World) -> Value {
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    let client = |name: &str| json!([{"client_id": name, "name": name, "secret": PORTAL_SECRET, "resource_server": true, "services": ["registry"]}]);
    state["accounts"][0]["clients"] = client("acme-portal");
    let beside = json!({"name": "globex", "owner": {"email": "owner@globex.test", "password": "Quite-another-horse-9-staple"},
        "org": {"name": "globex", "kind": "enterprise", "services": ["registry"]}, "clients": client("globex-portal")});
    if let Some(accounts) = state["accounts"].as_array_mut() {
        accounts.push(beside);
    }
    state
}

async fn an_account_s_client_hears_of_its_own_people_only(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    node.apply(two_accounts(&world)).await?;
    let ana = world.sign_in("ana").await?;
    let theirs = ana.make_key("laptop", &["registry"]).await?;
    let stranger = world.browser()?;
    let fields = [("email", "owner@globex.test"), ("password", "Quite-another-horse-9-staple")];
    assert_eq!(stranger.post_form("/login/password", &fields).await?.status, 303);
    let ours = stranger.make_key("laptop", &["registry"]).await?;
    for key in [&theirs, &ours] {
        world.ask(node, &question(&key.secret)).await?;
    }
    node.catch_up().await?;
    let mut acme = Stream::open(node, "acme-portal").await?;
    let mut globex = Stream::open(node, "globex-portal").await?;
    let mut all = Stream::open(node, "portal").await?;
    let user = id_of(&ana).await?;
    deactivate(&world.sign_in_owner().await?, "ana").await?;
    set_active(&stranger, &ours.id, false).await?;
    let mut state = two_accounts(&world);
    state["accounts"][0]["org"]["services"] = json!(["catalog", "registry"]);
    node.apply(state).await?;
    let (one, two, three) = (json!({"user": user}), json!({"key": ours.id}), json!({"org": "acme"}));
    for expected in [&one, &two, &three] {
        assert_eq!(all.dropped().await?.as_ref(), Some(expected));
    }
    for expected in [&one, &three] {
        assert_eq!(acme.dropped().await?.as_ref(), Some(expected));
    }
    assert_eq!(globex.dropped().await?, Some(two));
    // Nor does an answer say whose a stranger's key is.
    let request = Browser::new(&node.url)?.request(Method::POST, "/api/v1/keys/check");
    let request = request.basic_auth("globex-portal", Some(PORTAL_SECRET)).json(&question(&theirs.secret));
    let answer = Answer::read(request.send().await?).await?;
    assert_eq!(answer.json(), json!({"allowed": false, "reason": "unknown_key"}));
    Ok(())
}

async fn a_feed_is_for_clients_that_check_keys(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    let app = json!({"client_id": "app", "name": "App", "secret": PORTAL_SECRET, "services": ["registry"]});
    let beside = json!({"client_id": "beside", "name": "Beside", "secret": PORTAL_SECRET, "resource_server": true});
    state["clients"].as_array_mut().context("clients")?.extend([app, beside]);
    node.apply(state).await?;
    node.catch_up().await?;
    let refused = async |client: &str, secret: &str| {
        let answer = Answer::read(Stream::ask(node, client, secret).await?).await?;
        anyhow::Ok((answer.status, answer.code(), answer.header("www-authenticate").starts_with("Basic ")))
    };
    let unproven = (401, "invalid_client".to_owned(), true);
    assert_eq!(refused("portal", "wrong").await?, unproven);
    assert_eq!(refused("nobody", PORTAL_SECRET).await?, unproven);
    assert_eq!(world.sign_in_owner().await?.get("/api/v1/keys/feed").await?.status, 401, "people have pages");
    assert_eq!(refused("app", PORTAL_SECRET).await?, (403, "not_a_resource_server".to_owned(), false));
    let mut streams = Vec::new();
    for _ in 0..listeners::MOST {
        streams.push(Stream::open(node, "portal").await?);
    }
    assert_eq!(node.app.feed.listeners.count(), listeners::MOST);
    let full = Answer::read(Stream::ask(node, "portal", PORTAL_SECRET).await?).await?;
    assert_eq!((full.status, full.code().as_str(), full.header("retry-after")), (429, "too_many_streams", "10"));
    Stream::open(node, "beside").await?;
    // Whoever goes makes room.
    streams.pop();
    let again = async {
        while Stream::ask(node, "portal", PORTAL_SECRET).await?.status() != 200 {}
        anyhow::Ok(())
    };
    soon("no room", again).await?
}

async fn a_stream_ends_with_its_client_and_with_its_node(engine: Engine) -> Result<()> {
    let mut world = World::new(engine).await?;
    let node = world.node();
    let state = |secret: &str, services: Value| {
        let mut state = two_accounts(&world);
        state["clients"][0]["secret"] = json!(secret);
        state["clients"][0]["services"] = services;
        state
    };
    node.apply(state(PORTAL_SECRET, json!(["registry"]))).await?;
    node.catch_up().await?;
    let mut beside = Stream::open(node, "globex-portal").await?;
    // Another set of services answers otherwise, another secret has proven nothing, and whoever is gone hears nothing.
    let mut gone = state("another-secret-of-the-portal", json!(["catalog"]));
    for changed in [state(PORTAL_SECRET, json!(["catalog"])), gone.clone()] {
        let mut portal = Stream::open(node, "portal").await?;
        node.apply(changed).await?;
        assert_eq!(portal.dropped().await?, None);
    }
    assert_eq!(Stream::ask(node, "portal", PORTAL_SECRET).await?.status(), 401);
    let mut acme = Stream::open(node, "acme-portal").await?;
    gone["accounts"][0]["clients"] = json!([]);
    node.apply(gone).await?;
    assert_eq!(acme.dropped().await?, None);
    // A stream of a client that nobody changed goes on until its node goes.
    let node = world.nodes.pop().context("a node")?;
    let stopping = tokio::spawn(node.stop());
    assert_eq!(beside.dropped().await?, None);
    soon("the node does not stop", stopping).await??;
    Ok(())
}

async fn a_node_that_cannot_hear_says_nothing(engine: Engine) -> Result<()> {
    let deaf = Arc::new(Deaf::default());
    let builder = NodeBuilder::default().paused_by(Arc::<Deaf>::clone(&deaf));
    let world = World::with(engine, builder.with(|settings| settings.bound = Duration::from_millis(40))).await?;
    let node = world.node();
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry"]).await?;
    assert_eq!(world.ask(node, &question(&key.secret)).await?.json()["allowed"], true);
    let mut stream = Stream::open(node, "portal").await?;
    for _ in 0..5 {
        stream.next().await?;
    }
    deaf.0.send_replace(true);
    node.clock.advance(Duration::from_millis(41));
    assert!(!node.app.is_ready());
    // Signs of life that were on their way end.
    let silence = async { while tokio::time::timeout(Duration::from_millis(200), stream.next()).await.is_ok() {} };
    soon("the node speaks on", silence).await?;
    let answer = world.ask(node, &question(&key.secret)).await?.json();
    assert_eq!((&answer["allowed"], answer.get("keep")), (&json!(true), None), "it asks the database, for this once");
    // Who comes now is told so little too.
    let mut late = Stream::open(node, "portal").await?;
    assert_eq!(late.next().await?.map(|(name, _)| name).as_deref(), Some("hello"));
    assert!(tokio::time::timeout(Duration::from_millis(200), late.next()).await.is_err());
    deactivate(&world.sign_in_owner().await?, "ana").await?;
    deaf.0.send_replace(false);
    // What it has missed comes before the next sign of life.
    let (name, data) = stream.next().await?.context("a word")?;
    assert_eq!((name.as_str(), data.get("user").is_some()), ("drop", true), "{data}");
    while stream.next().await?.context("a word")?.0 != "alive" {}
    Ok(())
}
