//! `cardea serve`: from the configuration to a listening node, and down again.
//!
//! ```text
//! catalogue ─► claim the database ─► migrate ─► pepper ─► port ─► fill memory ─► answer
//! SIGTERM or SIGINT ─► accept nothing more ─► finish what runs (soft, 25 s) ─► cut the rest (hard)
//!                   ─► the background work writes what it holds and says goodbye ─► close the database
//! ```
//! A second signal goes to the hard stop at once.

use crate::complaint::Complaint;
use crate::config::{Config, Http};
use crate::listening;
use crate::opening::{self, Opening, Purpose};
use cardea_gateway::{App, accounts};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long requests have to end by themselves.
const SOFT: Duration = Duration::from_secs(25);
/// How long the background work has to write what it holds, after that.
const FAREWELL: Duration = Duration::from_secs(4);

/// Serves until a signal comes.
pub(crate) async fn serve(config: &Config) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let opening = Opening::read(config, Purpose::Lasting)?;
    let db = opening::database(config).await?;
    let _claim = db.claim_serving()?;
    for name in db.migrate(opening.clock.now()).await? {
        tracing::info!(migration = name, "the schema was migrated");
    }
    let app = opening.node(db).await?;
    let listener = bind(config.listen).await?;
    print_first_link(&app).await?;
    let mut server = Server::start(app, listener, &config.http).await?;
    tracing::info!(listen = %server.address, url = config.public_url, node = server.app.settings.node_name, "serving");
    let broken = tokio::select! {
        signal = signals.next() => {
            tracing::info!(signal, "stopping: nothing more is accepted");
            false
        }
        () = server.broken() => {
            tracing::error!("a part of this node has ended by itself; it stops, for it could not be trusted");
            true
        }
    };
    server.stop(signals, SOFT).await;
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The address of a one-time link.
pub(crate) fn link(app: &App, secret: &str) -> String {
    format!("{}/link/{secret}", app.settings.public_url)
}

/// On stdout, not in the log: the link is a secret.
async fn print_first_link(app: &App) -> anyhow::Result<()> {
    let Some(secret) = accounts::first_start(app).await? else { return Ok(()) };
    let until = app.clock.now().after(app.settings.link_life);
    let link = link(app, &secret.reveal());
    crate::cli::output::print(&format!(
        "This instance has no account yet. Open this link to create one, with its org and its owner.\n\
         It works once, until {until}; each start without an account prints a new one.\n\n  {link}\n\n"
    ))
}

/// Listens, or says who may be there already.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, Complaint> {
    TcpListener::bind(address).await.map_err(|error| {
        Complaint::new("listen", format!("cannot listen on {address}: {error}"))
            .hint("stop the program that listens there, or set `listen` to another address")
    })
}

/// A node that answers requests.
pub(crate) struct Server {
    /// The gateway.
    pub(crate) app: App,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Ends the accepting.
    soft: CancellationToken,
    /// Ends the background work, which outlives the requests.
    last: CancellationToken,
    /// The background work.
    work: JoinSet<()>,
    /// The requests.
    requests: JoinSet<()>,
}

impl Server {
    /// Fills memory, begins the background work and answers on `listener`.
    pub(crate) async fn start(app: App, listener: TcpListener, http: &Http) -> anyhow::Result<Self> {
        let address = listener.local_addr()?;
        let (soft, last) = (CancellationToken::new(), CancellationToken::new());
        let work = app.start(&last).await?;
        let most = usize::try_from(http.max_connections)?;
        let mut requests = JoinSet::new();
        requests.spawn(listening::serve(listener, cardea_web::router(app.clone()), most, soft.clone()));
        Ok(Self { app, address, soft, last, work, requests })
    }

    /// Waits until a part of the node ends, which none does by itself.
    async fn broken(&mut self) {
        tokio::select! {
            _ended = self.work.join_next() => {}
            _ended = self.requests.join_next() => {}
        }
    }

    /// Stops softly, and hard after `soft`; with [`SOFT`] in less than thirty seconds.
    pub(crate) async fn stop(mut self, mut signals: Signals, soft: Duration) {
        self.soft.cancel();
        // Streams that nobody ends by themselves.
        self.app.feed.listeners.stop();
        tokio::select! {
            _ended = self.requests.join_next() => {}
            signal = signals.next() => tracing::warn!(signal, "stopping at once"),
            () = tokio::time::sleep(soft) => tracing::warn!("some requests did not end in time and are cut"),
        }
        self.requests.shutdown().await;
        self.last.cancel();
        let farewell = async {
            while self.work.join_next().await.is_some() {}
            self.app.db.close().await;
        };
        if tokio::time::timeout(FAREWELL, farewell).await.is_err() {
            tracing::warn!("the background work did not end in time and is cut");
        }
        tracing::info!("stopped");
    }
}

/// The signals that ask for a stop.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Catches them from now on.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// The next one's name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
