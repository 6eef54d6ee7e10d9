//! The database: one SQL text for each statement, SQLite or PostgreSQL underneath.
//!
//! | type | what it is |
//! |---|---|
//! | [`Db`] | a handle, cheap to clone |
//! | [`Conn`] | a connection that reads |
//! | [`Tx`] | a transaction that writes; dropped, it is undone |
//! | [`Wakes`] | hears that some commit asked the followers of the feed to look |
//!
//! Only this room names an engine. SQLite is called in place by rusqlite, with one writer that commits
//! many transactions as one (see `writer.rs`); PostgreSQL is reached by sqlx.

mod conn;
mod error;
mod holder;
mod postgres;
mod row;
mod sqlite;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod value;
mod wake;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use conn::{Conn, Tx};
pub use error::{DbError, Source};
pub use row::{Column, FromRow, Row};
pub use value::{Sql, Value};
pub use wake::Wakes;

use conn::Session;
use postgres::Server;
use sqlite::{ServingLock, Sqlite};
use wake::Bell;
use writer::Waiting;

/// Where the database is and what it may use.
#[derive(Clone)]
pub struct Settings {
    /// `sqlite://PATH`, or `postgres://USER:PASSWORD@HOST/NAME`.
    pub url: String,
    /// SQLite: bytes of page cache over all connections together.
    pub sqlite_cache_bytes: u64,
    /// SQLite: bytes of the file that are mapped into memory instead of read; 0 maps nothing.
    pub sqlite_mmap_bytes: u64,
    /// SQLite: connections that read, besides the one reserved for the feed.
    pub readers: u32,
    /// PostgreSQL: connections, besides the two reserved for the feed and the heartbeat.
    pub pool: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: "sqlite://data/cardea.db".to_owned(),
            sqlite_cache_bytes: 16 << 20,
            sqlite_mmap_bytes: 256 << 20,
            readers: 4,
            pool: 16,
        }
    }
}

impl std::fmt::Debug for Settings {
    /// Without the address, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("sqlite_cache_bytes", &self.sqlite_cache_bytes)
            .field("sqlite_mmap_bytes", &self.sqlite_mmap_bytes)
            .field("readers", &self.readers)
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}

/// What is underneath.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file of this machine.
    Sqlite,
    /// A server that speaks the protocol of PostgreSQL.
    Postgres,
}

/// The right to serve a database, for as long as it lives.
#[derive(Debug)]
pub struct ServingClaim {
    _lock: Option<ServingLock>,
}

/// A handle on the database.
#[derive(Clone)]
pub struct Db(Arc<Parts>);

struct Parts {
    backend: Backend,
    bell: Bell,
    waiting: Arc<AtomicUsize>,
}

enum Backend {
    Sqlite(Sqlite),
    Postgres(Server),
}

impl Db {
    /// Opens the database; a SQLite file is created if there is none. Migrates nothing.
    pub async fn open(settings: &Settings) -> Result<Self, DbError> {
        let (bell, waiting) = (Bell::default(), Arc::new(AtomicUsize::new(0)));
        let url = settings.url.as_str();
        let backend = if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Backend::Postgres(Server::open(settings, bell.clone()).await?)
        } else if let Some(path) = url.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            let path = Path::new(path.strip_prefix("//").unwrap_or(path));
            Backend::Sqlite(Sqlite::open(settings, path, Arc::clone(&waiting))?)
        } else {
            return Err(DbError::Address("it begins with neither `sqlite://` nor `postgres://`".to_owned()));
        };
        Ok(Self(Arc::new(Parts { backend, bell, waiting })))
    }

    /// A connection to read from.
    pub async fn read(&self) -> Result<Conn, DbError> {
        Ok(Conn::new(match &self.0.backend {
            Backend::Sqlite(sqlite) => Session::Sqlite(sqlite.read().await?),
            Backend::Postgres(server) => Session::Postgres(server.read().await?),
        }))
    }

    /// The one connection that is kept for following the feed, whatever takes up all others: a crowd of readers must not
    /// make a node deaf. One holder at a time; give it back before anything else is awaited.
    pub async fn read_reserved(&self) -> Result<Conn, DbError> {
        Ok(Conn::new(match &self.0.backend {
            Backend::Sqlite(sqlite) => Session::Sqlite(sqlite.read_reserved().await?),
            Backend::Postgres(server) => Session::Postgres(server.read_reserved().await?),
        }))
    }

    /// A transaction to write in. [`DbError::Busy`] if its turn does not come within two seconds; on
    /// SQLite [`DbError::Nested`] if this task holds one already.
    pub async fn write(&self) -> Result<Tx, DbError> {
        let bell = self.0.bell.clone();
        match &self.0.backend {
            Backend::Sqlite(sqlite) => Ok(Tx::new(Session::Sqlite(sqlite.write().await?), bell, false)),
            Backend::Postgres(server) => {
                let _waiting = Waiting::begin(&self.0.waiting);
                let transaction = server.write().await?;
                Ok(Tx::new(Session::PostgresTx(transaction), bell, server.notifies()))
            }
        }
    }

    /// As [`write`](Self::write), over a connection that is kept apart too: a node whose requests take up all others must
    /// still say that it lives. SQLite has one writer for all, who serves them in their order.
    pub async fn write_reserved(&self) -> Result<Tx, DbError> {
        match &self.0.backend {
            Backend::Sqlite(_) => self.write().await,
            Backend::Postgres(server) => {
                let transaction = server.write_reserved().await?;
                Ok(Tx::new(Session::PostgresTx(transaction), self.0.bell.clone(), server.notifies()))
            }
        }
    }

    /// Hears the commits that asked for it, from now on.
    pub fn wakes(&self) -> Wakes {
        self.0.bell.wakes()
    }

    /// Whether commits of other nodes ring here at once. Never on SQLite, whose other writers are
    /// processes that cannot ring.
    pub fn listening(&self) -> bool {
        match &self.0.backend {
            Backend::Sqlite(_) => false,
            Backend::Postgres(server) => server.listening(),
        }
    }

    /// What is underneath.
    pub fn engine(&self) -> Engine {
        match &self.0.backend {
            Backend::Sqlite(_) => Engine::Sqlite,
            Backend::Postgres(_) => Engine::Postgres,
        }
    }

    /// Claims the right to serve: one process for a SQLite file ([`DbError::Served`] for a second),
    /// any number for PostgreSQL.
    pub fn claim_serving(&self) -> Result<ServingClaim, DbError> {
        let _lock = match &self.0.backend {
            Backend::Sqlite(sqlite) => Some(sqlite.claim_serving()?),
            Backend::Postgres(_) => None,
        };
        Ok(ServingClaim { _lock })
    }

    /// How many transactions wait for their turn now.
    pub fn waiting_writers(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// Finishes what is being committed and closes every connection; whatever is asked later is
    /// [`DbError::Unavailable`].
    pub async fn close(&self) {
        match &self.0.backend {
            Backend::Sqlite(sqlite) => sqlite.close().await,
            Backend::Postgres(server) => server.close().await,
        }
    }
}
