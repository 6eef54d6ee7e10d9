//! Leaving the org or the account, and coming back.

use cardea_model::id::AccountId;
use cardea_model::name::Email;
use cardea_model::numbers::{Cause, HoldKind, What};
use cardea_model::rule::AccountRole;
use cardea_model::{Caller, Denied, Permission};
use cardea_store::account;
use cardea_store::db::{DbError, Tx};
use cardea_store::member::{self, Member};
use cardea_store::{grant, leaving, person};
use serde_json::json;

use super::MemberError;
use super::tenants::{TenantView, shown};
use crate::app::App;
use crate::context::Ctx;
use crate::mail::{self, Message, Removed};
use crate::people::{self, UserDetail};
use crate::revocation::{self, Ended, Ending};
use crate::{audit, rules, session};

/// The source of the hold on whoever left the account; adding them again lifts it, and nothing else does.
pub const LEFT_ACCOUNT: &str = "account";

/// Removes a user from the org: they lose every role there, their sessions and keys end, and they stay in the account.
/// An owner is removed by another owner only.
///
/// # Errors
/// [`MemberError`].
pub async fn remove(app: &App, ctx: &Ctx, account: AccountId, user: &str) -> Result<Ended, MemberError> {
    ctx.may(Permission::RemoveUsers, account)?;
    let (mut tx, ctx, member) = people::locked(app, ctx, account, user).await?;
    ctx.may(Permission::RemoveUsers, account)?;
    if member.owner {
        ctx.may(Permission::ManageOwners, account)?;
        resign(app, &mut tx, &ctx, &member).await?;
    }
    if !leaving::leave_org(&mut tx, member.id, ctx.now).await? {
        return Err(MemberError::LeftOrg);
    }
    let departure = Departure { from: Removed::Org, cause: Cause::RemovedFromOrg, source: "admin" };
    depart(app, tx, &ctx, &member, departure).await
}

/// Lets the person who speaks leave the org; the last owner cannot.
///
/// # Errors
/// [`MemberError`].
pub async fn leave(app: &App, ctx: &Ctx) -> Result<Ended, MemberError> {
    let Caller::Person(person) = &ctx.caller else { return Err(Denied::Refused.into()) };
    ctx.may(Permission::Leave, person.account)?;
    let (mut tx, ctx) = session::write(app, ctx, None).await?.ok_or(Denied::Unknown)?;
    let member = member::find(&mut tx, person.member).await?.ok_or(MemberError::Corrupt("member"))?;
    let member = rules::keep(app, &mut tx, member).await?;
    if member.owner {
        resign(app, &mut tx, &ctx, &member).await?;
    }
    if !leaving::leave_org(&mut tx, member.id, ctx.now).await? {
        return Err(MemberError::LeftOrg);
    }
    let departure = Departure { from: Removed::Org, cause: Cause::LeftOrg, source: "self" };
    depart(app, tx, &ctx, &member, departure).await
}

/// Removes a user from the account, and so from the org and every service: besides, they are held until somebody adds them
/// again. Owners are out of reach.
///
/// # Errors
/// [`MemberError`].
pub async fn remove_from_account(app: &App, ctx: &Ctx, account: AccountId, user: &str) -> Result<Ended, MemberError> {
    ctx.may(Permission::ManageAccountUsers, account)?;
    let (mut tx, ctx, member) = people::locked(app, ctx, account, user).await?;
    ctx.may(Permission::ManageAccountUsers, account)?;
    if member.account_role == AccountRole::Owner.as_str() {
        return Err(MemberError::AccountOwner);
    }
    if member.owner {
        return Err(MemberError::OwnerImmutable);
    }
    if !leaving::leave_account(&mut tx, member.id, ctx.now).await? {
        return Err(MemberError::LeftAccount);
    }
    let departure = Departure { from: Removed::Account, cause: Cause::RemovedFromAccount, source: LEFT_ACCOUNT };
    depart(app, tx, &ctx, &member, departure).await
}

/// Whether an owner can go: whoever says so has just signed in, another one stays, and the account keeps its owner. The others hear of it.
async fn resign(app: &App, tx: &mut Tx, ctx: &Ctx, member: &Member) -> Result<(), MemberError> {
    // Two owners who go at once, by whichever way, must not each count on the other.
    account::lock(tx, member.account).await?;
    if !session::is_recent(app, tx, ctx).await? {
        return Err(MemberError::Reauthenticate);
    }
    if member::owners(tx, member.account).await?.len() < 2 {
        return Err(MemberError::LastOwner);
    }
    if member.account_role == AccountRole::Owner.as_str() {
        return Err(MemberError::AccountOwner);
    }
    let by = speaker(tx, ctx).await?;
    Ok(mail::owners::removed(app, tx, ctx, (member.id, member.account), &by).await?)
}

/// How somebody goes.
struct Departure {
    from: Removed,
    cause: Cause,
    source: &'static str,
}

