//! SQLite, called in place: how connections are opened, the pool of readers, and statements.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Statement, ToSql};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Settings;
use super::error::{DbError, from_sqlite};
use super::row::{FromRow, Inner, Row};
use super::value::{Sql, Value};
use super::writer::{Lent, PATIENCE, Writer};

/// Statements kept prepared on each connection; the program has fewer.
const PREPARED: usize = 512;
/// Pages in the log before a commit copies them into the file: 16 MiB.
const CHECKPOINT_PAGES: i64 = 4096;
/// What the log file may keep on disk after that, in bytes.
const LOG_BYTES: i64 = 64 << 20;
/// Rows that travel together from a long read.
const CHUNK: usize = 256;

/// A database in a file.
pub(super) struct Sqlite {
    path: PathBuf,
    writer: Writer,
    readers: Arc<Readers>,
    reserved: Arc<Readers>,
}

/// How each connection is opened.
#[derive(Clone)]
struct Plan {
    path: PathBuf,
    cache_kib: i64,
    mmap_bytes: i64,
}

/// The connections that only read, opened when they are first needed.
struct Readers {
    plan: Plan,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

/// A reading connection; dropping it gives it back.
pub(super) struct Lease {
    connection: Option<Connection>,
    readers: Arc<Readers>,
    _permit: OwnedSemaphorePermit,
}

/// A connection to SQLite.
pub(super) enum Held {
    /// One of the readers.
    Reader(Lease),
    /// The writer's, in a transaction.
    Writer(Lent),
    /// A long read was given up and has the connection still.
    Away,
}

/// The lock that makes a process the only one that serves a file; dropping it lets go.
pub(super) type ServingLock = File;

impl Sqlite {
    /// Opens or creates the file (readable by its owner only) and its folder.
    pub(super) fn open(settings: &Settings, path: &Path, waiting: Arc<AtomicUsize>) -> Result<Self, DbError> {
        create(path).map_err(|error| DbError::Unavailable(error.into()))?;
        let connections = u64::from(settings.readers.max(1)) + 2;
        let plan = Plan {
            path: path.to_owned(),
            cache_kib: bounded(settings.sqlite_cache_bytes / 1024 / connections),
            mmap_bytes: bounded(settings.sqlite_mmap_bytes),
        };
        let for_writer = plan.clone();
        let open = Arc::new(move || open_writer(&for_writer));
        let writer = Writer::start(open, waiting).map_err(|error| from_sqlite(None, error))?;
        let readers = Readers::new(plan.clone(), settings.readers.max(1));
        Ok(Self { path: path.to_owned(), writer, readers, reserved: Readers::new(plan, 1) })
    }

    /// A reading connection; [`DbError::Busy`] if none is free in time.
    pub(super) async fn read(&self) -> Result<Held, DbError> {
        lease(&self.readers).await
    }

    /// The reading connection that is apart from the others.
    pub(super) async fn read_reserved(&self) -> Result<Held, DbError> {
        lease(&self.reserved).await
    }

    /// The writer's connection, in a transaction.
    pub(super) async fn write(&self) -> Result<Held, DbError> {
        self.writer.lend().await.map(Held::Writer)
    }

    /// Refuses when another process serves this file.
    pub(super) fn claim_serving(&self) -> Result<ServingLock, DbError> {
        let mut path = self.path.clone().into_os_string();
        path.push(".serving");
        let path = PathBuf::from(path);
        let unavailable = |error: std::io::Error| DbError::Unavailable(error.into());
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(unavailable)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(DbError::Served { path }),
            Err(TryLockError::Error(error)) => Err(unavailable(error)),
        }
    }

    /// Commits what is under way and closes every connection as it comes back.
    pub(super) async fn close(&self) {
        for readers in [&self.readers, &self.reserved] {
            readers.permits.close();
            readers.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        self.writer.close().await;
    }
}

impl Readers {
    fn new(plan: Plan, most: u32) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(usize::try_from(most).unwrap_or(1)));
        Arc::new(Self { plan, permits, idle: Mutex::default() })
    }
}

