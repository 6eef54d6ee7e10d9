//! Reading records: one, or a list by a filter.
//!
//! A filter that names an indexed key is answered by the index. Any other is evaluated over every record, page by page,
//! for directories of up to ten thousand.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cardea_model::id::ConnectionId;
use cardea_model::name::fold;
use cardea_scim::{Filter, ListQuery, Lookup, Page, ScimError, present};
use cardea_store::db::Conn;
use cardea_store::identity::{self, Identity};
use cardea_store::record;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::details::normal;
use super::{Directory, ProvisioningError, Record, missing, record_of, user_id};
use crate::app::App;

/// The most records over which a filter is evaluated without an index.
const MOST_SCANNED: i64 = 10_000;
/// How many records are read at once.
const BATCH: i64 = 200;
/// How long a directory waits for its own other scans.
const PATIENCE: Duration = Duration::from_secs(5);

/// The records that a list asked for.
#[derive(Debug)]
pub struct Found {
    /// How many match, on all pages.
    pub total: u64,
    /// Those of the page.
    pub records: Vec<Record>,
}

/// One record.
///
/// # Errors
/// [`ProvisioningError`].
pub async fn show(app: &App, directory: &Directory, id: &str) -> Result<Record, ProvisioningError> {
    directory.may()?;
    let row = record::find(&mut app.db.read().await?, directory.connection, user_id(id)?).await?;
    record_of(app, &row.ok_or_else(|| missing(id))?.identity)
}

/// The records that match.
///
/// # Errors
/// [`ProvisioningError`].
pub async fn list(app: &App, directory: &Directory, query: &ListQuery) -> Result<Found, ProvisioningError> {
    directory.may()?;
    let Some(filter) = &query.filter else { return everybody(app, directory, query.page).await };
    let mut sieve =
        Sieve { app, filter: Some(filter), page: query.page, found: Found { total: 0, records: Vec::new() } };
    match filter.narrowing() {
        Some(narrowing) => {
            if narrowing.complete && narrowing.keys.len() == 1 {
                sieve.filter = None;
            }
            if let Some(key) = narrowing.keys.first() {
                let rows = by_key(&mut app.db.read().await?, directory, key).await?;
                sieve.take(&rows)?;
            }
        }
        None => {
            let _turn = app.scans.turn(directory.connection).await?;
            if identity::count(&mut app.db.read().await?, directory.connection).await? > MOST_SCANNED {
                return Err(too_many());
            }
            scan(directory, &mut sieve).await?;
        }
    }
    Ok(sieve.found)
}

async fn everybody(app: &App, directory: &Directory, page: Page) -> Result<Found, ProvisioningError> {
    let conn = &mut app.db.read().await?;
    let total = u64::try_from(identity::count(conn, directory.connection).await?).unwrap_or(0);
    let (skip, limit) = (i64::try_from(page.offset()), i64::try_from(page.count).unwrap_or(0));
    let rows = match skip {
        Ok(skip) if limit > 0 => identity::page(conn, directory.connection, skip, limit).await?,
        // Nothing lies so far behind.
        Ok(_) | Err(_) => Vec::new(),
    };
    let records = rows.iter().map(|row| record_of(app, row)).collect::<Result<_, _>>()?;
    Ok(Found { total, records })
}

/// Everybody whom this key finds.
async fn by_key(conn: &mut Conn, directory: &Directory, key: &Lookup) -> Result<Vec<Identity>, ProvisioningError> {
    let most = MOST_SCANNED.saturating_add(1);
    let connection = directory.connection;
    let rows = match key {
        Lookup::Id(id) => match user_id(id) {
            Ok(user) => record::find(conn, connection, user).await?.map(|row| row.identity).into_iter().collect(),
            Err(_) => Vec::new(),
        },
        Lookup::UserName(name) => record::with_user_name(conn, connection, &fold(name)).await?.into_iter().collect(),
        Lookup::ExternalId(id) => record::with_external_id(conn, connection, id, most).await?,
        Lookup::Email(address) => record::with_email(conn, connection, &normal(address), most).await?,
    };
    if rows.len() > usize::try_from(MOST_SCANNED).unwrap_or(usize::MAX) {
        return Err(too_many());
    }
    Ok(rows)
}

/// Looks at everybody. The connection goes back between two batches, so that nobody waits for more than one.
async fn scan(directory: &Directory, sieve: &mut Sieve<'_>) -> Result<(), ProvisioningError> {
    let mut last = None;
    loop {
        let rows = record::after(&mut sieve.app.db.read().await?, directory.connection, last, BATCH).await?;
        sieve.take(&rows)?;
        last = rows.last().map(|row| row.id);
        if i64::try_from(rows.len()).is_ok_and(|read| read < BATCH) {
            return Ok(());
        }
        // Reading and evaluating a batch takes milliseconds; other requests of this thread go on between two.
        tokio::task::yield_now().await;
    }
}

/// The turns of directories that look through all their records: one at a time for each, on this node.
#[derive(Default)]
pub struct Scans(Mutex<HashMap<ConnectionId, Arc<Semaphore>>>);

impl Scans {
    /// Waits for this directory's turn, which lasts as long as what is returned.
    async fn turn(&self, directory: ConnectionId) -> Result<OwnedSemaphorePermit, ProvisioningError> {
        let turns = {
            let mut scans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(scans.entry(directory).or_insert_with(|| Arc::new(Semaphore::new(1))))
        };
        let turn = tokio::time::timeout(PATIENCE, turns.acquire_owned()).await;
        turn.ok().and_then(Result::ok).ok_or(ProvisioningError::TooMany(1))
    }
}

/// Counts what matches and keeps what is on the page.
struct Sieve<'a> {
    app: &'a App,
    /// Nothing: all that comes is known to match.
    filter: Option<&'a Filter>,
    page: Page,
    found: Found,
}

impl Sieve<'_> {
    fn take(&mut self, rows: &[Identity]) -> Result<(), ProvisioningError> {
        for row in rows {
            let record = record_of(self.app, row)?;
            let shown = present(&record.user, &record.meta);
            let fits = match (self.filter, shown.as_object()) {
                (Some(filter), Some(resource)) => filter.matches(resource),
                (None, _) => true,
                (Some(_), None) => false,
            };
            if !fits {
                continue;
            }
            let kept = u64::try_from(self.found.records.len()).unwrap_or(u64::MAX);
            if self.found.total >= self.page.offset() && kept < self.page.count {
                self.found.records.push(record);
            }
            self.found.total = self.found.total.saturating_add(1);
        }
        Ok(())
    }
}

fn too_many() -> ProvisioningError {
    ScimError::too_many(format!(
        "This filter would look at more than {MOST_SCANNED} users. Filter by `userName`, `externalId`, `id` or an e-mail address."
    ))
    .into()
}
