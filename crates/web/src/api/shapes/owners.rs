//! The owners of an org and messages to them, and the orgs of a person, as the API answers them.

use utoipa::ToSchema;

/// The owners of an org.
#[derive(ToSchema)]
pub(crate) struct Owners {
    /// The oldest first.
    items: Vec<Owner>,
    /// The addresses of those who are invited and can still accept.
    invited: Vec<String>,
    /// How many there may be, with those who are invited.
    most: i64,
}

/// An owner.
#[derive(ToSchema)]
#[schema(as = OrgOwner)]
pub(crate) struct Owner {
    /// `usr_…`
    id: String,
    name: String,
    email: Option<String>,
    /// `owner` or `admin` of the account.
    account_role: String,
    /// Whether nothing holds them.
    active: bool,
}

/// What a message to the owners is about.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ContactTemplate {
    ProductRequest,
    TeamAccessRequest,
}

/// A message to the owners, filled in as far as it can be.
#[derive(ToSchema)]
pub(crate) struct Prefilled {
    template: ContactTemplate,
    subject: String,
    /// To be completed.
    body: String,
}

/// An org that you are in.
#[derive(ToSchema)]
pub(crate) struct Place {
    /// `org_…`
    id: String,
    /// The org's name.
    org: String,
    /// The account's name.
    account: String,
    /// The number that account and org share.
    number: i64,
    /// Whether you own it.
    owner: bool,
    /// Whether your session speaks there.
    current: bool,
    /// Where to sign in for it, if this session does not open it.
    sign_in: Option<String>,
}
