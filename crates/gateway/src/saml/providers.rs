//! What identity providers publish about themselves.
//!
//! ```text
//! in the declaration ─────────────────────────────► read ─► kept in memory until the connection changes
//! at an address ─► fetched ─► read ─► stored ─► kept; asked again every hour
//! ```
//! What cannot be fetched or read any more leaves the last good document in force. A document that speaks for somebody else
//! never takes its place.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cardea_connect::saml::{IdpMetadata, Published, Reach, look};
use cardea_model::fault::whole;
use cardea_model::id::ConnectionId;
use cardea_model::numbers::Numbers;
use cardea_model::{Caller, Timestamp};
use cardea_store::connection::{self, Connection};
use cardea_store::feed::{self, Kind};
use cardea_store::saml::{self as rows, Metadata};
use serde_json::json;
use url::Url;

use crate::app::App;
use crate::audit;
use crate::login::{LoginError, connector};
use crate::state;

/// How often a provider is asked what it publishes.
const EVERY: Duration = Duration::from_secs(3600);
/// How long a provider that never answered is left alone.
const REST: Duration = Duration::from_secs(60);

/// The providers that this node has read.
#[derive(Default)]
pub(crate) struct Providers {
    known: Mutex<HashMap<ConnectionId, Known>>,
    /// Whoever fetches what nobody has read yet; the others wait and find it.
    first: tokio::sync::Mutex<HashMap<ConnectionId, Timestamp>>,
}

struct Known {
    /// The version of the connection for which it was read.
    version: i64,
    provider: Arc<IdpMetadata>,
}

