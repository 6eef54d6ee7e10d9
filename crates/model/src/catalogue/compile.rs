//! From the catalogue as it is written to the one that answers: all checks, then the numbers.

mod findings;
mod roles;

use std::collections::{BTreeMap, HashMap};

use super::document::{BuiltinRoles, Document, EntityGrammar, OrgKind, ServiceEntry};
use super::{Catalogue, CatalogueError, DockerAction, EntityType, MOST, Scope, ScopeIndex, ScopeSet, Service};
use super::{ServiceIndex, Unlock};
use crate::entity::{TeamWildcard, is_segment};
use crate::key::KeyKind;
use crate::name::excerpt;
use findings::Findings;

/// How many roles a catalogue has at the most, in all services together.
const MOST_ROLES: usize = 1_024;

pub(super) fn compile(document: &Document) -> Result<Catalogue, Vec<CatalogueError>> {
    let mut findings = Findings::default();
    sizes(document, &mut findings);
    // Nothing else is looked at in a catalogue that is too large: a hostile file must not keep anybody busy.
    if let Some(errors) = findings.take() {
        return Err(errors);
    }
    frame(document, &mut findings);
    let by_name: HashMap<Box<str>, ServiceIndex> =
        document.services.keys().zip(0..).map(|(name, index)| (name.as_str().into(), ServiceIndex(index))).collect();
    let mut services: Vec<Service> =
        document.services.iter().map(|(name, entry)| service(name, entry, &by_name, &mut findings)).collect();
    for (name, entry) in &document.services {
        roles::links(name, entry, document, &mut findings);
    }
    if let Some(errors) = findings.take() {
        return Err(errors);
    }
    for (service, roles) in services.iter_mut().zip(roles::reaches(document, &by_name)) {
        service.roles = roles;
    }
    let (limits, notifications) = (document.limits.clone(), document.notifications.clone());
    Ok(Catalogue { limits, notifications, services, by_name, canonical: document.canonical() })
}

/// Whether everything has its place.
fn sizes(document: &Document, findings: &mut Findings) {
    findings.demand(document.services.len() <= MOST, "services", || format!("has more than {MOST} services"));
    let roles: usize = document.services.values().map(|service| service.roles.len()).sum();
    findings.demand(roles <= MOST_ROLES, "services", || format!("has more than {MOST_ROLES} roles in all"));
    for (name, entry) in &document.services {
        let at = format!("services.{}", excerpt(name));
        for (part, count) in [("scopes", entry.scopes.len()), ("entity_types", entry.entity_types.len())] {
            findings.demand(count <= MOST, &format!("{at}.{part}"), || format!("has more than {MOST}"));
        }
    }
}

/// What does not concern one service.
fn frame(document: &Document, findings: &mut Findings) {
    findings.demand(document.version == 1, "version", || format!("is {}; this program reads 1", document.version));
    findings.demand(document.builtin_roles == BuiltinRoles::default(), "builtin_roles", || {
        "cannot be changed: these roles are the gateway's own; leave them out".to_owned()
    });
    findings.demand(document.entity_grammar == EntityGrammar::default(), "entity_grammar", || {
        "cannot be changed: entities are read by the gateway; leave it out".to_owned()
    });
    words("notifications", &document.notifications, findings);
    let limits = &document.limits;
    for (name, count) in [
        ("org_owners", limits.org_owners),
        ("personal_keys_per_user", limits.personal_keys_per_user),
        ("service_keys_per_org", limits.service_keys_per_org),
        ("legacy_keys_per_user", limits.legacy_keys_per_user),
        ("eug_per_org", limits.eug_per_org),
        ("users_per_eug", limits.users_per_eug),
    ] {
        findings.demand(count >= 1, &format!("limits.{name}"), || "is 0".to_owned());
    }
    for (name, least, middle, most) in [
        ("invitation", limits.invitation_min, limits.invitation_default, limits.invitation_max),
        ("eug_invitation", limits.eug_invitation_min, limits.eug_invitation_min, limits.eug_invitation_max),
        ("share", limits.share_min, limits.share_min, limits.share_max),
    ] {
        let ordered = least <= middle && middle <= most;
        findings.demand(ordered, &format!("limits.{name}_min"), || {
            format!("to `{name}_max` is {least} to {most}: not a range, or the default lies outside")
        });
    }
}

