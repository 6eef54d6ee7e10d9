//! What people are written about. The texts stand in [`super::compose`].

use std::fmt;

use cardea_model::Timestamp;
use cardea_model::name::Email;
use serde::{Deserialize, Deserializer, Serialize};

/// A message: its facts. Names and texts are somebody's own and may be hostile; links are whole addresses of ours.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Message {
    /// Somebody is asked to join an account and its org.
    AccountInvitation {
        /// The account.
        account: String,
        /// Its org.
        org: String,
        /// Who asks.
        inviter: String,
        /// `administrator` or `member` of the account.
        role: String,
        /// What the inviter wants to say, in plain text.
        text: Option<String>,
        /// Where to accept.
        link: String,
        /// Until when.
        #[serde(deserialize_with = "instant")]
        expires_at: Timestamp,
    },
    /// Somebody is asked to own an org.
    OwnerInvitation {
        /// The org.
        org: String,
        /// Who asks.
        inviter: String,
        /// What the inviter wants to say, in plain text.
        text: Option<String>,
        /// Where to accept.
        link: String,
        /// Until when.
        #[serde(deserialize_with = "instant")]
        expires_at: Timestamp,
    },
    /// Somebody has to show that the address is theirs.
    VerifyAddress {
        /// By what.
        proof: Proof,
        /// Until when.
        #[serde(deserialize_with = "instant")]
        expires_at: Timestamp,
    },
    /// The remaining owners learn that one was removed.
    OwnerRemoved {
        /// The org.
        org: String,
        /// Who is no owner any more.
        removed: String,
        /// Who did it.
        by: String,
        /// When.
        #[serde(deserialize_with = "instant")]
        at: Timestamp,
    },
    /// The other owners and the recovery address learn that an owner was suspended.
    OwnerSuspended {
        /// The org.
        org: String,
        /// Who may do nothing for now.
        owner: String,
        /// Who did it, such as `the directory of the connection okta`.
        by: String,
        /// When.
        #[serde(deserialize_with = "instant")]
        at: Timestamp,
    },
    /// A user writes to the owners of their org.
    ContactAdmin {
        /// The user's own address, where the answer goes.
        from: String,
        /// The user's subject.
        subject: String,
        /// The user's words, in plain text.
        body: String,
        /// The org.
        org: String,
        /// The team that it is about.
        team: Option<String>,
    },
    /// A product waits to be activated: the welcome.
    Activation {
        /// The product.
        service: String,
        /// Where to activate it.
        link: String,
        /// Until when.
        #[serde(deserialize_with = "instant")]
        expires_at: Timestamp,
    },
    /// Somebody hands an activation on.
    ActivationTransfer {
        /// The product.
        service: String,
        /// Who hands it on.
        from: String,
        /// What they want to say, in plain text.
        text: Option<String>,
        /// Where to activate it.
        link: String,
        /// Until when.
        #[serde(deserialize_with = "instant")]
        expires_at: Timestamp,
    },
    /// The certificate of an entitlement.
    Entitlement {
        /// The product.
        service: String,
        /// The certificate's number.
        number: String,
        /// Where to register it.
        link: String,
        /// When the entitlement ends, if it does.
        #[serde(deserialize_with = "maybe_instant")]
        expires_at: Option<Timestamp>,
    },
    /// An account was registered.
    RegistrationConfirmed {
        /// The account.
        account: String,
        /// Its org.
        org: String,
        /// Where to sign in.
        link: String,
    },
    /// Somebody asked for an account with an address that has a way in already.
    KnownAlready {
        /// Where to sign in.
        link: String,
    },
    /// New membership rules are in force.
    RuleActivationResult {
        /// The org.
        org: String,
        /// Who activated them.
        by: String,
        /// How many people they were worked out for.
        people: u64,
        /// How many of these have roles that they did not have.
        gained: u64,
        /// How many of these lack roles that they had.
        lost: u64,
        /// When.
        #[serde(deserialize_with = "instant")]
        at: Timestamp,
    },
    /// Somebody's password was changed.
    PasswordChanged {
        /// Whose: the address that they sign in with.
        address: String,
        /// When.
        #[serde(deserialize_with = "instant")]
        at: Timestamp,
    },
    /// An admin asks somebody to choose a password.
    ChoosePassword {
        /// The address that they sign in with.
        address: String,
        /// The org.
        org: String,
        /// Who asks.
        by: String,
        /// Where to choose it.
        link: String,
        /// Until when.
        #[serde(deserialize_with = "instant")]
        expires_at: Timestamp,
    },
    /// An admin has made somebody another password.
    PasswordReset {
        /// Whose: the address that they sign in with.
        address: String,
        /// Who did it.
        by: String,
        /// When.
        #[serde(deserialize_with = "instant")]
        at: Timestamp,
    },
    /// A key is about to expire.
    KeyExpiring {
        /// `personal`, `legacy` or `service`.
        key_kind: String,
        /// Its name.
        name: String,
        /// How it is recognised.
        key: String,
        /// Its org.
        org: String,
        /// Where to rotate it.
        link: String,
        /// When it expires.
        #[serde(deserialize_with = "instant")]
        expires_at: Timestamp,
    },
    /// Somebody's key was revoked by somebody else.
    KeyRevoked {
        /// Its name.
        name: String,
        /// How it is recognised.
        key: String,
        /// Its org.
        org: String,
        /// Who did it.
        by: String,
        /// When.
        #[serde(deserialize_with = "instant")]
        at: Timestamp,
    },
    /// Somebody showed a key that they have found, and it was revoked.
    KeyLeaked {
        /// `personal`, `legacy` or `service`.
        key_kind: String,
        /// Its name.
        name: String,
        /// How it is recognised.
        key: String,
        /// Its org.
        org: String,
        /// Where it was found, as whoever found it says.
        found: Option<String>,
        /// When.
        #[serde(deserialize_with = "instant")]
        at: Timestamp,
    },
    /// The owners learn what somebody who is none gave a service key.
    ServiceKeyGranted {
        /// The key's name.
        name: String,
        /// Its org.
        org: String,
        /// The services that it is for.
        services: String,
        /// Who did it.
        by: String,
        /// When.
        #[serde(deserialize_with = "instant")]
        at: Timestamp,
    },
    /// Somebody was removed.
    AccessRemoved {
        /// The org.
        org: String,
        /// Who did it.
        by: String,
        /// From what.
        scope: Removed,
        /// When.
        #[serde(deserialize_with = "instant")]
        at: Timestamp,
    },
}

