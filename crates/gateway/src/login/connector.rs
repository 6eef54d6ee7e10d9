//! A stored connection as something that can sign people in.

use std::sync::Arc;

use cardea_connect::saml::{AttributeNames, SamlConnector, SamlSettings};
use cardea_connect::{Connector, GroupsClaim, OidcConnector, OidcSettings, TokenAuth};
use cardea_store::connection::Connection;
use secrecy::SecretString;

use super::LoginError;
use crate::app::App;
use crate::saml::{self, keys, providers};
use crate::state::{self, Protocol};

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
        Protocol::Oidc(protocol) => oidc(app, row, &settings, protocol, claims),
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

fn oidc(
    app: &App,
    row: &Connection,
    settings: &state::Connection,
    oidc: state::Oidc,
    claims: Vec<String>,
) -> Result<Connector, LoginError> {
    let token_auth = match oidc.token_auth {
        state::TokenAuth::Basic => TokenAuth::Basic,
        state::TokenAuth::Post => TokenAuth::Post,
        state::TokenAuth::PrivateKeyJwt => return Err(LoginError::NotServed("`token_auth: private_key_jwt`")),
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
        scopes: oidc.scopes,
        redirect_uri: format!("{}/oidc/{}/callback", app.settings.public_url, row.name),
        groups,
        claims,
        subject_claim: oidc.subject_claim,
    };
    Ok(Connector::Oidc(Box::new(OidcConnector::new(connector, app.outside.clone()))))
}

fn secret(app: &App, row: &Connection) -> Result<Option<SecretString>, LoginError> {
    let Some(sealed) = &row.secret else { return Ok(None) };
    let plain = app.peppers.sealer().open(CLIENT_SECRET, sealed).map_err(|_| LoginError::Corrupt("client secret"))?;
    let text = std::str::from_utf8(&plain).map_err(|_| LoginError::Corrupt("client secret"))?;
    Ok(Some(text.to_owned().into()))
}
