//! What a key was granted: as it is written and stored, and as the check reads it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::KeyKind;
use crate::catalogue::{Catalogue, EntityTypeIndex, ScopeSet, Service, ServiceIndex, ServiceSet};
use crate::entity::{EntityPattern, TeamWildcard};
use crate::name::excerpt;

/// The most grants of one key.
const MOST_GRANTS: usize = 32;
/// The most scopes that one grant names.
const MOST_SCOPES: usize = 64;
/// The most patterns of entities that one grant names.
const MOST_ENTITIES: usize = 256;
/// The longest pattern of entities, in bytes.
const LONGEST_ENTITY: usize = 512;
/// The largest list of grants as it is stored, in bytes: every node keeps the grants of every key in memory.
const LARGEST_DOCUMENT: usize = 16 << 10;

/// One grant of a key, by names. Only a service: whatever the holder may do there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantSpec {
    /// The service.
    pub service: String,
    /// Only these scopes, by name or alias; `*` alone for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Only entities of this type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity_type: Option<String>,
    /// Only entities that one of these patterns names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity_values: Option<Vec<String>>,
}

/// What one key was granted, by the numbers of a catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyGrants {
    whole: ServiceSet,
    narrow: Box<[Narrow]>,
}

/// A part of a service; every condition must hold in the same grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Narrow {
    pub(super) service: ServiceIndex,
    pub(super) scopes: ScopeSet,
    pub(super) entity_type: Option<EntityTypeIndex>,
    pub(super) entities: Option<Box<[EntityPattern]>>,
}

/// Why a grant cannot be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// The key would do nothing.
    #[error("name at least one service")]
    Nothing,
    /// More than is stored for one key.
    #[error("{0}; make several keys instead")]
    TooMuch(&'static str),
    /// Not in the catalogue.
    #[error("there is no service `{0}`")]
    Service(String),
    /// The service takes no keys of this kind.
    #[error("`{service}` takes no {} keys", .kind.as_str())]
    Kind {
        /// The service.
        service: String,
        /// The kind of the key.
        kind: KeyKind,
    },
    /// The service has no such scope, or none was named.
    #[error("`{service}` has no scope `{scope}`")]
    Scope {
        /// The service.
        service: String,
        /// What was asked for.
        scope: String,
    },
    /// Neither a list of scopes nor `*`.
    #[error("name the scopes in `{0}`, at least one")]
    NoScopes(String),
    /// The service has no such entity type.
    #[error("`{service}` has no entity type `{entity_type}`")]
    EntityType {
        /// The service.
        service: String,
        /// What was asked for.
        entity_type: String,
    },
    /// An empty list of entities.
    #[error("name the entities in `{0}`, at least one, or leave them out")]
    NoEntities(String),
    /// A pattern that cannot be read.
    #[error("`{value}` names no entities: {reason}")]
    Entity {
        /// The pattern.
        value: String,
        /// What it breaks.
        reason: crate::entity::BadPattern,
    },
    /// A pattern for an org that is neither the key's nor a publisher.
    #[error("`{value}` lies outside `{org}`, and `{service}` lists no such publisher")]
    ForeignOrg {
        /// The pattern.
        value: String,
        /// The org of the key.
        org: String,
        /// The service.
        service: String,
    },
}

impl GrantSpec {
    /// A grant of a whole service.
    #[must_use]
    pub fn whole(service: &str) -> Self {
        Self { service: service.to_owned(), scopes: None, entity_type: None, entity_values: None }
    }

