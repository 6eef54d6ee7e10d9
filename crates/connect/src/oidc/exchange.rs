//! What we send to the provider: the browser with a request, then the code for tokens.

use std::pin::Pin;

use http::{Request, Response};
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, ExtraTokenFields, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    StandardRevocableToken, StandardTokenResponse, TokenResponse as _, TokenUrl,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::callback::clean;
use super::discovery::Metadata;
use super::{Answers, OidcSettings, TokenAuth};
use crate::connector::Flow;
use crate::error::{ConnectError, Step};
use crate::fetch::{Fetch, FetchError};

/// RFC 7523 §2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What the token endpoint gave.
pub(super) struct Tokens {
    pub(super) access_token: SecretString,
    /// As it was sent, unread.
    pub(super) id_token: String,
}

/// The token endpoint's answer beyond RFC 6749. The ID token stays text here, so that a bad one is told apart from a
/// bad answer.
#[derive(Debug, Serialize, Deserialize)]
struct Fields {
    id_token: Option<String>,
}

impl ExtraTokenFields for Fields {}

type Answer = StandardTokenResponse<Fields, BasicTokenType>;

type OurClient = Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// Where the browser departs to (OpenID Connect Core §3.1.2.1).
pub(super) fn departure(settings: &OidcSettings, metadata: &Metadata, flow: &Flow) -> Result<Url, ConnectError> {
    let verifier = verifier(flow)?;
    let client = client(settings, metadata)?;
    let others = settings.scopes.iter().filter(|scope| *scope != "openid").cloned().map(Scope::new);
    let mut request = client
        .authorize_url(|| CsrfToken::new(flow.state.clone()))
        .add_scope(Scope::new("openid".to_owned()))
        .add_scopes(others)
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .add_extra_param("nonce", flow.nonce.clone());
    if let Some(hint) = &flow.login_hint {
        request = request.add_extra_param("login_hint", hint.clone());
    }
    if settings.answers == Answers::Form {
        request = request.add_extra_param("response_mode", "form_post");
    }
    if let Some(prompt) = flow.prompt {
        request = request.add_extra_param("prompt", prompt);
    }
    Ok(request.url().0)
}

/// Gives the code for tokens (OpenID Connect Core §3.1.3.1).
pub(super) async fn redeem(
    settings: &OidcSettings,
    metadata: &Metadata,
    fetch: &Fetch,
    flow: &Flow,
    code: String,
) -> Result<Tokens, ConnectError> {
    let client = client(settings, metadata)?;
    let mut request = client.exchange_code(AuthorizationCode::new(code)).set_pkce_verifier(verifier(flow)?);
    if settings.token_auth == TokenAuth::PrivateKeyJwt {
        let assertion = assertion(settings, metadata)?;
        request = request
            .add_extra_param("client_assertion_type", ASSERTION_TYPE)
            .add_extra_param("client_assertion", assertion.expose_secret().to_owned());
    }
    let answer = request.request_async(&Door(fetch)).await.map_err(cause)?;
    if *answer.token_type() != BasicTokenType::Bearer {
        return Err(ConnectError::TokenType);
    }
    Ok(Tokens {
        access_token: answer.access_token().secret().as_str().into(),
        id_token: answer.extra_fields().id_token.clone().ok_or(ConnectError::IdTokenMissing)?,
    })
}

/// What proves who we are. It names the token endpoint, as Entra ID demands and every provider takes (Core §9).
fn assertion(settings: &OidcSettings, metadata: &Metadata) -> Result<SecretString, ConnectError> {
    let sign = settings.assertion.as_ref().ok_or(ConnectError::FlowUnusable)?;
    let signed = (sign.0)(metadata.token_endpoint.as_str(), &metadata.assertion_algorithms);
    signed.ok_or(ConnectError::NoAlgorithm)
}

/// Our client as the library wants it. A closure would do, but makes a future that cannot change threads.
struct Door<'f>(&'f Fetch);

impl<'c> AsyncHttpClient<'c> for Door<'_> {
    type Error = FetchError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Vec<u8>>, FetchError>> + Send + 'c>>;

    /// A status other than success or refusal is no answer of the token endpoint: redirects are not followed, and a
    /// failing server's page is not read.
    fn call(&'c self, request: Request<Vec<u8>>) -> Self::Future {
        Box::pin(async {
            let answer = self.0.send(request).await?;
            let status = answer.status();
            let is_answer = status.is_success() || status.is_client_error();
            if is_answer { Ok(answer) } else { Err(FetchError::Status(status.as_u16())) }
        })
    }
}

/// Our cause for the library's error, which carries the raw body and must not live on.
fn cause(error: RequestTokenError<FetchError, BasicErrorResponse>) -> ConnectError {
    match error {
        RequestTokenError::Request(source) => ConnectError::outward(Step::Token, source),
        RequestTokenError::ServerResponse(refusal) => ConnectError::TokenRefused(clean(refusal.error().as_ref())),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => ConnectError::TokenUnreadable,
    }
}

fn client(settings: &OidcSettings, metadata: &Metadata) -> Result<OurClient, ConnectError> {
    let redirect = RedirectUrl::new(settings.redirect_uri.clone()).map_err(|_| ConnectError::FlowUnusable)?;
    let auth_type = match settings.token_auth {
        TokenAuth::Basic => AuthType::BasicAuth,
        TokenAuth::Post | TokenAuth::PrivateKeyJwt => AuthType::RequestBody,
    };
    let mut client: OurClient = Client::new(ClientId::new(settings.client_id.clone()))
        .set_auth_uri(AuthUrl::from_url(metadata.authorization_endpoint.clone()))
        .set_token_uri(TokenUrl::from_url(metadata.token_endpoint.clone()))
        .set_redirect_uri(redirect)
        .set_auth_type(auth_type);
    // Whoever proves themselves by a key shows no secret that they may still have (RFC 6749 §2.3).
    let secret = settings.client_secret.as_ref().filter(|_| settings.token_auth != TokenAuth::PrivateKeyJwt);
    if let Some(secret) = secret {
        client = client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
    }
    Ok(client)
}

/// The verifier, if it has the length of RFC 7636 §4.1; the library panics at any other.
fn verifier(flow: &Flow) -> Result<PkceCodeVerifier, ConnectError> {
    let text = flow.pkce_verifier.expose_secret();
    if !(43..=128).contains(&text.len()) {
        return Err(ConnectError::FlowUnusable);
    }
    Ok(PkceCodeVerifier::new(text.to_owned()))
}
