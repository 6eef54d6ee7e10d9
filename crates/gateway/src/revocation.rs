//! **The only place that ends access.**
//!
//! [`end_access`] runs inside the transaction of its cause, and every verdict rests on what it writes there:
//!
//! ```text
//! 0  the member's row is locked                   first, so that every issuing transaction waits for it or fails at it
//!    what else the cause writes                   records, people: before the feed, whose counter is one lock for all
//! 1  the member's row: epoch raised, held set
//! 2  the hold                                     who said so, and so who alone may lift it
//!    mail to the other owners                     if it is one of them
//! 3  receipt header, audit event, job             the evidence; the job lists what ended, no verdict waits for it
//! 4  the feed row                                 last, because its counter is one lock for all
//! ── commit ──
//! 5  this node's memory moves, the others are woken, before the commit returns to the cause
//! ```
//! Access that came back ([`give_back`]) raises the epoch once more: nothing made before it works again.

use cardea_model::id::{AccountId, JobId, MemberId, ReceiptId, UserId};
use cardea_model::numbers::{Cause, HoldKind, Numbers, What};
use cardea_model::{Permission, Timestamp};
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::feed::Kind;
use cardea_store::{feed, hold, job, member, node, receipt};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::error::GatewayError;
use crate::mail;

/// The kind of the job that lists what ended.
pub const LIST_ENDED: &str = "receipt.list";

/// Whose access ends, how, and why.
pub(crate) struct Ending<'a> {
    /// Whose.
    pub(crate) member: MemberId,
    /// What ends.
    pub(crate) what: What,
    /// The hold that stands from now on; only with [`What::All`].
    pub(crate) hold: Option<HoldKind>,
    /// Why.
    pub(crate) cause: Cause,
    /// Who says so, such as `directory:okta`; the holder of the hold.
    pub(crate) source: &'a str,
    /// The cause in the source's words, without secrets.
    pub(crate) message: &'a str,
}

/// What an end of access left behind.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// Its receipt.
    pub receipt: ReceiptId,
    /// The member's numbers from now on.
    pub numbers: Numbers,
}

/// Ends access in the caller's transaction; must be its first write and its last. `None`: there is no such member.
pub(crate) async fn end_access(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    ending: Ending<'_>,
) -> Result<Option<Ended>, DbError> {
    if member::lock(tx, ending.member).await? { end_locked(app, tx, ctx, ending).await } else { Ok(None) }
}

/// Ends access in the caller's transaction, whose first write was [`member::lock`] of this member or the member's own row,
/// and whose last write this is but for inserts. `None`: there is no such member.
pub(crate) async fn end_locked(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    ending: Ending<'_>,
) -> Result<Option<Ended>, DbError> {
    let holds = ending.hold.is_some() && ending.what == What::All;
    // Under the lock: what was issued while this request waited for it ends as well.
    let floor = app.clock.now().max(ctx.now);
    let Some(raised) = member::raise(tx, ending.member, ending.what, holds, floor).await? else {
        return Ok(None);
    };
    let (numbers, account) = (raised.numbers, raised.account);
    let id = ReceiptId::new(ctx.now, &*app.random);
    if let (true, Some(kind)) = (holds, ending.hold) {
        let fresh = hold::put(tx, ending.member, ending.source, kind, ctx.now, id).await?;
        if fresh && raised.owner {
            mail::owners::suspended(app, tx, ctx, (ending.member, account), (ending.source, id)).await?;
        }
    }
    let detail = json!({"what": ending.what, "cause": ending.cause, "source": ending.source, "message": ending.message, "receipt": id});
    audit::record(app, tx, ctx, Some(account), "access.ended", &ending.member.to_string(), detail).await?;
    job::add(tx, JobId::new(ctx.now, &*app.random), LIST_ENDED, &id.to_string(), ctx.now).await?;
    let nodes = alive(app, tx, ctx.now).await?;
    let committed_at = app.clock.now();
    let seq = feed::append(tx, Kind::Access, &ending.member.to_string(), numbers, committed_at).await?;
    let header = receipt::Header {
        id,
        account,
        member: ending.member,
        what: word(ending.what),
        cause: &cause_word(ending.cause),
        source: ending.source,
        message: ending.message,
        actor: &ctx.actor(),
        request: ctx.request,
        nodes: &nodes,
        seq,
        received_at: ctx.now,
        committed_at,
    };
    receipt::add(tx, &header).await?;
    moves(app, tx, ending.member, numbers);
    app.metrics.revocations.inc();
    Ok(Some(Ended { receipt: id, numbers }))
}