    /// Checks a grant before a key is made of it. A service key has a fixed list of scopes: `*` is written out wherever
    /// it stands in the list, so that a scope which the catalogue gains later does not reach it. Where it names no
    /// entities it is for those of its org, inside teams and outside.
    ///
    /// # Errors
    /// The first thing that cannot be.
    pub fn check(self, catalogue: &Catalogue, org: &str, kind: KeyKind) -> Result<Self, GrantError> {
        self.check_size()?;
        let unknown = || GrantError::Service(excerpt(&self.service));
        let index = catalogue.service_named(&self.service).ok_or_else(unknown)?;
        let service = catalogue.service(index).ok_or_else(unknown)?;
        // A legacy key is for whatever its user's personal keys are for.
        let class = if kind == KeyKind::Legacy { KeyKind::Personal } else { kind };
        if !service.key_kinds.contains(&class) {
            return Err(GrantError::Kind { service: self.service, kind });
        }
        let scopes = match &self.scopes {
            None if kind == KeyKind::Service => return Err(GrantError::NoScopes(self.service)),
            None => None,
            Some(list) if list.is_empty() => return Err(GrantError::NoScopes(self.service)),
            Some(list) => Some(scopes_by_name(list, service, kind)?),
        };
        if let Some(entity_type) = &self.entity_type
            && service.entity_type_named(entity_type).is_none()
        {
            return Err(GrantError::EntityType { service: self.service, entity_type: excerpt(entity_type) });
        }
        if self.entity_values.as_ref().is_some_and(Vec::is_empty) {
            return Err(GrantError::NoEntities(self.service));
        }
        for value in self.entity_values.iter().flatten() {
            check_entity(service, org, value)?;
        }
        let every = || vec![format!("{org}/*"), format!("{org}/*/*")];
        let fixed = kind == KeyKind::Service && !service.entity_types.is_empty();
        let entity_values = self.entity_values.or_else(|| fixed.then(every));
        Ok(Self { scopes, entity_values, service: self.service, entity_type: self.entity_type })
    }

    fn check_size(&self) -> Result<(), GrantError> {
        if self.scopes.as_ref().is_some_and(|scopes| scopes.len() > MOST_SCOPES) {
            return Err(GrantError::TooMuch("a grant names at most 64 scopes"));
        }
        let Some(values) = &self.entity_values else { return Ok(()) };
        if values.len() > MOST_ENTITIES {
            return Err(GrantError::TooMuch("a grant names at most 256 entities"));
        }
        if values.iter().any(|value| value.len() > LONGEST_ENTITY) {
            return Err(GrantError::TooMuch("an entity has at most 512 bytes"));
        }
        Ok(())
    }
}

/// Scopes by the names of their own: what is stored must not change with an alias.
fn scopes_by_name(list: &[String], service: &Service, kind: KeyKind) -> Result<Vec<String>, GrantError> {
    let mut names = Vec::new();
    for scope in list.iter().filter(|scope| *scope != "*") {
        let unknown = || GrantError::Scope { service: service.name.to_string(), scope: excerpt(scope) };
        let name = service.scope_named(scope).and_then(|index| service.name_of(index)).ok_or_else(unknown)?;
        names.push(name.to_owned());
    }
    if names.len() == list.len() {
        return Ok(names);
    }
    Ok(match kind {
        KeyKind::Service => service.names_of(service.all).map(str::to_owned).collect(),
        KeyKind::Personal | KeyKind::Legacy => vec!["*".to_owned()],
    })
}

/// What is missing for grants to be of use, in words; they are given all the same.
#[must_use]
pub fn warnings(specs: &[GrantSpec], catalogue: &Catalogue) -> Vec<String> {
    let mut found = BTreeSet::new();
    for spec in specs {
        let Some(service) = catalogue.service_named(&spec.service).and_then(|index| catalogue.service(index)) else {
            continue;
        };
        // A part without scopes is for all of them.
        let alike = || specs.iter().filter(|other| other.service == spec.service);
        if alike().any(|other| other.scopes.as_ref().is_none_or(|list| list.iter().any(|scope| scope == "*"))) {
            continue;
        }
        let all: ScopeSet =
            alike().flat_map(|one| &one.scopes).flatten().filter_map(|s| service.scope_named(s)).collect();
        let words = |set: ScopeSet| format!("`{}`", service.names_of(set).collect::<Vec<_>>().join("` and `"));
        if !service.minimum.is_empty() && !service.minimum.iter().any(|set| set.without(all).is_empty()) {
            let sets: Vec<String> = service.minimum.iter().map(|set| words(*set)).collect();
            found.insert(format!("`{}` is of use with at least {}", spec.service, sets.join(", or ")));
        }
        for scope in service.scopes_in(all) {
            let missing = scope.requires.without(all);
            if !missing.is_empty() {
                found.insert(format!("`{}` is of no use without {}", scope.name, words(missing)));
            }
        }
    }
    found.into_iter().collect()
}

