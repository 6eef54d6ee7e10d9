//! What somebody can give by hand, and where.

use cardea_model::id::AccountId;
use cardea_model::rule::CONTROL_PLANE;
use cardea_model::{Permission, Place};
use cardea_store::account;

use super::MemberError;
use crate::app::App;
use crate::context::Ctx;
use crate::roles::{self, USER_ADMIN};

/// What the caller can give by hand, to members and to whom they invite.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// Whether roles of the whole org.
    pub org: bool,
    /// The teams in which they can give roles, by name.
    pub teams: Vec<String>,
    /// The services whose roles there are to give.
    pub services: Vec<String>,
    /// Whether they can make user_admins.
    pub user_admin: bool,
    /// Whether they can make owners.
    pub owner: bool,
    /// Whether they can make admins of the account.
    pub account_admin: bool,
}

impl Offer {
    /// Whether they can give any role at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        !self.org && self.teams.is_empty()
    }

    /// Whether they can give roles there: in the team of this name, or in the whole org.
    #[must_use]
    pub fn reaches(&self, team: Option<&str>) -> bool {
        team.map_or(self.org, |team| self.teams.iter().any(|known| known == team))
    }
}

/// What the caller can give by hand. Nothing is promised: whoever gives is asked again.
///
/// # Errors
/// [`MemberError`].
pub async fn offer(app: &App, ctx: &Ctx, account: AccountId) -> Result<Offer, MemberError> {
    ctx.may(Permission::SeeOrg, account)?;
    let mut conn = app.db.read().await?;
    let row = account::find(&mut conn, account).await?.ok_or(MemberError::Missing("org"))?;
    // An org of one person gives nobody else anything.
    if row.org_kind == "individual" {
        return Ok(Offer::default());
    }
    let teams = account::teams(&mut conn, row.org).await?.into_iter();
    let theirs = |team: &account::Team| ctx.caller.may(Permission::GrantRoles, &Place::Team(account, team.id)).is_ok();
    let whole = Place::Account(account);
    Ok(Offer {
        org: ctx.may(Permission::GrantRoles, account).is_ok(),
        teams: teams.filter(theirs).map(|team| team.name).collect(),
        services: account::services(&mut conn, row.org).await?,
        user_admin: roles::may_give(app, ctx, &whole, CONTROL_PLANE, USER_ADMIN).is_ok(),
        owner: ctx.may(Permission::ManageOwners, account).is_ok(),
        account_admin: ctx.may(Permission::ManageAccountUsers, account).is_ok(),
    })
}
