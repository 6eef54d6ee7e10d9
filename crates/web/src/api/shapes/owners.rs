//! Owners, and messages to them, as the API answers them.

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
