//! Service keys: of an org and of nobody in it. They live on when their maker goes, and do what was granted, of what the org
//! has, whatever anybody's roles are.

use cardea_model::id::{AccountId, KeyId};
use cardea_model::key::{Expiry, GrantSpec, KeyGrants, KeyKind, warnings};
use cardea_model::name::fold;
use cardea_model::{Caller, Denied, Permission, Standing, Timestamp};
use cardea_store::account::{self, Account};
use cardea_store::db::{Conn, Tx};
use cardea_store::key::{self as rows, New, Owner};
use cardea_tokens::format::{Prefix, Secret};
use serde::Serialize;
use serde_json::json;

use super::once::{self, Once};
use super::open::{Open, Whose};
use super::{Created, KeyError, Reached, expiring, finish, issue, nameable, policy, preview};
use crate::app::App;
use crate::context::Ctx;
use crate::mail::{self, Message};
use crate::pause::Point;
use crate::{entitlements, session};

/// What a new service key shall be.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Unique among the org's service keys.
    pub name: String,
    /// When it expires.
    pub expiry: Expiry,
    /// What it may do.
    pub grants: Vec<GrantSpec>,
    /// What the caller calls this request: the same one again makes no second key.
    pub once: Option<String>,
}

/// A ready-made grant.
#[derive(Clone, Debug, Serialize)]
pub struct Recipe {
    /// Its name.
    pub name: String,
    /// What to give the key.
    pub grants: Vec<GrantSpec>,
    /// Whether the org has the service now.
    pub available: bool,
}

/// What a service key would be.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What it would reach.
    pub reached: Reached,
    /// When it would expire.
    pub expires_at: Option<Timestamp>,
}

/// What a service key so wanted would be; refused as its creation would be now.
///
/// # Errors
/// [`KeyError`].
pub async fn draft(app: &App, ctx: &Ctx, account: AccountId, wanted: &Wanted) -> Result<Draft, KeyError> {
    ctx.may(Permission::ManageServiceKeys, account)?;
    let name = fold(nameable(&wanted.name)?);
    let mut conn = app.db.read().await?;
    let row = account::find(&mut conn, account).await?.ok_or(KeyError::Denied(Denied::Hidden))?;
    if rows::of_org(&mut conn, row.org).await?.iter().any(|key| fold(&key.name) == name) {
        return Err(KeyError::NameTaken);
    }
    let expires_at = wanted.expiry.resolve(ctx.now, policy::of(&mut conn, row.org).await?.bounds())?;
    drop(conn);
    let reached = preview(app, ctx, &Whose::Service(account), wanted.grants.clone()).await?;
    Ok(Draft { reached, expires_at })
}

/// Makes a service key for the account's org.
///
/// # Errors
/// [`KeyError`].
pub async fn create(app: &App, ctx: &Ctx, account: AccountId, wanted: Wanted) -> Result<Created, KeyError> {
    ctx.may(Permission::ManageServiceKeys, account)?;
    let Caller::Person(maker) = &ctx.caller else { return Err(Denied::Refused.into()) };
    let name = nameable(&wanted.name)?;
    let once = Once::read(wanted.once.as_deref(), name, wanted.expiry, &json!({"grants": wanted.grants}))?;
    let mut conn = app.db.read().await?;
    let row = account::find(&mut conn, account).await?.ok_or(KeyError::Denied(Denied::Hidden))?;
    let expires_at = wanted.expiry.resolve(ctx.now, policy::of(&mut conn, row.org).await?.bounds())?;
    let grants = grantable(app, &mut conn, &row, wanted.grants, ctx.now).await?;
    drop(conn);
    let document = serde_json::to_string(&grants).unwrap_or_default();
    let secret = Secret::generate(Prefix::Service, &*app.random);
    let key = New {
        id: KeyId::new(ctx.now, &*app.random),
        kind: KeyKind::Service.as_str(),
        org: row.org,
        owner: Owner::Org(row.org),
        name,
        name_folded: &fold(name),
        grants: &document,
        epoch: 0,
        created_by: maker.user,
        created_at: ctx.now,
        expires_at,
        warned: expiring::spared(ctx.now, expires_at),
    };
    app.pause.at(Point::KeyCreation).await;
    // Whoever speaks is locked and asked for once more: nobody makes a key after their access has ended.
    let (mut tx, ctx) = session::write(app, ctx, None).await?.ok_or(KeyError::Ended)?;
    ctx.may(Permission::ManageServiceKeys, account)?;
    rows::lock_org(&mut tx, row.org).await?;
    once::seek(&mut tx, &ctx, once.as_ref()).await?;
    let limit = app.settings.service_keys_per_org;
    issue(app, &mut tx, &ctx, account, (&key, &secret), limit).await?;
    tell_owners(app, &mut tx, &ctx, &row, (name, &grants)).await?;
    once::note(&mut tx, &ctx, once, key.id).await?;
    let made = finish(app, tx, &ctx, (&key, secret)).await?;
    Ok(Created { warnings: warnings(&grants, &app.catalogue), ..made })
}

