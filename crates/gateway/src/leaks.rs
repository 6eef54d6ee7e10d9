//! Somebody shows a key that they have found. Whoever holds a whole key could use it, so it is revoked at their word,
//! whoever they are: nobody loses more by that than by the leak.
//!
//! | who says so | what they prove | what they learn |
//! |---|---|---|
//! | anybody | nothing | nothing |
//! | GitHub ([`github`]) | that it wrote the report | which of the texts are keys |
//!
//! A key that does not work (disabled, expired, ended) is noted in the audit log and stays as it is.

pub mod github;

use std::time::Duration;

use cardea_connect::FetchError;
use cardea_model::{Fault, Kind};
use cardea_store::db::DbError;

use crate::app::App;
use crate::context::Ctx;
use crate::error::GatewayError;
use crate::keys;
use crate::tries::{network, seconds};

/// How many keys one network may report in [`SPAN`].
const MOST: u32 = 10;
const SPAN: Duration = Duration::from_secs(60);

/// Why a report is not taken.
#[derive(Debug, thiserror::Error)]
pub enum LeakError {
    /// So many that somebody may be guessing; in seconds, when the next one is taken.
    #[error("too many reports came from here; try again later")]
    TooMany(u32),
    /// The key that is said to have signed the report is none, or not any more.
    #[error("the report is signed by no current key of GitHub's")]
    UnknownKey,
    /// It did not sign these bytes.
    #[error("the signature is not one over this body")]
    Signature,
    /// What was signed is no report.
    #[error("the report cannot be read")]
    Unreadable,
    /// The keys cannot be asked for.
    #[error("the keys of GitHub cannot be fetched")]
    Keys(#[source] FetchError),
    /// What is there instead of keys.
    #[error("the keys of GitHub cannot be read")]
    NoKeys,
    /// Whatever every room may fail at.
    #[error(transparent)]
    Other(#[from] GatewayError),
}

impl From<DbError> for LeakError {
    fn from(error: DbError) -> Self {
        Self::Other(error.into())
    }
}

impl Fault for LeakError {
    fn kind(&self) -> Kind {
        match self {
            Self::TooMany(seconds) => Kind::TooMany(*seconds),
            Self::UnknownKey | Self::Signature | Self::Unreadable => Kind::Invalid,
            Self::Keys(_) | Self::NoKeys => Kind::Unavailable,
            Self::Other(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooMany(_) => "too_many_reports",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "bad_signature",
            Self::Unreadable => "unreadable_report",
            Self::Keys(_) | Self::NoKeys => "temporarily_unavailable",
            Self::Other(error) => error.code(),
        }
    }
}

/// Takes a text that anybody has found. What it is, and whether it was anything, nobody is told.
///
/// # Errors
/// [`LeakError::TooMany`] and the database's.
pub async fn report(app: &App, ctx: &Ctx, text: &str) -> Result<(), LeakError> {
    let name = format!("leak {}", network(ctx.ip));
    app.tries.take(&name, MOST, SPAN, ctx.now).map_err(|wait| LeakError::TooMany(seconds(wait)))?;
    keys::end_leaked(app, ctx, text, None).await?;
    Ok(())
}