/// Lifts the hold of `source` in the caller's transaction, whose last write this is but for inserts. The member may act again once no hold stands; whatever ended
/// stays dead. `false`: this source holds nothing.
pub(crate) async fn give_back(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    whose: (MemberId, AccountId),
    source: &str,
) -> Result<bool, DbError> {
    let (id, _) = whose;
    // The row is written before the hold is read, so that an end of access at the same moment comes wholly before or after.
    if !member::lock(tx, id).await? || !hold::lift(tx, id, source).await? {
        return Ok(false);
    }
    settle(app, tx, ctx, whose, &[source]).await
}

/// Lifts every hold, whoever put it there and of whatever kind: an operator's way back for an owner whom a directory has
/// locked out. As [`give_back`] otherwise; `false`: nothing holds them.
pub(crate) async fn give_all_back(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    whose: (MemberId, AccountId),
) -> Result<bool, DbError> {
    let (id, _) = whose;
    if !member::lock(tx, id).await? {
        return Ok(false);
    }
    let holds = hold::of(tx, id).await?;
    if hold::lift_all(tx, id).await? == 0 {
        return Ok(false);
    }
    let sources: Vec<&str> = holds.iter().map(|hold| hold.source.as_str()).collect();
    settle(app, tx, ctx, whose, &sources).await
}

async fn settle(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    (id, account): (MemberId, AccountId),
    lifted: &[&str],
) -> Result<bool, DbError> {
    let Some(numbers) = member::settle_holds(tx, id).await? else { return Ok(false) };
    let detail = json!({"source": lifted.join(", "), "held": numbers.held});
    audit::record(app, tx, ctx, Some(account), "access.given_back", &id.to_string(), detail).await?;
    feed::append(tx, Kind::Access, &id.to_string(), numbers, app.clock.now()).await?;
    moves(app, tx, id, numbers);
    Ok(true)
}

/// Tells every node, in the caller's transaction, that the member's roles have changed.
pub(crate) async fn roles_changed(app: &App, tx: &mut Tx, id: MemberId) -> Result<(), DbError> {
    if let Some(numbers) = member::roles_changed(tx, id).await? {
        feed::append(tx, Kind::Roles, &id.to_string(), numbers, app.clock.now()).await?;
        moves(app, tx, id, numbers);
    }
    Ok(())
}

fn moves(app: &App, tx: &mut Tx, member: MemberId, numbers: Numbers) {
    let app = app.clone();
    tx.after_commit(move || app.memory().raise(member, &numbers));
}

/// A node as a receipt names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeName {
    /// The process.
    pub id: String,
    /// What its configuration calls it.
    pub name: String,
}

async fn alive(app: &App, tx: &mut Tx, now: Timestamp) -> Result<String, DbError> {
    let since = now.before(app.settings.bound.saturating_mul(5));
    let nodes = node::alive(tx, since).await?;
    let names: Vec<_> = nodes.into_iter().map(|node| NodeName { id: node.id.to_string(), name: node.name }).collect();
    Ok(serde_json::to_string(&names).unwrap_or_default())
}

const fn word(what: What) -> &'static str {
    match what {
        What::All => "all",
        What::Sessions => "sessions",
    }
}

