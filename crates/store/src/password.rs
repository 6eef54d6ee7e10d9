//! Passwords of local people, as argon2id hashes.
//!
//! ```text
//! none ─► temporary ─► chosen by its person ─► temporary, or none and a link by mail
//! ```

use cardea_model::Timestamp;
use cardea_model::id::UserId;

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// A user's password.
#[derive(Clone)]
pub struct Password {
    /// In PHC string format.
    pub hash: String,
    /// Whether somebody else has made it, so that it is good for choosing another one only.
    pub temporary: bool,
}

impl FromRow for Password {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { hash: row.get("hash")?, temporary: row.get("temporary")? })
    }
}

/// This user's password.
pub async fn find(conn: &mut Conn, user: UserId) -> Result<Option<Password>, DbError> {
    conn.optional(sql!("SELECT hash, temporary FROM password WHERE person_id = $1"), args![&user.to_string()]).await
}

/// Whether this is the hash of the user's password.
pub async fn stands(conn: &mut Conn, user: UserId, hash: &str) -> Result<bool, DbError> {
    Ok(find(conn, user).await?.is_some_and(|password| password.hash == hash))
}

/// Sets the password that this user has chosen.
pub async fn put(tx: &mut Tx, user: UserId, hash: &str, now: Timestamp) -> Result<(), DbError> {
    write(tx, user, hash, (false, now)).await
}

/// Sets a password that somebody else has made for this user.
pub async fn put_temporary(tx: &mut Tx, user: UserId, hash: &str, now: Timestamp) -> Result<(), DbError> {
    write(tx, user, hash, (true, now)).await
}

async fn write(tx: &mut Tx, user: UserId, hash: &str, (temporary, now): (bool, Timestamp)) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "INSERT INTO password (person_id, hash, temporary, set_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (person_id) DO UPDATE
             SET hash = excluded.hash, temporary = excluded.temporary, set_at = excluded.set_at"
        ),
        args![&user.to_string(), hash, temporary, now],
    )
    .await?;
    Ok(())
}

/// Takes this user's password away; `false` if they had none.
pub async fn remove(tx: &mut Tx, user: UserId) -> Result<bool, DbError> {
    let removed = tx.execute(sql!("DELETE FROM password WHERE person_id = $1"), args![&user.to_string()]).await?;
    Ok(removed == 1)
}
