//! A person's own sessions: seen, ended one by one, or all but the one that speaks.

use std::collections::BTreeSet;
use std::time::Duration;

use cardea_model::id::{MemberId, SessionId};
use cardea_model::numbers::{Cause, What};
use cardea_model::{Caller, Denied, Timestamp, chance};
use cardea_store::db::{DbError, Tx};
use cardea_store::session::{self as rows, New};
use cardea_tokens::hash::sha256;
use serde::Serialize;

use super::{Opened, lives, speaker, write};
use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::error::GatewayError;
use crate::revocation::{self, Ending};

/// A session as its owner sees it.
#[derive(Clone, Debug, Serialize)]
pub struct OwnSession {
    /// The session.
    pub id: SessionId,
    /// The connection that it came through, or `password`.
    pub through: String,
    /// When it was opened.
    pub began_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Timestamp,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// At the most `limit` living sessions of the person who speaks, in the account in which they speak, that were opened
/// before the session `before` (empty for all), the newest first.
///
/// # Errors
/// Refusals and the database's.
pub async fn list(app: &App, ctx: &Ctx, before: &str, limit: i64) -> Result<Vec<OwnSession>, GatewayError> {
    let person = speaker(ctx)?;
    // Every id sorts before this one, in any collation; and nothing stored has a NUL.
    let before = if before.is_empty() { "ses_ffffffffffffffffffffffffffffffff" } else { before };
    if before.contains('\0') {
        return Ok(Vec::new());
    }
    let idle = ctx.now.before(app.settings.session_idle);
    let mut conn = app.db.read().await?;
    let found = rows::living_before(&mut conn, person.member, (ctx.now, idle), before, limit).await?;
    let view = |row: rows::Living| OwnSession {
        current: row.id == person.session,
        id: row.id,
        through: row.connection.unwrap_or_else(|| "password".to_owned()),
        began_at: row.minted_at,
        last_used_at: row.seen_at,
    };
    Ok(found.into_iter().map(view).collect())
}

/// Ends one session of the person who speaks; it may be the one that speaks. Whatever is not theirs, or has ended, is not
/// there.
///
/// # Errors
/// Refusals, absence and the database's.
pub async fn end(app: &App, ctx: &Ctx, id: SessionId) -> Result<(), GatewayError> {
    let person = speaker(ctx)?;
    let (mut tx, ctx) = write(app, ctx, None).await?.ok_or(Denied::Unknown)?;
    let row = rows::with_id(&mut tx, id).await?;
    row.filter(|row| row.member.id == person.member && lives(app, row, ctx.now))
        .ok_or(GatewayError::Missing("session"))?;
    rows::end(&mut tx, id, ctx.now).await?;
    let (account, target) = (Some(person.account), id.to_string());
    audit::record(app, &mut tx, &ctx, account, "session.ended", &target, serde_json::json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends every session of the person who speaks, in the account in which they speak, but the one that speaks: that one goes
/// on under another secret, which is returned. Keys live on.
///
/// # Errors
/// Refusals and the database's.
pub async fn end_others(app: &App, ctx: &Ctx) -> Result<Opened, GatewayError> {
    let person = speaker(ctx)?;
    let (mut tx, ctx) = write(app, ctx, None).await?.ok_or(Denied::Unknown)?;
    let why = (Cause::SignedOutEverywhere, "signed out everywhere else");
    let opened = start_over(app, &mut tx, &ctx, &BTreeSet::from([person.member]), why).await?.ok_or(Denied::Unknown)?;
    tx.commit().await?;
    Ok(opened)
}

/// Ends every session of these members, and lets the one that speaks go on under another secret for as long as it had
/// left. The caller's transaction has locked the members, and asked after that who speaks; inserts are all that may follow. `None`: nobody speaks.
pub(crate) async fn start_over(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    members: &BTreeSet<MemberId>,
    (cause, message): (Cause, &str),
) -> Result<Option<Opened>, DbError> {
    let Caller::Person(person) = &ctx.caller else { return Ok(None) };
    let Some(old) = rows::with_id(tx, person.session).await? else { return Ok(None) };
    // It does not end, so the receipt does not list it.
    rows::end(tx, old.id, ctx.now).await?;
    let mut floor = ctx.now;
    for id in members {
        let ending = Ending { member: *id, what: What::Sessions, hold: None, cause, source: "self", message };
        let ended = revocation::end_locked(app, tx, ctx, ending).await?;
        floor = ended.map_or(floor, |ended| floor.max(ended.numbers.session_floor));
    }
    // What is minted at the floor is dead.
    let minted_at = floor.after(Duration::from_micros(1));
    let secret = chance::base62(&*app.random, 43);
    let new = New {
        id: SessionId::new(minted_at, &*app.random),
        secret_hash: sha256(secret.as_bytes()),
        member: old.member.id,
        connection: old.connection,
        epoch: old.epoch,
        minted_at,
        expires_at: old.expires_at,
        provider: None,
    };
    rows::add(tx, &new).await?;
    rows::provider::goes_on(tx, new.id, old.id).await?;
    if let Some(origin) = old.origin {
        rows::comes_from(tx, new.id, origin.member, origin.stamp).await?;
    }
    Ok(Some(Opened { secret, expires_at: old.expires_at }))
}
