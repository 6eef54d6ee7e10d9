//! Rules over everybody: what each group meets is found once, and a person is then a union of short lists.

use std::collections::HashMap;

use cardea_model::id::ConnectionId;
use cardea_model::rule::{CompiledRules, Rule};
use cardea_store::group::{Group, Said, Told};

use super::RuleSet;
use crate::roles::is_known;

/// A rule set with what each known group meets in it.
pub(super) struct Index<'a> {
    parts: HashMap<ConnectionId, Part<'a>>,
    rules: Vec<&'a Rule>,
}

struct Part<'a> {
    compiled: &'a CompiledRules,
    /// The place of its first rule among all.
    first: usize,
    met: HashMap<i64, Box<[u32]>>,
}

impl<'a> Index<'a> {
    pub(super) fn new(set: &'a RuleSet, groups: &[Group]) -> Self {
        let (mut parts, mut rules) = (HashMap::new(), Vec::new());
        for (connection, compiled) in &set.rules {
            let part = Part { compiled, first: rules.len(), met: HashMap::new() };
            parts.insert(*connection, part);
            rules.extend(compiled.rules());
        }
        for group in groups {
            if let Some(part) = parts.get_mut(&group.connection) {
                let met = part.compiled.met(&group.claim, &group.value);
                if !met.is_empty() {
                    part.met.insert(group.id, met.into());
                }
            }
        }
        Self { parts, rules }
    }

    /// Every rule, by its place.
    pub(super) fn rules(&self) -> &[&'a Rule] {
        &self.rules
    }

    /// Whether a rule reads this claim of the connection.
    pub(super) fn reads(&self, connection: ConnectionId, claim: &str) -> bool {
        self.parts.get(&connection).is_some_and(|part| part.compiled.reads(claim))
    }

    /// Adds the places of the rules that apply by what was said about one identity; a place may come twice. `met` is scratch.
    pub(super) fn applying<'t>(
        &self,
        lists: impl Iterator<Item = &'t Said>,
        met: &mut Vec<u32>,
        places: &mut Vec<usize>,
    ) {
        let mut lists = lists.peekable();
        let Some(part) = lists.peek().and_then(|said| self.parts.get(&said.connection)) else { return };
        met.clear();
        for said in lists {
            met.extend(said.groups.iter().filter_map(|id| part.met.get(id)).flatten());
            met.extend(part.compiled.told(&said.claim).filter(|_| is_known(&said.said, &said.groups)));
        }
        met.sort_unstable();
        met.dedup();
        if !met.is_empty() {
            let place = |rule: u32| usize::try_from(rule).unwrap_or(usize::MAX).saturating_add(part.first);
            places.extend(part.compiled.applying(met).map(place));
        }
    }
}

/// What was said about each identity of a member, of whom there is a row for each claim.
pub(super) fn identities(told: &[Told]) -> impl Iterator<Item = &[Told]> {
    let whose = |told: &Told| told.said.as_ref().map(|said| said.identity);
    told.chunk_by(move |one, other| one.member == other.member && whose(one) == whose(other))
}
