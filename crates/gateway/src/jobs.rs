//! Work that follows a commit. A job is written in the transaction that causes it, done in one of its own together with
//! its deletion, and tried again, ever more rarely, when it fails. No verdict depends on a job.

use std::time::Duration;

use cardea_model::fault::whole;
use cardea_model::id::ReceiptId;
use cardea_model::{Fault, Timestamp};
use cardea_store::db::{DbError, Tx};
use cardea_store::job::Job;
use cardea_store::saml as rows;
use cardea_store::{
    client_assertion, family, flow, idempotency, job, key, member, person, receipt, secret, session, token,
};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::error::GatewayError;
use crate::keys;
use crate::oauth::keyring;
use crate::pause::Point;
use crate::revocation::{EndedKey, EndedList, EndedSession, LIST_ENDED};
use crate::rules::{self, SETTLE};
use crate::saml;

const BATCH: i64 = 200;
const LOOK_EVERY: Duration = Duration::from_millis(200);
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How long a request that has been done is known by the name that its caller gave it.
const REPEATED_WITHIN: Duration = Duration::from_secs(7 * 86_400);
/// How long a key that has ended can be told from a forgery.
const TOMBSTONES: Duration = Duration::from_secs(365 * 86_400);

/// Does every job that is due; returns how many.
///
/// # Errors
/// The database's.
pub async fn run_due(app: &App) -> Result<usize, DbError> {
    app.pause.at(Point::Jobs).await;
    let now = app.clock.now();
    let jobs = job::due(&mut app.db.read().await?, now, BATCH).await?;
    let mut done = 0;
    for job in jobs {
        match perform(app, &job, now).await {
            Ok(()) => done += 1,
            Err(error) => put_off(app, &job, &error, now).await?,
        }
    }
    Ok(done)
}

async fn perform(app: &App, job: &Job, now: Timestamp) -> Result<(), GatewayError> {
    if job.kind == SETTLE {
        return rules::settle(app, job).await;
    }
    let mut tx = app.db.write().await?;
    // Another node may have done it since it was read.
    if !job::done(&mut tx, job.id).await? {
        return Ok(());
    }
    match job.kind.as_str() {
        LIST_ENDED => list_ended(&mut tx, &job.subject, now).await?,
        _ => return Err(GatewayError::Corrupt("job")),
    }
    tx.commit().await?;
    Ok(())
}

async fn put_off(app: &App, job: &Job, error: &GatewayError, now: Timestamp) -> Result<(), DbError> {
    app.metrics.job_failures.inc();
    tracing::warn!(job.id = %job.id, job.kind, error = whole(error), "a job failed and is put off");
    let exponent = u32::try_from(job.attempts.clamp(0, 12)).unwrap_or(12);
    let pause = Duration::from_secs(1 << exponent);
    let mut tx = app.db.write().await?;
    job::failed(&mut tx, job.id, error.code(), now.after(pause)).await?;
    tx.commit().await
}

/// Lists on the receipt what ended, and marks the rows of what the numbers have ended already.
async fn list_ended(tx: &mut Tx, subject: &str, now: Timestamp) -> Result<(), GatewayError> {
    let id: ReceiptId = subject.parse().map_err(|_| GatewayError::Corrupt("job"))?;
    let Some(header) = receipt::ending(tx, id).await? else { return Ok(()) };
    let Some(member) = member::find(tx, header.member).await? else { return Ok(()) };
    let mut list = EndedList::default();
    if header.what == "all" {
        // Whoever makes a key at this moment marks the dead ones too: one after the other.
        person::lock(tx, member.user).await?;
        let dead = key::ended_by(tx, header.member, header.epoch).await?.into_iter();
        list.keys = dead.map(|key| EndedKey { id: key.id.to_string(), name: key.name, kid: key.kid }).collect();
        key::revoke_before(tx, header.member, header.epoch, now).await?;
    } else {
        list.left.push("API keys, because only sessions were ended".to_owned());
    }
    let ended = session::ended_by(tx, header.member, header.session_floor, now).await?;
    list.sessions = ended.len();
    list.named_sessions = ended.into_iter().map(ended_session).collect();
    session::end_before(tx, header.member, header.session_floor, now).await?;
    if member.owner && header.what == "all" {
        list.left.push("ownership of the org, because nothing but another owner changes it".to_owned());
    }
    if member.left_org_at.is_some() && member.left_account_at.is_none() {
        list.left.push("the membership of the account, because only the org was left".to_owned());
    }
    let text = serde_json::to_string(&list).map_err(|_| GatewayError::Corrupt("receipt"))?;
    receipt::set_ended(tx, id, &text).await?;
    Ok(())
}

fn ended_session(row: session::Living) -> EndedSession {
    EndedSession { id: row.id.to_string(), connection: row.connection, began_at: row.minted_at.to_string() }
}

/// Removes what has expired and can tell nobody anything any more.
async fn sweep(app: &App) -> Result<(), DbError> {
    let now = app.clock.now();
    let mut tx = app.db.write().await?;
    flow::sweep(&mut tx, now).await?;
    session::sweep(&mut tx, now.before(Duration::from_secs(30 * 86_400))).await?;
    idempotency::sweep(&mut tx, now.before(REPEATED_WITHIN)).await?;
    secret::sweep(&mut tx, now.before(TOMBSTONES)).await?;
    // A day after its end a code or a token can tell nobody anything any more, not even that it was stolen.
    family::sweep(&mut tx, now.before(Duration::from_secs(86_400))).await?;
    client_assertion::sweep(&mut tx, now.before(Duration::from_secs(3600))).await?;
    token::sweep(&mut tx, now.before(Duration::from_secs(86_400))).await?;
    rows::sweep(&mut tx, now).await?;
    tx.commit().await
}

/// Tells people of keys that are about to expire, removes what is over, and turns the keys that sign.
///
/// # Errors
/// The database's, and a signing key that cannot be made.
pub async fn tidy_up(app: &App) -> Result<(), GatewayError> {
    keys::tell_expiring(app).await?;
    sweep(app).await?;
    saml::keys::turn_if_used(app).await?;
    if let Err(error) = saml::providers::refresh(app).await {
        tracing::warn!(error = whole(&error), "providers' metadata could not be looked at");
    }
    keyring::turn_if_used(app).await
}

/// Does jobs as they come and tidies up once a minute, until the node stops.
pub async fn run(app: App, stop: CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    let mut tidy = tokio::time::interval(SWEEP_EVERY);
    loop {
        let worked = tokio::select! {
            _ = look.tick() => run_due(&app).await.map(drop).map_err(GatewayError::from),
            _ = tidy.tick() => tidy_up(&app).await,
            () = stop.cancelled() => return,
        };
        if let Err(error) = worked {
            tracing::warn!(error = whole(&error), "jobs wait for the database");
        }
    }
}
