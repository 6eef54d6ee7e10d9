//! What a node keeps in memory to answer key checks: keys, members' numbers and roles, orgs and clients.
//!
//! Nothing here is trusted because it is recent, only because the feed has been read: see [`crate::feed`].
//! Entries only ever move forward: a member's numbers are monotone, a key carries its row's version, and whatever is
//! older than what stands is dropped. So it does not matter in which order a commit on this node, the feed, and a read
//! that began before either of them arrive.
//!
//! When the feed is not the continuation of the one that was followed, the whole memory is replaced by a fresh one, never
//! emptied: whatever was being read for the old one is kept in the old one, where nobody looks any more.

mod keys;
mod shards;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::{ArcSwap, ArcSwapOption};
use cardea_model::Timestamp;
use cardea_model::catalogue::ServiceSet;
use cardea_model::id::{AccountId, ClientId, ConnectionId, MemberId, OrgId, UserId};
use cardea_model::key::{Holder, KeyGrants, OrgFacts, Roles};
use cardea_model::numbers::Numbers;
use cardea_tokens::format::Kid;
use cardea_tokens::pepper::Mac;

use crate::rules::Shelf;
pub(crate) use keys::KeyEntry;
use keys::Keys;
use shards::Shards;

/// The end of what has none: an option would make each entry larger by a sixth.
pub(crate) const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);

/// Who holds keys: a member, with the numbers by which access ends, or an org, whose numbers stay 0; and the profile that
/// decisions need, once it has been asked for.
pub(crate) struct HolderEntry {
    /// `epoch × 2`, plus one while held. Whatever changes `held` raises the epoch too, so this only grows.
    access: AtomicI64,
    session_floor: AtomicI64,
    roles_version: AtomicI64,
    profile: ArcSwapOption<Profile>,
}

/// Who a holder is and what they may, as of one roles version.
pub(crate) struct Profile {
    /// The user; none for an org.
    pub(crate) user: Option<UserId>,
    pub(crate) account: AccountId,
    pub(crate) org: Arc<OrgEntry>,
    /// The user's roles; none for an org, which may whatever it has.
    pub(crate) roles: Option<Roles>,
    pub(crate) roles_version: i64,
    /// The version of the org by whose rules and teams the roles were worked out.
    pub(crate) org_version: i64,
    /// When the first of what their connections said is too old; [`NEVER`] for whoever no rules manage.
    pub(crate) stale_at: Timestamp,
    /// When it was worked out.
    pub(crate) read_at: Timestamp,
}

/// An org and what it has.
pub(crate) struct OrgEntry {
    pub(crate) facts: ArcSwap<Org>,
}

/// What an org has.
pub(crate) struct Org {
    pub(crate) name: Arc<str>,
    /// The services that it has at the moment of the read.
    pub(crate) enabled: ServiceSet,
    /// Whether legacy keys work there.
    pub(crate) legacy: bool,
    pub(crate) version: i64,
    /// When the first of them ends by itself; [`NEVER`] if none does.
    pub(crate) ends_at: Timestamp,
}

impl OrgEntry {
    pub(crate) fn of(facts: Org) -> Arc<Self> {
        Arc::new(Self { facts: ArcSwap::from_pointee(facts) })
    }
}

impl Org {
    /// Whether it was read of this version or a later one, and nothing of it has ended since.
    pub(crate) fn holds(&self, version: i64, now: Timestamp) -> bool {
        self.version >= version && now < self.ends_at
    }

    pub(crate) fn facts(&self) -> OrgFacts<'_> {
        OrgFacts { name: &self.name, enabled: self.enabled }
    }
}

/// A client that may ask.
pub(crate) struct ClientEntry {
    pub(crate) id: ClientId,
    pub(crate) account: Option<AccountId>,
    pub(crate) mac: Option<Mac>,
    pub(crate) resource_server: bool,
    pub(crate) services: ServiceSet,
    /// What an app has besides; nothing for a declared client.
    pub(crate) app: Option<AppEntry>,
    /// The rest of what was declared of it.
    pub(crate) declared: crate::state::Client,
}

/// What an app has besides.
pub(crate) struct AppEntry {
    pub(crate) enabled: bool,
    /// The secret before the current one, and until when it works.
    pub(crate) old: Option<(Mac, Timestamp)>,
}

impl ClientEntry {
    /// Whether nobody has switched it off.
    pub(crate) fn is_on(&self) -> bool {
        self.app.as_ref().is_none_or(|app| app.enabled)
    }

    /// The codes of its secrets that work now.
    pub(crate) fn macs(&self, now: Timestamp) -> impl Iterator<Item = Mac> {
        let old = self.app.as_ref().and_then(|app| app.old).filter(|(_, until)| now < *until);
        self.mac.into_iter().chain(old.map(|(mac, _)| mac))
    }
}

