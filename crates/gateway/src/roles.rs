//! Which roles a member has now, and why: worked out at each read, from what was given by hand, what their connections last
//! said about their groups, and the rules in force.
//!
//! ```text
//! owner                          ─► everything, whatever else is known
//! left the org                   ─► nothing
//! matches rules in force, or     ─► what the rules give, and nothing by hand
//!   carries the mark of some
//! else                           ─► what was given by hand
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cardea_model::id::TeamId;
use cardea_model::name::excerpt;
use cardea_model::rule::{AccountRole, Because, CONTROL_PLANE, Grants, RuleGrant};
use cardea_model::{Denied, Permission, Place, Timestamp};
use cardea_store::db::{Conn, DbError};
use cardea_store::member::Member;
use cardea_store::{account, grant};
use serde::Serialize;

use crate::app::App;
use crate::context::Ctx;
use crate::people;

mod known;

pub(crate) use known::{Known, listed};

/// The role that manages users, in the org or in a team.
pub(crate) const USER_ADMIN: &str = "user_admin";
/// How long the last list counts once a connection leaves the groups out, where it may at all.
pub(crate) const KEEP_LAST: Duration = Duration::from_secs(24 * 3600);
/// Lists are noted to the hour; nobody is refused for that.
pub(crate) const NOTED_TO: Duration = Duration::from_secs(3600);

/// A role with every reason for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoleView {
    /// The team; none for the whole org.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The service.
    pub service: String,
    /// The role.
    pub role: String,
    /// Why.
    pub because: Vec<BecauseView>,
}

/// One reason for a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BecauseView {
    /// The rule; nothing for a manual grant.
    pub rule: String,
    /// `manual`, `rule` or `owner`.
    pub source: String,
    /// The claim that said the group; none for the connection's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// The group that matched.
    pub value: String,
}

/// Where somebody's roles come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// They own the org.
    Owner,
    /// They left the org.
    Left,
    /// Given by hand.
    Manual,
    /// Given by rules only.
    Rules,
}

/// What a member is and may, now.
#[derive(Clone, Debug)]
pub(crate) struct Effective {
    pub(crate) source: Source,
    pub(crate) account_role: AccountRole,
    /// By team, service and role; those of the org first.
    pub(crate) roles: Vec<RoleView>,
    /// When what a connection last said is too old to act on; never for whoever no rules manage.
    pub(crate) stale_at: Option<Timestamp>,
}

impl Effective {
    /// Whether they manage the users of the whole org.
    pub(crate) fn is_user_admin(&self) -> bool {
        self.roles.iter().any(|role| role.team.is_none() && role.service == CONTROL_PLANE && role.role == USER_ADMIN)
    }

    /// The names of the teams whose users they manage.
    pub(crate) fn admin_of(&self) -> impl Iterator<Item = &str> {
        let of = |role: &RoleView| role.service == CONTROL_PLANE && role.role == USER_ADMIN;
        self.roles.iter().filter(move |role| of(role)).filter_map(|role| role.team.as_deref())
    }
}

/// Whether the caller may give and take this role there.
pub(crate) fn may_give(app: &App, ctx: &Ctx, place: &Place, service: &str, role: &str) -> Result<(), Denied> {
    if service != CONTROL_PLANE || role != USER_ADMIN {
        return ctx.caller.may(Permission::GrantRoles, place);
    }
    ctx.caller.may(Permission::GrantUserAdmin, place)?;
    // Where it is so set, a user_admin must not make the next one.
    let allowed = app.settings.user_admin_may_grant_user_admin || people::is_owner(ctx);
    if allowed { Ok(()) } else { Err(Denied::Refused) }
}

/// Whether there is such a role in an org of these services; else what is wrong, in words.
pub(crate) fn is_there(app: &App, services: &[String], service: &str, role: &str) -> Result<(), String> {
    if service == CONTROL_PLANE && role == USER_ADMIN {
        return Ok(());
    }
    if !services.iter().any(|known| known == service) {
        return Err(format!("this org does not have the service `{}`", excerpt(service)));
    }
    let unknown = || format!("the service `{service}` has no role `{}`", excerpt(role));
    app.catalogue.role_named(service, role).map(drop).ok_or_else(unknown)
}

/// Works it out.
pub(crate) async fn of(app: &App, conn: &mut Conn, member: &Member, now: Timestamp) -> Result<Effective, DbError> {
    let account_role = AccountRole::parse(&member.account_role);
    let plain = |source, roles| Effective { source, account_role, roles, stale_at: None };
    if member.owner {
        let because = vec![because("owner", "", "")];
        let role = RoleView { team: None, service: "*".to_owned(), role: "owner".to_owned(), because };
        return Ok(plain(Source::Owner, vec![role]));
    }
    // Where no rules have ever been in force, nobody's groups matter.
    let known = match member.rules.generation {
        0 => None,
        _ => Some(Known::read(app, conn, member, now).await?),
    };
    if let Some(known) = &known
        && let Some(left) = left_by_hand(app, conn, member, known).await?
    {
        return Ok(left);
    }
    let known = known.filter(|known| known.managed_since(member).is_some());
    let (Some(known), None) = (&known, member.left_org_at) else {
        let (source, roles) = match member.left_org_at {
            Some(_) => (Source::Left, Vec::new()),
            None => (Source::Manual, by_hand(conn, member).await?),
        };
        // What somebody was in the account by hand before rules managed them does not come back when they leave the org.
        let kept = known.is_none() || account_role == AccountRole::Owner;
        let account_role = if kept { account_role } else { AccountRole::Member };
        return Ok(Effective { source, account_role, roles, stale_at: None });
    };
    let (earned, stale_at) = known.earned(app.settings.claims_max_age);
    let account_role = in_account(member, &earned);
    Ok(Effective { source: Source::Rules, account_role, roles: by_rules(conn, member, earned).await?, stale_at })
}