fn check_entity(service: &Service, org: &str, value: &str) -> Result<(), GrantError> {
    let bad = |reason| GrantError::Entity { value: excerpt(value), reason };
    let pattern = EntityPattern::parse(value).map_err(bad)?;
    if service.serves(org, pattern.org()) {
        return Ok(());
    }
    let (value, org, service) = (excerpt(value), org.to_owned(), service.name.to_string());
    Err(GrantError::ForeignOrg { value, org, service })
}

impl KeyGrants {
    /// Checks the grants of a new key, see [`GrantSpec::check`].
    ///
    /// # Errors
    /// The first thing that cannot be.
    pub fn check(
        specs: Vec<GrantSpec>,
        catalogue: &Catalogue,
        org: &str,
        kind: KeyKind,
    ) -> Result<Vec<GrantSpec>, GrantError> {
        if specs.is_empty() {
            return Err(GrantError::Nothing);
        }
        if specs.len() > MOST_GRANTS {
            return Err(GrantError::TooMuch("a key has at most 32 grants"));
        }
        let checked: Vec<_> =
            specs.into_iter().map(|spec| spec.check(catalogue, org, kind)).collect::<Result<_, _>>()?;
        // What cannot be measured is not let through.
        let size = serde_json::to_vec(&checked).map_or(usize::MAX, |document| document.len());
        if size > LARGEST_DOCUMENT {
            return Err(GrantError::TooMuch("the grants of a key have at most 16 KiB together"));
        }
        Ok(checked)
    }

    /// Reads stored grants. A name that the catalogue no longer knows, or a pattern that cannot be read, allows nothing
    /// and widens nothing.
    #[must_use]
    pub fn load(specs: &[GrantSpec], catalogue: &Catalogue) -> Self {
        let mut whole = ServiceSet::NONE;
        let mut narrow = Vec::new();
        for spec in specs {
            let Some((index, service)) =
                catalogue.service_named(&spec.service).and_then(|index| Some((index, catalogue.service(index)?)))
            else {
                continue;
            };
            if spec.scopes.is_none() && spec.entity_type.is_none() && spec.entity_values.is_none() {
                whole = whole.with(index);
            } else if let Some(part) = Narrow::load(spec, index, service) {
                narrow.push(part);
            }
        }
        Self { whole, narrow: narrow.into() }
    }

    /// The services of which it grants anything.
    #[must_use]
    pub fn services(&self) -> ServiceSet {
        self.narrow.iter().fold(self.whole, |set, part| set.with(part.service))
    }

    /// Whether it grants the service, all of it or a part.
    #[must_use]
    pub fn has(&self, service: ServiceIndex) -> bool {
        self.is_whole(service) || self.parts(service).next().is_some()
    }

    pub(super) const fn is_whole(&self, service: ServiceIndex) -> bool {
        self.whole.has(service)
    }

    pub(super) fn parts(&self, service: ServiceIndex) -> impl Iterator<Item = &Narrow> {
        self.narrow.iter().filter(move |part| part.service == service)
    }
}

impl Narrow {
    fn load(spec: &GrantSpec, index: ServiceIndex, service: &Service) -> Option<Self> {
        let scopes = spec.scopes.as_ref().map_or(ScopeSet::EVERY, |list| {
            if list.iter().any(|scope| scope == "*") {
                return ScopeSet::EVERY;
            }
            list.iter().filter_map(|scope| service.scope_named(scope)).collect()
        });
        let entity_type = match &spec.entity_type {
            Some(name) => Some(service.entity_type_named(name)?),
            None => None,
        };
        let read = |values: &Vec<String>| values.iter().filter_map(|value| EntityPattern::parse(value).ok()).collect();
        Some(Self { service: index, scopes, entity_type, entities: spec.entity_values.as_ref().map(read) })
    }

    /// Whether the grant reaches what is acted on.
    pub(super) fn reaches(
        &self,
        entity_type: Option<EntityTypeIndex>,
        entity: Option<&crate::entity::Entity<'_>>,
        team_wildcard: TeamWildcard,
    ) -> bool {
        let typed = self.entity_type.is_none() || self.entity_type == entity_type;
        typed
            && self.entities.as_ref().is_none_or(|patterns| {
                entity.is_some_and(|entity| patterns.iter().any(|pattern| pattern.matches(entity, team_wildcard)))
            })
    }
}
