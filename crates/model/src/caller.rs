//! Who asks, and what they may: the whole permission policy as one `match`.

use crate::id::{AccountId, ClientId, ConnectionId, MemberId, OperatorId, OrgId, SessionId, UserId};

/// What a member is in their org, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Has at the most service roles.
    Member,
    /// Manages users, roles, rules and service keys of the org.
    UserAdmin,
    /// Owns the org.
    Owner,
}

/// A signed-in user, in the account whose door they came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// The user.
    pub user: UserId,
    /// The user in this account.
    pub member: MemberId,
    /// The account.
    pub account: AccountId,
    /// The account's org.
    pub org: OrgId,
    /// What they are there.
    pub standing: Standing,
    /// The session that speaks.
    pub session: SessionId,
}

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Nobody with valid credentials.
    Nobody,
    /// A signed-in user.
    Person(Person),
    /// A provisioning client, by its bearer token.
    Directory {
        /// The connection that it provisions.
        connection: ConnectionId,
        /// The account of that connection.
        account: AccountId,
    },
    /// A service behind the gateway, by its client credentials.
    Client(ClientId),
    /// An operator of the instance, by token or at the command line of its machine.
    Operator(OperatorId),
    /// The gateway's own work.
    System(&'static str),
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See oneself: profile, roles, sessions.
    SeeSelf,
    /// Create, see, change and delete one's own keys.
    ManageOwnKeys,
    /// See the users of an org, their roles and why they have them.
    SeeUsers,
    /// End and give back the access of a user who is no owner.
    DeactivateUsers,
    /// See the connections of an org.
    SeeConnections,
    /// See receipts of ended access.
    SeeReceipts,
    /// Read the audit log.
    ReadAudit,
    /// Create, read, change and delete people over SCIM.
    Provision,
    /// Ask what a key may do.
    CheckKeys,
    /// Apply, plan and export declarative state; create operators and owner links.
    Operate,
}

/// Where it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The instance as a whole, or the caller's own things.
    Here,
    /// An account and its org.
    Account(AccountId),
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Nobody valid asks (401).
    #[error("sign in first")]
    Unknown,
    /// The caller may not know that the place exists (404).
    #[error("there is no such thing here")]
    Hidden,
    /// The caller may know of it, but not do this (403).
    #[error("your role does not allow this")]
    Refused,
}

impl Caller {
    /// Whether the caller may do this there.
    ///
    /// # Errors
    /// [`Denied`] says how much the caller may learn.
    pub fn may(&self, permission: Permission, at: &Place) -> Result<(), Denied> {
        match self {
            Self::Nobody => Err(Denied::Unknown),
            Self::Person(person) => person.may(permission, at),
            Self::Directory { account, .. } => match (permission, at) {
                (Permission::Provision, Place::Account(place)) if place == account => Ok(()),
                (Permission::Provision, Place::Account(_)) => Err(Denied::Hidden),
                _ => Err(Denied::Refused),
            },
            Self::Client(_) => only(permission == Permission::CheckKeys),
            // An operator runs the instance and has no power over the people of an account but to shut the door.
            Self::Operator(_) => only(matches!(permission, Permission::Operate | Permission::DeactivateUsers)),
            Self::System(_) => Ok(()),
        }
    }
}

impl Person {
    fn may(&self, permission: Permission, at: &Place) -> Result<(), Denied> {
        if let Place::Account(place) = at
            && *place != self.account
        {
            return Err(Denied::Hidden);
        }
        match permission {
            Permission::SeeSelf | Permission::ManageOwnKeys => Ok(()),
            Permission::SeeUsers
            | Permission::DeactivateUsers
            | Permission::SeeConnections
            | Permission::SeeReceipts
            | Permission::ReadAudit => only(self.standing >= Standing::UserAdmin),
            Permission::Provision | Permission::CheckKeys | Permission::Operate => Err(Denied::Refused),
        }
    }
}

const fn only(allowed: bool) -> Result<(), Denied> {
    if allowed { Ok(()) } else { Err(Denied::Refused) }
}
