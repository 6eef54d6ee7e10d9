//! What both engines promise alike, and what each promises alone.

mod killed;
mod outages;
mod promises;
mod statements;
mod writer;

use super::testing::{self, Fresh};
use super::{Conn, Db, DbError, Engine, FromRow, Row, Settings, Sql, Tx};
use crate::{args, sql};

/// A table for these tests, not one of the house's.
const TABLE: &str = "CREATE TABLE item (name TEXT PRIMARY KEY, amount BIGINT NOT NULL CHECK (amount >= 0), \
    truth BOOLEAN, bytes BYTEA, next TEXT REFERENCES item (name))";

async fn with_table(databases: [Fresh; 2]) -> [Fresh; 2] {
    for db in &databases {
        make_table(db).await;
    }
    databases
}

async fn make_table(db: &Db) {
    let mut tx = db.write().await.unwrap();
    tx.control(Sql::control(TABLE, file!())).await.unwrap();
    tx.commit().await.unwrap();
}

async fn both() -> [Fresh; 2] {
    with_table(testing::empty().await).await
}

async fn add(tx: &mut Tx, name: &str, amount: i64) -> Result<u64, DbError> {
    tx.execute(sql!("INSERT INTO item (name, amount) VALUES ($1, $2)"), args![name, amount]).await
}

async fn names(conn: &mut Conn) -> Vec<String> {
    conn.all(sql!("SELECT name FROM item ORDER BY name"), args![]).await.unwrap()
}

async fn names_in(db: &Db) -> Vec<String> {
    names(&mut db.read().await.unwrap()).await
}

#[derive(Debug, PartialEq)]
struct Item {
    name: String,
    amount: i64,
    truth: Option<bool>,
    bytes: Option<Vec<u8>>,
    next: Option<String>,
}

impl FromRow for Item {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            name: row.get("name")?,
            amount: row.get("amount")?,
            truth: row.get("truth")?,
            bytes: row.get("bytes")?,
            next: row.get("next")?,
        })
    }
}
