//! How every node hears of every end of access.
//!
//! The feed is a table whose numbers are gapless and in commit order. Each node reads it, woken by a commit of its own, by
//! a notification of the database, or every [`POLL`], and moves its memory. Only the rows count: a lost notification costs
//! at the most one poll.
//!
//! **The lease.** A node may answer from memory only while its last successful read of the feed *began* less than the
//! bound ago ([`Follower::is_fresh`]). A node that cannot read the feed asks the database for each answer, and refuses if
//! it cannot do that either. So a stale yes is never given, whatever is cut, stopped or slow.

pub mod listeners;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use cardea_model::fault::whole;
use cardea_model::id::NodeId;
use cardea_store::db::DbError;
use cardea_store::feed::{self, Change, Kind};
use cardea_store::node;
use tokio::sync::{Mutex, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::check;
use crate::memory::Memory;
use crate::oauth::keyring;
use crate::pause::Point;
use listeners::{Listeners, Taken, Told};

/// The longest pause between two reads of the feed.
pub const POLL: Duration = Duration::from_millis(100);
const BATCH: i64 = 1000;
const NEVER: u64 = u64::MAX;

/// How far this node has followed the feed, and how fresh that is.
pub struct Follower {
    /// This process.
    pub node: NodeId,
    /// The services in other processes that follow it here.
    pub listeners: Listeners,
    tail: AtomicI64,
    read_at: AtomicU64,
    reached: watch::Sender<i64>,
    /// One reads at a time: what the later of two has read must not be replaced by what the earlier one has.
    turn: Mutex<()>,
}

impl Follower {
    /// A follower that has not read anything.
    #[must_use]
    pub fn new(node: NodeId) -> Self {
        Self {
            node,
            listeners: Listeners::default(),
            tail: AtomicI64::new(0),
            read_at: AtomicU64::new(NEVER),
            reached: watch::Sender::new(0),
            turn: Mutex::default(),
        }
    }

    /// The number of the last row that is in memory.
    #[must_use]
    pub fn tail(&self) -> i64 {
        self.tail.load(Ordering::Acquire)
    }

    /// Whether memory may be trusted at the monotonic instant `now`.
    #[must_use]
    pub fn is_fresh(&self, now: Duration, bound: Duration) -> bool {
        self.age(now, bound).is_some()
    }

    /// How long ago the read began that memory rests on; nothing if it may not be trusted.
    pub(crate) fn age(&self, now: Duration, bound: Duration) -> Option<Duration> {
        let read_at = self.read_at.load(Ordering::Acquire);
        let age = micros(now).saturating_sub(read_at);
        (read_at != NEVER && age <= micros(bound)).then(|| Duration::from_micros(age))
    }

    /// Whether this process follows the feed at all; a command line does not.
    fn follows(&self) -> bool {
        self.read_at.load(Ordering::Acquire) != NEVER
    }

    /// Waits until the row `seq` is in memory.
    pub async fn reached(&self, seq: i64) {
        let mut reached = self.reached.subscribe();
        // The sender lives as long as `self`.
        let _closed = reached.wait_for(|tail| *tail >= seq).await;
    }

    fn move_to(&self, tail: i64) {
        self.tail.store(tail, Ordering::Release);
        self.reached.send_replace(tail);
    }

    /// Everything that was committed when `began` was is in memory.
    fn renew(&self, began: Duration) {
        self.read_at.store(micros(began), Ordering::Release);
    }

    /// Memory is not to be trusted until the feed has been read again.
    fn distrust(&self) {
        self.read_at.store(NEVER, Ordering::Release);
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(NEVER - 1)
}

/// Fills a fresh memory from the database, to be followed on from there; it is trusted from the next read of the feed on.
///
/// # Errors
/// The database's; memory is then not trusted.
pub async fn begin(app: &App) -> Result<(), DbError> {
    // The feed's end is read before the rows, so that whatever changes meanwhile is heard of again.
    let tail = feed::last(&mut app.db.read_reserved().await?).await?;
    let fresh = Arc::new(Memory::default());
    check::fill(app, &fresh).await?;
    app.replace_memory(fresh);
    keyring::forget(app);
    // Not fresh yet: what was committed meanwhile moved the memory that stood then. The next read brings it here too.
    app.feed.move_to(tail);
    Ok(())
}

/// Reads what is new and takes it into memory; returns the ends of access among it, as a range of numbers.
///
/// # Errors
/// The database's; the lease then runs on from the last read that succeeded.
pub async fn follow(app: &App) -> Result<Option<(i64, i64)>, DbError> {
    let _turn = app.feed.turn.lock().await;
    let mut ended: Option<(i64, i64)> = None;
    loop {
        app.pause.at(Point::FeedRead).await;
        let began = app.clock.monotonic();
        let tail = app.feed.tail();
        let changes = {
            let mut conn = app.db.read_reserved().await?;
            let changes = feed::after(&mut conn, tail, BATCH).await?;
            if changes.is_empty() && feed::last(&mut conn).await? < tail {
                // A restored backup: the feed that this node followed is not the one that stands here.
                drop(conn);
                return start_anew(app).await.map(|()| ended);
            }
            changes
        };
        let (count, last) = (changes.len(), changes.last().map_or(tail, |change| change.seq));
        if last - tail != i64::try_from(count).unwrap_or(i64::MAX) {
            return start_anew(app).await.map(|()| ended);
        }
        // One look at a thing is enough for all rows of the batch that name it: they are all committed.
        let (mut seen, mut taken) = (HashSet::new(), Vec::new());
        for change in &changes {
            match change.kind {
                None => return start_anew(app).await.map(|()| ended),
                Some(kind) if seen.insert((kind, change.subject.as_str())) || kind.has_numbers() => {
                    taken.extend(take(app, kind, change).await?);
                }
                Some(_) => {}
            }
            if change.kind == Some(Kind::Access) {
                let first = ended.map_or(change.seq, |(first, _)| first);
                ended = Some((first, change.seq));
            }
        }
        app.feed.move_to(last);
        taken.into_iter().filter_map(Taken::told).for_each(|told| app.feed.listeners.tell(told));
        // Only a read that reached the end renews the lease: an end of access may stand in what was not read yet.
        if i64::try_from(count).unwrap_or(0) < BATCH {
            app.feed.renew(began);
            return Ok(ended);
        }
    }
}

/// Waits until what is committed is in this node's memory, so that whoever asks it next finds what was written; at the most
/// the bound, after which memory is not trusted anyway.
pub(crate) async fn catch_up(app: &App) -> Result<(), DbError> {
    if app.feed.follows() {
        let last = feed::last(&mut app.db.read_reserved().await?).await?;
        let _late = tokio::time::timeout(app.settings.bound, app.feed.reached(last)).await;
    }
    Ok(())
}

/// What is in memory is not to be trusted from now on, until all of it has been read again.
async fn start_anew(app: &App) -> Result<(), DbError> {
    app.feed.distrust();
    app.feed.listeners.tell(Told::Everything);
    begin(app).await
}

/// Takes one row into memory; returns what answers it may change.
async fn take(app: &App, kind: Kind, change: &Change) -> Result<Option<Taken>, DbError> {
    match kind {
        Kind::Access | Kind::Roles => {
            if kind == Kind::Access {
                app.metrics.propagation.observe(app.clock.now().since(change.at).as_secs_f64());
            }
            let Some(member) = feed::member_of(change) else { return Ok(None) };
            let holder = app.memory().member(member);
            holder.raise(&change.numbers);
            Ok(Some(Taken::Member(holder)))
        }
        Kind::Key => {
            let key = check::reload_key(app, &change.subject).await?;
            Ok(key.map(|(key, holder)| Taken::Key(key, holder)))
        }
        Kind::Client => {
            check::fill_clients(app, &app.memory()).await?;
            Ok(Some(Taken::Client(change.subject.as_str().into())))
        }
        Kind::Org => {
            let org = check::reload_org(app, &change.subject).await?;
            Ok(org.map(|(account, name)| Taken::Org(account, name)))
        }
        // Connections and rules are read from the database at each sign-in; only what their providers said is kept.
        Kind::Connection => {
            app.outside.forget(&change.subject);
            app.saml.providers.forget();
            Ok(None)
        }
        Kind::SigningKey => {
            keyring::forget(app);
            crate::saml::forget_keys(app);
            Ok(None)
        }
    }
}

/// Follows the feed until the node stops: the one loop that keeps the lease.
pub async fn run(app: App, stop: CancellationToken) {
    let (record, records) = mpsc::unbounded_channel();
    let recorder = tokio::spawn(record_applied(app.clone(), records));
    let mut wakes = app.db.wakes();
    let mut failing = false;
    loop {
        match follow(&app).await {
            Ok(ended) => {
                failing = false;
                if let Some((first, last)) = ended {
                    // The recorder lives as long as this sender.
                    let _sent = record.send((first, last, app.clock.now()));
                }
            }
            Err(error) => {
                if !failing {
                    tracing::error!(error = whole(&error), "the feed cannot be read; key checks will ask the database");
                }
                failing = true;
            }
        }
        tokio::select! {
            () = wakes.next() => {}
            () = tokio::time::sleep(POLL) => {}
            () = stop.cancelled() => break,
        }
    }
    drop(record);
    if let Err(error) = recorder.await {
        tracing::error!(error = whole(&error), "the recorder of applied feed rows failed");
    }
}

type Applied = (i64, i64, cardea_model::Timestamp);

/// Writes down when this node had applied which rows: apart from the follower, so that the next rows never wait for a commit.
async fn record_applied(app: App, mut records: mpsc::UnboundedReceiver<Applied>) {
    let mut waiting = Vec::new();
    while records.recv_many(&mut waiting, 256).await > 0 {
        if let Err(error) = write_applied(&app, &waiting).await {
            tracing::warn!(error = whole(&error), "receipts lack this node's time; it is written with the next");
            tokio::time::sleep(POLL).await;
            if waiting.len() < 10_000 {
                continue;
            }
        }
        waiting.clear();
    }
}

async fn write_applied(app: &App, applied: &[Applied]) -> Result<(), DbError> {
    let mut tx = app.db.write().await?;
    for (first, last, at) in applied {
        feed::applied(&mut tx, app.feed.node, *first, *last, *at).await?;
    }
    tx.commit().await
}

/// Says that this node is alive, once a bound, until it stops.
pub async fn beat(app: App, stop: CancellationToken) {
    let mut tick = tokio::time::interval(app.settings.bound);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.cancelled() => break,
        }
        if let Err(error) = announce(&app).await {
            tracing::warn!(error = whole(&error), "no heartbeat could be written");
        }
    }
    if let Err(error) = farewell(&app).await {
        tracing::warn!(error = whole(&error), "the node could not say that it stops");
    }
}

/// Writes one heartbeat, over the connection that no request takes: a busy node must not read as a dead one, which
/// receipts leave out.
///
/// # Errors
/// The database's.
pub async fn announce(app: &App) -> Result<(), DbError> {
    let mut tx = app.db.write_reserved().await?;
    node::beat(&mut tx, app.feed.node, &app.settings.node_name, env!("CARGO_PKG_VERSION"), app.clock.now()).await?;
    tx.commit().await
}

async fn farewell(app: &App) -> Result<(), DbError> {
    let mut tx = app.db.write().await?;
    node::stopped(&mut tx, app.feed.node, app.clock.now()).await?;
    tx.commit().await
}
