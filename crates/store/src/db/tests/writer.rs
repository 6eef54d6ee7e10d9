//! What the one writer of SQLite promises: exact rows whatever happens to those who write.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cardea_model::fault::{Fault as _, Kind};

use super::*;

/// The database with the table, and another connection to the same file.
async fn file() -> (Fresh, rusqlite::Connection) {
    let db = testing::sqlite().await;
    make_table(&db).await;
    let path = db.settings.url.strip_prefix("sqlite://").unwrap().to_owned();
    (db, rusqlite::Connection::open(path).unwrap())
}

/// Waits, without a clock, until so many transactions wait for their turn.
async fn until_waiting(db: &Db, count: usize) {
    while db.waiting_writers() != count {
        tokio::task::yield_now().await;
    }
}

/// Every way in which a transaction can end.
#[derive(Clone, Copy)]
enum Fate {
    Commit,
    Drop,
    Panic,
    Constraint,
    GivenUpWhileWaiting,
    GivenUpWhileCommitting,
}

const FATES: [Fate; 9] = [
    Fate::Commit,
    Fate::Panic,
    Fate::Commit,
    Fate::Constraint,
    Fate::GivenUpWhileWaiting,
    Fate::Commit,
    Fate::GivenUpWhileCommitting,
    Fate::Drop,
    Fate::Commit,
];

/// One transaction of two rows and one effect; the name, if its commit was acknowledged.
async fn live(db: &Db, fate: Fate, name: &str, effects: &Arc<Mutex<Vec<String>>>) -> Option<String> {
    if matches!(fate, Fate::GivenUpWhileWaiting) {
        assert!(futures::poll!(Box::pin(db.write())).is_pending());
        return None;
    }
    let mut tx = db.write().await.unwrap();
    let (effects, noted) = (Arc::clone(effects), name.to_owned());
    tx.after_commit(move || effects.lock().unwrap().push(noted));
    add(&mut tx, name, 1).await.unwrap();
    add(&mut tx, &format!("{name}'s other half"), 1).await.unwrap();
    match fate {
        Fate::Commit => {
            tx.commit().await.unwrap();
            return Some(name.to_owned());
        }
        Fate::Panic => std::panic::resume_unwind(Box::new("meant to happen")),
        Fate::Constraint => {
            assert!(matches!(add(&mut tx, name, 1).await, Err(DbError::Conflict)));
            assert!(matches!(tx.commit().await, Err(DbError::Spoilt)));
        }
        Fate::GivenUpWhileCommitting => {
            assert!(futures::poll!(Box::pin(tx.commit())).is_pending());
        }
        Fate::Drop | Fate::GivenUpWhileWaiting => {}
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_commits_panics_errors_and_cancellations_leave_exact_rows() {
    let (db, _) = file().await;
    let effects = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..450 {
        for turn in 0..10 {
            let (db, effects) = ((*db).clone(), Arc::clone(&effects));
            let fate = FATES[(task + turn) % FATES.len()];
            tasks.spawn(async move { live(&db, fate, &format!("{task:03}-{turn}"), &effects).await });
        }
        // Not so many at once that one waits for two seconds.
        while tasks.len() > 200 {
            tasks.join_next().await;
        }
    }
    while tasks.join_next().await.is_some() {}
    db.close().await;

    let mut happened = effects.lock().unwrap().clone();
    happened.sort();
    let mut expected: Vec<String> = happened.clone();
    expected.extend(happened.iter().map(|name| format!("{name}'s other half")));
    expected.sort();
    assert_eq!(names_in(&db.again().await).await, expected);
    // Four of nine fates commit, and a commit that is given up is on its way already.
    assert_eq!(happened.len(), 4500 / FATES.len() * 5);
}

#[tokio::test]
async fn transactions_that_wait_together_are_committed_together() {
    let (db, other) = file().await;
    let first = db.write().await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..100 {
        let db = (*db).clone();
        tasks.spawn(async move {
            let mut tx = db.write().await.unwrap();
            add(&mut tx, &number.to_string(), 1).await.unwrap();
            tx.commit().await.unwrap();
        });
    }
    until_waiting(&db, 100).await;
    // Each commit that another connection sees raises this number once.
    let version = || other.pragma_query_value(None, "data_version", |row| row.get::<_, i64>(0)).unwrap();
    let before = version();
    first.commit().await.unwrap();
    let (mut commits, mut seen) = (0, before);
    while tasks.join_next().await.is_some() {
        let now = version();
        commits += i64::from(now != seen);
        seen = now;
    }
    assert!((1..=50).contains(&commits), "{commits} commits for 100 transactions");
    assert_eq!(names_in(&db).await.len(), 100);
}

#[tokio::test]
async fn a_second_transaction_of_the_same_task_fails_at_once() {
    let (db, _) = file().await;
    let tx = db.write().await.unwrap();
    assert!(matches!(db.write().await.err(), Some(DbError::Nested)));
    drop(tx);
    db.write().await.unwrap().commit().await.unwrap();

    let inner = (*db).clone();
    let nested = tokio::spawn(async move {
        let _tx = inner.write().await.unwrap();
        inner.write().await.err()
    });
    assert!(matches!(nested.await.unwrap(), Some(DbError::Nested)));
}

/// A transaction belongs to the task that used it last, so handing it over neither hides a nested one
/// nor accuses the task that gave it away.
#[tokio::test]
async fn a_transaction_that_was_handed_over_counts_for_its_new_task() {
    let (db, _) = file().await;
    let mut tx = db.write().await.unwrap();
    let inner = (*db).clone();
    let (used, is_used) = tokio::sync::oneshot::channel();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        add(&mut tx, "a", 1).await.unwrap();
        assert!(matches!(inner.write().await.err(), Some(DbError::Nested)));
        used.send(()).unwrap();
        ended.await.unwrap();
        tx.commit().await.unwrap();
    });
    is_used.await.unwrap();
    let mut mine = Box::pin(db.write());
    assert!(futures::poll!(&mut mine).is_pending());
    end.send(()).unwrap();
    mine.await.unwrap();
    task.await.unwrap();
    assert_eq!(names_in(&db).await, ["a"]);
}

