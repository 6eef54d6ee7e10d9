//! Groups to roles: at each sign-in the whole set of roles that the rules give is computed anew, with its reasons, and the
//! difference is written. So nothing stale survives a change of the rules or of the groups. Owners are never changed.

use std::collections::BTreeSet;

use cardea_model::id::{ConnectionId, RuleId};
use cardea_model::rule::{AccountRole, CompiledRules, Grants, GroupClaims, Rule, RuleBody, evaluate};
use cardea_store::account::{self, Account};
use cardea_store::connection;
use cardea_store::db::{DbError, Tx};
use cardea_store::grant::{self, Grant};
use cardea_store::member::{self, Member};
use serde_json::json;

use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::revocation;
use crate::state::{Groups, GroupsFrom, OnMissing};

/// How the roles of somebody who signs in came about, for the trace and the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// By the groups of this sign-in.
    Claims,
    /// The claim was absent and taken for no groups.
    TreatedAsEmpty,
    /// The claim was absent, cut off, or not this connection's authority; the last good roles stand.
    Kept,
    /// Rules are not active, or the person is an owner.
    Untouched,
}

impl Sync {
    /// The word in the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claims => "claims",
            Self::TreatedAsEmpty => "treated_as_empty",
            Self::Kept => "kept",
            Self::Untouched => "untouched",
        }
    }
}

/// Brings the member's rule-given roles in line with these groups, in the caller's transaction.
///
/// # Errors
/// The database's. What is wrong with rules or groups never fails a sign-in: the last good roles stand.
pub(crate) async fn sync(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    (account, member): (&Account, &Member),
    (connection, settings): (ConnectionId, &Groups),
    groups: &GroupClaims,
) -> Result<Sync, DbError> {
    if member.owner || !account.rules_active {
        return Ok(Sync::Untouched);
    }
    if settings.from == GroupsFrom::Scim {
        return Ok(Sync::Kept);
    }
    let (groups, outcome): (&[String], _) = match (groups, settings.on_missing) {
        (GroupClaims::Present(groups), _) => (groups, Sync::Claims),
        (GroupClaims::Missing, OnMissing::TreatAsEmpty) => (&[], Sync::TreatedAsEmpty),
        (GroupClaims::Missing, OnMissing::KeepLast) | (GroupClaims::Overage, _) => return Ok(Sync::Kept),
    };
    let Some(mut due) = due(tx, (account, member), connection, groups).await? else { return Ok(Sync::Kept) };
    if !due.new.is_empty() {
        // A team or rule that ends takes its roles with it: what is added beside that end would stay for good.
        account::lock_org(tx, account.org).await?;
        if !account::find(tx, account.id).await?.is_some_and(|account| account.rules_active) {
            return Ok(Sync::Untouched);
        }
        match self::due(tx, (account, member), connection, groups).await? {
            Some(again) => due = again,
            None => return Ok(Sync::Kept),
        }
    }
    if replace(app, tx, ctx, (account, member), &due).await? {
        revocation::roles_changed(app, tx, member.id).await?;
    }
    Ok(outcome)
}

/// What these groups change for a member.
struct Due {
    gone: Vec<Placed>,
    new: Vec<Placed>,
    role: AccountRole,
}

/// What is due by the rules as they stand; nothing if they cannot be used.
async fn due(
    tx: &mut Tx,
    (account, member): (&Account, &Member),
    connection: ConnectionId,
    groups: &[String],
) -> Result<Option<Due>, DbError> {
    let stored = connection::rules(tx, account.org).await?;
    let foreign: BTreeSet<String> =
        stored.iter().filter(|rule| rule.connection != connection).map(|rule| rule.id.to_string()).collect();
    let Some(rules) = compile(&stored, connection) else {
        tracing::error!(org.id = %account.org, "stored membership rules cannot be used; the last good roles stand");
        return Ok(None);
    };
    let earned = evaluate(&rules, groups);
    let wanted = placed(tx, account, &earned).await?;
    let given = grant::by_rules(tx, member.id).await?.into_iter();
    let standing: BTreeSet<Placed> = given.filter(|(_, grant)| !foreign.contains(&grant.rule_id)).collect();
    Ok(Some(Due {
        gone: standing.difference(&wanted).cloned().collect(),
        new: wanted.difference(&standing).cloned().collect(),
        role: earned.account.map_or(AccountRole::Member, |(role, _)| role),
    }))
}

fn compile(stored: &[connection::Rule], connection: ConnectionId) -> Option<CompiledRules> {
    let own = stored.iter().filter(|rule| rule.connection == connection);
    let rules: Result<Vec<Rule>, serde_json::Error> = own
        .map(|rule| {
            let body: RuleBody = serde_json::from_str(&rule.document)?;
            Ok(Rule { id: rule.id, name: rule.name.clone(), body })
        })
        .collect();
    CompiledRules::compile(&rules.ok()?).ok()
}

/// A rule-given grant with the id of its team.
type Placed = (String, Grant);

async fn replace(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    (account, member): (&Account, &Member),
    due: &Due,
) -> Result<bool, DbError> {
    let (gone, new, role) = (&due.gone, &due.new, due.role.as_str());
    for (team, grant) in gone {
        grant::remove(tx, member.id, team, grant).await?;
    }
    for (team, grant) in new {
        grant::add(tx, member.id, team, grant, ctx.now).await?;
    }
    let promoted = role != member.account_role && member::set_account_role(tx, member.id, role).await?;
    if gone.is_empty() && new.is_empty() && !promoted {
        return Ok(false);
    }
    let words = |grants: &[Placed]| -> Vec<String> {
        grants.iter().map(|(_, grant)| format!("{}/{} by {}", grant.service, grant.role, grant.rule_name)).collect()
    };
    let detail = json!({"added": words(new), "removed": words(gone), "account_role": role});
    audit::record(app, tx, ctx, Some(account.id), "roles.synced", &member.user.to_string(), detail).await?;
    Ok(!gone.is_empty() || !new.is_empty())
}

/// The grants as rows: a grant for a team that does not stand gives nothing.
async fn placed(tx: &mut Tx, account: &Account, earned: &Grants) -> Result<BTreeSet<Placed>, DbError> {
    let teams = account::teams(tx, account.org).await?;
    let mut rows = BTreeSet::new();
    for (role, reasons) in &earned.roles {
        let team = match &role.team {
            None => Some(String::new()),
            Some(name) => teams.iter().find(|team| team.name == *name).map(|team| team.id.to_string()),
        };
        let Some(team) = team else { continue };
        for because in reasons {
            rows.insert((
                team.clone(),
                row(&role.service, &role.role, because.rule, &because.rule_name, &because.value),
            ));
        }
    }
    Ok(rows)
}

fn row(service: &str, role: &str, rule: RuleId, rule_name: &str, value: &str) -> Grant {
    Grant {
        team: String::new(),
        service: service.to_owned(),
        role: role.to_owned(),
        source: "rule".to_owned(),
        rule_id: rule.to_string(),
        rule_name: rule_name.to_owned(),
        because: value.to_owned(),
    }
}
