//! Local people as they are shown.

use utoipa::ToSchema;

/// Somebody who signs in here and not at an identity provider.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct LocalUser {
    /// `usr_…`
    id: String,
    /// Their address.
    email: String,
    /// The name that they sign in with: the address.
    username: String,
    /// When they came into the account.
    #[schema(format = DateTime)]
    created_at: String,
}

/// A page of local people, by id.
#[derive(ToSchema)]
pub(crate) struct LocalUsers {
    items: Vec<LocalUser>,
    /// Where the next page begins; without one this is the last.
    #[schema(nullable = false)]
    cursor: Option<String>,
}
