//! Mail to people: written in the transaction of its cause, sent after the commit.
//!
//! ```text
//! send (in the cause's transaction) ─► outbox ─► claim, commit ─► render, deliver ─► sent, commit
//!                                        ▲                            │ failed
//!                                        └── ever later, MOST_TRIES ──┘ then given up, for the doctor to tell
//! ```
//! A message is written once for each key of its cause, whatever is retried there, and one node at a time sends it. A node
//! that dies while it does may have sent it: it is sent again when that node's time has run out, with the same Message-ID.
//! What a message says is sealed at rest, for it may hold a link that opens an account, and is forgotten once it was sent.

mod compose;
mod message;
pub(crate) mod owners;
mod page;

use std::time::Duration;

use cardea_connect::mail::PATIENCE;
use cardea_connect::{Letter, Mail, MailError};
use cardea_model::fault::whole;
use cardea_model::id::MailId;
use cardea_model::name::Email;
use cardea_model::{Caller, Permission, Place, Timestamp};
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::{mail as outbox, person};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

pub use message::{Message, Proof, Removed};

use crate::app::App;
use crate::context::Ctx;
use crate::error::GatewayError;

/// How often a message is tried: for about two days.
const MOST_TRIES: i64 = 16;
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3600);
/// How long a node has a message to itself: longer than one can be on its way.
const LEASE: Duration = PATIENCE.saturating_mul(2);
const BATCH: i64 = 50;
const LOOK_EVERY: Duration = Duration::from_millis(500);
const SWEEP_EVERY: Duration = Duration::from_secs(3600);
/// How long the outbox remembers what is over, and with it the key that keeps a cause from writing twice.
const REMEMBERED: Duration = Duration::from_secs(90 * 86_400);

/// The node's sender.
pub struct Post {
    mail: Mail,
    /// One round at a time: whoever comes second finds sent what the first has sent.
    round: Mutex<()>,
}

impl Post {
    /// A sender by this way.
    pub(crate) fn new(mail: Mail) -> Self {
        Self { mail, round: Mutex::default() }
    }
}

/// Writes a message into the outbox, in the transaction of its cause; it is sent after the commit, once for each
/// `dedup_key`. Must stand before the feed's counter is taken, and takes no lock but its own row's.
///
/// # Errors
/// The database's.
pub async fn send(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    to: &Email,
    message: &Message,
    dedup_key: &str,
) -> Result<(), DbError> {
    let id = MailId::new(ctx.now, &*app.random);
    #[expect(clippy::expect_used, reason = "a message is strings, numbers and times under names of its own")]
    let plain = serde_json::to_vec(message).expect("a message is JSON");
    let mail = outbox::Mail {
        id,
        to: to.shown.clone(),
        kind: message.kind().to_owned(),
        document: app.peppers.sealer().seal(&*app.random, &purpose(id), &plain),
        created_at: ctx.now,
        due_at: ctx.now,
        attempts: 0,
    };
    outbox::add(tx, &mail, dedup_key).await?;
    Ok(())
}

/// Who speaks, as people are told: their name, and their address if it is another word.
pub(crate) async fn speaker(conn: &mut Conn, ctx: &Ctx) -> Result<String, DbError> {
    let Caller::Person(speaker) = &ctx.caller else { return Ok("an operator of this instance".to_owned()) };
    let known = person::find(conn, speaker.user).await?;
    Ok(known.map_or_else(String::new, |person| called(&person.name, person.email.as_deref())))
}

/// Somebody by their name, and their address if it is another word.
pub(crate) fn called(name: &str, email: Option<&str>) -> String {
    match email {
        Some(email) if email != name => format!("{name} ({email})"),
        Some(_) | None => name.to_owned(),
    }
}

