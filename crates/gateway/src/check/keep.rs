//! Answers that whoever follows the feed may keep, and until when.
//!
//! An answer is for keeping by those alone who listen to the node that gave it: then the order of what is answered and what
//! is told is one node's. It is not for keeping if the feed has moved while it was given, for then nobody may ever tell that
//! it is old:
//!
//! ```text
//! answer:  position ─► look, judge ─► whose key it is stays in memory ─► same position? ─► for keeping
//! feed:    row into memory ─► position moves ─► who is in memory is told of
//! ```
//! If the position is the same, the row is told of after this, and the one it is about is in memory.

use std::sync::Arc;
use std::time::Duration;

use cardea_model::Timestamp;
use cardea_model::id::{KeyId, NodeId, UserId};
use cardea_model::key::{KeyKind, Reason};
use serde::Serialize;

use super::{Ask, Asker, CheckError, Verdict, check, holder, is_fresh, well_formed};
use crate::app::App;

/// How long an answer is kept at the most: nobody notes the uses of a key that are answered elsewhere, and so old may the
/// note of its last one become.
const LONGEST: Duration = Duration::from_secs(300);

/// What an answer rests on.
#[derive(Clone, Debug, Serialize)]
pub struct Keep {
    /// Who gave it.
    pub node: NodeId,
    /// The key.
    pub key: KeyId,
    /// Its user; none for a service key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The name of its org.
    pub org: Arc<str>,
    /// For how long it holds unless something is told, in milliseconds after the question.
    pub for_ms: u64,
}

/// Answers a service that follows the feed, and says what the answer rests on where it may be kept.
///
/// # Errors
/// As [`check`].
pub async fn check_to_keep(app: &App, asker: &Asker, ask: &Ask<'_>) -> Result<(Verdict, Option<Keep>), CheckError> {
    let (position, now) = (app.feed.tail(), app.clock.now());
    let verdict = check(app, asker, ask).await?;
    let keep = match verdict {
        // Nobody hears whose key it is who does not hold it, or may not see it; and it may be made at any time.
        Verdict::Denied(Reason::UnknownKey | Reason::Malformed) => None,
        Verdict::Denied(_) | Verdict::Allowed(_) => basis(app, ask, now),
    };
    Ok((verdict, keep.filter(|_| app.feed.tail() == position)))
}

/// Whose key it is, and how long what memory knows of them holds by itself after `now`.
fn basis(app: &App, ask: &Ask<'_>, now: Timestamp) -> Option<Keep> {
    let (kid, kind) = well_formed(ask.key).filter(|_| is_fresh(app))?;
    let known = app.memory().with_key(&kid, |entry| {
        let profile = entry.holder.profile(now)?;
        let profile = profile.as_ref()?;
        let org = profile.org.facts.load();
        // What a legacy key may in another org of its user rests on more than is told.
        if kind == KeyKind::Legacy && holder::is_elsewhere(ask, &org.name) {
            return None;
        }
        let ends = [entry.expires_at, profile.stale_at, org.ends_at].into_iter().filter(|end| *end > now).min();
        let span = ends.map_or(LONGEST, |end| end.since(now).min(LONGEST));
        Some(Keep {
            node: app.feed.node,
            key: entry.id(),
            user: profile.user,
            org: Arc::clone(&org.name),
            for_ms: u64::try_from(span.as_millis()).unwrap_or(0),
        })
    });
    known?
}
