//! What roles and recipes point at, and what each role reaches in the end.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Findings, no_scope, title};
use crate::catalogue::document::{Document, RecipeEntry, RoleEntry, ServiceEntry};
use crate::catalogue::{Role, ScopeIndex, ScopeSet, ServiceIndex};
use crate::entity::EntityPattern;
use crate::name::excerpt;

type Reach = BTreeMap<ServiceIndex, ScopeSet>;

/// The scopes that a name or, with a final `*`, the start of names stands for.
fn matched(entry: &ServiceEntry, text: &str) -> ScopeSet {
    let hit = |name: &str| match text.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == text,
    };
    let numbered = entry.scopes.keys().zip((0..=u8::MAX).map(ScopeIndex));
    numbered.filter(|(name, _)| hit(name)).map(|(_, index)| index).collect()
}

/// What roles and recipes of a service point at.
pub(super) fn links(name: &str, entry: &ServiceEntry, document: &Document, findings: &mut Findings) {
    let at = format!("services.{}", excerpt(name));
    for (role, text) in &entry.roles {
        let at = format!("{at}.roles.{}", excerpt(role));
        findings.word(&at, role);
        findings.demand(!matches!(role.as_str(), "owner" | "user_admin"), &at, || {
            "has the name of a built-in role".to_owned()
        });
        findings.label(&format!("{at}.title"), text.title.as_deref());
        of_role(&at, role, text, (entry, document), findings);
    }
    for (recipe, text) in &entry.recipes {
        let at = format!("{at}.recipes.{}", excerpt(recipe));
        findings.word(&at, recipe);
        of_recipe(&at, text, entry, findings);
    }
}

fn of_role(
    at: &str,
    role: &str,
    text: &RoleEntry,
    (entry, document): (&ServiceEntry, &Document),
    findings: &mut Findings,
) {
    let own = text.scopes.is_empty() && text.confers.is_empty() && text.inherits.is_none();
    findings.demand(own || text.replaced_by.is_none(), at, || {
        "is replaced and so has no `scopes`, `confers` or `inherits`".to_owned()
    });
    let field = if text.inherits.is_some() { "inherits" } else { "replaced_by" };
    let field = format!("{at}.{field}");
    if let Some(parent) = parent(text).filter(|parent| !entry.roles.contains_key(*parent)) {
        findings.unknown(&field, parent, "no role of this service", entry.roles.keys().map(String::as_str));
    }
    findings.demand(!in_circle(entry, role), &field, || "comes back to the role itself".to_owned());
    for (service, conferred) in &text.confers {
        let at = format!("{at}.confers.{}", excerpt(service));
        match document.services.get(service) {
            None => findings.unknown(&at, service, "no service", document.services.keys().map(String::as_str)),
            Some(other) if !other.roles.contains_key(conferred) => {
                findings.unknown(&at, conferred, "no role of that service", other.roles.keys().map(String::as_str));
            }
            Some(_) => {}
        }
    }
    findings.once(&format!("{at}.scopes"), &text.scopes);
    for (index, scope) in text.scopes.iter().enumerate().filter(|(_, scope)| matched(entry, scope).is_empty()) {
        no_match(&format!("{at}.scopes[{index}]"), scope, entry, findings);
    }
}

/// A glob is compared with those that would match, cut after each `_`.
fn no_match(at: &str, text: &str, entry: &ServiceEntry, findings: &mut Findings) {
    let cuts = |name: &String| -> Vec<String> {
        name.match_indices('_').filter_map(|(end, _)| Some(format!("{}*", name.get(..=end)?))).collect()
    };
    let globs: BTreeSet<String> = entry.scopes.keys().flat_map(cuts).collect();
    if text.ends_with('*') && !globs.is_empty() {
        findings.unknown(at, text, "no scope of this service", globs.iter().map(String::as_str));
    } else {
        no_scope(at, text, entry, findings);
    }
}

fn of_recipe(at: &str, text: &RecipeEntry, entry: &ServiceEntry, findings: &mut Findings) {
    if !entry.entity_types.contains_key(&text.entity_type) {
        let known = entry.entity_types.keys().map(String::as_str);
        findings.unknown(&format!("{at}.entity_type"), &text.entity_type, "no entity type of this service", known);
    }
    findings.once(&format!("{at}.scopes"), &text.scopes);
    for (index, scope) in text.scopes.iter().enumerate().filter(|(_, scope)| !entry.scopes.contains_key(*scope)) {
        no_scope(&format!("{at}.scopes[{index}]"), scope, entry, findings);
    }
    for (index, value) in text.entity_values.iter().enumerate() {
        let at = format!("{at}.entity_values[{index}]");
        match EntityPattern::parse(&value.replace("{org}", "org")) {
            Err(error) => findings.say(&at, format!("is `{}`: {error}", excerpt(value))),
            Ok(pattern) => {
                let serves = value.starts_with("{org}/") || entry.publisher_orgs.iter().any(|org| org == pattern.org());
                findings.demand(serves, &at, || {
                    format!("is `{}`: the org is neither `{{org}}` nor a publisher", excerpt(value))
                });
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
            let own = text.scopes.iter().fold(ScopeSet::NONE, |set, scope| set.union(matched(entry, scope)));
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
