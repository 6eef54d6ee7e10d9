//! The runner of `migrations/*.sql`: forward only, the same files on both engines.
//!
//! Each file is applied once, in one transaction, and noted in `schema_migration`. Runners take turns:
//! SQLite has one writer, PostgreSQL an advisory lock. A file that was changed after it had been applied
//! is refused, and so is a database that a newer release has migrated.

use cardea_model::Timestamp;

use crate::db::{Conn, Db, DbError, Engine, FromRow, Row, Sql, Tx};
use crate::{args, sql};

/// One file of `migrations/`.
struct Migration {
    name: &'static str,
    text: &'static str,
}

macro_rules! migrations {
    ($($name:literal),* $(,)?) => {
        &[$(Migration { name: $name, text: include_str!(concat!("../../../migrations/", $name)) }),*]
    };
}

/// Every file, in order; its number is its place here.
const MIGRATIONS: &[Migration] = migrations![
    "0001_foundation.sql",
    "0002_mail.sql",
    "0003_people.sql",
    "0004_keys.sql",
    "0005_rules.sql",
    "0006_oauth.sql",
    "0007_claims.sql",
    "0008_clients.sql",
    "0009_temporary_passwords.sql",
    "0010_saml.sql",
];

/// For PostgreSQL: the lock by which runners take turns. The number is any that nobody else uses.
const TURN: &str = "SELECT pg_advisory_xact_lock(4902837465)";
/// For PostgreSQL: a migration may take long.
const PATIENTLY: &str = "SET LOCAL statement_timeout = 0";
const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migration (version BIGINT PRIMARY KEY, \
    name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)";
/// How often a turn is asked for while another process writes; each time waits two seconds.
const ASKS: u32 = 30;

/// How the database's schema relates to this binary's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// They are the same.
    UpToDate,
    /// So many migrations are to be applied.
    Behind(usize),
    /// A newer release has migrated this database.
    Newer,
}

impl Db {
    /// Applies what has not been applied, and answers the names of those files. `now` is noted beside
    /// them.
    pub async fn migrate(&self, now: Timestamp) -> Result<Vec<String>, DbError> {
        run(self, MIGRATIONS, now).await
    }

    /// How the database's schema relates to this binary's; [`DbError::Edited`] if they contradict.
    pub async fn schema_state(&self) -> Result<SchemaState, DbError> {
        state(self, MIGRATIONS).await
    }
}

async fn state(db: &Db, known: &[Migration]) -> Result<SchemaState, DbError> {
    let mut conn = db.read().await?;
    if !is_noted(&mut conn, db.engine()).await? {
        return Ok(SchemaState::Behind(known.len()));
    }
    match remaining(&applied(&mut conn).await?, known) {
        Ok([]) => Ok(SchemaState::UpToDate),
        Ok(rest) => Ok(SchemaState::Behind(rest.len())),
        Err(DbError::NewerSchema { .. }) => Ok(SchemaState::Newer),
        Err(error) => Err(error),
    }
}

async fn run(db: &Db, known: &[Migration], now: Timestamp) -> Result<Vec<String>, DbError> {
    let mut names = Vec::new();
    // A database that needs nothing is not written to.
    while state(db, known).await? != SchemaState::UpToDate {
        let mut tx = turn(db).await?;
        let applied = applied(&mut tx).await?;
        let Some(next) = remaining(&applied, known)?.first() else {
            break;
        };
        let failed = |source| DbError::Migration { name: next.name, source: Box::new(source) };
        tx.control(Sql::control(next.text, next.name)).await.map_err(failed)?;
        note(&mut tx, next, version(applied.len()), now).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        names.push(next.name.to_owned());
    }
    Ok(names)
}

/// A transaction in which no other runner works, with the table of what was applied.
async fn turn(db: &Db) -> Result<Tx, DbError> {
    let mut asks = 1;
    let mut tx = loop {
        match db.write().await {
            Err(DbError::Busy) if asks < ASKS => asks += 1,
            answer => break answer?,
        }
    };
    if db.engine() == Engine::Postgres {
        tx.control(Sql::control(PATIENTLY, file!())).await?;
        tx.control(Sql::control(TURN, file!())).await?;
    }
    tx.control(Sql::control(TABLE, file!())).await?;
    Ok(tx)
}

/// The files that are not applied yet, if those that are agree with ours.
fn remaining<'a>(applied: &[Applied], known: &'a [Migration]) -> Result<&'a [Migration], DbError> {
    for (past, ours) in applied.iter().zip(known) {
        if past.name != ours.name || past.checksum != checksum(ours.text) {
            return Err(DbError::Edited { name: past.name.clone() });
        }
    }
    known.get(applied.len()..).ok_or_else(|| DbError::NewerSchema {
        found: applied.last().map_or(0, |last| last.version),
        known: version(known.len()) - 1,
    })
}

/// The number of the file that has so many before it.
fn version(before: usize) -> i64 {
    i64::try_from(before).map_or(i64::MAX, |before| before.saturating_add(1))
}

struct Applied {
    version: i64,
    name: String,
    checksum: String,
}

impl FromRow for Applied {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { version: row.get("version")?, name: row.get("name")?, checksum: row.get("checksum")? })
    }
}

