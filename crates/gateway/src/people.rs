//! Who is in an org, with which roles and why; and the door that an admin or operator can shut.

mod held;
mod list;
mod me;
mod sight;

pub use held::{SessionView, SignIn, keys_of, receipts_of, sessions_of, signed_in_lately};
pub use list::{Find, Listing, Show, list};
pub use me::{Here, Me, MeOrg, MeUser, Notice, here, me};

use cardea_model::id::{AccountId, UserId};
use cardea_model::numbers::{Cause, HoldKind, What};
use cardea_model::{Caller, Denied, Permission, Standing, Timestamp};
use cardea_store::account::{self, Account};
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::member::{self, Member};
use cardea_store::person::{self, Listed};
use cardea_store::{hold, identity, session};
use serde::Serialize;

use crate::app::App;
use crate::context::Ctx;
use crate::error::GatewayError;
use crate::provisioning::DIRECTORY;
use crate::revocation::{self, Ended, Ending};
pub use crate::roles::{BecauseView, RoleView, Source};
use crate::rules;
use crate::session as sessions;
pub(crate) use sight::Sight;

/// A user as an admin sees them in the list.
#[derive(Clone, Debug, Serialize)]
pub struct UserView {
    /// The user.
    pub id: UserId,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: Option<String>,
    /// Whether the address is proven to be theirs.
    pub email_verified: bool,
    /// `owner`, `admin` or `member` of the account.
    pub account_role: String,
    /// Whether they own the org.
    pub owner: bool,
    /// Whether nothing holds them.
    pub active: bool,
    /// Whether a source has deleted them; nothing lifts that.
    pub deleted: bool,
    /// How many keys of theirs live.
    pub keys: i64,
    /// When they were first known here.
    pub created_at: Timestamp,
    /// When they last signed in here.
    pub last_login_at: Option<Timestamp>,
    /// Where their roles come from.
    pub source: Source,
    /// Their roles.
    pub roles: Vec<RoleView>,
}

/// A user with all that an admin can know.
#[derive(Clone, Debug, Serialize)]
pub struct UserDetail {
    /// The user.
    #[serde(flatten)]
    pub user: UserView,
    /// Where they sign in and are provisioned.
    pub identities: Vec<IdentityView>,
    /// Why they may not act.
    pub holds: Vec<HoldView>,
    /// When they left the org, if they did; then they have no roles until somebody adds them again.
    pub left_org_at: Option<Timestamp>,
    /// How many sessions of theirs live.
    pub sessions: i64,
}

/// A user at one connection.
#[derive(Clone, Debug, Serialize)]
pub struct IdentityView {
    /// The connection's name.
    pub connection: String,
    /// The subject that signs in there; none until they have.
    pub subject: Option<String>,
    /// The name the directory knows them by.
    pub user_name: String,
    /// The directory's own id for them.
    pub external_id: Option<String>,
    /// Whether the directory manages them.
    pub managed: bool,
    /// What the directory last said.
    pub active: bool,
    /// When they last signed in through it.
    pub last_login_at: Option<Timestamp>,
}

/// A hold as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct HoldView {
    /// Who put it there.
    pub source: String,
    /// `disabled` or `deleted`.
    pub kind: String,
    /// Since when.
    pub since: Timestamp,
    /// The receipt of that end of access.
    pub receipt: cardea_model::id::ReceiptId,
}

/// The account of an org, by the org's name or id, if the caller may do this there.
///
/// # Errors
/// Whoever may not learns nothing: a refusal to a stranger reads as absence.
pub async fn account_of(app: &App, ctx: &Ctx, org: &str, permission: Permission) -> Result<Account, GatewayError> {
    if ctx.caller == Caller::Nobody {
        return Err(Denied::Unknown.into());
    }
    // No name has a NUL, and no database takes one.
    let known = if org.contains('\0') { None } else { account::of_org(&mut app.db.read().await?, org).await? };
    for_whom(ctx, known, "org", permission)
}

