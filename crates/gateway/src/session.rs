//! What a session is good for: who speaks, as long as nothing has ended it.
//!
//! A session lives while all of this holds: it was not signed out, it is younger than the longest age, it was used within
//! the idle time, its member is not held, its epoch is the member's, and it was minted after the member's session floor.

use cardea_model::id::SessionId;
use cardea_model::numbers::{Cause, What};
use cardea_model::{Caller, Person, Standing, Timestamp, chance};
use cardea_store::db::{DbError, Tx};
use cardea_store::member::Member;
use cardea_store::session::{self as rows, New};
use cardea_tokens::hash::sha256;
use std::time::Duration;

use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::error::GatewayError;
use crate::revocation::{self, Ending};

/// Uses are noted to the minute.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// A session that was opened; its secret goes into the cookie and is stored nowhere.
pub struct Opened {
    /// 43 random letters and digits.
    pub secret: String,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// Opens a session in the caller's transaction, which has touched the member at `member.numbers.epoch`.
pub(crate) async fn open(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    member: &Member,
    connection: Option<cardea_model::id::ConnectionId>,
) -> Result<Opened, DbError> {
    let secret = chance::base62(&*app.random, 43);
    let expires_at = ctx.now.after(app.settings.session_max_age);
    let new = New {
        id: SessionId::new(ctx.now, &*app.random),
        secret_hash: sha256(secret.as_bytes()),
        member: member.id,
        connection,
        epoch: member.numbers.epoch,
        minted_at: ctx.now,
        expires_at,
    };
    rows::add(tx, &new).await?;
    Ok(Opened { secret, expires_at })
}

/// Who speaks with this secret; [`Caller::Nobody`] if nobody does any more.
///
/// # Errors
/// The database's: then nobody is let in on trust.
pub async fn caller(app: &App, secret: &str, now: Timestamp) -> Result<Caller, GatewayError> {
    let row = rows::find(&mut app.db.read().await?, &sha256(secret.as_bytes())).await?;
    let Some(row) = row.filter(|row| lives(app, row, now)) else { return Ok(Caller::Nobody) };
    if now.since(row.seen_at) >= NOTE_EVERY {
        let mut tx = app.db.write().await?;
        rows::seen(&mut tx, row.id, now).await?;
        tx.commit().await?;
    }
    let standing = match (row.owner, row.user_admin) {
        (true, _) => Standing::Owner,
        (false, true) => Standing::UserAdmin,
        (false, false) => Standing::Member,
    };
    Ok(Caller::Person(Person {
        user: row.user,
        member: row.member,
        account: row.account,
        org: row.org,
        standing,
        session: row.id,
    }))
}

fn lives(app: &App, row: &rows::Session, now: Timestamp) -> bool {
    !row.numbers.held
        && row.epoch == row.numbers.epoch
        && row.minted_at > row.numbers.session_floor
        && now < row.expires_at
        && now.since(row.seen_at) < app.settings.session_idle
}

/// Ends the session that speaks.
///
/// # Errors
/// The database's.
pub async fn sign_out(app: &App, ctx: &Ctx) -> Result<(), GatewayError> {
    let Caller::Person(person) = &ctx.caller else { return Ok(()) };
    let mut tx = app.db.write().await?;
    if rows::end(&mut tx, person.session, ctx.now).await? {
        let target = person.session.to_string();
        audit::record(app, &mut tx, ctx, Some(person.account), "session.signed_out", &target, serde_json::json!({}))
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Ends every session of the person who speaks, this one too. Their keys live on.
///
/// # Errors
/// Refusals and the database's.
pub async fn sign_out_everywhere(app: &App, ctx: &Ctx) -> Result<(), GatewayError> {
    let Caller::Person(person) = &ctx.caller else { return Err(cardea_model::Denied::Unknown.into()) };
    let mut tx = app.db.write().await?;
    let ending = Ending {
        member: person.member,
        what: What::Sessions,
        hold: None,
        cause: Cause::SignedOutEverywhere,
        source: "self",
        message: "signed out everywhere",
    };
    revocation::end_access(app, &mut tx, ctx, ending).await?;
    tx.commit().await?;
    Ok(())
}
