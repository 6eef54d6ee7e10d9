//! What a session is good for: who speaks, as long as nothing has ended it.
//!
//! A session lives while all of this holds: it was not signed out, it is younger than the longest age, it was used within
//! the idle time, the connection it came through is not off, its member is not held, its epoch is the member's, and it was minted after the member's session floor.

pub mod own;

use cardea_model::id::{MemberId, SessionId};
use cardea_model::numbers::{Cause, What};
use cardea_model::{Caller, Denied, Permission, Person, Place, Standing, Timestamp, chance};
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::member::{self, Member};
use cardea_store::session::{self as rows, New};
use cardea_tokens::hash::sha256;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::error::GatewayError;
use crate::pause::Point;
use crate::revocation::{self, Ending};
use crate::roles;

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
    let mut conn = app.db.read().await?;
    let row = rows::find(&mut conn, &sha256(secret.as_bytes())).await?;
    let Some(row) = row.filter(|row| lives(app, row, now)) else { return Ok(Caller::Nobody) };
    let person = person(app, &mut conn, &row, now).await?;
    drop(conn);
    if now.since(row.seen_at) >= NOTE_EVERY {
        let mut tx = app.db.write().await?;
        rows::seen(&mut tx, row.id, now).await?;
        tx.commit().await?;
    }
    Ok(Caller::Person(person))
}

/// The person who speaks, about their own things.
pub(crate) fn speaker(ctx: &Ctx) -> Result<&Person, Denied> {
    ctx.caller.may(Permission::SeeSelf, &Place::Here)?;
    match &ctx.caller {
        Caller::Person(person) => Ok(person),
        Caller::Nobody | Caller::Directory { .. } | Caller::Client(_) | Caller::Operator(_) | Caller::System(_) => {
            Err(Denied::Refused)
        }
    }
}

/// Who speaks, with what they are at this moment.
async fn person(app: &App, conn: &mut Conn, row: &rows::Session, now: Timestamp) -> Result<Person, DbError> {
    let member = &row.member;
    let held = roles::of(app, conn, member, now).await?;
    let standing = match (member.owner, held.is_user_admin()) {
        (true, _) => Standing::Owner,
        (false, true) => Standing::UserAdmin,
        (false, false) => Standing::Member,
    };
    Ok(Person {
        user: member.user,
        member: member.id,
        account: member.account,
        org: member.org,
        standing,
        account_role: held.account_role,
        teams: roles::administered(conn, member, &held).await?,
        session: row.id,
    })
}

/// A transaction in which whoever speaks writes about somebody, or about nobody: see [`speaks`]. `None`: they speak no more.
pub(crate) async fn write(app: &App, ctx: &Ctx, about: Option<MemberId>) -> Result<Option<(Tx, Ctx)>, DbError> {
    app.pause.at(Point::Speaking).await;
    let mut tx = app.db.write().await?;
    Ok(speaks(app, &mut tx, ctx, about).await?.map(|ctx| (tx, ctx)))
}

/// Asks once more who speaks, inside the transaction that writes for them; what they may is to be asked of the answer.
/// `None`: their session has ended since the request came, and nothing is to be written. From here to the commit nothing
/// ends it.
///
/// The member whom the write is `about` is locked with the one who speaks, in the order of their ids, so that two who write
/// about each other do not wait for each other for ever. No other member may be locked before, unless the one who speaks was
/// locked with them in that order.
pub(crate) async fn speaks(app: &App, tx: &mut Tx, ctx: &Ctx, about: Option<MemberId>) -> Result<Option<Ctx>, DbError> {
    let speaker = match &ctx.caller {
        Caller::Person(person) => Some(person),
        Caller::Nobody | Caller::Directory { .. } | Caller::Client(_) | Caller::Operator(_) | Caller::System(_) => None,
    };
    let members: BTreeSet<MemberId> = about.into_iter().chain(speaker.map(|person| person.member)).collect();
    for id in members {
        member::lock(tx, id).await?;
    }
    let Some(speaker) = speaker else { return Ok(Some(ctx.clone())) };
    let row = rows::with_id(tx, speaker.session).await?.filter(|row| lives(app, row, ctx.now));
    let Some(row) = row else { return Ok(None) };
    let person = person(app, tx, &row, ctx.now).await?;
    Ok(Some(ctx.with(Caller::Person(person))))
}

fn lives(app: &App, row: &rows::Session, now: Timestamp) -> bool {
    let numbers = &row.member.numbers;
    !numbers.held
        && row.epoch == numbers.epoch
        && row.minted_at > numbers.session_floor
        && now < row.expires_at
        && now.since(row.seen_at) < app.settings.session_idle
}

/// Ends the session that speaks.
///
/// # Errors
/// The database's.
pub async fn sign_out(app: &App, ctx: &Ctx) -> Result<(), GatewayError> {
    let Caller::Person(person) = &ctx.caller else { return Ok(()) };
    let Some((mut tx, _)) = write(app, ctx, None).await? else { return Ok(()) };
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
    let Caller::Person(person) = &ctx.caller else { return Err(Denied::Unknown.into()) };
    let (mut tx, _) = write(app, ctx, None).await?.ok_or(Denied::Unknown)?;
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
