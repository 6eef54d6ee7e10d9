//! Another secret for a key, under the same id: name, grants and limits stay. The old secret works for a while beside it.
//!
//! ```text
//! active ─rotate─► active, two secrets ─its grace is over, or is ended─► active, one secret
//! disabled ─rotate─► disabled            expired ─rotate, with an expiry─► active
//! ```
//! A further rotation ends the oldest secret: two live at the most.

use std::time::Duration;

use cardea_model::id::KeyId;
use cardea_model::key::{Expiry, KeyKind, KeyState, Span};
use cardea_model::{Denied, ShownOnce};
use cardea_store::db::DbError;
use cardea_store::key as rows;
use cardea_store::member;
use cardea_store::secret as secrets;
use cardea_tokens::format::{Prefix, Secret};
use serde_json::json;

use super::change::finish;
use super::open::{Open, Whose, open};
use super::{Created, KeyError, expiring, get, policy, service};
use crate::app::App;
use crate::context::Ctx;
use crate::pause::Point;

/// How long the old secret works beside the new one, if nobody says.
const GRACE: Duration = Duration::from_secs(86_400);
/// How long it may at the most.
const LONGEST_GRACE: Duration = Duration::from_secs(7 * 86_400);

/// How a key is rotated.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rotation {
    /// How long the old secret works beside the new one.
    pub grace: Option<Span>,
    /// Whether the old secret has leaked: then it ends now.
    pub leak: bool,
    /// When the key expires from now on; as before, if nobody says.
    pub expiry: Option<Expiry>,
    /// The version that the caller read; none for any.
    pub version: Option<i64>,
}

impl Rotation {
    fn grace(&self) -> Result<Duration, KeyError> {
        match (self.leak, self.grace.map(Span::duration)) {
            (true, None | Some(Duration::ZERO)) => Ok(Duration::ZERO),
            (false, None) => Ok(GRACE),
            (false, Some(grace)) if grace <= LONGEST_GRACE => Ok(grace),
            (true | false, Some(_)) => Err(KeyError::Grace),
        }
    }
}

/// Gives a key another secret.
///
/// # Errors
/// [`KeyError`].
pub async fn rotate(app: &App, ctx: &Ctx, whose: &Whose, id: KeyId, rotation: Rotation) -> Result<Created, KeyError> {
    let grace = rotation.grace()?;
    if matches!(whose, Whose::User(..)) {
        return Err(Denied::Refused.into());
    }
    app.pause.at(Point::KeyCreation).await;
    let mut open = open(app, ctx, whose, id).await?;
    open.is_version(rotation.version)?;
    // The fence, as for a new key.
    if let Some(owner) = &open.member
        && !member::touch(&mut open.tx, owner.id, open.row.epoch).await?
    {
        return Err(KeyError::State(KeyState::Revoked));
    }
    let expiry = expiry(&mut open, rotation).await?;
    let now = open.ctx.now;
    let until = if grace.is_zero() { secrets::ENDED } else { now.after(grace) };
    let secret = exchange(app, &mut open, until).await?;
    let (kid, old) = (secret.kid(), open.row.kid.clone());
    // What has no grace is not shown as if it had.
    let shown = (grace > Duration::ZERO).then_some(old.as_str());
    rows::rotated(&mut open.tx, id, shown, expiry).await?;
    let detail = json!({"kid": kid.as_str(), "old_kid": old, "grace_seconds": grace.as_secs(), "leak": rotation.leak});
    if open.member.is_none() {
        service::tell_owners_of(app, &mut open).await?;
    }
    finish(app, open, "key.rotated", detail).await?;
    let secret = ShownOnce::new(secret.expose().to_owned());
    Ok(Created { key: get(app, ctx, whose, id).await?, secret, warnings: Vec::new() })
}

/// Until when the key lives from now on, with the warnings that are spared; whether it can be rotated at all.
async fn expiry(
    open: &mut Open,
    rotation: Rotation,
) -> Result<(Option<cardea_model::Timestamp>, Option<i64>), KeyError> {
    if open.row.kind == KeyKind::Legacy.as_str() {
        return Err(KeyError::LegacyRotation);
    }
    match (open.state(), rotation.expiry) {
        (KeyState::Active | KeyState::Disabled, None) => Ok((open.row.expires_at, None)),
        // An expiry is never prolonged in silence.
        (KeyState::Expired, None) => Err(KeyError::NeedsExpiry),
        (KeyState::Active | KeyState::Disabled | KeyState::Expired, Some(expiry)) => {
            let policy = policy::of(&mut open.tx, open.row.org).await?;
            let expires_at = expiry.resolve(open.ctx.now, policy.bounds())?;
            Ok((expires_at, Some(expiring::spared(open.ctx.now, expires_at))))
        }
        (ended @ (KeyState::Suspended | KeyState::Revoked | KeyState::Deleted), _) => Err(KeyError::State(ended)),
    }
}

/// Puts a new secret in the place of the current one, which works until then; any older one ends.
async fn exchange(app: &App, open: &mut Open, until: cardea_model::Timestamp) -> Result<Secret, DbError> {
    let (id, now) = (open.row.id, open.ctx.now);
    let kind = KeyKind::parse(&open.row.kind).unwrap_or(KeyKind::Personal);
    let secret = Secret::generate(Prefix::of_key(kind), &*app.random);
    secrets::end_grace(&mut open.tx, id, now).await?;
    secrets::replace(&mut open.tx, id, until).await?;
    let mac = app.peppers.mac(secret.expose()).to_bytes();
    secrets::add(&mut open.tx, id, secret.kid().as_str(), &mac, now).await?;
    Ok(secret)
}
