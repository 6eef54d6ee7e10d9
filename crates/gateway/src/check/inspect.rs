//! What a key is, for a service that asks about it as about a token: whether it holds, and whose it is.

use std::sync::Arc;

use cardea_model::Timestamp;
use cardea_model::id::{AccountId, KeyId, UserId};
use cardea_model::key::KeyKind;
use cardea_store::db::DbError;

use super::{Sight, dead, is_fresh, read_key, well_formed};
use crate::app::App;
use crate::memory::{KeyEntry, Profile};

/// A key that holds.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) key: KeyId,
    pub(crate) kind: KeyKind,
    pub(crate) account: AccountId,
    pub(crate) org: Arc<str>,
    /// Whose it is; nobody's for a service key.
    pub(crate) user: Option<UserId>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// The key's facts; `None` if it does not hold, or whoever asks may not hear of it.
pub(crate) async fn inspect(app: &App, sight: Sight, text: &str, now: Timestamp) -> Result<Option<Facts>, DbError> {
    let Some((kid, kind)) = well_formed(text) else { return Ok(None) };
    if is_fresh(app) {
        let known = app.memory().with_key(&kid, |entry| {
            let profile = entry.holder.profile(now)?;
            let profile = profile.as_ref()?;
            Some(facts(app, sight, (text, kind), entry, profile, now))
        });
        if let Some(Some(answer)) = known {
            return Ok(answer);
        }
    }
    let memory = Arc::clone(&app.memory());
    let read = read_key(app, &memory, &mut app.db.read().await?, &kid, now).await?;
    Ok(read.and_then(|(_, entry, profile)| facts(app, sight, (text, kind), &entry, &profile, now)))
}

fn facts(
    app: &App,
    sight: Sight,
    (text, kind): (&str, KeyKind),
    entry: &KeyEntry,
    profile: &Profile,
    now: Timestamp,
) -> Option<Facts> {
    let theirs = sight.account.is_none_or(|account| account == profile.account)
        && sight.services.is_none_or(|services| entry.grants.services().shares(services));
    let holds = app.peppers.verify(&entry.mac, text) && dead(entry, now).is_none() && profile.stale_at > now;
    let org = profile.org.facts.load();
    let wanted = kind != KeyKind::Legacy || org.legacy;
    if !theirs || !holds || !wanted {
        return None;
    }
    entry.note_use(now);
    let org = Arc::clone(&org.name);
    Some(Facts {
        key: entry.id(),
        kind,
        account: profile.account,
        org,
        user: profile.user,
        expires_at: entry.expires_at(),
    })
}
