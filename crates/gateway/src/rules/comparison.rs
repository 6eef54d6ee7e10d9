//! Everybody under the rules in force and under others, side by side.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};
use std::time::Duration;

use cardea_model::Timestamp;
use cardea_model::id::{ConnectionId, MemberId};
use cardea_model::rule::{AccountRole, CONTROL_PLANE, Rule};
use cardea_store::grant;
use cardea_store::group::{Group, Said, Told};

use super::bulk::{Index, identities};
use super::plan::{Counts, Guard, Named};
use super::{Earlier, Sets};
use crate::roles::{USER_ADMIN, counts_until, is_over};

/// So many people whom it changes are shown, those who lose most first.
const SHOWN: usize = 200;

/// Every role that anybody has or could have, by number.
pub(super) struct Table {
    teams: BTreeSet<String>,
    numbers: HashMap<Named, u32>,
    names: Vec<Named>,
}

/// Rules with the numbers of the roles that each gives.
pub(super) struct Ruled<'a> {
    index: Index<'a>,
    gives: Vec<Vec<u32>>,
}

impl Table {
    pub(super) fn new(teams: BTreeSet<String>) -> Self {
        Self { teams, numbers: HashMap::new(), names: Vec::new() }
    }

    fn number(&mut self, name: Named) -> u32 {
        let next = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        *self.numbers.entry(name).or_insert_with_key(|name| {
            self.names.push(name.clone());
            next
        })
    }

    pub(super) fn ruled<'a>(&mut self, index: Index<'a>) -> Ruled<'a> {
        let gives = index.rules().iter().map(|rule| self.gives(rule)).collect();
        Ruled { index, gives }
    }

    fn gives(&mut self, rule: &Rule) -> Vec<u32> {
        let mut gives = Vec::with_capacity(rule.body.grants.len());
        for grant in &rule.body.grants {
            if grant.team.as_ref().is_some_and(|team| !self.teams.contains(team)) {
                continue;
            }
            let name = Named { team: grant.team.clone(), service: grant.service.clone(), role: grant.role.clone() };
            gives.push(self.number(name));
        }
        gives.extend(self.account_role(rule.body.account_role.as_str()));
        gives
    }

    /// The number of a role in the account, as far as it is more than being a member.
    fn account_role(&mut self, role: &str) -> Option<u32> {
        let admin = AccountRole::parse(role) >= AccountRole::Admin;
        admin.then(|| self.number(Named { team: None, service: "account".to_owned(), role: role.to_owned() }))
    }

    fn is_user_admin(&self, number: u32) -> bool {
        let name = usize::try_from(number).ok().and_then(|at| self.names.get(at));
        name.is_some_and(|name| name.team.is_none() && name.service == CONTROL_PLANE && name.role == USER_ADMIN)
    }

    pub(super) fn words(&self, numbers: &[u32]) -> Vec<Named> {
        let name = |number: &u32| usize::try_from(*number).ok().and_then(|at| self.names.get(at)).cloned();
        let mut words: Vec<Named> = numbers.iter().filter_map(name).collect();
        words.sort();
        words
    }
}

/// What one person loses and gains; those who lose most are the greatest, then those who gain most, then the first known.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moved {
    pub(super) removed: Vec<u32>,
    pub(super) added: Vec<u32>,
    pub(super) migrated: bool,
    pub(super) member: MemberId,
}

/// The order in which people are shown.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Weight(Reverse<usize>, Reverse<usize>, MemberId);

#[derive(Default)]
struct Scratch {
    met: Vec<u32>,
    places: Vec<usize>,
}

pub(super) struct Comparison<'a> {
    now: Timestamp,
    /// How old a list may be to count afterwards, if that matters.
    most: Option<Duration>,
    sets: &'a Sets,
    before: Ruled<'a>,
    also: Vec<(&'a Earlier, Index<'a>)>,
    after: Ruled<'a>,
    speaker: Option<MemberId>,
    counts: Counts,
    /// The claims besides the connections' own that any sign-in has told.
    told: HashSet<(ConnectionId, String)>,
    had_roles: u64,
    /// Whether the one who asks would no longer manage users.
    shuts_out: bool,
    worst: BinaryHeap<(Weight, Moved)>,
    scratch: Scratch,
}

