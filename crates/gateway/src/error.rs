//! The one error that rooms without causes of their own share.

use cardea_model::{Denied, Fault, Kind};
use cardea_store::db::DbError;

/// Why a use case did not happen.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The database did not do it.
    #[error("the database did not answer")]
    Database(#[source] DbError),
    /// A stored document cannot be read.
    #[error("a stored {0} cannot be read")]
    Corrupt(&'static str),
    /// What was asked for is not there, or not for this caller.
    #[error("there is no such {0}")]
    Missing(&'static str),
}

impl From<DbError> for GatewayError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl Fault for GatewayError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::Database(error) => error.kind(),
            Self::Corrupt(_) => Kind::Internal,
            Self::Missing(_) => Kind::Missing,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Missing(_) => "not_found",
            Self::Database(error) => error.code(),
            Self::Corrupt(_) => "internal",
        }
    }
}
