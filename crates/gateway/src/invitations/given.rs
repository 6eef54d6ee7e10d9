//! The roles that an invitation gives: which of them there are, and who may promise them.

use cardea_model::Place;
use cardea_model::id::TeamId;
use cardea_model::rule::{CONTROL_PLANE, RuleGrant};
use cardea_store::account::{self, Account, Team};
use cardea_store::db::{Conn, DbError};
use cardea_store::invitation::Invitation;

use super::InvitationError;
use crate::app::App;
use crate::context::Ctx;
use crate::roles::{self, USER_ADMIN};

/// The most roles of one invitation.
const MOST: usize = 100;

/// The roles of a stored invitation.
pub(super) fn read(row: &Invitation) -> Result<Vec<RuleGrant>, InvitationError> {
    serde_json::from_str(&row.roles).map_err(|_| InvitationError::Corrupt("invitation"))
}

/// Roles as they are stored.
pub(super) fn written(roles: &[RuleGrant]) -> Result<String, InvitationError> {
    if roles.len() > MOST {
        return Err(InvitationError::Roles(MOST));
    }
    serde_json::to_string(roles).map_err(|_| InvitationError::Corrupt("invitation"))
}

/// What an org has to give.
pub(super) struct Offer {
    teams: Vec<Team>,
    services: Vec<String>,
}

impl Offer {
    pub(super) async fn read(conn: &mut Conn, org: &Account) -> Result<Self, DbError> {
        Ok(Self { teams: account::teams(conn, org.org).await?, services: account::services(conn, org.org).await? })
    }

    /// The role's team, if the role is there to be given; else why it is not.
    pub(super) fn find(&self, app: &App, role: &RuleGrant) -> Result<Option<TeamId>, String> {
        let team = match &role.team {
            None => None,
            Some(name) => {
                let known = self.teams.iter().find(|team| team.name == *name);
                Some(known.ok_or_else(|| format!("`{name}` is no team of this org"))?.id)
            }
        };
        let (service, name) = (&role.service, &role.role);
        if is_user_admin(role) {
            return Ok(team);
        }
        if !self.services.contains(service) {
            return Err(format!("this org does not have the service `{service}`"));
        }
        let known = app.catalogue.role_named(service, name).is_some();
        known.then_some(team).ok_or_else(|| format!("the service `{service}` has no role `{name}`"))
    }
}

pub(super) fn is_user_admin(role: &RuleGrant) -> bool {
    role.service == CONTROL_PLANE && role.role == USER_ADMIN
}

/// Whether all of these roles are there, and the one who speaks could give each of them.
pub(super) async fn check(
    app: &App,
    conn: &mut Conn,
    ctx: &Ctx,
    org: &Account,
    wanted: &[RuleGrant],
) -> Result<(), InvitationError> {
    let offer = Offer::read(conn, org).await?;
    for role in wanted {
        let team = offer.find(app, role).map_err(InvitationError::Role)?;
        let place = team.map_or(Place::Account(org.id), |team| Place::Team(org.id, team));
        roles::may_give(app, ctx, &place, &role.service, &role.role)?;
    }
    Ok(())
}