impl Providers {
    fn of(&self, row: &Connection) -> Option<Arc<IdpMetadata>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&row.id).filter(|known| known.version == row.version).map(|known| Arc::clone(&known.provider))
    }

    fn keep(&self, row: &Connection, provider: IdpMetadata) -> Arc<IdpMetadata> {
        let provider = Arc::new(provider);
        let known = Known { version: row.version, provider: Arc::clone(&provider) };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(row.id, known);
        provider
    }

    /// Forgets every provider: what another node has fetched is read anew.
    pub(crate) fn forget(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// The provider of a connection.
pub(crate) async fn of(app: &App, row: &Connection, saml: &state::Saml) -> Result<Arc<IdpMetadata>, LoginError> {
    if let Some(known) = app.saml.providers.of(row) {
        return Ok(known);
    }
    let text = match &saml.metadata {
        state::Metadata::Text(text) => text.clone(),
        state::Metadata::Url(url) => stored(app, row, (url, saml.entity.as_deref())).await?,
    };
    let provider = read(app, &text, saml.entity.as_deref(), app.clock.now()).await?;
    Ok(app.saml.providers.keep(row, provider))
}

async fn read(app: &App, text: &str, entity: Option<&str>, now: Timestamp) -> Result<IdpMetadata, LoginError> {
    let (text, entity, reach) = (text.to_owned(), entity.map(str::to_owned), reach(app));
    let read = tokio::task::spawn_blocking(move || IdpMetadata::read(&text, entity.as_deref(), reach, now)).await;
    Ok(read.map_err(|_| LoginError::Corrupt("metadata"))??)
}

/// Why a declared document cannot be used, with what to do about it; one whose time is over was good, and stays declared.
pub(crate) fn problem(app: &App, text: &str, entity: Option<&str>) -> Option<String> {
    let unusable = IdpMetadata::read(text, entity, reach(app), Timestamp::default()).err()?;
    Some(format!("{unusable}. {}", unusable.remedy()))
}

/// Where browsers may be sent: as far as we ourselves go.
fn reach(app: &App) -> Reach {
    if app.outside.fetch.allows_plain_http() { Reach::HttpsOrLoopback } else { Reach::Https }
}

/// The document that is kept of this address; fetched if there is none yet.
async fn stored(app: &App, row: &Connection, (url, entity): (&str, Option<&str>)) -> Result<String, LoginError> {
    let kept = |found: Option<Metadata>| found.filter(|found| found.url == url).map(|found| found.document);
    if let Some(document) = kept(rows::metadata(&mut app.db.read().await?, row.id).await?) {
        return Ok(document);
    }
    let mut resting = app.saml.providers.first.lock().await;
    if let Some(document) = kept(rows::metadata(&mut app.db.read().await?, row.id).await?) {
        return Ok(document);
    }
    let now = app.clock.now();
    // Nobody can make us ask a provider that is away at every sign-in.
    if resting.get(&row.id).is_some_and(|until| now < *until) {
        return Err(LoginError::MetadataAway);
    }
    resting.insert(row.id, now.after(REST));
    let Published::Document { text, etag } = fetch(app, url, None).await? else { return Err(LoginError::MetadataAway) };
    read(app, &text, entity, now).await?;
    let fresh = Metadata {
        connection: row.id,
        url: url.to_owned(),
        document: text.clone(),
        etag,
        fetched_at: now,
        checked_at: now,
        problem: None,
    };
    let mut tx = app.db.write().await?;
    rows::put_metadata(&mut tx, &fresh).await?;
    tx.commit().await?;
    resting.remove(&row.id);
    Ok(text)
}

async fn fetch(app: &App, url: &str, etag: Option<&str>) -> Result<Published, LoginError> {
    let url = Url::parse(url).map_err(|_| LoginError::Corrupt("connection"))?;
    Ok(look(&app.outside.fetch, &url, etag).await?)
}

/// Asks every provider whose document is an hour old what it publishes now.
pub(crate) async fn refresh(app: &App) -> Result<(), LoginError> {
    let now = app.clock.now();
    let due = rows::due(&mut app.db.read().await?, now.before(EVERY)).await?;
    for old in due {
        let mut tx = app.db.write().await?;
        // Of several nodes one asks.
        let mine = rows::claim(&mut tx, old.connection, old.checked_at, now).await?;
        tx.commit().await?;
        if mine && let Err(error) = ask_again(app, old, now).await {
            tracing::warn!(error = whole(&error), "a provider's metadata could not be kept");
        }
    }
    Ok(())
}

async fn ask_again(app: &App, old: Metadata, now: Timestamp) -> Result<(), LoginError> {
    let Some(row) = connection::find(&mut app.db.read().await?, old.connection).await? else { return Ok(()) };
    let entity = connector::settings(&row)?.issuer;
    let fresh = match fetch(app, &old.url, old.etag.as_deref()).await {
        Ok(Published::Unchanged) => Ok(None),
        Ok(Published::Document { text, .. }) if text == old.document => Ok(None),
        Ok(Published::Document { text, etag }) => {
            successor(app, &old, (&text, entity.as_deref()), now).await.map(|()| Some((text, etag)))
        }
        Err(error) => Err(error),
    };
    let mut tx = app.db.write().await?;
    let changed = matches!(fresh, Ok(Some(_)));
    let kept = match fresh {
        Ok(Some((document, etag))) => {
            Metadata { document, etag, fetched_at: now, checked_at: now, problem: None, ..old }
        }
        Ok(None) => Metadata { checked_at: now, problem: None, ..old },
        Err(error) => Metadata { checked_at: now, problem: Some(error.to_string()), ..old },
    };
    rows::put_metadata(&mut tx, &kept).await?;
    if changed {
        let ctx = app.ctx(Caller::System("metadata"));
        let detail = json!({"url": kept.url});
        audit::record(app, &mut tx, &ctx, Some(row.account), "connection.metadata_changed", &row.name, detail).await?;
        feed::append(&mut tx, Kind::Connection, &row.name, Numbers::default(), now).await?;
    }
    tx.commit().await?;
    if changed {
        app.saml.providers.forget();
    }
    Ok(())
}

/// Whether a document may take the place of another: it is good, and speaks for the same entity.
async fn successor(
    app: &App,
    old: &Metadata,
    (text, entity): (&str, Option<&str>),
    now: Timestamp,
) -> Result<(), LoginError> {
    // What is kept was read when it was good; that it has run out since is the reason to look for another.
    let before = read(app, &old.document, entity, old.fetched_at).await?;
    let fresh = read(app, text, entity, now).await?;
    if before.entity_id == fresh.entity_id { Ok(()) } else { Err(LoginError::MetadataEntity) }
}