/// One service but for its roles, which need all services.
fn service(
    name: &str,
    entry: &ServiceEntry,
    by_name: &HashMap<Box<str>, ServiceIndex>,
    findings: &mut Findings,
) -> Service {
    let at = format!("services.{}", excerpt(name));
    findings.word(&at, name);
    findings.label(&format!("{at}.title"), entry.title.as_deref());
    kinds(&at, entry, findings);
    words(&format!("{at}.service_key_denied_operations"), &entry.service_key_denied_operations, findings);
    findings.once(&format!("{at}.publisher_orgs"), &entry.publisher_orgs);
    for (index, publisher) in entry.publisher_orgs.iter().enumerate() {
        let place = format!("{at}.publisher_orgs[{index}]");
        findings
            .demand(is_segment(publisher), &place, || format!("is `{}`, which cannot be an org", excerpt(publisher)));
    }
    let scope_names = scope_names(&at, entry, findings);
    Service {
        name: name.into(),
        title: title(entry.title.as_deref(), name),
        key_kinds: entry.key_kinds.clone(),
        default_on: entry.default_on.clone(),
        external_ok: entry.external_ok,
        premium: entry.premium,
        service_key_denied_operations: entry.service_key_denied_operations.clone(),
        team_wildcard: if entry.team_wildcard_includes_root {
            TeamWildcard::TeamsAndRoot
        } else {
            TeamWildcard::TeamsOnly
        },
        publisher_orgs: entry.publisher_orgs.iter().map(|org| org.as_str().into()).collect(),
        entity_types: entity_types(&at, entry, findings),
        scopes: scopes(&at, entry, &scope_names, findings),
        roles: BTreeMap::new(),
        minimum: minimum(&at, entry, &scope_names, findings),
        recipes: entry.recipes.clone(),
        unlocks: unlocks(&at, name, entry, by_name, findings),
        all: scope_names.values().copied().collect(),
        scope_names,
    }
}

/// Which keys reach it and who has it from the start.
fn kinds(at: &str, entry: &ServiceEntry, findings: &mut Findings) {
    let kinds = format!("{at}.key_kinds");
    findings.once(&kinds, entry.key_kinds.iter().map(|kind| kind.as_str()));
    for (index, _) in entry.key_kinds.iter().enumerate().filter(|(_, kind)| **kind == KeyKind::Legacy) {
        findings.unknown(
            &format!("{kinds}[{index}]"),
            "legacy",
            "no kind that a service chooses",
            ["personal", "service"],
        );
    }
    let from_the_start = format!("{at}.default_on");
    findings.once(&from_the_start, entry.default_on.iter().map(|kind| kind.as_str()));
    let contradiction = entry.premium && entry.default_on.contains(&OrgKind::Individual);
    findings.demand(!contradiction, &from_the_start, || {
        "has `individual`, but the service is `premium`: whoever has it is an enterprise".to_owned()
    });
}

fn scope_names(at: &str, entry: &ServiceEntry, findings: &mut Findings) -> HashMap<Box<str>, ScopeIndex> {
    let at = format!("{at}.scopes");
    let mut names: HashMap<Box<str>, ScopeIndex> = HashMap::new();
    let numbers = || (0..=u8::MAX).map(ScopeIndex);
    for (scope, index) in entry.scopes.keys().zip(numbers()) {
        findings.word(&format!("{at}.{}", excerpt(scope)), scope);
        names.insert(scope.as_str().into(), index);
    }
    for ((scope, text), index) in entry.scopes.iter().zip(numbers()) {
        for (place, alias) in text.aliases.iter().enumerate() {
            let place = format!("{at}.{}.aliases[{place}]", excerpt(scope));
            findings.label(&place, Some(alias));
            let taken = names.insert(alias.as_str().into(), index).is_some();
            findings.demand(!taken, &place, || format!("is `{}`, which is taken in this service", excerpt(alias)));
        }
    }
    names
}

fn scopes(
    at: &str,
    entry: &ServiceEntry,
    names: &HashMap<Box<str>, ScopeIndex>,
    findings: &mut Findings,
) -> Vec<Scope> {
    let mut scopes = Vec::new();
    for (name, text) in &entry.scopes {
        let at = format!("{at}.scopes.{}", excerpt(name));
        findings.label(&format!("{at}.title"), text.title.as_deref());
        let requires = named(&format!("{at}.requires"), &text.requires, entry, names, findings);
        let itself = names.get(name.as_str()).is_some_and(|index| requires.has(*index));
        findings.demand(!itself, &format!("{at}.requires"), || "names the scope itself".to_owned());
        scopes.push(Scope {
            name: name.as_str().into(),
            title: title(text.title.as_deref(), name),
            docker: docker(&format!("{at}.docker"), &text.docker, findings),
            docker_catalog: text.docker_catalog,
            requires,
        });
    }
    scopes
}

