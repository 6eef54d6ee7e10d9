//! What grants that were stored under an older catalogue stand for under this one.

use std::collections::BTreeMap;

use super::{Catalogue, CatalogueError, Role};
use crate::rule::CONTROL_PLANE;

/// What a stored pair of service and role stands for.
#[derive(Clone, Copy, Debug)]
pub enum Standing<'a> {
    /// This role.
    Role(&'a Role),
    /// The role that took its place, after which nobody else did.
    Replaced {
        /// That role's name.
        by: &'a str,
        /// That role.
        role: &'a Role,
    },
    /// Nothing: the catalogue knows no such service or role, and it allows nothing.
    Unknown,
}

/// How often a role is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantedRole {
    /// The service, as it is stored.
    pub service: String,
    /// The role, as it is stored.
    pub role: String,
    /// How many rules give it.
    pub by_rules: u64,
    /// How many times a person gave it to a member.
    pub by_hand: u64,
}

impl Catalogue {
    /// What a stored pair of service and role stands for. It is an answer and never an error: a grant must not keep
    /// anybody from signing in because a catalogue forgot it.
    #[must_use]
    pub fn standing(&self, service: &str, role: &str) -> Standing<'_> {
        let Some(roles) = self.service_named(service).and_then(|index| self.service(index)).map(|it| &it.roles) else {
            return Standing::Unknown;
        };
        let next = |name: &&str| roles.get(*name)?.replaced_by.as_deref();
        let last = std::iter::successors(Some(role), next).last().and_then(|name| roles.get_key_value(name));
        match last {
            None => Standing::Unknown,
            Some((name, found)) if **name == *role => Standing::Role(found),
            Some((by, found)) => Standing::Replaced { by, role: found },
        }
    }

    /// The roles that are granted somewhere and that this catalogue has forgotten, with who grants them. They allow
    /// nothing; a role that is still granted is not removed but says `replaced_by`.
    pub fn forgotten(&self, granted: impl IntoIterator<Item = GrantedRole>) -> Vec<CatalogueError> {
        let mut sums: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
        for GrantedRole { service, role, by_rules, by_hand } in granted {
            // The gateway's own role stands in no service.
            let own = service == CONTROL_PLANE && role == "user_admin";
            if !own && matches!(self.standing(&service, &role), Standing::Unknown) {
                let sum = sums.entry((service, role)).or_default();
                *sum = (sum.0.saturating_add(by_rules), sum.1.saturating_add(by_hand));
            }
        }
        let error = |((service, role), (by_rules, by_hand))| CatalogueError {
            at: format!("services.{service}.roles.{role}"),
            problem: format!(
                "is gone but still granted (by rules: {by_rules}, by hand: {by_hand}); it allows nothing until it says `replaced_by`"
            ),
            unknown: None,
        };
        sums.into_iter().map(error).collect()
    }
}