async fn lease(readers: &Arc<Readers>) -> Result<Held, DbError> {
    let permit = Arc::clone(&readers.permits).acquire_owned();
    let permit = tokio::time::timeout(PATIENCE, permit).await.map_err(|_| DbError::Busy)?;
    let permit = permit.map_err(|_| DbError::Unavailable("the database was closed".into()))?;
    let idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let connection = match idle {
        Some(connection) => connection,
        None => open_reader(&readers.plan).map_err(|error| from_sqlite(None, error))?,
    };
    Ok(Held::Reader(Lease { connection: Some(connection), readers: Arc::clone(readers), _permit: permit }))
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && !self.readers.permits.is_closed()
        {
            self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}

impl Held {
    /// The connection, for the next statement.
    pub(super) fn connection(&self) -> Result<&Connection, DbError> {
        match self {
            Self::Reader(lease) => lease.connection.as_ref().ok_or(DbError::Spoilt),
            Self::Writer(lent) => lent.connection(),
            Self::Away => Err(DbError::Spoilt),
        }
    }

    /// Notes that the running task uses the transaction, if it is one.
    pub(super) fn touch(&self) {
        if let Self::Writer(lent) = self {
            lent.touch();
        }
    }

    /// Never gives this connection to another reader again.
    pub(super) fn discard(&mut self) {
        if let Self::Reader(lease) = self {
            lease.connection = None;
        }
    }

    /// Reads on a thread that may block, and hands the rows over as they come. When the reader of
    /// the rows goes away, so does the connection (a transaction is then undone).
    pub(super) async fn each<T: FromRow + Send + 'static>(
        &mut self,
        sql: Sql,
        args: &[Value<'_>],
        mut take: impl FnMut(T),
    ) -> Result<(), DbError> {
        let held = std::mem::replace(self, Self::Away);
        let owned = args.iter().map(owned).collect::<Result<Vec<_>, _>>();
        let owned = owned.map_err(|error| from_sqlite(Some(sql), error))?;
        let (chunks, mut arriving) = mpsc::channel::<Vec<T>>(2);
        let reading = tokio::task::spawn_blocking(move || {
            let mut chunk = Vec::with_capacity(CHUNK);
            let read = held.connection().and_then(|connection| {
                each(connection, sql, &owned, |row| {
                    chunk.push(row);
                    chunk.len() < CHUNK || chunks.blocking_send(std::mem::take(&mut chunk)).is_ok()
                })
            });
            // The last rows may find nobody.
            let _ = chunks.blocking_send(chunk);
            (held, read)
        });
        while let Some(chunk) = arriving.recv().await {
            chunk.into_iter().for_each(&mut take);
        }
        let (held, read) = reading.await.map_err(|_| DbError::Spoilt)?;
        *self = held;
        read
    }
}

/// Runs a statement that answers no rows; how many it changed.
pub(super) fn execute(connection: &Connection, sql: Sql, args: &[Value<'_>]) -> Result<u64, DbError> {
    let run = || {
        let mut statement = connection.prepare_cached(sql.text)?;
        bind(&mut statement, args)?;
        statement.raw_execute()
    };
    let changed = run().map_err(|error| from_sqlite(Some(sql), error))?;
    Ok(u64::try_from(changed).unwrap_or(u64::MAX))
}

/// Runs a statement to its end, also when it writes, and hands over its rows while `take` wants more.
pub(super) fn each<T: FromRow>(
    connection: &Connection,
    sql: Sql,
    args: &[impl ToSql],
    mut take: impl FnMut(T) -> bool,
) -> Result<(), DbError> {
    let failed = |error| from_sqlite(Some(sql), error);
    let mut statement = connection.prepare_cached(sql.text).map_err(failed)?;
    bind(&mut statement, args).map_err(failed)?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(failed)? {
        if !take(T::from_row(&Row(Inner::Sqlite(row)))?) {
            break;
        }
    }
    Ok(())
}

/// Runs statements of the engine's own, without values.
pub(super) fn control(connection: &Connection, sql: Sql) -> Result<(), DbError> {
    connection.execute_batch(sql.text).map_err(|error| from_sqlite(Some(sql), error))
}

/// SQLite takes `$2` for a name and numbers names by their first appearance; this binds by the number
/// in the name, as PostgreSQL does, and refuses values that no `$n` uses.
fn bind(statement: &mut Statement<'_>, args: &[impl ToSql]) -> rusqlite::Result<()> {
    let mut highest = 0;
    for index in 1..=statement.parameter_count() {
        let position = statement
            .parameter_name(index)
            .and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok())
            .unwrap_or(usize::MAX);
        let value = position.checked_sub(1).and_then(|before| args.get(before));
        let value = value.ok_or(rusqlite::Error::InvalidParameterCount(args.len(), position))?;
        statement.raw_bind_parameter(index, value)?;
        highest = highest.max(position);
    }
    if highest == args.len() { Ok(()) } else { Err(rusqlite::Error::InvalidParameterCount(args.len(), highest)) }
}

fn owned(value: &Value<'_>) -> rusqlite::Result<rusqlite::types::Value> {
    use rusqlite::types::{FromSql as _, ToSqlOutput, Value as Owned};
    match value.to_sql()? {
        ToSqlOutput::Borrowed(borrowed) => Owned::column_result(borrowed).map_err(Into::into),
        ToSqlOutput::Owned(owned) => Ok(owned),
        other => Err(rusqlite::Error::ToSqlConversionFailure(format!("{other:?}").into())),
    }
}

/// Makes the file before SQLite does, because its log and index files take over its mode.
fn create(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    if path.exists() {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn open_writer(plan: &Plan) -> rusqlite::Result<Connection> {
    let connection = open(plan)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    // The writer waits on a thread that may block, see `begin_patiently`.
    connection.busy_timeout(std::time::Duration::ZERO)?;
    Ok(connection)
}

fn open_reader(plan: &Plan) -> rusqlite::Result<Connection> {
    let connection = open(plan)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn open(plan: &Plan) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(&plan.path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    // Else a statement beside a partial index is planned anew at each use, in case the values bound to it allow another plan.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Negative: in KiB instead of pages.
    connection.pragma_update(None, "cache_size", -plan.cache_kib)?;
    connection.pragma_update(None, "mmap_size", plan.mmap_bytes)?;
    Ok(connection)
}

fn bounded(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}
