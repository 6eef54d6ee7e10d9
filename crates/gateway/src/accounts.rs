//! Accounts, owners, operators, and the one-time links by which the first of them get in. Nothing has a default password.

mod error;
mod links;
mod manage;
mod sign_up;

pub use error::AccountError;
use links::add_link;
pub(crate) use links::put_link;
pub use links::{Filled, LinkFor, look_at_link, use_link};
pub use manage::{AccountView, New, change, create, list, show};
pub(crate) use manage::{known, org_name};
pub use sign_up::sign_up;
pub(crate) use sign_up::{is_known, publishes, registered};

use std::collections::BTreeMap;

use cardea_model::entitlement::Entitlement;
use cardea_model::id::{AccountId, MemberId, OperatorId, OrgId, UserId};
use cardea_model::name::{Email, is_label, is_slug};
use cardea_model::{Caller, Permission, Place, ShownOnce};
use cardea_store::account::{self, Account};
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::member::InForce;
use cardea_store::operator::{self, Operator};
use cardea_store::{entitlement, invitation, leaving, link, member, password as passwords, person, setting};
use cardea_tokens::format::{Prefix, Secret, parse};
use serde_json::json;

use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::members::LEFT_ACCOUNT;
use crate::revocation;

/// The domain of directory tokens that an operator supplied.
pub const DIRECTORY_SECRET: &str = "directory";
const FIRST_START: &str = "first_start";
const OWNER: &str = "owner";
/// The row whose lock makes whoever makes accounts queue: two that make the same one have no row of it to lock yet.
const TURN: &str = "declare.turn";

/// The secret of a one-time link, if this instance has no account yet: made at each start until it is used, and only the
/// newest is good.
///
/// # Errors
/// The database's.
pub async fn first_start(app: &App) -> Result<Option<ShownOnce<String>>, AccountError> {
    let ctx = app.ctx(Caller::System("first_start"));
    let mut tx = turn(app).await?;
    if !account::all(&mut tx).await?.is_empty() {
        return Ok(None);
    }
    link::end_all(&mut tx, FIRST_START, ctx.now).await?;
    let secret = add_link(app, &mut tx, &ctx, FIRST_START, None, None).await?;
    tx.commit().await?;
    Ok(Some(secret))
}

/// A transaction beside which no account is made and no document applied.
pub(crate) async fn turn(app: &App) -> Result<Tx, DbError> {
    let mut tx = app.db.write().await?;
    setting::claim(&mut tx, TURN, "").await?;
    Ok(tx)
}

/// The account of this name, for an operator, who knows accounts by their names.
///
/// # Errors
/// [`AccountError`].
pub async fn named(app: &App, ctx: &Ctx, name: &str) -> Result<Account, AccountError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    let row = account::named(&mut app.db.read().await?, name).await?;
    row.ok_or_else(|| AccountError::NoAccount(name.to_owned()))
}

/// The secret of a one-time link that makes its user an owner of this account's org.
///
/// # Errors
/// [`AccountError`].
pub async fn invite_owner(app: &App, ctx: &Ctx, account: &str, email: &str) -> Result<ShownOnce<String>, AccountError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    let email = Email::parse(email).ok_or(AccountError::Email)?;
    let mut tx = app.db.write().await?;
    let row = account::named(&mut tx, account).await?.ok_or_else(|| AccountError::NoAccount(account.to_owned()))?;
    account::lock(&mut tx, row.id).await?;
    only_person(&mut tx, &row, &email).await?;
    owner_fits(app, &mut tx, ctx, row.id, &email).await?;
    let secret = add_link(app, &mut tx, ctx, OWNER, Some(row.id), Some(&email.shown)).await?;
    let detail = json!({"email_domain": email.domain});
    audit::record(app, &mut tx, ctx, Some(row.id), "owner.invited", &row.id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(secret)
}

/// A new account with its org, in the caller's transaction.
pub(crate) async fn add_account(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    name: &str,
    org_name: &str,
    kind: &str,
) -> Result<Account, AccountError> {
    if !is_label(name, 63) || name.chars().any(char::is_whitespace) || !is_slug(org_name) {
        return Err(AccountError::Name);
    }
    let account = Account {
        id: AccountId::new(ctx.now, &*app.random),
        number: account::next_number(tx).await?,
        name: name.to_owned(),
        description: String::new(),
        recovery_email: None,
        org: OrgId::new(ctx.now, &*app.random),
        org_name: org_name.to_owned(),
        org_kind: kind.to_owned(),
        rules: InForce { active: false, generation: 0, settled: 0, version: 1 },
    };
    account::add(tx, &account, ctx.now).await.map_err(|error| error.or_on_conflict(AccountError::NameTaken))?;
    link::end_all(tx, FIRST_START, ctx.now).await?;
    for service in default_services(app, kind) {
        entitlement::put(tx, account.org, &Entitlement::endless(&service)).await?;
    }
    let id = account.id.to_string();
    audit::record(app, tx, ctx, Some(account.id), "account.created", &id, json!({"name": name, "org": org_name}))
        .await?;
    Ok(account)
}

/// The services that a new org of this kind has.
fn default_services(app: &App, kind: &str) -> Vec<String> {
    let on = |service: &cardea_model::catalogue::Service| service.default_on.iter().any(|on| on.as_str() == kind);
    app.catalogue.services().filter(|(_, service)| on(service)).map(|(_, service)| service.name.to_string()).collect()
}

