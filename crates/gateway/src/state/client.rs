//! One service behind the gateway in the declarative state.

use super::Secret;
use serde::{Deserialize, Serialize};

/// A service behind the gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Unique in the instance, opaque to everybody.
    pub client_id: String,
    /// What people read.
    pub name: String,
    /// With which it authenticates; a client without one is public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// The public keys with which it authenticates instead, as a JSON Web Key Set (RFC 7517 §5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<serde_json::Value>,
    /// Where it publishes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Where people may be sent back to, compared exactly.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Where people may be sent after they signed out, compared exactly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<String>,
    /// What it may ask the token endpoint for.
    #[serde(default)]
    pub grants: Vec<GrantType>,
    /// Whether it may check keys and introspect tokens.
    #[serde(default)]
    pub resource_server: bool,
    /// The services of the catalogue that it is.
    #[serde(default)]
    pub services: Vec<String>,
    /// The addresses that tokens for it may name as their audience, compared exactly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// How its ID tokens are signed.
    #[serde(default, skip_serializing_if = "SigningAlgorithm::is_default")]
    pub id_token_alg: SigningAlgorithm,
    /// What its access tokens look like.
    #[serde(default)]
    pub token_format: TokenFormat,
    /// How its registry tokens name their key.
    #[serde(default)]
    pub kid_style: KidStyle,
    /// Whether its registry tokens carry the certificate of the key that signed them.
    #[serde(default = "yes")]
    pub x5c: bool,
    /// Where it wants to hear of ended access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhooks: Option<Vec<Webhook>>,
}

impl Client {
    /// Whether it authenticates by what it signs.
    #[must_use]
    pub const fn has_keys(&self) -> bool {
        self.jwks.is_some() || self.jwks_uri.is_some()
    }
}

const fn yes() -> bool {
    true
}

/// What a client may ask the token endpoint for (RFC 6749).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A person's sign-in.
    AuthorizationCode,
    /// Its continuation.
    RefreshToken,
    /// The client itself.
    ClientCredentials,
    /// A local person's name and password, where the operator wants it: never at the standard endpoint.
    Password,
}

/// How an ID token is signed (RFC 7518 §3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SigningAlgorithm {
    /// With RSA, which everybody can verify.
    #[default]
    Rs256,
    /// With an elliptic curve: smaller and cheaper.
    Es256,
}

impl SigningAlgorithm {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What an access token looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenFormat {
    /// A random string that is introspected and ends at once.
    #[default]
    Opaque,
    /// A signed token (RFC 9068) that a service can verify alone, and that lives up to 300 seconds.
    Jwt,
}

/// How the header of a registry token names its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KidStyle {
    /// The thumbprint of the key (RFC 7638).
    #[default]
    Rfc7638,
    /// The fingerprint that registries before version 3 know.
    Libtrust,
}

/// An address that hears of ended access.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where messages are posted; unique under its client.
    pub url: String,
    /// Signs the messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// Which events it wants; all if empty.
    #[serde(default)]
    pub events: Vec<String>,
}
