//! People who are asked to come: invited, their roles chosen before they accept, asked again, or no more.

use askama::Template;
use cardea_model::Timestamp;

use super::frame::Frame;
use super::people::{RoleRow, Tabs};
use super::roles::RoleForm;
use super::{Pages, Problems, Tone};

/// How an invitation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It can be accepted.
    Pending,
    /// It was not accepted in time.
    Expired,
    /// It was accepted.
    Accepted,
    /// It was withdrawn.
    Revoked,
}

impl State {
    /// Each of them: the word in the address, and what people call it.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Pending, "pending"),
        (Self::Expired, "expired"),
        (Self::Accepted, "accepted"),
        (Self::Revoked, "revoked"),
    ];

    /// The word on the badge.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Expired => "Expired",
            Self::Accepted => "Accepted",
            Self::Revoked => "Withdrawn",
        }
    }

    /// The badge's colour.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::Pending => Tone::Information,
            Self::Expired => Tone::Warning,
            Self::Accepted => Tone::Good,
            Self::Revoked => Tone::Neutral,
        }
    }

    /// Whether it can be changed and sent again.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Expired)
    }
}

/// An invitation in the list.
#[derive(Clone, Debug)]
pub struct InvitationRow {
    /// Its id.
    pub id: String,
    /// Who is invited.
    pub email: String,
    /// To be what: `owner`, `account admin` or `member`.
    pub invited_as: &'static str,
    /// What they get when they accept.
    pub roles: Vec<RoleRow>,
    /// How it stands.
    pub state: State,
    /// Who invites.
    pub invited_by: String,
    /// When it was made.
    pub created: Timestamp,
    /// Until when it can be accepted.
    pub expires: Timestamp,
    /// When it was accepted or withdrawn.
    pub ended: Option<Timestamp>,
}

/// `GET /o/{org}/invitations?state=&cursor=`.
#[derive(Template)]
#[template(path = "invitations/index.html")]
pub struct InvitationsPage {
    /// The frame.
    pub frame: Frame,
    /// The tabs of the room.
    pub tabs: Tabs,
    /// Which are shown; all of them, if none is chosen.
    pub state: Option<State>,
    /// This page of them, newest first.
    pub invitations: Vec<InvitationRow>,
    /// The pages.
    pub pages: Pages,
}

impl InvitationsPage {
    /// What of the address stays on the next page.
    #[must_use]
    pub fn kept(&self) -> String {
        let chosen = State::ALL.into_iter().find(|(state, _)| Some(*state) == self.state);
        chosen.map_or_else(String::new, |(_, word)| format!("state={word}&"))
    }
}

/// The form of an invitation. Posts `email`, `invited_as`, `message`, `valid_for`, and `team` and `role` where they are asked
/// for.
#[derive(Clone, Debug)]
pub struct InviteForm {
    /// The address, as typed.
    pub email: String,
    /// What they are to become, as chosen: `member`, `admin` or `owner`.
    pub invited_as: String,
    /// Whether the reader makes admins of the account.
    pub admin: bool,
    /// Whether the reader makes owners.
    pub owner: bool,
    /// What the inviter says, as typed.
    pub message: String,
    /// How long the link is good, as chosen.
    pub valid_for: String,
    /// Those that can be chosen: what is posted, and what people call it.
    pub lives: Vec<(String, String)>,
    /// The first role, for whoever invites into teams only.
    pub role: Option<RoleForm>,
    /// What is wrong (`email`, `invited_as`, `message`, `valid_for`).
    pub problems: Problems,
}

/// `GET /o/{org}/people/add`, the first of two steps. Posts the form to the same address.
#[derive(Template)]
#[template(path = "invitations/new.html")]
pub struct AddUserPage {
    /// The frame.
    pub frame: Frame,
    /// Whether the org is linked to an identity provider, whose groups are the better way.
    pub linked: bool,
    /// Where to sign in again first, in another tab.
    pub sign_in: Option<String>,
    /// The form; none in an org of one person.
    pub form: Option<InviteForm>,
}

/// `GET /o/{org}/invitations/{id}`: the second step while nobody has accepted, and what has become of it later.
///
/// Posts `team`, `role`, `version` and `edit` (`add`, `remove-0`) to `…/roles`; nothing to `…/resend`; leads to `…/revoke`.
#[derive(Template)]
#[template(path = "invitations/invitation.html")]
pub struct InvitationPage {
    /// The frame.
    pub frame: Frame,
    /// The invitation.
    pub row: InvitationRow,
    /// What the inviter says.
    pub message: Option<String>,
    /// For how long each link of it is good.
    pub valid_for: String,
    /// Which version was read.
    pub version: i64,
    /// For those who change its roles.
    pub give: Option<RoleForm>,
    /// Whether a role can be taken off it.
    pub takes: bool,
    /// Whether the reader may send it again and withdraw it.
    pub changes: bool,
    /// Where to sign in again first, in another tab.
    pub sign_in: Option<String>,
}

/// `GET /o/{org}/invitations/{id}/revoke`. Posts nothing but itself to the same address.
#[derive(Template)]
#[template(path = "invitations/revoke.html")]
pub struct RevokePage {
    /// The frame.
    pub frame: Frame,
    /// The invitation.
    pub row: InvitationRow,
}
