//! Operators' tokens.

use cardea_model::Timestamp;
use cardea_model::id::OperatorId;

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// An operator.
#[derive(Clone, Debug)]
pub struct Operator {
    /// The operator.
    pub id: OperatorId,
    /// Unique in the instance.
    pub name: String,
}

impl FromRow for Operator {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { id: row.parsed("id")?, name: row.get("name")? })
    }
}

/// Inserts an operator or gives the one of this name another token.
pub async fn put(tx: &mut Tx, operator: &Operator, mac: &[u8], now: Timestamp) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "INSERT INTO operator_token (id, name, mac, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (name) DO UPDATE SET mac = excluded.mac"
        ),
        args![&operator.id.to_string(), &operator.name, mac, now],
    )
    .await?;
    Ok(())
}

/// The operator whose token has this MAC.
pub async fn of_token(conn: &mut Conn, mac: &[u8]) -> Result<Option<Operator>, DbError> {
    conn.optional(sql!("SELECT id, name FROM operator_token WHERE mac = $1"), args![mac]).await
}

/// Every operator, by name.
pub async fn all(conn: &mut Conn) -> Result<Vec<Operator>, DbError> {
    conn.all(sql!("SELECT id, name FROM operator_token ORDER BY name"), args![]).await
}
