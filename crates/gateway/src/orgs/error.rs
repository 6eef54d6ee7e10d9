//! Why an org or a team was not shown or changed.

use cardea_model::{Denied, Fault, Kind};
use cardea_store::db::DbError;

/// Why an org or a team was not shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum OrgError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It is not there (404).
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// The name can be no team's (422).
    #[error(
        "a team's name has 1 to 63 lower-case letters, digits, `.`, `_` or `-`, and starts and ends with a letter or digit"
    )]
    TeamName,
    /// The name has capitals; this is how it could be (422).
    #[error("a team's name is all in lower case: call it `{0}`")]
    Capitals(String),
    /// A team of the org has the name (409).
    #[error("a team of this org has this name")]
    TeamNameTaken,
    /// A team of the org had the name (409).
    #[error("a team that has ended had this name; it is never given again, because keys may name it")]
    TeamNameEnded,
    /// The org is its owner's alone (409).
    #[error("this org is for one person; it becomes an enterprise with its first premium service")]
    Individual,
    /// The description is too long or has control characters (422).
    #[error("a description has at most 1000 bytes and no control characters")]
    Description,
    /// Somebody changed it since it was read (412).
    #[error("this has changed since you read it; read it again")]
    Stale,
    /// The database did not do it.
    #[error("the database did not answer")]
    Database(#[source] DbError),
}

impl From<DbError> for OrgError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl Fault for OrgError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::Missing(_) => Kind::Missing,
            Self::TeamName | Self::Capitals(_) | Self::Description => Kind::Unprocessable,
            Self::TeamNameTaken | Self::TeamNameEnded | Self::Individual => Kind::Conflict,
            Self::Stale => Kind::Stale,
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Missing(_) => "not_found",
            Self::TeamName | Self::Capitals(_) => "invalid_team_name",
            Self::TeamNameTaken => "team_name_taken",
            Self::TeamNameEnded => "team_name_ended",
            Self::Individual => "individual_org",
            Self::Description => "invalid_description",
            Self::Stale => "stale",
            Self::Database(error) => error.code(),
        }
    }
}