/// The account of this name or id, if the caller may do this there; as [`account_of`].
///
/// # Errors
/// Whoever may not learns nothing: a refusal to a stranger reads as absence.
pub async fn account_named(app: &App, ctx: &Ctx, name: &str, permission: Permission) -> Result<Account, GatewayError> {
    if ctx.caller == Caller::Nobody {
        return Err(Denied::Unknown.into());
    }
    let mut conn = app.db.read().await?;
    let known = match name.parse::<AccountId>() {
        Ok(id) => account::find(&mut conn, id).await?,
        Err(_) if name.contains('\0') => None,
        Err(_) => account::named(&mut conn, name).await?,
    };
    for_whom(ctx, known, "account", permission)
}

fn for_whom(
    ctx: &Ctx,
    known: Option<Account>,
    noun: &'static str,
    permission: Permission,
) -> Result<Account, GatewayError> {
    let row = known.ok_or(GatewayError::Missing(noun))?;
    match ctx.may(permission, row.id) {
        // Word for word the answer for one that is not there: a foreign one must not be told from it.
        Err(Denied::Hidden) => Err(GatewayError::Missing(noun)),
        Err(denied) => Err(denied.into()),
        Ok(()) => Ok(row),
    }
}

/// A user of an account, by id or address.
///
/// # Errors
/// Refusals, absence and the database's.
pub async fn show(app: &App, ctx: &Ctx, account: AccountId, user: &str) -> Result<UserDetail, GatewayError> {
    ctx.may(Permission::SeeUsers, account)?;
    let mut conn = app.db.read().await?;
    let row = find(&mut conn, account, user).await?;
    let (member, left_org_at) = (row.member, row.left_org_at);
    let sight = Sight::of(&mut conn, ctx).await?;
    let user = list::view(app, &mut conn, (row, &sight), ctx.now).await?.ok_or(GatewayError::Missing("user"))?;
    let holds = hold::of(&mut conn, member).await?.into_iter();
    let identities = identity::shown(&mut conn, member).await?.into_iter().map(|row| IdentityView {
        connection: row.connection,
        subject: row.subject,
        user_name: row.user_name,
        external_id: row.external_id,
        managed: row.managed,
        active: row.active,
        last_login_at: row.last_login_at,
    });
    Ok(UserDetail {
        identities: identities.collect(),
        holds: holds
            .map(|hold| HoldView { source: hold.source, kind: hold.kind, since: hold.since, receipt: hold.receipt })
            .collect(),
        left_org_at,
        sessions: session::count_living(&mut conn, member, ctx.now).await?,
        user,
    })
}

/// A user whom the caller sees.
async fn seen(app: &App, conn: &mut Conn, ctx: &Ctx, account: AccountId, user: &str) -> Result<Listed, GatewayError> {
    let row = find(conn, account, user).await?;
    let sight = Sight::of(conn, ctx).await?;
    if sight == Sight::Everybody || list::view(app, conn, (row.clone(), &sight), ctx.now).await?.is_some() {
        return Ok(row);
    }
    Err(GatewayError::Missing("user"))
}

/// A user of an account, by id or address, as a member.
pub(crate) async fn member_of(conn: &mut Conn, account: AccountId, user: &str) -> Result<Member, GatewayError> {
    let listed = find(conn, account, user).await?;
    member::find(conn, listed.member).await?.ok_or(GatewayError::Missing("user"))
}

/// A user of an account, by id or address, whoever asks.
async fn find(conn: &mut Conn, account: AccountId, user: &str) -> Result<Listed, GatewayError> {
    let found = match user.parse::<UserId>() {
        Ok(id) => person::listed(conn, account, id).await?,
        Err(_) => match cardea_model::name::Email::parse(user) {
            Some(email) => person::by_email(conn, account, &email.normal).await?,
            None => None,
        },
    };
    found.ok_or(GatewayError::Missing("user"))
}

/// Shuts the door on a user: everything they hold in this account ends, and nothing new is issued until the same hand
/// opens it again. An owner is out of an admin's reach.
///
/// # Errors
/// Refusals, absence and the database's.
pub async fn deactivate(app: &App, ctx: &Ctx, account: AccountId, user: &str) -> Result<Ended, GatewayError> {
    deactivate_because(app, ctx, account, user, "deactivated by hand").await
}