/// Whether this can be somebody's words in a message: plain text of at most `most` bytes.
pub(crate) fn is_text(text: &str, most: usize) -> bool {
    text.len() <= most && !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

/// Where a sealed message belongs.
fn purpose(id: MailId) -> String {
    format!("mail_outbox/{id}/document")
}

/// Sends every message that is due; returns how many have left.
///
/// # Errors
/// The database's. What fails on the way is put off and counted.
pub async fn send_due(app: &App) -> Result<usize, DbError> {
    let _round = app.post.round.lock().await;
    let mut sent = 0;
    loop {
        let now = app.clock.now();
        let due = outbox::due(&mut app.db.read().await?, now, BATCH).await?;
        let last = due.len() < usize::try_from(BATCH).unwrap_or(usize::MAX);
        for mail in due {
            sent += usize::from(send_one(app, &mail, now).await?);
        }
        if last {
            return Ok(sent);
        }
    }
}

/// Whether it has left now.
async fn send_one(app: &App, mail: &outbox::Mail, now: Timestamp) -> Result<bool, DbError> {
    let until = now.after(LEASE);
    let mut tx = app.db.write().await?;
    if !outbox::claim(&mut tx, mail, until).await? {
        return Ok(false);
    }
    tx.commit().await?;
    let outcome = deliver(app, mail).await;
    let mut tx = app.db.write().await?;
    let word = match &outcome {
        Ok(()) => {
            outbox::sent(&mut tx, mail.id, until, app.clock.now()).await?;
            "sent"
        }
        Err(error) => {
            tracing::warn!(mail.id = %mail.id, mail.kind, error = whole(error), "a message was not sent");
            let next = next_try(error, mail.attempts, app.clock.now());
            outbox::failed(&mut tx, mail.id, until, &error.to_string(), next).await?;
            if next.is_some() { "put_off" } else { "given_up" }
        }
    };
    tx.commit().await?;
    app.metrics.mailed(word);
    Ok(outcome.is_ok())
}

/// Why a message did not leave.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// What it says cannot be read back.
    #[error("the stored message cannot be read")]
    Unreadable,
    /// It was not taken.
    #[error(transparent)]
    Mail(#[from] MailError),
}

async fn deliver(app: &App, mail: &outbox::Mail) -> Result<(), Failure> {
    let plain = app.peppers.sealer().open(&purpose(mail.id), &mail.document).map_err(|_| Failure::Unreadable)?;
    let message: Message = serde_json::from_slice(&plain).map_err(|_| Failure::Unreadable)?;
    let to = Email::parse(&mail.to).ok_or(Failure::Unreadable)?;
    let page = compose::page(&message);
    let letter = Letter {
        id: mail.id.to_string(),
        to,
        reply_to: message.reply_to(),
        text: page.text(&app.settings.public_url),
        html: page.html(&app.settings.public_url),
        subject: page.subject,
        at: mail.created_at,
    };
    Ok(app.post.mail.deliver(&letter).await?)
}

/// When a message that failed after `attempts` others is tried again; never, if that is of no use.
fn next_try(error: &Failure, attempts: i64, now: Timestamp) -> Option<Timestamp> {
    let hopeless = match error {
        Failure::Unreadable => true,
        Failure::Mail(error) => error.is_final(),
    };
    if hopeless || attempts + 1 >= MOST_TRIES {
        return None;
    }
    let doubled = u32::try_from(attempts.clamp(0, MOST_TRIES)).unwrap_or(0);
    let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doubled)).min(LONGEST_PAUSE);
    Some(now.after(pause))
}

/// Sends messages as they come, until the node stops.
pub async fn run(app: App, stop: CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    let mut tidy = tokio::time::interval(SWEEP_EVERY);
    loop {
        let worked = tokio::select! {
            _ = look.tick() => send_due(&app).await.map(drop),
            _ = tidy.tick() => sweep(&app).await,
            () = stop.cancelled() => return,
        };
        if let Err(error) = worked {
            tracing::warn!(error = whole(&error), "mail waits for the database");
        }
    }
}

async fn sweep(app: &App) -> Result<(), DbError> {
    let mut tx = app.db.write().await?;
    outbox::sweep(&mut tx, app.clock.now().before(REMEMBERED)).await?;
    tx.commit().await
}

/// How the outbox is.
#[derive(Clone, Debug, Serialize)]
pub struct Queue {
    /// Messages that are to be sent.
    pub waiting: i64,
    /// Those of them that were not taken at least once.
    pub failing: i64,
    /// Messages that will not be tried again.
    pub given_up: i64,
    /// Why the newest of those that were not taken was not.
    pub error: Option<String>,
}

/// Looks at the outbox, for an operator.
///
/// # Errors
/// Refusals and the database's.
pub async fn queue(app: &App, ctx: &Ctx) -> Result<Queue, GatewayError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    let mut conn = app.db.read().await?;
    let outbox::Counts { waiting, failing, given_up } = outbox::counts(&mut conn).await?;
    Ok(Queue { waiting, failing, given_up, error: outbox::last_error(&mut conn).await? })
}

#[cfg(test)]
mod tests;
