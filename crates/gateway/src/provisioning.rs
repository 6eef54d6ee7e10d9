//! What a directory says over SCIM.
//!
//! The record of a directory and the subject that signs in are one row (`store::identity`); its SCIM id is the user's.
//!
//! ```text
//! nobody ──POST──► active ──active=false──► inactive ──active=true, or POST with the same externalId──► active
//!                    └────────DELETE───────────┴──► tombstone ──POST──► a new record, a new user
//! ```
//! | step | what comes with it, in the same transaction |
//! |---|---|
//! | active → inactive, → tombstone | [`revocation`](crate::revocation) ends everything the person holds in this account |
//! | inactive → active | the directory's own hold is lifted; what ended stays dead |
//! | a POST for somebody who came by sign-in | their record becomes the directory's |
//!
//! Whoever asks holds a [`Directory`], which only its token gives; every statement has its connection in it, so the
//! records of others do not exist here. While the connection is off, its directory still reads, deactivates and deletes:
//! whom it lets go must not stay because of us. It gives nothing and changes nothing else (403). An owner without a record at this connection does not either.

mod change;
mod create;
mod delete;
mod details;
mod error;
mod find;
mod rate;

use cardea_model::Caller;
use cardea_model::Denied;
use cardea_model::id::{AccountId, ConnectionId, UserId};
use cardea_scim::{Meta, ScimError, User, names_version};
use cardea_store::connection::{self, Connection};
use cardea_store::identity::Identity;

pub use change::{Change, change};
pub use create::create;
pub use delete::delete;
pub use error::ProvisioningError;
pub use find::{Found, Scans, list, show};
pub use rate::Rates;

use crate::accounts::DIRECTORY_SECRET;
use crate::app::App;
use crate::context::Ctx;

/// Where the SCIM routes are, below the public address.
pub const PATH: &str = "/scim/v2";

/// A directory that has shown its token, for one request.
pub struct Directory {
    ctx: Ctx,
    connection: ConnectionId,
    account: AccountId,
    name: String,
    /// Whether the connection is switched off: then it may look and take away, and give nothing.
    off: bool,
}

/// A user as their directory sees them.
#[derive(Clone, Debug)]
pub struct Record {
    /// The attributes.
    pub user: User,
    /// Id, times, version and address.
    pub meta: Meta,
}

/// Makes out the directory whose token this is; the token alone chooses it.
///
/// # Errors
/// [`ProvisioningError`]: an unknown token, too many requests, and the database's.
pub async fn recognise(app: &App, ctx: &Ctx, token: &str) -> Result<Directory, ProvisioningError> {
    // An empty secret opens nothing, whatever was stored.
    if token.is_empty() {
        return Err(ProvisioningError::Unknown);
    }
    let row = of_token(app, token).await?.ok_or(ProvisioningError::Unknown)?;
    let per_second = app.settings.directory_rate;
    if let Err(wait) = app.directory_rates.take(row.id, per_second, app.clock.monotonic()) {
        return Err(ProvisioningError::TooMany(wait));
    }
    let ctx = ctx.with(Caller::Directory { connection: row.id, account: row.account });
    Ok(Directory { ctx, connection: row.id, account: row.account, name: row.name, off: row.stage == "off" })
}

async fn of_token(app: &App, token: &str) -> Result<Option<Connection>, ProvisioningError> {
    let mut conn = app.db.read().await?;
    for mac in app.peppers.macs_secret(DIRECTORY_SECRET, "", token) {
        if let Some(row) = connection::of_directory_token(&mut conn, &mac.to_bytes()).await? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

impl Directory {
    /// The request, with the directory as its caller.
    #[must_use]
    pub const fn ctx(&self) -> &Ctx {
        &self.ctx
    }

    /// Whether it may provision here.
    fn may(&self) -> Result<(), Denied> {
        self.ctx.directory().map(|_| ())
    }

    /// Whose the holds are that it puts on people.
    fn source(&self) -> String {
        format!("{DIRECTORY}{}", self.name)
    }
}

/// What the source of a directory's holds begins with; the connection's name follows.
pub(crate) const DIRECTORY: &str = "directory:";

/// The root of the SCIM addresses, without a slash at its end.
#[must_use]
pub fn base_url(app: &App) -> String {
    format!("{}{PATH}", app.settings.public_url)
}

/// The user that a SCIM id names; what is no id of ours names nobody.
fn user_id(id: &str) -> Result<UserId, ScimError> {
    id.parse().map_err(|_| missing(id))
}

fn missing(id: &str) -> ScimError {
    ScimError::not_found("User", id)
}

/// The attributes of a stored record.
fn user_of(identity: &Identity) -> Result<User, ProvisioningError> {
    serde_json::from_str(&identity.document).map_err(|_| ProvisioningError::Corrupt("record"))
}

fn meta_of(app: &App, identity: &Identity) -> Meta {
    Meta {
        id: identity.user.to_string(),
        created_us: identity.created_at.as_micros(),
        modified_us: identity.modified_at.as_micros(),
        version: identity.version,
        base_url: base_url(app),
    }
}

fn record_of(app: &App, identity: &Identity) -> Result<Record, ProvisioningError> {
    Ok(Record { user: user_of(identity)?, meta: meta_of(app, identity) })
}

/// Refuses a write that was meant for another version than this one (RFC 7644 §3.14).
fn meant_for(identity: &Identity, if_match: Option<&str>) -> Result<(), ScimError> {
    match if_match {
        Some(header) if !names_version(header, identity.version) => Err(ScimError::precondition_failed()),
        Some(_) | None => Ok(()),
    }
}