impl<'a> Comparison<'a> {
    /// Between what is in force and what would be; `settled` is the newest generation whose people carry their marks.
    pub(super) fn new(
        (sets, settled): (&'a Sets, i64),
        (before, after): (Ruled<'a>, Ruled<'a>),
        groups: &[Group],
        (speaker, now, most): (Option<MemberId>, Timestamp, Option<Duration>),
    ) -> Self {
        let also = sets.unsettled(settled);
        Self {
            now,
            most,
            sets,
            before,
            also: also.map(|earlier| (earlier, Index::new(&earlier.rules, groups))).collect(),
            after,
            speaker,
            counts: Counts::default(),
            told: HashSet::new(),
            had_roles: 0,
            shuts_out: false,
            worst: BinaryHeap::new(),
            scratch: Scratch::default(),
        }
    }

    /// How many people, by what becomes of them.
    pub(super) const fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether anybody's sign-in has told this claim.
    pub(super) fn is_told(&self, connection: ConnectionId, claim: &str) -> bool {
        self.told.iter().any(|(of, told)| *of == connection && told == claim)
    }

    /// Whom it changes of those taken since it was asked last, those who lose most first.
    pub(super) fn take_all(&mut self) -> Vec<Moved> {
        std::mem::take(&mut self.worst).into_sorted_vec().into_iter().map(|(_, moved)| moved).collect()
    }

    /// Lets go of those who lose least, beyond so many as are shown.
    pub(super) fn keep_worst(&mut self) {
        while self.worst.len() > SHOWN {
            self.worst.pop();
        }
    }

    /// Takes a page of people, with what they have by hand in the same order.
    pub(super) fn take(&mut self, table: &mut Table, page: &[Told], manual: &[grant::Held]) {
        let mut by_hand: BTreeMap<MemberId, Vec<u32>> = BTreeMap::new();
        for held in manual {
            let team = (!held.grant.team.is_empty()).then(|| held.grant.team.clone());
            let name = Named { team, service: held.grant.service.clone(), role: held.grant.role.clone() };
            by_hand.entry(held.member).or_default().push(table.number(name));
        }
        for said in page.iter().filter_map(|told| told.said.as_ref()).filter(|said| !said.claim.is_empty()) {
            if !self.is_told(said.connection, &said.claim) {
                self.told.insert((said.connection, said.claim.clone()));
            }
        }
        for told in page.chunk_by(|one, other| one.member == other.member) {
            if let Some(first) = told.first() {
                let mut hand = by_hand.remove(&first.member).unwrap_or_default();
                hand.extend(table.account_role(&first.account_role));
                self.person(table, first, told, hand);
            }
        }
    }

    fn person(&mut self, table: &Table, who: &Told, told: &[Told], by_hand: Vec<u32>) {
        self.counts.people += 1;
        if who.owner {
            self.counts.owners += 1;
            return;
        }
        let said = || told.iter().filter_map(|told| told.said.as_ref());
        self.counts.never_seen += u64::from(said().next().is_none());
        let matters = |said: &Said| said.claim.is_empty() || self.after.index.reads(said.connection, &said.claim);
        self.counts.unknown += u64::from(said().any(|said| said.said != "present" && matters(said)));
        let (now, scratch) = (self.now, &mut self.scratch);
        let before = earned(&self.before, told, (now, None), scratch);
        let after = earned(&self.after, told, (now, self.most), scratch);
        let mut matches = |index: &Index<'_>, knew: &dyn Fn(Timestamp) -> bool| {
            scratch.places.clear();
            for told in identities(told) {
                let known = told.iter().filter_map(|told| told.said.as_ref()).filter(|said| knew(said.seen_at));
                index.applying(known, &mut scratch.met, &mut scratch.places);
            }
            !scratch.places.is_empty()
        };
        let matched = matches(&self.after.index, &|_| true);
        let mut managed = matches(&self.before.index, &|_| true);
        managed |= self.also.iter().any(|(earlier, index)| matches(index, &|seen| earlier.knew(seen)));
        let marked = who.managed_since.is_some_and(|mark| self.sets.marks.count(mark));
        let managed = managed || marked;
        self.counts.managed += u64::from(managed);
        self.counts.matched += u64::from(matched);
        let migrated = !managed && matched;
        self.counts.migrated += u64::from(migrated);
        self.counts.unmatched += u64::from(!managed && !matched && !by_hand.is_empty());
        let (has, will) = match (who.left, managed, matched) {
            (true, _, _) => (Vec::new(), Vec::new()),
            (false, true, _) => (before, after),
            (false, false, true) => (by_hand, after),
            (false, false, false) => (by_hand.clone(), by_hand),
        };
        self.moves(table, who.member, migrated, (has, will));
    }

    fn moves(&mut self, table: &Table, member: MemberId, migrated: bool, (mut has, mut will): (Vec<u32>, Vec<u32>)) {
        for numbers in [&mut has, &mut will] {
            numbers.sort_unstable();
            numbers.dedup();
        }
        let without = |one: &[u32], other: &[u32]| -> Vec<u32> {
            one.iter().filter(|number| other.binary_search(number).is_err()).copied().collect()
        };
        let (removed, added) = (without(&has, &will), without(&will, &has));
        self.had_roles += u64::from(!has.is_empty());
        self.counts.losing += u64::from(!removed.is_empty());
        self.counts.gaining += u64::from(!added.is_empty());
        self.counts.losing_everything += u64::from(!has.is_empty() && will.is_empty());
        self.shuts_out |= self.speaker == Some(member) && removed.iter().any(|number| table.is_user_admin(*number));
        if removed.is_empty() && added.is_empty() {
            self.counts.unchanged += 1;
            if !migrated {
                return;
            }
        }
        let weight = Weight(Reverse(removed.len()), Reverse(added.len()), member);
        self.worst.push((weight, Moved { removed, added, migrated, member }));
    }

    pub(super) fn guards(&self) -> Vec<Guard> {
        let many = self.counts.losing_everything * 5 > self.had_roles;
        let guards = [
            (many, Guard::ManyLoseEverything),
            (self.shuts_out, Guard::YouLoseUserAdmin),
            (self.counts.matched == 0, Guard::NobodyMatches),
        ];
        guards.into_iter().filter_map(|(applies, guard)| applies.then_some(guard)).collect()
    }
}

/// What rules give by what every connection said, as far as that earns roles now.
fn earned(
    rules: &Ruled<'_>,
    told: &[Told],
    (now, most): (Timestamp, Option<Duration>),
    scratch: &mut Scratch,
) -> Vec<u32> {
    scratch.places.clear();
    let is_young = |said: &&Said| most.is_none_or(|most| now < counts_until(&said.said, said.seen_at, most));
    for told in identities(told) {
        let said = told.iter().filter_map(|told| told.said.as_ref());
        let counting = said.filter(|said| !is_over(&said.said, said.seen_at, now)).filter(is_young);
        rules.index.applying(counting, &mut scratch.met, &mut scratch.places);
    }
    scratch.places.iter().filter_map(|place| rules.gives.get(*place)).flatten().copied().collect()
}
