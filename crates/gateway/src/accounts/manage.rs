//! Accounts as an operator manages them: made, listed, described. Whatever happens inside an account is its own people's.

use cardea_model::catalogue::OrgKind;
use cardea_model::id::{AccountId, OrgId};
use cardea_model::name::{Email, is_slug};
use cardea_model::{Permission, Place};
use cardea_store::account::{self, Account};
use cardea_store::db::Conn;
use cardea_store::member;
use serde::Serialize;
use serde_json::json;

use super::{AccountError, add_account, turn};
use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::session;

/// The longest description in bytes.
const LONGEST: usize = 1_000;

/// An account with its org, one to one.
#[derive(Clone, Debug, Serialize)]
pub struct AccountView {
    /// The account.
    pub id: AccountId,
    /// The number that account and org share.
    pub number: i64,
    /// Unique in the instance.
    pub name: String,
    /// For people.
    pub description: String,
    /// Where recovery mail goes.
    pub recovery_email: Option<String>,
    /// The org.
    pub org_id: OrgId,
    /// The org's name, unique in the instance.
    pub org: String,
    /// `individual` or `enterprise`.
    pub kind: String,
}

impl From<Account> for AccountView {
    fn from(row: Account) -> Self {
        Self {
            id: row.id,
            number: row.number,
            name: row.name,
            description: row.description,
            recovery_email: row.recovery_email,
            org_id: row.org,
            org: row.org_name,
            kind: row.org_kind,
        }
    }
}

/// What a new account shall be.
#[derive(Clone, Debug)]
pub struct New {
    /// Its name, without spaces.
    pub name: String,
    /// The name of its org; the account's in lower case, if left out.
    pub org: Option<String>,
    /// Whether others than its owner can have rights in it.
    pub kind: OrgKind,
}

/// At the most `limit` accounts after the one with the id `after`, in the order in which they were made.
///
/// # Errors
/// Refusals and the database's.
pub async fn list(app: &App, ctx: &Ctx, after: &str, limit: i64) -> Result<Vec<AccountView>, AccountError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    // Nothing stored has a NUL, and no database takes one.
    if after.contains('\0') {
        return Ok(Vec::new());
    }
    let rows = account::page(&mut app.db.read().await?, after, limit).await?;
    Ok(rows.into_iter().map(AccountView::from).collect())
}

/// A new account with its org. Nobody is in it: its owner is invited.
///
/// # Errors
/// [`AccountError`].
pub async fn create(app: &App, ctx: &Ctx, new: New) -> Result<AccountView, AccountError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    let org = new.org.map_or_else(|| org_name(&new.name), Ok)?;
    let mut tx = turn(app).await?;
    let row = add_account(app, &mut tx, ctx, &new.name, &org, new.kind.as_str()).await?;
    tx.commit().await?;
    Ok(row.into())
}

/// What the org of an account is called if nobody says otherwise.
pub(crate) fn org_name(account: &str) -> Result<String, AccountError> {
    Some(account.to_lowercase()).filter(|name| is_slug(name)).ok_or(AccountError::Name)
}

/// The account of this name or id.
pub(crate) async fn known(conn: &mut Conn, name_or_id: &str) -> Result<Account, AccountError> {
    let found = match name_or_id.parse() {
        // No name has a NUL, and no database takes one.
        Err(_) if name_or_id.contains('\0') => None,
        Err(_) => account::named(conn, name_or_id).await?,
        Ok(id) => account::find(conn, id).await?,
    };
    found.ok_or_else(|| AccountError::NoAccount(cardea_model::name::excerpt(name_or_id)))
}

/// The account of this name or id.
///
/// # Errors
/// [`AccountError`].
pub async fn show(app: &App, ctx: &Ctx, name_or_id: &str) -> Result<AccountView, AccountError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    Ok(known(&mut app.db.read().await?, name_or_id).await?.into())
}

/// Gives the account another description, another recovery address, or none.
///
/// # Errors
/// [`AccountError`].
pub async fn change(
    app: &App,
    ctx: &Ctx,
    name_or_id: &str,
    description: Option<String>,
    recovery: Option<Option<String>>,
) -> Result<AccountView, AccountError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    if description.as_ref().is_some_and(|text| text.len() > LONGEST || text.chars().any(char::is_control)) {
        return Err(AccountError::Description);
    }
    let recovery = match recovery {
        Some(Some(text)) => Some(Some(Email::parse(&text).ok_or(AccountError::Email)?)),
        Some(None) => Some(None),
        None => None,
    };
    let (mut tx, ctx) = session::write(app, ctx, None).await?.ok_or(cardea_model::Denied::Unknown)?;
    let id = known(&mut tx, name_or_id).await?.id;
    // Whoever becomes an owner meanwhile locks the account, too.
    account::lock(&mut tx, id).await?;
    let mut row = known(&mut tx, &id.to_string()).await?;
    if let Some(recovery) = recovery {
        if let Some(address) = &recovery {
            is_no_owner(&mut tx, id, address).await?;
        }
        row.recovery_email = recovery.map(|address| address.shown);
    }
    row.description = description.unwrap_or(row.description);
    account::describe(&mut tx, id, &row.description, row.recovery_email.as_deref()).await?;
    let detail = json!({"settings": ["description", "recovery_email"]});
    audit::record(app, &mut tx, &ctx, Some(id), "account.changed", &id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(row.into())
}

/// An address that recovers itself is no recovery.
async fn is_no_owner(conn: &mut Conn, account: AccountId, address: &Email) -> Result<(), AccountError> {
    let owners = member::owner_emails(conn, account).await?;
    let is_owner = owners.iter().filter_map(|text| Email::parse(text)).any(|owner| owner.normal == address.normal);
    if is_owner { Err(AccountError::Recovery) } else { Ok(()) }
}
