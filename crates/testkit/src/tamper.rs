//! What somebody with the database's password could do.

use anyhow::Result;
use cardea_store::args;
use cardea_store::db::{Db, Sql};

/// Changes one word of the audit row at this place of the chain.
///
/// # Errors
/// The database's.
pub async fn audit_row(db: &Db, seq: i64) -> Result<()> {
    let statement =
        Sql { text: "UPDATE audit SET action = 'nothing.happened' WHERE seq = $1", file: file!(), line: line!() };
    let mut tx = db.write().await?;
    tx.execute(statement, args![seq]).await?;
    tx.commit().await?;
    Ok(())
}

/// Suspends a service of every org, and lets another one end at this instant, in microseconds.
///
/// # Errors
/// The database's.
pub async fn entitlements(db: &Db, suspended: &str, (ended, at): (&str, i64)) -> Result<()> {
    let (file, line) = (file!(), line!());
    let suspend = Sql { text: "UPDATE entitlement SET state = 'suspended' WHERE service = $1", file, line };
    let end = Sql { text: "UPDATE entitlement SET ends_at = $2 WHERE service = $1", file, line };
    let mut tx = db.write().await?;
    tx.execute(suspend, args![suspended]).await?;
    tx.execute(end, args![ended, at]).await?;
    tx.commit().await?;
    Ok(())
}

/// What is in the database by halves: receipts without their feed row, hold or audit event, and gaps in the feed.
///
/// # Errors
/// The database's.
pub async fn halves(db: &Db) -> Result<Vec<String>> {
    let questions = [
        (
            "a receipt without a feed row",
            "SELECT COUNT(*) AS value FROM receipt r WHERE NOT EXISTS (SELECT 1 FROM feed f WHERE f.seq = r.seq)",
        ),
        (
            "a receipt without an audit event",
            "SELECT COUNT(*) AS value FROM receipt r WHERE NOT EXISTS
            (SELECT 1 FROM audit a WHERE a.request_id = r.request_id AND a.action = 'access.ended')",
        ),
        (
            "a hold without its receipt",
            "SELECT COUNT(*) AS value FROM hold h WHERE NOT EXISTS (SELECT 1 FROM receipt r WHERE r.id = h.receipt_id)",
        ),
        (
            "a held member without a hold",
            "SELECT COUNT(*) AS value FROM member m WHERE m.held = TRUE AND NOT EXISTS
            (SELECT 1 FROM hold h WHERE h.member_id = m.id)",
        ),
        ("a gap in the feed", "SELECT value - (SELECT COUNT(*) FROM feed) AS value FROM counter WHERE name = 'feed'"),
    ];
    let mut found = Vec::new();
    let mut conn = db.read().await?;
    for (what, text) in questions {
        let count: i64 = conn.one(Sql { text, file: file!(), line: line!() }, args![]).await?;
        if count != 0 {
            found.push(format!("{count} times {what}"));
        }
    }
    Ok(found)
}
