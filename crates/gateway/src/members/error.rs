//! Why somebody's roles or place were not changed.

use cardea_model::{Denied, Fault, Kind};
use cardea_store::db::DbError;

use crate::error::GatewayError;

/// Why somebody's roles or place were not changed.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It is not there (404).
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// Ownership was asked for (403).
    #[error("nobody is made an owner here; an owner invites another one")]
    Ownership,
    /// The user owns the org or the account (409).
    #[error("an owner's roles are not changed by anybody")]
    OwnerImmutable,
    /// An owner would go, and the sign-in is not recent enough (403).
    #[error("sign in again to remove an owner: it asks for a sign-in of the last 15 minutes")]
    Reauthenticate,
    /// The org would be left without an owner (409).
    #[error("this is the last owner of the org; it needs another one first")]
    LastOwner,
    /// The account would be left without its owner (409).
    #[error("this is the account's owner, which an account is never without")]
    AccountOwner,
    /// Rules give the user's roles (409).
    #[error("{}", managed(.0))]
    RuleManaged(Vec<String>),
    /// The org is its owner's alone (409).
    #[error("this org is for one person; it becomes an enterprise with its first premium service")]
    Individual,
    /// The user is in the account and not in the org (409).
    #[error("this user has left the org; add them to it first")]
    LeftOrg,
    /// The user has left the account (409).
    #[error("this user has left the account; add them to the org first")]
    LeftAccount,
    /// The user is in the org (409).
    #[error("this user is in the org")]
    InOrg,
    /// The user is in the account (409).
    #[error("this user is in the account")]
    InAccount,
    /// The org has no such service, or the catalogue no such role (422).
    #[error("{0}")]
    UnknownRole(String),
    /// The org has no such team (422).
    #[error("`{0}` is no team of this org")]
    UnknownTeam(String),
    /// Something stored cannot be read.
    #[error("a stored {0} cannot be read")]
    Corrupt(&'static str),
    /// The database did not do it.
    #[error("the database did not answer")]
    Database(#[source] DbError),
}

fn managed(rules: &[String]) -> String {
    match rules {
        [] => "membership rules give this user's roles, and none of them matches now".to_owned(),
        [rule] => format!("the membership rule `{rule}` gives this user's roles; change the rule or the groups"),
        rules => {
            let names = rules.join("`, `");
            format!("the membership rules `{names}` give this user's roles; change the rules or the groups")
        }
    }
}

impl From<DbError> for MemberError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl From<GatewayError> for MemberError {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::Denied(denied) => Self::Denied(denied),
            GatewayError::Database(error) => Self::Database(error),
            GatewayError::Corrupt(what) => Self::Corrupt(what),
            GatewayError::Missing(what) => Self::Missing(what),
        }
    }
}

impl Fault for MemberError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::Missing(_) => Kind::Missing,
            Self::Ownership | Self::Reauthenticate => Kind::Refused,
            Self::OwnerImmutable
            | Self::LastOwner
            | Self::AccountOwner
            | Self::RuleManaged(_)
            | Self::Individual
            | Self::LeftOrg
            | Self::LeftAccount
            | Self::InOrg
            | Self::InAccount => Kind::Conflict,
            Self::UnknownRole(_) | Self::UnknownTeam(_) => Kind::Unprocessable,
            Self::Corrupt(_) => Kind::Internal,
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Missing(_) => "not_found",
            Self::Ownership => "owners_invite_owners",
            Self::OwnerImmutable => "owner_immutable",
            Self::Reauthenticate => "reauthentication_required",
            Self::LastOwner => "last_owner",
            Self::AccountOwner => "account_owner",
            Self::RuleManaged(_) => "rule_managed",
            Self::Individual => "individual_org",
            Self::LeftOrg => "left_org",
            Self::LeftAccount => "left_account",
            Self::InOrg => "in_org",
            Self::InAccount => "in_account",
            Self::UnknownRole(_) => "unknown_role",
            Self::UnknownTeam(_) => "unknown_team",
            Self::Corrupt(_) => "internal",
            Self::Database(error) => error.code(),
        }
    }
}
