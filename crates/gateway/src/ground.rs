//! What a node stands on, for whoever starts one: the parts of [`Given`](crate::Given) that other rooms own.

use cardea_store::setting;

pub use cardea_connect::{Fetch, FetchError, Mail, MailError, MailWay, OutboundPolicy, Outside};
pub use cardea_store::db::{Db, DbError, Engine, ServingClaim, Settings as DbSettings};
pub use cardea_store::migrate::SchemaState;
pub use cardea_tokens::pepper::{BadPepper, Peppers};

/// Whether this migrated database was made with a pepper already, so that a new one would be the wrong one.
///
/// # Errors
/// The database's.
pub async fn has_pepper(db: &Db) -> Result<bool, DbError> {
    setting::any(&mut db.read().await?, crate::app::PEPPER).await
}
