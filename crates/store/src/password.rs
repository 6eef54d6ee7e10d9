//! Passwords of local people, as argon2id hashes.

use cardea_model::Timestamp;
use cardea_model::id::UserId;

use crate::db::{Conn, DbError, Tx};
use crate::{args, sql};

/// The hash of this user's password, in PHC string format.
pub async fn find(conn: &mut Conn, user: UserId) -> Result<Option<String>, DbError> {
    conn.optional(sql!("SELECT hash FROM password WHERE person_id = $1"), args![&user.to_string()]).await
}

/// Sets this user's password.
pub async fn put(tx: &mut Tx, user: UserId, hash: &str, now: Timestamp) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "INSERT INTO password (person_id, hash, set_at) VALUES ($1, $2, $3)
             ON CONFLICT (person_id) DO UPDATE SET hash = excluded.hash, set_at = excluded.set_at"
        ),
        args![&user.to_string(), hash, now],
    )
    .await?;
    Ok(())
}
