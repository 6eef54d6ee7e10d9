//! What a session is good for: who speaks, as long as nothing has ended it.
//!
//! A session lives while all of this holds: it was not signed out, it is younger than the longest age, it was used within
//! the idle time, the connection it came through is not off, its member is not held, its epoch is the member's, and it was
//! minted after the member's session floor. One that was opened by switching from another account besides needs all that to
//! hold of the member it came from.

pub mod own;

use cardea_model::id::{ConnectionId, MemberId, SessionId};
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

/// The provider's part in a sign-in.
pub(crate) struct Through {
    /// Where the person signed in.
    pub(crate) connection: ConnectionId,
    /// How the provider speaks of it.
    pub(crate) provider: rows::provider::Named,
    /// When the provider wants it to end at the latest.
    pub(crate) until: Option<Timestamp>,
}

/// Opens a session in the caller's transaction, which has touched the member at `member.numbers.epoch`.
pub(crate) async fn open(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    member: &Member,
    through: Option<Through>,
) -> Result<Opened, DbError> {
    let (secret, mut new) = fresh(app, ctx, member, through.as_ref().map(|through| through.connection));
    if let Some(through) = through {
        new.expires_at = through.until.map_or(new.expires_at, |until| until.min(new.expires_at));
        new.provider = Some(through.provider);
    }
    rows::add(tx, &new).await?;
    Ok(Opened { secret, expires_at: new.expires_at })
}

/// Moves a session to another member of the same person, in the caller's transaction, which has locked both and entered the
/// other. The new session lives no longer than the old one would have, and ends with the member who signed in.
pub(crate) async fn open_from(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    member: &Member,
    from: &rows::Session,
) -> Result<Opened, DbError> {
    let (secret, mut new) = fresh(app, ctx, member, from.connection);
    new.expires_at = from.expires_at.min(new.expires_at);
    rows::add(tx, &new).await?;
    rows::provider::goes_on(tx, new.id, from.id).await?;
    let (origin, epoch) = from.origin.map_or((from.member.id, from.epoch), |origin| (origin.member, origin.stamp));
    rows::comes_from(tx, new.id, origin, epoch).await?;
    Ok(Opened { secret, expires_at: new.expires_at })
}

fn fresh(app: &App, ctx: &Ctx, member: &Member, connection: Option<ConnectionId>) -> (String, New) {
    let secret = chance::base62(&*app.random, 43);
    let new = New {
        id: SessionId::new(ctx.now, &*app.random),
        secret_hash: sha256(secret.as_bytes()),
        member: member.id,
        connection,
        epoch: member.numbers.epoch,
        minted_at: ctx.now,
        expires_at: ctx.now.after(app.settings.session_max_age),
        provider: None,
    };
    (secret, new)
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

/// The session with this id, if it lives.
pub(crate) async fn living(
    app: &App,
    conn: &mut Conn,
    id: SessionId,
    now: Timestamp,
) -> Result<Option<rows::Session>, DbError> {
    Ok(rows::with_id(conn, id).await?.filter(|row| lives(app, row, now)))
}

/// Whether what came of this session and outlives it still may: signing out ends it, and so does time, but not the end of
/// the connection or of the member that it came from.
pub(crate) async fn may_be_outlived(conn: &mut Conn, id: SessionId) -> Result<bool, DbError> {
    let row = rows::ended_or_not(conn, id).await?;
    Ok(row.is_some_and(|row| came_rightly(&row)))
}

/// Who speaks, with what they are at this moment.
async fn person(app: &App, conn: &mut Conn, row: &rows::Session, now: Timestamp) -> Result<Person, DbError> {
    speaking(app, conn, &row.member, (row.id, now)).await
}

/// A member as one who speaks, with what they are at this moment.
pub(crate) async fn speaking(
    app: &App,
    conn: &mut Conn,
    member: &Member,
    (session, now): (SessionId, Timestamp),
) -> Result<Person, DbError> {
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
        session,
    })
}

