//! Roles that somebody gives and takes by hand.

use std::collections::BTreeSet;

use cardea_model::id::{AccountId, TeamId};
use cardea_model::name::excerpt;
use cardea_model::rule::{AccountRole, CONTROL_PLANE};
use cardea_model::{Caller, Place, Timestamp};
use cardea_store::account::{self, Account};
use cardea_store::db::{Conn, Tx};
use cardea_store::grant;
use cardea_store::member::{self, Member};
use serde_json::json;

use super::MemberError;
use crate::app::App;
use crate::context::Ctx;
use crate::people::{self, RoleView, Sight};
use crate::roles::{self, Effective, Source};
use crate::{audit, revocation};

/// A role of the org, or of one team of it.
#[derive(Clone, Debug)]
pub struct Role {
    /// The team, by name or id; none for the whole org.
    pub team: Option<String>,
    /// The service; `gateway` for `user_admin`.
    pub service: String,
    /// The role.
    pub role: String,
}

/// Gives a user a role by hand; their roles from now on, as the caller sees them. Who has it already keeps it.
///
/// # Errors
/// [`MemberError`].
pub async fn give(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    user: &str,
    role: &Role,
) -> Result<Vec<RoleView>, MemberError> {
    let mut change = Change::begin(app, ctx, account, user, role).await?;
    let services = account::services(&mut change.tx, change.member.org).await?;
    roles::is_there(app, &services, &role.service, &role.role).map_err(MemberError::UnknownRole)?;
    let row = grant::Role { team_id: &change.team_id(), service: &role.service, role: &role.role };
    let by = match &change.ctx.caller {
        Caller::Person(person) => person.user.to_string(),
        Caller::Nobody | Caller::Directory { .. } | Caller::Client(_) | Caller::Operator(_) | Caller::System(_) => {
            change.ctx.actor()
        }
    };
    let given = grant::add(&mut change.tx, change.member.id, row, &by, change.ctx.now).await?;
    change.finish(app, role, given.then_some("role.given")).await
}

/// Takes a role from a user that was given by hand; their roles from now on, as the caller sees them.
///
/// # Errors
/// [`MemberError`].
pub async fn take(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    user: &str,
    role: &Role,
) -> Result<Vec<RoleView>, MemberError> {
    let mut change = Change::begin(app, ctx, account, user, role).await?;
    let row = grant::Role { team_id: &change.team_id(), service: &role.service, role: &role.role };
    if !grant::remove(&mut change.tx, change.member.id, row).await? {
        return Err(MemberError::Missing("role of this user"));
    }
    change.finish(app, role, Some("role.taken")).await
}

/// A change of somebody's roles that may be made.
struct Change {
    tx: Tx,
    ctx: Ctx,
    account: AccountId,
    member: Member,
    team: Option<TeamId>,
}

impl Change {
    /// Whether the caller may, asked before anything is locked, and again under the locks of the member and the org: so
    /// neither teams nor rules change beside it, and nobody leaves.
    async fn begin(app: &App, ctx: &Ctx, account: AccountId, user: &str, role: &Role) -> Result<Self, MemberError> {
        if role.role == AccountRole::Owner.as_str() && (role.service == CONTROL_PLANE || role.service == "*") {
            return Err(MemberError::Ownership);
        }
        allowed(app, &mut app.db.read().await?, ctx, account, role).await?;
        let (mut tx, ctx, member) = people::locked(app, ctx, account, user).await?;
        account::lock_org(&mut tx, member.org).await?;
        let member = member::find(&mut tx, member.id).await?.ok_or(MemberError::Missing("user"))?;
        let (row, team) = allowed(app, &mut tx, &ctx, account, role).await?;
        changeable(app, &mut tx, &row, &member, ctx.now).await?;
        Ok(Self { tx, ctx, account, member, team })
    }

    fn team_id(&self) -> String {
        self.team.map(|team| team.to_string()).unwrap_or_default()
    }

    /// Without an action nothing has changed.
    async fn finish(mut self, app: &App, role: &Role, action: Option<&str>) -> Result<Vec<RoleView>, MemberError> {
        let (tx, ctx, member) = (&mut self.tx, &self.ctx, &self.member);
        let held = roles::of(app, tx, member, ctx.now).await?;
        let seen = Sight::of(tx, ctx).await?.of_roles(held.roles);
        if let Some(action) = action {
            let detail = json!({"team": role.team, "service": role.service, "role": role.role});
            audit::record(app, tx, ctx, Some(self.account), action, &member.user.to_string(), detail).await?;
            revocation::roles_changed(app, tx, member.id).await?;
        }
        self.tx.commit().await?;
        Ok(seen)
    }
}

/// The account and the team, if the caller may give and take this role there.
async fn allowed(
    app: &App,
    conn: &mut Conn,
    ctx: &Ctx,
    account: AccountId,
    role: &Role,
) -> Result<(Account, Option<TeamId>), MemberError> {
    let row = account::find(conn, account).await?.ok_or(MemberError::Missing("org"))?;
    let team = match &role.team {
        None => None,
        // No name has a NUL, and no database takes one.
        Some(name) if name.contains('\0') => return Err(MemberError::UnknownTeam(excerpt(name))),
        Some(name) => {
            let known = account::team(conn, row.org, name).await?;
            Some(known.ok_or_else(|| MemberError::UnknownTeam(excerpt(name)))?.id)
        }
    };
    let place = team.map_or(Place::Account(account), |team| Place::Team(account, team));
    roles::may_give(app, ctx, &place, &role.service, &role.role)?;
    Ok((row, team))
}

/// Whether this member's roles are given by hand at all.
async fn changeable(
    app: &App,
    conn: &mut Conn,
    row: &Account,
    member: &Member,
    now: Timestamp,
) -> Result<(), MemberError> {
    let held = roles::of(app, conn, member, now).await?;
    match held.source {
        Source::Owner => Err(MemberError::OwnerImmutable),
        _ if row.org_kind == "individual" => Err(MemberError::Individual),
        Source::Left => Err(MemberError::LeftOrg),
        Source::Rules => Err(MemberError::RuleManaged(rules_of(&held))),
        Source::Manual => Ok(()),
    }
}

/// The names of the rules that give somebody's roles.
pub(super) fn rules_of(held: &Effective) -> Vec<String> {
    let reasons = held.roles.iter().flat_map(|role| &role.because).map(|because| because.rule.clone());
    reasons.collect::<BTreeSet<_>>().into_iter().collect()
}
