//! Connections that read and transactions that write.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{Postgres, Transaction};

use super::error::DbError;
use super::row::FromRow;
use super::sqlite::Held;
use super::value::{Sql, Value};
use super::wake::{After, Bell};
use super::{postgres, sqlite};

/// A connection that may read. [`Tx`] derefs to it, so a reader runs inside a transaction too.
pub struct Conn {
    session: Session,
    health: Health,
}

pub(super) enum Session {
    Sqlite(Held),
    Postgres(PoolConnection<Postgres>),
    PostgresTx(Transaction<'static, Postgres>),
}

/// Whether the next statement may run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    /// Outside a transaction: a failed statement leaves nothing behind.
    Free,
    /// In a transaction without a failure.
    Good,
    /// A statement of the transaction failed, or was given up half-way.
    Spoilt,
}

impl Conn {
    pub(super) fn new(session: Session) -> Self {
        Self { session, health: Health::Free }
    }

    /// Whether all that it reads is committed: it is no transaction's own.
    #[must_use]
    pub fn reads_commits(&self) -> bool {
        self.health == Health::Free
    }

    /// All rows of an answer.
    pub async fn all<T: FromRow>(&mut self, sql: Sql, args: &[Value<'_>]) -> Result<Vec<T>, DbError> {
        let before = self.begin(args)?;
        let answer = match &mut self.session {
            Session::Sqlite(held) => held.connection().and_then(|connection| {
                let mut rows = Vec::new();
                sqlite::each(connection, sql, args, |row| {
                    rows.push(row);
                    true
                })?;
                Ok(rows)
            }),
            Session::Postgres(connection) => postgres::all(connection, sql, args).await,
            Session::PostgresTx(transaction) => postgres::all(transaction, sql, args).await,
        };
        self.end(before, answer)
    }

    /// The first row of an answer, if there is one.
    pub async fn optional<T: FromRow>(&mut self, sql: Sql, args: &[Value<'_>]) -> Result<Option<T>, DbError> {
        Ok(self.all(sql, args).await?.into_iter().next())
    }

    /// The first row of an answer; [`DbError::NoRow`] if there is none.
    pub async fn one<T: FromRow>(&mut self, sql: Sql, args: &[Value<'_>]) -> Result<T, DbError> {
        let row = self.optional(sql, args).await?;
        row.ok_or(DbError::NoRow { file: sql.file, line: sql.line })
    }

    /// Hands every row of a long answer over as it comes, without keeping them all in memory or an
    /// async thread busy.
    pub async fn each<T: FromRow + Send + 'static>(
        &mut self,
        sql: Sql,
        args: &[Value<'_>],
        take: impl FnMut(T),
    ) -> Result<(), DbError> {
        let before = self.begin(args)?;
        let answer = match &mut self.session {
            Session::Sqlite(held) => held.each(sql, args, take).await,
            Session::Postgres(connection) => postgres::each(connection, sql, args, take).await,
            Session::PostgresTx(transaction) => postgres::each(transaction, sql, args, take).await,
        };
        self.end(before, answer)
    }

    async fn execute(&mut self, sql: Sql, args: &[Value<'_>]) -> Result<u64, DbError> {
        let before = self.begin(args)?;
        let answer = match &mut self.session {
            Session::Sqlite(held) => held.connection().and_then(|connection| sqlite::execute(connection, sql, args)),
            Session::Postgres(connection) => postgres::execute(connection, sql, args).await,
            Session::PostgresTx(transaction) => postgres::execute(transaction, sql, args).await,
        };
        self.end(before, answer)
    }

    async fn control(&mut self, sql: Sql) -> Result<(), DbError> {
        match &mut self.session {
            Session::Sqlite(held) => held.connection().and_then(|connection| sqlite::control(connection, sql)),
            Session::Postgres(connection) => postgres::control(connection, sql).await,
            Session::PostgresTx(transaction) => postgres::control(transaction, sql).await,
        }
    }

    /// Refuses what cannot run, and counts a transaction as spoilt until the statement has ended: its
    /// future may be dropped half-way.
    fn begin(&mut self, args: &[Value<'_>]) -> Result<Health, DbError> {
        if self.health == Health::Spoilt {
            return Err(DbError::Spoilt);
        }
        if args.iter().any(Value::has_nul) {
            return Err(DbError::Nul);
        }
        if let Session::Sqlite(held) = &self.session {
            held.touch();
        }
        let before = self.health;
        if before == Health::Good {
            self.health = Health::Spoilt;
        }
        Ok(before)
    }

    fn end<T>(&mut self, before: Health, answer: Result<T, DbError>) -> Result<T, DbError> {
        match (&answer, &mut self.session) {
            (Ok(_), _) => self.health = before,
            (Err(DbError::Unavailable(_) | DbError::Statement { .. }), Session::Sqlite(held)) => held.discard(),
            (Err(_), _) => {}
        }
        answer
    }
}

/// A transaction that may write; dropping it undoes it.
///
/// After an error of a statement, be it only [`DbError::Conflict`], nothing but undoing is possible:
/// PostgreSQL knows it no other way, and SQLite is held to the same. What may fail and be survived
/// goes inside a [`savepoint`](Tx::savepoint).
pub struct Tx {
    conn: Conn,
    after: After,
    bell: Bell,
    notifies: bool,
    /// For each savepoint, how many effects were asked for before it.
    savepoints: Vec<usize>,
}

impl Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

impl Tx {
    pub(super) fn new(session: Session, bell: Bell, notifies: bool) -> Self {
        let conn = Conn { session, health: Health::Good };
        Self { conn, after: After::default(), bell, notifies, savepoints: Vec::new() }
    }

    /// Runs a statement that answers no rows; how many it changed.
    pub async fn execute(&mut self, sql: Sql, args: &[Value<'_>]) -> Result<u64, DbError> {
        self.conn.execute(sql, args).await
    }

    /// Runs a migration or statements of the engine's own, without values.
    pub(crate) async fn control(&mut self, sql: Sql) -> Result<(), DbError> {
        let before = self.conn.begin(&[])?;
        let answer = self.conn.control(sql).await;
        self.conn.end(before, answer)
    }

    /// Runs `effect` once, when this transaction is durable and before [`commit`](Tx::commit) returns;
    /// also when whoever commits has gone meanwhile, never when the commit fails. It must be short: on
    /// SQLite every writer waits for it.
    pub fn after_commit(&mut self, effect: impl FnOnce() + Send + 'static) {
        self.after.effects.push(Box::new(effect));
    }

    /// Rings for the followers of the feed on every node when this transaction is durable.
    pub fn wake_others(&mut self) {
        self.after.bell = Some(self.bell.clone());
    }

    /// Begins a part that can be undone alone; they nest.
    pub async fn savepoint(&mut self) -> Result<(), DbError> {
        self.control(Sql::control("SAVEPOINT part", file!())).await?;
        self.savepoints.push(self.after.effects.len());
        Ok(())
    }

    /// Keeps what was done since the last [`savepoint`](Tx::savepoint).
    pub async fn keep_savepoint(&mut self) -> Result<(), DbError> {
        self.savepoints.pop().ok_or(DbError::Spoilt)?;
        self.control(Sql::control("RELEASE SAVEPOINT part", file!())).await
    }

    /// Undoes everything since the last [`savepoint`](Tx::savepoint), also a failed statement and the
    /// effects asked for.
    pub async fn undo_savepoint(&mut self) -> Result<(), DbError> {
        let effects = self.savepoints.pop().ok_or(DbError::Spoilt)?;
        self.after.effects.truncate(effects);
        self.conn.health = Health::Spoilt;
        self.conn.control(Sql::control("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part", file!())).await?;
        self.conn.health = Health::Good;
        Ok(())
    }

    /// Makes everything durable, then runs the effects; an error means that nothing was kept, except
    /// for the unknown outcome that [`DbError::NotCommitted`] tells of.
    pub async fn commit(self) -> Result<(), DbError> {
        if self.conn.health == Health::Spoilt {
            return Err(DbError::Spoilt);
        }
        let notify = self.notifies && self.after.bell.is_some();
        match self.conn.session {
            Session::Sqlite(Held::Writer(lent)) => lent.keep(self.after).await,
            Session::PostgresTx(transaction) => postgres::commit(transaction, notify, self.after).await,
            Session::Sqlite(Held::Reader(_) | Held::Away) | Session::Postgres(_) => Err(DbError::Spoilt),
        }
    }
}
