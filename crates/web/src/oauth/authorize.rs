//! The browser's way through `/oauth2/authorize`, and `/oauth2/userinfo`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use cardea_gateway::oauth::authorize::{self, Outcome, Request};
use cardea_gateway::oauth::{OAuthError, userinfo};
use cardea_gateway::{App, Ctx};
use url::form_urlencoded::Serializer;

use super::LARGEST;
use super::form::{Form, is_form};
use super::refusal::Refusal;
use crate::extract::{Anybody, Visitor, bearer};
use crate::login::see_other;
use crate::problem::Problem;

/// The longest hint of an address that is sent on.
const LONGEST_HINT: usize = 254;
const PATH: &str = "/oauth2/authorize";

/// GET: the request stands in the address.
pub(super) async fn asked(
    State(app): State<App>,
    Anybody(ctx): Anybody,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let form = Form::read(query.unwrap_or_default().as_bytes())?;
    // As it will be written when somebody comes back with it.
    if form.written().len() > LARGEST {
        return Err(OAuthError::Request("the request is longer than 16 KiB").into());
    }
    match authorize::authorize(&app, &ctx, &request(&form)).await? {
        Outcome::Back(address) => see_other(address.as_str()),
        Outcome::SignIn => see_other(&door(&ctx, &form)),
    }
}

/// POST: the same, by way of the address.
pub(super) async fn posted(headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    by_get(PATH, &headers, &body)
}

/// Sends a form on as an address: a browser sends no cookie with another site's form, but it does with the request that
/// follows.
pub(super) fn by_get(path: &str, headers: &HeaderMap, body: &Bytes) -> Result<Response, Problem> {
    if !is_form(headers) {
        return Err(OAuthError::Request("send a form, as a browser does").into());
    }
    let form = Form::read(body)?;
    see_other(&format!("{path}?{}", form.written()))
}

fn request(form: &Form) -> Request {
    let get = |name: &str| form.get(name).map(str::to_owned);
    Request {
        client_id: get("client_id"),
        redirect_uri: get("redirect_uri"),
        response_type: get("response_type"),
        response_mode: get("response_mode"),
        scope: get("scope"),
        state: get("state"),
        nonce: get("nonce"),
        code_challenge: get("code_challenge"),
        code_challenge_method: get("code_challenge_method"),
        prompt: get("prompt"),
        max_age: get("max_age"),
        id_token_hint: get("id_token_hint"),
        resource: get("resource"),
        request: get("request"),
        request_uri: get("request_uri"),
        signed_in_after: form.get("signed_in_after").and_then(|micros| micros.parse().ok()),
    }
}

/// The door, from which the person comes back here. What asks for a sign-in is answered by it, and not asked again.
fn door(ctx: &Ctx, form: &Form) -> String {
    let ours = |name: &str| matches!(name, "prompt" | "max_age" | "signed_in_after" | "upstream_prompt");
    let kept = form.pairs().filter(|(name, _)| !ours(name));
    let mut again = Serializer::new(String::new());
    again.extend_pairs(kept).append_pair("signed_in_after", &ctx.now.as_micros().to_string());
    if let Some(prompt) = upstream_prompt(form) {
        again.append_pair("upstream_prompt", prompt);
    }
    let mut to = Serializer::new(String::new());
    to.append_pair("return_to", &format!("{PATH}?{}", again.finish()));
    if let Some(hint) = form.get("login_hint").filter(|hint| hint.len() <= LONGEST_HINT) {
        to.append_pair("login_hint", hint);
    }
    format!("/login?{}", to.finish())
}

/// How the person's identity provider is to ask, although it may know them: else signing in again would be a click without
/// a question. Who came back from the door without the sign-in that was wanted is asked in the same way.
fn upstream_prompt(form: &Form) -> Option<&str> {
    let prompts = form.get("prompt").unwrap_or_default();
    let wanted = ["login", "select_account"].into_iter().find(|known| prompts.split(' ').any(|word| word == *known));
    wanted.or_else(|| form.get("max_age").map(|_| "login")).or_else(|| form.get("upstream_prompt"))
}

/// GET and POST, with the token in the header or, by POST, in the form (RFC 6750 §2).
pub(super) async fn about(
    State(app): State<App>,
    Visitor(ctx): Visitor,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let form = if is_form(&headers) { Form::read(&body)? } else { Form::default() };
    let token = match (bearer(&headers), form.get("access_token")) {
        (Some(_), Some(_)) => return Err(OAuthError::Request("send the token in one way only").into()),
        (Some(token), None) | (None, Some(token)) => token,
        (None, None) => return Err(OAuthError::Token.into()),
    };
    let said = userinfo(&app, &ctx, token).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(said)).into_response())
}
