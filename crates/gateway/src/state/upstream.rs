//! What an identity provider tells us between sign-ins: provisioning and security events.

use super::Secret;
use serde::{Deserialize, Serialize};

/// The provisioning (SCIM) side of a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// The connection's name.
    pub connection: String,
    /// The bearer tokens with which its client comes; a token alone chooses the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Vec<DirectoryToken>>,
}

/// One bearer token of a directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryToken {
    /// Unique in the directory.
    pub name: String,
    /// The token itself, in whatever form the operator chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
}

/// A stream of security events of a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// Unique in the instance; it stands in the address of the stream.
    pub name: String,
    /// The connection's name: a stream speaks about its people only.
    pub connection: String,
    /// How events arrive.
    pub delivery: Delivery,
    /// The transmitter's issuer, compared exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Where the transmitter's keys are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    /// The audience that its events must name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Which transmitter's habits are forgiven.
    #[serde(default)]
    pub profile: Profile,
    /// The Authorization header that a pushing transmitter must send, whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Secret>,
    /// The transmitter whose metadata says the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transmitter: Option<String>,
    /// Who we are at the transmitter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Our secret at the transmitter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
}

/// How events of a stream arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// The transmitter sends them to us (RFC 8935).
    Push,
    /// We fetch them (RFC 8936).
    Poll,
    /// We create and keep the stream at the transmitter ourselves (SSF §8).
    Managed,
}

/// Which transmitter's habits are forgiven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// None: SSF 1.0 and CAEP 1.0 as they stand.
    #[default]
    Final,
    /// Okta's.
    Okta,
    /// Google's cross-account protection.
    GoogleRisc,
    /// Drafts from before SSF had its name.
    SseLegacy,
    /// authentik's.
    Authentik,
    /// SCIM events (RFC 9967).
    Scim,
}
