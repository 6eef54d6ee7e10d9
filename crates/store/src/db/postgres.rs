//! PostgreSQL over the network: its pool, statements, and the connection that hears of other nodes.

use std::net::IpAddr;
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::TryStreamExt as _;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgListener, PgPool, PgPoolOptions, PgSslMode};
use sqlx::query::Query;
use sqlx::{ConnectOptions as _, Connection as _, Postgres, Transaction};
use tokio::task::JoinHandle;

use super::Settings;
use super::error::{DbError, from_postgres};
use super::row::{FromRow, Inner, Row};
use super::value::{Sql, Value};
use super::wake::{After, Bell};
use super::writer::PATIENCE;

/// Statements kept prepared on each connection; the program has fewer.
const PREPARED: usize = 512;
/// Connections that requests never take: one follows the feed, which must not wait for the heartbeat on the other.
const RESERVED: u32 = 2;
/// What every connection of the pool begins with. A statement that waits longer has met a lock that
/// nobody lets go of; a transaction that idles longer belongs to nobody.
const SESSION: &str = "SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = '30s'; \
    SET default_transaction_isolation = 'read committed'";
/// A connection that has idled for longer is tried before it is used.
const STALE: Duration = Duration::from_secs(1);
/// How often the listening connection is tried, for a lost peer is silent.
const HEARTBEAT: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_millis(250);

/// A database on a server.
pub(super) struct Server {
    pool: PgPool,
    reserved: PgPool,
    listener: JoinHandle<()>,
    listening: Arc<AtomicBool>,
    notifies: bool,
}

impl Server {
    /// Connects once, so that a wrong address is found at the start.
    pub(super) async fn open(settings: &Settings, bell: Bell) -> Result<Self, DbError> {
        let options = options(&settings.url)?;
        let pool = pool_of(settings.pool.max(1)).connect_with(options.clone()).await;
        let pool = pool.map_err(|error| from_postgres(None, error))?;
        let reserved = pool_of(RESERVED).connect_lazy_with(options.clone());
        let notifies = can_notify(&pool).await?;
        let listening = Arc::new(AtomicBool::new(false));
        let listener = listen(options, bell, Arc::clone(&listening));
        let listener = tokio::spawn(async move {
            if notifies {
                listener.await;
            }
        });
        Ok(Self { pool, reserved, listener, listening, notifies })
    }

    pub(super) async fn read(&self) -> Result<PoolConnection<Postgres>, DbError> {
        self.pool.acquire().await.map_err(|error| from_postgres(None, error))
    }

    /// The connection that is apart from the others.
    pub(super) async fn read_reserved(&self) -> Result<PoolConnection<Postgres>, DbError> {
        self.reserved.acquire().await.map_err(|error| from_postgres(None, error))
    }

    /// As [`write`](Self::write), apart from the others.
    pub(super) async fn write_reserved(&self) -> Result<Transaction<'static, Postgres>, DbError> {
        self.reserved.begin().await.map_err(|error| from_postgres(None, error))
    }

    pub(super) async fn write(&self) -> Result<Transaction<'static, Postgres>, DbError> {
        self.pool.begin().await.map_err(|error| from_postgres(None, error))
    }

    /// Whether commits of other nodes are heard at once.
    pub(super) fn listening(&self) -> bool {
        self.listening.load(Ordering::Relaxed)
    }

    /// Whether this engine passes notifications on.
    pub(super) fn notifies(&self) -> bool {
        self.notifies
    }

    pub(super) async fn close(&self) {
        self.listener.abort();
        self.pool.close().await;
        self.reserved.close().await;
    }
}

