//! The secrets of keys in memory: a few million of them fit.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cardea_model::Timestamp;
use cardea_model::id::KeyId;
use cardea_model::key::{KeyGrants, KeyState};
use cardea_store::secret::Resident;
use cardea_tokens::format::Kid;
use cardea_tokens::pepper::Mac;

use super::{HolderEntry, NEVER};

/// The keys of one shard. The entries lie in blocks that never move and have no gaps, because a map that has just grown
/// is half empty: with the entries in it, a million keys would take twice the room.
#[derive(Default)]
pub(super) struct Keys {
    places: HashMap<Kid, u32>,
    blocks: Vec<Vec<KeyEntry>>,
}

const BLOCK: usize = 128;

impl Keys {
    pub(super) fn get(&self, kid: &Kid) -> Option<&KeyEntry> {
        self.at(*self.places.get(kid)?)
    }

    fn at(&self, place: u32) -> Option<&KeyEntry> {
        let place = usize::try_from(place).ok()?;
        self.blocks.get(place / BLOCK)?.get(place % BLOCK)
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn forget(&mut self, kid: &Kid) {
        self.places.remove(kid);
    }

    /// Takes the notes of uses that are not written yet.
    pub(super) fn take_uses(&self) -> Vec<(Kid, Timestamp)> {
        self.places.iter().filter_map(|(kid, place)| Some((*kid, self.at(*place)?.take_use()?))).collect()
    }

    /// Keeps an entry unless a newer version of it stands.
    pub(super) fn put(&mut self, kid: Kid, entry: KeyEntry) {
        if let Some(place) = self.places.get(&kid).and_then(|place| usize::try_from(*place).ok()) {
            let standing = self.blocks.get_mut(place / BLOCK).and_then(|block| block.get_mut(place % BLOCK));
            if let Some(standing) = standing.filter(|standing| standing.version <= entry.version) {
                entry.used.fetch_max(standing.used.load(Ordering::Relaxed), Ordering::Relaxed);
                *standing = entry;
            }
            return;
        }
        let place = self.blocks.iter().map(Vec::len).sum::<usize>();
        if place.is_multiple_of(BLOCK) {
            self.blocks.push(Vec::with_capacity(BLOCK));
        }
        if let (Ok(number), Some(block)) = (u32::try_from(place), self.blocks.last_mut()) {
            block.push(entry);
            self.places.insert(kid, number);
        }
    }
}

/// One secret of a key. There are millions of them: its size is held by a test.
pub(crate) struct KeyEntry {
    id: [u8; 16],
    pub(crate) mac: Mac,
    pub(crate) state: KeyState,
    /// Whether another secret has taken its place, which works until `expires_at` all the same.
    pub(crate) replaced: bool,
    pub(crate) epoch: u32,
    version: u32,
    /// The minute since 1970 of its last use, as long as that is not written; else 0.
    pub(crate) used: AtomicU32,
    /// When it ends, or its key; [`NEVER`] for a key without an end.
    pub(crate) expires_at: Timestamp,
    pub(crate) grants: Arc<KeyGrants>,
    /// The member, or for a service key the org.
    pub(crate) holder: Arc<HolderEntry>,
}

impl KeyEntry {
    /// The entry of a secret; none if its row has a number that no row has.
    pub(crate) fn new(row: &Resident, grants: Arc<KeyGrants>, holder: Arc<HolderEntry>) -> Option<Self> {
        let ends = row.expires_at.unwrap_or(NEVER);
        Some(Self {
            id: row.id.to_bytes(),
            mac: Mac::from_bytes(&row.mac)?,
            state: KeyState::parse(&row.state)?,
            replaced: row.valid_until.is_some_and(|until| until <= ends),
            epoch: u32::try_from(row.epoch).ok()?,
            version: u32::try_from(row.version).ok()?,
            used: AtomicU32::new(0),
            expires_at: row.valid_until.unwrap_or(NEVER).min(ends),
            grants,
            holder,
        })
    }

    /// The key.
    pub(crate) const fn id(&self) -> KeyId {
        KeyId::from_bytes(self.id)
    }

    /// When it expires, if ever.
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        (self.expires_at != NEVER).then_some(self.expires_at)
    }

    /// Notes a use. Most find the minute noted already, and then nothing is written that other cores would have to hear of.
    pub(crate) fn note_use(&self, now: Timestamp) {
        let minute = u32::try_from(now.as_seconds() / 60).unwrap_or(0);
        if self.used.load(Ordering::Relaxed) != minute {
            self.used.store(minute, Ordering::Relaxed);
        }
    }

    fn take_use(&self) -> Option<Timestamp> {
        if self.used.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let minute = self.used.swap(0, Ordering::Relaxed);
        (minute > 0).then(|| Timestamp::from_seconds(i64::from(minute) * 60))
    }
}

#[cfg(test)]
mod tests;