fn minimum(
    at: &str,
    entry: &ServiceEntry,
    names: &HashMap<Box<str>, ScopeIndex>,
    findings: &mut Findings,
) -> Vec<ScopeSet> {
    let mut sets = Vec::new();
    for (index, set) in entry.minimum.iter().enumerate() {
        let at = format!("{at}.minimum[{index}]");
        findings.demand(!set.is_empty(), &at, || "is empty".to_owned());
        sets.push(named(&at, set, entry, names, findings));
    }
    sets
}

fn unlocks(
    at: &str,
    name: &str,
    entry: &ServiceEntry,
    by_name: &HashMap<Box<str>, ServiceIndex>,
    findings: &mut Findings,
) -> Option<Unlock> {
    let unlock = entry.unlocks.as_ref()?;
    let at = format!("{at}.unlocks");
    findings.word(&format!("{at}.label"), &unlock.label);
    findings.demand(unlock.service != name, &format!("{at}.service"), || "is the service itself".to_owned());
    let service = by_name.get(unlock.service.as_str()).copied();
    if service.is_none() {
        let known = by_name.keys().map(AsRef::as_ref);
        findings.unknown(&format!("{at}.service"), &unlock.service, "no service", known);
    }
    Some(Unlock { service: service?, label: unlock.label.as_str().into() })
}

fn docker(at: &str, actions: &[String], findings: &mut Findings) -> Vec<DockerAction> {
    findings.once(at, actions);
    let mut known = Vec::new();
    for (index, action) in actions.iter().enumerate() {
        match DockerAction::ALL.into_iter().find(|known| known.as_str() == action) {
            Some(action) => known.push(action),
            None => {
                let all = DockerAction::ALL.map(DockerAction::as_str);
                findings.unknown(&format!("{at}[{index}]"), action, "no docker action", all);
            }
        }
    }
    known
}

fn entity_types(at: &str, entry: &ServiceEntry, findings: &mut Findings) -> Vec<EntityType> {
    let at = format!("{at}.entity_types");
    let mut types = Vec::new();
    for (name, text) in &entry.entity_types {
        let at = format!("{at}.{}", excerpt(name));
        findings.word(&at, name);
        let docker_repository = text.docker.as_deref() == Some("repository");
        if let Some(other) = text.docker.as_deref().filter(|_| !docker_repository) {
            findings.unknown(&format!("{at}.docker"), other, "no type of docker's", ["repository"]);
        }
        types.push(EntityType { name: name.as_str().into(), docker_repository });
    }
    types
}

/// The scopes of a list of exact names, each at most once.
fn named(
    at: &str,
    list: &[String],
    entry: &ServiceEntry,
    names: &HashMap<Box<str>, ScopeIndex>,
    findings: &mut Findings,
) -> ScopeSet {
    findings.once(at, list);
    let mut set = ScopeSet::NONE;
    for (index, name) in list.iter().enumerate() {
        // An alias is for people who ask; the catalogue itself says the name.
        match names.get(name.as_str()).filter(|_| entry.scopes.contains_key(name)) {
            Some(scope) => set = set.with(*scope),
            None => no_scope(&format!("{at}[{index}]"), name, entry, findings),
        }
    }
    set
}

fn no_scope(at: &str, name: &str, entry: &ServiceEntry, findings: &mut Findings) {
    findings.unknown(at, name, "no scope of this service", entry.scopes.keys().map(String::as_str));
}

/// A list of names, each good and there once.
fn words(at: &str, list: &[String], findings: &mut Findings) {
    findings.once(at, list);
    for (index, name) in list.iter().enumerate() {
        findings.word(&format!("{at}[{index}]"), name);
    }
}

/// The title, or else the name as people would write it: `cloud_functions` → `Cloud functions`.
fn title(given: Option<&str>, name: &str) -> Box<str> {
    if let Some(given) = given {
        return given.into();
    }
    let spaced = name.replace(['_', '-'], " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_uppercase(), letters.as_str())).into()
}
