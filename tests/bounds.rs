//! A stale yes is never given: what a node does when it cannot hear, and what survives when something is killed.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use cardea_gateway::pause::{Pause, Point};
use cardea_gateway::people;
use cardea_model::Caller;
use cardea_testkit::postgres::Cluster;
use cardea_testkit::{Browser, Database, Engine, NodeBuilder, World, stories};
use tokio::sync::watch;

stories! {
    a_node_that_cannot_read_the_feed_asks_the_database,
    a_restarted_node_remembers_nothing_it_should_not,
    the_audit_log_is_a_chain_that_shows_every_cut,
}

/// Lets nobody read the feed while it is shut.
#[derive(Default)]
pub(crate) struct Deaf(pub(crate) watch::Sender<bool>);

impl Pause for Deaf {
    fn at(&self, point: Point) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let mut deaf = self.0.subscribe();
            if point == Point::FeedRead {
                // The sender is `self`.
                let _open = deaf.wait_for(|deaf| !deaf).await;
            }
        })
    }
}

async fn a_node_that_cannot_read_the_feed_asks_the_database(engine: Engine) -> Result<()> {
    let deaf = Arc::new(Deaf::default());
    let world = World::with(engine, NodeBuilder::default().paused_by(Arc::<Deaf>::clone(&deaf))).await?;
    let node = world.node();
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry"]).await?;
    assert_eq!(world.check(node, &key.secret).await?.json()["allowed"], true);
    let asked = || node.app.metrics.checks_asked.get();
    let before = asked();
    world.check(node, &key.secret).await?;
    assert_eq!(asked(), before, "a key in memory asks nobody");
    // The bound passes without a read of the feed.
    deaf.0.send_replace(true);
    node.clock.advance(Duration::from_secs(2));
    assert!(!node.app.is_ready());
    assert_eq!(Browser::new(&node.url)?.get("/readyz").await?.status, 503);
    let answer = world.check(node, &key.secret).await?.json();
    assert_eq!(answer["allowed"], true);
    assert_eq!(asked(), before + 1, "memory is not asked");
    // Access ends while the node is deaf: what it knows is old, what it asks is not.
    let app = &node.app;
    let system = app.ctx(Caller::System("test"));
    let acme = people::account_of(app, &system, "acme", cardea_model::Permission::SeeUsers).await?;
    people::deactivate(app, &app.ctx(Caller::System("test")), acme.id, "ana@corp.example").await?;
    assert_eq!(world.check(node, &key.secret).await?.json()["allowed"], false);
    deaf.0.send_replace(false);
    node.follow().await?;
    assert!(node.app.is_ready());
    Ok(())
}

async fn a_restarted_node_remembers_nothing_it_should_not(engine: Engine) -> Result<()> {
    let mut world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry"]).await?;
    let app = &world.node().app;
    let acme =
        people::account_of(app, &app.ctx(Caller::System("test")), "acme", cardea_model::Permission::SeeUsers).await?;
    people::deactivate(app, &app.ctx(Caller::System("test")), acme.id, "ana@corp.example").await?;
    let node = world.add_node(NodeBuilder::default().named("late")).await?;
    let (url, ready) = (node.url.clone(), node.app.is_ready());
    assert!(ready, "a node is ready when it has read the feed");
    let late = world.nodes.last().ok_or_else(|| anyhow::anyhow!("the late node"))?;
    assert_eq!(world.check(late, &key.secret).await?.json()["allowed"], false);
    assert_eq!(ana.at(&url).get("/api/v1/me").await?.status, 401);
    Ok(())
}

async fn the_audit_log_is_a_chain_that_shows_every_cut(engine: Engine) -> Result<()> {
    use cardea_gateway::audit;
    let world = World::new(engine).await?;
    world.sign_in("ana").await?;
    let app = &world.node().app;
    while audit::seal(app).await? > 0 {}
    let whole = audit::verify(app).await?;
    assert_eq!((whole.unsealed, whole.broken_at), (0, None));
    assert!(whole.sealed > 3);
    // Somebody with the database's password changes one word of one row.
    cardea_testkit::tamper::audit_row(&app.db, whole.sealed - 1).await?;
    assert_eq!(audit::verify(app).await?.broken_at, Some(whole.sealed - 1));
    Ok(())
}

/// The database is killed under two nodes: no answer but 503, and when it is back nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_database_changes_no_answer_but_to_503() -> Result<()> {
    let cluster = Cluster::alone()?;
    let database = Database::of(cluster.fresh_database()?, Engine::Postgres)?;
    let builder = || NodeBuilder::default().on_real_time().with(|settings| settings.bound = Duration::from_millis(300));
    let mut world = World::on(database, builder()).await?;
    world.add_node(builder().named("two")).await?;
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry"]).await?;
    for node in &world.nodes {
        assert_eq!(world.check(node, &key.secret).await?.json()["allowed"], true);
    }
    cluster.kill()?;
    for node in &world.nodes {
        // Until the bound has passed memory may answer; after it, nothing but 503.
        let mut answers = Vec::new();
        while answers.last() != Some(&503) && answers.len() < 100_000 {
            let answer = world.check(node, &key.secret).await?;
            assert!(answer.status == 503 || answer.json()["allowed"] == true, "{} {}", answer.status, answer.body);
            answers.push(answer.status);
        }
        assert_eq!(answers.last(), Some(&503));
        let refused = ana.at(&node.url).get("/api/v1/me").await?;
        assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
        assert_eq!(Browser::new(&node.url)?.get("/readyz").await?.status, 503);
    }
    cluster.start()?;
    for node in &world.nodes {
        let mut allowed = false;
        for _ in 0..100_000 {
            let answer = world.check(node, &key.secret).await?;
            if answer.status == 200 {
                allowed = answer.json()["allowed"] == true;
                break;
            }
            tokio::task::yield_now().await;
        }
        assert!(allowed, "after the restart the key works again");
        assert_eq!(ana.at(&node.url).get("/api/v1/me").await?.status, 200);
    }
    Ok(())
}
