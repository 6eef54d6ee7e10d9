//! A simulated SAML 2.0 identity provider: it really signs and encrypts, answers as real products do,
//! and breaks exactly the rule it is told to break. It writes its XML in canonical form and reads
//! requests with a few string functions, so it shares no XML library with whoever reads it.
//!
//! | route | does |
//! |---|---|
//! | `GET /metadata` | entity, certificates, addresses (SAML metadata), with an `ETag` |
//! | `GET`, `POST /sso` | a page with one button a person, or at once a response (see below) |
//! | `POST /sso/choose` | the button pressed |
//! | `GET`, `POST /slo` | a logout request is answered by redirect, a response is noted |
//! | `GET`, `POST /switches` | a page on which a person chooses the product and what goes wrong |
//! | `GET /submit.js` | the script by which the page with the response posts itself |
//!
//! `/sso` answers without a page when its query has `simulate_user=NAME`. [`attacks`] is the catalogue of
//! responses that no service may accept.

pub mod attacks;

mod answer;
mod der;
mod document;
mod encrypt;
mod keys;
mod logout;
mod metadata;
mod modes;
mod provider;
mod raw_rsa;
mod request;
mod router;
mod scan;
mod settings;
mod shapes;
mod signature;
mod switches;
mod time;
mod xml;

pub use crate::oidc::{Now, OldKeys};
pub use keys::{KeyKind, SignatureMethod};
pub use modes::{MetadataMode, Mode, ResponseMode};
pub use provider::{SamlProvider, SamlProviderError};
pub use request::{LogoutSeen, RequestError, RequestSeen};
pub use settings::{Cipher, Encrypt, Oaep, SamlProviderSettings, Service, Sign};
pub use shapes::{AttributeNames, Shape};

#[cfg(test)]
mod tests;
