//! Invitations that are not accepted yet are changed: their roles, their link, their end.

use cardea_model::id::{AccountId, InvitationId};
use cardea_model::name::Email;
use cardea_model::rule::{AccountRole, RuleGrant};
use cardea_model::{Caller, Denied, Permission};
use cardea_store::account::{self, Account};
use cardea_store::db::Tx;
use cardea_store::invitation::{self as rows, Invitation};
use cardea_tokens::format::{Prefix, Secret};
use serde_json::json;

use super::list::reaches;
use super::{
    InvitationError, InvitationView, InvitedAs, Reach, State, fits, given, inviter, may_own, reach, view::view,
    write_to,
};
use crate::app::App;
use crate::context::Ctx;
use crate::{audit, session};

/// A transaction in which a pending invitation is changed: the account is locked, and the one who speaks may.
async fn changing(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    id: InvitationId,
) -> Result<(Tx, Ctx, Account, Invitation), InvitationError> {
    reach(ctx, account)?;
    let (mut tx, ctx) = session::write(app, ctx, None).await?.ok_or(Denied::Unknown)?;
    account::lock(&mut tx, account).await?;
    let org = account::find(&mut tx, account).await?.ok_or(InvitationError::Missing)?;
    let row = rows::find(&mut tx, account, id).await?.ok_or(InvitationError::Missing)?;
    if !reaches(&mut tx, &ctx, &org, &row).await? {
        return Err(InvitationError::Missing);
    }
    if InvitedAs::of(&row) == InvitedAs::Owner {
        ctx.may(Permission::ManageOwners, account)?;
    }
    // Whoever could not ask an admin of the account to come does not ask them again either.
    if InvitedAs::of(&row) == InvitedAs::Member && row.account_role == AccountRole::Admin.as_str() {
        ctx.may(Permission::ManageAccountUsers, account)?;
    }
    match State::of(&row, ctx.now) {
        State::Pending | State::Expired => Ok((tx, ctx, org, row)),
        State::Accepted => Err(InvitationError::Accepted),
        State::Revoked => Err(InvitationError::Revoked),
    }
}

/// Gives an invitation other roles, before it is accepted; `version` is the one that the caller read, none for any.
///
/// # Errors
/// [`InvitationError`].
pub async fn change_roles(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    id: InvitationId,
    (roles, version): (&[RuleGrant], Option<i64>),
) -> Result<InvitationView, InvitationError> {
    let (mut tx, ctx, org, mut row) = changing(app, ctx, account, id).await?;
    if version.is_some_and(|version| version != row.version) {
        return Err(InvitationError::Stale);
    }
    if InvitedAs::of(&row) == InvitedAs::Owner && !roles.is_empty() {
        return Err(InvitationError::OwnerIsAdmin);
    }
    given::check(app, &mut tx, &ctx, &org, roles).await?;
    if reach(&ctx, account)? == Reach::Teams && roles.is_empty() {
        return Err(Denied::Refused.into());
    }
    row.roles = given::written(roles)?;
    row.version = row.version.saturating_add(1);
    // Who promises answers for it: what they may is asked again when it is accepted.
    if matches!(ctx.caller, Caller::Person(_)) {
        row.invited_by = inviter(&ctx);
    }
    rows::put_roles(&mut tx, id, (&row.roles, &row.invited_by)).await?;
    let detail = json!({"roles": roles});
    audit::record(app, &mut tx, &ctx, Some(account), "invitation.changed", &id.to_string(), detail).await?;
    tx.commit().await?;
    view(&row, ctx.now)
}

/// Sends an invitation again, with a new link that is good for as long as the first one was; the old one is dead at once.
///
/// # Errors
/// [`InvitationError`].
pub async fn resend(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    id: InvitationId,
) -> Result<InvitationView, InvitationError> {
    let (mut tx, ctx, org, row) = changing(app, ctx, account, id).await?;
    if InvitedAs::of(&row) == InvitedAs::Owner {
        may_own(app, &mut tx, &ctx, account).await?;
    }
    send_anew(app, tx, &ctx, (&org, row), "invitation.resent").await
}

/// Makes an invitation one to own the org, in the name of the one who speaks: its roles fall away, since an owner has all of
/// them, and a message with a new link says so; the old link is dead at once.
///
/// # Errors
/// [`InvitationError`].
pub async fn to_own(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    id: InvitationId,
) -> Result<InvitationView, InvitationError> {
    let (mut tx, ctx, org, mut row) = changing(app, ctx, account, id).await?;
    may_own(app, &mut tx, &ctx, account).await?;
    row.invited_by = inviter(&ctx);
    row.kind = InvitedAs::Owner.as_str().to_owned();
    rows::make_owner(&mut tx, id, &row.invited_by).await?;
    send_anew(app, tx, &ctx, (&org, row), "invitation.to_own").await
}

/// Ends the transaction with a new link, which is mailed.
async fn send_anew(
    app: &App,
    mut tx: Tx,
    ctx: &Ctx,
    (org, mut row): (&Account, Invitation),
    action: &str,
) -> Result<InvitationView, InvitationError> {
    let email = Email::parse(&row.email).ok_or(InvitationError::Corrupt("address"))?;
    fits(app, &mut tx, ctx, org, (&row, &email)).await?;
    let secret = Secret::generate(Prefix::Link, &*app.random);
    row.expires_at = ctx.now.after(row.validity);
    rows::renew(&mut tx, row.id, &app.peppers.mac(secret.expose()).to_bytes(), row.expires_at).await?;
    write_to(app, &mut tx, ctx, org, (&row, &email), &secret).await?;
    let detail = json!({"expires_at": row.expires_at});
    audit::record(app, &mut tx, ctx, Some(org.id), action, &row.id.to_string(), detail).await?;
    let row = rows::find(&mut tx, org.id, row.id).await?.ok_or(InvitationError::Missing)?;
    tx.commit().await?;
    view(&row, ctx.now)
}

/// Withdraws an invitation; its link is good for nothing any more.
///
/// # Errors
/// [`InvitationError`].
pub async fn revoke(app: &App, ctx: &Ctx, account: AccountId, id: InvitationId) -> Result<(), InvitationError> {
    let (mut tx, ctx, ..) = changing(app, ctx, account, id).await?;
    rows::end(&mut tx, id, "revoked", None, ctx.now).await?;
    audit::record(app, &mut tx, &ctx, Some(account), "invitation.revoked", &id.to_string(), json!({})).await?;
    tx.commit().await?;
    Ok(())
}
