//! A key as its owner sees it.

use cardea_model::Timestamp;
use cardea_model::id::{KeyId, UserId};
use cardea_model::key::{GrantSpec, KeyKind, KeyState};
use cardea_model::numbers::Numbers;
use cardea_store::key as rows;
use cardea_tokens::format::Prefix;
use serde::Serialize;

/// A key as its owner sees it.
#[derive(Clone, Debug, Serialize)]
pub struct KeyView {
    /// The key.
    pub id: KeyId,
    /// The public part of its secret.
    pub kid: String,
    /// `cdap_<kid>_…`: how it is recognised.
    pub display: String,
    /// Its kind.
    pub kind: KeyKind,
    /// Its name.
    pub name: String,
    /// Its state now.
    pub state: KeyState,
    /// What it may do at the most.
    pub grants: Vec<GrantSpec>,
    /// The user who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// When its secret was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// The secret before this one, while it works beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<OldSecret>,
    /// Raised by each change; the ETag.
    pub version: i64,
}

/// The secret before the current one, in its grace.
#[derive(Clone, Debug, Serialize)]
pub struct OldSecret {
    /// Its public part.
    pub kid: String,
    /// Until when it works.
    pub valid_until: Timestamp,
    /// When it was last used, to the minute: whoever uses it has not changed it yet.
    pub last_used_at: Option<Timestamp>,
}

/// A key of a person of an org, as its admins see it.
#[derive(Clone, Debug, Serialize)]
pub struct PersonsKey {
    /// The user.
    pub user: UserId,
    /// Their name.
    pub user_name: String,
    /// Their address.
    pub email: Option<String>,
    /// The key.
    #[serde(flatten)]
    pub key: KeyView,
}

/// What a key is now: what time and the owner's numbers have decided counts before any row says so.
pub(super) fn state(row: &rows::Key, now: Timestamp, numbers: Option<Numbers>) -> KeyState {
    let stored = KeyState::parse(&row.state).unwrap_or(KeyState::Revoked);
    let ended = numbers.is_some_and(|numbers| numbers.held || numbers.epoch != row.epoch);
    if ended && stored != KeyState::Deleted { KeyState::Revoked } else { stored.at(row.expires_at, now) }
}

/// A key's row as its owner sees it.
pub(crate) fn view(row: rows::Key, now: Timestamp, numbers: Option<Numbers>) -> KeyView {
    let kind = KeyKind::parse(&row.kind).unwrap_or(KeyKind::Personal);
    let old = row.old.as_ref().filter(|old| old.valid_until > now);
    KeyView {
        display: format!("{}_{}_…", Prefix::of_key(kind).as_str(), row.kid),
        state: state(&row, now, numbers),
        old: old.map(|old| OldSecret { kid: old.kid.clone(), valid_until: old.valid_until, last_used_at: old.used_at }),
        id: row.id,
        kid: row.kid,
        kind,
        name: row.name,
        grants: serde_json::from_str(&row.grants).unwrap_or_default(),
        created_by: row.created_by,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.used_at,
        version: row.version,
    }
}
