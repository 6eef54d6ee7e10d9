//! Clients and what they are given: the one engine of every token endpoint.
//!
//! ```text
//! client proves itself ─► grant ─► family (what was granted, stamped with the member's epoch)
//!                                    └─ tokens: codes of their texts, or signed and found by their id
//! introspect, refresh  ─► token ─► family not ended ─► client still there ─► member not held, same epoch,
//!                                                       minted after the floor ─► session, if bound to one, lives
//! ```
//! Nothing here is trusted from memory: whoever asks about a token reads the rows that end it.
//!
//! | module | what happens there |
//! |---|---|
//! | [`client`] | who asks |
//! | [`issue`] | grants and tokens |
//! | [`inspect`] | whether a token holds, and its end |
//! | [`keyring`] | the keys that sign, and their turns |
//! | [`claims`] | what is said of a person |

pub mod claims;
pub mod client;
pub mod inspect;
pub mod issue;
pub mod keyring;

use cardea_model::{Fault, Kind};
use cardea_store::db::DbError;
use std::time::Duration;

pub use client::{Client, Proof, authenticate};
pub use inspect::{Inspection, introspect, revoke};
pub use issue::{Issued, client_credentials};

use crate::error::GatewayError;

/// How long an access or ID token lives.
pub const TOKEN_LIFE: Duration = Duration::from_secs(300);

/// Why a client is not given what it asks for (RFC 6749 §5.2 and its extensions).
#[derive(Debug, thiserror::Error)]
pub enum OAuthError {
    /// The request lacks something, or says it twice.
    #[error("{0}")]
    Request(&'static str),
    /// The client did not prove who it is.
    #[error("the client's credentials are not valid")]
    Client,
    /// The client may not use this grant.
    #[error("this client may not do that")]
    NotGranted,
    /// The client is no resource server.
    #[error("this client may not ask about tokens")]
    NotAResourceServer,
    /// No such grant is served here.
    #[error("this grant is not served here")]
    GrantType,
    /// A scope that there is not, or not for this client.
    #[error("a scope is not known, or not for this client")]
    Scope,
    /// A resource that nobody here answers for (RFC 8707 §2).
    #[error("no service here answers for this resource")]
    Target,
    /// Whatever every room may fail at.
    #[error(transparent)]
    Other(#[from] GatewayError),
}

impl From<DbError> for OAuthError {
    fn from(error: DbError) -> Self {
        Self::Other(error.into())
    }
}

impl Fault for OAuthError {
    fn kind(&self) -> Kind {
        match self {
            Self::Request(_) | Self::NotGranted | Self::GrantType | Self::Scope | Self::Target => Kind::Invalid,
            Self::Client => Kind::Unauthenticated,
            Self::NotAResourceServer => Kind::Refused,
            Self::Other(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Request(_) => "invalid_request",
            Self::Client => "invalid_client",
            Self::NotGranted | Self::NotAResourceServer => "unauthorized_client",
            Self::GrantType => "unsupported_grant_type",
            Self::Scope => "invalid_scope",
            Self::Target => "invalid_target",
            Self::Other(error) => match error.kind() {
                Kind::Unavailable | Kind::TooMany(_) => "temporarily_unavailable",
                Kind::Invalid
                | Kind::Unprocessable
                | Kind::Unauthenticated
                | Kind::Refused
                | Kind::Missing
                | Kind::Conflict
                | Kind::Stale
                | Kind::Internal => "server_error",
            },
        }
    }
}
