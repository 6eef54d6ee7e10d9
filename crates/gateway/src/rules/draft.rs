//! The rules as an admin edits them. Nothing of it counts before it is activated.

use std::collections::BTreeSet;

use cardea_model::id::{AccountId, ConnectionId, OrgId, RuleId};
use cardea_model::rule::{CompiledRules, Matcher, Rule, RuleBody, RuleGrant};
use cardea_model::{Permission, Place, Timestamp};
use cardea_store::account;
use cardea_store::connection::{self, Connection};
use cardea_store::db::{Conn, DbError};
use cardea_store::generation;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::activate::locked;
use super::error::RulesError;
use super::{Frozen, bounds, drafted};
use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::roles::{self, USER_ADMIN};

/// The rules of an org, beside what is in force.
#[derive(Clone, Debug, Serialize)]
pub struct RulesView {
    /// Whether rules give roles now.
    pub active: bool,
    /// The generation in force; 0 for none.
    pub generation: i64,
    /// When it came in force, if one did.
    pub activated_at: Option<Timestamp>,
    /// Whether the rules below differ from those in force.
    pub pending: bool,
    /// The connections whose groups rules can read; without any, rules are of no use yet.
    pub connections: Vec<String>,
    /// The rules, in their order.
    pub rules: Vec<RuleView>,
}

/// A rule as it is edited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleView {
    /// The rule.
    pub id: RuleId,
    /// Unique in the org.
    pub name: String,
    /// The connection whose groups it reads.
    pub connection: String,
    /// What it says.
    #[serde(flatten)]
    pub body: RuleBody,
    /// Why it gives less than it says: a team that has ended, a service that the org has lost; a sentence each.
    pub broken: Vec<String>,
}

/// What roles of rules can name in an org.
pub(super) struct Targets {
    pub(super) teams: BTreeSet<String>,
    services: Vec<String>,
}

impl Targets {
    pub(super) async fn read(conn: &mut Conn, org: OrgId) -> Result<Self, DbError> {
        let teams = account::teams(conn, org).await?.into_iter().map(|team| team.name).collect();
        Ok(Self { teams, services: account::services(conn, org).await? })
    }

    /// Whether there is what a role names; else what is wrong, in words.
    fn has(&self, app: &App, grant: &RuleGrant) -> Result<(), String> {
        if let Some(team) = grant.team.as_ref().filter(|team| !self.teams.contains(*team)) {
            return Err(format!("`{team}` is no team of this org"));
        }
        roles::is_there(app, &self.services, &grant.service, &grant.role)
    }

    /// What is wrong with the roles that a rule gives.
    pub(super) fn broken(&self, app: &App, body: &RuleBody) -> Vec<String> {
        body.grants.iter().filter_map(|grant| self.has(app, grant).err()).collect()
    }
}

/// A rule as somebody writes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// Unique in the org.
    pub name: String,
    /// The connection whose groups it reads, by its name.
    pub connection: String,
    /// Whether it counts at all; yes, if left out.
    #[serde(default = "cardea_model::rule::yes")]
    pub enabled: bool,
    /// It applies if any of these meets the groups.
    pub any_of: Vec<Matcher>,
    /// What people become in the account.
    #[serde(default)]
    pub account_role: cardea_model::rule::AccountRole,
    /// What people become in the org.
    #[serde(default)]
    pub grants: Vec<RuleGrant>,
}

/// The rules of an org.
///
/// # Errors
/// [`RulesError`].
pub async fn list(app: &App, ctx: &Ctx, account: AccountId) -> Result<RulesView, RulesError> {
    ctx.may(Permission::ManageRules, account)?;
    let mut conn = app.db.read().await?;
    let row = account::find(&mut conn, account).await?.ok_or(RulesError::Missing("org"))?;
    let connections = connection::of_account(&mut conn, account).await?;
    let drafted = drafted(&mut conn, row.org).await?;
    let in_force = generation::find(&mut conn, row.org, row.rules.generation).await?;
    let targets = Targets::read(&mut conn, row.org).await?;
    let frozen: Option<Vec<Frozen>> = in_force.as_ref().and_then(|row| serde_json::from_str(&row.rules).ok());
    Ok(RulesView {
        active: row.rules.active,
        generation: row.rules.generation,
        activated_at: in_force.map(|row| row.activated_at),
        pending: frozen.unwrap_or_default() != drafted,
        rules: drafted.into_iter().filter_map(|rule| view(app, rule, &connections, &targets)).collect(),
        connections: usable(&connections).map(|row| row.name.clone()).collect(),
    })
}

fn view(app: &App, rule: Frozen, connections: &[Connection], targets: &Targets) -> Option<RuleView> {
    let connection = connections.iter().find(|row| row.id == rule.connection)?.name.clone();
    let broken = targets.broken(app, &rule.body);
    Some(RuleView { id: rule.id, name: rule.name, connection, body: rule.body, broken })
}

