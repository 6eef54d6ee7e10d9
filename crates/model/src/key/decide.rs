//! What a key may do now: what it was granted, and at the same time what its holder may.
//!
//! One grant of the key must hold the service, the scope and the entity together; there is no cross product of grants.
//! The holder's roles are added up: an org-level role reaches the whole org, a team-level role `org/team/…` only.
//! Nothing here allocates.

use serde::{Deserialize, Serialize};

use super::grant::KeyGrants;
use crate::catalogue::{Catalogue, EntityTypeIndex, ScopeIndex, ScopeSet, Service, ServiceIndex, ServiceSet, Unlock};
use crate::entity::Entity;

/// Why a check says no: a closed list. The word is the one that services read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No key: wrong length, prefix, alphabet or checksum.
    Malformed,
    /// A well-formed key that does not exist, or not for the service that asks.
    UnknownKey,
    /// Past its time.
    Expired,
    /// Switched off by its holder.
    Disabled,
    /// Held back until a receipt is restored.
    Suspended,
    /// Ended for good.
    Revoked,
    /// Its holder may not act, or it was made before their access last ended.
    Ended,
    /// The catalogue has no such service.
    UnknownService,
    /// The service that asks does not run the service that it asks about.
    ServiceNotYours,
    /// The org has not enabled the service.
    ServiceNotEnabled,
    /// The service has no such scope.
    UnknownAction,
    /// The service has no such entity type.
    UnknownEntityType,
    /// The action acts on an entity, and none was named.
    EntityRequired,
    /// What was named is no entity.
    BadEntity,
    /// The key was not granted this service.
    ServiceNotGranted,
    /// The key was granted the service without this scope.
    ActionNotGranted,
    /// The key was granted the scope, but not for this entity, or the entity lies outside its org.
    EntityMismatch,
    /// No role of the holder allows this here.
    NoRole,
    /// What the holder's identity provider last said about them is too old: they have to sign in again.
    ReauthRequired,
    /// The key was rotated, and the time in which its old secret still worked is over.
    Superseded,
    /// What is acted on is for orgs that have a service which this one does not have.
    NotEntitled,
    /// The service keeps this operation from service keys, whatever their scopes.
    OperationDenied,
    /// A legacy key, and the org does not want any.
    LegacyOff,
}

impl Reason {
    /// All reasons, for documents and metrics.
    pub const ALL: [Self; 23] = [
        Self::Malformed,
        Self::UnknownKey,
        Self::Expired,
        Self::Disabled,
        Self::Suspended,
        Self::Revoked,
        Self::Ended,
        Self::UnknownService,
        Self::ServiceNotYours,
        Self::ServiceNotEnabled,
        Self::UnknownAction,
        Self::UnknownEntityType,
        Self::EntityRequired,
        Self::BadEntity,
        Self::ServiceNotGranted,
        Self::ActionNotGranted,
        Self::EntityMismatch,
        Self::NoRole,
        Self::ReauthRequired,
        Self::Superseded,
        Self::NotEntitled,
        Self::OperationDenied,
        Self::LegacyOff,
    ];

    /// The stable word, in snake case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown_key",
            Self::Expired => "expired",
            Self::Disabled => "disabled",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
            Self::Ended => "ended",
            Self::UnknownService => "unknown_service",
            Self::ServiceNotYours => "service_not_yours",
            Self::ServiceNotEnabled => "service_not_enabled",
            Self::UnknownAction => "unknown_action",
            Self::UnknownEntityType => "unknown_entity_type",
            Self::EntityRequired => "entity_required",
            Self::BadEntity => "bad_entity",
            Self::ServiceNotGranted => "service_not_granted",
            Self::ActionNotGranted => "action_not_granted",
            Self::EntityMismatch => "entity_mismatch",
            Self::NoRole => "no_role",
            Self::ReauthRequired => "reauth_required",
            Self::Superseded => "superseded",
            Self::NotEntitled => "not_entitled",
            Self::OperationDenied => "operation_denied",
            Self::LegacyOff => "legacy_off",
        }
    }
}

