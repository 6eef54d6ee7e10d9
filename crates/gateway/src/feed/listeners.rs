//! Services in other processes that follow the feed, so that what they remember is bounded as a node's own memory is.
//!
//! ```text
//! rows ─► memory ─► every listener, each what it may hear of ─► the lease is renewed ─► "alive"
//! ```
//! A listener is told what has changed *after* it is in memory, and that this node is alive *after* all that it had read
//! until then. So whoever heard "alive" has heard of everything that was committed when that read began. A node that cannot
//! read the feed says nothing, and whoever follows it stops trusting what they remember as the node does.
//!
//! The end of a listener's stream is the word for "forget everything". Whoever is too slow, or follows a feed that had to be
//! begun anew, or whose client has changed, is cut off; whoever comes again begins with nothing, so nothing is ever told
//! twice or later.
//!
//! Told is only of those whose keys somebody has asked this node about: an answer is kept by whoever listens to the node
//! that gave it, and to no other ([`crate::check::Keep`]).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cardea_model::id::{AccountId, ClientId, KeyId, NodeId, UserId};
use cardea_model::{Fault, Kind};
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::check::{self, Asker, CheckError};
use crate::memory::HolderEntry;

/// How many streams one client may have on one node.
pub const MOST: usize = 16;
/// How many changes a listener may be behind.
const BEHIND: usize = 1024;
/// How long a client with too many streams is told to wait, in seconds.
const PATIENCE: u32 = 10;

/// Everybody who listens to this node.
pub struct Listeners {
    told: broadcast::Sender<Told>,
    streams: Arc<Mutex<HashMap<ClientId, usize>>>,
    stop: CancellationToken,
}

impl Default for Listeners {
    fn default() -> Self {
        Self { told: broadcast::Sender::new(BEHIND), streams: Arc::default(), stop: CancellationToken::new() }
    }
}

impl Listeners {
    /// Ends every stream, and those that come later as they begin: the node stops.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// How many listen.
    #[must_use]
    pub fn count(&self) -> usize {
        self.told.receiver_count()
    }

    /// Tells everybody who may hear of it.
    pub(super) fn tell(&self, told: Told) {
        // An error says that nobody listens.
        let _heard = self.told.send(told);
    }
}

/// What has come into memory.
#[derive(Clone)]
pub(super) enum Told {
    /// Answers about this account's keys may be others now.
    Changed(AccountId, Dropped),
    /// The client of this name has changed, or is gone.
    Client(Arc<str>),
    /// Anything may have.
    Everything,
}

/// Whose answers may be others now, by the words of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    /// All of a user's keys.
    User(UserId),
    /// One key.
    Key(KeyId),
    /// All keys of an org, by its name.
    Org(Arc<str>),
}

/// Something that was taken into memory, before it is looked at who may hear of it.
pub(super) enum Taken {
    /// The numbers of a member.
    Member(Arc<HolderEntry>),
    /// A key and its holder.
    Key(KeyId, Arc<HolderEntry>),
    /// What an org has.
    Org(AccountId, Arc<str>),
    /// A client.
    Client(Arc<str>),
}

impl Taken {
    /// What is told of it. Nothing of whom nobody has asked this node about. It is looked at after the feed was moved on:
    /// whoever is asked about while the feed moves gives an answer that is not for keeping.
    pub(super) fn told(self) -> Option<Told> {
        match self {
            Self::Member(holder) => {
                let (account, user) = holder.whose()?;
                Some(Told::Changed(account, Dropped::User(user?)))
            }
            Self::Key(key, holder) => Some(Told::Changed(holder.whose()?.0, Dropped::Key(key))),
            Self::Org(account, name) => Some(Told::Changed(account, Dropped::Org(name))),
            Self::Client(name) => Some(Told::Client(name)),
        }
    }
}

/// What a listener hears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Said {
    /// The first word.
    Hello(Hello),
    /// Something has changed.
    Drop(Dropped),
    /// Everything that the node had read until then was told.
    Alive(Alive),
}

/// Who speaks, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hello {
    /// How long the node may be silent before what it said before counts no more, in milliseconds.
    pub bound_ms: u64,
    /// The number of the last row of the feed that is in the node's memory.
    pub position: i64,
    /// The node.
    pub node: NodeId,
}

