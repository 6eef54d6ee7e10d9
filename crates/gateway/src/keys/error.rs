//! Why a key was not made or changed.

use cardea_model::key::{BadExpiry, GrantError, KeyState};
use cardea_model::{Denied, Fault, Kind};
use cardea_store::db::DbError;

use super::KeyView;
use crate::error::GatewayError;

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
    /// Another key of this owner has the name (409).
    #[error("there is a key of this name already; choose another name or delete that key")]
    NameTaken,
    /// The owner has as many keys as allowed (409).
    #[error("there are {0} keys, which is the most; delete one first")]
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
    /// The org lacks the service (422).
    #[error("this org does not have the service `{0}`, so no key of it can")]
    NotEnabled(String),
    /// The org wants no legacy keys (403).
    #[error("this org does not want legacy keys; make a personal key")]
    LegacyOff,
    /// Legacy keys have one secret for life (409).
    #[error("a legacy key cannot be rotated; a new one takes its place")]
    LegacyRotation,
    /// The key is past its time, and nobody says until when it is to live (422).
    #[error("this key has expired; say with `expires_in`, `expires_at` or `never` until when it lives from now on")]
    NeedsExpiry,
    /// The grace cannot be (422).
    #[error("an old secret works beside the new one for at most 7d, and not at all after a leak")]
    Grace,
    /// No old secret works beside the current one (409).
    #[error("no old secret of this key works any more")]
    NoGrace,
    /// The longest life that the org is to allow cannot be (422).
    #[error("the longest life of keys is between 1h and 100y")]
    MaxAge,
    /// The caller's name for the request cannot be (422).
    #[error("an `Idempotency-Key` has 1 to 255 printable ASCII characters")]
    Token,
    /// The request has been done: this is what came of it, without the secret (409).
    #[error(
        "this request has made a key already, whose secret was shown then and is not shown again; if it was lost, rotate the key"
    )]
    Replayed(Box<KeyView>),
    /// The caller's name for the request stood on another one (422).
    #[error("this `Idempotency-Key` stood on a request that asked for something else; choose another")]
    OtherRequest,
    /// There is no such key of this owner (404).
    #[error("there is no such key")]
    Missing,
    /// The user is not there, or not for this caller.
    #[error(transparent)]
    User(#[from] GatewayError),
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
            Self::User(error) => error.kind(),
            Self::LegacyOff => Kind::Refused,
            Self::Name
            | Self::Expiry(_)
            | Self::Grant(_)
            | Self::NoRole(_)
            | Self::NotEnabled(_)
            | Self::NeedsExpiry
            | Self::Grace
            | Self::MaxAge
            | Self::Token
            | Self::OtherRequest => Kind::Unprocessable,
            Self::NameTaken
            | Self::Limit(_)
            | Self::State(_)
            | Self::LegacyRotation
            | Self::NoGrace
            | Self::Replayed(_) => Kind::Conflict,
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
            Self::NotEnabled(_) => "service_not_enabled",
            Self::LegacyOff => "legacy_off",
            Self::LegacyRotation => "legacy_key",
            Self::NeedsExpiry => "expiry_needed",
            Self::Grace => "invalid_grace",
            Self::NoGrace => "no_grace",
            Self::MaxAge => "invalid_max_age",
            Self::Token => "invalid_idempotency_key",
            Self::Replayed(_) => "idempotency_replay",
            Self::OtherRequest => "idempotency_mismatch",
            Self::User(error) => error.code(),
            Self::State(_) => "key_state",
            Self::Stale => "stale",
            Self::Database(error) => error.code(),
        }
    }
}