/// Checks what a service key is to be granted: of services that the org has now.
pub(super) async fn grantable(
    app: &App,
    conn: &mut Conn,
    account: &Account,
    grants: Vec<GrantSpec>,
    now: Timestamp,
) -> Result<Vec<GrantSpec>, KeyError> {
    let grants = KeyGrants::check(grants, &app.catalogue, &account.org_name, KeyKind::Service)?;
    let has = entitlements::in_force(conn, account.org, now).await?;
    match grants.iter().find(|grant| !has.contains(&grant.service)) {
        Some(grant) => Err(KeyError::NotEnabled(grant.service.clone())),
        None => Ok(grants),
    }
}

/// Tells the owners that a user_admin has a new secret of a service key.
pub(super) async fn tell_owners_of(app: &App, open: &mut Open) -> Result<(), KeyError> {
    let account = account::find(&mut open.tx, open.account).await?.ok_or(KeyError::Missing)?;
    let grants: Vec<GrantSpec> = serde_json::from_str(&open.row.grants).unwrap_or_default();
    tell_owners(app, &mut open.tx, &open.ctx, &account, (&open.row.name, &grants)).await
}

/// Tells the owners what a user_admin has given a service key: it may do more than its maker.
pub(super) async fn tell_owners(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    account: &Account,
    (name, grants): (&str, &[GrantSpec]),
) -> Result<(), KeyError> {
    if matches!(&ctx.caller, Caller::Person(person) if person.standing == Standing::Owner) {
        return Ok(());
    }
    let mut services: Vec<&str> = grants.iter().map(|grant| grant.service.as_str()).collect();
    services.dedup();
    let message = Message::ServiceKeyGranted {
        name: name.to_owned(),
        org: account.org_name.clone(),
        services: services.join(", "),
        by: mail::speaker(tx, ctx).await?,
        at: ctx.now,
    };
    let cause = format!("service_key_granted:{}", ctx.request);
    Ok(mail::owners::tell(app, tx, ctx, (account.id, &message), &[], &cause).await?)
}

/// The services that a service key of the account's org can be for, by name.
///
/// # Errors
/// [`KeyError`].
pub async fn services(app: &App, ctx: &Ctx, account: AccountId) -> Result<Vec<String>, KeyError> {
    ctx.may(Permission::ManageServiceKeys, account)?;
    let mut conn = app.db.read().await?;
    let row = account::find(&mut conn, account).await?.ok_or(KeyError::Denied(Denied::Hidden))?;
    let mut names = entitlements::in_force(&mut conn, row.org, ctx.now).await?;
    names.retain(|name| {
        let service = app.catalogue.service_named(name).and_then(|index| app.catalogue.service(index));
        service.is_some_and(|service| service.key_kinds.contains(&KeyKind::Service))
    });
    Ok(names)
}

/// Ready-made grants of the catalogue, with the org's name filled in.
///
/// # Errors
/// [`KeyError`].
pub async fn recipes(app: &App, ctx: &Ctx, account: AccountId) -> Result<Vec<Recipe>, KeyError> {
    ctx.may(Permission::ManageServiceKeys, account)?;
    let mut conn = app.db.read().await?;
    let row = account::find(&mut conn, account).await?.ok_or(KeyError::Denied(Denied::Hidden))?;
    let has = entitlements::in_force(&mut conn, row.org, ctx.now).await?;
    let services = app.catalogue.services().map(|(_, service)| service);
    let recipes =
        services.flat_map(|service| service.recipes.iter().map(move |(name, recipe)| (service, name, recipe)));
    let filled = recipes.map(|(service, name, recipe)| {
        let values = recipe.entity_values.iter().map(|value| value.replace("{org}", &row.org_name));
        let grant = GrantSpec {
            service: service.name.to_string(),
            scopes: Some(recipe.scopes.clone()),
            entity_type: Some(recipe.entity_type.clone()),
            entity_values: Some(values.collect()),
        };
        Recipe { name: name.clone(), available: has.contains(&grant.service), grants: vec![grant] }
    });
    Ok(filled.collect())
}
