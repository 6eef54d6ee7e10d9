//! Rules into force and out of it again.

use std::sync::Arc;
use std::time::Duration;

use cardea_model::fault::whole;
use cardea_model::id::AccountId;
use cardea_model::{Denied, Permission};
use cardea_store::account::{self, Account};
use cardea_store::db::Tx;
use cardea_store::generation::{self, Generation};
use cardea_store::member;
use serde::Serialize;
use serde_json::json;

use super::digest::{Digest, Previewed};
use super::error::RulesError;
use super::plan::{Counts, Draft, Guard, Preview, Rows, compare, each};
use super::{Change, Flip, Frozen, Held, RuleSet, finish, put_in_force, tell};
use crate::app::App;
use crate::context::Ctx;
use crate::{audit, feed, mail, session};

/// How long an activation can be undone.
pub(super) const UNDO_FOR: Duration = Duration::from_secs(30 * 86_400);

/// Rules that came in force.
#[derive(Clone, Debug, Serialize)]
pub struct Activated {
    /// Their generation.
    pub generation: i64,
    /// How many people, by what became of them, as it was counted right before: nobody's sign-in waits for the counting, so
    /// whoever signed in between is judged by these rules and not among those counted so.
    pub counts: Counts,
    /// What the preview had said, where it said something else: people have signed in since.
    pub previewed: Option<Previewed>,
}

/// What activating the rules as they are now would do.
///
/// # Errors
/// [`RulesError`].
pub async fn preview(app: &App, ctx: &Ctx, account: AccountId) -> Result<Preview, RulesError> {
    ctx.may(Permission::ManageRules, account)?;
    finish(app, account).await?;
    let draft = read(app, account).await?;
    Ok(compare(app, ctx, draft, None).await?.0)
}

/// As [`preview`], with everybody whom it changes.
///
/// # Errors
/// [`RulesError`].
pub async fn preview_rows(app: &App, ctx: &Ctx, account: AccountId) -> Result<Rows, RulesError> {
    ctx.may(Permission::ManageRules, account)?;
    finish(app, account).await?;
    Ok(each(app, ctx, read(app, account).await?))
}

pub(super) async fn read(app: &App, account: AccountId) -> Result<Draft, RulesError> {
    let mut conn = app.db.read().await?;
    let row = account::find(&mut conn, account).await?.ok_or(RulesError::Missing("org"))?;
    Ok(Draft::read(app, &mut conn, &row).await?)
}

/// Puts the rules that `digest` names in force. Whoever has signed in since the preview is judged by what is known now; what
/// the guards ask for is to be confirmed with the org's name.
///
/// # Errors
/// [`RulesError`].
pub async fn activate(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    digest: &str,
    confirm: Option<&str>,
) -> Result<Activated, RulesError> {
    ctx.may(Permission::ManageRules, account)?;
    finish(app, account).await?;
    let draft = read(app, account).await?;
    if !draft.digest.is(digest) {
        let people = member::count(&mut app.db.read().await?, account).await?;
        return Err(RulesError::Stale(draft.digest.since(digest, people)));
    }
    let (preview, compiled) = compare(app, ctx, draft.clone(), None).await?;
    confirmed(&preview.guards, &draft.account, confirm)?;
    let summary = serde_json::to_string(&preview.counts).map_err(|_| RulesError::Corrupt("preview"))?;
    let (held, mut tx, ctx, row) = held(app, ctx, account).await?;
    // Under the lock nobody edits rules: what is put in force is what was compared.
    let standing = Draft::read(app, &mut tx, &row).await?.digest;
    if standing != draft.digest {
        let people = member::count(&mut tx, account).await?;
        return Err(RulesError::Stale(standing.since(digest, people)));
    }
    let (change, rules, counts) = (Change::Activate, &draft.rules, preview.counts);
    let flip = Flip { change, rules, active: true, digest: &standing.whole, summary: &summary };
    mail::owners::rules_activated(app, &mut tx, &ctx, &row, &counts).await?;
    let done = ("rules.activated", Some(compiled));
    let generation = flip_to(app, (held, tx), &ctx, &row, flip, done).await?;
    let previewed = Digest::previewed(digest).filter(|previewed| *previewed != Previewed::from(counts));
    Ok(Activated { generation, counts, previewed })
}

fn confirmed(guards: &[Guard], account: &Account, confirm: Option<&str>) -> Result<(), RulesError> {
    if guards.is_empty() || confirm == Some(account.org_name.as_str()) {
        return Ok(());
    }
    Err(RulesError::Confirm(guards.to_vec()))
}

