//! API keys: made, listed, changed, rotated, ended. A secret is shown once and stored nowhere.
//!
//! | kind | stands for | made by | at the most | ends with |
//! |---|---|---|---|---|
//! | personal | a person, never more than they may now | themselves | 8 a user | their access, in that account |
//! | legacy | a person, in every org of theirs that wants such keys | themselves | 1 a user: a new one revokes the old | their access, in that account |
//! | service | an org: what was granted, of what the org has | owners and user_admins | 64 an org | the org, not with its maker |
//!
//! ```text
//! touch the member, lock the owner of the keys ─► insert below the limit ─► secret's MAC ─► audit ─► commit
//! ```
//! The touch fails once access has ended, so no key is made after it; the stamp kills any that was made before.

mod change;
mod error;
mod expiring;
mod leaked;
mod once;
mod open;
pub(crate) mod policy;
mod preview;
mod rotate;
pub mod service;
mod view;

use cardea_model::id::{AccountId, KeyId};
use cardea_model::key::{Expiry, GrantSpec, KeyGrants, KeyKind, KeyState, warnings};
use cardea_model::name::{fold, is_label};
use cardea_model::{Caller, Denied, Permission, Person, Place, ShownOnce, Timestamp};
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::key::{self as rows, New, Owner};
use cardea_store::{account, member, person, secret as secrets};
use cardea_tokens::format::{Prefix, Secret};
use serde::Serialize;
use serde_json::json;

pub use change::{Change, change, delete, end_grace, get, list, of_people, revoke};
pub use error::KeyError;
pub(crate) use expiring::tell_expiring;
pub(crate) use leaked::end_leaked;
pub use open::Whose;
pub use policy::{Policy, policy, set_policy};
pub use preview::{Line, Reached, preview, reach_of};
pub use rotate::{Rotation, rotate};
pub(crate) use view::view;
pub use view::{KeyView, OldSecret, PersonsKey};

use crate::app::App;
use crate::audit;
use crate::check;
use crate::context::Ctx;
use crate::entitlements;
use crate::pause::Point;
use crate::roles;
use crate::session;
use once::Once;

/// What a new key of a person shall be.
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
    /// Personal or legacy.
    pub kind: KeyKind,
    /// What the caller calls this request: the same one again makes no second key.
    pub once: Option<String>,
}

/// A key that was just made, or given another secret.
pub struct Created {
    /// The key.
    pub key: KeyView,
    /// Its secret, for this one answer.
    pub secret: ShownOnce<String>,
    /// What is missing for it to be of use, in words.
    pub warnings: Vec<String>,
}

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

/// Makes a personal or legacy key for the person who speaks. A new legacy key revokes the one they had.
///
/// # Errors
/// [`KeyError`].
pub async fn create(app: &App, ctx: &Ctx, wanted: Wanted) -> Result<Created, KeyError> {
    let person = holder(ctx)?;
    let name = nameable(&wanted.name)?;
    if wanted.kind == KeyKind::Service {
        return Err(Denied::Refused.into());
    }
    let asked = json!({"kind": wanted.kind, "grants": wanted.grants, "org": wanted.org});
    let once = Once::read(wanted.once.as_deref(), name, wanted.expiry, &asked)?;
    let (epoch, expires_at, grants) = prepare(app, ctx, person, &wanted).await?;
    app.pause.at(Point::KeyCreation).await;
    let document = serde_json::to_string(&grants).unwrap_or_default();
    let secret = Secret::generate(Prefix::of_key(wanted.kind), &*app.random);
    let owner = Owner::Person { user: person.user, member: person.member };
    let key = New {
        id: KeyId::new(ctx.now, &*app.random),
        kind: wanted.kind.as_str(),
        org: person.org,
        owner,
        name,
        name_folded: &fold(name),
        grants: &document,
        epoch,
        created_by: person.user,
        created_at: ctx.now,
        expires_at,
        warned: expiring::spared(ctx.now, expires_at),
    };
    let mut tx = app.db.write().await?;
    let speaks = enter(app, &mut tx, ctx, person, epoch).await?;
    once::seek(&mut tx, &speaks, once.as_ref()).await?;
    // What an end of access has killed takes up neither a name nor a place.
    rows::end_dead(&mut tx, person.user, ctx.now).await?;
    let (limit, replaced) = match wanted.kind {
        KeyKind::Legacy => (1, end_legacy(app, &mut tx, ctx, (person.account, owner)).await?),
        KeyKind::Personal | KeyKind::Service => (app.settings.personal_keys_per_user, Vec::new()),
    };
    issue(app, &mut tx, ctx, person.account, (&key, &secret), limit).await?;
    if wanted.kind == KeyKind::Legacy {
        secrets::stamp(&mut tx, key.id, person.user).await?;
    }
    once::note(&mut tx, &speaks, once, key.id).await?;
    for id in replaced {
        open::announce(app, &mut tx, id).await?;
    }
    finish(app, tx, ctx, (&key, secret))
        .await
        .map(|made| Created { warnings: warnings(&grants, &app.catalogue), ..made })
}

