//! Who owns an org, and how an owner goes. How one comes: [`crate::invitations`].
//!
//! Only another owner removes an owner, after a recent sign-in of their own. Whoever goes stays a member without roles;
//! the last one does not go, and the account's one owner only when another owner takes the account.

use cardea_model::id::{AccountId, MemberId, UserId};
use cardea_model::name::Email;
use cardea_model::{Caller, Denied, Fault, Kind, Permission};
use cardea_store::account;
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::member::{self, Owner};
use cardea_store::{grant, invitation};
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::context::Ctx;
use crate::mail::{self, Message};
use crate::{audit, revocation, rules, session};

/// Why an owner was not removed.
#[derive(Debug, thiserror::Error)]
pub enum OwnerError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Nobody like that owns the org (404).
    #[error("there is no such owner")]
    Missing,
    /// An org is never without an owner (409).
    #[error("the last owner of an org stays; invite another owner first")]
    Last,
    /// Owners are removed by others (409).
    #[error("another owner removes you; nobody removes themselves")]
    Yourself,
    /// The account's one owner goes, and nobody takes the account (409).
    #[error("they own the account; name the owner of the org who takes it as `account_owner`")]
    AccountOwner,
    /// Somebody is to take an account that keeps its owner, or is no remaining owner of the org (422).
    #[error("`account_owner` is another remaining owner of the org, and is named only when the account's owner goes")]
    NotHeir,
    /// The sign-in is not recent enough (403).
    #[error("sign in again to remove an owner: it asks for a sign-in of the last 15 minutes")]
    Reauthenticate,
    /// The database did not do it.
    #[error("the database did not answer")]
    Database(#[source] DbError),
}

impl From<DbError> for OwnerError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl Fault for OwnerError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::Missing => Kind::Missing,
            Self::Last | Self::Yourself | Self::AccountOwner => Kind::Conflict,
            Self::NotHeir => Kind::Unprocessable,
            Self::Reauthenticate => Kind::Refused,
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Missing => "not_found",
            Self::Last => "last_owner",
            Self::Yourself => "own_ownership",
            Self::AccountOwner => "account_owner_required",
            Self::NotHeir => "invalid_account_owner",
            Self::Reauthenticate => "reauthentication_required",
            Self::Database(error) => error.code(),
        }
    }
}

/// The owners of an org.
#[derive(Clone, Debug, Serialize)]
pub struct Owners {
    /// Who they are, the oldest first.
    pub items: Vec<OwnerView>,
    /// Who is invited and can still accept.
    pub invited: Vec<String>,
    /// How many there may be, with those who are invited.
    pub most: usize,
}

/// An owner as others of the org see them.
#[derive(Clone, Debug, Serialize)]
pub struct OwnerView {
    /// The user.
    pub id: UserId,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: Option<String>,
    /// `owner` or `admin` of the account.
    pub account_role: String,
    /// Whether nothing holds them.
    pub active: bool,
}

/// The owners of an org.
///
/// # Errors
/// [`OwnerError`].
pub async fn list(app: &App, ctx: &Ctx, account: AccountId) -> Result<Owners, OwnerError> {
    ctx.may(Permission::SeeUsers, account)?;
    let mut conn = app.db.read().await?;
    let items = member::owners(&mut conn, account).await?.into_iter().map(|owner| OwnerView {
        id: owner.user,
        name: owner.name,
        email: owner.email,
        account_role: owner.account_role,
        active: !owner.held,
    });
    let invited = invitation::pending_owners(&mut conn, account, ctx.now).await?;
    Ok(Owners { items: items.collect(), invited, most: app.settings.org_owners })
}

