//! A person's API keys: made, listed, switched off and on, deleted. The secret is shown once and stored nowhere.
//!
//! ```text
//! touch the member ─► lock the user ─► insert below the limit ─► secret's MAC ─► audit ─► commit
//! ```
//! The touch fails once access has ended, so no key is made after it; the stamp kills any that was made before.

mod error;
mod view;

use cardea_model::id::{AccountId, KeyId};
use cardea_model::key::{Expiry, ExpiryBounds, GrantSpec, KeyGrants, KeyKind, KeyState, Span};
use cardea_model::name::{fold, is_label};
use cardea_model::numbers::Numbers;
use cardea_model::{Caller, Denied, Permission, Person, Place, ShownOnce, Timestamp};
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::feed::{self, Kind as FeedKind};
use cardea_store::key::{self as rows, New};
use cardea_store::{account, member, person};
use cardea_tokens::format::{Prefix, Secret};
use serde::Serialize;
use serde_json::json;

pub use error::KeyError;
pub use view::KeyView;
pub(crate) use view::view;

use crate::app::App;
use crate::audit;
use crate::check;
use crate::context::Ctx;
use crate::entitlements;
use crate::pause::Point;
use crate::roles;
use crate::session;

/// What a new key shall be.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Unique among the user's keys.
    pub name: String,
    /// When it expires.
    pub expiry: Expiry,
    /// What it may do at the most.
    pub grants: Vec<GrantSpec>,
    /// The org, by name or id; only the person's own one can be named.
    pub org: Option<String>,
}

/// A key that was just made.
pub struct Created {
    /// The key.
    pub key: KeyView,
    /// Its secret, for this one answer.
    pub secret: ShownOnce<String>,
}

const BOUNDS: ExpiryBounds = ExpiryBounds { least: Span::from_seconds(60), most: None };

fn holder(ctx: &Ctx) -> Result<&Person, Denied> {
    ctx.caller.may(Permission::ManageOwnKeys, &Place::Here)?;
    match &ctx.caller {
        Caller::Person(person) => Ok(person),
        // A key must not make keys: a leaked one would never end.
        Caller::Nobody | Caller::Directory { .. } | Caller::Client(_) | Caller::Operator(_) | Caller::System(_) => {
            Err(Denied::Refused)
        }
    }
}

/// Makes a personal key for the person who speaks.
///
/// # Errors
/// [`KeyError`].
pub async fn create(app: &App, ctx: &Ctx, wanted: Wanted) -> Result<Created, KeyError> {
    let person = holder(ctx)?;
    if !is_label(&wanted.name, 100) {
        return Err(KeyError::Name);
    }
    let expires_at = wanted.expiry.resolve(ctx.now, BOUNDS)?;
    let (epoch, grants) = prepare(app, ctx, person, wanted.grants, wanted.org.as_deref()).await?;
    app.pause.at(Point::KeyCreation).await;
    let document = serde_json::to_string(&grants).unwrap_or_default();
    let secret = Secret::generate(Prefix::Personal, &*app.random);
    let key = New {
        id: KeyId::new(ctx.now, &*app.random),
        kind: KeyKind::Personal.as_str(),
        org: person.org,
        member: person.member,
        user: person.user,
        name: wanted.name.trim(),
        name_folded: &fold(wanted.name.trim()),
        grants: &document,
        epoch,
        created_at: ctx.now,
        expires_at,
    };
    let mut tx = app.db.write().await?;
    insert(app, &mut tx, ctx, person.account, (&key, &secret)).await?;
    let residents = rows::residents_of(&mut tx, &key.id.to_string()).await?;
    let node = app.clone();
    tx.after_commit(move || check::keep_keys(&node, &node.memory(), &residents));
    tx.commit().await?;
    let stored = rows::find(&mut app.db.read().await?, person.user, key.id).await?.ok_or(KeyError::Ended)?;
    let secret = ShownOnce::new(secret.expose().to_owned());
    Ok(Created { key: view(stored, ctx.now, None), secret })
}

