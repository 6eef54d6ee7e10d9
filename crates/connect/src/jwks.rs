//! The one cache of other people's signing keys, one set a connection.
//!
//! | question | answer |
//! |---|---|
//! | how long a set is good | `max-age`, at least 5 minutes, at most a day; an hour if nothing is said |
//! | a key id that the set lacks | one fetch for all who ask, at most one a minute; ids not found then are remembered |
//! | the fetch fails | the last good set goes on for at most a day |
//! | the fetch succeeds | the new set replaces the old one whole: a key that is gone is gone at once |
//!
//! Header members that name keys or addresses of keys (`jku`, `x5u`, `jwk`, `x5c`) are never followed; only the
//! address in the provider's metadata is.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cardea_model::{Clock, Timestamp};
use url::Url;

use crate::fetch::{Fetch, FetchError};

mod key;
mod set;
mod signed;

pub(crate) use key::VerifyingKey;
pub use set::KeySet;
pub use signed::{ALGORITHM_NAMES, Unproven};

/// Two searches for unknown key ids of one connection are at least this far apart.
const SEARCH_PAUSE: Duration = Duration::from_secs(60);
/// A failed refresh is tried again after this long, while the old set goes on.
const RETRY_PAUSE: Duration = Duration::from_secs(60);
/// How long a key id that nobody published is remembered.
const UNKNOWN_LIFE: Duration = Duration::from_secs(300);
/// How many of them.
const UNKNOWN_MOST: usize = 256;
/// How long an expired set is good while the provider is away.
const STALE: Duration = Duration::from_secs(24 * 3600);
/// A set older than this is renewed by [`JwksCache::refresh`] even if it is good for longer.
const REFRESH: Duration = Duration::from_secs(3600);

/// Why there are no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// The provider gave no answer, or not with status 200.
    #[error("the key set cannot be fetched")]
    Fetch(#[source] FetchError),
    /// The answer is not a JWK set (RFC 7517 §5).
    #[error("the key set cannot be read")]
    Unreadable,
    /// The set has more than 100 entries.
    #[error("the key set has more than 100 keys")]
    TooMany,
}

/// The cache; clones share it.
#[derive(Clone)]
pub struct JwksCache(Arc<Parts>);

struct Parts {
    fetch: Fetch,
    clock: Arc<dyn Clock>,
    shelves: Mutex<HashMap<String, Arc<Shelf>>>,
}

impl std::fmt::Debug for JwksCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JwksCache")
    }
}

/// The keys of one connection.
struct Shelf {
    uri: Url,
    /// Never held across an await: who only reads waits for no fetch.
    state: Mutex<State>,
    /// Held by the one who fetches.
    flight: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// How the last fetch failed, if it did, and when.
    failed: Option<(JwksError, Timestamp)>,
    /// How many fetches have ended.
    flights: u64,
    /// When an unknown key id last made us fetch.
    searched_at: Option<Timestamp>,
    /// Key ids that were not found, oldest first.
    unknown: VecDeque<(String, Timestamp)>,
}

#[derive(Clone)]
struct Held {
    set: Arc<KeySet>,
    fetched_at: Timestamp,
    fresh_until: Timestamp,
}

/// What to do for one who asks.
enum Need {
    Nothing(Arc<KeySet>),
    Fetch,
    Search,
}