impl Departure {
    fn words(&self) -> (&'static str, &'static str) {
        match (self.cause == Cause::LeftOrg, self.from) {
            (true, _) => ("user.left_org", "left the org"),
            (false, Removed::Org) => ("user.removed_from_org", "removed from the org"),
            (false, Removed::Account) => ("user.removed_from_account", "removed from the account"),
        }
    }
}

/// Takes everything from whoever was noted to have left, in the transaction that locked them.
async fn depart(app: &App, mut tx: Tx, ctx: &Ctx, member: &Member, departure: Departure) -> Result<Ended, MemberError> {
    let (action, message) = departure.words();
    let roles = grant::remove_all(&mut tx, member.id).await?;
    if departure.cause != Cause::LeftOrg {
        tell(app, &mut tx, ctx, member, departure.from).await?;
    }
    let detail = json!({"roles_by_hand": roles, "owner": member.owner});
    audit::record(app, &mut tx, ctx, Some(member.account), action, &member.user.to_string(), detail).await?;
    let ending = Ending {
        member: member.id,
        what: What::All,
        hold: (departure.from == Removed::Account).then_some(HoldKind::Disabled),
        cause: departure.cause,
        source: departure.source,
        message,
    };
    let ended = revocation::end_locked(app, &mut tx, ctx, ending).await?.ok_or(MemberError::Missing("user"))?;
    tx.commit().await?;
    Ok(ended)
}

/// Writes to the person, if their address is known to be theirs.
async fn tell(app: &App, tx: &mut Tx, ctx: &Ctx, member: &Member, scope: Removed) -> Result<(), MemberError> {
    let Some(gone) = person::find(tx, member.user).await?.filter(|person| person.email_trusted) else { return Ok(()) };
    let Some(email) = gone.email.as_deref().and_then(Email::parse) else { return Ok(()) };
    let row = account::find(tx, member.account).await?.ok_or(MemberError::Missing("org"))?;
    let by = speaker(tx, ctx).await?;
    let message = Message::AccessRemoved { org: row.org_name, by, scope, at: ctx.now };
    mail::send(app, tx, ctx, &email, &message, &format!("access_removed:{}", ctx.request)).await?;
    Ok(())
}

/// Who speaks, for people to read.
async fn speaker(tx: &mut Tx, ctx: &Ctx) -> Result<String, DbError> {
    let Caller::Person(speaker) = &ctx.caller else { return Ok("an operator of this instance".to_owned()) };
    let person = person::find(tx, speaker.user).await?;
    Ok(person.map_or_else(|| "an administrator".to_owned(), |person| person.email.unwrap_or(person.name)))
}

/// Puts a user of the account who had left back into the org, and into the account if they had left that. What ended stays
/// dead, and roles by hand are given anew.
///
/// # Errors
/// [`MemberError`].
pub async fn add(app: &App, ctx: &Ctx, account: AccountId, user: &str) -> Result<UserDetail, MemberError> {
    ctx.may(Permission::InviteUsers, account)?;
    let (mut tx, ctx, member) = people::locked(app, ctx, account, user).await?;
    ctx.may(Permission::InviteUsers, account)?;
    let row = account::find(&mut tx, account).await?.ok_or(MemberError::Missing("org"))?;
    if row.org_kind == "individual" {
        return Err(MemberError::Individual);
    }
    if !leaving::come_back(&mut tx, member.id).await? {
        return Err(MemberError::InOrg);
    }
    let target = member.user.to_string();
    let detail = json!({"had_left_account": member.left_account_at.is_some()});
    audit::record(app, &mut tx, &ctx, Some(account), "user.added_to_org", &target, detail).await?;
    if !revocation::give_back(app, &mut tx, &ctx, (member.id, account), LEFT_ACCOUNT).await? {
        revocation::roles_changed(app, &mut tx, member.id).await?;
    }
    tx.commit().await?;
    Ok(people::show(app, &ctx, account, &target).await?)
}

/// Lets a user who had left the account into it again, and into nothing in the org.
///
/// # Errors
/// [`MemberError`].
pub async fn readmit(app: &App, ctx: &Ctx, account: AccountId, user: &str) -> Result<TenantView, MemberError> {
    ctx.may(Permission::ManageAccountUsers, account)?;
    let (mut tx, ctx, member) = people::locked(app, ctx, account, user).await?;
    ctx.may(Permission::ManageAccountUsers, account)?;
    if !leaving::come_back_to_account(&mut tx, member.id).await? {
        return Err(MemberError::InAccount);
    }
    let target = member.user.to_string();
    audit::record(app, &mut tx, &ctx, Some(account), "user.added_to_account", &target, json!({})).await?;
    revocation::give_back(app, &mut tx, &ctx, (member.id, account), LEFT_ACCOUNT).await?;
    tx.commit().await?;
    shown(app, &ctx, account, member.user).await
}
