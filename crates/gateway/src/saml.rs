//! SAML 2.0, from our side: who we are to identity providers, our keys towards them, and what they publish of themselves.
//!
//! | place | what it is |
//! |---|---|
//! | [`entity_id`] | who we are to one connection's provider, and where it reads our metadata |
//! | [`acs`] | where its responses are posted |
//! | [`slo`] | where its logout messages arrive |
//!
//! A connection is an entity of its own: providers refuse to know two of one name, and whose keys a response is read with is
//! known from the address it came to.

pub mod keys;
pub(crate) mod providers;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use cardea_connect::saml::{SpKeys, sp_metadata};
use cardea_store::connection;
use tokio::sync::Semaphore;

use crate::app::App;
use crate::error::GatewayError;

/// What a node keeps for it.
pub struct Saml {
    keys: ArcSwapOption<SpKeys>,
    pub(crate) providers: providers::Providers,
    /// Whoever reads what somebody posted waits for a place here.
    pub(crate) readers: Semaphore,
}

/// So many responses are read at once on a node.
const MOST_READERS: usize = 8;

impl Default for Saml {
    fn default() -> Self {
        Self {
            keys: ArcSwapOption::empty(),
            providers: providers::Providers::default(),
            readers: Semaphore::new(MOST_READERS),
        }
    }
}

/// Who we are to the provider of this connection (SAML metadata §2.3.2): the address of our metadata.
pub(crate) fn entity_id(app: &App, connection: &str) -> String {
    format!("{}/saml/{connection}/metadata", app.settings.public_url)
}

/// Where responses are posted.
pub(crate) fn acs(app: &App, connection: &str) -> String {
    format!("{}/saml/{connection}/acs", app.settings.public_url)
}

/// Where logout messages arrive.
pub(crate) fn slo(app: &App, connection: &str) -> String {
    format!("{}/saml/{connection}/slo", app.settings.public_url)
}

/// What we publish of ourselves to the provider of this connection (SAML metadata §2.4.4), as XML; nothing if there is no
/// such SAML connection.
///
/// # Errors
/// The database's, and a key that cannot be made or read.
pub async fn metadata(app: &App, name: &str) -> Result<Option<String>, GatewayError> {
    let row = connection::named(&mut app.db.read().await?, name).await?;
    if row.is_none_or(|row| row.kind != "saml") {
        return Ok(None);
    }
    let keys = keys::keys(app).await?;
    Ok(Some(sp_metadata(&entity_id(app, name), &acs(app, name), &slo(app, name), &keys)))
}

/// Forgets what a node keeps of our keys.
pub(crate) fn forget_keys(app: &App) {
    app.saml.keys.store(None);
}

fn kept(app: &App) -> Option<Arc<SpKeys>> {
    app.saml.keys.load_full()
}