#[tokio::test]
async fn another_process_that_writes_is_waited_for_and_then_busy_is_said() {
    let (db, other) = file().await;
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(db.write().await.err(), Some(DbError::Busy)));
    let waiting = {
        let db = (*db).clone();
        tokio::spawn(async move { db.write().await.unwrap().commit().await })
    };
    until_waiting(&db, 1).await;
    other.execute_batch("COMMIT").unwrap();
    waiting.await.unwrap().unwrap();
}

/// A full disk makes SQLite roll back everything that is under way and go on as if nothing had been
/// begun.
#[tokio::test]
async fn a_full_disk_fails_the_whole_batch_and_keeps_nothing_of_it() {
    let (db, _) = file().await;
    let (mut together, mut expected) = (0, Vec::new());
    for round in 0..200 {
        let mut first = db.write().await.unwrap();
        first.control(Sql::control("PRAGMA max_page_count = 1", file!())).await.unwrap();
        let victim = {
            let (db, name) = ((*db).clone(), format!("victim-{round:03}"));
            tokio::spawn(async move {
                let mut tx = db.write().await.unwrap();
                add(&mut tx, &name, 1).await?;
                let effect = Arc::new(Mutex::new(false));
                let ran = Arc::clone(&effect);
                tx.after_commit(move || *ran.lock().unwrap() = true);
                let committed = tx.commit().await;
                assert_eq!(*effect.lock().unwrap(), committed.is_ok());
                committed.map(|()| name)
            })
        };
        until_waiting(&db, 1).await;
        let glutton = {
            let db = (*db).clone();
            tokio::spawn(async move {
                let mut tx = db.write().await.unwrap();
                let large = vec![7_u8; 1 << 20];
                let full = tx
                    .execute(sql!("INSERT INTO item (name, amount, bytes) VALUES ('large', 1, $1)"), args![&large])
                    .await;
                assert!(matches!(full, Err(DbError::Full)), "{full:?}");
                assert!(matches!(add(&mut tx, "alone", 1).await, Err(DbError::Spoilt)));
                assert!(matches!(tx.commit().await, Err(DbError::Spoilt)));
            })
        };
        until_waiting(&db, 2).await;
        drop(first);
        match victim.await.unwrap() {
            Ok(name) => expected.push(name),
            Err(error) => {
                assert!(matches!(error, DbError::NotCommitted(_)), "{error:?}");
                together += 1;
            }
        }
        glutton.await.unwrap();
        assert_eq!(names_in(&db).await, expected);
        if together == 5 {
            return;
        }
    }
    panic!("the two met in one batch only {together} times");
}

#[tokio::test]
async fn a_read_only_file_says_so() {
    let (db, _) = file().await;
    let path = db.settings.url.strip_prefix("sqlite://").unwrap().to_owned();
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let open = Arc::new(move || rusqlite::Connection::open_with_flags(&path, flags));
    let writer = super::super::writer::Writer::start(open, Arc::default()).unwrap();
    let lent = writer.lend().await.unwrap();
    let insert = sql!("INSERT INTO item (name, amount) VALUES ('a', 1)");
    let refused = super::super::sqlite::execute(lent.connection().unwrap(), insert, args![]);
    assert!(matches!(refused, Err(DbError::ReadOnly)), "{refused:?}");
    assert_eq!(refused.unwrap_err().kind(), Kind::Unavailable);

    let mut conn = db.read().await.unwrap();
    let write =
        conn.all::<String>(sql!("INSERT INTO item (name, amount) VALUES ('a', 1) RETURNING name"), args![]).await;
    assert!(matches!(write, Err(DbError::ReadOnly)), "{write:?}");
}

#[tokio::test]
async fn readers_are_many_and_the_next_waits_until_one_is_back() {
    let (db, _) = file().await;
    let mut readers = Vec::new();
    for _ in 0..db.settings.readers {
        readers.push(db.read().await.unwrap());
    }
    assert!(matches!(db.read().await.err(), Some(DbError::Busy)));
    let mut next = Box::pin(db.read());
    assert!(futures::poll!(&mut next).is_pending());
    readers.pop();
    tokio::time::timeout(Duration::from_secs(10), next).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_file_is_its_owners_alone_and_durable_as_promised() {
    use std::os::unix::fs::PermissionsExt as _;
    let (db, _) = file().await;
    let path = db.settings.url.strip_prefix("sqlite://").unwrap().to_owned();
    for file in [path.clone(), format!("{path}-wal")] {
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
    let mut tx = db.write().await.unwrap();
    for (pragma, expected) in [
        (sql!("PRAGMA synchronous"), 2),
        (sql!("PRAGMA foreign_keys"), 1),
        (sql!("PRAGMA secure_delete"), 1),
        (sql!("PRAGMA mmap_size"), 256 << 20),
        (sql!("PRAGMA cache_size"), -(16 << 10) / 6),
    ] {
        let value: i64 = tx.one(pragma, args![]).await.unwrap();
        assert_eq!(value, expected, "{}", pragma.text);
    }
    assert_eq!(tx.one::<String>(sql!("PRAGMA journal_mode"), args![]).await.unwrap(), "wal");
}
