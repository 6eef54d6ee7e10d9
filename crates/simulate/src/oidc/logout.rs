//! RP-initiated logout: the provider keeps no session of its own, so only the way back is left to do.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use url::Url;

use super::page;
use super::requests::RequestSeen;
use super::state::Shared;

/// `GET /end_session` (OpenID Connect RP-Initiated Logout 1.0 §2).
pub(crate) async fn end_session(
    State(shared): State<Arc<Shared>>,
    Extension(seen): Extension<RequestSeen>,
) -> Response {
    let Some(wanted) = seen.parameter("post_logout_redirect_uri") else {
        return page::signed_out();
    };
    // §3: an address that was not registered makes an open redirector.
    let registered = shared.settings.post_logout_redirect_uris.iter().any(|uri| uri == wanted);
    let (true, Ok(mut address)) = (registered, Url::parse(wanted)) else {
        let why = "the post_logout_redirect_uri is not registered for this client";
        return page::error(StatusCode::BAD_REQUEST, why);
    };
    if let Some(state) = seen.parameter("state") {
        address.query_pairs_mut().append_pair("state", state);
    }
    Redirect::to(address.as_str()).into_response()
}
