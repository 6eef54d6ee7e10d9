//! When keys were last used: noted at each check that said yes, in the secret's own entry, and written once a minute.
//! Losing a minute of notes in a crash costs nobody anything, so nothing waits for them.

use cardea_model::fault::whole;
use std::time::Duration;

use cardea_store::db::DbError;
use cardea_store::secret;
use tokio::task;
use tokio_util::sync::CancellationToken;

use crate::app::App;

const WRITE_EVERY: Duration = Duration::from_secs(60);
/// With SQLite a batch occupies a thread that answers requests: this many take half a millisecond.
const BATCH: usize = 50;

/// Writes all notes; returns how many.
///
/// # Errors
/// The database's; then the notes that had just been taken are lost.
pub async fn write(app: &App) -> Result<usize, DbError> {
    let mut written = 0;
    for notes in app.memory().take_uses() {
        for part in notes.chunks(BATCH) {
            let mut tx = app.db.write().await?;
            for (kid, at) in part {
                secret::used(&mut tx, kid.as_str(), *at).await?;
            }
            tx.commit().await?;
        }
        written += notes.len();
        // Millions of keys of which few were used are a long way to look.
        task::yield_now().await;
    }
    Ok(written)
}

/// Writes the notes once a minute and when the node stops.
pub async fn run(app: App, stop: CancellationToken) {
    let mut tick = tokio::time::interval(WRITE_EVERY);
    loop {
        let stopping = tokio::select! {
            _ = tick.tick() => false,
            () = stop.cancelled() => true,
        };
        if let Err(error) = write(&app).await {
            tracing::warn!(error = whole(&error), "when keys were used could not be written");
        }
        if stopping {
            return;
        }
    }
}