impl Profile {
    /// What a decision is told of them.
    pub(crate) fn holder(&self) -> Holder<'_> {
        self.roles.as_ref().map_or(Holder::Org, Holder::Person)
    }

    /// Whether it was worked out from something newer than the other.
    fn stands_before(&self, other: &Self) -> bool {
        self.roles_version > other.roles_version || self.org_version > other.org_version
    }
}

impl HolderEntry {
    /// Whether a credential that carries `epoch` is alive.
    pub(crate) fn lives(&self, epoch: i64) -> bool {
        self.access.load(Ordering::Acquire) == epoch.saturating_mul(2)
    }

    pub(crate) fn raise(&self, numbers: &Numbers) {
        let access = numbers.epoch.saturating_mul(2).saturating_add(i64::from(numbers.held));
        self.access.fetch_max(access, Ordering::AcqRel);
        self.session_floor.fetch_max(numbers.session_floor.as_micros(), Ordering::AcqRel);
        self.roles_version.fetch_max(numbers.roles_version, Ordering::AcqRel);
    }

    /// The profile, unless roles, or the org's rules, teams or services, have changed since it was read, or one of several
    /// lists of groups is too old by now: the others still count.
    pub(crate) fn profile(&self, now: Timestamp) -> Option<arc_swap::Guard<Option<Arc<Profile>>>> {
        let profile = self.profile.load();
        let current = profile.as_ref().is_some_and(|p| {
            let org = p.org.facts.load();
            p.roles_version >= self.roles_version.load(Ordering::Acquire)
                && p.org_version >= org.version
                && now < org.ends_at
                && !(p.read_at < p.stale_at && p.stale_at <= now)
        });
        current.then_some(profile)
    }

    /// Whose keys these are, once somebody has asked: the account, and the user if it is not the org itself.
    pub(crate) fn whose(&self) -> Option<(AccountId, Option<UserId>)> {
        self.profile.load().as_ref().map(|profile| (profile.account, profile.user))
    }

    /// Keeps a profile that was read; an older one never replaces a newer one for long, since its version is compared at use.
    pub(crate) fn keep(&self, profile: Arc<Profile>) {
        self.profile.rcu(|old| match old {
            Some(standing) if standing.stands_before(&profile) => Some(Arc::clone(standing)),
            _ => Some(Arc::clone(&profile)),
        });
    }
}

/// Everything that a node keeps.
pub struct Memory {
    keys: Shards<Keys>,
    members: Shards<HashMap<MemberId, Arc<HolderEntry>>>,
    holders: RwLock<HashMap<OrgId, Arc<HolderEntry>>>,
    grants: RwLock<HashMap<String, Arc<KeyGrants>>>,
    orgs: RwLock<HashMap<OrgId, Arc<OrgEntry>>>,
    clients: ArcSwap<HashMap<String, Arc<ClientEntry>>>,
    groups: RwLock<HashMap<(ConnectionId, String), HashMap<String, i64>>>,
    /// The rules in force, compiled.
    pub(crate) rules: Shelf,
}

/// Of one connection so many groups are kept at the most; beyond them all are forgotten, and looked up again.
const MOST_GROUPS: usize = 20_000;

impl Default for Memory {
    fn default() -> Self {
        Self {
            keys: Shards::new(),
            members: Shards::new(),
            holders: RwLock::default(),
            grants: RwLock::default(),
            orgs: RwLock::default(),
            clients: ArcSwap::default(),
            groups: RwLock::default(),
            rules: Shelf::default(),
        }
    }
}

impl Memory {
    /// How many secrets of keys are in memory.
    #[must_use]
    pub fn key_count(&self) -> usize {
        self.keys.each(|shard| shard.len()).sum()
    }

    /// Looks at the entry of a kid.
    pub(crate) fn with_key<R>(&self, kid: &Kid, look: impl FnOnce(&KeyEntry) -> R) -> Option<R> {
        self.keys.with(kid, |shard| shard.get(kid).map(look))
    }

    /// Keeps an entry unless a newer version of it stands.
    pub(crate) fn keep_key(&self, kid: Kid, entry: KeyEntry) {
        self.keys.change(kid, |shard| shard.put(kid, entry));
    }

    /// Forgets a key whose row cannot be read any more: the next check reads the row and refuses.
    pub(crate) fn forget_key(&self, kid: Kid) {
        self.keys.change(kid, |shard| shard.forget(&kid));
    }

    /// Takes the notes of uses that are not written yet, shard by shard, each when it is asked for.
    pub(crate) fn take_uses(&self) -> impl Iterator<Item = Vec<(Kid, Timestamp)>> {
        self.keys.each(Keys::take_uses)
    }

