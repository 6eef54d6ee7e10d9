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
//! | [`assertion`] | what clients sign to prove it |
//! | [`issue`] | grants and tokens |
//! | [`authorize`] | a person comes from a service and goes back with a code |
//! | [`redeem`] | codes and refresh tokens become tokens |
//! | `password` | scripts that have somebody's password |
//! | [`inspect`] | whether a token holds, and its end |
//! | [`logout`] | a service sends somebody here to sign out |
//! | [`keyring`] | the keys that sign, and their turns |
//! | [`claims`] | what is said of a person |

pub mod assertion;
pub mod authorize;
pub mod claims;
pub mod client;
pub mod inspect;
pub mod issue;
pub mod keyring;
pub mod logout;
mod password;
pub mod redeem;

use cardea_model::{Fault, Kind};
use cardea_store::db::DbError;
use std::time::Duration;

pub use claims::userinfo;
pub use client::{Client, Proof, authenticate};
pub use inspect::{Inspection, introspect, revoke, signed};
pub use issue::Issued;

use crate::app::App;
use crate::context::Ctx;
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
    /// So many wrong secrets came from there that somebody may be guessing; in seconds, when the next one is looked at.
    #[error("too many wrong secrets were sent for this client; try again later")]
    TooMany(u32),
    /// So many requests came from there; in seconds, when the next one is answered.
    #[error("too many requests came from your network; try again later")]
    Crowded(u32),
    /// Its secret is right, and it is switched off.
    #[error("this app is switched off")]
    Disabled,
    /// A name and a password that do not fit, or that nobody has here.
    #[error("the name or the password is wrong")]
    Credentials,
    /// They fit, and are good for choosing another password only.
    #[error("this password was made for its person, who has to sign in with it and choose another one first")]
    TemporaryPassword,
    /// The client may not use this grant.
    #[error("this client may not do that")]
    NotGranted,
    /// The client is no resource server.
    #[error("this client may not ask about tokens")]
    NotAResourceServer,
    /// A code or refresh token that is not good, or not for this client.
    #[error("{0}")]
    Grant(&'static str),
    /// Something else than a code is asked for.
    #[error("only `response_type=code` is served")]
    ResponseType,
    /// A request object (OpenID Connect Core §6.1).
    #[error("request objects are not served")]
    RequestObject,
    /// The address of one (OpenID Connect Core §6.2).
    #[error("`request_uri` is not served")]
    RequestUri,
    /// Nobody is signed in, or not as the service demands, and nobody may be asked to (OpenID Connect Core §3.1.2.6).
    #[error("somebody has to sign in first")]
    LoginRequired,
    /// The client is not for the people of this account.
    #[error("this service is not for you")]
    AccessDenied,
    /// An access token that does not hold (RFC 6750 §3.1).
    #[error("the access token is not valid")]
    Token,
    /// One that is not for this (RFC 6750 §3.1).
    #[error("the access token lacks the scope `openid`")]
    ScopeTooSmall,
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
            Self::Request(_)
            | Self::NotGranted
            | Self::GrantType
            | Self::Scope
            | Self::Target
            | Self::Grant(_)
            | Self::ResponseType
            | Self::RequestObject
            | Self::RequestUri
            | Self::LoginRequired
            | Self::AccessDenied => Kind::Invalid,
            Self::TooMany(seconds) | Self::Crowded(seconds) => Kind::TooMany(*seconds),
            Self::Client | Self::Token | Self::Credentials => Kind::Unauthenticated,
            Self::NotAResourceServer | Self::ScopeTooSmall | Self::Disabled | Self::TemporaryPassword => Kind::Refused,
            Self::Other(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Request(_) => "invalid_request",
            Self::TooMany(_) | Self::Crowded(_) => "temporarily_unavailable",
            Self::Client => "invalid_client",
            Self::NotGranted | Self::NotAResourceServer => "unauthorized_client",
            Self::Disabled => "app_disabled",
            Self::Credentials => "invalid_credentials",
            Self::TemporaryPassword => "password_change_required",
            Self::GrantType => "unsupported_grant_type",
            Self::Scope => "invalid_scope",
            Self::Target => "invalid_target",
            Self::Grant(_) => "invalid_grant",
            Self::ResponseType => "unsupported_response_type",
            Self::RequestObject => "request_not_supported",
            Self::RequestUri => "request_uri_not_supported",
            Self::LoginRequired => "login_required",
            Self::AccessDenied => "access_denied",
            Self::Token => "invalid_token",
            Self::ScopeTooSmall => "insufficient_scope",
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

/// What a client asks a token endpoint for, in whichever words.
#[derive(Clone, Copy)]
pub enum Grant<'a> {
    /// A token for itself.
    ClientCredentials {
        /// The services, with blanks between; all of its own if not given.
        scope: Option<&'a str>,
        /// Whom the token is for.
        resource: Option<&'a str>,
    },
    /// What somebody's sign-in stands for.
    AuthorizationCode {
        /// The code.
        code: &'a str,
        /// Where it was sent.
        redirect_uri: &'a str,
        /// What the request proved to know (RFC 7636 §4.5).
        verifier: &'a str,
    },
    /// The continuation of that.
    RefreshToken {
        /// The refresh token.
        token: &'a str,
        /// No more than what was granted.
        scope: Option<&'a str>,
    },
    /// Somebody's name and password. Not a grant of the standard endpoint.
    Password {
        /// Their address.
        username: &'a str,
        /// Their password.
        password: &'a str,
    },
}

/// Gives a client what it asks for: the one engine behind every token endpoint.
///
/// # Errors
/// [`OAuthError`].
pub async fn give(app: &App, ctx: &Ctx, client: &Client, grant: Grant<'_>) -> Result<Issued, OAuthError> {
    match grant {
        Grant::ClientCredentials { scope, resource } => {
            issue::client_credentials(app, ctx, client, scope, resource).await
        }
        Grant::AuthorizationCode { code, redirect_uri, verifier } => {
            redeem::redeem(app, ctx, client, code, redirect_uri, verifier).await
        }
        Grant::RefreshToken { token, scope } => redeem::refresh(app, ctx, client, token, scope).await,
        Grant::Password { username, password } => {
            password::sign_in(app, ctx, client, username, password.to_owned().into()).await
        }
    }
}
