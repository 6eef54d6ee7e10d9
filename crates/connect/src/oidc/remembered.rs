//! For how long we believe what providers say about themselves.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cardea_model::Timestamp;

use super::OidcSettings;
use super::discovery::{Metadata, load};
use crate::connector::Outside;
use crate::error::{ConnectError, Step};
use crate::fetch::FetchError;

/// How long old metadata is good while the provider is away, and how long until it is asked again.
const STALE: Duration = Duration::from_secs(24 * 3600);
const RETRY_PAUSE: Duration = Duration::from_secs(60);

/// The metadata of every connection that was used lately; clones share it.
#[derive(Clone, Default)]
pub struct MetadataCache(Arc<Mutex<HashMap<String, Arc<Shelf>>>>);

/// One connection's metadata.
struct Shelf {
    issuer: String,
    /// How many fetches have ended.
    flights: AtomicU64,
    /// Locked while it is fetched, so that it is fetched once for all who wait.
    slot: tokio::sync::Mutex<Slot>,
}

#[derive(Default)]
struct Slot {
    held: Option<Held>,
    /// Why the last fetch got no answer, if it did not.
    away: Option<FetchError>,
}

struct Held {
    metadata: Arc<Metadata>,
    fresh_until: Timestamp,
    /// Until when the provider is left alone after it failed.
    rests_until: Timestamp,
}

impl std::fmt::Debug for MetadataCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MetadataCache")
    }
}

impl MetadataCache {
    /// The metadata of the provider, fetched if there is none or it is too old. If the provider is away, old metadata
    /// goes on for at most a day; if it says something wrong, it does not.
    pub(super) async fn of(&self, settings: &OidcSettings, outside: &Outside) -> Result<Arc<Metadata>, ConnectError> {
        let shelf = self.shelf(settings);
        let flights = shelf.flights.load(Ordering::Acquire);
        let mut slot = shelf.slot.lock().await;
        let now = outside.clock.now();
        if let Some(held) = slot.held.as_ref().filter(|held| now < held.fresh_until.max(held.rests_until)) {
            return Ok(Arc::clone(&held.metadata));
        }
        // Whoever waited while the provider did not answer does not wait for it once more.
        if let Some(source) = slot.away.filter(|_| shelf.flights.load(Ordering::Acquire) != flights) {
            return Err(ConnectError::outward(Step::Discovery, source));
        }
        let loaded = load(&settings.issuer, &outside.fetch).await;
        shelf.flights.fetch_add(1, Ordering::AcqRel);
        slot.take(loaded, now)
    }

    /// Drops what is remembered of a connection (the cache only).
    pub fn forget(&self, connection: &str) {
        self.shelves().remove(connection);
    }

    /// The shelf of the connection; another issuer begins a new one.
    fn shelf(&self, settings: &OidcSettings) -> Arc<Shelf> {
        let mut shelves = self.shelves();
        if let Some(shelf) = shelves.get(&settings.connection).filter(|shelf| shelf.issuer == settings.issuer) {
            return Arc::clone(shelf);
        }
        let shelf = Arc::new(Shelf {
            issuer: settings.issuer.clone(),
            flights: AtomicU64::new(0),
            slot: tokio::sync::Mutex::default(),
        });
        shelves.insert(settings.connection.clone(), Arc::clone(&shelf));
        shelf
    }

    fn shelves(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Shelf>>> {
        // A panic elsewhere leaves a map behind that is still whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Notes what was fetched at `now`, and says what is good now.
    fn take(
        &mut self,
        loaded: Result<(Metadata, Duration), ConnectError>,
        now: Timestamp,
    ) -> Result<Arc<Metadata>, ConnectError> {
        self.away = None;
        match (loaded, self.held.as_mut()) {
            (Ok((metadata, life)), _) => {
                let metadata = Arc::new(metadata);
                let fresh_until = now.after(life);
                self.held = Some(Held { metadata: Arc::clone(&metadata), fresh_until, rests_until: now });
                Ok(metadata)
            }
            (Err(ConnectError::Unreachable { .. }), Some(old)) if now < old.fresh_until.after(STALE) => {
                old.rests_until = now.after(RETRY_PAUSE);
                Ok(Arc::clone(&old.metadata))
            }
            (Err(error), _) => {
                if let ConnectError::Unreachable { source, .. } = &error {
                    self.away = Some(*source);
                }
                Err(error)
            }
        }
    }
}
