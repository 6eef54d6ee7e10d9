//! Keys that stand: seen, renamed, given other grants, switched off and on, and ended.

use cardea_model::id::{AccountId, KeyId};
use cardea_model::key::{GrantSpec, KeyKind, KeyState};
use cardea_model::name::{Email, fold};
use cardea_model::{Denied, Permission};
use cardea_store::db::Tx;
use cardea_store::key::{self as rows, Owner};
use cardea_store::member;
use cardea_store::{account, person, secret as secrets};
use serde_json::json;

use super::open::{Open, Whose, announce, open};
use super::{KeyError, KeyView, PersonsKey, grantable, holder, nameable, service, view};
use crate::app::App;
use crate::context::Ctx;
use crate::mail::{self, Message};
use crate::{audit, people};

/// The keys of theirs that have not ended, the oldest first.
///
/// # Errors
/// [`KeyError`].
pub async fn list(app: &App, ctx: &Ctx, whose: &Whose) -> Result<Vec<KeyView>, KeyError> {
    match whose {
        Whose::Own => {
            let person = holder(ctx)?;
            let mut conn = app.db.read().await?;
            let member = member::find(&mut conn, person.member).await?.ok_or(KeyError::Ended)?;
            let keys = rows::of_member(&mut conn, person.member).await?;
            Ok(keys.into_iter().map(|row| view(row, ctx.now, Some(member.numbers))).collect())
        }
        Whose::Service(account) => {
            ctx.may(Permission::ManageServiceKeys, *account)?;
            let mut conn = app.db.read().await?;
            let row = account::find(&mut conn, *account).await?.ok_or(KeyError::Denied(Denied::Hidden))?;
            let keys = rows::of_org(&mut conn, row.org).await?;
            Ok(keys.into_iter().map(|row| view(row, ctx.now, None)).collect())
        }
        Whose::User(account, user) => {
            ctx.may(Permission::RevokeKeys, *account)?;
            Ok(people::keys_of(app, ctx, *account, user).await?)
        }
    }
}

/// One of these keys.
///
/// # Errors
/// [`KeyError`].
pub async fn get(app: &App, ctx: &Ctx, whose: &Whose, id: KeyId) -> Result<KeyView, KeyError> {
    list(app, ctx, whose).await?.into_iter().find(|key| key.id == id).ok_or(KeyError::Missing)
}

/// At the most `limit` keys of the people of an account after the key `after`, the oldest first.
///
/// # Errors
/// [`KeyError`].
pub async fn of_people(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    after: &str,
    limit: i64,
) -> Result<Vec<PersonsKey>, KeyError> {
    ctx.may(Permission::RevokeKeys, account)?;
    // Nothing stored has a NUL, and no database takes one.
    if after.contains('\0') {
        return Ok(Vec::new());
    }
    let mut conn = app.db.read().await?;
    let mut keys = Vec::new();
    for row in rows::of_people(&mut conn, account, after, limit).await? {
        let Some(member) = row.member else { continue };
        let Some(member) = member::find(&mut conn, member).await? else { continue };
        let person = person::find(&mut conn, member.user).await?;
        keys.push(PersonsKey {
            user: member.user,
            user_name: person.as_ref().map(|person| person.name.clone()).unwrap_or_default(),
            email: person.and_then(|person| person.email),
            key: view(row, ctx.now, Some(member.numbers)),
        });
    }
    Ok(keys)
}

/// What changes in a key.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Another name.
    pub name: Option<String>,
    /// Switched on or off.
    pub active: Option<bool>,
    /// Other grants in the place of all that it has.
    pub grants: Option<Vec<GrantSpec>>,
    /// The version that the caller read; none for any.
    pub version: Option<i64>,
}

/// Only whoever holds the keys changes them; an admin can end them.
const fn of_their_own(whose: &Whose) -> Result<(), KeyError> {
    match whose {
        Whose::Own | Whose::Service(_) => Ok(()),
        Whose::User(..) => Err(KeyError::Denied(Denied::Refused)),
    }
}

/// Renames a key, gives it other grants, or switches it on or off. What it loses is lost on this node when this returns and
/// on every node within the bound.
///
/// # Errors
/// [`KeyError`].
pub async fn change(app: &App, ctx: &Ctx, whose: &Whose, id: KeyId, change: Change) -> Result<KeyView, KeyError> {
    of_their_own(whose)?;
    let name = change.name.as_deref().map(nameable).transpose()?;
    let mut open = open(app, ctx, whose, id).await?;
    open.is_version(change.version)?;
    if let Some(active) = change.active {
        let from = open.state();
        let to = if active { from.enable() } else { from.disable() };
        let to = to.map_err(|_| KeyError::State(from))?;
        rows::set_state(&mut open.tx, id, to.as_str(), None).await?;
    }
    let document = match change.grants {
        Some(grants) => Some(grants_of(app, &mut open, grants).await?),
        None => None,
    };
    if name.is_some() || document.is_some() {
        let name = name.unwrap_or(&open.row.name);
        let grants = document.as_deref().unwrap_or(&open.row.grants);
        let put = rows::put(&mut open.tx, id, (name, &fold(name)), grants).await;
        put.map_err(|error| error.or_on_conflict(KeyError::NameTaken))?;
    }
    let detail = json!({"name": name, "active": change.active, "grants": document});
    finish(app, open, "key.changed", detail).await?;
    get(app, ctx, whose, id).await
}

