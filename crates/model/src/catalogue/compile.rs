//! From the catalogue as it is written to the one that answers: all checks, then the numbers.

mod roles;

use std::collections::{BTreeMap, HashMap};

use super::document::{BuiltinRole, BuiltinRoles, Document, Level, Levels, ServiceEntry};
use super::{
    Catalogue, CatalogueError, DockerAction, EntityType, MOST, Scope, ScopeIndex, ScopeSet, Service, ServiceIndex,
    Unlock,
};
use crate::entity::{TeamWildcard, is_segment};

/// What was found so far.
#[derive(Default)]
struct Findings(Vec<CatalogueError>);

impl Findings {
    fn add(&mut self, at: &str, problem: impl Into<String>) {
        self.0.push(CatalogueError { at: at.to_owned(), problem: problem.into() });
    }

    fn demand(&mut self, held: bool, at: &str, problem: impl FnOnce() -> String) {
        if !held {
            self.add(at, problem());
        }
    }
}

pub(super) fn compile(document: &Document) -> Result<Catalogue, Vec<CatalogueError>> {
    let mut findings = Findings::default();
    frame(document, &mut findings);
    let by_name: HashMap<Box<str>, ServiceIndex> =
        document.services.keys().zip(0..).map(|(name, index)| (name.as_str().into(), ServiceIndex(index))).collect();
    let mut services: Vec<Service> =
        document.services.iter().map(|(name, entry)| service(name, entry, &by_name, &mut findings)).collect();
    for (name, entry) in &document.services {
        roles::links(name, entry, document, &mut findings);
    }
    for (service, roles) in services.iter_mut().zip(roles::reaches(document, &by_name)) {
        service.roles = roles;
    }
    if findings.0.is_empty() {
        let (limits, notifications) = (document.limits.clone(), document.notifications.clone());
        return Ok(Catalogue { limits, notifications, services, by_name });
    }
    findings.0.sort();
    findings.0.dedup();
    Err(findings.0)
}

