//! The three numbers by which access ends, and why it ended.
//!
//! Every credential of a member is stamped when it is made and is good only while the stamp holds:
//!
//! | number | raised by | what dies |
//! |---|---|---|
//! | `epoch` | [`What::All`] | every credential made before |
//! | `session_floor` | [`What::All`], [`What::Sessions`] | sessions, codes and tokens minted before it |
//! | `roles_version` | a lost role | nothing; cached decisions are made anew |
//!
//! All are monotone, so neither the order nor the number of deliveries matters.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The numbers of one member at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Raised when everything ends; a credential stamped with another epoch is dead.
    pub epoch: i64,
    /// A session or token minted at or before this instant is dead.
    pub session_floor: Timestamp,
    /// Raised when the member's roles changed.
    pub roles_version: i64,
    /// Whether any hold stands.
    pub held: bool,
}

/// What an end of access ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Every credential.
    All,
    /// Sessions and what was minted from them.
    Sessions,
}

/// What brought an end of access about; printed on its receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The directory set `active` to false.
    DirectoryDeactivated,
    /// The directory deleted the record.
    DirectoryDeleted,
    /// An admin of the org deactivated the person.
    AdminDeactivated,
    /// An operator deactivated the person.
    OperatorDeactivated,
    /// The person signed out everywhere.
    SignedOutEverywhere,
    /// An admin of the org signed the person out.
    AdminSignedOut,
    /// The password was changed.
    PasswordChanged,
    /// An admin of the org has taken the password away, for another one to be chosen.
    PasswordReset,
    /// The connection that the session came through was switched off.
    ConnectionOff,
    /// An admin removed the person from the org; they stay in the account.
    RemovedFromOrg,
    /// An admin of the account removed the person from it, and so from every service.
    RemovedFromAccount,
    /// The person left the org.
    LeftOrg,
}

/// What kind of reason a hold is; a hold is lifted only by its own source and kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldKind {
    /// Disabled; the source may lift it.
    Disabled,
    /// Deleted at the source; nothing lifts it.
    Deleted,
}

impl HoldKind {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }
}
