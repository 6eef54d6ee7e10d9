//! What both engines promise alike.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cardea_model::fault::{Fault as _, Kind};

use super::*;

#[tokio::test]
async fn values_come_back_as_they_went_in_whatever_the_order_of_their_numbers() {
    for db in both().await {
        let mut tx = db.write().await.unwrap();
        let bytes: &[u8] = b"\x00\xff\x00";
        let changed = tx
            .execute(
                sql!("INSERT INTO item (bytes, truth, amount, name, next) VALUES ($4, $3, $2, $1, $1)"),
                args!["a'\"$1 ü", i64::MAX, true, bytes],
            )
            .await
            .unwrap();
        assert_eq!(changed, 1);
        tx.execute(
            sql!("INSERT INTO item (name, amount, truth, bytes, next) VALUES ($1, $2, $3, $4, $5)"),
            args!["b", 0, None::<bool>, None::<&[u8]>, None::<&str>],
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();

        let mut conn = db.read().await.unwrap();
        let all: Vec<Item> =
            conn.all(sql!("SELECT name, amount, truth, bytes, next FROM item ORDER BY name"), args![]).await.unwrap();
        let name = "a'\"$1 ü".to_owned();
        let first =
            Item { next: Some(name.clone()), name, amount: i64::MAX, truth: Some(true), bytes: Some(bytes.to_vec()) };
        let second = Item { name: "b".to_owned(), amount: 0, truth: None, bytes: None, next: None };
        assert_eq!(all, [first, second]);
    }
}

#[tokio::test]
async fn one_row_some_row_and_a_wrong_column_are_told_apart() {
    for db in both().await {
        let mut tx = db.write().await.unwrap();
        add(&mut tx, "a", 1).await.unwrap();
        tx.commit().await.unwrap();
        let mut conn = db.read().await.unwrap();
        let count: i64 =
            conn.one(sql!("SELECT COUNT(*) AS value FROM item WHERE amount = $1"), args![1]).await.unwrap();
        assert_eq!(count, 1);
        let nobody: Option<Item> = conn.optional(sql!("SELECT * FROM item WHERE name = $1"), args!["c"]).await.unwrap();
        assert_eq!(nobody, None);
        let absent = conn.one::<String>(sql!("SELECT name FROM item WHERE name = $1"), args!["c"]).await;
        assert!(matches!(absent, Err(DbError::NoRow { .. })), "{absent:?}");
        let wrong = conn.one::<i64>(sql!("SELECT name FROM item"), args![]).await;
        assert!(matches!(wrong, Err(DbError::Column { .. })), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_wrong_number_of_values_and_a_nul_character_are_refused() {
    for db in both().await {
        let one = sql!("SELECT name FROM item WHERE name = $1");
        let too_few = db.read().await.unwrap().all::<String>(one, args![]).await;
        assert!(matches!(too_few, Err(DbError::Statement { .. })), "{too_few:?}");
        // PostgreSQL has no objection to this one.
        if db.engine() == Engine::Sqlite {
            let too_many = db.read().await.unwrap().all::<String>(one, args!["a", "b"]).await;
            assert!(matches!(too_many, Err(DbError::Statement { .. })), "{too_many:?}");
        }
        let mut tx = db.write().await.unwrap();
        let refused = add(&mut tx, "a\0b", 1).await.unwrap_err();
        assert!(matches!(refused, DbError::Nul));
        assert_eq!(refused.kind(), Kind::Unprocessable);
    }
}

#[tokio::test]
async fn constraints_are_told_apart_and_spoil_the_transaction() {
    for db in both().await {
        let mut tx = db.write().await.unwrap();
        add(&mut tx, "a", 1).await.unwrap();
        tx.commit().await.unwrap();

        let mut tx = db.write().await.unwrap();
        add(&mut tx, "b", 1).await.unwrap();
        let twice = add(&mut tx, "a", 1).await.unwrap_err();
        assert!(matches!(twice, DbError::Conflict), "{twice:?}");
        assert_eq!(twice.kind(), Kind::Conflict);
        assert!(matches!(add(&mut tx, "c", 1).await, Err(DbError::Spoilt)));
        assert!(matches!(tx.commit().await, Err(DbError::Spoilt)));

        for statement in [
            sql!("INSERT INTO item (name, amount) VALUES ('d', -1)"),
            sql!("INSERT INTO item (name, amount) VALUES ('d', NULL)"),
            sql!("INSERT INTO item (name, amount, next) VALUES ('d', 1, 'nobody') RETURNING name"),
        ] {
            let mut tx = db.write().await.unwrap();
            let refused = tx.optional::<String>(statement, args![]).await.unwrap_err();
            assert!(matches!(refused, DbError::Reference), "{refused:?}");
        }
        assert_eq!(names_in(&db).await, ["a"]);
    }
}

#[tokio::test]
async fn what_fails_inside_a_savepoint_is_undone_alone() {
    for db in both().await {
        let ran = Arc::new(Mutex::new(Vec::new()));
        let note = |what: &'static str| {
            let ran = Arc::clone(&ran);
            move || ran.lock().unwrap().push(what)
        };
        let mut tx = db.write().await.unwrap();
        add(&mut tx, "a", 1).await.unwrap();
        tx.after_commit(note("kept"));
        tx.savepoint().await.unwrap();
        add(&mut tx, "b", 1).await.unwrap();
        tx.after_commit(note("undone"));
        assert!(matches!(add(&mut tx, "a", 1).await, Err(DbError::Conflict)));
        tx.undo_savepoint().await.unwrap();
        tx.savepoint().await.unwrap();
        add(&mut tx, "c", 1).await.unwrap();
        tx.keep_savepoint().await.unwrap();
        assert!(matches!(tx.keep_savepoint().await, Err(DbError::Spoilt)));
        tx.commit().await.unwrap();
        assert_eq!(names_in(&db).await, ["a", "c"]);
        assert_eq!(*ran.lock().unwrap(), ["kept"]);
    }
}

fn count(ran: &Arc<AtomicUsize>) -> impl FnOnce() + Send + 'static {
    let ran = Arc::clone(ran);
    move || {
        ran.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn an_effect_runs_once_before_the_commit_returns_even_when_others_panic() {
    for db in both().await {
        let ran = Arc::new(AtomicUsize::new(0));
        let mut tx = db.write().await.unwrap();
        add(&mut tx, "a", 1).await.unwrap();
        tx.after_commit(|| std::panic::resume_unwind(Box::new("an effect that panics")));
        tx.after_commit(count(&ran));
        assert_eq!(ran.load(Ordering::SeqCst), 0);
        tx.commit().await.unwrap();
        assert_eq!(ran.load(Ordering::SeqCst), 1);

        let mut tx = db.write().await.unwrap();
        tx.after_commit(count(&ran));
        assert!(add(&mut tx, "a", 1).await.is_err());
        assert!(tx.commit().await.is_err());
        drop(db.write().await.unwrap());
        assert_eq!(ran.load(Ordering::SeqCst), 1);
    }
}

/// The request that commits may be dropped by a client that hangs up; the memory must follow the
/// database all the same.
#[tokio::test]
async fn an_effect_runs_also_when_whoever_commits_has_gone() {
    for db in both().await {
        let (done, heard) = tokio::sync::oneshot::channel();
        let mut tx = db.write().await.unwrap();
        add(&mut tx, "a", 1).await.unwrap();
        tx.after_commit(move || done.send(()).unwrap());
        let mut commit = Box::pin(tx.commit());
        assert!(futures::poll!(&mut commit).is_pending());
        drop(commit);
        heard.await.unwrap();
        assert_eq!(names_in(&db).await, ["a"]);
    }
}

#[tokio::test]
async fn a_commit_wakes_those_who_follow_and_only_if_it_asks_for_it() {
    for database in both().await {
        let db = database.again().await;
        let mut wakes = db.wakes();
        if db.engine() == Engine::Postgres {
            // The first ring tells that the connection listens.
            wakes.next().await;
        }
        let mut tx = db.write().await.unwrap();
        tx.wake_others();
        drop(tx);
        let mut tx = db.write().await.unwrap();
        add(&mut tx, "a", 1).await.unwrap();
        tx.commit().await.unwrap();
        assert!(futures::poll!(Box::pin(wakes.next())).is_pending());
        let mut tx = db.write().await.unwrap();
        tx.wake_others();
        tx.commit().await.unwrap();
        wakes.next().await;
    }
}

#[tokio::test]
async fn on_postgresql_a_commit_wakes_other_nodes() {
    let db = testing::postgres().await;
    make_table(&db).await;
    let other = db.again().await;
    let mut wakes = other.wakes();
    // The first ring tells that the connection listens.
    wakes.next().await;
    assert!(other.listening());
    for name in ["a", "b", "c"] {
        let mut tx = db.write().await.unwrap();
        add(&mut tx, name, 1).await.unwrap();
        tx.wake_others();
        tx.commit().await.unwrap();
        wakes.next().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_answer_arrives_whole_and_may_be_given_up() {
    for db in both().await {
        let mut tx = db.write().await.unwrap();
        for number in 0..2000 {
            add(&mut tx, &format!("{number:05}"), number).await.unwrap();
        }
        let mut sum = 0;
        let all = sql!("SELECT amount FROM item WHERE amount >= $1 ORDER BY name");
        tx.each(all, args![1000], |amount: i64| sum += amount).await.unwrap();
        assert_eq!(sum, (1000..2000).sum::<i64>());
        tx.commit().await.unwrap();

        // Rarely an answer arrives whole before it can be given up, however long it is.
        let long = sql!("SELECT a.amount FROM item a CROSS JOIN item b LIMIT 200000");
        let mut given_up = 0;
        while given_up < 9 {
            let mut conn = db.read().await.unwrap();
            let read = futures::poll!(Box::pin(conn.each(long, args![], |_: i64| ())));
            given_up += u32::from(read.is_pending());
        }
        // A transaction whose read was given up is undone as a whole.
        loop {
            let mut tx = db.write().await.unwrap();
            add(&mut tx, "x", 1).await.unwrap();
            if futures::poll!(Box::pin(tx.each(long, args![], |_: i64| ()))).is_pending() {
                assert!(matches!(add(&mut tx, "y", 1).await, Err(DbError::Spoilt)));
                assert!(matches!(tx.commit().await, Err(DbError::Spoilt)));
                break;
            }
        }
        assert_eq!(names_in(&db).await.len(), 2000);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_taken_from_a_counter_row_are_gapless_and_nothing_dropped_takes_one() {
    for db in both().await {
        let mut tx = db.write().await.unwrap();
        add(&mut tx, "counter", 0).await.unwrap();
        tx.commit().await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..60 {
            let db = (*db).clone();
            tasks.spawn(async move {
                let mut tx = db.write().await.unwrap();
                let take = sql!("UPDATE item SET amount = amount + 1 WHERE name = 'counter' RETURNING amount");
                let taken: i64 = tx.one(take, args![]).await.unwrap();
                if number % 3 == 0 {
                    return None;
                }
                tx.commit().await.unwrap();
                Some(taken)
            });
        }
        let mut taken: Vec<i64> = tasks.join_all().await.into_iter().flatten().collect();
        taken.sort_unstable();
        assert_eq!(taken, (1..=40).collect::<Vec<_>>());
        assert_eq!(db.waiting_writers(), 0);
    }
}

#[tokio::test]
async fn after_closing_everything_is_unavailable_and_what_was_committed_stays() {
    for db in both().await {
        let mut tx = db.write().await.unwrap();
        add(&mut tx, "a", 1).await.unwrap();
        tx.commit().await.unwrap();
        db.close().await;
        let refused = [db.read().await.err().unwrap(), db.write().await.err().unwrap()];
        for error in refused {
            assert!(matches!(error, DbError::Unavailable(_)), "{error:?}");
            assert_eq!(error.kind(), Kind::Unavailable);
        }
        assert_eq!(names_in(&db.again().await).await, ["a"]);
    }
}

#[tokio::test]
async fn one_process_serves_a_file_and_any_number_a_server() {
    let [file, server] = testing::empty().await;
    let other = file.again().await;
    let claim = file.claim_serving().unwrap();
    assert!(matches!(other.claim_serving(), Err(DbError::Served { .. })));
    drop(claim);
    other.claim_serving().unwrap();
    let _claims = [server.claim_serving().unwrap(), server.again().await.claim_serving().unwrap()];
}

#[tokio::test]
async fn an_address_that_cannot_be_used_is_explained_without_its_password() {
    let cases = [
        ("mysql://root@db/x", "neither `sqlite://` nor"),
        ("sqlite:", "neither `sqlite://` nor"),
        ("postgres://u:hunter2@db.example/x", "`db.example` must be verified: add `?sslmode=verify-full`"),
        ("postgres://u:hunter2@db.example/x?sslmode=require", "must be verified"),
        ("postgres://u:hunter2@10.0.0.1/x?sslmode=verify-ca", "must be verified"),
        ("postgres://u:hunter2@localhost:x/x", "cannot be used"),
    ];
    for (url, expected) in cases {
        let settings = Settings { url: url.to_owned(), ..Default::default() };
        let error = Db::open(&settings).await.err().unwrap();
        assert!(matches!(error, DbError::Address(_)), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!format!("{error:?} {settings:?}").contains("hunter2"));
    }
    // Nobody listens there, but the connection may be tried without a certificate.
    let settings = Settings { url: "postgres://u@127.0.0.1:1/x".to_owned(), ..Default::default() };
    let error = tokio::time::timeout(Duration::from_secs(10), Db::open(&settings)).await.unwrap().err().unwrap();
    assert!(matches!(error, DbError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn a_crowd_of_readers_leaves_the_reserved_connection_alone() {
    for db in both().await {
        let mut crowd = Vec::new();
        let most = match db.engine() {
            Engine::Sqlite => db.settings.readers,
            Engine::Postgres => db.settings.pool,
        };
        for _ in 0..most {
            crowd.push(db.read().await.unwrap());
        }
        assert!(db.read().await.is_err(), "all others are taken");
        assert!(names(&mut db.read_reserved().await.unwrap()).await.is_empty());
        assert!(names(&mut db.read_reserved().await.unwrap()).await.is_empty(), "it comes back");
        drop(crowd);
        db.close().await;
        assert!(matches!(db.read_reserved().await, Err(DbError::Unavailable(_))));
    }
}