/// What shows that an address is somebody's.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// A link to follow.
    Link(String),
    /// A code to type.
    Code(String),
}

/// What somebody was removed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Removed {
    /// The org alone; the membership of the account stays.
    Org,
    /// The account with every service.
    Account,
}

impl Message {
    /// A stable word for the kind of message.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::AccountInvitation { .. } => "account_invitation",
            Self::OwnerInvitation { .. } => "owner_invitation",
            Self::VerifyAddress { .. } => "verify_address",
            Self::OwnerRemoved { .. } => "owner_removed",
            Self::OwnerSuspended { .. } => "owner_suspended",
            Self::ContactAdmin { .. } => "contact_admin",
            Self::Activation { .. } => "activation",
            Self::ActivationTransfer { .. } => "activation_transfer",
            Self::Entitlement { .. } => "entitlement",
            Self::RegistrationConfirmed { .. } => "registration_confirmed",
            Self::KnownAlready { .. } => "known_already",
            Self::RuleActivationResult { .. } => "rule_activation_result",
            Self::PasswordChanged { .. } => "password_changed",
            Self::ChoosePassword { .. } => "choose_password",
            Self::PasswordReset { .. } => "password_reset",
            Self::KeyExpiring { .. } => "key_expiring",
            Self::KeyRevoked { .. } => "key_revoked",
            Self::KeyLeaked { .. } => "key_leaked",
            Self::ServiceKeyGranted { .. } => "service_key_granted",
            Self::AccessRemoved { .. } => "access_removed",
        }
    }

    /// Who gets the answer, where that is a person.
    pub(super) fn reply_to(&self) -> Option<Email> {
        if let Self::ContactAdmin { from, .. } = self { Email::parse(from) } else { None }
    }
}

impl fmt::Debug for Message {
    /// The kind only: links and codes are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    maybe_instant(deserializer)?.ok_or_else(|| serde::de::Error::custom("no instant"))
}

fn maybe_instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let read = |text: String| Timestamp::parse(&text).ok_or_else(|| serde::de::Error::custom("no instant"));
    Option::<String>::deserialize(deserializer)?.map(read).transpose()
}
