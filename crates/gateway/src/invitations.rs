//! How people are asked to come into an account and its org, and how they come.
//!
//! ```text
//! create ─► pending ─accept─► accepted        roles can be changed until then
//!             │  ▲ ├─to_own─► pending, to own the org, under a new link
//!             │  ▲ └─revoke─► revoked
//!       time ─▼  │
//!           expired ─resend─► pending         a new link, good for as long as the first; the old one is dead at once
//! ```
//! Everything that changes an invitation holds the lock of the account's row: nobody becomes the fourth owner, and of two
//! who use a link one comes too late.

mod accept;
mod change;
pub(crate) mod declared;
mod error;
mod given;
mod list;
mod view;

pub use accept::{Accepted, Dropped, Look, Way, accept, look};
pub use change::{change_roles, resend, revoke, to_own};
pub use error::InvitationError;
pub use list::{list, show};
pub use view::{InvitationView, Invited, InvitedAs, State, Wanted, Warning};

use std::collections::BTreeSet;

use cardea_model::id::{AccountId, InvitationId};
use cardea_model::key::Span;
use cardea_model::name::Email;
use cardea_model::rule::AccountRole;
use cardea_model::{Caller, Denied, Permission, Place};
use cardea_store::account::{self, Account};
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::invitation::{self as rows, Invitation};
use cardea_store::{connection, member, person};
use cardea_tokens::format::{Prefix, Secret};
use serde_json::json;

use crate::app::App;
use crate::context::Ctx;
use crate::mail::{self, Message};
use crate::{accounts, audit, session};
use view::view;

/// The longest text that an inviter can write, in bytes.
const LONGEST_MESSAGE: usize = 4000;

/// How far somebody's invitations reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Whoever the org is to know.
    Org,
    /// Members of the account, into the teams whose users the inviter manages.
    Teams,
}

fn reach(ctx: &Ctx, account: AccountId) -> Result<Reach, Denied> {
    let teams = if let Caller::Person(person) = &ctx.caller { person.teams.as_ref() } else { &[] };
    let in_team = |team: &_| ctx.caller.may(Permission::InviteUsers, &Place::Team(account, *team)).is_ok();
    match ctx.may(Permission::InviteUsers, account) {
        Ok(()) => Ok(Reach::Org),
        Err(Denied::Refused) if teams.iter().any(in_team) => Ok(Reach::Teams),
        Err(denied) => Err(denied),
    }
}

/// Asks somebody to come. They get a message with a link; nobody else learns its secret.
///
/// # Errors
/// [`InvitationError`].
pub async fn create(app: &App, ctx: &Ctx, account: AccountId, wanted: Wanted) -> Result<Invited, InvitationError> {
    reach(ctx, account)?;
    let (mut tx, ctx) = session::write(app, ctx, None).await?.ok_or(Denied::Unknown)?;
    account::lock(&mut tx, account).await?;
    let org = account::find(&mut tx, account).await?.ok_or(InvitationError::Missing)?;
    let secret = Secret::generate(Prefix::Link, &*app.random);
    let (row, email) = new(app, &ctx, &org, &wanted)?;
    authorise(app, &mut tx, &ctx, (&org, &email), &wanted).await?;
    fits(app, &mut tx, &ctx, &org, (&row, &email)).await?;
    if let Some(standing) = rows::pending(&mut tx, account, &email.normal).await? {
        if State::of(&standing, ctx.now) == State::Pending {
            return Err(InvitationError::Pending);
        }
        rows::end(&mut tx, standing.id, "revoked", None, ctx.now).await?;
    }
    rows::add(&mut tx, &row, &app.peppers.mac(secret.expose()).to_bytes()).await?;
    write_to(app, &mut tx, &ctx, &org, (&row, &email), &secret).await?;
    let detail = json!({"kind": row.kind, "email_domain": email.domain, "account_role": row.account_role,
        "roles": wanted.roles, "expires_at": row.expires_at});
    audit::record(app, &mut tx, &ctx, Some(account), "invitation.created", &row.id.to_string(), detail).await?;
    let warnings = warnings(&mut tx, account, &email).await?;
    let row = rows::find(&mut tx, account, row.id).await?.ok_or(InvitationError::Missing)?;
    tx.commit().await?;
    Ok(Invited { invitation: view(&row, ctx.now)?, warnings })
}

/// The invitation that is asked for, if it can be at all.
fn new(app: &App, ctx: &Ctx, org: &Account, wanted: &Wanted) -> Result<(Invitation, Email), InvitationError> {
    if org.org_kind == "individual" {
        return Err(InvitationError::Individual);
    }
    let email = Email::parse(&wanted.email).ok_or(InvitationError::Email)?;
    let validity = wanted.valid_for.map_or(app.settings.link_life, Span::duration);
    let (least, most) = (app.settings.invitation_min, app.settings.invitation_max);
    if !(least..=most).contains(&validity) {
        let span = |bound: std::time::Duration| Span::from_seconds(bound.as_secs());
        return Err(InvitationError::Validity(span(least), span(most)));
    }
    let message = wanted.message.as_deref().map(str::trim).unwrap_or_default();
    if !mail::is_text(message, LONGEST_MESSAGE) {
        return Err(InvitationError::Message(LONGEST_MESSAGE));
    }
    let row = Invitation {
        id: InvitationId::new(ctx.now, &*app.random),
        account: org.id,
        kind: wanted.invited_as.as_str().to_owned(),
        email: email.shown.clone(),
        email_normal: email.normal.clone(),
        account_role: wanted.account_role.as_str().to_owned(),
        roles: given::written(&wanted.roles)?,
        message: message.to_owned(),
        validity,
        state: "pending".to_owned(),
        invited_by: inviter(ctx),
        inviter: String::new(),
        created_at: ctx.now,
        expires_at: ctx.now.after(validity),
        ended_at: None,
        member: None,
        version: 1,
    };
    Ok((row, email))
}

