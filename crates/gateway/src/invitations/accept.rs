//! Accepting an invitation: by whoever has signed in and is proven to have the invited address, or by somebody new, whom
//! the link proves to have it, because it went there. Looking at the link changes nothing: mail scanners follow links too.

use cardea_model::id::{MemberId, SessionId, TeamId, UserId};
use cardea_model::name::Email;
use cardea_model::rule::{AccountRole, RuleGrant};
use cardea_model::{Caller, Denied, Permission, Place, Standing, Timestamp};
use cardea_store::account::{self, Account};
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::grant::{self, Role};
use cardea_store::invitation::{self as rows, Invitation};
use cardea_store::member::{self, Member};
use cardea_store::{hold, leaving, password as passwords, person};
use cardea_tokens::format::{Prefix, parse};
use secrecy::SecretString;
use serde_json::json;

use super::given::{self, Offer};
use super::{InvitationError, InvitedAs, State, standing};
use crate::app::App;
use crate::context::Ctx;
use crate::login::{self, Route};
use crate::members::LEFT_ACCOUNT;
use crate::pause::Point;
use crate::roles::{self, Source};
use crate::{accounts, audit, mail, revocation, rules, session};

/// Why a role is not given that whoever promised it could not give now.
const NO_MORE: &str = "whoever promised it may not give it any more";
/// How often accepting begins anew because somebody else has made the same person or member.
const TRIES: usize = 4;

/// What an invitation is for, to whoever holds its link.
#[derive(Clone, Debug)]
pub struct Look {
    /// The account.
    pub account: String,
    /// Its org.
    pub org: String,
    /// To be what.
    pub invited_as: InvitedAs,
    /// The invited address.
    pub email: String,
    /// Who invites.
    pub inviter: String,
    /// What they say.
    pub message: Option<String>,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
    /// How it can be accepted in this browser.
    pub way: Way,
}

/// How an invitation can be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// As the one who is signed in.
    AsYou,
    /// Not as this one, who is signed in.
    NotAs(String),
    /// After signing in: the address is somebody's, or its people sign in at their own provider.
    SignIn,
    /// By choosing a password.
    ChoosePassword,
}

/// What has come of an acceptance.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The org.
    pub org: String,
    /// The address, to sign in with.
    pub email: String,
    /// Whether the person is new, with the password that they chose.
    pub is_new: bool,
    /// The roles of the invitation that there was no way to give any more.
    pub dropped: Vec<Dropped>,
}

/// A role that an invitation promised and that was not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The role.
    pub role: RuleGrant,
    /// Why not.
    pub why: String,
}

/// What the link with this secret is for, and how whoever asks can accept.
///
/// # Errors
/// [`InvitationError`], if nobody can any more.
pub async fn look(app: &App, ctx: &Ctx, secret: &str) -> Result<Look, InvitationError> {
    let mut conn = app.db.read().await?;
    let row = find(app, &mut conn, ctx, secret).await?;
    let org = account::find(&mut conn, row.account).await?.ok_or(InvitationError::Link)?;
    Ok(Look {
        way: way(&mut conn, ctx, &row).await?,
        account: org.name,
        org: org.org_name,
        invited_as: InvitedAs::of(&row),
        message: (!row.message.is_empty()).then_some(row.message),
        email: row.email,
        inviter: row.inviter,
        expires_at: row.expires_at,
    })
}

/// The invitation whose newest link has this secret, if it can be accepted now.
async fn find(app: &App, conn: &mut Conn, ctx: &Ctx, secret: &str) -> Result<Invitation, InvitationError> {
    parse(secret).ok().filter(|parsed| parsed.prefix == Prefix::Link).ok_or(InvitationError::Link)?;
    for mac in app.peppers.macs(secret) {
        if let Some(row) = rows::of_mac(conn, &mac.to_bytes()).await? {
            return match State::of(&row, ctx.now) {
                State::Pending => Ok(row),
                State::Expired => Err(InvitationError::Expired),
                State::Accepted => Err(InvitationError::Accepted),
                State::Revoked => Err(InvitationError::Revoked),
            };
        }
    }
    Err(InvitationError::Link)
}

async fn way(conn: &mut Conn, ctx: &Ctx, row: &Invitation) -> Result<Way, InvitationError> {
    let known = person::with_email(conn, &row.email_normal).await?;
    if let Caller::Person(speaker) = &ctx.caller {
        if known.is_some_and(|person| person.id == speaker.user) {
            return Ok(Way::AsYou);
        }
        let other = person::find(conn, speaker.user).await?;
        return Ok(Way::NotAs(other.map_or_else(String::new, |it| mail::called(&it.name, it.email.as_deref()))));
    }
    // Whose domain has an identity provider proves there that the address is theirs still.
    let elsewhere = login::route_of(conn, &row.email).await?;
    Ok(if known.is_some() || elsewhere != Route::Password { Way::SignIn } else { Way::ChoosePassword })
}