/// A sign of life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alive {
    /// When it was given, in milliseconds since the first word: whoever hears it later than they heard others knows by how
    /// much it was held up on its way.
    pub at_ms: u64,
    /// How old the read of the feed was by then, in milliseconds.
    pub age_ms: u64,
}

/// Why somebody may not listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// They may not ask either.
    #[error(transparent)]
    Client(#[from] CheckError),
    /// The client has [`MOST`] streams here (429).
    #[error("this client has 16 streams on this node; let those who share a process share one")]
    TooMany,
}

impl Fault for ListenError {
    fn kind(&self) -> Kind {
        match self {
            Self::Client(error) => error.kind(),
            Self::TooMany => Kind::TooMany(PATIENCE),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Client(error) => error.code(),
            Self::TooMany => "too_many_streams",
        }
    }
}

/// Somebody who listens.
pub struct Listener {
    app: App,
    asker: Asker,
    told: broadcast::Receiver<Told>,
    /// When it began, by the monotonic clock.
    began: Duration,
    beat: Interval,
    /// What is said as soon as all that was told before is said.
    next: Option<Said>,
    _place: Place,
}

/// Begins to listen as a client, by its id and secret.
///
/// # Errors
/// [`ListenError`].
pub async fn listen(app: &App, client_id: &str, secret: &str) -> Result<Listener, ListenError> {
    // Before the client is made out: whoever ends it later is heard.
    let told = app.feed.listeners.told.subscribe();
    let asker = check::authenticate(app, client_id, secret).await?;
    let place = Place::take(&app.feed.listeners.streams, asker.id()).ok_or(ListenError::TooMany)?;
    let bound = app.settings.bound;
    let hello = Hello { bound_ms: millis(bound), position: app.feed.tail(), node: app.feed.node };
    let mut beat = interval((bound / 4).max(Duration::from_millis(1)));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let began = app.clock.monotonic();
    Ok(Listener { app: app.clone(), asker, told, began, beat, next: Some(Said::Hello(hello)), _place: place })
}

impl Listener {
    /// What is said next; nothing when this has ended, and with it all that was remembered.
    pub async fn next(&mut self) -> Option<Said> {
        loop {
            let told = match self.told.try_recv() {
                Ok(told) => told,
                Err(TryRecvError::Empty) => {
                    if let Some(said) = self.next.take() {
                        return Some(said);
                    }
                    tokio::select! {
                        biased;
                        () = self.app.feed.listeners.stop.cancelled() => return None,
                        told = self.told.recv() => told.ok()?,
                        _ = self.beat.tick() => {
                            self.next = self.alive();
                            continue;
                        }
                    }
                }
                Err(TryRecvError::Lagged(_) | TryRecvError::Closed) => return None,
            };
            match told {
                Told::Changed(account, dropped) if self.asker.sees(account) => return Some(Said::Drop(dropped)),
                Told::Changed(..) => {}
                Told::Client(name) if !self.asker.is_called(&name) => {}
                Told::Client(_) | Told::Everything => return None,
            }
        }
    }

    /// A sign of life, which a node without a lease does not give.
    fn alive(&self) -> Option<Said> {
        let now = self.app.clock.monotonic();
        let age = self.app.feed.age(now, self.app.settings.bound)?;
        // Rounded so that nobody takes it for fresher than it is.
        Some(Said::Alive(Alive {
            at_ms: millis(now.saturating_sub(self.began)),
            age_ms: millis(age).saturating_add(1),
        }))
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// One of the streams of a client; given back when it is dropped.
struct Place {
    streams: Arc<Mutex<HashMap<ClientId, usize>>>,
    client: ClientId,
}

impl Place {
    fn take(streams: &Arc<Mutex<HashMap<ClientId, usize>>>, client: ClientId) -> Option<Self> {
        let mut counts = streams.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(client).or_default();
        if *count >= MOST {
            return None;
        }
        *count += 1;
        Some(Self { streams: Arc::clone(streams), client })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.client) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.client);
            }
        }
    }
}
