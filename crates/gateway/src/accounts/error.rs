//! Why accounts, owners, operators and links refuse.

use cardea_model::{Denied, Fault, Kind};
use cardea_store::db::DbError;

use crate::password::PasswordError;

/// Why an account, owner, operator or link was not made or used.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The link was used, has expired, or never was (404).
    #[error("this link has been used or has expired; ask for a new one")]
    Link,
    /// Nobody makes an account by themselves here (404).
    #[error("accounts are not made here by whoever asks; ask the operator, or an owner of an org for an invitation")]
    SignUpOff,
    /// There is no such account (404).
    #[error("there is no account `{0}`")]
    NoAccount(String),
    /// The address is none (422).
    #[error("this is no e-mail address")]
    Email,
    /// The name cannot be (422).
    #[error(
        "a name has 1 to 63 lower-case letters, digits, `.`, `_` or `-`, and starts and ends with a letter or digit"
    )]
    Name,
    /// The name is taken (409).
    #[error("this name is taken")]
    NameTaken,
    /// The address is another person's (409).
    #[error("this address belongs to somebody else")]
    EmailTaken,
    /// The org is an individual's, and nobody else has rights in it (409).
    #[error("this org is for one person; a premium service makes it an enterprise, which has room for more")]
    Individual,
    /// The description is too long or has control characters (422).
    #[error("a description is one line of at most 1000 bytes")]
    Description,
    /// The recovery address is an owner's own (422).
    #[error("the recovery address must be another than the owners' own")]
    Recovery,
    /// The org has as many owners as it may have (409).
    #[error("this org has as many owners as it may have, with those who are invited; remove one first")]
    Owners,
    /// The address is of another domain than the other owners' (422).
    #[error("all owners have addresses of one domain, here `{0}`")]
    OwnerDomain(String),
    /// The password cannot be.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The invited person has another password already, and a link replaces none (422).
    #[error("this address has a password here already; type that one to accept")]
    OtherPassword,
    /// The password that was typed is temporary (422).
    #[error("this password was made for you; sign in with it, choose another one, and open the link again")]
    TemporaryPassword,
    /// The chosen password is the temporary one (422).
    #[error("this is the password that was made for you; choose another one")]
    SamePassword,
    /// Too many tries from here or for this address; in so many seconds again (429).
    #[error("too many tries; wait {0} s and try again")]
    TooMany(u32),
    /// The database did not do it.
    #[error("the database did not answer")]
    Database(#[source] DbError),
}

impl From<DbError> for AccountError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl Fault for AccountError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::Link | Self::NoAccount(_) | Self::SignUpOff => Kind::Missing,
            Self::Description | Self::Recovery => Kind::Unprocessable,
            Self::Email
            | Self::Name
            | Self::OwnerDomain(_)
            | Self::OtherPassword
            | Self::TemporaryPassword
            | Self::SamePassword => Kind::Unprocessable,
            Self::NameTaken | Self::EmailTaken | Self::Individual | Self::Owners => Kind::Conflict,
            Self::TooMany(seconds) => Kind::TooMany(*seconds),
            Self::Password(error) => error.kind(),
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Link => "link_invalid",
            Self::SignUpOff => "sign_up_off",
            Self::NoAccount(_) => "not_found",
            Self::Email => "invalid_email",
            Self::Name => "invalid_name",
            Self::NameTaken => "name_taken",
            Self::EmailTaken => "email_taken",
            Self::Individual => "individual_org",
            Self::Description => "invalid_description",
            Self::Recovery => "recovery_is_primary",
            Self::Owners => "owner_limit_reached",
            Self::OwnerDomain(_) => "owner_domain_mismatch",
            Self::OtherPassword => "other_password",
            Self::TemporaryPassword => "temporary_password",
            Self::SamePassword => "same_password",
            Self::TooMany(_) => "rate_limited",
            Self::Password(error) => error.code(),
            Self::Database(error) => error.code(),
        }
    }
}
