//! `GET` and `POST /token`: what docker and its kin ask for a container registry, in their own words (the distribution
//! project's token specification) and with their own errors.
//!
//! | who | sends |
//! |---|---|
//! | docker, skopeo | GET with HTTP Basic; no scope at a login, several `scope` for a mount |
//! | containerd | POST of a form with `grant_type=password`, `username`, `password` |
//! | skopeo, with an identity token | POST of a form with `grant_type=refresh_token`: then the token is the key |
//!
//! No refresh token is ever given: clients would keep it in the place of the key, and others then cannot read their file.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use cardea_gateway::App;
use cardea_gateway::registry::{Asked, Given, LIFE, RegistryError, USER, token};
use cardea_model::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::basic;
use crate::extract::Visitor;
use crate::oauth::is_form;
use crate::problem::Problem;

/// The largest request, in bytes.
const LARGEST: usize = 8 << 10;
const NOT_SO: RegistryError = RegistryError::Unauthorized("log in as `$oauthtoken` with a key as the password");

/// What registries' clients call; no browser with a cookie comes here.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/token", get(asked).post(posted)).layer(DefaultBodyLimit::max(LARGEST))
}

/// A token twice, since clients look for it under either name.
#[derive(Serialize)]
struct Token {
    token: String,
    access_token: String,
    expires_in: u64,
    issued_at: Timestamp,
}

impl From<Given> for Token {
    fn from(given: Given) -> Self {
        let token = given.token.reveal();
        let issued_at = Timestamp::from_seconds(given.issued_at.as_seconds());
        Self { access_token: token.clone(), token, expires_in: LIFE.as_secs(), issued_at }
    }
}

async fn asked(
    State(app): State<App>,
    Visitor(ctx): Visitor,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Token>, Refusal> {
    let fields = Fields::read(query.unwrap_or_default().as_bytes())?;
    let shown = by_basic(&headers)?;
    Ok(Json(token(&app, &ctx, shown.as_deref(), fields.asked(&fields.scopes())?).await?.into()))
}

async fn posted(
    State(app): State<App>,
    Visitor(ctx): Visitor,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Token>, Refusal> {
    let body = body.map_err(|_| Refusal::too_large())?;
    if !is_form(&headers) {
        return Err(Refusal::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED", "send a form, or ask by GET"));
    }
    let fields = Fields::read(&body)?;
    let shown = match by_basic(&headers)? {
        Some(key) => Some(key),
        None => fields.key()?.map(str::to_owned),
    };
    Ok(Json(token(&app, &ctx, shown.as_deref(), fields.asked(&fields.scopes())?).await?.into()))
}

/// The key that `Authorization` shows; nothing only if there is no such header. What is shown wrongly is refused, never
/// taken for nobody.
fn by_basic(headers: &HeaderMap) -> Result<Option<String>, RegistryError> {
    match headers.get_all(header::AUTHORIZATION).iter().count() {
        0 => return Ok(None),
        1 => {}
        _ => return Err(NOT_SO),
    }
    let shown = basic::decode(headers).ok_or(NOT_SO)?;
    match shown.split_once(':') {
        Some((USER, key)) => Ok(Some(key.to_owned())),
        Some(_) | None => Err(NOT_SO),
    }
}

/// The fields of a query or a form.
struct Fields(Vec<(String, String)>);

impl Fields {
    fn read(encoded: &[u8]) -> Result<Self, Refusal> {
        if encoded.len() > LARGEST {
            return Err(Refusal::too_large());
        }
        Ok(Self(url::form_urlencoded::parse(encoded).into_owned().collect()))
    }

    /// The one value of a field. Two values, and two programs in a row may each see another one.
    fn one(&self, name: &str) -> Result<Option<&str>, RegistryError> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (value, None) => Ok(value.filter(|value| !value.is_empty())),
            (_, Some(_)) => Err(RegistryError::Request("a parameter other than `scope` stands there twice")),
        }
    }

    fn scopes(&self) -> Vec<&str> {
        let all = self.0.iter().filter(|(name, value)| name == "scope" && !value.trim().is_empty());
        all.map(|(_, value)| value.as_str()).collect()
    }

    fn asked<'f>(&'f self, scopes: &'f [&'f str]) -> Result<Asked<'f>, RegistryError> {
        // Whoever says two names is refused, whichever of them is right.
        if self.one("account")?.is_some_and(|account| account != USER) {
            return Err(NOT_SO);
        }
        let service = self.one("service")?.ok_or(RegistryError::Request("`service` is missing"))?;
        Ok(Asked { service, scopes })
    }

    /// The key that a form shows.
    fn key(&self) -> Result<Option<&str>, RegistryError> {
        match self.one("grant_type")? {
            Some("password") if self.one("username")? == Some(USER) => self.one("password"),
            Some("password") => Err(NOT_SO),
            Some("refresh_token") => self.one("refresh_token")?.ok_or(NOT_SO).map(Some),
            Some(_) => Err(RegistryError::Request("`grant_type` is `password` or `refresh_token` here")),
            None => Ok(None),
        }
    }
}

/// A refusal as registries' clients read it.
struct Refusal(Problem);

impl Refusal {
    fn of(status: StatusCode, code: &'static str, detail: &str) -> Self {
        Self(Problem::new(status, code, detail))
    }

    fn too_large() -> Self {
        Self::of(StatusCode::PAYLOAD_TOO_LARGE, "UNSUPPORTED", "a request has at most 8 KiB")
    }
}

impl From<RegistryError> for Refusal {
    fn from(error: RegistryError) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        if let Some(cause) = &problem.cause {
            tracing::error!(cause, "a registry's client could not be answered");
        }
        let body = json!({"errors": [{"code": problem.code, "message": problem.detail}]});
        let mut response = (problem.status, Json(body)).into_response();
        if problem.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, basic::CHALLENGE);
        }
        if let Some(seconds) = problem.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
