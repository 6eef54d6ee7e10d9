//! The account: who is in it, and which accounts the reader is in.

use askama::Template;
use cardea_model::Timestamp;

use super::frame::{Frame, OrgChoice, OrgWay};
use super::people::PersonLink;
use super::person::Blast;
use super::{Pages, Tone};

/// Where somebody of an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the account and its org.
    InOrg,
    /// In both, and held.
    Held,
    /// In the account alone.
    LeftOrg,
    /// In neither any more.
    LeftAccount,
}

impl Place {
    /// The word on the badge.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::InOrg => "In the org",
            Self::Held => "Access ended",
            Self::LeftOrg => "Left the org",
            Self::LeftAccount => "Left the account",
        }
    }

    /// The badge's colour.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::InOrg => Tone::Good,
            Self::Held => Tone::Danger,
            Self::LeftOrg | Self::LeftAccount => Tone::Neutral,
        }
    }
}

/// Somebody of an account.
#[derive(Clone, Debug)]
pub struct TenantRow {
    /// Who.
    pub person: PersonLink,
    /// `owner`, `admin` or `member` of the account.
    pub role: String,
    /// Whether they own the org; then nobody changes them here.
    pub is_org_owner: bool,
    /// Where they stand.
    pub place: Place,
    /// When they last signed in.
    pub last_sign_in: Option<Timestamp>,
}

impl TenantRow {
    /// Whether their place can be changed here.
    #[must_use]
    pub fn can_change(&self) -> bool {
        !self.is_org_owner && self.role != "owner"
    }
}

/// `GET /a/{account}/users`.
///
/// Buttons post `role` to `/a/{account}/users/{user}/role`, and nothing to `/a/{account}/users/{user}/readmit`.
#[derive(Template)]
#[template(path = "account/users.html")]
pub struct TenantsPage {
    /// The frame.
    pub frame: Frame,
    /// What is looked for.
    pub query: String,
    /// Who is in the account, and who was.
    pub people: Vec<TenantRow>,
    /// The pages of people.
    pub pages: Pages,
}

/// `GET /a/{account}/users/{user}/remove`: the blast radius first. Posts nothing but itself to the same address.
#[derive(Template)]
#[template(path = "account/remove.html")]
pub struct RemoveTenantPage {
    /// The frame.
    pub frame: Frame,
    /// Who goes.
    pub person: PersonLink,
    /// What ends.
    pub blast: Blast,
}

/// `GET /me/accounts`: every account of the reader, to be chosen. Buttons post `org` to `/me/switch`.
#[derive(Template)]
#[template(path = "account/mine.html")]
pub struct AccountsPage {
    /// The frame.
    pub frame: Frame,
    /// What is looked for.
    pub query: String,
    /// The accounts with their orgs, by the orgs' names.
    pub found: Vec<OrgChoice>,
}