    /// The entry of a member; made if there is none, so that numbers that arrive before the member is known are not lost.
    pub(crate) fn member(&self, id: MemberId) -> Arc<HolderEntry> {
        let known = self.members.with(id, |shard| shard.get(&id).cloned());
        known
            .or_else(|| self.members.change(id, |shard| Arc::clone(shard.entry(id).or_insert_with(blank))))
            .unwrap_or_else(blank)
    }

    /// The entry of an org as the holder of its service keys.
    pub(crate) fn holder(&self, id: OrgId) -> Arc<HolderEntry> {
        if let Some(known) = self.holders.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Arc::clone(known);
        }
        Arc::clone(self.holders.write().unwrap_or_else(PoisonError::into_inner).entry(id).or_insert_with(blank))
    }

    /// Moves a member's numbers forward.
    pub(crate) fn raise(&self, id: MemberId, numbers: &Numbers) {
        self.member(id).raise(numbers);
    }

    /// One copy of equal grants for all keys that have them.
    pub(crate) fn share_grants(
        &self,
        document: &str,
        parse: impl FnOnce() -> Option<KeyGrants>,
    ) -> Option<Arc<KeyGrants>> {
        if let Some(known) = self.grants.read().unwrap_or_else(PoisonError::into_inner).get(document) {
            return Some(Arc::clone(known));
        }
        let fresh = Arc::new(parse()?);
        let mut all = self.grants.write().unwrap_or_else(PoisonError::into_inner);
        // Grants that no key has any more are swept when the table has doubled.
        if all.len() >= 1024 && all.len().is_power_of_two() {
            all.retain(|_, grants| Arc::strong_count(grants) > 1);
        }
        Some(Arc::clone(all.entry(document.to_owned()).or_insert(fresh)))
    }

    /// The entry of an org, if it has been read.
    pub(crate) fn org(&self, id: OrgId) -> Option<Arc<OrgEntry>> {
        self.orgs.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// Keeps what an org was read to have, unless something at least as new is known of it already.
    pub(crate) fn keep_newer_org(&self, id: OrgId, facts: Org) -> Arc<OrgEntry> {
        let mut orgs = self.orgs.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = orgs.get(&id) {
            let standing = entry.facts.load();
            // Between two reads of one version only time has passed: whoever read later sees a later end.
            if (facts.version, facts.ends_at) > (standing.version, standing.ends_at) {
                entry.facts.store(Arc::new(facts));
            }
            return Arc::clone(entry);
        }
        let entry = OrgEntry::of(facts);
        orgs.insert(id, Arc::clone(&entry));
        entry
    }

    /// Keeps what an org has now; the entry that members point to stays the same. Only for whoever follows the feed.
    pub(crate) fn keep_org(&self, id: OrgId, facts: Org) -> Arc<OrgEntry> {
        let mut orgs = self.orgs.write().unwrap_or_else(PoisonError::into_inner);
        match orgs.get(&id) {
            Some(entry) => {
                entry.facts.store(Arc::new(facts));
                Arc::clone(entry)
            }
            None => {
                let entry = OrgEntry::of(facts);
                orgs.insert(id, Arc::clone(&entry));
                entry
            }
        }
    }

    /// The numbers of those groups of a connection's claim that are known, and the others.
    pub(crate) fn numbers_of(&self, of: &(ConnectionId, String), values: &[String]) -> (Vec<i64>, Vec<String>) {
        let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
        let of = groups.get(of);
        let (mut known, mut unknown) = (Vec::with_capacity(values.len()), Vec::new());
        for value in values {
            match of.and_then(|of| of.get(value)) {
                Some(number) => known.push(*number),
                None => unknown.push(value.clone()),
            }
        }
        (known, unknown)
    }

    /// Keeps the numbers of groups of a connection's claim, which are committed.
    pub(crate) fn keep_numbers(&self, of: (ConnectionId, String), fresh: HashMap<String, i64>) {
        let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        let of = groups.entry(of).or_default();
        if of.len() + fresh.len() > MOST_GROUPS {
            of.clear();
        }
        of.extend(fresh);
    }

    /// The client with this name.
    pub(crate) fn client(&self, client_id: &str) -> Option<Arc<ClientEntry>> {
        self.clients.load().get(client_id).cloned()
    }

    /// Replaces all clients.
    pub(crate) fn keep_clients(&self, clients: HashMap<String, Arc<ClientEntry>>) {
        self.clients.store(Arc::new(clients));
    }
}

fn blank() -> Arc<HolderEntry> {
    Arc::new(HolderEntry {
        access: AtomicI64::new(0),
        session_floor: AtomicI64::new(0),
        roles_version: AtomicI64::new(0),
        profile: ArcSwapOption::empty(),
    })
}
