//! Invitations as the API answers them.

use utoipa::ToSchema;

/// A role that an invitation gives.
#[derive(ToSchema)]
pub(crate) struct GivenRole {
    /// The team; without one the role is for the whole org.
    #[schema(nullable = false)]
    team: Option<String>,
    /// `gateway` for roles in the gateway itself.
    service: String,
    role: String,
}

/// To be what.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum InvitedAs {
    Member,
    Owner,
}

/// How an invitation stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum InvitationState {
    Pending,
    Expired,
    Accepted,
    Revoked,
}

/// Somebody was asked to come. The link went to them and to nobody else.
#[derive(ToSchema)]
pub(crate) struct Invitation {
    /// `inv_…`
    id: String,
    email: String,
    kind: InvitedAs,
    /// `admin` or `member` of the account.
    account_role: String,
    /// What they get when they accept.
    roles: Vec<GivenRole>,
    /// What the inviter says.
    message: Option<String>,
    state: InvitationState,
    /// The inviter's address, or else their name.
    invited_by: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// Until when it can be accepted.
    #[schema(format = DateTime)]
    expires_at: String,
    /// For how long each link of it is good, such as `6h`.
    valid_for: String,
    /// When it was accepted or withdrawn.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// Raised by each change; the ETag.
    version: i64,
}

/// An invitation that was just made.
#[derive(ToSchema)]
pub(crate) struct Invited {
    #[serde(flatten)]
    invitation: Invitation,
    /// What is unusual about it.
    warnings: Vec<Warning>,
}

/// Something unusual.
#[derive(ToSchema)]
pub(crate) struct Warning {
    /// A stable word, such as `foreign_domain`.
    code: String,
    detail: String,
}

/// A page of invitations, newest first.
#[derive(ToSchema)]
pub(crate) struct Invitations {
    items: Vec<Invitation>,
    /// Where the next page begins; without one this is the last.
    #[schema(nullable = false)]
    cursor: Option<String>,
}
