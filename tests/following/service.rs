//! A service of somebody else's with the Rust client in it.

use cardea_client::{Client, ClientError, Question, Settings, Verdict};
use cardea_testkit::MadeKey;
use tokio::net::TcpListener;
use tokio::task::yield_now;
use tokio::time::Instant;

use super::*;

/// The example of the page, as it stands there.
#[expect(dead_code, reason = "of a program only what it serves is tried here")]
#[path = "../../crates/client/examples/axum_service.rs"]
mod axum_service;

stories! {
    an_end_of_access_on_another_node_is_heard_within_the_bound,
    a_client_whose_node_cannot_hear_asks_each_time,
    a_client_without_a_gateway_says_so,
    the_example_lets_in_and_shuts_out,
}

fn client(node: &Node) -> Result<Client> {
    Ok(Client::new(Settings::new(&node.url, "portal", PORTAL_SECRET))?)
}

async fn followed(client: &Client) -> Result<()> {
    soon("the feed is not heard", client.followed()).await
}

async fn check(client: &Client, key: &MadeKey) -> Result<Verdict, ClientError> {
    let question = Question {
        key: &key.secret,
        service: "registry",
        action: "download_container",
        entity_type: Some("container"),
        entity: Some("acme/app"),
        ..Question::default()
    };
    client.check(&question).await
}

/// How many questions the node was asked.
fn asked(node: &Node) -> u64 {
    node.app.metrics.checks_allowed.get() + node.app.metrics.checks_denied.get()
}

/// Asks until the answer is from memory, which it is as soon as nothing has changed while a question was on its way.
async fn remembered(client: &Client, node: &Node, key: &MadeKey) -> Result<Verdict> {
    let asking = async {
        loop {
            let before = asked(node);
            let verdict = check(client, key).await?;
            if asked(node) == before {
                return anyhow::Ok(verdict);
            }
        }
    };
    soon("nothing is remembered", asking).await?
}

async fn until(client: &Client, key: &MadeKey, allowed: bool) -> Result<()> {
    let asking = async {
        while check(client, key).await?.is_allowed() != allowed {
            yield_now().await;
        }
        anyhow::Ok(())
    };
    soon("the answer stays as it was", asking).await?
}

/// The main promise, kept in another process: two nodes, a service that follows the one, and an end of access on the other.
async fn an_end_of_access_on_another_node_is_heard_within_the_bound(engine: Engine) -> Result<()> {
    const BOUND: Duration = Duration::from_secs(5);
    let builder = || NodeBuilder::default().on_real_time().with(|settings| settings.bound = BOUND);
    let mut world = World::with(engine, builder()).await?;
    world.add_node(builder().named("two")).await?;
    let [_, two] = world.nodes.as_slice() else { anyhow::bail!("two nodes") };
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    let key = ana.make_key("laptop", &["registry"]).await?;
    two.catch_up().await?;
    let client = client(two)?;
    followed(&client).await?;
    let Verdict::Allowed(who) = remembered(&client, two, &key).await? else { anyhow::bail!("refused") };
    assert_eq!((&who.key_id, who.kind.as_str(), who.org.as_str()), (&key.id, "personal", "acme"));
    assert_eq!(json!(who.user), id_of(&ana).await?);

    // A key is switched off, and on again: a no is remembered for no longer than a yes.
    for allowed in [false, true] {
        set_active(&ana, &key.id, allowed).await?;
        let answered = Instant::now();
        until(&client, &key, allowed).await?;
        assert!(answered.elapsed() <= BOUND, "{:?}", answered.elapsed());
        assert_eq!(remembered(&client, two, &key).await?.is_allowed(), allowed);
    }
    deactivate(&owner, "ana").await?;
    let answered = Instant::now();
    until(&client, &key, false).await?;
    assert!(answered.elapsed() <= BOUND, "{:?}", answered.elapsed());
    let refused = remembered(&client, two, &key).await?;
    assert_eq!(refused, Verdict::Refused { reason: "ended".to_owned() });
    Ok(())
}

