//! The identity providers of an account, as admins see them.

use cardea_model::id::AccountId;
use cardea_model::{Permission, Timestamp};
use cardea_store::connection;
use serde::Serialize;

use crate::app::App;
use crate::context::Ctx;
use crate::error::GatewayError;
use crate::{saml, state};

/// A connection as it is shown; it has no secrets.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectionView {
    /// Unique in the instance.
    pub name: String,
    /// `oidc` or `saml`.
    pub kind: String,
    /// How far it has come: `draft`, `tested`, `live` or `off`.
    pub stage: String,
    /// The issuer, of an OIDC connection.
    pub issuer: Option<String>,
    /// The address that the provider must be told to send people back to.
    pub callback_url: String,
    /// The domains whose people sign in here.
    pub domains: Vec<String>,
    /// The names of its directory's tokens; a directory exists if there is one.
    pub directory_tokens: Vec<String>,
    /// When somebody last signed in through it.
    pub last_login_at: Option<Timestamp>,
}

/// The connections of an account, by name.
///
/// # Errors
/// Refusals and the database's.
pub async fn list(app: &App, ctx: &Ctx, account: AccountId) -> Result<Vec<ConnectionView>, GatewayError> {
    ctx.may(Permission::SeeConnections, account)?;
    let mut conn = app.db.read().await?;
    let mut views = Vec::new();
    for row in connection::of_account(&mut conn, account).await? {
        let settings: state::Connection =
            serde_json::from_str(&row.settings).map_err(|_| GatewayError::Corrupt("connection"))?;
        views.push(ConnectionView {
            callback_url: match settings.kind {
                state::Kind::Oidc => format!("{}/oidc/{}/callback", app.settings.public_url, row.name),
                state::Kind::Saml => saml::acs(app, &row.name),
            },
            domains: connection::domains(&mut conn, row.id).await?,
            directory_tokens: connection::directory_tokens(&mut conn, row.id).await?,
            issuer: settings.issuer,
            name: row.name,
            kind: row.kind,
            stage: row.stage,
            last_login_at: row.last_login_at,
        });
    }
    Ok(views)
}
