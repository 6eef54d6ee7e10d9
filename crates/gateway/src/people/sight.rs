//! Whom an admin sees: everybody of the org, or who has a role in a team whose users they manage.

use std::collections::BTreeSet;

use cardea_model::Caller;
use cardea_store::account;
use cardea_store::db::{Conn, DbError};

use super::RoleView;
use crate::context::Ctx;

/// Whom the caller sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Everybody, with every role.
    Everybody,
    /// The users of these teams, and what they are there.
    Teams(BTreeSet<String>),
}

impl Sight {
    /// Whom the caller sees, who may see users at all.
    pub(crate) async fn of(conn: &mut Conn, ctx: &Ctx) -> Result<Self, DbError> {
        match &ctx.caller {
            Caller::Person(person) if !person.sees_everybody() => {
                let teams = account::teams(conn, person.org).await?.into_iter();
                let managed = teams.filter(|team| person.teams.contains(&team.id));
                Ok(Self::Teams(managed.map(|team| team.name).collect()))
            }
            Caller::Person(_)
            | Caller::Nobody
            | Caller::Directory { .. }
            | Caller::Client(_)
            | Caller::Operator(_)
            | Caller::System(_) => Ok(Self::Everybody),
        }
    }

    /// What they see of somebody's roles: none of those that reach beyond their teams.
    pub(crate) fn of_roles(&self, mut roles: Vec<RoleView>) -> Vec<RoleView> {
        if let Self::Teams(teams) = self {
            roles.retain(|role| role.team.as_ref().is_some_and(|team| teams.contains(team)));
        }
        roles
    }

    /// Whether they see somebody with these roles, as they see them.
    pub(super) fn shows(&self, roles: &[RoleView]) -> bool {
        *self == Self::Everybody || !roles.is_empty()
    }
}
