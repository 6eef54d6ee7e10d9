//! Settings of the instance that live in the database: single named values.

use crate::db::{Conn, DbError, Tx};
use crate::{args, sql};

/// The value with this name.
pub async fn get(conn: &mut Conn, name: &str) -> Result<Option<String>, DbError> {
    conn.optional(sql!("SELECT value FROM setting WHERE name = $1"), args![name]).await
}

/// Sets the value if there is none; returns the one that stands.
pub async fn claim(tx: &mut Tx, name: &str, value: &str) -> Result<String, DbError> {
    tx.one(
        sql!(
            "INSERT INTO setting (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = setting.value RETURNING value"
        ),
        args![name, value],
    )
    .await
}

/// Sets the value.
pub async fn put(tx: &mut Tx, name: &str, value: &str) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        ),
        args![name, value],
    )
    .await?;
    Ok(())
}

/// The names that begin with `prefix`, in their order.
pub async fn names(conn: &mut Conn, prefix: &str) -> Result<Vec<String>, DbError> {
    conn.all(sql!("SELECT name FROM setting WHERE SUBSTR(name, 1, LENGTH($1)) = $1 ORDER BY name"), args![prefix]).await
}

/// Whether any value's name begins with `prefix`.
pub async fn any(conn: &mut Conn, prefix: &str) -> Result<bool, DbError> {
    let count: i64 = conn
        .one(sql!("SELECT COUNT(*) AS value FROM setting WHERE SUBSTR(name, 1, LENGTH($1)) = $1"), args![prefix])
        .await?;
    Ok(count > 0)
}
