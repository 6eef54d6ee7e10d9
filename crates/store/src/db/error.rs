//! What can go wrong with the database, told apart only as far as a caller treats it differently.

use std::path::PathBuf;
use std::sync::Arc;

use cardea_model::fault::{Fault, Kind};

use super::value::Sql;

/// An error of a driver, kept for the log.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// A failure of the database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A unique index or primary key holds this value already; the caller knows which it can be.
    #[error("a row with this unique value exists already")]
    Conflict,
    /// A foreign key, a check or a NOT NULL refuses the row.
    #[error("a constraint of the schema refuses the row")]
    Reference,
    /// A text holds the NUL character, which PostgreSQL cannot store.
    #[error("a text with a NUL character cannot be stored")]
    Nul,
    /// Nobody else let go of the database in time, or two transactions stood in each other's way.
    #[error("the database is busy")]
    Busy,
    /// This task holds a transaction already; a second one would wait for the first for ever.
    #[error("this task holds a transaction already")]
    Nested,
    /// A statement of this transaction failed before; it can only be rolled back.
    #[error("the transaction failed before and can only be rolled back")]
    Spoilt,
    /// The commit failed. When the connection broke in the middle of it, nobody knows its outcome.
    #[error("the transaction was not committed: {0}")]
    NotCommitted(Arc<str>),
    /// The database cannot be reached, or the connection was lost.
    #[error("the database cannot be reached")]
    Unavailable(#[source] Source),
    /// The database refuses every write.
    #[error("the database is read-only")]
    ReadOnly,
    /// There is no room for the write.
    #[error("the disk of the database is full")]
    Full,
    /// A newer release has migrated this database.
    #[error("the schema is at migration {found}, this release knows {known}; run the newer release")]
    NewerSchema {
        /// The highest migration in the database.
        found: i64,
        /// The highest migration of this binary.
        known: i64,
    },
    /// A migration failed; nothing of it was kept.
    #[error("migration {name} failed")]
    Migration {
        /// The file.
        name: &'static str,
        /// Why.
        #[source]
        source: Box<DbError>,
    },
    /// A migration that was applied is not the one of that number in this binary.
    #[error("migration {name} was changed after it had been applied; add a new one instead")]
    Edited {
        /// The file.
        name: String,
    },
    /// Another process serves this SQLite file.
    #[error("another process serves this database and holds {}", path.display())]
    Served {
        /// The lock file.
        path: PathBuf,
    },
    /// The address of the database cannot be used.
    #[error("the address of the database cannot be used: {0}")]
    Address(String),
    /// A statement that must find a row found none.
    #[error("the statement at {file}:{line} found no row")]
    NoRow {
        /// Where the statement stands.
        file: &'static str,
        /// In which line.
        line: u32,
    },
    /// A column is absent or holds another type than was asked for.
    #[error("the column `{column}` cannot be read")]
    Column {
        /// The column.
        column: String,
        /// Why.
        #[source]
        source: Source,
    },
    /// Any other failure of a statement: a mistake of ours.
    #[error("the statement at {file}:{line} failed")]
    Statement {
        /// Where the statement stands.
        file: &'static str,
        /// In which line.
        line: u32,
        /// Why.
        #[source]
        source: Source,
    },
}

impl DbError {
    /// What the caller calls a conflict; any other error as it is.
    pub fn or_on_conflict<E: From<Self>>(self, conflict: E) -> E {
        if matches!(self, Self::Conflict) { conflict } else { self.into() }
    }
}

impl Fault for DbError {
    fn kind(&self) -> Kind {
        match self {
            Self::Conflict => Kind::Conflict,
            Self::Nul => Kind::Unprocessable,
            Self::Busy | Self::NotCommitted(_) | Self::Unavailable(_) | Self::ReadOnly | Self::Full => {
                Kind::Unavailable
            }
            Self::Reference
            | Self::Nested
            | Self::Spoilt
            | Self::NewerSchema { .. }
            | Self::Migration { .. }
            | Self::Edited { .. }
            | Self::Served { .. }
            | Self::Address(_)
            | Self::NoRow { .. }
            | Self::Column { .. }
            | Self::Statement { .. } => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self.kind() {
            Kind::Conflict => "exists_already",
            Kind::Unprocessable => "nul_character",
            Kind::Unavailable => "database_unavailable",
            Kind::Invalid
            | Kind::Unauthenticated
            | Kind::Refused
            | Kind::Missing
            | Kind::Stale
            | Kind::TooMany(_)
            | Kind::Internal => "internal",
        }
    }
}

/// What SQLite says, in our words; `sql` is the statement, if it was one of ours.
pub(super) fn from_sqlite(sql: Option<Sql>, error: rusqlite::Error) -> DbError {
    use rusqlite::ErrorCode;
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID, SQLITE_CONSTRAINT_UNIQUE};
    const UNIQUE: [i32; 3] = [SQLITE_CONSTRAINT_UNIQUE, SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID];
    let rusqlite::Error::SqliteFailure(failure, _) = &error else {
        return otherwise(sql, error.into());
    };
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other codes are told apart by their text, in the log")]
    match failure.code {
        ErrorCode::ConstraintViolation if UNIQUE.contains(&failure.extended_code) => DbError::Conflict,
        ErrorCode::ConstraintViolation => DbError::Reference,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => DbError::Busy,
        ErrorCode::ReadOnly => DbError::ReadOnly,
        ErrorCode::DiskFull => DbError::Full,
        ErrorCode::CannotOpen | ErrorCode::SystemIoFailure => DbError::Unavailable(error.into()),
        _ => otherwise(sql, error.into()),
    }
}

/// What PostgreSQL says, in our words (appendix A of its manual lists the codes).
pub(super) fn from_postgres(sql: Option<Sql>, error: sqlx::Error) -> DbError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "sqlx may add errors; what is not the connection's is ours")]
    match &error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => DbError::Unavailable(error.into()),
        sqlx::Error::Database(refusal) => match refusal.code().as_deref().unwrap_or_default() {
            "23505" => DbError::Conflict,
            code if code.starts_with("23") => DbError::Reference,
            // Serialization failure, deadlock, lock not available, statement time-out.
            "40001" | "40P01" | "55P03" | "57014" => DbError::Busy,
            "25006" => DbError::ReadOnly,
            "53100" => DbError::Full,
            // A protocol violation is the wrong number of values.
            "08P01" => otherwise(sql, error.into()),
            // Connection exceptions, out of resources, the server goes down or comes up.
            code if ["08", "53", "57P", "25P03"].iter().any(|class| code.starts_with(class)) => {
                DbError::Unavailable(error.into())
            }
            _ => otherwise(sql, error.into()),
        },
        _ => otherwise(sql, error.into()),
    }
}

fn otherwise(sql: Option<Sql>, source: Source) -> DbError {
    match sql {
        Some(Sql { file, line, .. }) => DbError::Statement { file, line, source },
        None => DbError::Unavailable(source),
    }
}
