//! A key as its owner sees it.

use cardea_model::Timestamp;
use cardea_model::id::KeyId;
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
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Raised by each change; the ETag.
    pub version: i64,
}

/// A key's row as its owner sees it: what time and the owner's numbers have decided shows before any row says so.
pub(crate) fn view(row: rows::Key, now: Timestamp, numbers: Option<Numbers>) -> KeyView {
    let kind = KeyKind::parse(&row.kind).unwrap_or(KeyKind::Personal);
    let stored = KeyState::parse(&row.state).unwrap_or(KeyState::Revoked);
    let ended = numbers.is_some_and(|numbers| numbers.held || numbers.epoch != row.epoch);
    let expired = row.expires_at.is_some_and(|end| end <= now);
    let state = match (ended, expired) {
        (true, _) => KeyState::Revoked,
        (false, true) => KeyState::Expired,
        (false, false) => stored,
    };
    KeyView {
        display: format!("{}_{}_…", Prefix::of_key(kind).as_str(), row.kid),
        id: row.id,
        kid: row.kid,
        kind,
        name: row.name,
        state,
        grants: serde_json::from_str(&row.grants).unwrap_or_default(),
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.used_at,
        version: row.version,
    }
}