/// Makes the person with this address an owner, in the caller's transaction; a new person if nobody has it.
pub(crate) async fn add_owner(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    account: &Account,
    email: &Email,
    hash: Option<&str>,
) -> Result<MemberId, AccountError> {
    // Members are locked before their account, here as everywhere.
    member::lock_with_email(tx, account.id, &email.normal).await?;
    // The account's row is locked, so that two invitations cannot both become the third owner.
    account::lock(tx, account.id).await?;
    only_person(tx, account, email).await?;
    let others = owner_fits(app, tx, ctx, account.id, email).await?;
    let user = match person::with_email(tx, &email.normal).await? {
        Some(person) => person.id,
        None => {
            let id = UserId::new(ctx.now, &*app.random);
            person::add(tx, id, &email.shown, Some(&email.shown), Some(&email.normal), ctx.now).await?;
            id
        }
    };
    let standing = member::of_user(tx, account.id, user).await?;
    // The account's one owner stays that when they are made an owner of the org again.
    let holds_account = standing.as_ref().is_some_and(|member| member.account_role == "owner");
    let role = if others == 0 || holds_account { "owner" } else { "admin" };
    let member = match standing {
        Some(member) => {
            leaving::rejoin(tx, member.id).await?;
            member.id
        }
        None => {
            let id = MemberId::new(ctx.now, &*app.random);
            member::add(tx, id, account.id, user, role, ctx.now).await?;
            id
        }
    };
    member::make_owner(tx, member, role).await?;
    if let Some(hash) = hash {
        passwords::put(tx, user, hash, ctx.now).await?;
    }
    // Whoever had left the account is in it again.
    if !revocation::give_back(app, tx, ctx, (member, account.id), LEFT_ACCOUNT).await? {
        revocation::roles_changed(app, tx, member).await?;
    }
    audit::record(app, tx, ctx, Some(account.id), "owner.added", &user.to_string(), json!({"account_role": role}))
        .await?;
    Ok(member)
}

/// Refuses whoever would be the second person with rights in an individual org.
pub(crate) async fn only_person(conn: &mut Conn, account: &Account, email: &Email) -> Result<(), AccountError> {
    let is_other = |text: &String| Email::parse(text).is_none_or(|owner| owner.normal != email.normal);
    let is_taken =
        account.org_kind == "individual" && member::owner_emails(conn, account.id).await?.iter().any(is_other);
    if is_taken { Err(AccountError::Individual) } else { Ok(()) }
}

/// How many other owners there are, if one with this address may join them: with those who are invited they must not be too
/// many, and all must have addresses of one domain. The account's row is locked, so that no two join at once.
pub(crate) async fn owner_fits(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    account: AccountId,
    email: &Email,
) -> Result<usize, AccountError> {
    let read = |texts: Vec<String>| texts.into_iter().map(|text| Email::parse(&text));
    let is_other = |other: &Option<Email>| other.as_ref().is_none_or(|other| other.normal != email.normal);
    // An owner without an address takes a place, too.
    let owners: Vec<Option<Email>> = read(member::owner_emails(tx, account).await?).filter(is_other).collect();
    let mut invited = invitation::pending_owners(tx, account, ctx.now).await?;
    invited.extend(link::pending(tx, account, OWNER, ctx.now).await?);
    let invited: BTreeMap<String, Email> =
        read(invited).filter(is_other).flatten().map(|email| (email.normal.clone(), email)).collect();
    let taken = owners.iter().flatten().filter(|owner| invited.contains_key(&owner.normal)).count();
    if owners.len() + invited.len() - taken >= app.settings.org_owners {
        return Err(AccountError::Owners);
    }
    match owners.iter().flatten().chain(invited.values()).find(|other| other.domain != email.domain) {
        Some(other) => Err(AccountError::OwnerDomain(other.domain.clone())),
        None => Ok(owners.len()),
    }
}

/// A new operator's token, shown once.
///
/// # Errors
/// [`AccountError`].
pub async fn create_operator(app: &App, ctx: &Ctx, name: &str) -> Result<ShownOnce<String>, AccountError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    if !is_label(name, 63) {
        return Err(AccountError::Name);
    }
    let secret = Secret::generate(Prefix::Operator, &*app.random);
    let mut tx = app.db.write().await?;
    put_operator(app, &mut tx, ctx, name, secret.expose()).await?;
    tx.commit().await?;
    Ok(ShownOnce::new(secret.expose().to_owned()))
}

/// Gives the operator of this name this token, in the caller's transaction.
pub(crate) async fn put_operator(app: &App, tx: &mut Tx, ctx: &Ctx, name: &str, token: &str) -> Result<(), DbError> {
    let row = Operator { id: OperatorId::new(ctx.now, &*app.random), name: name.to_owned() };
    operator::put(tx, &row, &app.peppers.mac(token).to_bytes(), ctx.now).await?;
    audit::record(app, tx, ctx, None, "operator.created", name, json!({})).await
}

/// The operator whose token this is.
///
/// # Errors
/// The database's.
pub async fn operator(app: &App, token: &str) -> Result<Caller, DbError> {
    if !parse(token).is_ok_and(|parsed| parsed.prefix == Prefix::Operator) {
        return Ok(Caller::Nobody);
    }
    let mut conn = app.db.read().await?;
    for mac in app.peppers.macs(token) {
        if let Some(row) = operator::of_token(&mut conn, &mac.to_bytes()).await? {
            return Ok(Caller::Operator(row.id));
        }
    }
    Ok(Caller::Nobody)
}
