//! Why a directory did not get what it asked for.

use cardea_model::{Denied, Fault, Kind};
use cardea_scim::ScimError;
use cardea_store::db::DbError;

/// Why a request of a directory was not answered with what it asked for.
#[derive(Debug, thiserror::Error)]
pub enum ProvisioningError {
    /// No directory has this token (401).
    #[error("no directory has this token; create one for the connection and send it as a bearer token")]
    Unknown,
    /// The connection is switched off, and this would not only take away (403).
    #[error("the connection of this directory is switched off: it may deactivate and delete only")]
    Off,
    /// The directory asks too often; again after so many seconds (429).
    #[error("the directory sends more requests than it may; send the next one in {0} s")]
    TooMany(u32),
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// SCIM says no, and how.
    #[error(transparent)]
    Refused(#[from] ScimError),
    /// A stored document cannot be read.
    #[error("a stored {0} cannot be read")]
    Corrupt(&'static str),
    /// The database did not do it.
    #[error("the database did not answer")]
    Database(#[source] DbError),
}

impl From<DbError> for ProvisioningError {
    fn from(error: DbError) -> Self {
        if matches!(error, DbError::Nul) {
            return ScimError::invalid_value("A value holds the character U+0000, which cannot be stored.").into();
        }
        Self::Database(error)
    }
}

impl Fault for ProvisioningError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::Unauthenticated,
            Self::Off => Kind::Refused,
            Self::TooMany(seconds) => Kind::TooMany(*seconds),
            Self::Denied(denied) => denied.kind(),
            Self::Refused(refusal) => match refusal.status {
                403 => Kind::Refused,
                404 => Kind::Missing,
                409 => Kind::Conflict,
                412 => Kind::Stale,
                _ => Kind::Invalid,
            },
            Self::Corrupt(_) => Kind::Internal,
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "unauthenticated",
            Self::Off => "connection_off",
            Self::TooMany(_) => "too_many_requests",
            Self::Denied(_) => "forbidden",
            Self::Refused(_) => "refused",
            Self::Corrupt(_) => "internal",
            Self::Database(error) => error.code(),
        }
    }
}