/// In whose name.
fn inviter(ctx: &Ctx) -> String {
    if let Caller::Person(person) = &ctx.caller { person.user.to_string() } else { ctx.actor() }
}

/// Whether the one who speaks may invite this one to this.
async fn authorise(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    (org, email): (&Account, &Email),
    wanted: &Wanted,
) -> Result<(), InvitationError> {
    let account = org.id;
    let reach = reach(ctx, account)?;
    match (wanted.invited_as, wanted.account_role) {
        (_, AccountRole::Owner) => return Err(InvitationError::AccountOwner),
        (InvitedAs::Owner, _) => {
            may_own(app, tx, ctx, account).await?;
            if wanted.account_role != AccountRole::Admin || !wanted.roles.is_empty() {
                return Err(InvitationError::OwnerIsAdmin);
            }
        }
        (InvitedAs::Member, AccountRole::Admin) => ctx.may(Permission::ManageAccountUsers, account)?,
        (InvitedAs::Member, AccountRole::Member) => {}
    }
    given::check(app, tx, ctx, org, &wanted.roles).await?;
    if reach == Reach::Teams {
        let known = standing(tx, account, &email.normal).await?.filter(|member| !member.numbers.held);
        if known.is_none() || wanted.roles.is_empty() {
            return Err(Denied::Refused.into());
        }
    }
    Ok(())
}

/// Whether the one who speaks may make owners, and has just signed in.
async fn may_own(app: &App, conn: &mut Conn, ctx: &Ctx, account: AccountId) -> Result<(), InvitationError> {
    ctx.may(Permission::ManageOwners, account)?;
    if !session::is_recent(app, conn, ctx).await? {
        return Err(InvitationError::Reauthenticate);
    }
    Ok(())
}

/// The member whose proven address this is.
async fn standing(conn: &mut Conn, account: AccountId, normal: &str) -> Result<Option<member::Member>, DbError> {
    match person::with_email(conn, normal).await? {
        Some(person) => member::of_user(conn, account, person.id).await,
        None => Ok(None),
    }
}

/// Whether this one can still come so.
async fn fits(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    org: &Account,
    (row, email): (&Invitation, &Email),
) -> Result<(), InvitationError> {
    let known = standing(tx, org.id, &email.normal).await?.filter(|member| member.left_org_at.is_none());
    match (InvitedAs::of(row), known) {
        (InvitedAs::Member, Some(_)) => Err(InvitationError::AlreadyMember),
        (InvitedAs::Owner, Some(member)) if member.owner => Err(InvitationError::AlreadyMember),
        (InvitedAs::Owner, _) => {
            accounts::owner_fits(app, tx, ctx, org.id, email).await?;
            Ok(())
        }
        (InvitedAs::Member, None) => Ok(()),
    }
}

/// An address of a domain that is neither an owner's nor a connection's is unusual, and often a slip of the pen.
async fn warnings(conn: &mut Conn, account: AccountId, email: &Email) -> Result<Vec<Warning>, DbError> {
    let owners = member::owner_emails(conn, account).await?;
    let mut known: BTreeSet<String> =
        owners.iter().filter_map(|text| Email::parse(text)).map(|email| email.domain).collect();
    for row in connection::of_account(conn, account).await? {
        known.extend(connection::domains(conn, row.id).await?);
    }
    if known.contains(&email.domain) {
        return Ok(Vec::new());
    }
    let detail = format!(
        "`{}` is no domain of this account; who comes from outside belongs into an external group",
        email.domain
    );
    Ok(vec![Warning { code: "foreign_domain", detail }])
}

/// Writes the message with the link.
async fn write_to(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    org: &Account,
    (row, email): (&Invitation, &Email),
    secret: &Secret,
) -> Result<(), DbError> {
    let inviter = mail::speaker(tx, ctx).await?;
    let text = (!row.message.is_empty()).then(|| row.message.clone());
    let link = format!("{}/invitations/{}", app.settings.public_url, secret.expose());
    let (org_name, expires_at) = (org.org_name.clone(), row.expires_at);
    let message = match InvitedAs::of(row) {
        InvitedAs::Owner => Message::OwnerInvitation { org: org_name, inviter, text, link, expires_at },
        InvitedAs::Member => Message::AccountInvitation {
            account: org.name.clone(),
            org: org_name,
            inviter,
            role: if row.account_role == "admin" { "administrator" } else { "member" }.to_owned(),
            text,
            link,
            expires_at,
        },
    };
    mail::send(app, tx, ctx, email, &message, &format!("invitation:{}:{}", row.id, ctx.request)).await
}
