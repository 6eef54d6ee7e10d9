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
    /// What people call it: `Private Registry Admin`.
    pub title: String,
    /// Every reason; empty for a role that an admin gave by hand.
    pub because: Vec<Because>,
    /// The query that names it where it is taken away, for whoever may do that.
    pub take: Option<String>,
}

/// Where somebody's roles come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// They own the org.
    Owner,
    /// They have left the org.
    Left,
    /// From whoever gives them by hand.
    Hand,
    /// From rules alone.
    Rules,
}

impl Origin {
    /// What it means to have no role.
    #[must_use]
    pub const fn without(self) -> &'static str {
        match self {
            Self::Owner => "None of their own: an owner may do everything in the org",
            Self::Left => "None: they have left the org",
            Self::Hand => "None yet: they can sign in and see nothing",
            Self::Rules => "None: no rule in force matches their groups",
        }
    }
}

/// The pages of the room, as tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// Who is there.
    Users,
    /// In which teams.
    Teams,
    /// Who is asked to come.
    Invitations,
}

/// The tabs above a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tabs {
    /// Which one is open.
    pub open: Tab,
    /// Whether the reader sees invitations.
    pub invitations: bool,
}

impl Tabs {
    /// Whether this one is open.
    #[must_use]
    pub fn is(&self, tab: Tab) -> bool {
        self.open == tab
    }
}

/// Which people can be shown: the word in the address, and what people call it.
pub const SHOWN: &[(&str, &str)] = &[
    ("everybody", "Everyone"),
    ("by_hand", "Roles by hand"),
    ("by_rules", "Roles by rules"),
    ("without_role", "Without a role"),
    ("suspended", "Suspended"),
];

/// One person in the table.
#[derive(Clone, Debug)]
pub struct PersonRow {
    /// Who.
    pub person: PersonLink,
    /// What they are in the org: `owner`, `user admin` or `member`.
    pub standing: String,
    /// Whether they may act.
    pub state: PersonState,
    /// Where their roles come from.
    pub origin: Origin,
    /// Their roles.
    pub roles: Vec<RoleRow>,
    /// How many keys work.
    pub keys: usize,
    /// When they signed in last; `None` is never.
    pub last_sign_in: Option<Timestamp>,
}

/// `GET /o/{org}/people?q=&show=&cursor=`: search as you type; the address always tells the state.
#[derive(Template)]
#[template(path = "people/index.html")]
pub struct PeoplePage {
    /// The frame.
    pub frame: Frame,
    /// The tabs of the room.
    pub tabs: Tabs,
    /// What is searched for; empty for everyone.
    pub query: String,
    /// Which are shown, a word of [`SHOWN`].
    pub show: &'static str,
    /// Whether the reader adds users.
    pub adds: bool,
    /// This page of people.
    pub people: Vec<PersonRow>,
    /// The pages before and after.
    pub pages: Pages,
}

impl PeoplePage {
    /// Whether everybody is shown.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.query.is_empty() && self.show == "everybody"
    }

    /// What of the address stays on the next page.
    #[must_use]
    pub fn kept(&self) -> String {
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        if !self.query.is_empty() {
            pairs.append_pair("q", &self.query);
        }
        if self.show != "everybody" {
            pairs.append_pair("show", self.show);
        }
        let kept = pairs.finish();
        if kept.is_empty() { kept } else { format!("{kept}&") }
    }
}