/// What the key may be given, read before any lock is taken, with the epoch that goes with it.
async fn prepare(
    app: &App,
    ctx: &Ctx,
    person: &Person,
    grants: Vec<GrantSpec>,
    org: Option<&str>,
) -> Result<(i64, Vec<GrantSpec>), KeyError> {
    let mut conn = app.db.read().await?;
    let row = member::find(&mut conn, person.member).await?.ok_or(KeyError::Ended)?;
    let account = account::find(&mut conn, person.account).await?.ok_or(KeyError::Ended)?;
    if org.is_some_and(|org| org != account.org_name && org != account.org.to_string()) {
        return Err(KeyError::Denied(Denied::Hidden));
    }
    let grants = KeyGrants::check(grants, &app.catalogue, &account.org_name, KeyKind::Personal)?;
    let assignable = assignable(app, &mut conn, &row, ctx.now).await?;
    for grant in &grants {
        if !assignable.contains(&grant.service) {
            return Err(KeyError::NoRole(grant.service.clone()));
        }
    }
    Ok((row.numbers.epoch, grants))
}

/// The services that a key of this member can be given: the org has them and the member has a role there.
async fn assignable(app: &App, conn: &mut Conn, row: &member::Member, now: Timestamp) -> Result<Vec<String>, DbError> {
    let names = entitlements::in_force(conn, row.org, now).await?;
    let enabled = app.catalogue.services_named(names.iter().map(String::as_str));
    let roles = check::sum(&app.catalogue, &roles::of(app, conn, row, now).await?);
    let services = roles.services(enabled);
    Ok(names.into_iter().filter(|name| app.catalogue.service_named(name).is_some_and(|s| services.has(s))).collect())
}

/// A service and whether a key of the person who speaks can have it.
#[derive(Clone, Debug, Serialize)]
pub struct Choice {
    /// Its name.
    pub service: String,
    /// Its title.
    pub title: String,
    /// Whether a key can have it; if not, the person has no role there.
    pub assignable: bool,
}

/// The services of the org that take personal keys, with which of them a key of the person who speaks can have.
///
/// # Errors
/// [`KeyError`].
pub async fn choices(app: &App, ctx: &Ctx) -> Result<Vec<Choice>, KeyError> {
    let person = holder(ctx)?;
    let mut conn = app.db.read().await?;
    let row = member::find(&mut conn, person.member).await?.ok_or(KeyError::Ended)?;
    let assignable = assignable(app, &mut conn, &row, ctx.now).await?;
    let names = entitlements::in_force(&mut conn, row.org, ctx.now).await?;
    let known = names.into_iter().filter_map(|name| {
        let service = app.catalogue.service(app.catalogue.service_named(&name)?)?;
        let takes = service.key_kinds.contains(&KeyKind::Personal);
        let assignable = assignable.contains(&name);
        takes.then(|| Choice { title: service.title.to_string(), assignable, service: name })
    });
    Ok(known.collect())
}

async fn insert(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    account: AccountId,
    (key, secret): (&New<'_>, &Secret),
) -> Result<(), KeyError> {
    // The request may have been on its way for long: a session that has ended meanwhile makes no keys. This locks the
    // member, and whoever they came from, in their order.
    session::speaks(app, tx, ctx, &[]).await?.ok_or(KeyError::Ended)?;
    // The fence: from the lock to the commit nothing can end this member's access, and if it has ended, no key is made.
    if !member::touch(tx, key.member, key.epoch).await? || !person::lock(tx, key.user).await? {
        return Err(KeyError::Ended);
    }
    // What an end of access has killed takes up neither a name nor a place.
    rows::end_dead(tx, key.user, ctx.now).await?;
    let limit = app.settings.personal_keys_per_user;
    let added = rows::add_below(tx, key, limit).await.map_err(|error| error.or_on_conflict(KeyError::NameTaken))?;
    if !added {
        return Err(KeyError::Limit(limit));
    }
    let mac = app.peppers.mac(secret.expose()).to_bytes();
    rows::add_secret(tx, key.id, secret.kid().as_str(), &mac, ctx.now).await?;
    let detail = json!({"name": key.name, "kid": secret.kid().as_str(), "expires_at": key.expires_at});
    audit::record(app, tx, ctx, Some(account), "key.created", &key.id.to_string(), detail).await?;
    Ok(())
}

/// The keys of the person who speaks in the account in which they speak, oldest first.
///
/// # Errors
/// [`KeyError`].
pub async fn list(app: &App, ctx: &Ctx) -> Result<Vec<KeyView>, KeyError> {
    let person = holder(ctx)?;
    let mut conn = app.db.read().await?;
    let member = member::find(&mut conn, person.member).await?.ok_or(KeyError::Ended)?;
    let keys = rows::of_member(&mut conn, person.member).await?;
    Ok(keys.into_iter().map(|row| view(row, ctx.now, Some(member.numbers))).collect())
}

/// One key of the person who speaks.
///
/// # Errors
/// [`KeyError`].
pub async fn get(app: &App, ctx: &Ctx, id: KeyId) -> Result<KeyView, KeyError> {
    list(app, ctx).await?.into_iter().find(|key| key.id == id).ok_or(KeyError::Missing)
}

/// What changes in a key.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Another name.
    pub name: Option<String>,
    /// Switched on or off.
    pub active: Option<bool>,
    /// The version that the caller read; none for any.
    pub version: Option<i64>,
}

