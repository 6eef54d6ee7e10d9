//! The people of an org: find someone, see what they may do and why.

use askama::Template;
use cardea_model::Timestamp;

use super::frame::Frame;
use super::{Pages, Tone};

/// A person where they are named: name, address and the way to their page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonLink {
    /// The user's id, for addresses.
    pub id: String,
    /// The name, or the e-mail address where no name is known.
    pub name: String,
    /// The e-mail address.
    pub email: String,
}

/// Whether a person may act in the org.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonState {
    /// No hold stands.
    Active,
    /// At least one hold stands.
    Deactivated,
    /// Deleted at the source; the row is kept so that nothing comes back.
    Deleted,
}

impl PersonState {
    /// The word on the badge.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Deactivated => "Deactivated",
            Self::Deleted => "Deleted",
        }
    }

    /// The badge's colour.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::Active => Tone::Good,
            Self::Deactivated => Tone::Danger,
            Self::Deleted => Tone::Neutral,
        }
    }
}

/// Why a role is held: the rule, and the value of its source that the rule matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Because {
    /// The rule's name.
    pub rule: String,
    /// Where the value came from: `okta, groups claim`.
    pub source: String,
    /// The value: the group.
    pub value: String,
}

/// One role of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRow {
    /// The team; `None` is the whole org.
    pub team: Option<String>,
    /// The service's title.
    pub service: String,
    /// The role's title.
    pub role: String,
    /// Every reason; empty for a role that an admin gave by hand.
    pub because: Vec<Because>,
}

/// One person in the table.
#[derive(Clone, Debug)]
pub struct PersonRow {
    /// Who.
    pub person: PersonLink,
    /// What they are in the org: `owner`, `user admin` or `member`.
    pub standing: String,
    /// Whether they may act.
    pub state: PersonState,
    /// Their roles.
    pub roles: Vec<RoleRow>,
    /// How many keys work.
    pub keys: usize,
    /// When they signed in last; `None` is never.
    pub last_sign_in: Option<Timestamp>,
}

/// `GET /o/{org}/people?q=&cursor=`: search as you type; the address always tells the state.
#[derive(Template)]
#[template(path = "people/index.html")]
pub struct PeoplePage {
    /// The frame.
    pub frame: Frame,
    /// What is searched for; empty for everyone.
    pub query: String,
    /// This page of people.
    pub people: Vec<PersonRow>,
    /// The pages before and after.
    pub pages: Pages,
}
