//! What somebody with the database's password could do.

use anyhow::Result;
use cardea_store::db::{Db, Sql};
use cardea_store::args;

/// Changes one word of the audit row at this place of the chain.
///
/// # Errors
/// The database's.
pub async fn audit_row(db: &Db, seq: i64) -> Result<()> {
    let statement = Sql { text: "UPDATE audit SET action = 'nothing.happened' WHERE seq = $1", file: file!(), line: line!() };
    let mut tx = db.write().await?;
    tx.execute(statement, args![seq]).await?;
    tx.commit().await?;
    Ok(())
}
