//! Why rules were not changed or put in force.

use cardea_model::rule::RuleError;
use cardea_model::{Denied, Fault, Kind};
use cardea_store::db::DbError;

use super::plan::Guard;
use crate::error::GatewayError;

/// Why rules were not changed or put in force.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such rule, org or generation (404).
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// The rules cannot be (422).
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Rule(Vec<RuleError>),
    /// A rule names something that is not there (422).
    #[error("{0}")]
    Unknown(String),
    /// Another rule has the name (409).
    #[error("another rule of this org has this name")]
    NameTaken,
    /// No identity provider of this org is in use yet (409).
    #[error("the org is not linked to an identity provider; connect one first, then rules can read its groups")]
    NotLinked,
    /// The rules, the catalogue or the generation have changed since the preview (412).
    #[error("the rules have changed since that preview{}; preview them again", since(.0))]
    Stale(Vec<String>),
    /// The preview asks for the org's name (409).
    #[error("this asks to be confirmed with the org's name: {}", words(.0))]
    Confirm(Vec<Guard>),
    /// There is nothing to take back, or it is too long ago (409).
    #[error("there is no activation of the last 30 days to undo")]
    NothingToUndo,
    /// No rules are in force (409).
    #[error("no rules are in force")]
    NotActive,
    /// A stored rule cannot be read.
    #[error("a stored {0} cannot be read")]
    Corrupt(&'static str),
    /// The database did not do it.
    #[error("the database did not answer")]
    Database(#[source] DbError),
}

fn since(changes: &[String]) -> String {
    if changes.is_empty() { String::new() } else { format!(": {}", changes.join(", ")) }
}

fn words(guards: &[Guard]) -> String {
    let word = |guard: &Guard| match guard {
        Guard::ManyLoseEverything => "more than a fifth of the people with a role would lose every role",
        Guard::YouLoseUserAdmin => "you would no longer manage users",
        Guard::NobodyMatches => "no rule matches anybody",
        Guard::RolesStay => "what the rules gave stays with everybody, whatever their groups become",
    };
    guards.iter().map(word).collect::<Vec<_>>().join(", ")
}

impl From<DbError> for RulesError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl From<GatewayError> for RulesError {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::Denied(denied) => Self::Denied(denied),
            GatewayError::Database(error) => Self::Database(error),
            GatewayError::Corrupt(what) => Self::Corrupt(what),
            GatewayError::Missing(what) => Self::Missing(what),
        }
    }
}

impl Fault for RulesError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::Missing(_) => Kind::Missing,
            Self::Rule(_) | Self::Unknown(_) => Kind::Unprocessable,
            Self::NameTaken | Self::NotLinked | Self::Confirm(_) | Self::NothingToUndo | Self::NotActive => {
                Kind::Conflict
            }
            Self::Stale(_) => Kind::Stale,
            Self::Corrupt(_) => Kind::Internal,
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Missing(_) => "not_found",
            Self::Rule(_) | Self::Unknown(_) => "invalid_rule",
            Self::NameTaken => "rule_name_taken",
            Self::NotLinked => "org_not_linked",
            Self::Stale(_) => "stale",
            Self::Confirm(_) => "confirmation_required",
            Self::NothingToUndo => "nothing_to_undo",
            Self::NotActive => "rules_not_active",
            Self::Corrupt(_) => "internal",
            Self::Database(error) => error.code(),
        }
    }
}
