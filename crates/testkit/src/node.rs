//! One node of the gateway, listening on loopback, over a database that other nodes may share.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::serve::ListenerExt as _;
use cardea_connect::{Fetch, Mail, MailWay, OutboundPolicy, Outside};
use cardea_gateway::pause::{Never, Pause};
use cardea_gateway::state::State;
use cardea_gateway::{App, Given, Settings, declare};
use cardea_model::catalogue::{Catalogue, Document};
use cardea_model::name::Email;
use cardea_model::{Caller, Clock};
use cardea_store::db::{self, Db};
use cardea_tokens::pepper::Peppers;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::{ManualClock, TestRandom};
use crate::mailbox::{self, Letter};
use crate::postgres::Cluster;

/// Which database stands under a story. Every story is told on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite in a temporary folder.
    Sqlite,
    /// A database of the tests' own PostgreSQL server.
    Postgres,
}

/// A fresh database with its pepper; it goes away with this.
pub struct Database {
    /// Its address.
    pub url: String,
    /// The engine.
    pub engine: Engine,
    pepper: String,
    folder: tempfile::TempDir,
}

impl Database {
    /// A fresh one.
    ///
    /// # Errors
    /// No PostgreSQL server could be started.
    pub fn fresh(engine: Engine) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let url = match engine {
            Engine::Sqlite => format!("sqlite://{}", folder.path().join("cardea.db").display()),
            Engine::Postgres => Cluster::shared()?.fresh_database()?,
        };
        Ok(Self::at(url, engine, folder))
    }

    /// A database at an address of the story's own, such as one of a server that it kills.
    ///
    /// # Errors
    /// No temporary folder.
    pub fn of(url: String, engine: Engine) -> Result<Self> {
        Ok(Self::at(url, engine, tempfile::tempdir()?))
    }

    /// The database that another process made, with its pepper.
    ///
    /// # Errors
    /// No temporary folder.
    pub fn shared(url: String, engine: Engine, pepper: String) -> Result<Self> {
        Ok(Self { url, engine, pepper, folder: tempfile::tempdir()? })
    }

    fn at(url: String, engine: Engine, folder: tempfile::TempDir) -> Self {
        let pepper = Peppers::generate(&TestRandom).to_string();
        Self { url, engine, pepper, folder }
    }

    /// The text of its pepper file.
    #[must_use]
    pub fn pepper(&self) -> &str {
        &self.pepper
    }

    /// The file of a SQLite database.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        PathBuf::from(self.url.trim_start_matches("sqlite://"))
    }

    /// The folder into which the messages of its nodes go.
    #[must_use]
    pub fn mail(&self) -> PathBuf {
        self.folder.path().join("mail")
    }
}

/// What a node is started with.
pub struct NodeBuilder {
    settings: Settings,
    clock: Arc<dyn Clock>,
    manual: Arc<ManualClock>,
    pause: Arc<dyn Pause>,
    mail: Option<MailWay>,
    catalogue: Option<String>,
}

impl Default for NodeBuilder {
    fn default() -> Self {
        let manual = Arc::new(ManualClock::default());
        let settings = Settings { node_name: "one".to_owned(), hashers: 1, ..Settings::default() };
        Self {
            settings,
            clock: Arc::<ManualClock>::clone(&manual),
            manual,
            pause: Arc::new(Never),
            mail: None,
            catalogue: None,
        }
    }
}