/// Removes an owner, by id or address. `heir`, by id or address, takes the account, if the one who goes owns it.
///
/// # Errors
/// [`OwnerError`]; then nothing has changed.
pub async fn remove(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    user: &str,
    heir: Option<&str>,
) -> Result<(), OwnerError> {
    ctx.may(Permission::ManageOwners, account)?;
    let (owner, heir) = find(&mut app.db.read().await?, account, user, heir).await?;
    let about: Vec<MemberId> = heir.iter().chain([&owner]).map(|owner| owner.member).collect();
    let (mut tx, ctx) = session::write_about(app, ctx, &about).await?.ok_or(Denied::Unknown)?;
    ctx.may(Permission::ManageOwners, account)?;
    account::lock(&mut tx, account).await?;
    if !session::is_recent(app, &mut tx, &ctx).await? {
        return Err(OwnerError::Reauthenticate);
    }
    let owners = member::owners(&mut tx, account).await?;
    let still = |known: &Owner| owners.iter().find(|owner| owner.member == known.member).cloned();
    let owner = still(&owner).ok_or(OwnerError::Missing)?;
    if owners.len() < 2 {
        return Err(OwnerError::Last);
    }
    if matches!(&ctx.caller, Caller::Person(speaker) if speaker.member == owner.member) {
        return Err(OwnerError::Yourself);
    }
    let heir = match (owner.account_role == "owner", heir) {
        (true, None) => return Err(OwnerError::AccountOwner),
        (false, None) => None,
        (true, Some(heir)) if heir.member != owner.member => Some(still(&heir).ok_or(OwnerError::NotHeir)?),
        (_, Some(_)) => return Err(OwnerError::NotHeir),
    };
    if let Some(member) = member::find(&mut tx, owner.member).await? {
        rules::keep(app, &mut tx, member).await?;
    }
    member::end_ownership(&mut tx, owner.member).await?;
    grant::remove_all(&mut tx, owner.member).await?;
    if let Some(heir) = &heir {
        member::make_owner(&mut tx, heir.member, "owner").await?;
    }
    tell(app, &mut tx, &ctx, account, (&owner, &owners)).await?;
    let detail = json!({"account_owner": heir.as_ref().map(|heir| heir.user)});
    audit::record(app, &mut tx, &ctx, Some(account), "owner.removed", &owner.user.to_string(), detail).await?;
    for changed in heir.iter().chain([&owner]) {
        revocation::roles_changed(app, &mut tx, changed.member).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The owner who goes and the one who takes the account.
async fn find(
    conn: &mut Conn,
    account: AccountId,
    user: &str,
    heir: Option<&str>,
) -> Result<(Owner, Option<Owner>), OwnerError> {
    let owners = member::owners(conn, account).await?;
    let named = |text: &str| {
        let (id, email) = (text.parse::<UserId>().ok(), Email::parse(text));
        let is = |owner: &&Owner| {
            let known = owner.email.as_deref().and_then(Email::parse);
            id == Some(owner.user)
                || email.is_some()
                    && known.map(|known| known.normal) == email.as_ref().map(|email| email.normal.clone())
        };
        owners.iter().find(is).cloned()
    };
    let heir = heir.map(|text| named(text).ok_or(OwnerError::NotHeir)).transpose();
    Ok((named(user).ok_or(OwnerError::Missing)?, heir?))
}

/// Tells the owners who remain and may act.
async fn tell(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    account: AccountId,
    (gone, owners): (&Owner, &[Owner]),
) -> Result<(), DbError> {
    let Some(org) = account::find(tx, account).await? else { return Ok(()) };
    let removed = mail::called(&gone.name, gone.email.as_deref());
    let message = Message::OwnerRemoved { org: org.org_name, removed, by: mail::speaker(tx, ctx).await?, at: ctx.now };
    let remaining = owners.iter().filter(|owner| owner.member != gone.member && !owner.held);
    for reader in remaining.filter_map(|owner| Email::parse(owner.email.as_deref()?)) {
        let key = format!("owner_removed:{}:{}", ctx.request, reader.normal);
        mail::send(app, tx, ctx, &reader, &message, &key).await?;
    }
    Ok(())
}
