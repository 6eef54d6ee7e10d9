//! An admin takes somebody's password away, for another one to be chosen, or signs them out.

use cardea_model::name::Email;
use cardea_model::numbers::{Cause, What};
use cardea_model::rule::AccountRole;
use cardea_model::{Denied, Permission};
use cardea_store::db::Tx;
use cardea_store::member::{self, Member};
use cardea_store::{account, identity, person};
use serde_json::json;

use super::{Made, Prepared, UserError, Way, is_federated, prepare, provide, view};
use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::mail::{self, Message};
use crate::people;
use crate::revocation::{self, Ended, Ending};
use crate::roles;
use crate::session;

/// Takes the password of a user of the account in which an admin speaks away, and gives them a way to another one. Every
/// session of theirs ends; keys live on.
///
/// # Errors
/// [`UserError`].
pub async fn reset(app: &App, ctx: &Ctx, user: &str, way: Way) -> Result<Made, UserError> {
    let account = session::speaker(ctx)?.account;
    ctx.may(Permission::DeactivateUsers, account)?;
    let prepared = prepare(app, way).await?;
    let (mut tx, ctx, member) = people::locked(app, ctx, account, user).await?;
    ctx.may(Permission::DeactivateUsers, account)?;
    let email = resettable(app, &mut tx, &ctx, &member).await?;
    let row = account::find(&mut tx, account).await?.ok_or(Denied::Hidden)?;
    provide(app, &mut tx, &ctx, (&member, &row, &email), &prepared).await?;
    if let Prepared::Made { .. } = prepared {
        let by = mail::speaker(&mut tx, &ctx).await?;
        let letter = Message::PasswordReset { address: email.shown.clone(), by, at: ctx.now };
        mail::send(app, &mut tx, &ctx, &email, &letter, &format!("password_reset:{}", ctx.request)).await?;
    }
    let detail = json!({"password": prepared.word()});
    audit::record(app, &mut tx, &ctx, Some(account), "password.reset", &member.user.to_string(), detail).await?;
    let listed = person::listed(&mut tx, account, member.user).await?.ok_or(UserError::Missing)?;
    sign_out(app, &mut tx, &ctx, &member, (Cause::PasswordReset, "took the password away")).await?;
    tx.commit().await?;
    Ok(Made { user: view(listed), password: prepared.shown() })
}

/// Ends every session of a user of the account in which an admin speaks; keys live on.
///
/// # Errors
/// [`UserError`].
pub async fn log_out(app: &App, ctx: &Ctx, user: &str) -> Result<Ended, UserError> {
    let account = session::speaker(ctx)?.account;
    ctx.may(Permission::DeactivateUsers, account)?;
    let (mut tx, ctx, member) = people::locked(app, ctx, account, user).await?;
    ctx.may(Permission::DeactivateUsers, account)?;
    within_reach(app, &mut tx, &ctx, &member).await?;
    let ended = sign_out(app, &mut tx, &ctx, &member, (Cause::AdminSignedOut, "signed out by an admin")).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Ends the sessions of a member whom the caller's transaction has locked; its last write but for inserts.
async fn sign_out(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    member: &Member,
    (cause, message): (Cause, &str),
) -> Result<Ended, UserError> {
    let ending = Ending { member: member.id, what: What::Sessions, hold: None, cause, source: "admin", message };
    revocation::end_locked(app, tx, ctx, ending).await?.ok_or(UserError::Missing)
}

/// Nobody touches somebody who may do more than they themselves.
async fn within_reach(app: &App, tx: &mut Tx, ctx: &Ctx, member: &Member) -> Result<(), UserError> {
    if member.owner {
        ctx.may(Permission::ManageOwners, member.account)?;
    }
    if roles::of(app, tx, member, ctx.now).await?.account_role >= AccountRole::Admin {
        ctx.may(Permission::ManageAccountUsers, member.account)?;
    }
    Ok(())
}

/// The address of somebody whose password the caller may take away.
async fn resettable(app: &App, tx: &mut Tx, ctx: &Ctx, member: &Member) -> Result<Email, UserError> {
    within_reach(app, tx, ctx, member).await?;
    // A session left open must not open the account to whoever finds it.
    if session::speaker(ctx)?.user == member.user {
        return Err(UserError::Oneself);
    }
    if member.owner && !session::is_recent(app, tx, ctx).await? {
        return Err(UserError::Reauthenticate);
    }
    let person = person::find(tx, member.user).await?.filter(|person| person.email_trusted);
    let email = person.and_then(|person| person.email).and_then(|text| Email::parse(&text));
    let email = email.ok_or(UserError::Federated)?;
    // An owner's password is what opens the door when no provider does.
    if !member.owner {
        if !identity::shown(tx, member.id).await?.is_empty() {
            return Err(UserError::Federated);
        }
        if is_federated(tx, member.account, &email).await? {
            return Err(UserError::DomainFederated);
        }
    }
    // A password is the person's in every account: no account's admins get into another one by it.
    let memberships = member::all_of_user(tx, member.user).await?;
    if memberships.iter().any(|other| other.id != member.id && other.left_account_at.is_none()) {
        return Err(UserError::OtherAccounts);
    }
    Ok(email)
}
