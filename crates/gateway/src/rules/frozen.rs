//! Generations as they are evaluated: compiled once on a node, and never changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use cardea_model::Timestamp;
use cardea_model::id::{ConnectionId, OrgId, RuleId};
use cardea_model::rule::{CompiledRules, Rule, RuleBody};
use cardea_store::db::{Conn, DbError};
use cardea_store::generation;
use cardea_store::group::{self, Group};
use cardea_store::member::InForce;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedMutexGuard, Semaphore};

use super::Change;
use crate::app::App;

/// A rule as a generation keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frozen {
    pub(crate) id: RuleId,
    /// The connection whose groups it reads, and no other's.
    pub(crate) connection: ConnectionId,
    pub(crate) name: String,
    pub(crate) body: RuleBody,
}

/// Whose mark counts under a generation. A mark is the number of the generation since which only rules give somebody's
/// roles; it stays when they match nothing any more, so that roles by hand do not come back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Marks {
    /// Earlier generations whose people may not carry their mark yet: whoever matches one of them counts as marked.
    pub(crate) also: Vec<i64>,
    /// Generations that were undone: their marks are void.
    pub(crate) undone: Vec<i64>,
    /// Generations that took rules out of force and left by hand what these had given: marks from before count no more.
    pub(crate) freezes: Vec<i64>,
}

impl Marks {
    /// The marks of the generation after this one, which is in force as `standing` says.
    pub(super) fn following(&self, standing: &InForce, change: Change) -> Self {
        let current = standing.generation;
        let mut next = self.clone();
        next.also.retain(|number| *number > standing.settled);
        match change {
            Change::Activate | Change::Apply | Change::Revoke => next.also.extend((current > 0).then_some(current)),
            Change::Freeze => {
                next.also.push(current);
                next.freezes.push(current + 1);
            }
            Change::Undo => {
                next.undone.push(current);
                next.freezes.retain(|freeze| *freeze != current);
            }
        }
        next
    }

    /// Whether a mark says that only rules give somebody's roles.
    pub(crate) fn count(&self, mark: i64) -> bool {
        self.stands(mark) && self.freezes.iter().all(|freeze| mark > *freeze)
    }

    /// Whether it said so when this generation left by hand what rules had given.
    pub(crate) fn counted(&self, mark: i64, freeze: i64) -> bool {
        self.stands(mark) && self.freezes.iter().all(|other| *other >= freeze || mark > *other)
    }

    /// Whether a mark may count again: it is not void for ever.
    pub(crate) fn stands(&self, mark: i64) -> bool {
        !self.undone.contains(&mark)
    }

    /// Whether a noted mark can never count again once there is the newer one.
    pub(crate) fn gives_way(&self, noted: i64, newer: i64) -> bool {
        !self.stands(noted) || self.freezes.iter().any(|freeze| noted < *freeze && newer > *freeze)
    }

    /// The generation in force, if it left by hand what rules had given.
    pub(crate) fn freeze(&self, number: i64) -> Option<i64> {
        self.freezes.last().copied().filter(|freeze| *freeze == number)
    }
}

/// The rules of one generation, by the connection whose groups they read.
#[derive(Debug, Default)]
pub(crate) struct RuleSet {
    pub(crate) rules: HashMap<ConnectionId, CompiledRules>,
}

impl RuleSet {
    /// Compiles rules; nothing if they cannot be used, which a newer release may have written.
    pub(crate) fn compile(frozen: &[Frozen]) -> Option<Self> {
        let mut apart: HashMap<ConnectionId, Vec<Rule>> = HashMap::new();
        for rule in frozen {
            let plain = Rule { id: rule.id, name: rule.name.clone(), body: rule.body.clone() };
            apart.entry(rule.connection).or_default().push(plain);
        }
        let compiled = apart.into_iter().map(|(id, rules)| Some((id, CompiledRules::compile(&rules).ok()?)));
        Some(Self { rules: compiled.collect::<Option<_>>()? })
    }
}

/// Everything by which the roles of an org's people are worked out while one generation is in force.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    number: i64,
    pub(crate) giving: Arc<RuleSet>,
    /// The earlier generations of [`Marks::also`], the oldest first.
    also: Vec<Earlier>,
    pub(crate) marks: Marks,
    values: Arc<RwLock<HashMap<i64, Arc<Group>>>>,
}

/// A generation that was in force before.
#[derive(Debug)]
pub(crate) struct Earlier {
    pub(crate) number: i64,
    pub(crate) rules: Arc<RuleSet>,
    /// When another one took its place: it manages nobody of whom something was first said later.
    pub(crate) until: Timestamp,
}

impl Earlier {
    /// Whether what was told at this time was known while it was in force.
    pub(crate) fn knew(&self, seen_at: Timestamp) -> bool {
        seen_at <= self.until
    }
}