/// Other grants of a key, as they are stored; checked as for a new one.
async fn grants_of(app: &App, open: &mut Open, grants: Vec<GrantSpec>) -> Result<String, KeyError> {
    match open.state() {
        KeyState::Active | KeyState::Disabled | KeyState::Suspended | KeyState::Expired => {}
        ended @ (KeyState::Revoked | KeyState::Deleted) => return Err(KeyError::State(ended)),
    }
    let kind = KeyKind::parse(&open.row.kind).ok_or(KeyError::Missing)?;
    let now = open.ctx.now;
    let grants = match &open.member {
        Some(member) => grantable(app, &mut open.tx, member, (grants, kind), now).await?,
        None => {
            let account = account::find(&mut open.tx, open.account).await?.ok_or(KeyError::Missing)?;
            let grants = service::grantable(app, &mut open.tx, &account, grants, now).await?;
            service::tell_owners(app, &mut open.tx, &open.ctx, &account, (&open.row.name, &grants)).await?;
            grants
        }
    };
    Ok(serde_json::to_string(&grants).unwrap_or_default())
}

/// Writes a change of a key down, tells every node, and commits.
pub(super) async fn finish(app: &App, mut open: Open, action: &str, detail: serde_json::Value) -> Result<(), KeyError> {
    let (tx, id) = (&mut open.tx, open.row.id);
    audit::record(app, tx, &open.ctx, Some(open.account), action, &id.to_string(), detail).await?;
    announce(app, tx, id).await?;
    Ok(open.tx.commit().await?)
}

/// Deletes a key, at once and for good.
///
/// # Errors
/// [`KeyError`].
pub async fn delete(app: &App, ctx: &Ctx, whose: &Whose, id: KeyId) -> Result<(), KeyError> {
    of_their_own(whose)?;
    let mut open = open(app, ctx, whose, id).await?;
    rows::set_state(&mut open.tx, id, KeyState::Deleted.as_str(), Some(open.ctx.now)).await?;
    let detail = json!({"name": open.row.name, "kid": open.row.kid});
    finish(app, open, "key.deleted", detail).await
}

/// Revokes a service key, or a key of a user, for good. The user is told.
///
/// # Errors
/// [`KeyError`].
pub async fn revoke(app: &App, ctx: &Ctx, whose: &Whose, id: KeyId) -> Result<(), KeyError> {
    if matches!(whose, Whose::Own) {
        return Err(Denied::Refused.into());
    }
    let mut open = open(app, ctx, whose, id).await?;
    let from = open.state();
    let to = from.revoke().map_err(|_| KeyError::State(from))?;
    rows::set_state(&mut open.tx, id, to.as_str(), Some(open.ctx.now)).await?;
    if let Owner::Person { user, .. } = open.owner {
        let (row, account) = (open.row.clone(), open.account);
        tell(app, &mut open.tx, &open.ctx, (user, account), row).await?;
    }
    let detail = json!({"name": open.row.name, "kid": open.row.kid});
    finish(app, open, "key.revoked", detail).await
}

/// Writes to the user whose key is no more, if their address is known to be theirs.
async fn tell(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    (user, account): (cardea_model::id::UserId, AccountId),
    row: rows::Key,
) -> Result<(), KeyError> {
    let person = person::find(tx, user).await?.filter(|person| person.email_trusted);
    let Some(email) = person.and_then(|person| Email::parse(&person.email?)) else { return Ok(()) };
    let org = account::find(tx, account).await?.ok_or(KeyError::Missing)?.org_name;
    let by = mail::speaker(tx, ctx).await?;
    let cause = format!("key_revoked:{}", row.id);
    let key = view(row, ctx.now, None);
    let message = Message::KeyRevoked { name: key.name, key: key.display, org, by, at: ctx.now };
    Ok(mail::send(app, tx, ctx, &email, &message, &cause).await?)
}

/// Ends the grace of the secret before the current one now.
///
/// # Errors
/// [`KeyError`].
pub async fn end_grace(app: &App, ctx: &Ctx, whose: &Whose, id: KeyId) -> Result<KeyView, KeyError> {
    of_their_own(whose)?;
    let mut open = open(app, ctx, whose, id).await?;
    let now = open.ctx.now;
    if secrets::end_grace(&mut open.tx, id, now).await? == 0 {
        return Err(KeyError::NoGrace);
    }
    rows::rotated(&mut open.tx, id, None, (open.row.expires_at, None)).await?;
    let detail = json!({"kid": open.row.old.as_ref().map(|old| &old.kid)});
    finish(app, open, "key.grace_ended", detail).await?;
    get(app, ctx, whose, id).await
}
