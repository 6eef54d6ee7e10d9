//! Who asks, and what they may: the whole permission policy as one `match`.

use std::sync::Arc;

use crate::fault::{Fault, Kind};
use crate::id::{AccountId, ClientId, ConnectionId, MemberId, OperatorId, OrgId, SessionId, TeamId, UserId};
use crate::rule::AccountRole;

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
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// What they are in the account itself.
    pub account_role: AccountRole,
    /// The teams whose users they manage; all of them, if `standing` says so.
    pub teams: Arc<[TeamId]>,
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
    /// Leave the org.
    Leave,
    /// Write to the owners.
    ContactOwners,
    /// See the org's name, kind, services and teams.
    SeeOrg,
    /// See the users of an org, their roles and why they have them.
    SeeUsers,
    /// Ask somebody to come into the org, or into one team; see and withdraw such invitations.
    InviteUsers,
    /// Give and take service roles, in the org or in one team.
    GrantRoles,
    /// Make and unmake org-wide `user_admin`s, and `user_admin`s of a team.
    GrantUserAdmin,
    /// Invite and remove owners.
    ManageOwners,
    /// Remove a user who is no owner from the org.
    RemoveUsers,
    /// Remove a user from the account, or make one its admin.
    ManageAccountUsers,
    /// End and give back the access of a user who is no owner.
    DeactivateUsers,
    /// Create, describe and end teams.
    ManageTeams,
    /// See the connections of an org.
    SeeConnections,
    /// Write, preview, activate and undo membership rules.
    ManageRules,
    /// Make, see, change and end the service keys of an org.
    ManageServiceKeys,
    /// See the keys of the people of an org, and revoke them.
    RevokeKeys,
    /// Set how long keys may live in an org, and whether legacy keys work there.
    SetKeyPolicy,
    /// See receipts of ended access.
    SeeReceipts,
    /// Read the audit log.
    ReadAudit,
    /// Change the account's description and recovery address.
    ManageAccount,
    /// Claim a product for the account.
    ClaimProducts,
    /// Create, read, change and delete people over SCIM.
    Provision,
    /// Ask what a key may do.
    CheckKeys,
    /// Apply, plan and export declarative state; create operators, accounts, entitlements and owner links.
    Operate,
}

impl Permission {
    /// Every permission, in the order of the printed matrix.
    pub const ALL: [Self; 26] = [
        Self::SeeSelf,
        Self::ManageOwnKeys,
        Self::Leave,
        Self::ContactOwners,
        Self::SeeOrg,
        Self::SeeUsers,
        Self::InviteUsers,
        Self::GrantRoles,
        Self::GrantUserAdmin,
        Self::ManageOwners,
        Self::RemoveUsers,
        Self::ManageAccountUsers,
        Self::DeactivateUsers,
        Self::ManageTeams,
        Self::SeeConnections,
        Self::ManageRules,
        Self::ManageServiceKeys,
        Self::RevokeKeys,
        Self::SetKeyPolicy,
        Self::SeeReceipts,
        Self::ReadAudit,
        Self::ManageAccount,
        Self::ClaimProducts,
        Self::Provision,
        Self::CheckKeys,
        Self::Operate,
    ];
}

/// Where it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The instance as a whole, or the caller's own things.
    Here,
    /// An account and its org.
    Account(AccountId),
    /// One team of an account's org.
    Team(AccountId, TeamId),
}

impl Place {
    /// The account that it lies in.
    #[must_use]
    pub const fn account(&self) -> Option<AccountId> {
        match self {
            Self::Here => None,
            Self::Account(account) | Self::Team(account, _) => Some(*account),
        }
    }
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

impl Fault for Denied {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::Unauthenticated,
            Self::Hidden => Kind::Missing,
            Self::Refused => Kind::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "unauthenticated",
            Self::Hidden => "not_found",
            Self::Refused => "forbidden",
        }
    }
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
            Self::Directory { account, .. } => match (permission, at.account()) {
                (Permission::Provision, Some(place)) if place == *account => Ok(()),
                (Permission::Provision, Some(_)) => Err(Denied::Hidden),
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
    /// Whether they see every user of the org; else only those of the teams whose users they manage.
    #[must_use]
    pub fn sees_everybody(&self) -> bool {
        self.standing >= Standing::UserAdmin || self.account_role >= AccountRole::Admin
    }

    fn may(&self, permission: Permission, at: &Place) -> Result<(), Denied> {
        if at.account().is_some_and(|place| place != self.account) {
            return Err(Denied::Hidden);
        }
        let admin = self.standing >= Standing::UserAdmin;
        only(match permission {
            Permission::SeeSelf
            | Permission::ManageOwnKeys
            | Permission::Leave
            | Permission::ContactOwners
            | Permission::SeeOrg => true,
            Permission::SeeUsers => self.sees_everybody() || !self.teams.is_empty(),
            Permission::GrantRoles | Permission::InviteUsers => admin || self.administers(at),
            Permission::GrantUserAdmin
            | Permission::RemoveUsers
            | Permission::DeactivateUsers
            | Permission::ManageTeams
            | Permission::SeeConnections
            | Permission::ManageRules
            | Permission::ManageServiceKeys
            | Permission::RevokeKeys
            | Permission::SeeReceipts
            | Permission::ReadAudit => admin,
            Permission::ManageOwners | Permission::SetKeyPolicy => self.standing == Standing::Owner,
            Permission::ManageAccountUsers => self.account_role >= AccountRole::Admin,
            Permission::ManageAccount | Permission::ClaimProducts => self.account_role == AccountRole::Owner,
            Permission::Provision | Permission::CheckKeys | Permission::Operate => false,
        })
    }

    /// Whether it is a team whose users they manage.
    fn administers(&self, at: &Place) -> bool {
        matches!(at, Place::Team(_, team) if self.teams.contains(team))
    }
}

const fn only(allowed: bool) -> Result<(), Denied> {
    if allowed { Ok(()) } else { Err(Denied::Refused) }
}

#[cfg(test)]
mod tests;
