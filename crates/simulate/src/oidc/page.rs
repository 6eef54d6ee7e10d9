//! The page on which somebody says who signs in.

use axum::response::Response;

use super::requests::RequestSeen;
use super::state::Shared;
use crate::page;
pub(crate) use crate::page::{PERSON, error, signed_out};

/// One button a person; whoever `login_hint` names stands first.
pub(crate) fn choose(shared: &Shared, seen: &RequestSeen) -> Response {
    let people = shared.memory().people.clone();
    let hint = seen.parameter("login_hint").unwrap_or_default();
    let action = shared.settings.endpoint("/authorize/choose");
    let hidden = seen.parameters().filter(|(name, _)| name != PERSON).cloned();
    page::choose(people, hint, &shared.settings.client_id, &action, hidden)
}