async fn a_client_whose_node_cannot_hear_asks_each_time(engine: Engine) -> Result<()> {
    let deaf = Arc::new(Deaf::default());
    let bounded =
        |builder: NodeBuilder| builder.on_real_time().with(|settings| settings.bound = Duration::from_secs(1));
    let world = World::with(engine, bounded(NodeBuilder::default().paused_by(Arc::<Deaf>::clone(&deaf)))).await?;
    let node = world.node();
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    let key = ana.make_key("laptop", &["registry"]).await?;
    node.catch_up().await?;
    let client = client(node)?;
    followed(&client).await?;
    assert!(remembered(&client, node, &key).await?.is_allowed());
    deaf.0.send_replace(true);
    let silent = async {
        while client.is_following() {
            yield_now().await;
        }
    };
    soon("silence is not noticed", silent).await?;
    // The node asks its database each time, and the client the node.
    for _ in 0..3 {
        let before = asked(node);
        assert!(check(&client, &key).await?.is_allowed());
        assert_eq!(asked(node), before + 1);
    }
    deactivate(&owner, "ana").await?;
    assert!(!check(&client, &key).await?.is_allowed(), "at once, though the word of it has not come");
    deaf.0.send_replace(false);
    followed(&client).await?;
    assert!(!remembered(&client, node, &key).await?.is_allowed());
    Ok(())
}

async fn a_client_without_a_gateway_says_so(engine: Engine) -> Result<()> {
    let mut world = World::with(engine, NodeBuilder::default().on_real_time()).await?;
    let key = world.sign_in("ana").await?.make_key("laptop", &["registry"]).await?;
    let node = world.node();
    let wrong = Client::new(Settings::new(&node.url, "portal", "wrong"))?;
    assert!(matches!(check(&wrong, &key).await, Err(ClientError::Credentials)));
    let client = client(node)?;
    followed(&client).await?;
    assert!(remembered(&client, node, &key).await?.is_allowed());
    world.nodes.pop().context("a node")?.stop().await;
    // What it remembers is gone with the feed, and nobody answers.
    let lost = async {
        while check(&client, &key).await.is_ok() {
            yield_now().await;
        }
    };
    soon("it answers on", lost).await?;
    assert!(!client.is_following());
    assert!(matches!(check(&client, &key).await, Err(ClientError::Unreached(_))));
    Ok(())
}

async fn the_example_lets_in_and_shuts_out(engine: Engine) -> Result<()> {
    let mut world = World::with(engine, NodeBuilder::default().on_real_time()).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    let key = ana.make_key("laptop", &["registry"]).await?;
    let client = client(world.node())?;
    followed(&client).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let serving = tokio::spawn(axum::serve(listener, axum_service::service(client)).into_future());
    let get = async |key: Option<&str>, path: &str| {
        let request = Browser::new(&url)?.request(Method::GET, path);
        let request = key.into_iter().fold(request, |request, key| request.bearer_auth(key));
        let answer = Answer::read(request.send().await?).await?;
        anyhow::Ok((answer.status, answer.body))
    };
    let user = id_of(&ana).await?.as_str().context("an id")?.to_owned();
    assert_eq!(get(Some(&key.secret), "/v1/acme/app").await?, (200, format!("app for {user}")));
    assert_eq!(get(Some(&key.secret), "/v1/victim/app").await?.0, 403);
    assert_eq!(get(Some("nonsense"), "/v1/acme/app").await?.0, 403);
    assert_eq!(get(None, "/v1/acme/app").await?.0, 401);
    deactivate(&owner, "ana").await?;
    let shut = async {
        while get(Some(&key.secret), "/v1/acme/app").await?.0 == 200 {}
        anyhow::Ok(())
    };
    soon("it lets her in", shut).await??;
    assert_eq!(get(Some(&key.secret), "/v1/acme/app").await?.0, 403);
    world.nodes.pop().context("a node")?.stop().await;
    let gone = async {
        while get(Some(&key.secret), "/v1/acme/app").await?.0 != 503 {}
        anyhow::Ok(())
    };
    soon("it answers for nobody", gone).await??;
    serving.abort();
    Ok(())
}
