//! What an invitation is, as it is asked for and shown.

use cardea_model::Timestamp;
use cardea_model::id::InvitationId;
use cardea_model::key::Span;
use cardea_model::rule::{AccountRole, RuleGrant};
use cardea_store::invitation::{Invitation, Standing};
use serde::{Deserialize, Serialize};

use super::{InvitationError, given};

/// What somebody is invited to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitedAs {
    /// A member of the account and its org.
    Member,
    /// An owner of the org.
    Owner,
}

impl InvitedAs {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Owner => "owner",
        }
    }

    pub(super) fn of(row: &Invitation) -> Self {
        if row.kind == Self::Owner.as_str() { Self::Owner } else { Self::Member }
    }
}

/// How an invitation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It can be accepted.
    Pending,
    /// It was not accepted in time; it can be sent again.
    Expired,
    /// It was accepted.
    Accepted,
    /// It was withdrawn.
    Revoked,
}

impl State {
    pub(super) fn of(row: &Invitation, now: Timestamp) -> Self {
        match row.state.as_str() {
            "pending" if now < row.expires_at => Self::Pending,
            "pending" => Self::Expired,
            "accepted" => Self::Accepted,
            _ => Self::Revoked,
        }
    }

    /// How rows say it: their word, and from when until when they are good.
    pub(super) fn stored(self, now: Timestamp) -> Standing<'static> {
        match self {
            Self::Pending => Standing { state: Some("pending"), good_after: Some(now), good_until: None },
            Self::Expired => Standing { state: Some("pending"), good_after: None, good_until: Some(now) },
            Self::Accepted => Standing { state: Some("accepted"), ..Standing::default() },
            Self::Revoked => Standing { state: Some("revoked"), ..Standing::default() },
        }
    }
}

/// Who shall come, as what.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The address.
    pub email: String,
    /// A member or an owner.
    pub invited_as: InvitedAs,
    /// What they become in the account.
    pub account_role: AccountRole,
    /// What the inviter says, in plain text.
    pub message: Option<String>,
    /// How long the link is good; as the configuration says, if nothing is said.
    pub valid_for: Option<Span>,
    /// The roles that they get when they accept.
    pub roles: Vec<RuleGrant>,
}

/// An invitation as it is shown. Its link went to the invited address and nowhere else.
#[derive(Clone, Debug, Serialize)]
pub struct InvitationView {
    /// The invitation.
    pub id: InvitationId,
    /// Who is invited.
    pub email: String,
    /// To be what.
    pub kind: InvitedAs,
    /// What they become in the account.
    pub account_role: AccountRole,
    /// The roles that they get when they accept.
    pub roles: Vec<RuleGrant>,
    /// What the inviter says.
    pub message: Option<String>,
    /// How it stands.
    pub state: State,
    /// Who invites: their address, or else their name.
    pub invited_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
    /// For how long each link of it is good.
    pub valid_for: Span,
    /// When it was accepted or withdrawn.
    pub ended_at: Option<Timestamp>,
    /// Raised by each change.
    pub version: i64,
}

/// An invitation that was just made, and what its maker should know.
#[derive(Clone, Debug, Serialize)]
pub struct Invited {
    /// The invitation.
    #[serde(flatten)]
    pub invitation: InvitationView,
    /// What is unusual about it.
    pub warnings: Vec<Warning>,
}

/// Something unusual.
#[derive(Clone, Debug, Serialize)]
pub struct Warning {
    /// A stable word.
    pub code: &'static str,
    /// What it means.
    pub detail: String,
}

pub(super) fn view(row: &Invitation, now: Timestamp) -> Result<InvitationView, InvitationError> {
    Ok(InvitationView {
        id: row.id,
        email: row.email.clone(),
        kind: InvitedAs::of(row),
        account_role: AccountRole::parse(&row.account_role),
        roles: given::read(row)?,
        message: (!row.message.is_empty()).then(|| row.message.clone()),
        state: State::of(row, now),
        invited_by: row.inviter.clone(),
        created_at: row.created_at,
        expires_at: row.expires_at,
        valid_for: Span::from_seconds(row.validity.as_secs()),
        ended_at: row.ended_at,
        version: row.version,
    })
}
