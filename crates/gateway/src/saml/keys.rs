//! Our key pairs towards SAML identity providers, and their turns.
//!
//! ```text
//! made ─► next ─(published for 90 days)─► current ─(3 years)─► retired ─(90 days)─► gone
//! ```
//! Many providers are told of them by hand, so they live long and the next one is published long before its turn. There is one
//! pair that signs what we send and one that opens what is encrypted for us. They are made when the first connection needs
//! them, sealed, and read once by each node.

use std::sync::Arc;
use std::time::Duration;

use cardea_connect::saml::SpKeys;
use cardea_model::Timestamp;
use cardea_model::numbers::Numbers;
use cardea_store::db::{DbError, Tx};
use cardea_store::feed::{self, Kind};
use cardea_store::saml::{self as rows, SamlKey};
use cardea_tokens::certificate::{self, Use};
use cardea_tokens::jose::{Algorithm, SigningKey};
use secrecy::zeroize::Zeroizing;

use super::{forget_keys as forget, kept};
use crate::app::App;
use crate::error::GatewayError;

const DAY: Duration = Duration::from_secs(86_400);
/// How long a pair is used.
pub const LIFE: Duration = Duration::from_secs(3 * 365 * 86_400);
/// How long before its turn the next pair is published.
pub const AHEAD: Duration = Duration::from_secs(90 * 86_400);
/// How long a pair is kept after its turn: what is encrypted for it can still be read.
pub const KEEP: Duration = Duration::from_secs(90 * 86_400);

const PURPOSES: [(&str, Use); 2] = [(SIGNING, Use::Signing), (ENCRYPTION, Use::Encryption)];
const SIGNING: &str = "signing";
const ENCRYPTION: &str = "encryption";
const CURRENT: &str = "current";
const NEXT: &str = "next";
const RETIRED: &str = "retired";
/// The name in the certificates. Nobody looks at it: providers compare keys.
const NAME: &str = "Cardea";
const UNREADABLE: GatewayError = GatewayError::Corrupt("SAML key");

/// The pairs, ready to use; made if there are none yet.
pub(crate) async fn keys(app: &App) -> Result<Arc<SpKeys>, GatewayError> {
    if let Some(keys) = kept(app) {
        return Ok(keys);
    }
    let mut stored = rows::keys(&mut app.db.read().await?).await?;
    if stored.is_empty() {
        turn(app).await?;
        stored = rows::keys(&mut app.db.read().await?).await?;
    }
    let keys = Arc::new(read(app, &stored)?);
    app.saml.keys.store(Some(Arc::clone(&keys)));
    Ok(keys)
}

/// Turns the pairs whose time has come, if there are any.
pub(crate) async fn turn_if_used(app: &App) -> Result<(), GatewayError> {
    let used = !rows::keys(&mut app.db.read().await?).await?.is_empty();
    if used { turn(app).await } else { Ok(()) }
}

fn read(app: &App, stored: &[SamlKey]) -> Result<SpKeys, GatewayError> {
    let signing = in_state(stored, SIGNING, CURRENT).ok_or(UNREADABLE)?;
    let published = stored.iter().filter(|row| row.purpose == SIGNING).map(|row| row.certificate.clone()).collect();
    // Newest first: what is encrypted now is encrypted for the current one.
    let opening: Vec<_> = stored.iter().rev().filter(|row| row.purpose == ENCRYPTION).collect();
    let opened = opening.iter().map(|row| open(app, row)).collect::<Result<Vec<_>, _>>()?;
    let opened: Vec<&[u8]> = opened.iter().map(|pkcs8| pkcs8.as_slice()).collect();
    let certificate = in_state(stored, ENCRYPTION, CURRENT).ok_or(UNREADABLE)?.certificate.clone();
    SpKeys::read(&open(app, signing)?, &opened, published, certificate).map_err(|_| UNREADABLE)
}

fn open(app: &App, row: &SamlKey) -> Result<Zeroizing<Vec<u8>>, GatewayError> {
    let opened = app.peppers.sealer().open(&sealed_for(&row.id), &row.sealed).map_err(|_| UNREADABLE)?;
    Ok(Zeroizing::new(opened.to_vec()))
}

fn sealed_for(id: &str) -> String {
    format!("saml_key/{id}")
}

