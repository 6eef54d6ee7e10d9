//! The audit log: an event is written in the transaction that it describes; a sealer chains what has been committed.
//!
//! ```text
//! hash(n) = SHA-256( hash(n-1) ‖ n ‖ for each field: its length as 8 bytes, the field )
//! ```
//! Chaining inside each transaction would make all writers queue on the last hash; so rows wait up to a second for their
//! place, and [`verify`] says how many wait.

use std::time::Duration;

use cardea_model::Permission;
use cardea_model::fault::whole;
use cardea_model::id::{AccountId, AuditId};
use cardea_store::audit as rows;
use cardea_store::audit::Event;
use cardea_store::db::{DbError, Tx};
use cardea_store::setting;
use cardea_tokens::hash::sha256;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::context::Ctx;
use crate::error::GatewayError;

const BATCH: i64 = 1000;
/// How often the sealer looks; a row waits no longer than this and the time of one batch.
pub const SEAL_EVERY: Duration = Duration::from_millis(500);

/// Writes an event into the caller's transaction. `detail` must hold no secret.
#[expect(clippy::too_many_arguments, reason = "an event has these parts, and every caller names all of them")]
pub(crate) async fn record(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    account: Option<AccountId>,
    action: &str,
    target: &str,
    detail: Value,
) -> Result<(), DbError> {
    let event = Event {
        id: AuditId::new(ctx.now, &*app.random),
        at: ctx.now,
        account,
        actor: ctx.actor(),
        action: action.to_owned(),
        target: target.to_owned(),
        request: ctx.request,
        detail: detail.to_string(),
    };
    rows::add(tx, &event).await
}

/// What [`verify`] found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Verdict {
    /// How many events the chain holds and proves.
    pub sealed: i64,
    /// How many events wait for their place.
    pub unsealed: usize,
    /// The place of the first event that is missing or altered.
    pub broken_at: Option<i64>,
}

/// Walks the whole chain from its beginning and computes every hash anew.
///
/// # Errors
/// The database's.
pub async fn verify(app: &App) -> Result<Verdict, DbError> {
    let mut conn = app.db.read().await?;
    let end = rows::sealed_count(&mut conn).await?;
    let (mut seq, mut hash) = (0, genesis());
    loop {
        let batch = rows::sealed_after(&mut conn, seq, BATCH).await?;
        if batch.is_empty() {
            break;
        }
        for sealed in batch {
            hash = link(&hash, sealed.seq, &sealed.event);
            if sealed.seq != seq + 1 || sealed.hash != hash {
                return Ok(Verdict { sealed: seq, unsealed: 0, broken_at: Some(seq + 1) });
            }
            seq = sealed.seq;
        }
    }
    let unsealed = rows::unsealed(&mut conn, BATCH).await?.len();
    // Rows cut off at the end leave no gap: only the counter remembers them.
    Ok(Verdict { sealed: seq, unsealed, broken_at: (seq < end).then_some(seq + 1) })
}

/// Gives every committed event that has none its place in the chain; returns how many.
///
/// # Errors
/// The database's; then nothing is sealed.
pub async fn seal(app: &App) -> Result<usize, DbError> {
    let waiting = rows::unsealed(&mut app.db.read().await?, 1).await?;
    if waiting.is_empty() {
        return Ok(0);
    }
    let mut tx = app.db.write().await?;
    // The counter is locked first, so that two nodes never chain at once.
    let end = rows::advance(&mut tx, 0).await?;
    let events = rows::unsealed(&mut tx, BATCH).await?;
    let mut hash = match setting::get(&mut tx, LAST_HASH).await? {
        Some(text) => text,
        None => hex(&genesis()),
    };
    let mut seq = end;
    for event in &events {
        seq += 1;
        let next = link(&unhex(&hash), seq, event);
        rows::seal(&mut tx, event.id, seq, &next).await?;
        hash = hex(&next);
    }
    rows::advance(&mut tx, seq - end).await?;
    setting::put(&mut tx, LAST_HASH, &hash).await?;
    tx.commit().await?;
    Ok(events.len())
}

/// Seals until the node stops, and once more then.
pub async fn run(app: App, stop: CancellationToken) {
    let mut tick = tokio::time::interval(SEAL_EVERY);
    loop {
        let stopping = tokio::select! {
            _ = tick.tick() => false,
            () = stop.cancelled() => true,
        };
        if let Err(error) = seal(&app).await {
            tracing::warn!(error = whole(&error), "the audit log could not be sealed; it is tried again");
        }
        if stopping {
            return;
        }
    }
}

const LAST_HASH: &str = "audit.last_hash";

fn genesis() -> Vec<u8> {
    sha256(b"cardea audit chain 1").to_vec()
}

fn link(before: &[u8], seq: i64, event: &Event) -> Vec<u8> {
    let account = event.account.map(|id| id.to_string()).unwrap_or_default();
    let (id, request) = (event.id.to_string(), event.request.to_string());
    let at = event.at.as_micros().to_string();
    let fields = [&id, &at, &account, &event.actor, &event.action, &event.target, &request, &event.detail];
    let mut text = before.to_vec();
    text.extend_from_slice(&seq.to_be_bytes());
    for field in fields {
        text.extend_from_slice(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        text.extend_from_slice(field.as_bytes());
    }
    sha256(&text).to_vec()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).filter_map(|d| u8::try_from(d).ok()).collect();
    digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
}

/// An audit event as it is shown.
#[derive(Clone, Debug, serde::Serialize)]
pub struct EventView {
    /// The event.
    pub id: AuditId,
    /// When.
    pub at: cardea_model::Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To what.
    pub target: String,
    /// In which request.
    pub request_id: String,
    /// More.
    pub detail: Value,
}

/// Events of an account before the event `before` (empty for the newest), newest first.
///
/// # Errors
/// Refusals and the database's.
pub async fn list(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    before: &str,
    limit: i64,
) -> Result<Vec<EventView>, GatewayError> {
    ctx.may(Permission::ReadAudit, account)?;
    // Every id sorts before this one, in any collation.
    let before = if before.is_empty() { "aud_ffffffffffffffffffffffffffffffff" } else { before };
    let events = rows::page(&mut app.db.read().await?, account, before, limit).await?;
    let view = |event: Event| EventView {
        id: event.id,
        at: event.at,
        actor: event.actor,
        action: event.action,
        target: event.target,
        request_id: event.request.to_string(),
        detail: serde_json::from_str(&event.detail).unwrap_or(Value::Null),
    };
    Ok(events.into_iter().map(view).collect())
}