impl JwksCache {
    /// An empty cache.
    #[must_use]
    pub fn new(fetch: Fetch, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Parts { fetch, clock, shelves: Mutex::default() }))
    }

    /// The keys that `connection` publishes at `uri`. If `kid` is not among them they are fetched again, as often as
    /// the table above allows; the caller finds out by itself whether it is there then.
    ///
    /// # Errors
    /// There is no set that may still be used, and none could be fetched.
    pub async fn keys(&self, connection: &str, uri: &Url, kid: Option<&str>) -> Result<Arc<KeySet>, JwksError> {
        let shelf = self.shelf(connection, uri);
        let flights = {
            let state = shelf.state();
            if let Need::Nothing(set) = state.need(kid, self.now()) {
                return Ok(set);
            }
            state.flights
        };
        let _flight = shelf.flight.lock().await;
        let now = self.now();
        {
            // Whoever waited here shares what the one before has fetched, or that it could not be fetched.
            let mut state = shelf.state();
            match (state.need(kid, now), state.failed) {
                (Need::Nothing(set), _) => return Ok(set),
                (Need::Fetch, Some((error, _))) if state.flights != flights => return Err(error),
                (Need::Search, _) => state.searched_at = Some(now),
                (Need::Fetch, _) => {}
            }
        }
        let fetched = self.load(&shelf).await;
        let mut state = shelf.state();
        match fetched {
            Ok(set) => {
                state.remember(kid.filter(|kid| !set.has(kid)), now);
                Ok(set)
            }
            Err(error) => state.stale(now).ok_or(error),
        }
    }

    /// Fetches every set again that is older than an hour; for a job that runs now and then.
    pub async fn refresh(&self) {
        let shelves: Vec<_> = lock(&self.0.shelves).values().cloned().collect();
        for shelf in shelves {
            let _flight = shelf.flight.lock().await;
            let now = self.now();
            let aged = shelf.state().held.as_ref().is_some_and(|held| now.since(held.fetched_at) > REFRESH);
            if aged && let Err(error) = self.load(&shelf).await {
                tracing::warn!(%error, host = shelf.uri.host_str(), "the signing keys could not be renewed");
            }
        }
    }

    /// Drops what is remembered of a connection (the cache only).
    pub fn forget(&self, connection: &str) {
        lock(&self.0.shelves).remove(connection);
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The shelf of the connection; another address begins a new one.
    fn shelf(&self, connection: &str, uri: &Url) -> Arc<Shelf> {
        let mut shelves = lock(&self.0.shelves);
        if let Some(shelf) = shelves.get(connection).filter(|shelf| shelf.uri == *uri) {
            return Arc::clone(shelf);
        }
        let shelf =
            Arc::new(Shelf { uri: uri.clone(), state: Mutex::default(), flight: tokio::sync::Mutex::default() });
        shelves.insert(connection.to_owned(), Arc::clone(&shelf));
        shelf
    }

    /// Fetches once and notes the outcome.
    async fn load(&self, shelf: &Shelf) -> Result<Arc<KeySet>, JwksError> {
        let fetched = self.ask(&shelf.uri).await;
        let now = self.now();
        let mut state = shelf.state();
        state.flights = state.flights.wrapping_add(1);
        match fetched {
            Ok((set, life)) => {
                let set = Arc::new(set);
                state.held = Some(Held { set: Arc::clone(&set), fetched_at: now, fresh_until: now.after(life) });
                state.failed = None;
                Ok(set)
            }
            Err(error) => {
                state.failed = Some((error, now));
                Err(error)
            }
        }
    }

    async fn ask(&self, uri: &Url) -> Result<(KeySet, Duration), JwksError> {
        let accept = "application/jwk-set+json, application/json";
        let answer = self.0.fetch.get(uri, accept).await.map_err(JwksError::Fetch)?;
        if answer.status != 200 {
            return Err(JwksError::Fetch(FetchError::Status(answer.status)));
        }
        Ok((KeySet::read(&answer.body)?, answer.life()))
    }
}

impl Shelf {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn need(&self, kid: Option<&str>, now: Timestamp) -> Need {
        let Some(held) = &self.held else {
            return Need::Fetch;
        };
        let set = Arc::clone(&held.set);
        let resting = |since: Option<Timestamp>, pause| since.is_some_and(|since| now < since.after(pause));
        if now >= held.fresh_until {
            // While the provider is away, it is not asked at every sign-in.
            let usable = now < held.fresh_until.after(STALE) && resting(self.failed.map(|(_, at)| at), RETRY_PAUSE);
            return if usable { Need::Nothing(set) } else { Need::Fetch };
        }
        match kid {
            Some(kid) if !set.has(kid) && !self.is_unknown(kid, now) && !resting(self.searched_at, SEARCH_PAUSE) => {
                Need::Search
            }
            _ => Need::Nothing(set),
        }
    }

    fn stale(&self, now: Timestamp) -> Option<Arc<KeySet>> {
        let held = self.held.as_ref()?;
        (now < held.fresh_until.after(STALE)).then(|| Arc::clone(&held.set))
    }

    fn is_unknown(&self, kid: &str, now: Timestamp) -> bool {
        self.unknown.iter().any(|(unknown, since)| unknown == kid && now < since.after(UNKNOWN_LIFE))
    }

    /// Remembers a key id that the provider was just asked for in vain.
    fn remember(&mut self, unknown: Option<&str>, now: Timestamp) {
        self.unknown.retain(|(_, since)| now < since.after(UNKNOWN_LIFE));
        let Some(kid) = unknown else { return };
        if self.unknown.len() >= UNKNOWN_MOST {
            self.unknown.pop_front();
        }
        self.unknown.push_back((kid.to_owned(), now));
    }
}

/// A panic elsewhere leaves plain values behind that are still whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