fn nameable(name: &str) -> Result<&str, KeyError> {
    if is_label(name, 100) { Ok(name.trim()) } else { Err(KeyError::Name) }
}

/// What the key may be given, read before any lock is taken, with the epoch that goes with it.
async fn prepare(
    app: &App,
    ctx: &Ctx,
    person: &Person,
    wanted: &Wanted,
) -> Result<(i64, Option<Timestamp>, Vec<GrantSpec>), KeyError> {
    let mut conn = app.db.read().await?;
    let row = member::find(&mut conn, person.member).await?.ok_or(KeyError::Ended)?;
    let account = account::find(&mut conn, person.account).await?.ok_or(KeyError::Ended)?;
    if wanted.org.as_ref().is_some_and(|org| *org != account.org_name && *org != account.org.to_string()) {
        return Err(KeyError::Denied(Denied::Hidden));
    }
    let policy = policy::of(&mut conn, person.org).await?;
    if wanted.kind == KeyKind::Legacy && !policy.legacy {
        return Err(KeyError::LegacyOff);
    }
    let expires_at = wanted.expiry.resolve(ctx.now, policy.bounds())?;
    let grants = grantable(app, &mut conn, &row, (wanted.grants.clone(), wanted.kind), ctx.now).await?;
    Ok((row.numbers.epoch, expires_at, grants))
}

/// Checks what a key of this member is to be granted.
async fn grantable(
    app: &App,
    conn: &mut Conn,
    row: &member::Member,
    (grants, kind): (Vec<GrantSpec>, KeyKind),
    now: Timestamp,
) -> Result<Vec<GrantSpec>, KeyError> {
    let account = account::find(conn, row.account).await?.ok_or(KeyError::Ended)?;
    let grants = KeyGrants::check(grants, &app.catalogue, &account.org_name, kind)?;
    let assignable = assignable(app, conn, row, now).await?;
    match grants.iter().find(|grant| !assignable.contains(&grant.service)) {
        Some(grant) => Err(KeyError::NoRole(grant.service.clone())),
        None => Ok(grants),
    }
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

/// The fence: from here to the commit nothing can end the access of the person who speaks, and if it has ended since
/// `epoch`, no key is made.
async fn enter(app: &App, tx: &mut Tx, ctx: &Ctx, person: &Person, epoch: i64) -> Result<Ctx, KeyError> {
    // The request may have been on its way for long: a session that has ended meanwhile makes no keys. This locks the
    // member, and whoever they came from, in their order.
    let speaks = session::speaks(app, tx, ctx, &[]).await?.ok_or(KeyError::Ended)?;
    if !member::touch(tx, person.member, epoch).await? || !person::lock(tx, person.user).await? {
        return Err(KeyError::Ended);
    }
    Ok(speaks)
}

/// Revokes the user's legacy keys, because a new one comes; which they were.
async fn end_legacy(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    (account, owner): (AccountId, Owner),
) -> Result<Vec<KeyId>, DbError> {
    let mut ended = Vec::new();
    for key in rows::legacy(tx, owner).await? {
        rows::set_state(tx, key.id, KeyState::Revoked.as_str(), Some(ctx.now)).await?;
        let detail = json!({"name": key.name, "kid": key.kid, "because": "a new legacy key"});
        // It may be a key of another account, whose log this belongs into.
        let home = account::of_org(tx, &key.org.to_string()).await?.map_or(account, |row| row.id);
        audit::record(app, tx, ctx, Some(home), "key.revoked", &key.id.to_string(), detail).await?;
        ended.push(key.id);
    }
    Ok(ended)
}

/// Inserts a key and its secret; the caller holds the lock of the owner.
async fn issue(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    account: AccountId,
    (key, secret): (&New<'_>, &Secret),
    limit: i64,
) -> Result<(), KeyError> {
    let added = rows::add_below(tx, key, limit).await.map_err(|error| error.or_on_conflict(KeyError::NameTaken))?;
    if !added {
        return Err(KeyError::Limit(limit));
    }
    let mac = app.peppers.mac(secret.expose()).to_bytes();
    secrets::add(tx, key.id, secret.kid().as_str(), &mac, ctx.now).await?;
    let detail =
        json!({"name": key.name, "kind": key.kind, "kid": secret.kid().as_str(), "expires_at": key.expires_at});
    audit::record(app, tx, ctx, Some(account), "key.created", &key.id.to_string(), detail).await?;
    Ok(())
}

/// Commits a new key, which this node knows from then on.
async fn finish(app: &App, mut tx: Tx, ctx: &Ctx, (key, secret): (&New<'_>, Secret)) -> Result<Created, KeyError> {
    let residents = secrets::residents_of(&mut tx, &key.id.to_string()).await?;
    let node = app.clone();
    tx.after_commit(move || check::keep_keys(&node, &node.memory(), &residents));
    tx.commit().await?;
    // A legacy key may have given way to the next one already.
    let stored = rows::any(&mut app.db.read().await?, &key.id.to_string()).await?.ok_or(KeyError::Missing)?;
    let secret = ShownOnce::new(secret.expose().to_owned());
    Ok(Created { key: view(stored, ctx.now, None), secret, warnings: Vec::new() })
}