/// The newest sets of each org that this node has been asked for.
pub(crate) struct Shelf {
    sets: RwLock<HashMap<OrgId, Arc<Sets>>>,
    /// Whoever reads and compiles the rules of an org; the others wait and find them done.
    turns: Mutex<HashMap<OrgId, Arc<Turn>>>,
    comparisons: Arc<Semaphore>,
}

type Turn = tokio::sync::Mutex<()>;

/// While it is held nobody else reads or compiles the rules of an org: whoever asks for those that have come in force waits
/// until they are kept.
pub(crate) struct Held(#[expect(dead_code, reason = "dropping it is what it is for")] OwnedMutexGuard<()>);

/// So many comparisons of everybody go on at once on a node.
const MOST_COMPARISONS: usize = 2;

impl Default for Shelf {
    fn default() -> Self {
        let comparisons = Arc::new(Semaphore::new(MOST_COMPARISONS));
        Self { sets: RwLock::default(), turns: Mutex::default(), comparisons }
    }
}

/// Of an org so many groups are kept at the most; beyond them all are forgotten, and read again.
const MOST_GROUPS: usize = 20_000;
/// A node of many small orgs forgets all of them at this number, and reads again what it is asked for.
const MOST_ORGS: usize = 4096;

impl Shelf {
    /// The sets of an org while this generation is in force.
    pub(crate) async fn sets(&self, conn: &mut Conn, org: OrgId, number: i64) -> Result<Arc<Sets>, DbError> {
        if let Some(known) = self.known(org, number) {
            return Ok(known);
        }
        // What a transaction sees may never be committed, and another generation of this number come to be.
        if !conn.reads_commits() {
            let reader = Reader { conn, org, known: self.latest(org), fresh: None };
            return Ok(Arc::new(reader.sets(number).await?));
        }
        let turn = self.turn(org);
        let _turn = turn.lock().await;
        match self.known(org, number) {
            Some(known) => Ok(known),
            None => {
                let reader = Reader { conn, org, known: self.latest(org), fresh: None };
                let fresh = Arc::new(reader.sets(number).await?);
                self.keep(org, &fresh);
                Ok(fresh)
            }
        }
    }

    /// Holds off whoever else would read the rules of an org.
    pub(super) async fn hold(&self, org: OrgId) -> Held {
        Held(self.turn(org).lock_owned().await)
    }

    /// The rules of a generation, compiled, for whoever is about to put them in force again.
    pub(super) async fn rules(&self, conn: &mut Conn, org: OrgId, number: i64) -> Result<Arc<RuleSet>, DbError> {
        Reader { conn, org, known: self.latest(org), fresh: None }.compiled(number).await
    }

    /// The sets of a generation that is about to be committed, whose rules are compiled already. It needs no reader of its
    /// own: all of them may be with those who wait.
    pub(super) async fn ahead(
        &self,
        tx: &mut Conn,
        (org, number): (OrgId, i64),
        giving: Arc<RuleSet>,
    ) -> Result<Arc<Sets>, DbError> {
        let reader = Reader { conn: tx, org, known: self.latest(org), fresh: Some(giving) };
        Ok(Arc::new(reader.sets(number).await?))
    }

    /// Keeps sets that are committed.
    pub(super) fn keep(&self, org: OrgId, fresh: &Arc<Sets>) {
        let mut shelf = self.sets.write().unwrap_or_else(PoisonError::into_inner);
        if shelf.len() >= MOST_ORGS {
            shelf.clear();
        }
        if shelf.get(&org).is_none_or(|known| known.number < fresh.number) {
            shelf.insert(org, Arc::clone(fresh));
        }
    }

    /// As [`Self::sets`], with a reader of its own where they are not at hand.
    pub(super) async fn kept(&self, app: &App, org: OrgId, number: i64) -> Result<Arc<Sets>, DbError> {
        match self.known(org, number) {
            Some(known) => Ok(known),
            None => self.sets(&mut app.db.read().await?, org, number).await,
        }
    }

    fn known(&self, org: OrgId, number: i64) -> Option<Arc<Sets>> {
        self.latest(org).filter(|known| known.number == number)
    }

    fn latest(&self, org: OrgId) -> Option<Arc<Sets>> {
        self.sets.read().unwrap_or_else(PoisonError::into_inner).get(&org).cloned()
    }

    fn turn(&self, org: OrgId) -> Arc<Turn> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever has a turn keeps it; at worst somebody does once more what is being done.
        if turns.len() >= MOST_ORGS {
            turns.clear();
        }
        Arc::clone(turns.entry(org).or_default())
    }

    /// Whoever compares everybody waits for a place here.
    pub(super) fn comparisons(&self) -> Arc<Semaphore> {
        Arc::clone(&self.comparisons)
    }
}

