//! What roles and recipes point at, and what each role reaches in the end.

use std::collections::{BTreeMap, HashMap};

use super::{Findings, title, word};
use crate::catalogue::document::{Document, RoleEntry, ServiceEntry};
use crate::catalogue::{Role, ScopeIndex, ScopeSet, ServiceIndex};
use crate::entity::EntityPattern;

type Reach = BTreeMap<ServiceIndex, ScopeSet>;

/// The scopes of a list that may use a final `*`.
fn expanded(entry: &ServiceEntry, list: &[String], mut missing: impl FnMut(&str)) -> ScopeSet {
    let mut set = ScopeSet::NONE;
    for text in list {
        let hit = |name: &str| match text.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == text,
        };
        let before = set;
        let numbered = entry.scopes.keys().zip((0..=u8::MAX).map(ScopeIndex));
        let found: ScopeSet = numbered.filter(|(name, _)| hit(name)).map(|(_, index)| index).collect();
        if found.is_empty() {
            missing(text);
        }
        set = before.union(found);
    }
    set
}

/// What roles and recipes of a service point at.
pub(super) fn links(name: &str, entry: &ServiceEntry, document: &Document, findings: &mut Findings) {
    for (role, text) in &entry.roles {
        let at = format!("services.{name}.roles.{role}");
        word(&at, role, findings);
        findings.demand(!matches!(role.as_str(), "owner" | "user_admin"), &at, || {
            "has the name of a built-in role".to_owned()
        });
        let own = text.scopes.is_empty() && text.confers.is_empty() && text.inherits.is_none();
        findings
            .demand(own || text.replaced_by.is_none(), &at, || "is replaced and so has nothing of its own".to_owned());
        if let Some(parent) = parent(text) {
            let known = entry.roles.contains_key(parent);
            findings.demand(known, &at, || format!("names the role `{parent}`, which this service has not"));
        }
        findings
            .demand(!in_circle(entry, role), &at, || "comes back to itself by `inherits` or `replaced_by`".to_owned());
        for (service, conferred) in &text.confers {
            let known = document.services.get(service).is_some_and(|other| other.roles.contains_key(conferred));
            findings.demand(known, &at, || format!("confers `{conferred}` of `{service}`, which does not exist"));
        }
        expanded(entry, &text.scopes, |scope| {
            findings.add(&at, format!("has `{scope}`, which is no scope of this service"));
        });
    }
    for (recipe, text) in &entry.recipes {
        let at = format!("services.{name}.recipes.{recipe}");
        let typed = entry.entity_types.contains_key(&text.entity_type);
        findings.demand(typed, &at, || format!("names `{}`, which is no entity type", text.entity_type));
        for scope in &text.scopes {
            findings.demand(entry.scopes.contains_key(scope), &at, || {
                format!("names `{scope}`, which is no scope of this service")
            });
        }
        for value in &text.entity_values {
            if let Err(error) = EntityPattern::parse(&value.replace("{org}", "org")) {
                findings.add(&at, format!("has the entity `{value}`: {error}"));
            }
        }
    }
}

fn parent(role: &RoleEntry) -> Option<&str> {
    role.inherits.as_deref().or(role.replaced_by.as_deref())
}

fn in_circle(entry: &ServiceEntry, role: &str) -> bool {
    let up = |name: &&str| entry.roles.get(*name).and_then(parent);
    std::iter::successors(Some(role), up).skip(1).take(entry.roles.len()).any(|ancestor| ancestor == role)
}

/// What each role of each service reaches: its own scopes and, until nothing grows any more, those of the roles it names.
pub(super) fn reaches(document: &Document, by_name: &HashMap<Box<str>, ServiceIndex>) -> Vec<BTreeMap<Box<str>, Role>> {
    let mut reach: BTreeMap<(&str, &str), Reach> = BTreeMap::new();
    for (service, entry) in &document.services {
        for (role, text) in &entry.roles {
            let own = expanded(entry, &text.scopes, |_| {});
            let index = by_name.get(service.as_str()).copied();
            let start = index.filter(|_| !own.is_empty()).map(|index| (index, own));
            reach.insert((service, role), start.into_iter().collect());
        }
    }
    loop {
        let mut grown = false;
        for (service, entry) in &document.services {
            for (role, text) in &entry.roles {
                let above = parent(text).map(|parent| (service.as_str(), parent));
                let conferred = text.confers.iter().map(|(service, role)| (service.as_str(), role.as_str()));
                for source in above.into_iter().chain(conferred) {
                    let more = reach.get(&source).cloned().unwrap_or_default();
                    grown |= reach.get_mut(&(service.as_str(), role.as_str())).is_some_and(|mine| merge(mine, &more));
                }
            }
        }
        if !grown {
            break;
        }
    }
    let finished = |service: &str, role: &str, text: &RoleEntry| Role {
        title: title(text.title.as_deref(), role),
        replaced_by: text.replaced_by.as_deref().map(Into::into),
        reach: reach.get(&(service, role)).cloned().unwrap_or_default().into_iter().collect(),
    };
    let roles = |(service, entry): (&String, &ServiceEntry)| {
        entry.roles.iter().map(|(role, text)| (role.as_str().into(), finished(service, role, text))).collect()
    };
    document.services.iter().map(roles).collect()
}

/// Adds what `more` reaches; says whether that was anything new.
fn merge(mine: &mut Reach, more: &Reach) -> bool {
    let mut grown = false;
    for (service, scopes) in more {
        let held = mine.entry(*service).or_default();
        let both = held.union(*scopes);
        grown |= both != *held;
        *held = both;
    }
    grown
}