impl NodeBuilder {
    /// What the node is called on receipts.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.settings.node_name);
        self
    }

    /// Other settings.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// A clock that runs by itself.
    #[must_use]
    pub fn on_real_time(mut self) -> Self {
        self.clock = Arc::new(crate::clock::RealClock);
        self
    }

    /// Where use cases are held up.
    #[must_use]
    pub fn paused_by(mut self, pause: Arc<dyn Pause>) -> Self {
        self.pause = pause;
        self
    }

    /// Another way for its messages than into the database's folder.
    #[must_use]
    pub fn mailing_by(mut self, way: MailWay) -> Self {
        self.mail = Some(way);
        self
    }

    /// Another catalogue than the one that is built in, in YAML.
    #[must_use]
    pub fn under(mut self, catalogue: &str) -> Self {
        self.catalogue = Some(catalogue.to_owned());
        self
    }

    /// Starts the node: migrated, listening, following the feed.
    ///
    /// # Errors
    /// Anything that keeps a node from starting.
    pub async fn start(self, database: &Database) -> Result<Node> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut settings = self.settings;
        // The address that it listens on, unless the story says that the world knows it by another one.
        if settings.public_url == Settings::default().public_url {
            settings.public_url = format!("http://{address}");
        }
        let db = Db::open(&db::Settings { url: database.url.clone(), ..db::Settings::default() }).await?;
        db.migrate(self.clock.now()).await?;
        let policy = OutboundPolicy {
            allow: vec!["127.0.0.0/8".parse()?],
            allow_plain_http_loopback: true,
            ..OutboundPolicy::default()
        };
        let way = self.mail.unwrap_or_else(|| MailWay::Folder(database.mail()));
        let app = App::open(Given {
            db,
            mail: Mail::new(&way, &Email::parse("noreply@cardea.test").context("the sender")?)?,
            outside: Outside::new(Fetch::new(policy)?, Arc::clone(&self.clock)),
            clock: self.clock,
            random: Arc::new(TestRandom),
            peppers: Peppers::read(database.pepper.as_bytes())?,
            catalogue: self.catalogue.map_or_else(catalogue, |text| compiled(&text))?,
            settings,
            pause: self.pause,
        })
        .await?;
        let stop = CancellationToken::new();
        let mut tasks = app.start(&stop).await?;
        let router = cardea_web::router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
        let stopping = stop.clone();
        // As the server does: a small answer does not wait for more to fill its packet.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        tasks.spawn(async move {
            // Whatever ends it shows in the story as a refused connection.
            let _ended = axum::serve(listener, router).with_graceful_shutdown(stopping.cancelled_owned()).await;
        });
        Ok(Node { app, clock: self.manual, url: format!("http://{address}"), mail: database.mail(), stop, tasks })
    }
}

/// The catalogue that is built in.
///
/// # Errors
/// The file cannot be read.
pub fn catalogue() -> Result<Arc<Catalogue>> {
    compiled(include_str!("../../../config/catalogue.yaml"))
}

fn compiled(text: &str) -> Result<Arc<Catalogue>> {
    let document: Document = serde_saphyr::from_str(text)?;
    let compiled = Catalogue::compile(&document).map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
    Ok(Arc::new(compiled))
}

/// A running node.
pub struct Node {
    /// The gateway inside.
    pub app: App,
    /// Its clock, unless it runs on real time.
    pub clock: Arc<ManualClock>,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    mail: PathBuf,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Node {
    /// A node with default settings.
    ///
    /// # Errors
    /// Anything that keeps a node from starting.
    pub async fn start(database: &Database) -> Result<Self> {
        NodeBuilder::default().start(database).await
    }

    /// Applies a declarative state, as an operator would.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    pub async fn apply(&self, state: Value) -> Result<declare::Applied> {
        let state: State = serde_json::from_value(state).context("the story's state")?;
        Ok(declare::apply(&self.app, &self.app.ctx(Caller::System("test")), &state).await?)
    }

    /// Waits until this node has taken in everything that is committed.
    ///
    /// # Errors
    /// The database's.
    pub async fn catch_up(&self) -> Result<()> {
        let last = cardea_store::feed::last(&mut self.app.db.read().await?).await?;
        tokio::time::timeout(Duration::from_secs(10), self.app.feed.reached(last))
            .await
            .context("the feed stands still")?;
        Ok(())
    }

    /// Reads the feed now, instead of waiting for the next poll.
    ///
    /// # Errors
    /// The database's.
    pub async fn follow(&self) -> Result<()> {
        cardea_gateway::feed::follow(&self.app).await?;
        Ok(())
    }

    /// Does every job that waits.
    ///
    /// # Errors
    /// The database's, or a job that fails.
    pub async fn finish_jobs(&self) -> Result<()> {
        cardea_gateway::jobs::run_due(&self.app).await?;
        Ok(())
    }

    /// Sends what is due, and reads every message that the nodes of this database ever sent, the oldest first.
    ///
    /// # Errors
    /// The database's, or a message that cannot be read.
    pub async fn mail(&self) -> Result<Vec<Letter>> {
        cardea_gateway::mail::send_due(&self.app).await?;
        mailbox::letters(&self.mail)
    }

    /// The newest message to this address.
    ///
    /// # Errors
    /// There is none, or as [`Node::mail`].
    pub async fn letter_to(&self, address: &str) -> Result<Letter> {
        let letters = self.mail().await?.into_iter().rev();
        letters.into_iter().find(|letter| letter.to == address).with_context(|| format!("no message to {address}"))
    }

    /// Stops the node and waits until it has said goodbye.
    pub async fn stop(mut self) {
        self.app.feed.listeners.stop();
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }

    /// Stops the node as a power cut would.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.tasks.abort_all();
    }
}
