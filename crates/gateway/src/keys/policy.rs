//! What an org wants of the keys that are made in it.

use cardea_model::id::{AccountId, OrgId};
use cardea_model::key::{ExpiryBounds, Span};
use cardea_model::{Denied, Permission};
use cardea_store::account;
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::key_policy::{self as rows, KeyPolicy};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::KeyError;
use crate::app::App;
use crate::context::Ctx;
use crate::{audit, feed, rules, session};

/// The shortest life that can be the longest: an hour.
const SHORTEST: u64 = 3600;
/// The longest one that is worth saying: a hundred years.
const LONGEST: u64 = 100 * 365 * 86_400;

/// What an org wants of its keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The longest life of a key; then none lives for ever. Without one any does.
    #[serde(default)]
    pub max_age: Option<Span>,
    /// Whether legacy keys are made and work here.
    #[serde(default)]
    pub legacy: bool,
}

impl Policy {
    /// Between what a new key may live.
    pub(super) const fn bounds(&self) -> ExpiryBounds {
        ExpiryBounds { least: Span::from_seconds(60), most: self.max_age }
    }

    /// Whether the longest life is one that somebody can mean.
    pub(crate) fn is_sane(&self) -> bool {
        self.max_age.is_none_or(|age| (SHORTEST..=LONGEST).contains(&age.duration().as_secs()))
    }
}

/// What the org wants.
pub(crate) async fn of(conn: &mut Conn, org: OrgId) -> Result<Policy, DbError> {
    let KeyPolicy { max_age, legacy } = rows::of(conn, org).await?;
    let max_age = max_age.and_then(|seconds| u64::try_from(seconds).ok()).map(Span::from_seconds);
    Ok(Policy { max_age, legacy })
}

/// Writes what the org wants.
pub(crate) async fn put(tx: &mut Tx, org: OrgId, wanted: Policy) -> Result<(), DbError> {
    let max_age = wanted.max_age.and_then(|age| i64::try_from(age.duration().as_secs()).ok());
    rows::put(tx, org, KeyPolicy { max_age, legacy: wanted.legacy }).await?;
    Ok(())
}

/// What the account's org wants of its keys.
///
/// # Errors
/// [`KeyError`].
pub async fn policy(app: &App, ctx: &Ctx, account: AccountId) -> Result<Policy, KeyError> {
    ctx.may(Permission::SeeOrg, account)?;
    let mut conn = app.db.read().await?;
    let row = account::find(&mut conn, account).await?.ok_or(KeyError::Denied(Denied::Hidden))?;
    Ok(of(&mut conn, row.org).await?)
}

/// Sets what the account's org wants of its keys. Keys that were made before keep their expiry; legacy keys stop or work at
/// once.
///
/// # Errors
/// [`KeyError`].
pub async fn set_policy(app: &App, ctx: &Ctx, account: AccountId, wanted: Policy) -> Result<Policy, KeyError> {
    ctx.may(Permission::SetKeyPolicy, account)?;
    if !wanted.is_sane() {
        return Err(KeyError::MaxAge);
    }
    let (mut tx, ctx) = session::write(app, ctx, None).await?.ok_or(KeyError::Ended)?;
    ctx.may(Permission::SetKeyPolicy, account)?;
    let row = account::find(&mut tx, account).await?.ok_or(KeyError::Denied(Denied::Hidden))?;
    account::lock_org(&mut tx, row.org).await?;
    put(&mut tx, row.org, wanted).await?;
    let detail = json!({"max_age": wanted.max_age, "legacy": wanted.legacy});
    audit::record(app, &mut tx, &ctx, Some(account), "org.key_policy_set", &row.org.to_string(), detail).await?;
    rules::tell(app, &mut tx, row.org).await?;
    tx.commit().await?;
    // Whoever asks this node next is judged by it.
    feed::catch_up(app).await?;
    Ok(wanted)
}
