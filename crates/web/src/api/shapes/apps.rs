//! Apps as they are shown.

use utoipa::ToSchema;

/// A client that an account has made for its scripts.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct App {
    id: String,
    /// Unique in the account.
    name: String,
    /// The name that it authenticates with.
    client_id: String,
    /// Whether anything of it works.
    enabled: bool,
    #[schema(format = DateTime)]
    created_at: String,
}