/// Renames a key of the person who speaks, or switches it on or off. Off is in force on this node when this returns and on
/// every node within the bound.
///
/// # Errors
/// [`KeyError`].
pub async fn change(app: &App, ctx: &Ctx, id: KeyId, change: Change) -> Result<KeyView, KeyError> {
    let person = holder(ctx)?;
    if change.name.as_ref().is_some_and(|name| !is_label(name, 100)) {
        return Err(KeyError::Name);
    }
    let (mut tx, _) = session::write(app, ctx, None).await?.ok_or(KeyError::Ended)?;
    let row = locked(&mut tx, person, id).await?;
    if change.version.is_some_and(|version| version != row.version) {
        return Err(KeyError::Stale);
    }
    if let Some(active) = change.active {
        let from = KeyState::parse(&row.state).ok_or(KeyError::Missing)?;
        let to = if active { from.enable() } else { from.disable() };
        let to = to.map_err(|_| KeyError::State(from))?;
        rows::set_state(&mut tx, person.user, id, to.as_str(), None, None).await?;
    }
    if let Some(name) = &change.name {
        let renamed = rows::rename(&mut tx, person.user, id, name.trim(), &fold(name.trim())).await;
        renamed.map_err(|error| error.or_on_conflict(KeyError::NameTaken))?;
    }
    let detail = json!({"name": change.name, "active": change.active});
    audit::record(app, &mut tx, ctx, Some(person.account), "key.changed", &id.to_string(), detail).await?;
    announce(app, &mut tx, id).await?;
    tx.commit().await?;
    get(app, ctx, id).await
}

/// Deletes a key of the person who speaks, at once and for good.
///
/// # Errors
/// [`KeyError`].
pub async fn delete(app: &App, ctx: &Ctx, id: KeyId) -> Result<(), KeyError> {
    let person = holder(ctx)?;
    let (mut tx, _) = session::write(app, ctx, None).await?.ok_or(KeyError::Ended)?;
    let row = locked(&mut tx, person, id).await?;
    rows::set_state(&mut tx, person.user, id, KeyState::Deleted.as_str(), Some(ctx.now), None).await?;
    let detail = json!({"name": row.name, "kid": row.kid});
    audit::record(app, &mut tx, ctx, Some(person.account), "key.deleted", &id.to_string(), detail).await?;
    announce(app, &mut tx, id).await?;
    tx.commit().await?;
    Ok(())
}

/// The key, with its owner's row locked first, so that two changes of one key come one after the other.
async fn locked(tx: &mut Tx, person: &Person, id: KeyId) -> Result<rows::Key, KeyError> {
    if !person::lock(tx, person.user).await? {
        return Err(KeyError::Ended);
    }
    own(rows::find(tx, person.user, id).await?, person)
}

/// A key is its owner's in the account in which it was made: one account's provider must not reach another's keys.
fn own(row: Option<rows::Key>, person: &Person) -> Result<rows::Key, KeyError> {
    row.filter(|row| row.member == person.member).ok_or(KeyError::Missing)
}

/// Tells every node of a changed key; this one before the commit returns.
async fn announce(app: &App, tx: &mut Tx, id: KeyId) -> Result<(), DbError> {
    let residents = rows::residents_of(tx, &id.to_string()).await?;
    feed::append(tx, FeedKind::Key, &id.to_string(), Numbers::default(), app.clock.now()).await?;
    let app = app.clone();
    tx.after_commit(move || check::keep_keys(&app, &app.memory(), &residents));
    Ok(())
}
