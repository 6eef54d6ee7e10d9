//! Signed assertions that clients have shown: each is good once.

use cardea_model::Timestamp;
use cardea_model::id::ClientId;

use crate::db::{DbError, Tx};
use crate::{args, sql};

/// Notes an assertion by the hash of its id, until it expires; `false` if it was shown before.
pub async fn note(tx: &mut Tx, client: ClientId, hash: &[u8], expires_at: Timestamp) -> Result<bool, DbError> {
    let noted = tx
        .execute(
            sql!(
                "INSERT INTO client_assertion (client, hash, expires_at) VALUES ($1, $2, $3)
                 ON CONFLICT (client, hash) DO NOTHING"
            ),
            args![&client.to_string(), hash, expires_at],
        )
        .await?;
    Ok(noted == 1)
}

/// Forgets those that expired before this.
pub async fn sweep(tx: &mut Tx, before: Timestamp) -> Result<u64, DbError> {
    tx.execute(sql!("DELETE FROM client_assertion WHERE expires_at < $1"), args![before]).await
}
