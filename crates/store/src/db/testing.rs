//! A fresh database on each engine, for the tests of this room.

use std::ops::Deref;

use cardea_model::Timestamp;

use super::{Db, Settings};

// The kit of the whole house stands above this room; its servers are all that is needed of it here.
#[path = "../../../testkit/src/postgres.rs"]
#[expect(unreachable_pub, reason = "the kit shows these to everybody, this room to its tests")]
pub(super) mod postgres;

/// A database that is gone when this is dropped.
pub(crate) struct Fresh {
    db: Db,
    pub(super) settings: Settings,
    _folder: Option<tempfile::TempDir>,
}

impl Deref for Fresh {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

impl Fresh {
    /// Another process's view of the same database, as near as one process can have it.
    pub(crate) async fn again(&self) -> Db {
        Db::open(&self.settings).await.unwrap()
    }
}

/// One database on each engine, migrated.
pub(crate) async fn migrated() -> [Fresh; 2] {
    let databases = empty().await;
    for database in &databases {
        database.migrate(Timestamp::from_seconds(1)).await.unwrap();
    }
    databases
}

/// One database on each engine, with nothing in it.
pub(crate) async fn empty() -> [Fresh; 2] {
    [sqlite().await, postgres().await]
}

/// A database in a temporary folder.
pub(super) async fn sqlite() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/data/test.db", folder.path().display());
    open(url, Some(folder)).await
}

/// A database on the server that all tests share.
pub(super) async fn postgres() -> Fresh {
    let url = tokio::task::spawn_blocking(|| postgres::Cluster::shared().unwrap().fresh_database());
    open(url.await.unwrap().unwrap(), None).await
}

async fn open(url: String, folder: Option<tempfile::TempDir>) -> Fresh {
    let settings = Settings { url, pool: 8, ..Settings::default() };
    let db = Db::open(&settings).await.unwrap();
    Fresh { db, settings, _folder: folder }
}
