//! The frame around every page of a signed-in person: where am I, who am I, where can I go.

use cardea_model::{Standing, Timestamp};

/// The room that the page belongs to; it is marked in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// What happened lately and what needs me.
    Overview,
    /// The people of the org.
    People,
    /// The identity providers.
    Connections,
    /// The membership rules.
    Rules,
    /// The keys of machines.
    ServiceKeys,
    /// The clients of the account for its scripts.
    Apps,
    /// The receipts of ended access.
    Revocations,
    /// What the org is, and who owns it.
    Profile,
    /// Which services it has.
    Subscriptions,
    /// Who is in its account.
    Tenants,
    /// A message to its owners.
    Contact,
    /// My accounts.
    Accounts,
    /// My own API keys.
    Keys,
    /// My own sessions and password.
    Security,
}

/// Whether this instance is a throw-away one; a demo always says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// The real thing.
    Live,
    /// `cardea demo`.
    Demo,
}

impl Environment {
    /// Whether the badge is shown.
    #[must_use]
    pub fn is_demo(self) -> bool {
        self == Self::Demo
    }
}

/// The org that the page is about, or that the person came in through.
#[derive(Clone, Debug)]
pub struct OrgPlace {
    /// Its name, which is also its place in addresses.
    pub name: String,
    /// The account it belongs to.
    pub account: String,
    /// What the person is there; a member sees no administration.
    pub standing: Standing,
}

impl OrgPlace {
    /// Whether the person sees people, connections and receipts.
    #[must_use]
    pub fn administers(&self) -> bool {
        self.standing >= Standing::UserAdmin
    }
}

/// How the person gets into an org of theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrgWay {
    /// Their session speaks there.
    Here,
    /// The session is moved there.
    Switch,
    /// By signing in at this address.
    SignIn(String),
}

/// An org of the person.
#[derive(Clone, Debug)]
pub struct OrgChoice {
    /// Its name.
    pub name: String,
    /// The account it belongs to.
    pub account: String,
    /// The number that both share.
    pub number: i64,
    /// Whether the person owns it.
    pub owner: bool,
    /// How they get there.
    pub way: OrgWay,
}

/// Everything that the frame shows.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The instant of the request; relative times are counted from it.
    pub now: Timestamp,
    /// The person's name, or their e-mail address where no name is known.
    pub name: String,
    /// The person's e-mail address.
    pub email: String,
    /// The org of this page.
    pub org: OrgPlace,
    /// Every org of the person, for the switcher; this one among them.
    pub orgs: Vec<OrgChoice>,
    /// Whether the person manages who is in the account.
    pub manages_account: bool,
    /// Whether the person sees people of the org.
    pub sees_people: bool,
    /// The room that is marked.
    pub room: Room,
    /// Live or demo.
    pub environment: Environment,
    /// What has just been done, if anything.
    pub notice: Option<super::Notice>,
}

impl Frame {
    /// The first letters of the name, at the most two, for the menu's button.
    #[must_use]
    pub fn initials(&self) -> String {
        let words = self.name.split(['@', '.', ' ', '-']).filter(|word| !word.is_empty());
        words.take(2).filter_map(|word| word.chars().next()).flat_map(char::to_uppercase).collect()
    }

    /// `page` for the room that is shown, for `aria-current`.
    #[must_use]
    pub fn current(&self, room: Room) -> bool {
        self.room == room
    }
}
