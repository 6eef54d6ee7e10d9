//! What rules would make of claims that somebody pastes.

use cardea_connect::{GroupClaims as Claimed, GroupsClaim};
use cardea_model::Permission;
use cardea_model::id::AccountId;
use cardea_model::rule::{AccountRole, CompiledRules, GroupClaims, Listed, Rule, evaluate};
use cardea_store::{account, connection};
use serde::Serialize;
use serde_json::{Map, Value};

use super::error::RulesError;
use super::explain::{GroupView, NearMiss, met, near_misses};
use super::{Frozen, drafted};
use crate::app::App;
use crate::context::Ctx;
use crate::login::connector;
use crate::roles::{self, RoleView};

/// What rules make of claims.
#[derive(Clone, Debug, Serialize)]
pub struct Tried {
    /// What the connection's own claim says of groups: `present`, `missing` or `overage`.
    pub said: &'static str,
    /// The groups that were read in it, each with the rules as edited that it meets.
    pub groups: Vec<GroupView>,
    /// What the other claims say that rules read, by their names.
    pub claims: Vec<TriedClaim>,
    /// What the person would become in the account.
    pub account_role: String,
    /// The roles that they would have.
    pub roles: Vec<RoleView>,
    /// Rules that would match a group but for case or blanks.
    pub near_misses: Vec<NearMiss>,
    /// What was strange in the claims.
    pub remarks: Vec<String>,
}

/// What a claim says that rules read besides the connection's own.
#[derive(Clone, Debug, Serialize)]
pub struct TriedClaim {
    /// Its name, or a pointer.
    pub claim: String,
    /// As in [`Tried`].
    pub said: &'static str,
    /// As in [`Tried`].
    pub groups: Vec<GroupView>,
}

/// A claim as it was read.
struct Read {
    claim: String,
    said: &'static str,
    groups: Vec<String>,
    remarks: Vec<String>,
}

impl Read {
    fn of(claims: &Map<String, Value>, claim: &str, at: &GroupsClaim) -> Self {
        let (claimed, remarks) = cardea_connect::groups_in(claims, at);
        let (said, groups) = match claimed {
            Claimed::Present(groups) => match GroupClaims::of(groups) {
                GroupClaims::Present(groups) => ("present", groups),
                GroupClaims::Missing | GroupClaims::Overage => ("overage", Vec::new()),
            },
            Claimed::Missing => ("missing", Vec::new()),
            Claimed::Overage => ("overage", Vec::new()),
        };
        Self { claim: claim.to_owned(), said, groups, remarks }
    }

    fn listed(&self) -> Listed<'_> {
        Listed { claim: &self.claim, groups: &self.groups, known: self.said == "present" }
    }
}

/// What the rules as they are edited now would make of these claims, as `connection` would read them.
///
/// # Errors
/// [`RulesError`].
pub async fn try_out(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    connection: &str,
    claims: &Map<String, Value>,
) -> Result<Tried, RulesError> {
    ctx.may(Permission::ManageRules, account)?;
    let mut conn = app.db.read().await?;
    let row = account::find(&mut conn, account).await?.ok_or(RulesError::Missing("org"))?;
    let rows = connection::of_account(&mut conn, account).await?;
    let linked = rows.iter().find(|row| row.name == connection).ok_or(RulesError::Missing("connection"))?;
    let settings = connector::settings(linked).map_err(|_| RulesError::Corrupt("connection"))?;
    let drafted = drafted(&mut conn, row.org).await?.into_iter().filter(|rule| rule.connection == linked.id);
    let plain = drafted.map(|Frozen { id, name, body, .. }| Rule { id, name, body }).collect::<Vec<_>>();
    let compiled = tokio::task::spawn_blocking(move || CompiledRules::compile(&plain)).await;
    let rules = compiled.map_err(|_| RulesError::Corrupt("rule"))?.map_err(RulesError::Rule)?;

    let own = GroupsClaim { claim: settings.groups.claim, pointer: settings.groups.pointer, split: None };
    let own = Read::of(claims, "", &own);
    let mut named: Vec<&str> = rules.claims().filter(|claim| !claim.is_empty()).collect();
    named.sort_unstable();
    let further: Vec<Read> =
        named.into_iter().map(|claim| Read::of(claims, claim, &GroupsClaim::named(claim))).collect();
    let all: Vec<&Read> = [&own].into_iter().chain(&further).collect();
    let lists: Vec<Listed<'_>> = all.iter().map(|read| read.listed()).collect();
    let groups = |read: &Read| met(Some(&rules), &lists, &read.listed());
    let told = |read: &Read| TriedClaim { claim: read.claim.clone(), said: read.said, groups: groups(read) };

    let earned = evaluate(&rules, &lists);
    let role = earned.account.as_ref().map_or(AccountRole::Member, |(role, _)| *role);
    Ok(Tried {
        said: own.said,
        groups: groups(&own),
        claims: further.iter().map(told).collect(),
        account_role: role.as_str().to_owned(),
        near_misses: lists.iter().flat_map(|list| near_misses(rules.rules(), list)).collect(),
        roles: earned.roles.into_iter().map(|(role, reasons)| roles::view(role, &reasons)).collect(),
        remarks: all.into_iter().flat_map(|read| read.remarks.clone()).collect(),
    })
}