/// A transaction in which whoever speaks writes about somebody, or about nobody: see [`speaks`]. `None`: they speak no more.
pub(crate) async fn write(app: &App, ctx: &Ctx, about: Option<MemberId>) -> Result<Option<(Tx, Ctx)>, DbError> {
    write_about(app, ctx, about.as_slice()).await
}

/// As [`write()`], about several.
pub(crate) async fn write_about(app: &App, ctx: &Ctx, about: &[MemberId]) -> Result<Option<(Tx, Ctx)>, DbError> {
    app.pause.at(Point::Speaking).await;
    let mut tx = app.db.write().await?;
    Ok(speaks(app, &mut tx, ctx, about).await?.map(|ctx| (tx, ctx)))
}

/// Asks once more who speaks, inside the transaction that writes for them; what they may is to be asked of the answer.
/// `None`: their session has ended since the request came, and nothing is to be written. From here to the commit nothing
/// ends it.
///
/// The members whom the write is `about` are locked with the one who speaks and the one they came from, in the order of
/// their ids, so that two who write about each other do not wait for each other for ever. No other member may be locked
/// before, unless the one who speaks was locked with them in that order.
pub(crate) async fn speaks(app: &App, tx: &mut Tx, ctx: &Ctx, about: &[MemberId]) -> Result<Option<Ctx>, DbError> {
    let speaker = match &ctx.caller {
        Caller::Person(person) => Some(person),
        Caller::Nobody | Caller::Directory { .. } | Caller::Client(_) | Caller::Operator(_) | Caller::System(_) => None,
    };
    // From whom a session came never changes: it may be read before any lock.
    let origin = match speaker {
        Some(person) => rows::with_id(tx, person.session).await?.and_then(|row| row.origin),
        None => None,
    };
    let speakers = speaker.map(|person| person.member).into_iter().chain(origin.map(|origin| origin.member));
    let members: BTreeSet<MemberId> = about.iter().copied().chain(speakers).collect();
    for id in members {
        member::lock(tx, id).await?;
    }
    let Some(speaker) = speaker else { return Ok(Some(ctx.clone())) };
    let Some(row) = living(app, tx, speaker.session, ctx.now).await? else { return Ok(None) };
    let person = person(app, tx, &row, ctx.now).await?;
    Ok(Some(ctx.with(Caller::Person(person))))
}

fn lives(app: &App, row: &rows::Session, now: Timestamp) -> bool {
    let numbers = &row.member.numbers;
    !numbers.held
        && row.epoch == numbers.epoch
        && row.minted_at > numbers.session_floor
        && came_rightly(row)
        && now < row.expires_at
        && now.since(row.seen_at) < app.settings.session_idle
}

/// Whether nothing has ended the access of the member from whom a session came by switching, if it did.
fn came_rightly(row: &rows::Session) -> bool {
    row.origin.is_none_or(|from| !from.held && from.stamp == from.epoch && row.minted_at > from.session_floor)
}

/// How long a sign-in counts as recent.
const RECENT: Duration = Duration::from_secs(15 * 60);

/// Whether whoever speaks has just proven who they are: what only they themselves may do asks for it. This is the one place
/// where more than a recent sign-in can be asked for. A session that came from another account proves nothing anew.
pub(crate) async fn is_recent(app: &App, conn: &mut Conn, ctx: &Ctx) -> Result<bool, DbError> {
    let Caller::Person(person) = &ctx.caller else { return Ok(false) };
    let Some(row) = rows::with_id(conn, person.session).await? else { return Ok(false) };
    Ok(row.origin.is_none() && ctx.now.since(signed_in_at(app, &row)) < RECENT)
}

/// When the person of this session proved who they are.
pub(crate) fn signed_in_at(app: &App, row: &rows::Session) -> Timestamp {
    // A session that goes on under another secret is minted anew, but ends when it would have: that tells the sign-in.
    row.expires_at.before(app.settings.session_max_age).min(row.minted_at)
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
