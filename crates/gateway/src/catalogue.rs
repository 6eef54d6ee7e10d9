//! Which catalogue the instance runs under, so that nobody wonders why a role allows something else today.

use cardea_model::Caller;
use cardea_model::catalogue::Catalogue;
use cardea_store::db::DbError;
use cardea_store::setting;
use cardea_tokens::hash::sha256;
use serde_json::json;

use crate::app::App;
use crate::audit;

/// The digest of the catalogue of the last start.
const LAST: &str = "catalogue.digest";

/// SHA-256 over what the catalogue says, in hexadecimal: the same for the same content, whatever the file's order,
/// comments and omissions.
#[must_use]
pub fn digest(catalogue: &Catalogue) -> String {
    audit::hex(&sha256(catalogue.canonical()))
}

/// Writes down that a node starts under another catalogue than the one before it.
pub(crate) async fn note_change(app: &App) -> Result<(), DbError> {
    let digest = &app.catalogue_digest;
    if setting::get(&mut app.db.read().await?, LAST).await?.as_ref() == Some(digest) {
        return Ok(());
    }
    let ctx = app.ctx(Caller::System("start"));
    let mut tx = app.db.write().await?;
    // Claimed before it is read again, so that of two nodes that start at once only one writes it down.
    let before = setting::claim(&mut tx, LAST, "").await?;
    if before != *digest {
        setting::put(&mut tx, LAST, digest).await?;
        let detail = json!({"digest": digest, "before": (!before.is_empty()).then_some(&before)});
        audit::record(app, &mut tx, &ctx, None, "catalogue.changed", &app.settings.node_name, detail).await?;
    }
    tx.commit().await
}
