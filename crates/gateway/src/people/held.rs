//! What a person holds and has lost, as an admin of the org sees it.

use cardea_model::id::{AccountId, SessionId, UserId};
use cardea_model::{Permission, Timestamp};
use cardea_store::{key, person, receipt, session};

use super::{Sight, seen};
use crate::app::App;
use crate::context::Ctx;
use crate::error::GatewayError;
use crate::keys::{self, KeyView};
use crate::revocation::{self, Shown};

/// At the most so many receipts of one person are listed.
const RECEIPTS: i64 = 50;

/// A session that lives.
#[derive(Clone, Debug)]
pub struct SessionView {
    /// The session.
    pub id: SessionId,
    /// The connection it came through; none for a local sign-in.
    pub connection: Option<String>,
    /// When it was opened.
    pub began_at: Timestamp,
    /// When it was last used, to the minute.
    pub used_at: Timestamp,
}

/// The last sign-in of somebody.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// Who.
    pub user: UserId,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: Option<String>,
    /// The connection; none for a local sign-in.
    pub connection: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// The keys of a user in this account that have not been deleted, oldest first.
///
/// # Errors
/// Refusals, absence and the database's.
pub async fn keys_of(app: &App, ctx: &Ctx, account: AccountId, user: &str) -> Result<Vec<KeyView>, GatewayError> {
    ctx.may(Permission::SeeUsers, account)?;
    let mut conn = app.db.read().await?;
    let row = seen(app, &mut conn, ctx, account, user).await?;
    // Whoever manages the users of a team sees what they are there, and not what they hold elsewhere.
    if [Permission::RevokeKeys, Permission::ManageAccountUsers].iter().all(|asked| ctx.may(*asked, account).is_err()) {
        return Ok(Vec::new());
    }
    let rows = key::of_member(&mut conn, row.member).await?;
    Ok(rows.into_iter().map(|key| keys::view(key, ctx.now, Some(row.numbers))).collect())
}

/// The living sessions of a user in this account, the latest used first.
///
/// # Errors
/// Refusals, absence and the database's.
pub async fn sessions_of(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    user: &str,
) -> Result<Vec<SessionView>, GatewayError> {
    ctx.may(Permission::SeeUsers, account)?;
    let mut conn = app.db.read().await?;
    let row = seen(app, &mut conn, ctx, account, user).await?;
    let idle = ctx.now.before(app.settings.session_idle);
    let rows = session::living(&mut conn, row.member, ctx.now, idle).await?;
    let view = |row: session::Living| SessionView {
        id: row.id,
        connection: row.connection,
        began_at: row.minted_at,
        used_at: row.seen_at,
    };
    Ok(rows.into_iter().map(view).collect())
}

/// What was taken from a user in this account, the latest first.
///
/// # Errors
/// Refusals, absence and the database's.
pub async fn receipts_of(app: &App, ctx: &Ctx, account: AccountId, user: &str) -> Result<Vec<Shown>, GatewayError> {
    ctx.may(Permission::SeeReceipts, account)?;
    let mut conn = app.db.read().await?;
    let row = seen(app, &mut conn, ctx, account, user).await?;
    let rows = receipt::of_member(&mut conn, account, row.member, RECEIPTS).await?;
    revocation::with_nodes(&mut conn, rows).await
}

/// The users of an account who signed in last, the latest first, each once.
///
/// # Errors
/// Refusals and the database's.
pub async fn signed_in_lately(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    limit: i64,
) -> Result<Vec<SignIn>, GatewayError> {
    ctx.may(Permission::SeeUsers, account)?;
    let mut conn = app.db.read().await?;
    let mut rows = person::signed_in_lately(&mut conn, account, limit).await?;
    // Who came in elsewhere is nothing to whoever manages teams only.
    if Sight::of(&mut conn, ctx).await? != Sight::Everybody {
        rows.clear();
    }
    let view = |row: person::SignIn| SignIn {
        user: row.person.id,
        name: row.person.name,
        email: row.person.email,
        connection: row.connection,
        at: row.at,
    };
    Ok(rows.into_iter().map(view).collect())
}
