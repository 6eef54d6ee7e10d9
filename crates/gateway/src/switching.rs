//! From one org to another without signing in anew.
//!
//! A session speaks for its person in another account only if whoever vouched for it may: the person's own password, or
//! the connection that their address belongs to. Another account's connection must not open this one's door; and where the
//! other org's own connection has the person's domain, the session must have come through that one.
//!
//! The session moves: the one in the other org lives no longer than the one that it came from would have, and ends when the
//! member it came from does ([`crate::session`]).

use cardea_model::id::{ConnectionId, MemberId, OrgId};
use cardea_model::name::{Email, fold};
use cardea_model::{Denied, Fault, Kind, Person};
use cardea_store::account;
use cardea_store::connection::{self, Connection};
use cardea_store::db::{Conn, DbError};
use cardea_store::member::{self, Member};
use cardea_store::person;
use cardea_store::session::{self as rows, Session};
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::session::{self, Opened};

/// Why somebody is not in the other org now.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// They are no member of such an org (404).
    #[error("you are in no such org")]
    Missing,
    /// Their access there was ended (403).
    #[error("your access there was ended")]
    Held,
    /// That org wants another sign-in (403).
    #[error("sign in for that org at {0}")]
    SignIn(String),
    /// The database did not do it.
    #[error("the database did not answer")]
    Database(#[source] DbError),
}

impl From<DbError> for SwitchError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl Fault for SwitchError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::Missing => Kind::Missing,
            Self::Held | Self::SignIn(_) => Kind::Refused,
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Missing => "not_found",
            Self::Held => "access_ended",
            Self::SignIn(_) => "sign_in_required",
            Self::Database(error) => error.code(),
        }
    }
}

/// An org that somebody is in.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// The org's id.
    pub id: OrgId,
    /// Its name.
    pub org: String,
    /// The account's name.
    pub account: String,
    /// The number that account and org share.
    pub number: i64,
    /// Whether they own it.
    pub owner: bool,
    /// Whether the session speaks there.
    pub current: bool,
    /// Where to sign in for it, if this session does not open it.
    pub sign_in: Option<String>,
}

/// The person who speaks, their session, and the connection of their address's domain.
struct Speaker {
    session: Session,
    home: Option<Connection>,
}

impl Speaker {
    async fn read(app: &App, conn: &mut Conn, ctx: &Ctx) -> Result<Self, SwitchError> {
        let speaker: &Person = session::speaker(ctx)?;
        let session = session::living(app, conn, speaker.session, ctx.now).await?.ok_or(Denied::Unknown)?;
        let person = person::find(conn, speaker.user).await?.ok_or(Denied::Unknown)?;
        let email = person.email.filter(|_| person.email_trusted).and_then(|text| Email::parse(&text));
        let home = match &email {
            Some(email) => connection::of_domain(conn, &email.domain).await?,
            None => None,
        };
        Ok(Self { session, home })
    }

    /// Whether whoever vouched for the session may speak for this person outside of their own account.
    fn is_vouched_for(&self) -> bool {
        let home: Option<ConnectionId> = self.home.as_ref().map(|row| row.id);
        self.session.connection.is_none() || self.session.connection == home
    }

    /// Where to sign in for this membership; nothing if a session that speaks for the person is enough.
    fn sign_in(&self, target: &Member) -> Option<String> {
        let enforced = self.home.as_ref().filter(|row| row.stage == "live" && row.account == target.account);
        let elsewhere = enforced.filter(|row| self.session.connection != Some(row.id));
        elsewhere.filter(|_| target.id != self.session.member.id).map(|row| format!("/login/{}", row.name))
    }
}

/// The orgs that the person who speaks is in, by name, whose names or accounts contain `part`. A session that does not
/// speak for the person elsewhere learns of nothing but its own org.
///
/// # Errors
/// [`SwitchError`].
pub async fn orgs(app: &App, ctx: &Ctx, part: &str) -> Result<Vec<Place>, SwitchError> {
    let mut conn = app.db.read().await?;
    let speaker = Speaker::read(app, &mut conn, ctx).await?;
    let (here, part) = (speaker.session.member.id, fold(part.trim()));
    let mut places = Vec::new();
    for target in member::all_of_user(&mut conn, speaker.session.member.user).await? {
        let shown = target.id == here || speaker.is_vouched_for() && is_open(&target);
        let Some(row) = account::find(&mut conn, target.account).await?.filter(|_| shown) else { continue };
        if fold(&row.org_name).contains(&part) || fold(&row.name).contains(&part) {
            places.push(Place {
                id: row.org,
                org: row.org_name,
                account: row.name,
                number: row.number,
                owner: target.owner,
                current: target.id == here,
                sign_in: speaker.sign_in(&target),
            });
        }
    }
    places.sort_by(|one, other| one.org.cmp(&other.org));
    Ok(places)
}

fn is_open(target: &Member) -> bool {
    !target.numbers.held && target.left_org_at.is_none()
}

/// A session that was moved.
pub struct Switched {
    /// The new session.
    pub session: Opened,
    /// The org in which it speaks.
    pub org: String,
}

/// Moves the session of whoever speaks to another org, by name or id.
///
/// # Errors
/// [`SwitchError`]; then the session stays where it is.
pub async fn switch(app: &App, ctx: &Ctx, org: &str) -> Result<Switched, SwitchError> {
    let target = find(app, ctx, org).await?;
    let (mut tx, ctx) = session::write(app, ctx, Some(target)).await?.ok_or(Denied::Unknown)?;
    let speaker = Speaker::read(app, &mut tx, &ctx).await?;
    let target = member::find(&mut tx, target).await?.ok_or(SwitchError::Missing)?;
    let is_here = target.id == speaker.session.member.id;
    if target.left_org_at.is_some() || !is_here && !speaker.is_vouched_for() {
        return Err(SwitchError::Missing);
    }
    if let Some(address) = speaker.sign_in(&target) {
        return Err(SwitchError::SignIn(address));
    }
    // The fence: both members are locked, and nothing ends either before the commit.
    if !member::enter(&mut tx, target.id, target.numbers.epoch, ctx.now).await? {
        return Err(SwitchError::Held);
    }
    let opened = session::open_from(app, &mut tx, &ctx, &target, &speaker.session).await?;
    rows::end(&mut tx, speaker.session.id, ctx.now).await?;
    let user = target.user.to_string();
    let detail = json!({"switched": true});
    audit::record(app, &mut tx, &ctx, Some(target.account), "login.succeeded", &user, detail).await?;
    let place = account::find(&mut tx, target.account).await?.ok_or(SwitchError::Missing)?;
    tx.commit().await?;
    Ok(Switched { session: opened, org: place.org_name })
}

/// The membership of whoever speaks in this org.
async fn find(app: &App, ctx: &Ctx, org: &str) -> Result<MemberId, SwitchError> {
    let user = session::speaker(ctx)?.user;
    let mut conn = app.db.read().await?;
    // No name has a NUL, and no database takes one.
    let known = if org.contains('\0') { None } else { account::of_org(&mut conn, org).await? };
    let row = known.ok_or(SwitchError::Missing)?;
    let member = member::of_user(&mut conn, row.id, user).await?;
    member.map(|member| member.id).ok_or(SwitchError::Missing)
}
