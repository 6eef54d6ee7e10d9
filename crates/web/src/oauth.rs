//! The OAuth endpoints: forms in, JSON out, errors as RFC 6749 §5.2 says them.

mod form;
mod metadata;
mod refusal;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use cardea_gateway::App;
use cardea_gateway::oauth::{self, Issued, OAuthError, keyring};
use serde::Serialize;
use serde_json::json;

use form::Asked;
use refusal::Refusal;

const LARGEST: usize = 16 << 10;
/// How long the keys may be kept, in seconds: much shorter than a new one is published before it signs.
const KEEP_KEYS: &str = "public, max-age=300";

/// What other programs call; no browser with a cookie comes here.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/oauth2/token", post(token))
        .route("/oauth2/introspect", post(introspect))
        .route("/oauth2/revoke", post(revoke))
        .route("/oauth2/jwks", get(jwks))
        .route("/.well-known/oauth-authorization-server", get(metadata::server))
        .layer(DefaultBodyLimit::max(LARGEST))
}

/// What a client is given (RFC 6749 §5.1).
#[derive(Serialize)]
struct Tokens {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    scope: String,
}

impl From<Issued> for Tokens {
    fn from(issued: Issued) -> Self {
        Self {
            access_token: issued.access_token.reveal(),
            token_type: "Bearer",
            expires_in: issued.expires_in,
            scope: issued.scope,
        }
    }
}

async fn token(State(app): State<App>, Asked { ctx, client, form }: Asked) -> Result<Json<Tokens>, Refusal> {
    let (scope, resource) = (form.get("scope"), form.get("resource"));
    let issued = match form.get("grant_type") {
        Some("client_credentials") => oauth::client_credentials(&app, &ctx, &client, scope, resource).await?,
        Some(_) => return Err(OAuthError::GrantType.into()),
        None => return Err(OAuthError::Request("`grant_type` is missing").into()),
    };
    Ok(Json(issued.into()))
}

async fn introspect(State(app): State<App>, Asked { ctx, client, form }: Asked) -> Result<Response, Refusal> {
    let token = form.get("token").ok_or(OAuthError::Request("`token` is missing"))?;
    Ok(match oauth::introspect(&app, &ctx, &client, token).await? {
        Some(inspection) => Json(inspection).into_response(),
        // RFC 7662 §2.2: nothing is said of a token that does not hold.
        None => Json(json!({"active": false})).into_response(),
    })
}

async fn revoke(State(app): State<App>, Asked { ctx, client, form }: Asked) -> Result<(), Refusal> {
    let token = form.get("token").ok_or(OAuthError::Request("`token` is missing"))?;
    Ok(oauth::revoke(&app, &ctx, &client, token).await?)
}

async fn jwks(State(app): State<App>) -> Result<Response, Refusal> {
    let ring = keyring::ring(&app).await.map_err(OAuthError::from)?;
    let headers = [(header::CONTENT_TYPE, "application/jwk-set+json"), (header::CACHE_CONTROL, KEEP_KEYS)];
    Ok((headers, ring.jwks()).into_response())
}