/// Whether any of an org's connections has passed its test.
pub(crate) fn is_linked(connections: &[Connection]) -> bool {
    usable(connections).next().is_some()
}

/// Connections that have passed their test: before that, nobody knows what their groups are.
fn usable(connections: &[Connection]) -> impl Iterator<Item = &Connection> {
    connections.iter().filter(|row| matches!(row.stage.as_str(), "tested" | "live"))
}

/// Adds a rule, or replaces the one with `id`.
///
/// # Errors
/// [`RulesError`].
pub async fn put(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    id: Option<RuleId>,
    written: Written,
) -> Result<RuleView, RulesError> {
    ctx.may(Permission::ManageRules, account)?;
    let (mut tx, ctx, row) = locked(app, ctx, account).await?;
    let connections = connection::of_account(&mut tx, account).await?;
    let standing = drafted(&mut tx, row.org).await?;
    let known = id.map(|id| standing.iter().position(|rule| rule.id == id).ok_or(RulesError::Missing("rule")));
    let known = known.transpose()?;
    let frozen = Frozen {
        id: id.unwrap_or_else(|| RuleId::new(ctx.now, &*app.random)),
        connection: linked(&connections, &written.connection)?,
        name: written.name.trim().to_owned(),
        body: body(written),
    };
    for grant in frozen.body.grants.iter().filter(|grant| grant.role == USER_ADMIN) {
        // A rule is no way around who may make user_admins.
        roles::may_give(app, &ctx, &Place::Account(account), &grant.service, &grant.role)?;
    }
    let targets = Targets::read(&mut tx, row.org).await?;
    fits(app, &targets, &standing, &frozen)?;
    let position = i64::try_from(known.unwrap_or(standing.len())).unwrap_or(i64::MAX);
    let document = serde_json::to_string(&frozen.body).map_err(|_| RulesError::Corrupt("rule"))?;
    let stored = connection::Rule { id: frozen.id, connection: frozen.connection, name: frozen.name.clone(), document };
    connection::put_rule(&mut tx, row.org, &stored, position).await?;
    let (action, detail) = (if known.is_some() { "rule.changed" } else { "rule.added" }, json!({"name": frozen.name}));
    audit::record(app, &mut tx, &ctx, Some(account), action, &frozen.id.to_string(), detail).await?;
    tx.commit().await?;
    view(app, frozen, &connections, &targets).ok_or(RulesError::Missing("connection"))
}

fn body(written: Written) -> RuleBody {
    let Written { enabled, any_of, account_role, grants, .. } = written;
    RuleBody { enabled, any_of, account_role, grants }
}

fn linked(connections: &[Connection], name: &str) -> Result<ConnectionId, RulesError> {
    if !is_linked(connections) {
        return Err(RulesError::NotLinked);
    }
    let known = usable(connections).find(|row| row.name == name);
    let unknown = || RulesError::Unknown(format!("`{name}` is no connection of this org that has passed its test"));
    known.map(|row| row.id).ok_or_else(unknown)
}

/// Whether the rule can stand among the others, and gives only what there is.
fn fits(app: &App, targets: &Targets, standing: &[Frozen], rule: &Frozen) -> Result<(), RulesError> {
    let others = standing.iter().filter(|other| other.id != rule.id).chain([rule]);
    let bodies: Vec<&RuleBody> = others.map(|rule| &rule.body).collect();
    if let Some(beyond) = bounds::exceeded(&bodies) {
        return Err(RulesError::Unknown(beyond));
    }
    let folded = cardea_model::name::fold(&rule.name);
    if standing.iter().any(|other| other.id != rule.id && cardea_model::name::fold(&other.name) == folded) {
        return Err(RulesError::NameTaken);
    }
    let plain = Rule { id: rule.id, name: rule.name.clone(), body: rule.body.clone() };
    CompiledRules::compile(&[plain]).map_err(RulesError::Rule)?;
    rule.body.grants.iter().try_for_each(|grant| targets.has(app, grant)).map_err(RulesError::Unknown)
}

/// Removes a rule.
///
/// # Errors
/// [`RulesError`].
pub async fn remove(app: &App, ctx: &Ctx, account: AccountId, id: RuleId) -> Result<(), RulesError> {
    ctx.may(Permission::ManageRules, account)?;
    let (mut tx, ctx, row) = locked(app, ctx, account).await?;
    let standing = drafted(&mut tx, row.org).await?;
    let rule = standing.iter().find(|rule| rule.id == id).ok_or(RulesError::Missing("rule"))?;
    connection::remove_rule(&mut tx, row.org, &rule.name).await?;
    let detail = json!({"name": rule.name});
    audit::record(app, &mut tx, &ctx, Some(account), "rule.removed", &id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(())
}