/// Accepts an invitation, once. `password` is what somebody new chooses.
///
/// # Errors
/// [`InvitationError`]; then nothing has changed.
pub async fn accept(
    app: &App,
    ctx: &Ctx,
    secret: &str,
    password: Option<SecretString>,
) -> Result<Accepted, InvitationError> {
    let mut conn = app.db.read().await?;
    let row = find(app, &mut conn, ctx, secret).await?;
    let way = way(&mut conn, ctx, &row).await?;
    let about = match account::find(&mut conn, row.account).await? {
        Some(org) => vec![row.email.clone(), org.name, org.org_name],
        None => return Err(InvitationError::Link),
    };
    let mut known = standing(&mut conn, row.account, &row.email_normal).await?.map(|member| member.id);
    drop(conn);
    let hash = match way {
        Way::AsYou => None,
        Way::NotAs(_) => return Err(InvitationError::OtherAddress),
        Way::SignIn => return Err(InvitationError::SignIn),
        Way::ChoosePassword => {
            let chosen = password.ok_or(InvitationError::Password)?;
            Some(app.passwords.hash(&*app.random, chosen, &about).await.map_err(accounts::AccountError::from)?)
        }
    };
    app.pause.at(Point::Acceptance).await;
    for _ in 0..TRIES {
        match try_accept(app, ctx, secret, known, hash.as_deref()).await {
            Ok(Outcome::Done(accepted)) => return Ok(accepted),
            Ok(Outcome::Known(member)) => known = Some(member),
            // Somebody else has made the same person or member at this moment: look again.
            Err(InvitationError::Database(DbError::Conflict)) => {}
            Err(error) => return Err(error),
        }
    }
    Err(DbError::Busy.into())
}

enum Outcome {
    Done(Accepted),
    /// This member is there by now, and has to be locked first.
    Known(MemberId),
}

/// `known` is the member whom the invited person is already. Everything is asked again under the locks: of the members in
/// the order of their ids, of the org, whose teams and services stand still, and of the account.
async fn try_accept(
    app: &App,
    ctx: &Ctx,
    secret: &str,
    known: Option<MemberId>,
    hash: Option<&str>,
) -> Result<Outcome, InvitationError> {
    let (mut tx, ctx) = session::write(app, ctx, known).await?.ok_or(Denied::Unknown)?;
    let row = find(app, &mut tx, &ctx, secret).await?;
    let org = account::find(&mut tx, row.account).await?.ok_or(InvitationError::Link)?;
    account::lock_org(&mut tx, org.org).await?;
    account::lock(&mut tx, org.id).await?;
    let row = find(app, &mut tx, &ctx, secret).await?;
    let org = account::find(&mut tx, row.account).await?.ok_or(InvitationError::Link)?;
    if org.org_kind == "individual" {
        return Err(InvitationError::Individual);
    }
    let email = Email::parse(&row.email).ok_or(InvitationError::Corrupt("address"))?;
    let inviter = inviter(app, &mut tx, &ctx, &row).await?;
    let user = who(app, &mut tx, &ctx, &email, hash).await?;
    let member = member::of_user(&mut tx, org.id, user).await?;
    if let Some(member) = member.as_ref().filter(|member| Some(member.id) != known) {
        return Ok(Outcome::Known(member.id));
    }
    let dropped = take_in(app, &mut tx, &ctx, (&org, &row, inviter.as_ref(), &email), (user, member)).await?;
    tx.commit().await?;
    Ok(Outcome::Done(Accepted { org: org.org_name, email: email.shown, is_new: hash.is_some(), dropped }))
}

/// Whoever sent the invitation, as if they spoke now: what they could not promise any more is not given. None for an
/// operator, who belongs to no account.
async fn inviter(app: &App, tx: &mut Tx, ctx: &Ctx, row: &Invitation) -> Result<Option<Ctx>, InvitationError> {
    let Ok(user) = row.invited_by.parse::<UserId>() else { return Ok(None) };
    let member = member::of_user(tx, row.account, user).await?.ok_or(InvitationError::InviterGone)?;
    // Nothing that is asked of them here is asked of a session.
    let nowhere = SessionId::new(ctx.now, &*app.random);
    let person = session::speaking(app, tx, &member, (nowhere, ctx.now)).await?;
    let invites = match InvitedAs::of(row) {
        InvitedAs::Owner => member.owner,
        InvitedAs::Member => person.standing >= Standing::UserAdmin || !person.teams.is_empty(),
    };
    if !invites || member.numbers.held {
        return Err(InvitationError::InviterGone);
    }
    Ok(Some(ctx.with(Caller::Person(person))))
}

/// What the invitation makes of somebody in the account, as far as its inviter may still do that.
fn account_role(row: &Invitation, inviter: Option<&Ctx>) -> AccountRole {
    let promised = AccountRole::parse(&row.account_role);
    let may = |inviter: &Ctx| inviter.may(Permission::ManageAccountUsers, row.account).is_ok();
    let stands = InvitedAs::of(row) == InvitedAs::Owner || inviter.is_none_or(may);
    if stands { promised } else { AccountRole::Member }
}

