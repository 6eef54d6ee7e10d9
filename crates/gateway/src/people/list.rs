//! The users of an org, a page at a time.

use cardea_model::id::AccountId;
use cardea_model::numbers::HoldKind;
use cardea_model::{Permission, Timestamp};
use cardea_store::db::Conn;
use cardea_store::member;
use cardea_store::person::{self, Listed, Within};
use cardea_store::{hold, key};
use serde::Deserialize;

use super::{Sight, UserView};
use crate::app::App;
use crate::context::Ctx;
use crate::error::GatewayError;
use crate::roles::{self, Effective, Source};

/// Users, and where the list goes on.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The users, by id.
    pub users: Vec<UserView>,
    /// The last user that was looked at, if there are more.
    pub next: Option<String>,
}

/// Which users, by what is known of their roles and access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Show {
    /// All of them.
    #[default]
    Everybody,
    /// Whose roles are given by hand.
    ByHand,
    /// Whose roles rules give.
    ByRules,
    /// Who has no role, though they could.
    WithoutRole,
    /// Who is held.
    Suspended,
}

impl Show {
    fn is_met(self, row: &Listed, held: &Effective) -> bool {
        match self {
            Self::Everybody => true,
            Self::ByHand => held.source == Source::Manual,
            Self::ByRules => held.source == Source::Rules,
            Self::WithoutRole => held.roles.is_empty(),
            Self::Suspended => row.numbers.held,
        }
    }
}

/// Which users are looked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Find<'t> {
    /// Only those after this one.
    pub after: &'t str,
    /// A part of their name or address.
    pub part: &'t str,
    /// Which of them.
    pub show: Show,
    /// Only who has a role in the team of this name.
    pub team: Option<&'t str>,
}

impl Find<'_> {
    /// Whether every user of the org is one.
    fn is_plain(&self) -> bool {
        self.show == Show::Everybody && self.team.is_none()
    }

    fn is_met(&self, row: &Listed, held: &Effective) -> bool {
        let in_team = |team| held.roles.iter().any(|role| role.team.as_deref() == Some(team));
        self.show.is_met(row, held) && self.team.is_none_or(in_team)
    }
}

/// Where not every user is shown, so many are looked through at once.
const LOOKED_AT: i64 = 500;

/// At the most `limit` users of an org. What somebody may is worked out when it is read, so where that decides a page may be
/// short, or empty, and the list go on all the same; so it is for whoever manages teams only, who sees who has a role there.
///
/// # Errors
/// Refusals and the database's.
pub async fn list(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    find: Find<'_>,
    limit: i64,
) -> Result<Listing, GatewayError> {
    ctx.may(Permission::SeeUsers, account)?;
    let mut listing = Listing { users: Vec::new(), next: None };
    // Nothing stored has a NUL, and no database takes one.
    if find.after.contains('\0') || find.part.contains('\0') {
        return Ok(listing);
    }
    let mut conn = app.db.read().await?;
    let sight = Sight::of(&mut conn, ctx).await?;
    let most = if sight == Sight::Everybody && find.is_plain() { limit } else { limit.max(LOOKED_AT) };
    let part = (find.after, find.part);
    let rows = person::page(&mut conn, account, Within::Org, part, most.saturating_add(1)).await?;
    let (full, mut last) = (usize::try_from(limit).unwrap_or_default(), None);
    for (row, looked_at) in rows.into_iter().zip(0..) {
        if looked_at == most || listing.users.len() == full {
            listing.next = last;
            break;
        }
        last = Some(row.person.id.to_string());
        let mut held = held(app, &mut conn, &row, ctx.now).await?;
        held.roles = sight.of_roles(held.roles);
        if sight.shows(&held.roles) && find.is_met(&row, &held) {
            listing.users.push(with(&mut conn, row, held, ctx.now).await?);
        }
    }
    Ok(listing)
}

/// What they see of a user; nothing of one whom they do not see.
pub(super) async fn view(
    app: &App,
    conn: &mut Conn,
    (row, sight): (Listed, &Sight),
    now: Timestamp,
) -> Result<Option<UserView>, GatewayError> {
    let mut held = held(app, conn, &row, now).await?;
    held.roles = sight.of_roles(held.roles);
    if sight.shows(&held.roles) { with(conn, row, held, now).await.map(Some) } else { Ok(None) }
}

async fn held(app: &App, conn: &mut Conn, row: &Listed, now: Timestamp) -> Result<Effective, GatewayError> {
    let member = member::find(conn, row.member).await?.ok_or(GatewayError::Corrupt("member"))?;
    Ok(roles::of(app, conn, &member, now).await?)
}

async fn with(conn: &mut Conn, row: Listed, held: Effective, now: Timestamp) -> Result<UserView, GatewayError> {
    let deleted = |holds: Vec<hold::Hold>| holds.iter().any(|hold| hold.kind == HoldKind::Deleted.as_str());
    Ok(UserView {
        id: row.person.id,
        name: row.person.name,
        email: row.person.email,
        email_verified: row.person.email_proven,
        source: held.source,
        roles: held.roles,
        account_role: held.account_role.as_str().to_owned(),
        owner: row.owner,
        active: !row.numbers.held,
        deleted: row.numbers.held && deleted(hold::of(conn, row.member).await?),
        keys: key::count_living(conn, row.member, now).await?,
        created_at: row.created_at,
        last_login_at: row.last_login_at,
    })
}