/// A transaction that holds the org, with what it was read to be under that lock.
pub(super) async fn locked(app: &App, ctx: &Ctx, account: AccountId) -> Result<(Tx, Ctx, Account), RulesError> {
    let (mut tx, ctx) = session::write(app, ctx, None).await?.ok_or(Denied::Unknown)?;
    ctx.may(Permission::ManageRules, account)?;
    let row = account::find(&mut tx, account).await?.ok_or(RulesError::Missing("org"))?;
    account::lock_org(&mut tx, row.org).await?;
    // The rules decide who may change them: whoever had the lock before may have taken that away.
    let ctx = session::speaks(app, &mut tx, &ctx, &[]).await?.ok_or(Denied::Unknown)?;
    ctx.may(Permission::ManageRules, account)?;
    let row = account::find(&mut tx, account).await?.ok_or(RulesError::Missing("org"))?;
    Ok((tx, ctx, row))
}

/// As [`locked`]; besides, nobody reads or compiles the rules of the org until what is put in force is kept.
pub(super) async fn held(app: &App, ctx: &Ctx, account: AccountId) -> Result<(Held, Tx, Ctx, Account), RulesError> {
    let row = account::find(&mut app.db.read().await?, account).await?.ok_or(RulesError::Missing("org"))?;
    let held = Arc::clone(&app.memory()).rules.hold(row.org).await;
    let (tx, ctx, row) = locked(app, ctx, account).await?;
    Ok((held, tx, ctx, row))
}

/// Commits new rules, with the audit log's word for it, and keeps them as they are `compiled`.
pub(super) async fn flip_to(
    app: &App,
    (held, mut tx): (Held, Tx),
    ctx: &Ctx,
    row: &Account,
    flip: Flip<'_>,
    (action, compiled): (&str, Option<Arc<RuleSet>>),
) -> Result<i64, RulesError> {
    let memory = Arc::clone(&app.memory());
    let generation = put_in_force(app, &mut tx, ctx, row, flip).await?;
    let sets = match compiled {
        Some(compiled) => Some(memory.rules.ahead(&mut tx, (row.org, generation), compiled).await?),
        None => None,
    };
    let detail = json!({"generation": generation, "previous": row.rules.generation});
    audit::record(app, &mut tx, ctx, Some(row.id), action, &row.org.to_string(), detail).await?;
    tell(app, &mut tx, row.org).await?;
    tx.commit().await?;
    if let Some(sets) = sets {
        memory.rules.keep(row.org, &sets);
    }
    drop(held);
    // Whoever asks this node next is judged by the new rules; what is committed is so whether or not that can be waited for.
    if let Err(error) = feed::catch_up(app).await {
        tracing::warn!(error = whole(&error), "new rules are in force, and this node has not read the feed yet");
    }
    Ok(generation)
}

/// Takes the last activation back, which is `generation` if that is said: the rules before it are in force again, and whoever it alone had managed has the roles by
/// hand that they had before.
///
/// # Errors
/// [`RulesError`].
pub async fn undo(app: &App, ctx: &Ctx, account: AccountId, generation: Option<i64>) -> Result<i64, RulesError> {
    ctx.may(Permission::ManageRules, account)?;
    let again = before(app, account).await?;
    let (held, mut tx, ctx, row) = held(app, ctx, account).await?;
    // Whoever names what they take back does not take back what came since.
    if generation.is_some_and(|meant| meant != row.rules.generation) {
        return Err(RulesError::Stale(Vec::new()));
    }
    let current = generation::find(&mut tx, row.org, row.rules.generation).await?.ok_or(RulesError::NothingToUndo)?;
    if ctx.now.since(current.activated_at) > UNDO_FOR || current.kind == Change::Undo.as_str() {
        return Err(RulesError::NothingToUndo);
    }
    let previous = generation::find(&mut tx, row.org, current.previous).await?;
    let gave = |previous: &Generation| {
        ![Change::Revoke, Change::Freeze].iter().any(|out| previous.kind == out.as_str()) && previous.rules != "[]"
    };
    let active = previous.as_ref().is_some_and(gave);
    let rules: Vec<Frozen> = match &previous {
        Some(previous) => serde_json::from_str(&previous.rules).map_err(|_| RulesError::Corrupt("generation"))?,
        None => Vec::new(),
    };
    let flip = Flip { change: Change::Undo, rules: &rules, active, digest: "", summary: "{}" };
    let compiled = again.filter(|(number, _)| *number == current.previous).map(|(_, compiled)| compiled);
    flip_to(app, (held, tx), &ctx, &row, flip, ("rules.undone", compiled)).await
}

/// The generation before the one in force, with its rules compiled while nobody waits.
async fn before(app: &App, account: AccountId) -> Result<Option<(i64, Arc<RuleSet>)>, RulesError> {
    let mut conn = app.db.read().await?;
    let row = account::find(&mut conn, account).await?.ok_or(RulesError::Missing("org"))?;
    let Some(current) = generation::find(&mut conn, row.org, row.rules.generation).await? else { return Ok(None) };
    let compiled = Arc::clone(&app.memory()).rules.rules(&mut conn, row.org, current.previous).await?;
    Ok(Some((current.previous, compiled)))
}
