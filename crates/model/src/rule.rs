//! Membership rules: from the groups that a connection says to the roles that they earn.
//!
//! Every rule whose matcher meets a group gives all its grants; rules only add, so their order does not matter.
//! No rule gives or takes ownership.

mod compiled;
mod matcher;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use compiled::{CompiledRules, Listed, applying, evaluate};
pub use matcher::{Matcher, Operation};

use crate::id::RuleId;
use crate::name;

/// A membership rule of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// What people call it; unique in the org.
    pub name: String,
    /// What it says.
    pub body: RuleBody,
}

/// What a rule says, as it is stored and as its fields stand in the declarative state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleBody {
    /// Whether it counts at all.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// It applies if any of these meets the groups.
    pub any_of: Vec<Matcher>,
    /// What people become in the account.
    #[serde(default)]
    pub account_role: AccountRole,
    /// What people become in the org.
    #[serde(default)]
    pub grants: Vec<RuleGrant>,
}

/// Whether something left out is meant to be on.
pub const fn yes() -> bool {
    true
}

/// Whether it need not be written, because it is what [`yes`] says.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub const fn is_yes(on: &bool) -> bool {
    *on
}

/// What somebody is in the account; rules and invitations never give `owner`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountRole {
    /// Belongs to the account.
    #[default]
    Member,
    /// Manages the account's users.
    Admin,
    /// Holds the account; there is exactly one.
    Owner,
}

impl AccountRole {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// The role of a stored word; whatever is not known gives nothing.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "owner" => Self::Owner,
            "admin" => Self::Admin,
            _ => Self::Member,
        }
    }
}

/// A role that a rule gives.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleGrant {
    /// The name of the team; none for the whole org.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The service; left out for `user_admin`, which is a role in the gateway itself.
    #[serde(default = "control_plane")]
    pub service: String,
    /// The role.
    pub role: String,
}

/// The service that stands for the gateway itself; `user_admin` is a role there.
pub const CONTROL_PLANE: &str = "gateway";

fn control_plane() -> String {
    CONTROL_PLANE.to_owned()
}

/// What a sign-in or a directory said about somebody's groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupClaims {
    /// The whole list, possibly empty.
    Present(Vec<String>),
    /// Nothing: the claim is absent.
    Missing,
    /// More groups than were told: the list is cut, and not to be taken for all.
    Overage,
}

/// What the groups of one person earn, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// What they become in the account, and why; nothing if no rule applies.
    pub account: Option<(AccountRole, BTreeSet<Because>)>,
    /// The roles, each with all its reasons.
    pub roles: BTreeMap<RuleGrant, BTreeSet<Because>>,
}

/// Why somebody has a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Because {
    /// The rule.
    pub rule: RuleId,
    /// Its name at that time.
    pub rule_name: String,
    /// The claim that said the group; empty for the connection's own.
    pub claim: String,
    /// The group as the connection said it.
    pub value: String,
}

/// Why rules cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule `{rule}`: {problem}")]
pub struct RuleError {
    /// The name of the rule.
    pub rule: String,
    /// What is wrong.
    pub problem: RuleProblem,
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleProblem {
    /// No name, control characters, or more than 200 bytes.
    #[error("a rule has a name of at most 200 bytes")]
    Name,
    /// Two rules of one name.
    #[error("another rule has this name")]
    Duplicate,
    /// `any_of` is empty.
    #[error("`any_of` has no matcher, so nobody would ever match")]
    NoMatcher,
    /// A matcher with empty text, which would meet every group or none.
    #[error("a matcher has an empty value")]
    EmptyValue,
    /// A claim's name is empty, too long, or has control characters.
    #[error("a `claim` is a name of at most 200 bytes, or a pointer such as `/realm_access/roles`")]
    Claim,
    /// `none_of` without `all_of`, which would meet nearly everybody, or one inside another.
    #[error("`none_of` needs an `all_of` beside it, and neither may stand inside the other")]
    Unbounded,
    /// An expression that cannot be read, or that is too large.
    #[error("`{0}` is no regular expression that can be used: {1}")]
    Regex(String, String),
    /// More matchers than can be numbered.
    #[error("there are too many matchers")]
    TooMany,
    /// A role without a name.
    #[error("a grant names no service or no role")]
    EmptyGrant,
    /// A rule that gives `owner`.
    #[error("a rule cannot make owners")]
    Owner,
    /// `user_admin` beside a service.
    #[error("`user_admin` is a role in the gateway; leave out `service`")]
    UserAdminService,
    /// `user_admin` by anything but exact values.
    #[error("`user_admin` is only given by `equals`, `one_of` or `external_id`")]
    BroadUserAdmin,
}

/// More groups than this count as cut off.
const MOST_GROUPS: usize = 2_000;
/// A group of more bytes than this counts as cut off.
const LONGEST_GROUP: usize = 512;

impl GroupClaims {
    /// The list that a connection said: more than 2,000 groups, or one over 512 bytes, count as overage.
    #[must_use]
    pub fn of(groups: Vec<String>) -> Self {
        if groups.len() > MOST_GROUPS || groups.iter().any(|group| group.len() > LONGEST_GROUP) {
            return Self::Overage;
        }
        Self::Present(groups)
    }
}

/// What is wrong with a rule in itself.
fn problems(rule: &Rule) -> Vec<RuleProblem> {
    let mut problems = Vec::new();
    let mut demand = |held: bool, problem| {
        if !held {
            problems.push(problem);
        }
    };
    let body = &rule.body;
    demand(name::is_label(&rule.name, 200), RuleProblem::Name);
    demand(!body.any_of.is_empty(), RuleProblem::NoMatcher);
    demand(body.any_of.iter().all(Matcher::has_text), RuleProblem::EmptyValue);
    demand(body.any_of.iter().all(Matcher::has_claims), RuleProblem::Claim);
    demand(body.any_of.iter().all(Matcher::is_bounded), RuleProblem::Unbounded);
    let named =
        |grant: &RuleGrant| !grant.service.is_empty() && !grant.role.is_empty() && grant.team.as_deref() != Some("");
    demand(body.grants.iter().all(named), RuleProblem::EmptyGrant);
    let owner = body.account_role == AccountRole::Owner || body.grants.iter().any(|grant| grant.role == "owner");
    demand(!owner, RuleProblem::Owner);
    let mut admins = body.grants.iter().filter(|grant| grant.role == "user_admin").peekable();
    if admins.peek().is_some() {
        // A substring that meets the name of an admins' group is the recurring hole: only whole values make admins.
        let exact = body.any_of.iter().all(Matcher::is_exact);
        demand(exact, RuleProblem::BroadUserAdmin);
        demand(admins.all(|grant| grant.service == CONTROL_PLANE), RuleProblem::UserAdminService);
    }
    problems
}

#[cfg(test)]
mod tests;
