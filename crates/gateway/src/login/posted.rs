//! Responses as the browser posts them.

use cardea_connect::saml::Posted;
use cardea_store::connection;

use super::{LoginError, connector, is_open};
use crate::app::App;
use crate::state::{Connection, Protocol};

/// Reads a response; nothing if the provider began by itself and the connection allows that.
pub(super) async fn read(app: &App, name: &str, field: String) -> Result<Option<Posted>, LoginError> {
    // So much reading goes on at once as there is room for: whoever floods the address keeps nobody else waiting.
    let place = app.saml.readers.acquire().await.map_err(|_| LoginError::Corrupt("node"))?;
    let read = tokio::task::spawn_blocking(move || Posted::read(&field)).await;
    drop(place);
    // A mistake in reading is a refusal, and ends there.
    let posted = read.map_err(|_| LoginError::Corrupt("response"))??;
    if posted.in_response_to().is_some() {
        return Ok(Some(posted));
    }
    let row = connection::named(&mut app.db.read().await?, name).await?.filter(|row| is_open(&row.stage));
    let settings = connector::settings(&row.ok_or(LoginError::NoConnection)?)?;
    if takes_unsolicited(&settings) { Ok(None) } else { Err(LoginError::Unsolicited) }
}

fn takes_unsolicited(settings: &Connection) -> bool {
    matches!(settings.protocol(), Some(Protocol::Saml(saml)) if saml.idp_initiated)
}