fn pool_of(most: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .before_acquire(|connection, idle| {
            Box::pin(async move {
                if idle.idle_for > STALE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(|connection, _| {
            Box::pin(async move { sqlx::raw_sql(SESSION).execute(connection).await.map(drop) })
        })
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Runs a statement that answers no rows; how many it changed.
pub(super) async fn execute(connection: &mut PgConnection, sql: Sql, args: &[Value<'_>]) -> Result<u64, DbError> {
    let done = bound(sql, args).execute(connection).await;
    done.map(|done| done.rows_affected()).map_err(|error| from_postgres(Some(sql), error))
}

/// Runs a statement and reads all its rows, in one round trip once it is prepared.
pub(super) async fn all<T: FromRow>(
    connection: &mut PgConnection,
    sql: Sql,
    args: &[Value<'_>],
) -> Result<Vec<T>, DbError> {
    let rows = bound(sql, args).fetch_all(connection).await;
    let rows = rows.map_err(|error| from_postgres(Some(sql), error))?;
    rows.iter().map(|row| T::from_row(&Row(Inner::Postgres(row)))).collect()
}

/// Runs a statement and hands its rows over as they arrive.
pub(super) async fn each<T: FromRow>(
    connection: &mut PgConnection,
    sql: Sql,
    args: &[Value<'_>],
    mut take: impl FnMut(T),
) -> Result<(), DbError> {
    let mut rows = bound(sql, args).fetch(connection);
    while let Some(row) = rows.try_next().await.map_err(|error| from_postgres(Some(sql), error))? {
        take(T::from_row(&Row(Inner::Postgres(&row)))?);
    }
    Ok(())
}

/// Runs statements of the engine's own, without values.
pub(super) async fn control(connection: &mut PgConnection, sql: Sql) -> Result<(), DbError> {
    let done = sqlx::raw_sql(sql.text).execute(connection).await;
    done.map(drop).map_err(|error| from_postgres(Some(sql), error))
}

/// Commits in a task of its own, so that `after` runs even when whoever asked has gone.
pub(super) async fn commit(
    mut transaction: Transaction<'static, Postgres>,
    notify: bool,
    after: After,
) -> Result<(), DbError> {
    let commit = tokio::spawn(async move {
        if notify {
            sqlx::raw_sql("NOTIFY cardea").execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        after.run();
        Ok(())
    });
    let refused = |reason: String| DbError::NotCommitted(reason.into());
    match commit.await {
        Ok(committed) => committed.map_err(|error: sqlx::Error| refused(error.to_string())),
        Err(stopped) => Err(refused(stopped.to_string())),
    }
}

fn bound(sql: Sql, args: &[Value<'_>]) -> Query<'static, Postgres, PgArguments> {
    args.iter().fold(sqlx::query(sql.text), |query, value| match *value {
        Value::Text(value) => query.bind(value),
        Value::Int(value) => query.bind(value),
        Value::Bool(value) => query.bind(value),
        Value::Bytes(value) => query.bind(value),
    })
}

/// Reads the address. sqlx falls back to an unencrypted connection silently, so a server elsewhere
/// must be verified by its certificate.
fn options(url: &str) -> Result<PgConnectOptions, DbError> {
    let options = PgConnectOptions::from_str(url).map_err(|error| DbError::Address(error.to_string()))?;
    let host = options.get_host();
    let local = options.get_socket().is_some()
        || host == "localhost"
        || host.starts_with('/')
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if !local && !matches!(options.get_ssl_mode(), PgSslMode::VerifyFull) {
        return Err(DbError::Address(format!(
            "the connection to `{host}` must be verified: add `?sslmode=verify-full`, \
             and `&sslrootcert=FILE` for a certificate authority of your own"
        )));
    }
    Ok(options.application_name("cardea").statement_cache_capacity(PREPARED).disable_statement_logging())
}

/// Engines that only speak the protocol of PostgreSQL may refuse LISTEN; their nodes look at the feed
/// at intervals.
async fn can_notify(pool: &PgPool) -> Result<bool, DbError> {
    match sqlx::raw_sql("LISTEN cardea; UNLISTEN cardea").execute(pool).await {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(_)) => Ok(false),
        Err(error) => Err(from_postgres(None, error)),
    }
}

/// Rings at every notification, and after each reconnection for those that were missed.
async fn listen(options: PgConnectOptions, bell: Bell, listening: Arc<AtomicBool>) {
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE).connect_lazy_with(options);
    loop {
        if let Err(error) = hear(&pool, &bell, &listening).await {
            tracing::warn!(%error, "the connection that hears of other nodes was lost");
        }
        listening.store(false, Ordering::Relaxed);
        tokio::time::sleep(RETRY).await;
    }
}

async fn hear(pool: &PgPool, bell: &Bell, listening: &AtomicBool) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.eager_reconnect(false);
    listener.listen("cardea").await?;
    listening.store(true, Ordering::Relaxed);
    bell.ring();
    loop {
        match tokio::time::timeout(HEARTBEAT, listener.try_recv()).await {
            Ok(Ok(Some(_))) => bell.ring(),
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                let answer = tokio::time::timeout(PATIENCE, sqlx::raw_sql("SELECT 1").execute(&mut listener));
                answer.await.map_err(|_| sqlx::Error::PoolTimedOut)??;
            }
        }
    }
}
