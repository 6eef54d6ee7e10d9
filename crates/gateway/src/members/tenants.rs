//! Who is in an account, and what they are there. Nothing in the org can be given here.

use cardea_model::id::{AccountId, UserId};
use cardea_model::rule::AccountRole;
use cardea_model::{Permission, Timestamp};
use cardea_store::db::Conn;
use cardea_store::member;
use cardea_store::person::{self, Listed, Within};
use serde::Serialize;
use serde_json::json;

use super::MemberError;
use super::grants::rules_of;
use crate::app::App;
use crate::context::Ctx;
use crate::people;
use crate::roles::{self, Source};
use crate::{audit, revocation};

/// A user of an account.
#[derive(Clone, Debug, Serialize)]
pub struct TenantView {
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
    /// When they left the org, if they did.
    pub left_org_at: Option<Timestamp>,
    /// When they left the account, if they did.
    pub left_account_at: Option<Timestamp>,
    /// When they were first known here.
    pub created_at: Timestamp,
    /// When they last signed in here.
    pub last_login_at: Option<Timestamp>,
}

/// At the most `limit` users of an account whose name or address contains `part`, after the user `after`: those who left too.
///
/// # Errors
/// [`MemberError`].
pub async fn tenants(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    (after, part): (&str, &str),
    limit: i64,
) -> Result<Vec<TenantView>, MemberError> {
    ctx.may(Permission::ManageAccountUsers, account)?;
    // Nothing stored has a NUL, and no database takes one.
    if after.contains('\0') || part.contains('\0') {
        return Ok(Vec::new());
    }
    let mut conn = app.db.read().await?;
    let mut users = Vec::new();
    for row in person::page(&mut conn, account, Within::Account, (after, part), limit).await? {
        users.push(view(app, &mut conn, row, ctx.now).await?);
    }
    Ok(users)
}

async fn view(app: &App, conn: &mut Conn, row: Listed, now: Timestamp) -> Result<TenantView, MemberError> {
    let member = member::find(conn, row.member).await?.ok_or(MemberError::Corrupt("member"))?;
    let held = roles::of(app, conn, &member, now).await?;
    Ok(TenantView {
        id: row.person.id,
        name: row.person.name,
        email: row.person.email,
        email_verified: row.person.email_proven,
        account_role: held.account_role.as_str().to_owned(),
        owner: row.owner,
        active: !row.numbers.held,
        left_org_at: row.left_org_at,
        left_account_at: row.left_account_at,
        created_at: row.created_at,
        last_login_at: row.last_login_at,
    })
}

/// Makes a user an admin of the account, or a plain member.
///
/// # Errors
/// [`MemberError`].
pub async fn set_account_role(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    user: &str,
    role: AccountRole,
) -> Result<TenantView, MemberError> {
    ctx.may(Permission::ManageAccountUsers, account)?;
    if role == AccountRole::Owner {
        return Err(MemberError::Ownership);
    }
    let (mut tx, ctx, member) = people::locked(app, ctx, account, user).await?;
    ctx.may(Permission::ManageAccountUsers, account)?;
    let held = roles::of(app, &mut tx, &member, ctx.now).await?;
    // An owner of the org is an admin of the account, or its owner.
    if member.owner || held.account_role == AccountRole::Owner {
        return Err(MemberError::OwnerImmutable);
    }
    if member.left_account_at.is_some() {
        return Err(MemberError::LeftAccount);
    }
    if held.source == Source::Rules {
        return Err(MemberError::RuleManaged(rules_of(&held)));
    }
    let target = member.user.to_string();
    if held.account_role != role {
        member::set_account_role(&mut tx, member.id, role.as_str()).await?;
        let detail = json!({"account_role": role.as_str()});
        audit::record(app, &mut tx, &ctx, Some(account), "user.account_role_changed", &target, detail).await?;
        revocation::roles_changed(app, &mut tx, member.id).await?;
    }
    tx.commit().await?;
    shown(app, &ctx, account, member.user).await
}

/// A user of an account as they are now.
pub(super) async fn shown(app: &App, ctx: &Ctx, account: AccountId, user: UserId) -> Result<TenantView, MemberError> {
    let mut conn = app.db.read().await?;
    let row = person::listed(&mut conn, account, user).await?.ok_or(MemberError::Missing("user"))?;
    view(app, &mut conn, row, ctx.now).await
}