async fn turn(app: &App) -> Result<(), GatewayError> {
    let now = app.clock.now();
    let stored = rows::keys(&mut app.db.read().await?).await?;
    let due = |purpose: &str| lacks(&stored, purpose, now) || successor(&stored, purpose, now).is_some();
    if !PURPOSES.iter().any(|(purpose, _)| due(purpose)) && !stored.iter().any(|row| is_gone(row, now)) {
        return Ok(());
    }
    let mut made = Vec::new();
    for (purpose, usage) in PURPOSES.into_iter().filter(|(purpose, _)| lacks(&stored, purpose, now)) {
        made.push((purpose, make(app, usage, now).await?));
    }
    let mut tx = app.db.write().await?;
    rows::lock_keys(&mut tx).await?;
    let stored = rows::keys(&mut tx).await?;
    for row in stored.iter().filter(|row| is_gone(row, now)) {
        rows::remove_key(&mut tx, &row.id).await?;
    }
    for (purpose, _) in PURPOSES {
        if let Some((old, new)) = successor(&stored, purpose, now) {
            rows::advance_key(&mut tx, &old.id, RETIRED, now).await?;
            rows::advance_key(&mut tx, &new.id, CURRENT, now).await?;
        }
    }
    for (purpose, made) in made {
        // Another node may have made them meanwhile.
        if lacks(&stored, purpose, now) {
            let state = if in_state(&stored, purpose, CURRENT).is_some() { NEXT } else { CURRENT };
            add(app, &mut tx, made, (purpose, state), now).await?;
        }
    }
    feed::append(&mut tx, Kind::SigningKey, "saml", Numbers::default(), now).await?;
    let node = app.clone();
    tx.after_commit(move || forget(&node));
    tx.commit().await?;
    Ok(())
}

/// A pair with its certificate.
struct Made {
    key: SigningKey,
    pkcs8: Zeroizing<Vec<u8>>,
    certificate: Vec<u8>,
}

async fn make(app: &App, usage: Use, now: Timestamp) -> Result<Made, GatewayError> {
    let node = app.clone();
    let made = tokio::task::spawn_blocking(move || {
        let pkcs8 = SigningKey::generate(Algorithm::Rs256)?;
        let key = SigningKey::read(Algorithm::Rs256, &pkcs8)?;
        // Clocks differ, and providers that look at the end should not be the reason for a turn.
        let span = (now.before(DAY), now.after(LIFE + AHEAD + KEEP));
        let certificate = certificate::of_itself(&key, NAME, (usage, span), &*node.random)?;
        Ok::<_, cardea_tokens::jose::JoseError>(Made { key, pkcs8, certificate })
    });
    made.await.ok().and_then(Result::ok).ok_or(UNREADABLE)
}

async fn add(
    app: &App,
    tx: &mut Tx,
    made: Made,
    (purpose, state): (&str, &str),
    now: Timestamp,
) -> Result<(), DbError> {
    let id = made.key.kid().to_owned();
    let sealed = app.peppers.sealer().seal(&*app.random, &sealed_for(&id), &made.pkcs8);
    let (purpose, state) = (purpose.to_owned(), state.to_owned());
    rows::add_key(tx, &SamlKey { id, purpose, state, sealed, certificate: made.certificate, since: now }).await
}

fn in_state<'r>(stored: &'r [SamlKey], purpose: &str, state: &str) -> Option<&'r SamlKey> {
    stored.iter().find(|row| row.purpose == purpose && row.state == state)
}

/// Whether a pair has to be made: the first one, or the one whose turn comes soon.
fn lacks(stored: &[SamlKey], purpose: &str, now: Timestamp) -> bool {
    in_state(stored, purpose, CURRENT)
        .is_none_or(|current| now.since(current.since) + AHEAD >= LIFE && in_state(stored, purpose, NEXT).is_none())
}

/// The pair that was used long enough, and the one whose turn it is.
fn successor<'r>(stored: &'r [SamlKey], purpose: &str, now: Timestamp) -> Option<(&'r SamlKey, &'r SamlKey)> {
    let (old, new) = (in_state(stored, purpose, CURRENT)?, in_state(stored, purpose, NEXT)?);
    (now.since(old.since) >= LIFE && now.since(new.since) >= AHEAD).then_some((old, new))
}

fn is_gone(row: &SamlKey, now: Timestamp) -> bool {
    row.state == RETIRED && now.since(row.since) >= KEEP
}