/// What a service asks, with its names looked up.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub(super) index: ServiceIndex,
    service: &'a Service,
    pub(super) action: ScopeIndex,
    pub(super) entity_type: Option<EntityTypeIndex>,
    pub(super) entity: Option<Entity<'a>>,
}

/// The org of a key, as far as a check needs it.
#[derive(Clone, Copy, Debug)]
pub struct OrgFacts<'a> {
    /// Its name, the first segment of its entities.
    pub name: &'a str,
    /// The services that it has.
    pub enabled: ServiceSet,
}

/// Who holds a key, and so what it can do at the most.
#[derive(Clone, Copy, Debug)]
pub enum Holder<'a> {
    /// A person, with the roles that they have now.
    Person(&'a Roles),
    /// The org itself: whatever it has enabled.
    Org,
}

/// The roles of a member, as the check reads them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    owner: bool,
    org: Box<[(ServiceIndex, ScopeSet)]>,
    teams: Box<[TeamRole]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct TeamRole {
    team: Box<str>,
    service: ServiceIndex,
    scopes: ScopeSet,
}

/// A role that a member holds, by names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldRole<'a> {
    /// The team; none if held in the whole org.
    pub team: Option<&'a str>,
    /// The service.
    pub service: &'a str,
    /// The role.
    pub role: &'a str,
}

impl<'a> Question<'a> {
    /// Looks up the names of a question.
    ///
    /// # Errors
    /// The first name that does not stand for anything, or a missing entity where the service acts on entities.
    pub fn read(
        catalogue: &'a Catalogue,
        service: &str,
        action: &str,
        entity_type: Option<&str>,
        entity: Option<&'a str>,
    ) -> Result<Self, Reason> {
        let index = catalogue.service_named(service).ok_or(Reason::UnknownService)?;
        let service = catalogue.service(index).ok_or(Reason::UnknownService)?;
        let action = service.scope_named(action).ok_or(Reason::UnknownAction)?;
        let entity_type = match entity_type {
            Some(name) => Some(service.entity_type_named(name).ok_or(Reason::UnknownEntityType)?),
            None => service.only_entity_type(),
        };
        let entity = match entity {
            Some(text) => Some(Entity::parse(text).map_err(|_| Reason::BadEntity)?),
            None if service.entity_types.is_empty() => None,
            None => return Err(Reason::EntityRequired),
        };
        Ok(Self { index, service, action, entity_type, entity })
    }

    /// Whether the service keeps this operation from service keys.
    #[must_use]
    pub fn denies(&self, operation: &str) -> bool {
        self.service.service_key_denied_operations.iter().any(|denied| denied == operation)
    }

    /// The service that is asked about.
    #[must_use]
    pub const fn service(&self) -> ServiceIndex {
        self.index
    }
}

