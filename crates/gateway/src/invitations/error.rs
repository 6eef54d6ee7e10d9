//! Why an invitation is not made, changed or accepted.

use cardea_model::key::Span;
use cardea_model::{Denied, Fault, Kind};
use cardea_store::db::DbError;

use crate::accounts::AccountError;

/// Why an invitation is not made, changed or accepted.
#[derive(Debug, thiserror::Error)]
pub enum InvitationError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such invitation for this caller (404).
    #[error("there is no such invitation")]
    Missing,
    /// The link never was, or a newer one was sent (404).
    #[error("this link is no good, or a newer one was sent; use the newest, or ask for a new one")]
    Link,
    /// An individual org has one person (409).
    #[error(
        "this is an individual org, which only its owner uses; it becomes an enterprise org with its first premium product"
    )]
    Individual,
    /// The address is none (422).
    #[error("this is no e-mail address")]
    Email,
    /// The link would be good for too short or too long (422).
    #[error("an invitation is good for at least {0} and at most {1}")]
    Validity(Span, Span),
    /// The inviter's words cannot be sent (422).
    #[error("the message is plain text of at most {0} bytes")]
    Message(usize),
    /// Too many roles (422).
    #[error("an invitation gives at most {0} roles")]
    Roles(usize),
    /// A role cannot be given in this org (422).
    #[error("{0}")]
    Role(String),
    /// The account has one owner, whom nobody invites (422).
    #[error("an account has one owner; invite an `admin` or a `member` of the account")]
    AccountOwner,
    /// An owner of the org is an admin of the account and needs no other role (422).
    #[error("an owner of the org has the account role `admin`, and needs no roles besides")]
    OwnerIsAdmin,
    /// The invited person is there (409).
    #[error("whoever has this address is there already; change their roles instead")]
    AlreadyMember,
    /// An invitation to this address can still be accepted (409).
    #[error("an invitation to this address is on its way; send it again, or withdraw it first")]
    Pending,
    /// Somebody changed it since it was read (412).
    #[error("this invitation has changed since you read it; read it again")]
    Stale,
    /// It was accepted (409).
    #[error("this invitation has been accepted; sign in")]
    Accepted,
    /// It was withdrawn (409).
    #[error("this invitation was withdrawn; ask whoever invited you")]
    Revoked,
    /// It was not accepted in time (409).
    #[error("this invitation has expired; ask whoever invited you to send it again")]
    Expired,
    /// Whoever sent it could not send it now (409).
    #[error("whoever sent this invitation may not invite any more; ask for a new one")]
    InviterGone,
    /// Somebody else is signed in (403).
    #[error(
        "this invitation is for another address than the one that you are signed in with; sign out, and open the link again"
    )]
    OtherAddress,
    /// The address is somebody's, who has to sign in (401).
    #[error("sign in with the invited address, and accept then")]
    SignIn,
    /// A password has to be chosen (422).
    #[error("choose a password to accept")]
    Password,
    /// The invited person's access here was ended, by somebody whom no invitation overrules (409).
    #[error("your access here was ended; ask an owner of the org to give it back")]
    Held,
    /// The sign-in is not recent enough (403).
    #[error("sign in again to invite an owner: it asks for a sign-in of the last 15 minutes")]
    Reauthenticate,
    /// The owners' number or domain, or the password.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// Something stored cannot be read.
    #[error("a stored {0} cannot be read")]
    Corrupt(&'static str),
    /// The database did not do it.
    #[error("the database did not answer")]
    Database(#[source] DbError),
}

impl From<DbError> for InvitationError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl Fault for InvitationError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::Missing | Self::Link => Kind::Missing,
            Self::Email
            | Self::Validity(..)
            | Self::Message(_)
            | Self::Roles(_)
            | Self::Role(_)
            | Self::AccountOwner
            | Self::OwnerIsAdmin
            | Self::Password => Kind::Unprocessable,
            Self::Individual
            | Self::AlreadyMember
            | Self::Pending
            | Self::Accepted
            | Self::Revoked
            | Self::Expired
            | Self::InviterGone
            | Self::Held => Kind::Conflict,
            Self::Stale => Kind::Stale,
            Self::OtherAddress | Self::Reauthenticate => Kind::Refused,
            Self::SignIn => Kind::Unauthenticated,
            Self::Account(error) => error.kind(),
            Self::Corrupt(_) => Kind::Internal,
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Missing => "not_found",
            Self::Link => "link_invalid",
            Self::Individual => "individual_org",
            Self::Email => "invalid_email",
            Self::Validity(..) => "invalid_validity",
            Self::Message(_) => "invalid_message",
            Self::Roles(_) => "too_many_roles",
            Self::Role(_) => "unknown_role",
            Self::AccountOwner => "account_has_one_owner",
            Self::OwnerIsAdmin => "owner_is_admin",
            Self::AlreadyMember => "already_member",
            Self::Pending => "invitation_pending",
            Self::Stale => "stale",
            Self::Accepted => "invitation_accepted",
            Self::Revoked => "invitation_revoked",
            Self::Expired => "invitation_expired",
            Self::InviterGone => "inviter_gone",
            Self::OtherAddress => "other_address",
            Self::SignIn => "sign_in_first",
            Self::Password => "password_missing",
            Self::Held => "access_ended",
            Self::Reauthenticate => "reauthentication_required",
            Self::Account(error) => error.code(),
            Self::Corrupt(_) => "internal",
            Self::Database(error) => error.code(),
        }
    }
}
