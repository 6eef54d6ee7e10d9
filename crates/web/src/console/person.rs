//! One person: who they are, what they may do and why, and how to end it.

use askama::Template;
use cardea_model::Timestamp;
use cardea_model::numbers::HoldKind;

use super::frame::Frame;
use super::keys::KeyRow;
use super::people::{Origin, PersonLink, PersonState, RoleRow};
use super::revocations::ReceiptRow;
use super::roles::RoleForm;
use super::rules::{GroupRow, NearRow};
use super::{Problems, count};

/// The person at one connection.
#[derive(Clone, Debug)]
pub struct IdentityRow {
    /// The connection's name, or `password` for a local identity.
    pub connection: String,
    /// The subject there.
    pub subject: String,
    /// When they signed in through it last; `None` is never.
    pub last_sign_in: Option<Timestamp>,
}

/// A session that lives.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// Its id.
    pub id: String,
    /// The connection it came through, or `password`.
    pub through: String,
    /// When it began.
    pub began: Timestamp,
    /// When it was last used.
    pub last_used: Timestamp,
}

/// A reason why the person may not act.
#[derive(Clone, Debug)]
pub struct HoldRow {
    /// Its kind.
    pub kind: HoldKind,
    /// Who holds: `okta (directory)`, `an admin`.
    pub source: String,
    /// Since when.
    pub since: Timestamp,
}

impl HoldRow {
    /// What it takes to lift it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self.kind {
            HoldKind::Disabled => "Only the same source can lift it.",
            HoldKind::Deleted => "Nothing lifts it. A new person can be created at the source.",
        }
    }
}

/// What a deactivation ends, named before it happens.
#[derive(Clone, Debug, Default)]
pub struct Blast {
    /// The names of the keys that stop working.
    pub keys: Vec<String>,
    /// The sessions that end, in words: `through okta, used 3 minutes ago`.
    pub sessions: Vec<String>,
    /// What else ends, in words: `1 invitation that she sent`.
    pub others: Vec<String>,
    /// What stays, with the reason: `their keys in another org, which that org controls`.
    pub stays: Vec<String>,
}

impl Blast {
    /// `Deactivate and end 3 keys and 2 sessions`; the button says the effect.
    #[must_use]
    pub fn button(&self, verb: &str) -> String {
        let parts: Vec<String> = [(self.keys.len(), "key", "keys"), (self.sessions.len(), "session", "sessions")]
            .into_iter()
            .filter(|(number, ..)| *number > 0)
            .map(|(number, one, many)| count(number, one, many))
            .collect();
        if parts.is_empty() { verb.to_owned() } else { format!("{verb} and end {}", parts.join(" and ")) }
    }

    /// Whether nothing is in use.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.sessions.is_empty() && self.others.is_empty()
    }
}

/// What one connection last said about the person's groups.
#[derive(Clone, Debug)]
pub struct SaidRow {
    /// The connection.
    pub connection: String,
    /// The claim; empty for the connection's own.
    pub claim: String,
    /// How it was said, in a sentence; empty where the list was whole.
    pub remark: String,
    /// When the list was last told whole.
    pub seen: Timestamp,
    /// The groups, those that meet a rule first.
    pub groups: Vec<GroupRow>,
    /// How many more there are that meet no rule.
    pub more: usize,
}

/// Why the person has the roles that they have, and why not others.
#[derive(Clone, Debug, Default)]
pub struct Why {
    /// What decides, a sentence each; values stand in backticks.
    pub sentences: Vec<String>,
    /// What is known of their groups.
    pub said: Vec<SaidRow>,
    /// Rules that nearly match.
    pub near: Vec<NearRow>,
}

/// What this admin can do about the person's access.
#[derive(Clone, Debug)]
pub enum Switch {
    /// Deactivate; this is what ends.
    Deactivate(Blast),
    /// Lift the admins' own hold; keys and sessions do not come back.
    Reactivate,
    /// Nothing, for this reason: `Owners are removed by another owner.`
    Nothing(String),
}

/// `GET /o/{org}/people/{user}`.
///
/// Deactivating leads to [`DeactivatePage`]; reactivating posts to `/o/{org}/people/{user}/reactivate`.
#[derive(Template)]
#[template(path = "people/person.html")]
pub struct PersonPage {
    /// The frame.
    pub frame: Frame,
    /// Who.
    pub person: PersonLink,
    /// `owner`, `user admin` or `member`.
    pub standing: String,
    /// Whether they may act.
    pub state: PersonState,
    /// Why not.
    pub holds: Vec<HoldRow>,
    /// Where they sign in.
    pub identities: Vec<IdentityRow>,
    /// Where their roles come from.
    pub origin: Origin,
    /// What they may do, and why.
    pub roles: Vec<RoleRow>,
    /// The names of the rules that give their roles.
    pub rules: Vec<String>,
    /// For those who give them roles by hand.
    pub give: Option<RoleForm>,
    /// What their roles come from; `None` for whoever may not see rules.
    pub why: Option<Why>,
    /// Their keys in this org.
    pub keys: Vec<KeyRow>,
    /// Whether the reader revokes them.
    pub revokes: bool,
    /// Their sessions.
    pub sessions: Vec<SessionRow>,
    /// What was taken from them before, newest first.
    pub receipts: Vec<ReceiptRow>,
    /// What the reader can do about their access; nothing for whoever has no say there.
    pub switch: Option<Switch>,
    /// Whether the reader removes them from the org.
    pub removes: bool,
    /// When they left the org, if they did.
    pub left: Option<Timestamp>,
    /// Whether the reader adds them to it again.
    pub adds: bool,
}

/// `GET /o/{org}/people/{user}/deactivate`: the blast radius first. Posts `reason` to the same address.
#[derive(Template)]
#[template(path = "people/deactivate.html")]
pub struct DeactivatePage {
    /// The frame.
    pub frame: Frame,
    /// Who.
    pub person: PersonLink,
    /// What ends.
    pub blast: Blast,
    /// The reason, as typed before; it stands on the receipt.
    pub reason: String,
    /// What is wrong (`reason`).
    pub problems: Problems,
}

/// `GET /o/{org}/people/{user}/remove`: what ends, before it does. Posts nothing but itself to the same address.
#[derive(Template)]
#[template(path = "people/remove.html")]
pub struct RemovePage {
    /// The frame.
    pub frame: Frame,
    /// Who.
    pub person: PersonLink,
    /// Whether they own the org.
    pub owner: bool,
    /// What ends.
    pub blast: Blast,
    /// Where to sign in again first, in another tab.
    pub sign_in: Option<String>,
}

/// `GET /o/{org}/people/{user}/roles/take?team=&service=&role=`: what it does. Posts nothing but itself to the same address.
#[derive(Template)]
#[template(path = "people/take.html")]
pub struct TakePage {
    /// The frame.
    pub frame: Frame,
    /// From whom.
    pub person: PersonLink,
    /// Which, with its query.
    pub role: RoleRow,
}

/// `GET /o/{org}/people/{user}/keys/{key}/revoke`: what it does. Posts nothing but itself to the same address.
#[derive(Template)]
#[template(path = "people/revoke_key.html")]
pub struct RevokeKeyPage {
    /// The frame.
    pub frame: Frame,
    /// Whose.
    pub person: PersonLink,
    /// The key.
    pub key: KeyRow,
    /// Whether it works in other orgs too.
    pub legacy: bool,
}