impl Roles {
    /// Adds up the roles of a member. A service or role that the catalogue does not know allows nothing.
    #[must_use]
    pub fn of_member<'r>(catalogue: &Catalogue, held: impl IntoIterator<Item = HeldRole<'r>>) -> Self {
        let mut org: Vec<(ServiceIndex, ScopeSet)> = Vec::new();
        let mut teams: Vec<TeamRole> = Vec::new();
        for HeldRole { team, service, role } in held {
            for &(service, scopes) in catalogue.role_named(service, role).iter().flat_map(|role| &role.reach) {
                let sum = match team {
                    None => org.iter_mut().find(|(known, _)| *known == service).map(|(_, sum)| sum),
                    Some(team) => teams
                        .iter_mut()
                        .find(|known| &*known.team == team && known.service == service)
                        .map(|known| &mut known.scopes),
                };
                match (sum, team) {
                    (Some(sum), _) => *sum = sum.union(scopes),
                    (None, None) => org.push((service, scopes)),
                    (None, Some(team)) => teams.push(TeamRole { team: team.into(), service, scopes }),
                }
            }
        }
        org.sort_by_key(|(service, _)| *service);
        teams.sort_by(|a, b| (&a.team, a.service).cmp(&(&b.team, b.service)));
        Self { owner: false, org: org.into(), teams: teams.into() }
    }

    /// The roles of an owner: every scope of every service that the org has enabled.
    #[must_use]
    pub fn of_owner() -> Self {
        Self { owner: true, ..Self::default() }
    }

    /// The services in which any role is held, of those that the org has enabled: what a key of theirs can be granted.
    pub fn services(&self, enabled: ServiceSet) -> ServiceSet {
        if self.owner {
            return enabled;
        }
        let org = self.org.iter().map(|(service, _)| *service);
        let teams = self.teams.iter().map(|role| role.service);
        org.chain(teams).filter(|service| enabled.has(*service)).collect()
    }

    /// What the roles allow in a service: everywhere in the org, and in single teams.
    pub(super) fn reach(&self, service: ServiceIndex) -> (ScopeSet, impl Iterator<Item = (&str, ScopeSet)>) {
        let org = self.org.iter().find(|(known, _)| *known == service).map_or(ScopeSet::NONE, |(_, scopes)| *scopes);
        let teams = self.teams.iter().filter(move |role| role.service == service);
        (if self.owner { ScopeSet::EVERY } else { org }, teams.map(|role| (&*role.team, role.scopes)))
    }

    /// Whether a role allows this.
    fn allow(&self, question: &Question<'_>, org: &str) -> bool {
        let allows = |service: ServiceIndex, scopes: ScopeSet| service == question.index && scopes.has(question.action);
        if self.owner || self.org.iter().any(|(service, scopes)| allows(*service, *scopes)) {
            return true;
        }
        // A team's name means something in its own org only: a publisher's folder of the same name is not the team.
        let Some(team) = question.entity.filter(|entity| entity.org() == org).and_then(|entity| entity.team()) else {
            return false;
        };
        self.teams.iter().any(|role| &*role.team == team && allows(role.service, role.scopes))
    }
}

/// Whether a key that lives may do what is asked.
///
/// # Errors
/// The first reason against it.
pub fn decide(
    question: &Question<'_>,
    grants: &KeyGrants,
    holder: Holder<'_>,
    org: &OrgFacts<'_>,
) -> Result<(), Reason> {
    if !org.enabled.has(question.index) {
        return Err(Reason::ServiceNotEnabled);
    }
    if !grants.has(question.index) {
        return Err(Reason::ServiceNotGranted);
    }
    // A key reaches its own org and, where the service lists them, publishers: never another tenant.
    if question.entity.is_some_and(|entity| !question.service.serves(org.name, entity.org())) {
        return Err(Reason::EntityMismatch);
    }
    granted(question, grants)?;
    match holder {
        Holder::Person(roles) if roles.allow(question, org.name) => Ok(()),
        Holder::Person(_) => Err(Reason::NoRole),
        Holder::Org => Ok(()),
    }
}

/// Whether an org with these services may act on what carries these labels: each is for orgs that have a service which
/// opens it. A label that nothing opens is for nobody.
#[must_use]
pub fn unlocked(catalogue: &Catalogue, asked: ServiceIndex, labels: &[impl AsRef<str>], enabled: ServiceSet) -> bool {
    labels.iter().all(|label| {
        catalogue.services().any(|(index, service)| {
            let opens = |unlock: &Unlock| unlock.service == asked && *unlock.label == *label.as_ref();
            enabled.has(index) && service.unlocks.as_ref().is_some_and(opens)
        })
    })
}

/// Whether ONE grant holds both the scope and the entity.
fn granted(question: &Question<'_>, grants: &KeyGrants) -> Result<(), Reason> {
    if grants.is_whole(question.index) {
        return Ok(());
    }
    let mut scoped = grants.parts(question.index).filter(|part| part.scopes.has(question.action)).peekable();
    if scoped.peek().is_none() {
        return Err(Reason::ActionNotGranted);
    }
    let entity = question.entity.as_ref();
    if scoped.any(|part| part.reaches(question.entity_type, entity, question.service.team_wildcard)) {
        Ok(())
    } else {
        Err(Reason::EntityMismatch)
    }
}
