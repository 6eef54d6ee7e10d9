//! API keys: their kinds and states, how long they live, and what they may do.

pub mod decide;
pub mod expiry;
pub mod grant;
pub mod reach;

use serde::{Deserialize, Serialize};

pub use decide::{HeldRole, Holder, OrgFacts, Question, Reason, Roles, decide, unlocked};
pub use expiry::{BadExpiry, Expiry, ExpiryBounds, Span};
pub use grant::{GrantError, GrantSpec, KeyGrants, warnings};
pub use reach::{Reach, reach};

/// What a key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// A person; never more than that person may.
    Personal,
    /// An org; no person.
    Service,
    /// A person in every org of theirs; one each, cannot be rotated.
    Legacy,
}

impl KeyKind {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Service => "service",
            Self::Legacy => "legacy",
        }
    }

    /// Reads the word that is stored.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Personal, Self::Service, Self::Legacy].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Where a key is in its life.
///
/// ```text
/// active ◄─enable/disable─► disabled      active | disabled ─time─► expired
/// any but deleted ─revoke─► revoked       any ─delete─► deleted
/// suspended: by a fuse, a breaker or a compromise; only the restore of that receipt lifts it
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Works.
    Active,
    /// Switched off by its holder.
    Disabled,
    /// Held back until the receipt that says so is restored.
    Suspended,
    /// Past its time.
    Expired,
    /// Ended for good.
    Revoked,
    /// Ended for good and hidden; its kid stays known for leak reports.
    Deleted,
}

/// What was asked of a key in a state that does not allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key that is {} cannot be {wanted}", .state.as_str())]
pub struct WrongState {
    /// The state that the key is in.
    pub state: KeyState,
    /// What should have become of it.
    pub wanted: &'static str,
}

impl KeyState {
    const ALL: [Self; 6] = [Self::Active, Self::Disabled, Self::Suspended, Self::Expired, Self::Revoked, Self::Deleted];

    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Suspended => "suspended",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Deleted => "deleted",
        }
    }

    /// Reads the word that is stored.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// The state as it is at `now`: what is stored, or expired when its time has come.
    #[must_use]
    pub fn at(self, expires_at: Option<crate::Timestamp>, now: crate::Timestamp) -> Self {
        match self {
            Self::Active | Self::Disabled if expires_at.is_some_and(|end| end <= now) => Self::Expired,
            Self::Active | Self::Disabled | Self::Suspended | Self::Expired | Self::Revoked | Self::Deleted => self,
        }
    }

    /// Switched on; an active key stays active.
    ///
    /// # Errors
    /// Only a disabled key can be enabled: what a suspension, revocation or the clock ended does not come back so.
    pub const fn enable(self) -> Result<Self, WrongState> {
        match self {
            Self::Active | Self::Disabled => Ok(Self::Active),
            Self::Suspended | Self::Expired | Self::Revoked | Self::Deleted => {
                Err(WrongState { state: self, wanted: "enabled" })
            }
        }
    }

    /// Switched off; a disabled key stays disabled.
    ///
    /// # Errors
    /// Only an active key can be disabled: a suspended one would otherwise be enabled past its receipt.
    pub const fn disable(self) -> Result<Self, WrongState> {
        match self {
            Self::Active | Self::Disabled => Ok(Self::Disabled),
            Self::Suspended | Self::Expired | Self::Revoked | Self::Deleted => {
                Err(WrongState { state: self, wanted: "disabled" })
            }
        }
    }

    /// Ended for good by somebody else than its holder.
    ///
    /// # Errors
    /// A deleted key stays deleted.
    pub const fn revoke(self) -> Result<Self, WrongState> {
        match self {
            Self::Active | Self::Disabled | Self::Suspended | Self::Expired | Self::Revoked => Ok(Self::Revoked),
            Self::Deleted => Err(WrongState { state: self, wanted: "revoked" }),
        }
    }

    /// Ended for good and hidden; every key can be deleted.
    #[must_use]
    pub const fn delete(self) -> Self {
        Self::Deleted
    }

    /// Whether a key in this state works, and why not.
    ///
    /// # Errors
    /// The reason that the check gives; a deleted key is unknown to services.
    pub const fn verdict(self) -> Result<(), Reason> {
        match self {
            Self::Active => Ok(()),
            Self::Disabled => Err(Reason::Disabled),
            Self::Suspended => Err(Reason::Suspended),
            Self::Expired => Err(Reason::Expired),
            Self::Revoked => Err(Reason::Revoked),
            Self::Deleted => Err(Reason::UnknownKey),
        }
    }
}

#[cfg(test)]
mod tests;