/// As [`deactivate`], with a reason in the caller's words for the receipt and the audit log.
///
/// # Errors
/// Refusals, absence and the database's.
pub async fn deactivate_because(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    user: &str,
    reason: &str,
) -> Result<Ended, GatewayError> {
    let (mut tx, ctx, member) = writing(app, ctx, account, user).await?;
    let (source, cause) = hand(&ctx);
    // A user_admin must not lock the owners out.
    if member.owner && cause == Cause::AdminDeactivated {
        return Err(Denied::Refused.into());
    }
    let ending =
        Ending { member: member.id, what: What::All, hold: Some(HoldKind::Disabled), cause, source, message: reason };
    let ended = revocation::end_access(app, &mut tx, &ctx, ending).await?;
    let ended = ended.ok_or(GatewayError::Missing("user"))?;
    tx.commit().await?;
    Ok(ended)
}

/// A transaction in which the caller opens or shuts the door on a user, who is locked; what the caller may and what the
/// user is are asked in it.
async fn writing(app: &App, ctx: &Ctx, account: AccountId, user: &str) -> Result<(Tx, Ctx, Member), GatewayError> {
    ctx.may(Permission::DeactivateUsers, account)?;
    let (tx, ctx, member) = locked(app, ctx, account, user).await?;
    ctx.may(Permission::DeactivateUsers, account)?;
    Ok((tx, ctx, member))
}

/// A transaction about a user, who is locked with the caller; what the caller may is to be asked of the answer.
pub(crate) async fn locked(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    user: &str,
) -> Result<(Tx, Ctx, Member), GatewayError> {
    let id = find(&mut app.db.read().await?, account, user).await?.member;
    let (mut tx, ctx) = sessions::write(app, ctx, Some(id)).await?.ok_or(Denied::Unknown)?;
    let member = member::find(&mut tx, id).await?.ok_or(GatewayError::Missing("user"))?;
    let member = rules::keep(app, &mut tx, member).await?;
    Ok((tx, ctx, member))
}

/// Opens the door again that the same hand had shut. What ended stays dead; `false`: this hand holds nothing.
///
/// To an owner, an operator opens it whoever had shut it: a directory must not lock the only owner out for good. Another
/// owner opens it if it was shut by a directory that has deleted its record of them since: nobody else can say otherwise.
///
/// # Errors
/// Refusals, absence and the database's.
pub async fn reactivate(app: &App, ctx: &Ctx, account: AccountId, user: &str) -> Result<bool, GatewayError> {
    let (mut tx, ctx, member) = writing(app, ctx, account, user).await?;
    let ((source, cause), whose) = (hand(&ctx), (member.id, account));
    let lifted = if member.owner && cause == Cause::OperatorDeactivated {
        revocation::give_all_back(app, &mut tx, &ctx, whose).await?
    } else {
        let mut lifted = revocation::give_back(app, &mut tx, &ctx, whose, source).await?;
        if member.owner && is_owner(&ctx) {
            for source in left_behind(&mut tx, &member).await? {
                lifted |= revocation::give_back(app, &mut tx, &ctx, whose, &source).await?;
            }
        }
        lifted
    };
    tx.commit().await?;
    Ok(lifted)
}

pub(crate) fn is_owner(ctx: &Ctx) -> bool {
    matches!(&ctx.caller, Caller::Person(person) if person.standing == Standing::Owner)
}

/// The directories that hold the member and have deleted their record of them.
async fn left_behind(conn: &mut Conn, member: &Member) -> Result<Vec<String>, DbError> {
    let known = identity::shown(conn, member.id).await?;
    let of = |source: &str| known.iter().any(|record| source.strip_prefix(DIRECTORY) == Some(&record.connection));
    let holds = hold::of(conn, member.id).await?.into_iter().map(|hold| hold.source);
    Ok(holds.filter(|source| source.starts_with(DIRECTORY) && !of(source)).collect())
}

/// Whose hold it is: all admins of an org share one, all operators another.
fn hand(ctx: &Ctx) -> (&'static str, Cause) {
    match ctx.caller {
        Caller::Person(_) => ("admin", Cause::AdminDeactivated),
        Caller::Nobody | Caller::Directory { .. } | Caller::Client(_) | Caller::Operator(_) | Caller::System(_) => {
            ("operator", Cause::OperatorDeactivated)
        }
    }
}
