//! The catalogue: the services behind the gateway, what can be done in them, and the roles that allow it.
//!
//! It is written by an operator ([`Document`]), checked as a whole and compiled into dense numbers, so that the check
//! of a key compares bits. Numbers hold for one loaded catalogue only; what is stored are names, and a stored name that
//! the catalogue no longer knows allows nothing.

mod compile;
pub mod document;
mod standing;

use std::collections::{BTreeMap, HashMap};

pub use document::{Document, Limits, OrgKind};
pub use standing::{GrantedRole, Standing};

use crate::entity::TeamWildcard;
use crate::key::KeyKind;

/// A service of the loaded catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceIndex(u16);

/// A scope of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeIndex(u8);

/// An entity type of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityTypeIndex(u8);

/// A set of services, at most 64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ServiceSet(u64);

/// A set of scopes of one service, at most 64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ScopeSet(u64);

/// How many services a catalogue has at the most, and scopes a service: the bits of a set.
const MOST: usize = 64;

/// A catalogue that passed its checks.
#[derive(Debug)]
pub struct Catalogue {
    limits: Limits,
    notifications: Vec<String>,
    services: Vec<Service>,
    by_name: HashMap<Box<str>, ServiceIndex>,
    canonical: Vec<u8>,
}

/// A service that passed its checks.
#[derive(Debug)]
pub struct Service {
    /// Its name in keys, rules and requests.
    pub name: Box<str>,
    /// What people read.
    pub title: Box<str>,
    /// The kinds of keys that it takes.
    pub key_kinds: Vec<KeyKind>,
    /// The kinds of orgs that have it from the start.
    pub default_on: Vec<OrgKind>,
    /// Whether people of other orgs can be given roles in it.
    pub external_ok: bool,
    /// Whether activating it makes an individual org an enterprise.
    pub premium: bool,
    /// What service keys cannot do in it yet.
    pub service_key_denied_operations: Vec<String>,
    /// Whether `org/*/*` reaches `org/name`.
    pub team_wildcard: TeamWildcard,
    /// Orgs that publish for everybody.
    pub publisher_orgs: Vec<Box<str>>,
    /// What its scopes act on, by [`EntityTypeIndex`].
    pub entity_types: Vec<EntityType>,
    /// What can be done in it, by [`ScopeIndex`].
    pub scopes: Vec<Scope>,
    /// Named sets of scopes.
    pub roles: BTreeMap<Box<str>, Role>,
    /// Sets of which a service key needs at least one whole.
    pub minimum: Vec<ScopeSet>,
    /// Ready-made grants of service keys.
    pub recipes: BTreeMap<String, document::RecipeEntry>,
    /// What having it opens in another service.
    pub unlocks: Option<Unlock>,
    /// All its scopes.
    pub all: ScopeSet,
    scope_names: HashMap<Box<str>, ScopeIndex>,
}

/// What scopes act on.
#[derive(Debug)]
pub struct EntityType {
    /// Its name.
    pub name: Box<str>,
    /// Whether docker's tokens call it `repository`.
    pub docker_repository: bool,
}

/// Something that can be done in a service.
#[derive(Debug)]
pub struct Scope {
    /// Its name.
    pub name: Box<str>,
    /// What people read.
    pub title: Box<str>,
    /// The docker actions that it allows.
    pub docker: Vec<DockerAction>,
    /// Whether it allows docker's `registry:catalog:*`.
    pub docker_catalog: bool,
    /// Scopes without which it is of no use.
    pub requires: ScopeSet,
}

/// What docker asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DockerAction {
    /// Read an image.
    Pull,
    /// Write an image.
    Push,
    /// Delete an image.
    Delete,
}

impl DockerAction {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pull, Self::Push, Self::Delete];

    /// Docker's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
        }
    }
}

/// A named set of scopes.
#[derive(Debug)]
pub struct Role {
    /// What people read.
    pub title: Box<str>,
    /// The role that took its place.
    pub replaced_by: Option<Box<str>>,
    /// What it allows, by service: its own, inherited and conferred scopes.
    pub reach: Vec<(ServiceIndex, ScopeSet)>,
}

/// What having a service opens in another.
#[derive(Debug)]
pub struct Unlock {
    /// The other service.
    pub service: ServiceIndex,
    /// The label of what is restricted there.
    pub label: Box<str>,
}

/// One thing that is wrong in a catalogue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("`{at}` {problem}")]
pub struct CatalogueError {
    /// Where, such as `services.registry.roles.user.scopes[1]`.
    pub at: String,
    /// What, such as "is `viewr`, which is no role of this service".
    pub problem: String,
    /// The name that nothing has, if that is it.
    pub unknown: Option<UnknownName>,
}

/// A name that nothing has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnknownName {
    /// The name, shortened if it is long.
    pub name: String,
    /// The names of which one was probably meant.
    pub known: Vec<String>,
}

impl Catalogue {
    /// Checks a catalogue and gives its names their numbers, in the order of the alphabet.
    ///
    /// # Errors
    /// All that is wrong in it.
    pub fn compile(document: &Document) -> Result<Self, Vec<CatalogueError>> {
        compile::compile(document)
    }

