//! One membership rule in the declarative state: `cardea_model`'s, with the names of itself and its connection.

use cardea_model::rule::{AccountRole, Matcher, RuleBody, RuleGrant, is_yes, yes};
use serde::{Deserialize, Serialize};

/// Which groups of a connection earn which roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Unique in the org.
    pub name: String,
    /// The connection's name: a rule sees its groups only.
    pub connection: String,
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

impl Rule {
    /// What the rule says, without its names.
    #[must_use]
    pub fn body(&self) -> RuleBody {
        RuleBody {
            enabled: self.enabled,
            any_of: self.any_of.clone(),
            account_role: self.account_role,
            grants: self.grants.clone(),
        }
    }
}
