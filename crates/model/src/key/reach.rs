//! What a key reaches, written out: the same answer that [`super::decide()`] gives to each question, as a list that people
//! read before they make a key.
//!
//! Each line is one pattern of entities with what may be done there. A pattern with `*` names what is there now and whatever
//! comes later. Here `org/*/*` never reaches `org/name`: where a service reads it so, both stand in the list.

use super::decide::{Holder, OrgFacts, Question};
use super::grant::KeyGrants;
use crate::catalogue::{Catalogue, EntityTypeIndex, ScopeSet, Service, ServiceIndex};
use crate::entity::{EntityPattern, TeamWildcard};

/// A part of what a key reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The service.
    pub service: ServiceIndex,
    /// What may be done.
    pub scopes: ScopeSet,
    /// With entities of this type; none for every type.
    pub entity_type: Option<EntityTypeIndex>,
    /// With these entities; none where the service is asked without.
    pub entities: Option<EntityPattern>,
}

/// Everything that a living key reaches.
#[must_use]
pub fn reach(catalogue: &Catalogue, grants: &KeyGrants, holder: Holder<'_>, org: &OrgFacts<'_>) -> Vec<Reach> {
    let mut lines = Vec::new();
    for (index, service) in catalogue.services().filter(|(index, _)| org.enabled.has(*index)) {
        for granted in granted(grants, (index, service), org.name) {
            held(&granted, holder, org.name).for_each(|line| add(&mut lines, line));
        }
    }
    lines
}

/// What the key was granted in a service, whoever holds it.
fn granted(grants: &KeyGrants, (index, service): (ServiceIndex, &Service), org: &str) -> Vec<Reach> {
    let whole = grants.is_whole(index).then_some((ScopeSet::EVERY, None, None));
    let parts = grants.parts(index).map(|part| (part.scopes, part.entity_type, part.entities.as_deref()));
    let mut lines = Vec::new();
    for (scopes, entity_type, patterns) in whole.into_iter().chain(parts) {
        let line = |entities| Reach { service: index, scopes: scopes.intersection(service.all), entity_type, entities };
        match patterns {
            Some(patterns) => {
                let near = patterns.iter().filter(|pattern| service.serves(org, pattern.org()));
                lines.extend(near.flat_map(|pattern| written_out(pattern, service)).map(|one| line(Some(one))));
            }
            None => {
                lines.extend(everything(service, org).map(|one| line(Some(one))));
                lines.extend(service.entity_types.is_empty().then(|| line(None)));
            }
        }
    }
    lines
}

/// A pattern as it is read where `org/*/*` may mean more than it says.
fn written_out(pattern: &EntityPattern, service: &Service) -> Vec<EntityPattern> {
    let org = pattern.org();
    let root = || EntityPattern::parse(&format!("{org}/*")).ok();
    let more = service.team_wildcard == TeamWildcard::TeamsAndRoot && pattern.to_string() == format!("{org}/*/*");
    std::iter::once(pattern.clone()).chain(more.then(root).flatten()).collect()
}

/// All entities that a key of the org can be for.
fn everything(service: &Service, org: &str) -> impl Iterator<Item = EntityPattern> {
    let publishers = service.publisher_orgs.iter().map(AsRef::as_ref).filter(move |publisher| *publisher != org);
    let orgs: Vec<&str> = std::iter::once(org).chain(publishers).collect();
    let patterns: Vec<String> = orgs.iter().flat_map(|org| [format!("{org}/*"), format!("{org}/*/*")]).collect();
    patterns.into_iter().filter_map(|text| EntityPattern::parse(&text).ok())
}

/// What of it the holder may do now.
fn held(granted: &Reach, holder: Holder<'_>, org: &str) -> impl Iterator<Item = Reach> {
    let mut lines = Vec::new();
    match holder {
        Holder::Org => lines.push(granted.clone()),
        Holder::Person(roles) => {
            let (everywhere, teams) = roles.reach(granted.service);
            lines.push(Reach { scopes: granted.scopes.intersection(everywhere), ..granted.clone() });
            for (team, scopes) in teams {
                let entities = granted.entities.as_ref().and_then(|pattern| in_team(pattern, org, team));
                let scopes = granted.scopes.intersection(scopes).without(everywhere);
                lines.extend(entities.map(|one| Reach { scopes, entities: Some(one), ..granted.clone() }));
            }
        }
    }
    lines.into_iter().filter(|line| !line.scopes.is_empty())
}

/// What of a pattern lies in a team of the org.
fn in_team(pattern: &EntityPattern, org: &str, team: &str) -> Option<EntityPattern> {
    let text = pattern.to_string();
    let (second, third) = text.strip_prefix(org)?.strip_prefix('/')?.split_once('/')?;
    let inside = second == "*" || second == team;
    inside.then(|| EntityPattern::parse(&format!("{org}/{team}/{third}")).ok()).flatten()
}

/// Lines that differ in their scopes only are one.
fn add(lines: &mut Vec<Reach>, line: Reach) {
    let alike = |known: &&mut Reach| {
        (known.service, known.entity_type, &known.entities) == (line.service, line.entity_type, &line.entities)
    };
    match lines.iter_mut().find(alike) {
        Some(known) => known.scopes = known.scopes.union(line.scopes),
        None => lines.push(line),
    }
}

impl Reach {
    /// Whether what is asked lies in this part.
    #[must_use]
    pub fn covers(&self, question: &Question<'_>) -> bool {
        let typed = self.entity_type.is_none() || self.entity_type == question.entity_type;
        let there = match (&self.entities, &question.entity) {
            (None, None) => true,
            (Some(pattern), Some(entity)) => pattern.matches(entity, TeamWildcard::TeamsOnly),
            (None, Some(_)) | (Some(_), None) => false,
        };
        self.service == question.index && self.scopes.has(question.action) && typed && there
    }

    /// Whether it names what is not there yet as well.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.entities.as_ref().is_none_or(|pattern| pattern.to_string().ends_with('*'))
    }
}
