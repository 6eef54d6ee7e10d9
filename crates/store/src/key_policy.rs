//! What an org wants of the keys that are made in it.

use cardea_model::id::OrgId;

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// What an org wants of its keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyPolicy {
    /// The longest life of a key in seconds; none for any, and for ever.
    pub max_age: Option<i64>,
    /// Whether legacy keys are made and work here.
    pub legacy: bool,
}

impl FromRow for KeyPolicy {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { max_age: row.get("key_max_age")?, legacy: row.get("legacy_keys")? })
    }
}

/// What the org wants; nothing in particular, if there is no such org.
pub async fn of(conn: &mut Conn, org: OrgId) -> Result<KeyPolicy, DbError> {
    let found: Option<KeyPolicy> =
        conn.optional(sql!("SELECT key_max_age, legacy_keys FROM org WHERE id = $1"), args![&org.to_string()]).await?;
    Ok(found.unwrap_or_default())
}

/// Sets what the org wants.
pub async fn put(tx: &mut Tx, org: OrgId, policy: KeyPolicy) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            sql!("UPDATE org SET key_max_age = $2, legacy_keys = $3 WHERE id = $1"),
            args![&org.to_string(), policy.max_age, policy.legacy],
        )
        .await?;
    Ok(changed == 1)
}
