//! Why activations refuse.

use cardea_model::{Denied, Fault, Kind};
use cardea_store::db::DbError;

use crate::accounts::AccountError;
use crate::password::PasswordError;

/// Why an activation was not offered, shown, claimed, handed on or withdrawn.
#[derive(Debug, thiserror::Error)]
pub enum ActivationError {
    /// The account cannot be made, or the caller may not.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// There is no such activation, or its link was replaced by another one (404).
    #[error("this link is not known here; if it was handed on, the other address has a new one")]
    Unknown,
    /// It was claimed (409).
    #[error("this was activated already")]
    Used,
    /// It is too late (409).
    #[error("this link has expired; ask whoever sent it for a new one")]
    Expired,
    /// The operator has withdrawn it (409).
    #[error("this offer was withdrawn; ask whoever sent it")]
    Withdrawn,
    /// It is for another address than the caller's verified one (403).
    #[error("this was sent to another address than yours; sign in with the one that it was sent to")]
    OtherAddress,
    /// Whoever has this address is known here, or signs in through their provider (401).
    #[error("sign in first with the address that this was sent to, then follow the link again")]
    SignIn,
    /// The account is not one that the caller owns (403).
    #[error("you do not own this account; choose one of yours or a new one, or leave it to its owner")]
    NotOwner,
    /// The account has this service for at least as long, or an operator holds it back there (409).
    #[error("{0}")]
    NotEligible(&'static str),
    /// Neither an account nor a new one was named, or both (422).
    #[error("say exactly one of `account` and `new_account`")]
    OneWay,
    /// A new person chooses a password (422).
    #[error("choose a password for the new account")]
    NoPassword,
    /// It cannot be handed on (409).
    #[error("this cannot be handed on; activate it yourself, or ask whoever sent it")]
    NotTransferable,
    /// It is theirs already (422).
    #[error("this is the address that it was sent to")]
    SameAddress,
    /// The message cannot be (422).
    #[error("a message has at most 2000 bytes of plain text")]
    Message,
    /// The address is none (422).
    #[error("this is no e-mail address")]
    Email,
    /// The catalogue has no such service (422).
    #[error("the catalogue has no service `{0}`")]
    NoService(String),
    /// The link would be good for too short or too long (422).
    #[error("a link is good for at least 5m and at most 1y")]
    Life,
    /// The entitlement would have ended already (422).
    #[error("`entitlement_ends_at` is in the past")]
    Ended,
}

impl From<DbError> for ActivationError {
    fn from(error: DbError) -> Self {
        Self::Account(error.into())
    }
}

impl From<Denied> for ActivationError {
    fn from(denied: Denied) -> Self {
        Self::Account(denied.into())
    }
}

impl From<PasswordError> for ActivationError {
    fn from(error: PasswordError) -> Self {
        Self::Account(error.into())
    }
}

impl Fault for ActivationError {
    fn kind(&self) -> Kind {
        match self {
            Self::Account(error) => error.kind(),
            Self::Unknown => Kind::Missing,
            Self::SignIn => Kind::Unauthenticated,
            Self::OtherAddress | Self::NotOwner => Kind::Refused,
            Self::Used | Self::Expired | Self::Withdrawn | Self::NotEligible(_) | Self::NotTransferable => {
                Kind::Conflict
            }
            Self::OneWay
            | Self::NoPassword
            | Self::SameAddress
            | Self::Message
            | Self::Email
            | Self::NoService(_)
            | Self::Life
            | Self::Ended => Kind::Unprocessable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Account(error) => error.code(),
            Self::Unknown => "activation_unknown",
            Self::Used => "activation_used",
            Self::Expired => "activation_expired",
            Self::Withdrawn => "activation_withdrawn",
            Self::OtherAddress => "other_address",
            Self::SignIn => "sign_in_first",
            Self::NotOwner => "not_owner",
            Self::NotEligible(_) => "not_eligible",
            Self::OneWay => "one_account",
            Self::NoPassword => "password_needed",
            Self::NotTransferable => "not_transferable",
            Self::SameAddress => "same_address",
            Self::Message => "invalid_message",
            Self::Email => "invalid_email",
            Self::NoService(_) => "unknown_service",
            Self::Life => "invalid_life",
            Self::Ended => "invalid_end",
        }
    }
}
