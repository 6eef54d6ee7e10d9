//! Sections of the declarative state that are kept as they were written, because nothing serves them yet.

use cardea_model::id::AccountId;

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// A kept section.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its name, unique in its account.
    pub name: String,
    /// What was written, without secrets, as JSON.
    pub document: String,
    /// Its secrets, sealed together; nothing if it has none.
    pub secrets: Option<Vec<u8>>,
}

impl FromRow for Section {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { name: row.get("name")?, document: row.get("document")?, secrets: row.get("secrets")? })
    }
}

/// Keeps a section of an account, or the operator's own, in place of the one of its name.
pub async fn put(tx: &mut Tx, account: Option<AccountId>, section: &Section) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "INSERT INTO state_section (account_id, name, document, secrets) VALUES ($1, $2, $3, $4)
             ON CONFLICT (account_id, name) DO UPDATE SET document = excluded.document, secrets = excluded.secrets"
        ),
        args![&key(account), &section.name, &section.document, section.secrets.as_deref()],
    )
    .await?;
    Ok(())
}

/// The section of this name of an account, or of the operator's own.
pub async fn find(conn: &mut Conn, account: Option<AccountId>, name: &str) -> Result<Option<Section>, DbError> {
    conn.optional(
        sql!("SELECT name, document, secrets FROM state_section WHERE account_id = $1 AND name = $2"),
        args![&key(account), name],
    )
    .await
}

/// The sections of this name that accounts other than this one have.
pub async fn of_others(conn: &mut Conn, account: Option<AccountId>, name: &str) -> Result<Vec<Section>, DbError> {
    conn.all(
        sql!("SELECT name, document, secrets FROM state_section WHERE account_id <> $1 AND name = $2"),
        args![&key(account), name],
    )
    .await
}

fn key(account: Option<AccountId>) -> String {
    account.map(|id| id.to_string()).unwrap_or_default()
}