    /// The limits that it sets.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The topics that people can subscribe to.
    #[must_use]
    pub fn notifications(&self) -> &[String] {
        &self.notifications
    }

    /// The services with their numbers, by name.
    pub fn services(&self) -> impl Iterator<Item = (ServiceIndex, &Service)> {
        (0..).map(ServiceIndex).zip(&self.services)
    }

    /// The service of that number; nothing if the number is of another catalogue.
    #[must_use]
    pub fn service(&self, index: ServiceIndex) -> Option<&Service> {
        self.services.get(usize::from(index.0))
    }

    /// The service of that name.
    #[must_use]
    pub fn service_named(&self, name: &str) -> Option<ServiceIndex> {
        self.by_name.get(name).copied()
    }

    /// The services of those names; names that it does not know count for nothing.
    #[must_use]
    pub fn services_named<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> ServiceSet {
        names.into_iter().filter_map(|name| self.service_named(name)).collect()
    }

    /// The scope of that name or alias in a service.
    #[must_use]
    pub fn scope_named(&self, service: ServiceIndex, name_or_alias: &str) -> Option<ScopeIndex> {
        self.service(service)?.scope_named(name_or_alias)
    }

    /// The role of that name in a service.
    #[must_use]
    pub fn role_named(&self, service: &str, role: &str) -> Option<&Role> {
        self.service(self.service_named(service)?)?.roles.get(role)
    }

    /// What it says, as bytes that are the same for the same content; their SHA-256 is its digest.
    #[must_use]
    pub fn canonical(&self) -> &[u8] {
        &self.canonical
    }
}

impl Service {
    /// The scope of that name or alias.
    #[must_use]
    pub fn scope_named(&self, name_or_alias: &str) -> Option<ScopeIndex> {
        self.scope_names.get(name_or_alias).copied()
    }

    /// The entity type of that name.
    #[must_use]
    pub fn entity_type_named(&self, name: &str) -> Option<EntityTypeIndex> {
        (0..).map(EntityTypeIndex).zip(&self.entity_types).find(|(_, kind)| &*kind.name == name).map(|(index, _)| index)
    }

    /// The entity type of that number.
    #[must_use]
    pub fn entity_type(&self, index: EntityTypeIndex) -> Option<&EntityType> {
        self.entity_types.get(usize::from(index.0))
    }

    /// The entity type, if there is only one and so nobody needs to name it.
    #[must_use]
    pub fn only_entity_type(&self) -> Option<EntityTypeIndex> {
        (self.entity_types.len() == 1).then_some(EntityTypeIndex(0))
    }

    /// Whether a key of `org` may act on entities of `entity_org` here: its own, or a publisher's.
    #[must_use]
    pub fn serves(&self, org: &str, entity_org: &str) -> bool {
        org == entity_org || self.publisher_orgs.iter().any(|publisher| &**publisher == entity_org)
    }

    /// The name of the scope of that number.
    #[must_use]
    pub fn name_of(&self, scope: ScopeIndex) -> Option<&str> {
        self.scopes.get(usize::from(scope.0)).map(|scope| &*scope.name)
    }

    /// The scopes in a set.
    pub fn scopes_in(&self, set: ScopeSet) -> impl Iterator<Item = &Scope> {
        let numbered = (0..).map(ScopeIndex).zip(&self.scopes);
        numbered.filter(move |(index, _)| set.has(*index)).map(|(_, scope)| scope)
    }

    /// The names of the scopes in a set.
    pub fn names_of(&self, set: ScopeSet) -> impl Iterator<Item = &str> {
        self.scopes_in(set).map(|scope| &*scope.name)
    }
}

impl ServiceSet {
    /// No service.
    pub const NONE: Self = Self(0);

    /// Whether the service is in the set.
    #[must_use]
    pub const fn has(self, service: ServiceIndex) -> bool {
        service.0 < 64 && self.0 >> service.0 & 1 == 1
    }

    /// Whether any service is in both.
    #[must_use]
    pub const fn shares(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The set and one service more.
    #[must_use]
    pub const fn with(self, service: ServiceIndex) -> Self {
        if service.0 < 64 { Self(self.0 | 1 << service.0) } else { self }
    }
}

impl FromIterator<ServiceIndex> for ServiceSet {
    fn from_iter<I: IntoIterator<Item = ServiceIndex>>(services: I) -> Self {
        services.into_iter().fold(Self::NONE, Self::with)
    }
}

impl ScopeSet {
    /// No scope.
    pub const NONE: Self = Self(0);
    /// Every scope, also those that the service is given later.
    pub const EVERY: Self = Self(u64::MAX);

    /// Whether the scope is in the set.
    #[must_use]
    pub const fn has(self, scope: ScopeIndex) -> bool {
        scope.0 < 64 && self.0 >> scope.0 & 1 == 1
    }

    /// The set and one scope more.
    #[must_use]
    pub const fn with(self, scope: ScopeIndex) -> Self {
        if scope.0 < 64 { Self(self.0 | 1 << scope.0) } else { self }
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in this and not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<ScopeIndex> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = ScopeIndex>>(scopes: I) -> Self {
        scopes.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
pub(crate) mod tests;
