//! Why somebody did not get in: one text for the person, a stable word for the admin.

use cardea_connect::ConnectError;
use cardea_connect::saml::SamlError;
use cardea_model::{Fault, Kind};
use cardea_store::db::DbError;

use crate::error::GatewayError;
use crate::password::PasswordError;

/// Why somebody did not get in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// There is no such connection, or it does not let anybody in now.
    #[error("there is no such way to sign in")]
    NoConnection,
    /// The provider sent an answer that nobody asked for, and this connection takes none.
    #[error("the provider sent an answer that nobody asked for")]
    Unsolicited,
    /// The assertion has signed somebody in before.
    #[error("the assertion has been used before")]
    Replayed,
    /// The provider states an address of a domain that is not this connection's.
    #[error("the address is of a domain that is not this connection's")]
    EmailDomain,
    /// No sign-in was begun with this state, or it was finished, or it is too late.
    #[error("no sign-in was begun with this state, or it is over")]
    NoAttempt,
    /// Another browser began it, or none: login cross-site request forgery.
    #[error("the sign-in was begun by another browser")]
    OtherBrowser,
    /// A service wanted the person to prove anew who they are, and the provider let them through as it knew them.
    #[error("the provider was asked to sign the person in anew and did not")]
    NotAgain,
    /// Another connection began it: mix-up.
    #[error("the sign-in was begun at another connection")]
    OtherConnection,
    /// Access ended after the sign-in was begun.
    #[error("access ended while the sign-in was on its way")]
    Overtaken,
    /// A hold stands.
    #[error("the person is deactivated")]
    Deactivated,
    /// The directory has deleted the person.
    #[error("the directory has deleted the person")]
    Deleted,
    /// Nobody like that is known and this connection creates nobody.
    #[error("the person is not provisioned, and this connection creates nobody at sign-in")]
    NotProvisioned,
    /// Several records could be meant.
    #[error("several records of the directory could be this person")]
    Ambiguous,
    /// The record belongs to another subject of this connection.
    #[error("the record of the directory belongs to another subject")]
    OtherSubject,
    /// The address is another person's, who may not be joined.
    #[error("the address belongs to somebody else")]
    EmailTaken,
    /// Wrong address or password.
    #[error("the address or the password is wrong")]
    Credentials,
    /// The password was made for them, and is good for choosing another one only.
    #[error("the password is temporary")]
    Temporary,
    /// Too many tries; again after these seconds.
    #[error("too many tries")]
    TooMany(u32),
    /// No password could be checked now.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The provider or its answer.
    #[error(transparent)]
    Provider(#[from] ConnectError),
    /// The provider has not said at its address who it is, and was asked a moment ago.
    #[error("the provider's metadata could not be read a moment ago; it is asked again in a minute")]
    MetadataAway,
    /// The provider's new metadata speaks for another entity.
    #[error("the provider's new metadata speaks for another entity; the old one stays in force")]
    MetadataEntity,
    /// Our own keys towards the provider.
    #[error(transparent)]
    Own(#[from] GatewayError),
    /// A stored connection or flow cannot be read.
    #[error("a stored {0} cannot be read")]
    Corrupt(&'static str),
    /// The database did not do it.
    #[error("the database did not answer")]
    Database(#[source] DbError),
}

impl From<DbError> for LoginError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl LoginError {
    /// A stable word for the trace, the audit log and the metric.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NoConnection => "no_connection",
            Self::NoAttempt => "no_attempt",
            Self::Unsolicited => "unsolicited",
            Self::Replayed => "replayed",
            Self::EmailDomain => "email_domain",
            Self::OtherBrowser => "other_browser",
            Self::OtherConnection => "other_connection",
            Self::NotAgain => "not_again",
            Self::Overtaken => "overtaken",
            Self::Deactivated => "deactivated",
            Self::Deleted => "deleted",
            Self::NotProvisioned => "not_provisioned",
            Self::Ambiguous => "ambiguous",
            Self::OtherSubject => "other_subject",
            Self::EmailTaken => "email_taken",
            Self::Credentials => "credentials",
            Self::Temporary => "temporary_password",
            Self::TooMany(_) => "too_many",
            Self::Password(_) => "password",
            Self::Provider(error) => error.reason(),
            Self::MetadataAway => "metadata_away",
            Self::MetadataEntity => "metadata_entity",
            Self::Own(_) => "own_keys",
            Self::Corrupt(_) => "corrupt",
            Self::Database(_) => "database",
        }
    }
}

impl Fault for LoginError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoConnection => Kind::Missing,
            Self::TooMany(seconds) => Kind::TooMany(*seconds),
            Self::Password(error) => error.kind(),
            Self::Corrupt(_) | Self::MetadataEntity => Kind::Internal,
            Self::MetadataAway => Kind::Unavailable,
            Self::Provider(error) => error.kind(),
            Self::Own(error) => error.kind(),
            Self::Database(error) => error.kind(),
            Self::NoAttempt
            | Self::Unsolicited
            | Self::Replayed
            | Self::EmailDomain
            | Self::OtherBrowser
            | Self::OtherConnection
            | Self::NotAgain
            | Self::Overtaken
            | Self::Deactivated
            | Self::Deleted
            | Self::NotProvisioned
            | Self::Ambiguous
            | Self::OtherSubject
            | Self::EmailTaken
            | Self::Credentials
            | Self::Temporary => Kind::Unauthenticated,
        }
    }

    fn code(&self) -> &'static str {
        match self.kind() {
            Kind::Unavailable => "temporarily_unavailable",
            Kind::TooMany(_) => "too_many_attempts",
            Kind::Missing => "not_found",
            Kind::Internal => "internal",
            Kind::Invalid
            | Kind::Unprocessable
            | Kind::Unauthenticated
            | Kind::Refused
            | Kind::Conflict
            | Kind::Stale => "login_failed",
        }
    }
}

impl From<SamlError> for LoginError {
    fn from(error: SamlError) -> Self {
        Self::Provider(error.into())
    }
}
