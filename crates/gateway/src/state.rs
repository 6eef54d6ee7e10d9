//! The declarative state: everything an operator can say in one YAML document, and `cardea export` says back.
//!
//! | section | noun | file |
//! |---|---|---|
//! | `operators`, `accounts`, `org`, `teams` | who is here | this one |
//! | `connections` | identity providers | [`connection`] |
//! | `directories`, `signals` | provisioning and security events | [`upstream`] |
//! | `rules`, `rules_in_force` | groups to roles | [`rule`] |
//! | `users`, `invitations` | people by hand | [`person`] |
//! | `clients`, `webhooks` | the services behind the gateway | [`client`] |
//!
//! # Absent, empty, default
//! - A section or setting that is absent is left as it is. A list that is present, even empty, is the whole list;
//!   only `operators`, `accounts` and `users` are never shortened by leaving somebody out.
//! - What has a default is always written, so that an exported file keeps its meaning when a default changes;
//!   what does not exist is left out. The keys stand in the order of these structs.
//! - A secret is written as `{kept: true}` and never as itself: see [`Secret`].

pub mod check;
pub mod client;
pub mod connection;
pub mod person;
pub mod rule;
pub mod secret;
pub mod upstream;
pub mod withheld;

use serde::{Deserialize, Deserializer, Serialize};

use crate::keys::Policy;

pub use cardea_model::catalogue::OrgKind;
pub use cardea_model::entitlement::Entitlement;
/// The text form of operator tokens and of every other secret that we issue.
pub use cardea_tokens::format;
pub use check::{Problem, problems};
pub use client::{Client, GrantType, KidStyle, SigningAlgorithm, TokenFormat, Webhook};
pub use connection::{
    Attributes, Connection, Groups, GroupsFrom, Kind, Metadata, Oidc, OnMissing, Protocol, ResponseMode, Saml, Stage,
    TokenAuth, TrustEmail,
};
pub use person::{Identity, Invitation, User};
pub use rule::Rule;
pub use secret::Secret;
pub use upstream::{Delivery, Directory, DirectoryToken, Profile, Signal};
pub use withheld::{Thing, Withheld};

/// The whole document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The version of this format; only 1 exists.
    pub version: Version,
    /// Operator tokens to have; others are left alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operators: Vec<Operator>,
    /// Tenants to have; others are left alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<Account>,
    /// The operator's own services, which serve every org.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<Vec<Client>>,
}

/// The version of the document's format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(into = "u8")]
pub struct Version;

impl From<Version> for u8 {
    fn from(_: Version) -> Self {
        1
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            1 => Ok(Self),
            other => {
                Err(serde::de::Error::custom(format!("version {other} is not known; this program reads `version: 1`")))
            }
        }
    }
}

/// A token with which a script may apply this document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// Unique in the instance.
    pub name: String,
    /// A token made by `cardea operator create --print-only`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Unique in the instance, without spaces.
    pub name: String,
    /// The local owner, who gets in when no identity provider does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// For people: one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where the owner can be reached when the primary address is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_email: Option<String>,
    /// The account's only org.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<Org>,
    /// Its identity providers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<Vec<Connection>>,
    /// The provisioning side of connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directories: Option<Vec<Directory>>,
    /// The security events of connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signals: Option<Vec<Signal>>,
    /// Which groups earn which roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<Rule>>,
    /// Whether the rules are in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules_state: Option<RulesState>,
    /// The rules that are in force, where they are others than `rules`: those are edited, and wait for their activation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules_in_force: Option<Vec<Rule>>,
    /// People who are somebody here by hand, beside the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<User>>,
    /// Who is asked to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitations: Option<Vec<Invitation>>,
    /// Services that see this account's people and keys only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<Vec<Client>>,
}

/// The local owner of an account and its org.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The address that signs in.
    pub email: String,
    /// The password; without one the owner uses a one-time link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
}

/// The workspace of an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Org {
    /// Unique in the instance; the first segment of every entity.
    pub name: String,
    /// Whether anybody but its owner may have roles in it.
    #[serde(default = "enterprise")]
    pub kind: OrgKind,
    /// Services of the catalogue that the org is entitled to: a name alone, or `{service, state, ends_at}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<Vec<Entitlement>>,
    /// Its isolated parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teams: Option<Vec<Team>>,
    /// What it wants of its keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Policy>,
}

const fn enterprise() -> OrgKind {
    OrgKind::Enterprise
}

/// An isolated part of an org.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// Lower case, unique in the org, never used again after deletion.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
}

/// Whether an org's rules are in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RulesState {
    /// Stored, without effect.
    Draft,
    /// In force at each sign-in.
    Active,
}

#[cfg(test)]
mod tests;
