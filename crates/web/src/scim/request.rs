//! What a provisioning client sends: who it is, what it asks about, and a body.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use cardea_gateway::App;
use cardea_gateway::provisioning::{self, Directory, ProvisioningError};
use cardea_scim::{MAX_BODY, ScimError, parse_body};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::answer::Failure;
use crate::envelope::made_out;
use crate::extract::{Visitor, bearer};

/// A request of a directory that has shown its token.
pub(super) struct Call {
    pub(super) directory: Directory,
    /// The last part of the address where a route has one; empty elsewhere, and where it is no UTF-8.
    pub(super) id: String,
    /// The query, decoded.
    pub(super) parameters: Vec<(String, String)>,
    pub(super) if_match: Option<String>,
    pub(super) if_none_match: Option<String>,
}

impl FromRequestParts<App> for Call {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let Ok(Visitor(ctx)) = Visitor::from_request_parts(parts, app).await else {
            return Err(ProvisioningError::Unknown.into());
        };
        let token = bearer(&parts.headers).ok_or(ProvisioningError::Unknown)?;
        let directory = provisioning::recognise(app, &ctx, token).await?;
        made_out(&parts.extensions, directory.ctx());
        let id = Path::<String>::from_request_parts(parts, app).await.map(|Path(id)| id).unwrap_or_default();
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self {
            directory,
            id,
            parameters: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            if_match: text(&parts.headers, &header::IF_MATCH),
            if_none_match: text(&parts.headers, &header::IF_NONE_MATCH),
        })
    }
}

/// A header; one that is no text names no version of ours, and must not count as absent.
fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// A body: 415 for another content type, 413 for too much, 400 `invalidSyntax` with line and column for what is no JSON
/// object.
pub(super) struct Document(pub(super) Map<String, Value>);

impl FromRequest<App> for Document {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        if !is_scim(request.headers()) {
            return Err(ScimError::new(415, "Send a body of content type `application/scim+json`, in UTF-8.").into());
        }
        Ok(Self(parse_body(&read(request, app).await?)?))
    }
}

async fn read(request: Request, app: &App) -> Result<Bytes, ScimError> {
    Bytes::from_request(request, app).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            ScimError::new(413, format!("The body is larger than {MAX_BODY} bytes. Send less in one request."))
        }
        _ => ScimError::invalid_syntax("The body ended before it was whole. Send it again."),
    })
}

/// Whether the body is SCIM or plain JSON; both are UTF-8 and may say so (RFC 7644 §3.1).
fn is_scim(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = kind.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let known = ["application/scim+json", "application/json"].iter().any(|known| essence.eq_ignore_ascii_case(known));
    known && parts.filter_map(charset).all(|charset| charset.eq_ignore_ascii_case("utf-8"))
}

fn charset(parameter: &str) -> Option<&str> {
    let (name, value) = parameter.split_once('=')?;
    name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
}
