//! A form, and the client that sends it.

use std::borrow::Cow;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::{HeaderMap, StatusCode, header};
use cardea_gateway::oauth::{Client, OAuthError, Proof, authenticate};
use cardea_gateway::{App, Ctx};
use cardea_model::Caller;

use super::refusal::Refusal;
use crate::basic;
use crate::envelope::made_out;
use crate::extract::Visitor;

/// Parameters, each said once (RFC 6749 §3.2). One without a value is as good as not there (§3.1).
#[derive(Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a query or a body.
    pub(super) fn read(encoded: &[u8]) -> Result<Self, OAuthError> {
        let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(encoded).into_owned().collect();
        let mut names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        // Two values for one name, and two programs in a row may each see another one.
        if names.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
            return Err(OAuthError::Request("a parameter stands there twice"));
        }
        pairs.retain(|(_, value)| !value.is_empty());
        Ok(Self(pairs))
    }

    /// Every parameter.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|(known, value)| (known == name).then_some(value.as_str()))
    }
}

/// A form by a client that has proven itself.
pub(super) struct Asked {
    pub(super) ctx: Ctx,
    pub(super) client: Client,
    pub(super) form: Form,
}

impl FromRequest<App> for Asked {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, app).await;
        let Visitor(ctx) = visitor.map_err(|_| OAuthError::Request("the request cannot be read"))?;
        if !is_form(&parts.headers) {
            let detail = "send a body of content type `application/x-www-form-urlencoded`";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let body = Bytes::from_request(Request::from_parts(parts.clone(), body), app).await;
        let body = body.map_err(|_| Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 16 KiB"))?;
        let form = Form::read(&body)?;
        let client = client(app, &parts.headers, &form).await?;
        let ctx = ctx.with(Caller::Client(client.id()));
        made_out(&parts.extensions, &ctx);
        Ok(Self { ctx, client, form })
    }
}

/// Whether the body is a form.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The client, by one way of proving itself and no more than one (RFC 6749 §2.3).
async fn client(app: &App, headers: &HeaderMap, form: &Form) -> Result<Client, OAuthError> {
    let (id, secret) = (form.get("client_id"), form.get("client_secret"));
    if !headers.contains_key(header::AUTHORIZATION) {
        let proof = secret.map_or(Proof::Nothing, Proof::Secret);
        return authenticate(app, id.ok_or(OAuthError::Client)?, proof).await;
    }
    if headers.get_all(header::AUTHORIZATION).iter().count() > 1 || secret.is_some() {
        return Err(OAuthError::Request("prove who you are in one way only"));
    }
    let decoded = basic::decode(headers).ok_or(OAuthError::Client)?;
    let (basic_id, basic_secret): (Cow<'_, str>, Cow<'_, str>) = basic::split(&decoded).ok_or(OAuthError::Client)?;
    if id.is_some_and(|id| id != basic_id) {
        return Err(OAuthError::Request("two client ids, and not the same"));
    }
    authenticate(app, &basic_id, Proof::Secret(&basic_secret)).await
}