fn cause_word(cause: Cause) -> String {
    match serde_json::to_value(cause) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// A receipt as it is shown: the cause, the commit, each node's time, and what ended.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// The receipt.
    pub id: ReceiptId,
    /// The member whose access ended.
    pub member: MemberId,
    /// That member's user.
    pub user: UserId,
    /// That person's name.
    pub person: String,
    /// Their address, if they have one.
    pub email: Option<String>,
    /// `all` or `sessions`.
    pub what: String,
    /// The cause, in snake case.
    pub cause: String,
    /// Who brought it.
    pub source: String,
    /// The cause in the source's words.
    pub message: String,
    /// The address or name of the person or operator who did it by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The request that brought it.
    pub request_id: String,
    /// When the cause arrived.
    pub received_at: Timestamp,
    /// When it was committed.
    pub committed_at: Timestamp,
    /// Every node that was alive then.
    pub nodes: Vec<NodeTime>,
    /// What ended and what was left; nothing until the list has been made.
    pub ended: Option<EndedList>,
    /// The number of its feed row: the place in the list of receipts.
    pub seq: i64,
}

/// One node on a receipt.
#[derive(Clone, Debug, Serialize)]
pub struct NodeTime {
    /// The process.
    pub id: String,
    /// What its configuration calls it.
    pub name: String,
    /// When it had applied the end; nothing while it has not said so. A node that does not hear of it within the bound
    /// refuses to answer from memory.
    pub applied_at: Option<Timestamp>,
    /// Microseconds from the commit to then.
    pub after_micros: Option<i64>,
}

/// What ended, by name, and what was left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedList {
    /// Keys that ended.
    pub keys: Vec<EndedKey>,
    /// How many sessions ended.
    pub sessions: usize,
    /// The same sessions, each with where it came from.
    #[serde(default)]
    pub named_sessions: Vec<EndedSession>,
    /// What was left and why, in sentences.
    pub left: Vec<String>,
}

/// A key on a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedKey {
    /// The key.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The public part of its secret.
    pub kid: String,
}

/// A session on a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedSession {
    /// The session.
    pub id: String,
    /// The connection it came through; none for a local sign-in.
    pub connection: Option<String>,
    /// When it began, in RFC 3339.
    pub began_at: String,
}

/// The receipts of an account, newest first, from the one before `before` on.
///
/// # Errors
/// Refusals and the database's.
pub async fn receipts(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Shown>, GatewayError> {
    ctx.may(Permission::SeeReceipts, account)?;
    let mut conn = app.db.read().await?;
    let rows = receipt::page(&mut conn, account, before.unwrap_or(i64::MAX), limit).await?;
    with_nodes(&mut conn, rows).await
}

/// Puts each node's time beside the receipts.
pub(crate) async fn with_nodes(conn: &mut Conn, rows: Vec<receipt::Receipt>) -> Result<Vec<Shown>, GatewayError> {
    let mut shown = Vec::new();
    for row in rows {
        let applied = receipt::applied(conn, row.seq).await?;
        shown.push(show(row, &applied));
    }
    Ok(shown)
}

/// One receipt of an account.
///
/// # Errors
/// Refusals, absence and the database's.
pub async fn receipt(app: &App, ctx: &Ctx, account: AccountId, id: ReceiptId) -> Result<Shown, GatewayError> {
    ctx.may(Permission::SeeReceipts, account)?;
    let mut conn = app.db.read().await?;
    let row = receipt::find(&mut conn, account, id).await?.ok_or(GatewayError::Missing("receipt"))?;
    let applied = receipt::applied(&mut conn, row.seq).await?;
    Ok(show(row, &applied))
}

fn show(row: receipt::Receipt, applied: &[receipt::Applied]) -> Shown {
    let names: Vec<NodeName> = serde_json::from_str(&row.nodes).unwrap_or_default();
    let nodes = names
        .into_iter()
        .map(|node| {
            let at = applied.iter().find(|applied| applied.node.to_string() == node.id).map(|applied| applied.at);
            let after = at.map(|at| at.as_micros().saturating_sub(row.committed_at.as_micros()).max(0));
            NodeTime { id: node.id, name: node.name, applied_at: at, after_micros: after }
        })
        .collect();
    Shown {
        id: row.id,
        member: row.member,
        user: row.user,
        person: row.person_name,
        email: row.person_email,
        what: row.what,
        cause: row.cause,
        source: row.source,
        message: row.message,
        by: row.by,
        request_id: row.request,
        received_at: row.received_at,
        committed_at: row.committed_at,
        nodes,
        ended: row.ended.and_then(|text| serde_json::from_str(&text).ok()),
        seq: row.seq,
    }
}
