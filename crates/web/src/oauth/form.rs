//! A form, and the client that sends it.

use std::borrow::Cow;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::{HeaderMap, StatusCode, header};
use cardea_gateway::oauth::assertion::TYPE;
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

    /// As the query of an address.
    pub(super) fn written(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(self.pairs()).finish()
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
        let client = client(app, &ctx, (parts.uri.path(), &parts.headers), &form).await?;
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
async fn client(app: &App, ctx: &Ctx, (path, headers): (&str, &HeaderMap), form: &Form) -> Result<Client, OAuthError> {
    let (id, secret) = (form.get("client_id"), form.get("client_secret"));
    let assertion = assertion(form)?;
    let basic = headers.get_all(header::AUTHORIZATION).iter().count();
    if basic + usize::from(secret.is_some()) + usize::from(assertion.is_some()) > 1 {
        return Err(OAuthError::Request("prove who you are in one way only"));
    }
    if basic == 0 {
        let by_secret = secret.map_or(Proof::Nothing, Proof::Secret);
        let proof = assertion.map_or(by_secret, |text| Proof::Assertion(text, path));
        return authenticate(app, ctx, id, proof).await;
    }
    let decoded = basic::decode(headers).ok_or(OAuthError::Client)?;
    let (basic_id, basic_secret): (Cow<'_, str>, Cow<'_, str>) = basic::split(&decoded).ok_or(OAuthError::Client)?;
    if id.is_some_and(|id| id != basic_id) {
        return Err(OAuthError::Request("two client ids, and not the same"));
    }
    authenticate(app, ctx, Some(&basic_id), Proof::Secret(&basic_secret)).await
}

/// What the client has signed, if that is how it proves itself (RFC 7521 §4.2).
fn assertion(form: &Form) -> Result<Option<&str>, OAuthError> {
    match (form.get("client_assertion_type"), form.get("client_assertion")) {
        (None, None) => Ok(None),
        (Some(TYPE), Some(text)) => Ok(Some(text)),
        (Some(_), Some(_)) => Err(OAuthError::Request("this `client_assertion_type` is not known")),
        (Some(_), None) | (None, Some(_)) => {
            Err(OAuthError::Request("`client_assertion` and `client_assertion_type` go together"))
        }
    }
}
