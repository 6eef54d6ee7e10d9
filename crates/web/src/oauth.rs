//! The OAuth and OpenID Connect endpoints: forms in, JSON out, errors as RFC 6749 §5.2 says them.

mod authorize;
mod form;
pub(crate) mod logout;
mod metadata;
mod refusal;
mod script;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use cardea_gateway::App;
use cardea_gateway::oauth::{self, Grant, Issued, OAuthError, keyring};
use cardea_model::ShownOnce;
use serde::Serialize;
use serde_json::json;

pub(crate) use form::is_form;
use form::{Asked, Form};
use refusal::Refusal;

/// The largest request, in bytes.
const LARGEST: usize = 16 << 10;
/// What whoever wants a statement that is signed accepts (RFC 9701 §4).
const SIGNED: &str = "application/token-introspection+jwt";
/// How long the keys may be kept, in seconds: much shorter than a new one is published before it signs.
const KEEP_KEYS: &str = "public, max-age=300";

/// What other programs call; no browser with a cookie comes here.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/oauth2/token", post(token))
        .route("/api/v1/token", post(script::token))
        .route("/api/v2/token", post(second_token))
        .route("/oauth2/introspect", post(introspect))
        .route("/oauth2/revoke", post(revoke))
        .route("/oauth2/jwks", get(jwks))
        .route("/oauth2/authorize", get(authorize::asked).post(authorize::posted))
        .route("/oauth2/logout", get(logout::asked).post(logout::posted))
        .route("/oauth2/userinfo", get(authorize::about).post(authorize::about))
        .route("/.well-known/openid-configuration", get(metadata::provider))
        .route("/.well-known/oauth-authorization-server", get(metadata::server))
        .layer(DefaultBodyLimit::max(LARGEST))
}

/// What a client is given (RFC 6749 §5.1).
#[derive(Serialize)]
struct Tokens {
    access_token: String,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    expires_in: u64,
    scope: String,
}

impl From<Issued> for Tokens {
    fn from(issued: Issued) -> Self {
        Self {
            access_token: issued.access_token.reveal(),
            token_type: "Bearer",
            refresh_token: issued.refresh_token.map(ShownOnce::reveal),
            id_token: issued.id_token,
            expires_in: issued.expires_in,
            scope: issued.scope,
        }
    }
}

async fn token(State(app): State<App>, Asked { ctx, client, form }: Asked) -> Result<Json<Tokens>, Refusal> {
    Ok(Json(oauth::give(&app, &ctx, &client, grant(&form)?).await?.into()))
}

/// The same under another name, and for a person's password besides.
async fn second_token(State(app): State<App>, Asked { ctx, client, form }: Asked) -> Result<Json<Tokens>, Refusal> {
    if form.get("grant_type") != Some("password") {
        return Ok(Json(oauth::give(&app, &ctx, &client, grant(&form)?).await?.into()));
    }
    let username = needed(&form, "username", "`username` is missing")?;
    let password = needed(&form, "password", "`password` is missing")?;
    Ok(Json(oauth::give(&app, &ctx, &client, Grant::Password { username, password }).await?.into()))
}

fn grant(form: &Form) -> Result<Grant<'_>, OAuthError> {
    let (scope, resource) = (form.get("scope"), form.get("resource"));
    match form.get("grant_type") {
        Some("authorization_code") => Ok(Grant::AuthorizationCode {
            code: needed(form, "code", "`code` is missing")?,
            redirect_uri: needed(form, "redirect_uri", "`redirect_uri` is missing")?,
            verifier: needed(form, "code_verifier", "`code_verifier` is missing")?,
        }),
        Some("refresh_token") => {
            let token = needed(form, "refresh_token", "`refresh_token` is missing")?;
            Ok(Grant::RefreshToken { token, scope })
        }
        Some("client_credentials") => Ok(Grant::ClientCredentials { scope, resource }),
        Some(_) => Err(OAuthError::GrantType),
        None => Err(OAuthError::Request("`grant_type` is missing")),
    }
}

fn needed<'f>(form: &'f Form, name: &str, missing: &'static str) -> Result<&'f str, OAuthError> {
    form.get(name).ok_or(OAuthError::Request(missing))
}

async fn introspect(
    State(app): State<App>,
    headers: HeaderMap,
    Asked { ctx, client, form }: Asked,
) -> Result<Response, Refusal> {
    let token = needed(&form, "token", "`token` is missing")?;
    let said = oauth::introspect(&app, &ctx, &client, token).await?;
    if accepts(&headers, SIGNED) {
        let signed = oauth::signed(&app, &ctx, &client, said.as_ref()).await?;
        return Ok(([(header::CONTENT_TYPE, SIGNED)], signed).into_response());
    }
    Ok(match said {
        Some(inspection) => Json(inspection).into_response(),
        // RFC 7662 §2.2: nothing is said of a token that does not hold.
        None => Json(json!({"active": false})).into_response(),
    })
}

/// Whether the client asks for this media type by its name (RFC 9110 §12.5.1).
fn accepts(headers: &HeaderMap, wanted: &str) -> bool {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let mut kinds = lines.flat_map(|line| line.split(',')).filter_map(|kind| kind.split(';').next());
    kinds.any(|kind| kind.trim().eq_ignore_ascii_case(wanted))
}

async fn revoke(State(app): State<App>, Asked { ctx, client, form }: Asked) -> Result<(), Refusal> {
    let token = needed(&form, "token", "`token` is missing")?;
    Ok(oauth::revoke(&app, &ctx, &client, token).await?)
}

async fn jwks(State(app): State<App>, headers: HeaderMap) -> Result<Response, Refusal> {
    let ring = keyring::ring(&app).await.map_err(OAuthError::from)?;
    let tag = format!("\"{}\"", ring.version());
    let known = is_known(&headers, &tag);
    let kept = [(header::CACHE_CONTROL, KEEP_KEYS.to_owned()), (header::ETAG, tag)];
    Ok(match known {
        true => (StatusCode::NOT_MODIFIED, kept).into_response(),
        false => (kept, [(header::CONTENT_TYPE, "application/jwk-set+json")], ring.jwks()).into_response(),
    })
}

/// Whether the client has this already (RFC 9110 §13.1.2).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(|known| known.trim().trim_start_matches("W/"));
    tags.any(|known| known == "*" || known == tag)
}
