//! What is known of a member's groups, and what rules make of it.

use std::sync::Arc;
use std::time::Duration;

use cardea_model::Timestamp;
use cardea_model::id::ConnectionId;
use cardea_model::rule::{CompiledRules, Grants, Listed, evaluate};
use cardea_store::db::{Conn, DbError};
use cardea_store::group::{self, Snapshot};
use cardea_store::member::Member;

use super::{counts_until, is_known, is_over};
use crate::app::App;
use crate::rules::{RuleSet, Sets};

/// What is known of a member's groups, beside the rules that they meet.
pub(crate) struct Known {
    sets: Arc<Sets>,
    settled: i64,
    /// What each claim of each connection said, with the groups in its words; those of one identity stand together.
    said: Vec<(Snapshot, Vec<String>)>,
    now: Timestamp,
}

/// A list as rules read it.
pub(crate) fn listed((snapshot, groups): &(Snapshot, Vec<String>)) -> Listed<'_> {
    Listed { claim: &snapshot.claim, groups, known: is_known(&snapshot.said, &snapshot.groups) }
}

impl Known {
    /// Reads it.
    pub(crate) async fn read(app: &App, conn: &mut Conn, member: &Member, now: Timestamp) -> Result<Self, DbError> {
        let settled = member.rules.settled;
        let sets = Arc::clone(&app.memory()).rules.sets(conn, member.org, member.rules.generation).await?;
        let mut said = Vec::new();
        for snapshot in group::snapshots(conn, member.id).await? {
            let groups = sets.groups(conn, &snapshot.groups).await?.iter().map(|group| group.value.clone()).collect();
            said.push((snapshot, groups));
        }
        Ok(Self { sets, settled, said, now })
    }

    /// What each claim said about each identity, with the groups in its words.
    pub(crate) fn identities(&self) -> impl Iterator<Item = &[(Snapshot, Vec<String>)]> {
        self.said.chunk_by(|(one, _), (other, _)| one.identity == other.identity)
    }

    /// Whether a list that matters was left out or cut off when it was said last.
    pub(crate) fn is_unsure(&self) -> bool {
        let matters = |last: &Snapshot| {
            last.claim.is_empty() || self.rules_of(last.connection).is_some_and(|rules| rules.reads(&last.claim))
        };
        self.said.iter().any(|(last, _)| last.said != "present" && matters(last))
    }

    /// The rules in force that read a connection's groups.
    pub(crate) fn rules_of(&self, connection: ConnectionId) -> Option<&CompiledRules> {
        self.sets.giving.rules.get(&connection)
    }

    /// The generation since which only rules give their roles: noted, or found now.
    pub(crate) fn managed_since(&self, member: &Member) -> Option<i64> {
        self.mark(member).or_else(|| self.found_since(member))
    }

    /// The noted one, if it counts.
    fn mark(&self, member: &Member) -> Option<i64> {
        member.managed_since.filter(|mark| self.sets.marks.count(*mark))
    }

    /// The earliest generation that counts of which they match a rule.
    pub(crate) fn found_since(&self, member: &Member) -> Option<i64> {
        self.found(member, |mark| self.sets.marks.count(mark))
    }

    /// The mark to note instead of the one that is noted, and that one where it gives way: the earliest that counts, or
    /// one that undoing would bring back.
    pub(crate) fn to_note(&self, member: &Member) -> Option<(i64, Option<i64>)> {
        let noted = member.managed_since.filter(|mark| self.sets.marks.stands(*mark));
        let found = self.found_since(member).filter(|_| self.mark(member).is_none());
        let since = found.or_else(|| self.found(member, |_| noted.is_none()))?;
        Some((since, member.managed_since.filter(|mark| self.sets.marks.gives_way(*mark, since))))
    }

    fn found(&self, member: &Member, counts: impl Fn(i64) -> bool) -> Option<i64> {
        let earlier = self.sets.unsettled(self.settled).filter(|earlier| counts(earlier.number));
        let mut matching = earlier.filter(|earlier| self.matches(&earlier.rules, |seen| earlier.knew(seen)));
        let generation = member.rules.generation;
        let current = || (counts(generation) && self.matches(&self.sets.giving, |_| true)).then_some(generation);
        matching.next().map(|earlier| earlier.number).or_else(current)
    }

    /// The generation that left by hand what rules had given, if that is not written for this member.
    pub(crate) fn unwritten(&self, member: &Member) -> Option<i64> {
        let left = self.sets.left(self.settled)?;
        (member.frozen <= left.number).then_some(left.number + 1)
    }

    /// What it left to them. Whoever says something new about them has it written first: so all that is known was known to
    /// the rules that went.
    pub(super) fn left(&self, member: &Member, most: Duration) -> Option<Grants> {
        let freeze = self.unwritten(member).filter(|_| !member.owner)?;
        let left = self.sets.left(self.settled)?;
        let counted = |mark: i64| self.sets.marks.counted(mark, freeze);
        let managed = member.managed_since.is_some_and(counted)
            || self.found(member, counted).is_some()
            || self.matches(&left.rules, |_| true);
        managed.then(|| self.earned_by(&left.rules, most, left.until).0)
    }

    fn matches(&self, set: &RuleSet, knew: impl Fn(Timestamp) -> bool) -> bool {
        self.identities().any(|told| {
            let lists: Vec<_> = told.iter().filter(|(last, _)| knew(last.seen_at)).map(listed).collect();
            rules_for(set, told).is_some_and(|rules| rules.any_applies(&lists))
        })
    }

    /// The union of what each identity's groups earn by its connection's rules, and when the first of the lists behind it is
    /// too old; `most` of zero is never.
    ///
    /// A list counts while it is not left out for too long and is younger than `most`; a connection that is off lets nobody in,
    /// and takes nobody's roles. If none that earns anything is, the answer is when the last one was.
    pub(crate) fn earned(&self, most: Duration) -> (Grants, Option<Timestamp>) {
        self.earned_by(&self.sets.giving, most, self.now)
    }

    fn earned_by(&self, set: &RuleSet, most: Duration, now: Timestamp) -> (Grants, Option<Timestamp>) {
        let (mut all, mut first, mut late) = (Grants::default(), None, None);
        let until = |(last, _): &(Snapshot, Vec<String>)| counts_until(&last.said, last.seen_at, most);
        for told in self.identities() {
            let Some(rules) = rules_for(set, told) else { continue };
            let living: Vec<_> = told.iter().filter(|(last, _)| !is_over(&last.said, last.seen_at, now)).collect();
            let (young, old): (Vec<_>, Vec<_>) = living.iter().partition(|last| until(last) > now);
            let earned = evaluate(rules, &lists(&young));
            if earned.account.is_some() {
                let rests = |(last, _): &&(Snapshot, Vec<String>)| {
                    earned.rests_on(&last.claim) || rules.told(&last.claim).is_some()
                };
                first = first.into_iter().chain(young.into_iter().filter(rests).map(until)).min();
                all.join(earned);
            } else if rules.any_applies(&lists(&living)) {
                late = late.max(old.into_iter().map(until).max());
            }
        }
        (all, first.or(late))
    }
}

fn lists<'a>(told: &[&'a (Snapshot, Vec<String>)]) -> Vec<Listed<'a>> {
    told.iter().copied().map(listed).collect()
}

fn rules_for<'a>(set: &'a RuleSet, told: &[(Snapshot, Vec<String>)]) -> Option<&'a CompiledRules> {
    set.rules.get(&told.first()?.0.connection)
}
