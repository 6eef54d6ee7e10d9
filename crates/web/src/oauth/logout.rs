//! The browser's way through `/oauth2/logout`.

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use cardea_gateway::App;
use cardea_gateway::oauth::OAuthError;
use cardea_gateway::oauth::logout::{self, Leaving, Left};

use super::authorize::by_get;
use super::form::{Form, is_form};
use crate::console::door::SignOutPage;
use crate::extract::Anybody;
use crate::login::{environment, page, signed_out};
use crate::problem::Problem;

const PATH: &str = "/oauth2/logout";

/// GET: the request stands in the address.
pub(super) async fn asked(
    State(app): State<App>,
    Anybody(ctx): Anybody,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let form = Form::read(query.unwrap_or_default().as_bytes())?;
    match logout::logout(&app, &ctx, &leaving(&form)).await? {
        Left::Gone(back) => signed_out(&app, back.as_ref()),
        Left::Ask(client_id) => page(StatusCode::OK, &ask(&app, Leaving { client_id, ..leaving(&form) })),
    }
}

/// POST: the same, by way of the address.
pub(super) async fn posted(headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    by_get(PATH, &headers, &body)
}

/// What was said with a form of ours: the person has been asked.
pub(crate) fn said(headers: &HeaderMap, body: &Bytes) -> Result<Leaving, OAuthError> {
    if is_form(headers) { Ok(leaving(&Form::read(body)?)) } else { Ok(Leaving::default()) }
}

fn leaving(form: &Form) -> Leaving {
    let get = |name: &str| form.get(name).map(str::to_owned);
    Leaving {
        id_token_hint: get("id_token_hint"),
        client_id: get("client_id"),
        post_logout_redirect_uri: get("post_logout_redirect_uri"),
        state: get("state"),
    }
}

fn ask(app: &App, leaving: Leaving) -> SignOutPage {
    SignOutPage {
        client_id: leaving.client_id.unwrap_or_default(),
        post_logout_redirect_uri: leaving.post_logout_redirect_uri.unwrap_or_default(),
        state: leaving.state.unwrap_or_default(),
        environment: environment(app),
    }
}
