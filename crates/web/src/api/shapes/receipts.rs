//! The shapes of receipts of ended access.

use utoipa::ToSchema;

/// Where the end of access can be read up.
#[derive(ToSchema)]
pub(crate) struct ReceiptLink {
    /// `rcp_…`
    receipt: String,
}

/// The record of one end of access.
#[derive(ToSchema)]
pub(crate) struct Receipt {
    /// `rcp_…`
    id: String,
    /// The user in this account.
    member: String,
    /// Whose access ended.
    user: String,
    /// Their name.
    person: String,
    email: Option<String>,
    /// `all` or `sessions`.
    what: String,
    /// The cause, in a stable word.
    cause: String,
    /// Who brought it.
    source: String,
    /// The cause in the source's words.
    message: String,
    /// Who did it by hand.
    #[schema(nullable = false)]
    by: Option<String>,
    request_id: String,
    #[schema(format = DateTime)]
    received_at: String,
    #[schema(format = DateTime)]
    committed_at: String,
    /// Every node that was alive then.
    nodes: Vec<NodeTime>,
    /// What ended and what was left; nothing until the list has been made.
    ended: Option<Ended>,
    /// Its place in the list.
    seq: i64,
}

/// When one node had applied it.
#[derive(ToSchema)]
pub(crate) struct NodeTime {
    id: String,
    name: String,
    /// Nothing while it has not said so; then it refuses to answer from memory within the bound.
    #[schema(format = DateTime)]
    applied_at: Option<String>,
    /// Microseconds from the commit to then.
    after_micros: Option<i64>,
}

/// What ended, by name, and what was left.
#[derive(ToSchema)]
pub(crate) struct Ended {
    keys: Vec<EndedKey>,
    /// How many sessions ended.
    sessions: i64,
    named_sessions: Vec<EndedSession>,
    /// What was left and why, in sentences.
    left: Vec<String>,
}

/// A key on a receipt.
#[derive(ToSchema)]
pub(crate) struct EndedKey {
    id: String,
    name: String,
    kid: String,
}

/// A session on a receipt.
#[derive(ToSchema)]
pub(crate) struct EndedSession {
    id: String,
    /// The connection it came through; nothing for a local sign-in.
    connection: Option<String>,
    #[schema(format = DateTime)]
    began_at: String,
}
