//! Invitations as those see them who may.

use cardea_model::id::{AccountId, InvitationId};
use cardea_model::rule::{AccountRole, RuleGrant};
use cardea_model::{Permission, Place};
use cardea_store::account::{self, Account};
use cardea_store::db::Conn;
use cardea_store::invitation::{self as rows, Invitation};

use super::{InvitationError, InvitationView, Reach, State, given, reach, view::view};
use crate::app::App;
use crate::context::Ctx;

/// The invitations of an account that stand so, newest first, from the one before `before` on. Whoever manages the users of
/// teams sees those into their teams. With the last one that was looked at, if there may be more.
///
/// # Errors
/// [`InvitationError`].
pub async fn list(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    (before, state): (&str, Option<State>),
    limit: i64,
) -> Result<(Vec<InvitationView>, Option<InvitationId>), InvitationError> {
    reach(ctx, account)?;
    let mut conn = app.db.read().await?;
    let org = account::find(&mut conn, account).await?.ok_or(InvitationError::Missing)?;
    // Every id sorts before this one, in any collation; and nothing stored has a NUL.
    let all = before.is_empty() || before.contains('\0');
    let before = if all { "inv_ffffffffffffffffffffffffffffffff" } else { before };
    let standing = state.map(|state| state.stored(ctx.now)).unwrap_or_default();
    let mut list = Vec::new();
    let page = rows::page(&mut conn, account, before, standing, limit).await?;
    let full = i64::try_from(page.len()).is_ok_and(|count| count == limit);
    let last = page.last().filter(|_| full).map(|row| row.id);
    for row in page {
        if reaches(&mut conn, ctx, &org, &row).await? {
            list.push(view(&row, ctx.now)?);
        }
    }
    Ok((list, last))
}

/// One invitation.
///
/// # Errors
/// [`InvitationError`].
pub async fn show(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    id: InvitationId,
) -> Result<InvitationView, InvitationError> {
    reach(ctx, account)?;
    let mut conn = app.db.read().await?;
    let org = account::find(&mut conn, account).await?.ok_or(InvitationError::Missing)?;
    let row = rows::find(&mut conn, account, id).await?.ok_or(InvitationError::Missing)?;
    if reaches(&mut conn, ctx, &org, &row).await? { view(&row, ctx.now) } else { Err(InvitationError::Missing) }
}

/// Whether the one who speaks may see and change this invitation.
pub(super) async fn reaches(
    conn: &mut Conn,
    ctx: &Ctx,
    org: &Account,
    row: &Invitation,
) -> Result<bool, InvitationError> {
    if reach(ctx, org.id)? == Reach::Org {
        return Ok(true);
    }
    let (roles, teams) = (given::read(row)?, account::teams(conn, org.org).await?);
    let within = |role: &RuleGrant| {
        let team = teams.iter().find(|team| role.team.as_ref() == Some(&team.name));
        let is_theirs =
            |team: &account::Team| ctx.caller.may(Permission::InviteUsers, &Place::Team(org.id, team.id)).is_ok();
        !given::is_user_admin(role) && team.is_some_and(is_theirs)
    };
    let is_plain = row.account_role == AccountRole::Member.as_str();
    Ok(is_plain && !roles.is_empty() && roles.iter().all(within))
}