/// What rules make of a member in the account.
fn in_account(member: &Member, earned: &Grants) -> AccountRole {
    // The account's one owner stays that, whatever rules say.
    match AccountRole::parse(&member.account_role) {
        AccountRole::Owner => AccountRole::Owner,
        AccountRole::Admin | AccountRole::Member => {
            earned.account.as_ref().map_or(AccountRole::Member, |(role, _)| *role)
        }
    }
}

/// What rules that went out of force have left to a member by hand, as long as that is not written.
pub(crate) async fn left_by_hand(
    app: &App,
    conn: &mut Conn,
    member: &Member,
    known: &Known,
) -> Result<Option<Effective>, DbError> {
    let Some(earned) = known.left(member, app.settings.claims_max_age) else { return Ok(None) };
    if member.left_org_at.is_some() {
        let (source, account_role) = (Source::Left, in_account(member, &Grants::default()));
        return Ok(Some(Effective { source, account_role, roles: Vec::new(), stale_at: None }));
    }
    let account_role = in_account(member, &earned);
    let mut roles = by_rules(conn, member, earned).await?;
    for role in &mut roles {
        role.because = vec![because("manual", "", "")];
    }
    Ok(Some(Effective { source: Source::Manual, account_role, roles, stale_at: None }))
}

async fn by_hand(conn: &mut Conn, member: &Member) -> Result<Vec<RoleView>, DbError> {
    let rows = grant::of(conn, member.id).await?.into_iter();
    let role = |row: grant::Grant| RoleView {
        team: (!row.team.is_empty()).then_some(row.team),
        service: row.service,
        role: row.role,
        because: vec![because("manual", "", "")],
    };
    Ok(rows.map(role).collect())
}

/// What rules give, without what they give in teams that have ended.
async fn by_rules(conn: &mut Conn, member: &Member, earned: Grants) -> Result<Vec<RoleView>, DbError> {
    let mut roles = earned.roles;
    if roles.keys().any(|role| role.team.is_some()) {
        let teams: BTreeSet<String> =
            account::teams(conn, member.org).await?.into_iter().map(|team| team.name).collect();
        roles.retain(|role, _| role.team.as_ref().is_none_or(|team| teams.contains(team)));
    }
    Ok(roles.into_iter().map(|(role, reasons)| view(role, &reasons)).collect())
}

pub(crate) fn view(role: RuleGrant, reasons: &BTreeSet<Because>) -> RoleView {
    let because = reasons.iter().map(by_rule).collect();
    RoleView { team: role.team, service: role.service, role: role.role, because }
}

fn by_rule(reason: &Because) -> BecauseView {
    let claim = (!reason.claim.is_empty()).then(|| reason.claim.clone());
    BecauseView { claim, ..because("rule", &reason.rule_name, &reason.value) }
}

fn because(source: &str, rule: &str, value: &str) -> BecauseView {
    BecauseView { rule: rule.to_owned(), source: source.to_owned(), claim: None, value: value.to_owned() }
}

/// The ids of the teams whose users they manage.
pub(crate) async fn administered(
    conn: &mut Conn,
    member: &Member,
    roles: &Effective,
) -> Result<Arc<[TeamId]>, DbError> {
    let names: BTreeSet<&str> = roles.admin_of().collect();
    if names.is_empty() {
        return Ok(Arc::default());
    }
    let teams = account::teams(conn, member.org).await?;
    Ok(teams.into_iter().filter(|team| names.contains(team.name.as_str())).map(|team| team.id).collect())
}

/// When a list is too old to act on; `most` of zero is never.
pub(crate) fn counts_until(said: &str, seen_at: Timestamp, most: Duration) -> Timestamp {
    let most = if most.is_zero() { Duration::MAX } else { most.saturating_add(NOTED_TO) };
    seen_at.after(if said == "missing" { most.min(KEEP_LAST) } else { most })
}

/// Whether a list that a connection has left out since counts no longer.
pub(crate) fn is_over(said: &str, seen_at: Timestamp, now: Timestamp) -> bool {
    said == "missing" && now.since(seen_at) >= KEEP_LAST
}

/// Whether a list is known: what is empty because it was left out or cut off is not.
pub(crate) fn is_known(said: &str, groups: &[i64]) -> bool {
    said == "present" || !groups.is_empty()
}
