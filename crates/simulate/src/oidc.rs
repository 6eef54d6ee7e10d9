//! A simulated OpenID provider: it really signs, keeps every rule of OpenID Connect Core by default,
//! and breaks exactly the one it is told to break.
//!
//! | route | does |
//! |---|---|
//! | `GET /.well-known/openid-configuration` | metadata (OpenID Discovery 1.0) |
//! | `GET /jwks` | the published keys (RFC 7517) |
//! | `GET`, `POST /authorize` | a page with one button a person, or at once a code (see below) |
//! | `POST /authorize/choose` | the button pressed |
//! | `POST /token` | code for tokens: PKCE S256; Basic, post or a signed assertion; single use within 60 s |
//! | `GET`, `POST /userinfo` | claims of the person now |
//! | `GET /end_session` | RP-initiated logout |
//! | `GET /rogue-jwks` | a foreign key set that nobody should ever fetch (`HeaderMode::Jku`) |
//!
//! `/authorize` answers without a page when the query has `simulate_user=NAME`, or when the setting
//! `auto_sign_in` is on, `login_hint` names a known person and `prompt` is absent.

mod assertion;
mod authorize;
mod claims;
mod code;
mod discovery;
mod keys;
mod logout;
mod modes;
mod page;
mod provider;
mod requests;
mod router;
mod settings;
mod sign;
mod spoil;
mod state;
mod token;
mod userinfo;

pub use keys::{Algorithm, OldKeys};
pub use modes::{
    Answer, ClaimsMode, DiscoveryMode, Endpoint, HeaderMode, JwksMode, Mode, ResponseMode, TokenMode, UserinfoMode,
};
pub use provider::{OidcProvider, SimulateError};
pub use requests::RequestSeen;
pub use settings::{GroupsIn, Now, ProviderSettings};

#[cfg(test)]
mod tests;