async fn applied(conn: &mut Conn) -> Result<Vec<Applied>, DbError> {
    conn.all(sql!("SELECT version, name, checksum FROM schema_migration ORDER BY version"), args![]).await
}

async fn note(tx: &mut Tx, migration: &Migration, version: i64, now: Timestamp) -> Result<(), DbError> {
    tx.execute(
        sql!("INSERT INTO schema_migration (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)"),
        args![version, migration.name, &checksum(migration.text), now],
    )
    .await?;
    Ok(())
}

/// Whether the table of what was applied exists; the one question that each engine is asked in its own
/// words.
async fn is_noted(conn: &mut Conn, engine: Engine) -> Result<bool, DbError> {
    let text = match engine {
        Engine::Sqlite => "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'schema_migration'",
        Engine::Postgres => {
            "SELECT COUNT(*) FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_name = 'schema_migration'"
        }
    };
    let sql = Sql::control(text, file!());
    Ok(conn.one::<i64>(sql, args![]).await? > 0)
}

/// CRC-32 of the text, against accidents.
fn checksum(text: &str) -> String {
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing;

    const NOW: Timestamp = Timestamp::from_seconds(7);
    const FIRST: Migration = Migration {
        name: "0001_first.sql",
        text: "-- A comment; with a semicolon\nCREATE TABLE a (name TEXT); -- and another;\n\
               INSERT INTO a (name) VALUES ('x;\ny');\n",
    };
    const SECOND: Migration = Migration { name: "0002_second.sql", text: "CREATE TABLE b (name TEXT);" };
    const BROKEN: Migration =
        Migration { name: "0002_broken.sql", text: "CREATE TABLE b (name TEXT);\nINSERT INTO c VALUES (1);" };

    #[test]
    fn the_list_is_the_folder_numbered_without_a_gap() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<String> = files.filter(|name| name.ends_with(".sql")).collect();
        files.sort();
        let listed: Vec<&str> = MIGRATIONS.iter().map(|migration| migration.name).collect();
        assert_eq!(files, listed);
        for (position, name) in listed.iter().enumerate() {
            assert!(name.starts_with(&format!("{:04}_", version(position))), "{name}");
        }
    }

    #[tokio::test]
    async fn the_schema_is_brought_up_to_date_once() {
        for db in testing::empty().await {
            assert_eq!(db.schema_state().await.unwrap(), SchemaState::Behind(MIGRATIONS.len()));
            let names: Vec<&str> = MIGRATIONS.iter().map(|migration| migration.name).collect();
            assert_eq!(db.migrate(NOW).await.unwrap(), names);
            assert_eq!(db.schema_state().await.unwrap(), SchemaState::UpToDate);
            assert!(db.migrate(Timestamp::from_seconds(8)).await.unwrap().is_empty());
            let at = sql!("SELECT applied_at FROM schema_migration WHERE version = 1");
            assert_eq!(db.read().await.unwrap().one::<Timestamp>(at, args![]).await.unwrap(), NOW);
        }
    }

    #[tokio::test]
    async fn each_file_is_applied_whole_whatever_its_texts_and_comments_hold() {
        for db in testing::empty().await {
            assert_eq!(run(&db, &[FIRST], NOW).await.unwrap(), [FIRST.name]);
            assert_eq!(run(&db, &[FIRST, SECOND], NOW).await.unwrap(), [SECOND.name]);
            let name = sql!("SELECT name FROM a");
            assert_eq!(db.read().await.unwrap().one::<String>(name, args![]).await.unwrap(), "x;\ny");
        }
    }

    #[tokio::test]
    async fn a_file_that_fails_leaves_nothing_and_is_named() {
        for db in testing::empty().await {
            let error = run(&db, &[FIRST, BROKEN], NOW).await.unwrap_err();
            assert!(matches!(error, DbError::Migration { name: "0002_broken.sql", .. }), "{error:?}");
            assert_eq!(state(&db, &[FIRST, BROKEN]).await.unwrap(), SchemaState::Behind(1));
            assert_eq!(run(&db, &[FIRST, SECOND], NOW).await.unwrap(), [SECOND.name]);
        }
    }

    #[tokio::test]
    async fn a_changed_file_and_a_newer_schema_are_refused() {
        for db in testing::empty().await {
            run(&db, &[FIRST, SECOND], NOW).await.unwrap();
            let changed = Migration { text: "CREATE TABLE a (other TEXT);", ..FIRST };
            let refused = run(&db, &[changed, SECOND], NOW).await.unwrap_err();
            assert!(matches!(&refused, DbError::Edited { name } if name == FIRST.name), "{refused:?}");
            let refused = run(&db, &[FIRST], NOW).await.unwrap_err();
            assert!(matches!(refused, DbError::NewerSchema { found: 2, known: 1 }), "{refused:?}");
            assert_eq!(state(&db, &[FIRST]).await.unwrap(), SchemaState::Newer);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn runners_at_once_apply_each_file_once() {
        for db in testing::empty().await {
            let mut runners = tokio::task::JoinSet::new();
            for _ in 0..6 {
                let other = db.again().await;
                runners.spawn(async move { run(&other, &[FIRST, SECOND], NOW).await.unwrap() });
            }
            let mut applied: Vec<String> = runners.join_all().await.into_iter().flatten().collect();
            applied.sort();
            assert_eq!(applied, [FIRST.name, SECOND.name]);
        }
    }
}
