//! A stored connection as something that can sign people in.

use std::sync::Arc;

use cardea_connect::saml::{AttributeNames, SamlConnector, SamlSettings};
use cardea_connect::{Answers, Assertion, Connector, GroupsClaim, OidcConnector, OidcSettings, TokenAuth};
use cardea_model::chance;
use cardea_store::connection::Connection;
use cardea_tokens::jose::Algorithm;
use secrecy::SecretString;
use serde_json::json;

use super::LoginError;
use crate::app::App;
use crate::oauth::keyring;
use crate::saml::{self, keys, providers};
use crate::state::{self, Protocol};

/// How many seconds a provider has to look at an assertion.
const ASSERTION_LIFE: i64 = 60;
/// The purpose under which connections' client secrets are sealed.
pub const CLIENT_SECRET: &str = "connection.client_secret";

/// Reads the stored settings.
pub(crate) fn settings(row: &Connection) -> Result<state::Connection, LoginError> {
    serde_json::from_str(&row.settings).map_err(|_| LoginError::Corrupt("connection"))
}

/// The connector of a stored connection, which reads these claims besides the connection's own. Cheap: what is fetched is
/// cached beside it.
pub(crate) async fn build(app: &App, row: &Connection, claims: Vec<String>) -> Result<Connector, LoginError> {
    let settings = settings(row)?;
    match settings.protocol().ok_or(LoginError::Corrupt("connection"))? {
        Protocol::Oidc(protocol) => oidc(app, row, &settings, protocol, claims).await,
        Protocol::Saml(protocol) => saml(app, row, &settings, protocol, claims).await,
    }
}

async fn saml(
    app: &App,
    row: &Connection,
    settings: &state::Connection,
    saml: state::Saml,
    claims: Vec<String>,
) -> Result<Connector, LoginError> {
    let names = saml.attributes.clone();
    let connector = SamlSettings {
        connection: row.name.clone(),
        entity_id: saml::entity_id(app, &row.name),
        acs: saml::acs(app, &row.name),
        slo: saml::slo(app, &row.name),
        idp: providers::of(app, row, &saml).await?,
        attributes: AttributeNames {
            subject: names.subject,
            email: names.email,
            given_name: names.given_name,
            family_name: names.family_name,
            groups: names.groups.or_else(|| settings.groups.claim.clone()),
        },
        groups_split: settings.groups.split,
        claims,
        name_id_format: None,
        keys: keys::keys(app).await?,
    };
    Ok(Connector::Saml(Arc::new(SamlConnector::new(connector))))
}

async fn oidc(
    app: &App,
    row: &Connection,
    settings: &state::Connection,
    oidc: state::Oidc,
    claims: Vec<String>,
) -> Result<Connector, LoginError> {
    let token_auth = match oidc.token_auth {
        state::TokenAuth::Basic => TokenAuth::Basic,
        state::TokenAuth::Post => TokenAuth::Post,
        state::TokenAuth::PrivateKeyJwt => TokenAuth::PrivateKeyJwt,
    };
    let assertion = match token_auth {
        TokenAuth::PrivateKeyJwt => Some(assertion(app, &oidc.client_id).await?),
        TokenAuth::Basic | TokenAuth::Post => None,
    };
    let groups = GroupsClaim {
        claim: settings.groups.claim.clone(),
        pointer: settings.groups.pointer.clone(),
        split: settings.groups.split,
    };
    let connector = OidcSettings {
        connection: row.name.clone(),
        issuer: oidc.issuer,
        client_id: oidc.client_id,
        client_secret: secret(app, row)?,
        token_auth,
        assertion,
        answers: match oidc.response_mode {
            state::ResponseMode::Query => Answers::Query,
            state::ResponseMode::FormPost => Answers::Form,
        },
        scopes: oidc.scopes,
        redirect_uri: format!("{}/oidc/{}/callback", app.settings.public_url, row.name),
        groups,
        claims,
        subject_claim: oidc.subject_claim,
    };
    Ok(Connector::Oidc(Box::new(OidcConnector::new(connector, app.outside.clone()))))
}

/// What proves who we are by the keys that `/oauth2/jwks` publishes.
async fn assertion(app: &App, client_id: &str) -> Result<Assertion, LoginError> {
    let ring = keyring::ring(app).await?;
    let (app, client_id) = (app.clone(), client_id.to_owned());
    Ok(Assertion(Arc::new(move |audience, taken| {
        let takes = |algorithm: &Algorithm| taken.is_empty() || taken.iter().any(|name| name == algorithm.as_str());
        // The one that every provider knows, if it may be.
        let algorithm = [Algorithm::Rs256, Algorithm::Es256].into_iter().find(takes)?;
        let now = app.clock.now().as_seconds();
        let claims = json!({"iss": client_id, "sub": client_id, "aud": audience, "iat": now,
            "exp": now.saturating_add(ASSERTION_LIFE), "jti": chance::base62(&*app.random, 32)});
        let signed = ring.current(algorithm).ok()?.token("JWT", &claims.to_string()).ok()?;
        Some(signed.into())
    })))
}

fn secret(app: &App, row: &Connection) -> Result<Option<SecretString>, LoginError> {
    let Some(sealed) = &row.secret else { return Ok(None) };
    let plain = app.peppers.sealer().open(CLIENT_SECRET, sealed).map_err(|_| LoginError::Corrupt("client secret"))?;
    let text = std::str::from_utf8(&plain).map_err(|_| LoginError::Corrupt("client secret"))?;
    Ok(Some(text.to_owned().into()))
}
