//! The org itself: what it is, who owns it, and which services it has.

use askama::Template;
use cardea_model::Timestamp;

use super::frame::Frame;
use super::people::PersonLink;
use super::{Problems, Tone};

/// For how many people an org is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Its owner alone.
    Individual,
    /// Many, with teams, roles and rules.
    Enterprise,
}

impl Kind {
    /// The kind of a stored word.
    #[must_use]
    pub fn of(word: &str) -> Self {
        if word == "individual" { Self::Individual } else { Self::Enterprise }
    }

    /// The word on the badge.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Individual => "Individual",
            Self::Enterprise => "Enterprise",
        }
    }
}

/// The form of the description. Posts `description` and `version` to `/o/{org}/profile`.
#[derive(Clone, Debug)]
pub struct DescriptionForm {
    /// As it stands, or as typed.
    pub text: String,
    /// What it will replace, if somebody has changed it meanwhile.
    pub theirs: Option<String>,
    /// The version that was read.
    pub version: i64,
    /// What is wrong (`description`).
    pub problems: Problems,
}

/// An owner in the list.
#[derive(Clone, Debug)]
pub struct OwnerRow {
    /// Who.
    pub person: PersonLink,
    /// `owner` or `admin` of the account; nothing for whoever may not see that.
    pub account_role: Option<String>,
    /// Whether nothing holds them.
    pub active: bool,
    /// Whether it is the reader.
    pub is_you: bool,
}

/// `GET /o/{org}/profile`, and the answer to a description that was not taken.
#[derive(Template)]
#[template(path = "organization/profile.html")]
pub struct ProfilePage {
    /// The frame.
    pub frame: Frame,
    /// The org's id.
    pub id: String,
    /// The number that account and org share.
    pub number: i64,
    /// For how many people it is.
    pub kind: Kind,
    /// The services of which one would make it an enterprise.
    pub premium: Vec<String>,
    /// Whether rules can read an identity provider's groups.
    pub linked: bool,
    /// As it stands.
    pub description: String,
    /// For the account's owner, who changes it.
    pub form: Option<DescriptionForm>,
    /// The owners, the oldest first.
    pub owners: Vec<OwnerRow>,
    /// The addresses of those who are invited to become one.
    pub invited: Vec<String>,
    /// How many there may be, with those who are invited.
    pub most: usize,
    /// Whether the reader sees people, and so pages of them.
    pub sees_people: bool,
    /// Whether the reader adds and removes owners.
    pub manages_owners: bool,
}

impl ProfilePage {
    /// How many places are taken: `2 of 3`.
    #[must_use]
    pub fn taken(&self) -> String {
        format!("{} of {}", self.owners.len() + self.invited.len(), self.most)
    }

    /// Whether one more owner has a place.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.owners.len() + self.invited.len() < self.most
    }
}

/// `GET /o/{org}/owners/new`, what has to be fulfilled first. Posts `email` to the same address.
#[derive(Template)]
#[template(path = "organization/add_owner.html")]
pub struct AddOwnerPage {
    /// The frame.
    pub frame: Frame,
    /// The address, as typed.
    pub email: String,
    /// The domain of every owner's address.
    pub domain: Option<String>,
    /// How many there may be.
    pub most: usize,
    /// How many places are free.
    pub free: usize,
    /// For how many hours the link is good.
    pub hours: u64,
    /// Where to sign in again and come back from, if that is needed.
    pub sign_in: Option<String>,
    /// What is wrong (`email`).
    pub problems: Problems,
}

/// `GET /o/{org}/owners/{user}/remove`: what it does. Posts `account_owner` to the same address.
#[derive(Template)]
#[template(path = "organization/remove_owner.html")]
pub struct RemoveOwnerPage {
    /// The frame.
    pub frame: Frame,
    /// Who goes.
    pub person: PersonLink,
    /// Those of whom one takes the account, if the one who goes holds it; else none.
    pub heirs: Vec<PersonLink>,
    /// The id of the chosen one.
    pub heir: String,
    /// Where to sign in again and come back from, if that is needed.
    pub sign_in: Option<String>,
    /// What is wrong (`account_owner`).
    pub problems: Problems,
}

/// Whether a service gives what it enables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It does.
    Active,
    /// An operator holds it back.
    Suspended,
    /// It is over.
    Ended,
}

impl Held {
    /// The state of a word of the API.
    #[must_use]
    pub fn of(word: &str) -> Self {
        match word {
            "active" => Self::Active,
            "suspended" => Self::Suspended,
            _ => Self::Ended,
        }
    }

    /// The word on the badge.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Suspended => "Suspended",
            Self::Ended => "Ended",
        }
    }

    /// What it means where it gives nothing.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Active => "",
            Self::Suspended => "Held back by the operator: it gives nothing until it is active again.",
            Self::Ended => "It gives nothing any more. What was granted of it is kept.",
        }
    }

    /// The badge's colour.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::Active => Tone::Good,
            Self::Suspended => Tone::Warning,
            Self::Ended => Tone::Neutral,
        }
    }
}

/// A service that the org was given.
#[derive(Clone, Debug)]
pub struct SubscriptionRow {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Whether it makes an individual org an enterprise.
    pub premium: bool,
    /// Whether it gives anything.
    pub held: Held,
    /// When it ends, or ended, by itself.
    pub ends: Option<Timestamp>,
    /// What people call the roles that it enables.
    pub roles: Vec<String>,
    /// The kinds of keys that it takes: `personal and service keys`.
    pub keys: String,
    /// What having it opens in another service.
    pub unlocks: Option<String>,
}

/// `GET /o/{org}/subscriptions`.
#[derive(Template)]
#[template(path = "organization/subscriptions.html")]
pub struct SubscriptionsPage {
    /// The frame.
    pub frame: Frame,
    /// The services, by name.
    pub rows: Vec<SubscriptionRow>,
}
