//! The orgs of a person, as the API answers them.

use utoipa::ToSchema;

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
