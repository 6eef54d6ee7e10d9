//! What a check of somebody's key says, for the admin who asks why: without the key itself, which only its holder has.

use std::sync::Arc;

use cardea_model::id::KeyId;
use cardea_model::key::{KeyKind, Reason};
use cardea_store::db::{Conn, DbError};
use cardea_store::member::Member;
use cardea_store::secret;
use serde::Serialize;

use super::fill::entry;
use super::{Ask, holder, stands};
use crate::app::App;

/// What a check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct KeyVerdict {
    /// Whether the key may.
    pub allowed: bool,
    /// Why not, in the word that services read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The step of the check that says no: `key`, `holder`, `sign_in`, `question`, `service`, `grant` or `role`, in the order
    /// in which they are asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<&'static str>,
}

/// What a check of this key of the member would say now, whichever service asked; nothing if it is none of theirs.
pub(crate) async fn why(
    app: &App,
    conn: &mut Conn,
    member: &Member,
    (key, ask): (KeyId, &Ask<'_>),
) -> Result<Option<KeyVerdict>, DbError> {
    let rows = secret::residents_of(conn, &key.to_string()).await?;
    // Of two secrets, the one that took the other's place.
    let newest = rows.into_iter().find(|row| row.member == Some(member.id) && row.valid_until.is_none());
    let Some((row, kind)) =
        newest.and_then(|row| Some((KeyKind::parse(&row.kind)?, row))).map(|(kind, row)| (row, kind))
    else {
        return Ok(None);
    };
    let (memory, now) = (Arc::clone(&app.memory()), app.clock.now());
    let Some((holder, profile)) = holder::load(app, &memory, conn, &row, now).await? else { return Ok(None) };
    let Some(entry) = entry(app, &memory, &row, holder) else { return Ok(None) };
    let reason = stands(app, None, (ask, kind), (&entry, &profile), now).err();
    Ok(Some(KeyVerdict { allowed: reason.is_none(), reason, step: reason.map(step) }))
}

const fn step(reason: Reason) -> &'static str {
    match reason {
        Reason::Malformed
        | Reason::UnknownKey
        | Reason::Expired
        | Reason::Disabled
        | Reason::Suspended
        | Reason::Revoked
        | Reason::Superseded
        | Reason::LegacyOff => "key",
        Reason::Ended => "holder",
        Reason::ReauthRequired => "sign_in",
        Reason::UnknownService
        | Reason::ServiceNotYours
        | Reason::UnknownAction
        | Reason::UnknownEntityType
        | Reason::EntityRequired
        | Reason::BadEntity => "question",
        Reason::ServiceNotEnabled | Reason::NotEntitled => "service",
        Reason::ServiceNotGranted | Reason::ActionNotGranted | Reason::EntityMismatch | Reason::OperationDenied => {
            "grant"
        }
        Reason::NoRole => "role",
    }
}
