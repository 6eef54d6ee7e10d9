//! People in the declarative state: those who are somebody here because somebody put them there by hand, and those who are
//! asked to come. Whoever rules, a directory or a sign-in bring comes by themselves.

use cardea_model::key::Span;
use cardea_model::name::Email;
use cardea_model::rule::{AccountRole, RuleGrant};
use serde::{Deserialize, Serialize};

use super::Secret;

/// Somebody of an account. Who stands here is made if nobody is like that; nobody goes by being left out, and nobody who has
/// left comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The address that is proven to be theirs, by which they are found; else by an identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What a new user is called; the address, if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What they sign in with, if not at a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// Whether they own the org beside the account's owner.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub owner: bool,
    /// `admin` or `member` of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_role: Option<AccountRole>,
    /// All roles that they have by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<RuleGrant>>,
    /// As whom a new user signs in at connections.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<Identity>,
}

/// Who somebody is at a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The connection's name.
    pub connection: String,
    /// The name that its directory or provider knows them by.
    pub user_name: String,
    /// The subject that signs in there; none if they never have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Its directory's own id for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

/// Somebody who is asked to come. The link is never written here: whoever is not asked yet gets one by mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invitation {
    /// Who.
    pub email: String,
    /// Whether they shall own the org.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub owner: bool,
    /// What they become in the account.
    #[serde(default)]
    pub account_role: AccountRole,
    /// What they get when they accept.
    #[serde(default)]
    pub roles: Vec<RuleGrant>,
    /// What the message says, in plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How long a link is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_for: Option<Span>,
}

impl User {
    /// Their address as it is compared, if they have one.
    #[must_use]
    pub fn normal(&self) -> Option<String> {
        self.email.as_deref().and_then(Email::parse).map(|email| email.normal)
    }

    /// What plans and problems call them.
    #[must_use]
    pub fn called(&self) -> String {
        let known_as = |identity: &Identity| format!("{} at {}", identity.user_name, identity.connection);
        self.normal().or_else(|| self.identities.first().map(known_as)).unwrap_or_default()
    }
}
