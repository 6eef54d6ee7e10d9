//! Maps that many read and few change.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{PoisonError, RwLock};

const SHARDS: usize = 64;

/// Something cut into shards by key, so that writers of one key do not stop readers of another.
pub(super) struct Shards<S> {
    hasher: RandomState,
    shards: Vec<RwLock<S>>,
}

impl<S: Default> Shards<S> {
    pub(super) fn new() -> Self {
        let shards = std::iter::repeat_with(RwLock::default).take(SHARDS).collect();
        Self { hasher: RandomState::new(), shards }
    }

    fn shard(&self, key: impl Hash) -> Option<&RwLock<S>> {
        let hash = usize::try_from(self.hasher.hash_one(key) >> 32).unwrap_or(0);
        self.shards.get(hash % SHARDS)
    }

    /// Looks into the shard of `key`.
    pub(super) fn with<R>(&self, key: impl Hash, look: impl FnOnce(&S) -> Option<R>) -> Option<R> {
        look(&self.shard(key)?.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn change<R>(&self, key: impl Hash, change: impl FnOnce(&mut S) -> R) -> Option<R> {
        Some(change(&mut self.shard(key)?.write().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Looks into one shard after the other.
    pub(super) fn each<R>(&self, look: impl Fn(&S) -> R) -> impl Iterator<Item = R> {
        self.shards.iter().map(move |shard| look(&shard.read().unwrap_or_else(PoisonError::into_inner)))
    }
}