/// The person who accepts: the one who speaks, if the address is proven to be theirs, or somebody new with a password.
async fn who(app: &App, tx: &mut Tx, ctx: &Ctx, email: &Email, hash: Option<&str>) -> Result<UserId, InvitationError> {
    let known = person::with_email(tx, &email.normal).await?;
    match (&ctx.caller, known, hash) {
        (Caller::Person(speaker), Some(person), _) if person.id == speaker.user => Ok(person.id),
        (Caller::Person(_), ..) => Err(InvitationError::OtherAddress),
        // Somebody with this address came meanwhile: a link gives nobody another's place.
        (_, Some(_), _) | (_, None, None) => Err(InvitationError::SignIn),
        (_, None, Some(hash)) => {
            let id = UserId::new(ctx.now, &*app.random);
            person::add(tx, id, &email.shown, Some(&email.shown), Some(&email.normal), ctx.now).await?;
            passwords::put(tx, id, hash, ctx.now).await?;
            Ok(id)
        }
    }
}

/// Makes the person a member, or takes them up again, with the roles that can still be given; ends the invitation. Returns
/// the roles that cannot.
async fn take_in(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    (org, row, inviter, email): (&Account, &Invitation, Option<&Ctx>, &Email),
    (user, known): (UserId, Option<Member>),
) -> Result<Vec<Dropped>, InvitationError> {
    let role = account_role(row, inviter);
    let returns = known.as_ref().is_some_and(|member| member.left_org_at.is_some());
    let id = match &known {
        Some(member) => {
            may_return(tx, member).await?;
            rules::keep(app, tx, member.clone()).await?;
            leaving::rejoin(tx, member.id).await?;
            if returns || role == AccountRole::Admin {
                member::set_account_role(tx, member.id, role.as_str()).await?;
            }
            member.id
        }
        None => {
            let id = MemberId::new(ctx.now, &*app.random);
            member::add(tx, id, org.id, user, role.as_str(), ctx.now).await?;
            id
        }
    };
    let member = member::find(tx, id).await?.ok_or(InvitationError::Corrupt("member"))?;
    let mut dropped = give(app, tx, ctx, (org, row, inviter), &member).await?;
    if role.as_str() != row.account_role {
        let role = RuleGrant { team: None, service: "account".to_owned(), role: row.account_role.clone() };
        dropped.push(Dropped { role, why: NO_MORE.to_owned() });
    }
    if !rows::end(tx, row.id, "accepted", Some(id), ctx.now).await? {
        return Err(InvitationError::Accepted);
    }
    let named: Vec<_> = dropped.iter().map(|dropped| &dropped.role).collect();
    let detail = json!({"user": user, "kind": row.kind, "new": known.is_none(), "dropped": named});
    audit::record(app, tx, ctx, Some(org.id), "invitation.accepted", &row.id.to_string(), detail).await?;
    // The feed's counter is taken from here on.
    if member.numbers.held {
        revocation::give_back(app, tx, ctx, (id, org.id), LEFT_ACCOUNT).await?;
    }
    match InvitedAs::of(row) {
        InvitedAs::Owner => {
            accounts::add_owner(app, tx, ctx, org, email, None).await?;
        }
        InvitedAs::Member => revocation::roles_changed(app, tx, id).await?,
    }
    Ok(dropped)
}

/// Whether nothing stands against a member's return but that they had left.
async fn may_return(tx: &mut Tx, member: &Member) -> Result<(), InvitationError> {
    let holds = if member.numbers.held { hold::of(tx, member.id).await? } else { Vec::new() };
    if holds.iter().any(|hold| hold.source != LEFT_ACCOUNT) { Err(InvitationError::Held) } else { Ok(()) }
}

/// Gives the roles of the invitation; returns those that are not there any more, not given by hand to this one, or not by
/// whoever promised them.
async fn give(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    (org, row, inviter): (&Account, &Invitation, Option<&Ctx>),
    member: &Member,
) -> Result<Vec<Dropped>, InvitationError> {
    let roles = given::read(row)?;
    let offer = Offer::read(tx, org).await?;
    let by_rules = roles::of(app, tx, member, ctx.now).await?.source == Source::Rules;
    let mut dropped = Vec::new();
    for role in roles {
        let found =
            if by_rules { Err("rules give the roles of this person".to_owned()) } else { offer.find(app, &role) };
        let may = |team: Option<TeamId>| {
            let place = team.map_or(Place::Account(org.id), |team| Place::Team(org.id, team));
            let given = inviter.map_or(Ok(()), |it| roles::may_give(app, it, &place, &role.service, &role.role));
            given.map(|()| team).map_err(|_| NO_MORE.to_owned())
        };
        match found.and_then(may) {
            Ok(team) => {
                let team_id = team.map_or_else(String::new, |team| team.to_string());
                let given = Role { team_id: &team_id, service: &role.service, role: &role.role };
                grant::add(tx, member.id, given, &row.invited_by, ctx.now).await?;
            }
            Err(why) => dropped.push(Dropped { role, why }),
        }
    }
    Ok(dropped)
}
