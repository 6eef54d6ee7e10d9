//! A server of PostgreSQL that dies and comes back.

use cardea_model::fault::{Fault as _, Kind};

use super::testing::postgres::Cluster;
use super::*;

#[tokio::test]
async fn a_killed_server_is_unavailable_and_everything_works_when_it_is_back() {
    let cluster = tokio::task::spawn_blocking(|| Cluster::alone().unwrap()).await.unwrap();
    let url = cluster.fresh_database().unwrap();
    let db = Db::open(&Settings { url, pool: 4, ..Settings::default() }).await.unwrap();
    let mut wakes = db.wakes();
    wakes.next().await;
    make_table(&db).await;
    let mut tx = db.write().await.unwrap();
    add(&mut tx, "kept", 1).await.unwrap();
    tx.commit().await.unwrap();

    let mut begun = db.write().await.unwrap();
    add(&mut begun, "not committed", 1).await.unwrap();
    let mut reader = db.read().await.unwrap();
    cluster.kill().unwrap();
    // The processes of the server end one after the other.
    let count = sql!("SELECT COUNT(*) AS value FROM item");
    while reader.one::<i64>(count, args![]).await.is_ok() {}
    while db.listening() {
        tokio::task::yield_now().await;
    }
    let ran = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let effect = std::sync::Arc::clone(&ran);
    begun.after_commit(move || effect.store(true, std::sync::atomic::Ordering::SeqCst));
    let refused = begun.commit().await.unwrap_err();
    assert!(matches!(refused, DbError::NotCommitted(_)), "{refused:?}");
    assert!(!ran.load(std::sync::atomic::Ordering::SeqCst));
    // A connection that idled for a moment is found out by its first statement, later ones before it.
    for _ in 0..2 {
        let answer = match db.read().await {
            Ok(mut conn) => conn.one::<i64>(count, args![]).await,
            Err(error) => Err(error),
        };
        let refused = answer.unwrap_err();
        assert!(matches!(refused, DbError::Unavailable(_)), "{refused:?}");
        assert_eq!(refused.kind(), Kind::Unavailable);
    }

    let cluster = tokio::task::spawn_blocking(move || {
        cluster.start().unwrap();
        cluster
    });
    let _cluster = cluster.await.unwrap();
    // What was missed is made good by one ring.
    wakes.next().await;
    assert!(db.listening());
    assert_eq!(names_in(&db).await, ["kept"]);
    let mut tx = db.write().await.unwrap();
    add(&mut tx, "after", 1).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn two_transactions_in_each_others_way_are_busy_not_broken() {
    let db = testing::postgres().await;
    make_table(&db).await;
    let mut tx = db.write().await.unwrap();
    add(&mut tx, "a", 1).await.unwrap();
    add(&mut tx, "b", 1).await.unwrap();
    tx.commit().await.unwrap();

    let raise = sql!("UPDATE item SET amount = amount + 1 WHERE name = $1");
    let (mut one, mut two) = (db.write().await.unwrap(), db.write().await.unwrap());
    one.execute(raise, args!["a"]).await.unwrap();
    two.execute(raise, args!["b"]).await.unwrap();
    let (first, second) = futures::join!(async { one.execute(raise, args!["b"]).await }, async {
        let answer = two.execute(raise, args!["a"]).await;
        // Lets the first go on, if it is not the one that was chosen to fail.
        drop(two);
        answer
    });
    let failed: Vec<DbError> = [first.err(), second.err()].into_iter().flatten().collect();
    assert!(matches!(failed.as_slice(), [DbError::Busy]), "{failed:?}");
}
