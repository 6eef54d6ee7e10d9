//! Why local people were not made or changed.

use cardea_model::{Denied, Fault, Kind};
use cardea_store::db::DbError;

use crate::error::GatewayError;
use crate::password::PasswordError;

/// Why a local person was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The caller may not, or speaks no more.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The address is none (422).
    #[error("this is no e-mail address")]
    Email,
    /// Somebody has the address already (409).
    #[error("there is somebody with this address already; invite them, or add them to the org")]
    Exists,
    /// People of this domain sign in at an identity provider (409).
    #[error("people with addresses of this domain sign in at its identity provider; they have no password here")]
    DomainFederated,
    /// This person does (409).
    #[error("this user signs in at an identity provider and has no password here")]
    Federated,
    /// The org is its owner's alone (409).
    #[error("this org is for one person; it becomes an enterprise with its first premium service")]
    Individual,
    /// There is no such user here (404).
    #[error("there is no such user")]
    Missing,
    /// One's own password (409).
    #[error("change your own password at `/api/v1/me/password`, which asks for the one that you have")]
    Oneself,
    /// An owner's password, and the sign-in is not recent enough (403).
    #[error("sign in again to reset an owner's password: it asks for a sign-in of the last 15 minutes")]
    Reauthenticate,
    /// The password opens other accounts, too (409).
    #[error("this user belongs to other accounts, too; nobody but they themselves changes their password")]
    OtherAccounts,
    /// The password could not be made.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Something stored cannot be read.
    #[error("a stored {0} cannot be read")]
    Corrupt(&'static str),
    /// The database did not do it.
    #[error("the database did not answer")]
    Database(#[source] DbError),
}

impl From<DbError> for UserError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl From<GatewayError> for UserError {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::Denied(denied) => Self::Denied(denied),
            GatewayError::Database(error) => Self::Database(error),
            GatewayError::Corrupt(what) => Self::Corrupt(what),
            GatewayError::Missing(_) => Self::Missing,
        }
    }
}

impl Fault for UserError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::Email => Kind::Unprocessable,
            Self::Exists
            | Self::DomainFederated
            | Self::Federated
            | Self::Individual
            | Self::Oneself
            | Self::OtherAccounts => Kind::Conflict,
            Self::Missing => Kind::Missing,
            Self::Reauthenticate => Kind::Refused,
            Self::Password(error) => error.kind(),
            Self::Corrupt(_) => Kind::Internal,
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Email => "invalid_email",
            Self::Exists => "user_exists",
            Self::DomainFederated => "domain_federated",
            Self::Federated => "federated_user",
            Self::Individual => "individual_org",
            Self::Missing => "not_found",
            Self::Oneself => "own_password",
            Self::Reauthenticate => "reauthentication_required",
            Self::OtherAccounts => "other_accounts",
            Self::Password(error) => error.code(),
            Self::Corrupt(_) => "internal",
            Self::Database(error) => error.code(),
        }
    }
}
