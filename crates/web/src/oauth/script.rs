//! The same grants for scripts: `POST /api/v1/token` takes and gives JSON with names in camel case, and says what is wrong
//! as `{"code", "message", "details"}`. A header that authenticates is passed over: these scripts send one that says nothing.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cardea_gateway::App;
use cardea_gateway::oauth::{self, Grant, Issued, OAuthError, Proof};
use cardea_model::{Caller, ShownOnce};
use serde::{Deserialize, Serialize};

use crate::extract::{Visitor, is_json};
use crate::login::sentence;
use crate::problem::Problem;

/// What is asked for. Members that are not known are passed over.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Asked {
    grant_type: Option<String>,
    client_id: Option<String>,
    #[serde(rename = "clientID")]
    client_id_too: Option<String>,
    client_secret: Option<String>,
    refresh_token: Option<String>,
    code: Option<String>,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

/// What is given; what there is not is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    access_token: String,
    expires_in: u64,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

impl From<Issued> for Given {
    fn from(issued: Issued) -> Self {
        Self {
            access_token: issued.access_token.reveal(),
            expires_in: issued.expires_in,
            token_type: "Bearer",
            id_token: issued.id_token,
            refresh_token: issued.refresh_token.map(ShownOnce::reveal),
        }
    }
}

/// A refusal as these scripts read it.
pub(super) struct Refused(Problem);

#[derive(Serialize)]
struct Body<'a> {
    code: u16,
    message: String,
    details: &'a str,
}

impl From<OAuthError> for Refused {
    fn from(error: OAuthError) -> Self {
        let mut problem = Problem::from(error);
        if problem.code == "unauthorized_client" {
            problem.status = StatusCode::FORBIDDEN;
        }
        Self(problem)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        if let Some(cause) = &problem.cause {
            tracing::error!(cause, "a script could not be answered");
        }
        let message = match problem.code {
            "invalid_client" => "Invalid client credentials.".to_owned(),
            _ => format!("{}.", sentence(&problem.detail)),
        };
        let body = Body { code: problem.status.as_u16(), message, details: problem.code };
        let mut response = (problem.status, Json(body)).into_response();
        if problem.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = problem.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

pub(super) async fn token(
    State(app): State<App>,
    Visitor(ctx): Visitor,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refused> {
    let asked = read(&headers, body)?;
    let id = client_id(&asked)?;
    let proof = asked.client_secret.as_deref().map_or(Proof::Nothing, Proof::Secret);
    let client = oauth::authenticate(&app, &ctx, Some(id), proof).await?;
    let ctx = ctx.with(Caller::Client(client.id()));
    let issued = oauth::give(&app, &ctx, &client, grant(&asked)?).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(Given::from(issued))).into_response())
}

fn read(headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Asked, Refused> {
    let refused = |status, detail: &str| Refused(Problem::new(status, "invalid_request", detail));
    if !is_json(headers) {
        let detail = "send a body of content type `application/json`";
        return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let body = body.map_err(|_| refused(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 16 KiB"))?;
    serde_json::from_slice(&body).map_err(|error| refused(StatusCode::BAD_REQUEST, &error.to_string()))
}

/// Both spellings are known; two different ids are one too many.
fn client_id(asked: &Asked) -> Result<&str, OAuthError> {
    match (&asked.client_id, &asked.client_id_too) {
        (Some(one), Some(other)) if one != other => Err(OAuthError::Request("two client ids, and not the same")),
        (Some(id), _) | (None, Some(id)) => Ok(id),
        (None, None) => Err(OAuthError::Request("`clientId` is missing")),
    }
}

fn grant(asked: &Asked) -> Result<Grant<'_>, OAuthError> {
    match asked.grant_type.as_deref() {
        Some("client_credentials") => Ok(Grant::ClientCredentials { scope: None, resource: None }),
        Some("refresh_token") => {
            let token = needed(&asked.refresh_token, "`refreshToken` is missing")?;
            Ok(Grant::RefreshToken { token, scope: None })
        }
        Some("exchange_token") => Ok(Grant::AuthorizationCode {
            code: needed(&asked.code, "`code` is missing")?,
            redirect_uri: needed(&asked.redirect_uri, "`redirectUri` is missing")?,
            verifier: needed(&asked.code_verifier, "`codeVerifier` is missing")?,
        }),
        Some("password") => Ok(Grant::Password {
            username: needed(&asked.username, "`username` is missing")?,
            password: needed(&asked.password, "`password` is missing")?,
        }),
        Some(_) => Err(OAuthError::GrantType),
        None => Err(OAuthError::Request("`grantType` is missing")),
    }
}

fn needed<'a>(value: &'a Option<String>, missing: &'static str) -> Result<&'a str, OAuthError> {
    value.as_deref().ok_or(OAuthError::Request(missing))
}
