//! Why a key was not made or changed.

use cardea_model::key::{BadExpiry, GrantError, KeyState};
use cardea_model::{Denied, Fault, Kind};
use cardea_store::db::DbError;

/// Why a key was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Access ended while the request was on its way (401).
    #[error("your access has ended")]
    Ended,
    /// The name is empty, too long, or has control characters (422).
    #[error("a key needs a name of 1 to 100 characters")]
    Name,
    /// Another key of this user has the name (409).
    #[error("you have a key of this name already; choose another name or delete that key")]
    NameTaken,
    /// The user has as many keys as allowed (409).
    #[error("you have {0} keys, which is the most; delete one first")]
    Limit(i64),
    /// The expiry cannot be (422).
    #[error(transparent)]
    Expiry(#[from] BadExpiry),
    /// The grants cannot be (422).
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// The org lacks the service, or the user has no role in it (422).
    #[error("you have no role in `{0}`, so a key of yours cannot have it")]
    NoRole(String),
    /// There is no such key of this user (404).
    #[error("you have no such key")]
    Missing,
    /// The key is in a state that this does not lead out of (409).
    #[error("a key that is {} cannot be changed so", .0.as_str())]
    State(KeyState),
    /// Somebody changed the key since it was read (412).
    #[error("the key has changed since you read it; read it again")]
    Stale,
    /// The database did not do it.
    #[error("the database did not answer")]
    Database(#[source] DbError),
}

impl From<DbError> for KeyError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl Fault for KeyError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::Ended => Kind::Unauthenticated,
            Self::Name | Self::Expiry(_) | Self::Grant(_) | Self::NoRole(_) => Kind::Unprocessable,
            Self::NameTaken | Self::Limit(_) | Self::State(_) => Kind::Conflict,
            Self::Missing => Kind::Missing,
            Self::Stale => Kind::Stale,
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Ended => "unauthenticated",
            Self::Missing => "not_found",
            Self::Name => "invalid_name",
            Self::NameTaken => "key_name_taken",
            Self::Limit(_) => "key_limit_reached",
            Self::Expiry(_) => "invalid_expiry",
            Self::Grant(_) => "invalid_grant",
            Self::NoRole(_) => "no_role",
            Self::State(_) => "key_state",
            Self::Stale => "stale",
            Self::Database(error) => error.code(),
        }
    }
}
