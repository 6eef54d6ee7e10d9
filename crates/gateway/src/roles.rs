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

use cardea_model::id::{ConnectionId, TeamId};
use cardea_model::name::excerpt;
use cardea_model::rule::{AccountRole, Because, CONTROL_PLANE, CompiledRules, Grants, RuleGrant, evaluate};
use cardea_model::{Denied, Permission, Place, Timestamp};
use cardea_store::db::{Conn, DbError};
use cardea_store::group::{self, Snapshot};
use cardea_store::member::Member;
use cardea_store::{account, grant};
use serde::Serialize;

use crate::app::App;
use crate::context::Ctx;
use crate::people;
use crate::rules::{RuleSet, Sets};

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
    let because = reasons.iter().map(|reason| because("rule", &reason.rule_name, &reason.value)).collect();
    RoleView { team: role.team, service: role.service, role: role.role, because }
}

fn because(source: &str, rule: &str, value: &str) -> BecauseView {
    BecauseView { rule: rule.to_owned(), source: source.to_owned(), value: value.to_owned() }
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

/// What is known of a member's groups, beside the rules that they meet.
pub(crate) struct Known {
    sets: Arc<Sets>,
    settled: i64,
    /// What each connection said, with the groups in its words.
    said: Vec<(Snapshot, Vec<String>)>,
    now: Timestamp,
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

impl Known {
    /// Reads it.
    pub(crate) async fn read(app: &App, conn: &mut Conn, member: &Member, now: Timestamp) -> Result<Self, DbError> {
        let settled = member.rules.settled;
        let sets = Arc::clone(&app.memory()).rules.sets(conn, member.org, member.rules.generation).await?;
        let mut said = Vec::new();
        for snapshot in group::snapshots(conn, member.id).await? {
            let groups = sets.groups(conn, &snapshot.groups).await?.iter().map(|group| group.value.clone()).collect();
            said.push((snapshot, groups));
        }
        Ok(Self { sets, settled, said, now })
    }

    /// What each connection said, with the groups in its words.
    pub(crate) fn said(&self) -> &[(Snapshot, Vec<String>)] {
        &self.said
    }

    /// The rules in force that read a connection's groups.
    pub(crate) fn rules_of(&self, connection: ConnectionId) -> Option<&CompiledRules> {
        self.sets.giving.rules.get(&connection)
    }

    /// The generation since which only rules give their roles: noted, or found now.
    pub(crate) fn managed_since(&self, member: &Member) -> Option<i64> {
        self.mark(member).or_else(|| self.found_since(member))
    }

    /// The noted one, if it counts.
    fn mark(&self, member: &Member) -> Option<i64> {
        member.managed_since.filter(|mark| self.sets.marks.count(*mark))
    }

    /// The earliest generation that counts of which they match a rule.
    pub(crate) fn found_since(&self, member: &Member) -> Option<i64> {
        self.found(member, |mark| self.sets.marks.count(mark))
    }

    /// The mark to note instead of the one that is noted, and that one where it gives way: the earliest that counts, or
    /// one that undoing would bring back.
    pub(crate) fn to_note(&self, member: &Member) -> Option<(i64, Option<i64>)> {
        let noted = member.managed_since.filter(|mark| self.sets.marks.stands(*mark));
        let found = self.found_since(member).filter(|_| self.mark(member).is_none());
        let since = found.or_else(|| self.found(member, |_| noted.is_none()))?;
        Some((since, member.managed_since.filter(|mark| self.sets.marks.gives_way(*mark, since))))
    }

    fn found(&self, member: &Member, counts: impl Fn(i64) -> bool) -> Option<i64> {
        let earlier = self.sets.unsettled(self.settled).filter(|earlier| counts(earlier.number));
        let mut matching = earlier.filter(|earlier| self.matches(&earlier.rules, |seen| earlier.knew(seen)));
        let generation = member.rules.generation;
        let current = || (counts(generation) && self.matches(&self.sets.giving, |_| true)).then_some(generation);
        matching.next().map(|earlier| earlier.number).or_else(current)
    }

    /// The generation that left by hand what rules had given, if that is not written for this member.
    pub(crate) fn unwritten(&self, member: &Member) -> Option<i64> {
        let left = self.sets.left(self.settled)?;
        (member.frozen <= left.number).then_some(left.number + 1)
    }

    /// What it left to them. Whoever says something new about them has it written first: so all that is known was known to
    /// the rules that went.
    fn left(&self, member: &Member, most: Duration) -> Option<Grants> {
        let freeze = self.unwritten(member).filter(|_| !member.owner)?;
        let left = self.sets.left(self.settled)?;
        let counted = |mark: i64| self.sets.marks.counted(mark, freeze);
        let managed = member.managed_since.is_some_and(counted)
            || self.found(member, counted).is_some()
            || self.matches(&left.rules, |_| true);
        managed.then(|| self.earned_by(&left.rules, most, left.until).0)
    }

    fn matches(&self, rules: &RuleSet, knew: impl Fn(Timestamp) -> bool) -> bool {
        self.said.iter().filter(|(snapshot, _)| knew(snapshot.seen_at)).any(|(snapshot, groups)| {
            rules.rules.get(&snapshot.connection).is_some_and(|rules| {
                let met: Vec<u32> = groups.iter().flat_map(|group| rules.met(group)).collect();
                rules.applying(&met).next().is_some()
            })
        })
    }

    /// The union of what each connection's groups earn by that connection's rules, and when the first of these lists that
    /// still counts is too old; `most` of zero is never.
    ///
    /// A list counts while it is not left out for too long and is younger than `most`; a connection that is off lets nobody in,
    /// and takes nobody's roles. If none that earns anything is, the answer is when the last one was.
    pub(crate) fn earned(&self, most: Duration) -> (Grants, Option<Timestamp>) {
        self.earned_by(&self.sets.giving, most, self.now)
    }

    fn earned_by(&self, set: &RuleSet, most: Duration, now: Timestamp) -> (Grants, Option<Timestamp>) {
        let (mut all, mut first, mut late) = (Grants::default(), None, None);
        for (snapshot, groups) in &self.said {
            let Some(rules) = set.rules.get(&snapshot.connection) else { continue };
            let earned = evaluate(rules, groups);
            if earned.account.is_none() || is_over(&snapshot.said, snapshot.seen_at, now) {
                continue;
            }
            let until = counts_until(&snapshot.said, snapshot.seen_at, most);
            if until <= now {
                late = late.max(Some(until));
                continue;
            }
            first = first.into_iter().chain([until]).min();
            all.join(earned);
        }
        (all, first.or(late))
    }
}
