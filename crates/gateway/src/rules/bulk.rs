//! Rules over everybody: what each group meets is found once, and a person is then a union of short lists.

use std::collections::HashMap;

use cardea_model::id::ConnectionId;
use cardea_model::rule::{CompiledRules, Rule};
use cardea_store::group::{Group, Said};

use super::RuleSet;

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
                let met = part.compiled.met(&group.value);
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

    /// Adds the places of the rules that apply by what one connection said; a place may come twice. `met` is scratch.
    pub(super) fn applying(&self, said: &Said, met: &mut Vec<u32>, places: &mut Vec<usize>) {
        let Some(part) = self.parts.get(&said.connection) else { return };
        met.clear();
        met.extend(said.groups.iter().filter_map(|id| part.met.get(id)).flatten());
        met.sort_unstable();
        met.dedup();
        if !met.is_empty() {
            let place = |rule: u32| usize::try_from(rule).unwrap_or(usize::MAX).saturating_add(part.first);
            places.extend(part.compiled.applying(met).map(place));
        }
    }
}