impl Sets {
    /// Whose mark counts under a generation; nobody's under none.
    pub(super) async fn marks(conn: &mut Conn, org: OrgId, number: i64) -> Result<Marks, DbError> {
        let marks = generation::marks(conn, org, number).await?;
        Ok(marks.map_or_else(Marks::default, |marks| readable(&marks, org, number)))
    }

    /// The rules of a generation, if these sets have them.
    fn rules_of(&self, number: i64) -> Option<&Arc<RuleSet>> {
        let earlier = || self.also.iter().find(|earlier| earlier.number == number).map(|earlier| &earlier.rules);
        if self.number == number { Some(&self.giving) } else { earlier() }
    }

    /// The earlier generations whose people may not carry their marks yet, the oldest first.
    pub(crate) fn unsettled(&self, settled: i64) -> impl Iterator<Item = &Earlier> {
        self.also.iter().filter(move |earlier| earlier.number > settled)
    }

    /// The rules that gave the roles which the generation in force left by hand, as long as these are not written for
    /// everybody.
    pub(crate) fn left(&self, settled: i64) -> Option<&Earlier> {
        self.marks.freeze(self.number).and_then(|_| self.unsettled(settled).last())
    }

    /// The groups of these numbers. What a committed number stands for never changes, so each is read once.
    pub(crate) async fn groups(&self, conn: &mut Conn, ids: &[i64]) -> Result<Vec<Arc<Group>>, DbError> {
        let (known, missing) = {
            let values = self.values.read().unwrap_or_else(PoisonError::into_inner);
            let known: Vec<Arc<Group>> = ids.iter().filter_map(|id| values.get(id).cloned()).collect();
            let missing: Vec<i64> = ids.iter().filter(|id| !values.contains_key(id)).copied().collect();
            (known, missing)
        };
        if missing.is_empty() {
            return Ok(known);
        }
        let read: Vec<Arc<Group>> = group::with_ids(conn, &missing).await?.into_iter().map(Arc::new).collect();
        if conn.reads_commits() {
            let mut values = self.values.write().unwrap_or_else(PoisonError::into_inner);
            if values.len() >= MOST_GROUPS {
                values.clear();
            }
            values.extend(read.iter().map(|group| (group.id, Arc::clone(group))));
        }
        Ok(known.into_iter().chain(read).collect())
    }
}

/// Reads sets, with what is compiled already: a generation that was committed never changes.
struct Reader<'a> {
    conn: &'a mut Conn,
    org: OrgId,
    /// Those that are kept.
    known: Option<Arc<Sets>>,
    /// The rules of the generation that is read.
    fresh: Option<Arc<RuleSet>>,
}

impl Reader<'_> {
    async fn sets(mut self, number: i64) -> Result<Sets, DbError> {
        let marks = Sets::marks(self.conn, self.org, number).await?;
        let mut also = Vec::with_capacity(marks.also.len());
        for earlier in &marks.also {
            let next = generation::activated_at(self.conn, self.org, earlier + 1).await?;
            let until = next.unwrap_or(Timestamp::from_micros(i64::MAX));
            also.push(Earlier { number: *earlier, rules: self.compiled(*earlier).await?, until });
        }
        let giving = match self.fresh.take() {
            Some(fresh) => fresh,
            None => self.compiled(number).await?,
        };
        let values = self.known.map(|known| Arc::clone(&known.values)).unwrap_or_default();
        Ok(Sets { number, giving, also, marks, values })
    }

    async fn compiled(&mut self, number: i64) -> Result<Arc<RuleSet>, DbError> {
        if let Some(known) = self.known.as_ref().and_then(|known| known.rules_of(number)) {
            return Ok(Arc::clone(known));
        }
        let (org, Some(row)) = (self.org, generation::find(self.conn, self.org, number).await?) else {
            return Ok(Arc::default());
        };
        let compile = move || RuleSet::compile(&readable::<Vec<Frozen>>(&row.rules, org, number));
        // Thousands of matchers take a while: whoever waits for another answer does not wait for that. A transaction does not
        // let go of the writer either way.
        let compiled = match self.conn.reads_commits() {
            true => tokio::task::spawn_blocking(compile).await.unwrap_or(None),
            false => compile(),
        };
        Ok(Arc::new(compiled.unwrap_or_else(|| {
            tracing::error!(org.id = %org, generation = number, "rules in force cannot be used; they give nothing");
            RuleSet::default()
        })))
    }
}

/// What a generation's JSON says; nothing if this release cannot read it.
fn readable<T: Default + serde::de::DeserializeOwned>(text: &str, org: OrgId, number: i64) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| {
        tracing::error!(org.id = %org, generation = number, %error, "a generation of rules cannot be read");
        T::default()
    })
}