/// What does not concern one service.
fn frame(document: &Document, findings: &mut Findings) {
    findings.demand(document.version == 1, "version", || format!("is {}; this program reads 1", document.version));
    findings.demand(document.services.len() <= MOST, "services", || format!("has more than {MOST} services"));
    findings.demand(document.builtin_roles == builtin_roles(), "builtin_roles", || {
        "cannot be changed: these roles are the gateway's own".to_owned()
    });
    let grammar = &document.entity_grammar;
    let known = grammar.segment == "[a-z0-9](?:[a-z0-9._-]{0,126}[a-z0-9])?" && grammar.depth == [2, 3];
    findings.demand(known, "entity_grammar", || "cannot be changed: entities are read by the gateway".to_owned());
    for topic in &document.notifications {
        word("notifications", topic, findings);
    }
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

/// The roles that the gateway itself acts on.
fn builtin_roles() -> BuiltinRoles {
    let permissions = [
        "users.read",
        "users.write",
        "roles.write",
        "keys.revoke",
        "teams.write@org",
        "rules.write@org",
        "service_keys.write@org",
        "eug.create@org",
    ];
    BuiltinRoles {
        owner: BuiltinRole {
            level: Levels::One(Level::Org),
            implies: Some("all_services_admin".to_owned()),
            permissions: Vec::new(),
        },
        user_admin: BuiltinRole {
            level: Levels::Several(vec![Level::Org, Level::Team]),
            implies: None,
            permissions: permissions.map(str::to_owned).to_vec(),
        },
    }
}

/// One service but for its roles, which need all services.
fn service(
    name: &str,
    entry: &ServiceEntry,
    by_name: &HashMap<Box<str>, ServiceIndex>,
    findings: &mut Findings,
) -> Service {
    let at = format!("services.{name}");
    word(&at, name, findings);
    for publisher in &entry.publisher_orgs {
        let place = format!("{at}.publisher_orgs");
        findings.demand(is_segment(publisher), &place, || format!("has `{publisher}`, which cannot be an org"));
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
        unlocks: unlocks(&at, entry, by_name, findings),
        all: scope_names.values().copied().collect(),
        scope_names,
    }
}

fn scope_names(at: &str, entry: &ServiceEntry, findings: &mut Findings) -> HashMap<Box<str>, ScopeIndex> {
    let at = format!("{at}.scopes");
    findings.demand(entry.scopes.len() <= MOST, &at, || format!("has more than {MOST} scopes"));
    let mut names: HashMap<Box<str>, ScopeIndex> = HashMap::new();
    let numbers = || (0..=u8::MAX).map(ScopeIndex);
    for (scope, index) in entry.scopes.keys().zip(numbers()) {
        word(&at, scope, findings);
        names.insert(scope.as_str().into(), index);
    }
    for ((scope, text), index) in entry.scopes.iter().zip(numbers()) {
        for alias in &text.aliases {
            let taken = names.insert(alias.as_str().into(), index).is_some();
            findings.demand(!taken, &format!("{at}.{scope}"), || format!("has the alias `{alias}`, which is taken"));
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
        let at = format!("{at}.scopes.{name}");
        scopes.push(Scope {
            name: name.as_str().into(),
            title: title(text.title.as_deref(), name),
            docker: docker(&at, &text.docker, findings),
            docker_catalog: text.docker_catalog,
            requires: named(&format!("{at}.requires"), &text.requires, names, findings),
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
    let at = format!("{at}.minimum");
    let mut sets = Vec::new();
    for set in &entry.minimum {
        findings.demand(!set.is_empty(), &at, || "has an empty set".to_owned());
        sets.push(named(&at, set, names, findings));
    }
    sets
}

fn unlocks(
    at: &str,
    entry: &ServiceEntry,
    by_name: &HashMap<Box<str>, ServiceIndex>,
    findings: &mut Findings,
) -> Option<Unlock> {
    let unlock = entry.unlocks.as_ref()?;
    let service = by_name.get(unlock.service.as_str()).copied();
    findings.demand(service.is_some(), &format!("{at}.unlocks"), || {
        format!("names `{}`, which is no service", unlock.service)
    });
    Some(Unlock { service: service?, label: unlock.label.as_str().into() })
}

fn docker(at: &str, actions: &[String], findings: &mut Findings) -> Vec<DockerAction> {
    let mut known = Vec::new();
    for action in actions {
        match action.as_str() {
            "pull" => known.push(DockerAction::Pull),
            "push" => known.push(DockerAction::Push),
            "delete" => known.push(DockerAction::Delete),
            _ => findings.add(at, format!("has the docker action `{action}`; there are `pull`, `push` and `delete`")),
        }
    }
    known
}

fn entity_types(at: &str, entry: &ServiceEntry, findings: &mut Findings) -> Vec<EntityType> {
    let at = format!("{at}.entity_types");
    findings.demand(entry.entity_types.len() <= MOST, &at, || format!("has more than {MOST} types"));
    let mut types = Vec::new();
    for (name, text) in &entry.entity_types {
        word(&at, name, findings);
        let docker_repository = text.docker.as_deref() == Some("repository");
        findings.demand(docker_repository || text.docker.is_none(), &format!("{at}.{name}"), || {
            "has a docker type other than `repository`".to_owned()
        });
        types.push(EntityType { name: name.as_str().into(), docker_repository });
    }
    types
}

/// The scopes of a list of exact names.
fn named(at: &str, list: &[String], names: &HashMap<Box<str>, ScopeIndex>, findings: &mut Findings) -> ScopeSet {
    let mut set = ScopeSet::NONE;
    for name in list {
        match names.get(name.as_str()) {
            Some(index) => set = set.with(*index),
            None => findings.add(at, format!("names `{name}`, which is no scope of this service")),
        }
    }
    set
}

/// Names stand in keys, rules and addresses: lower-case letters, digits, `_` and `-`.
fn word(at: &str, name: &str, findings: &mut Findings) {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
    let good = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= 63 && name.bytes().all(plain);
    findings.demand(good, at, || {
        format!("has the name `{name}`; names are lower-case letters, digits, `_` and `-`, at most 63")
    });
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
