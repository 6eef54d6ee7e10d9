//! Upstream identity providers and the outside world.
//!
//! | module | what it is for |
//! |---|---|
//! | [`fetch`] | the only HTTP client: bounded in time and size, refuses private addresses, follows nothing |
//! | [`jwks`] | the one cache of other people's signing keys |
//! | [`connector`] | what a sign-in needs of any identity provider: depart, arrive, one [`Identity`] out |
//! | [`oidc`] | the connector for OpenID Connect |
//! | [`saml`] | the connector for SAML 2.0, with a strict reader of its own |
//! | [`mail`] | messages to people, into a folder or to a mail server |
//!
//! Nothing here knows of accounts, sessions or the database: what was learnt goes up as a return value.

mod cause;
pub mod connector;
pub mod error;
pub mod fetch;
pub mod jwks;
pub mod mail;
pub mod oidc;
pub mod saml;

pub use connector::{
    Arrival, ClaimedEmail, Connector, Departure, Flow, GroupClaims, Identity, Once, Outside, Parameters,
};
pub use error::{ConnectError, Step};
pub use fetch::{Fetch, FetchError, Fetched, Forbidden, OutboundPolicy};
pub use jwks::{JwksCache, JwksError, KeySet};
pub use mail::{Letter, Mail, MailError, MailWay};
pub use oidc::{
    Answers, Assertion, GroupsClaim, LogoutToken, MetadataCache, OidcConnector, OidcSettings, TokenAuth, groups_in,
};
pub use saml::{IdpMetadata, Posted, SamlConnector, SamlError, SamlSettings, SignedStatement, SpKeys};

#[cfg(test)]
mod tests;
