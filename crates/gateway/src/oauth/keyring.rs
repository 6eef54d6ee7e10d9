//! The keys that sign, and their turns.
//!
//! ```text
//! made ─► next ─(published for two days)─► current ─(30 days)─► retired ─(two hours: every token of it is dead)─► gone
//! ```
//! They are made when somebody first asks for one, sealed, read once by each node, and turned by the job that tidies up.
//! Every node hears of a turn through the feed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use cardea_model::Timestamp;
use cardea_model::numbers::Numbers;
use cardea_store::db::{DbError, Tx};
use cardea_store::feed::{self, Kind};
use cardea_store::signing_key as rows;
use cardea_tokens::hash::{base64url, sha256};
use cardea_tokens::jose::{Algorithm, SigningKey};
use secrecy::zeroize::Zeroizing;
use serde_json::Value;

use super::OAuthError;
use crate::app::App;
use crate::error::GatewayError;

/// How long a key signs.
pub const LIFE: Duration = Duration::from_secs(30 * 86_400);
/// How long before its turn the next key is published: longer than anybody keeps the set.
pub const AHEAD: Duration = Duration::from_secs(2 * 86_400);
/// How long a retired key stays published: longer than any token lives.
pub const KEEP: Duration = Duration::from_secs(2 * 3600);

const CURRENT: &str = "current";
const NEXT: &str = "next";
const RETIRED: &str = "retired";
const UNREADABLE: GatewayError = GatewayError::Corrupt("signing key");

/// Every key of the instance, ready to sign.
#[derive(Debug)]
pub struct Ring {
    keys: Vec<(SigningKey, bool)>,
}

impl Ring {
    /// The key that signs now.
    pub(crate) fn current(&self, algorithm: Algorithm) -> Result<&SigningKey, GatewayError> {
        let mut signing = self.keys.iter().filter(|(_, current)| *current).map(|(key, _)| key);
        signing.find(|key| key.algorithm() == algorithm).ok_or(UNREADABLE)
    }

    /// The keys of this algorithm, also those whose turn is to come or over.
    pub(crate) fn published(&self, algorithm: Algorithm) -> impl Iterator<Item = &SigningKey> {
        self.keys.iter().map(|(key, _)| key).filter(move |key| key.algorithm() == algorithm)
    }

    /// The payload of a token that one of our keys signed, whichever; whether it still holds, the caller asks.
    pub(crate) fn payload(&self, token: &str) -> Option<Vec<u8>> {
        self.keys.iter().find_map(|(key, _)| key.payload(token))
    }

    /// The public halves, as a JSON Web Key Set (RFC 7517 §5).
    #[must_use]
    pub fn jwks(&self) -> String {
        let keys: Vec<&str> = self.keys.iter().map(|(key, _)| key.jwk()).collect();
        format!(r#"{{"keys":[{}]}}"#, keys.join(","))
    }

    /// What changes when they do.
    #[must_use]
    pub fn version(&self) -> String {
        base64url(&sha256(self.jwks().as_bytes()))
    }
}

/// The keys; made if there are none yet.
///
/// # Errors
/// The database's, and a key that cannot be read.
pub async fn ring(app: &App) -> Result<Arc<Ring>, GatewayError> {
    if let Some(ring) = app.ring.load_full() {
        return Ok(ring);
    }
    turn(app).await?;
    load(app).await
}

/// A token of this type over these claims, signed with the key whose turn it is.
pub(super) async fn sign(app: &App, algorithm: Algorithm, typ: &str, claims: &Value) -> Result<String, OAuthError> {
    let ring = ring(app).await?;
    let text = ring.current(algorithm)?.token(typ, &claims.to_string());
    Ok(text.map_err(|_| UNREADABLE)?)
}

/// Forgets the keys: whoever needs them next reads them anew.
pub(crate) fn forget(app: &App) {
    app.ring.store(None);
}

async fn load(app: &App) -> Result<Arc<Ring>, GatewayError> {
    let stored = rows::all(&mut app.db.read().await?).await?;
    let keys = stored.iter().map(|row| Ok((open(app, row)?, row.state == CURRENT)));
    let ring = Arc::new(Ring { keys: keys.collect::<Result<_, GatewayError>>()? });
    app.ring.store(Some(Arc::clone(&ring)));
    Ok(ring)
}

fn open(app: &App, row: &rows::SigningKey) -> Result<SigningKey, GatewayError> {
    let algorithm = Algorithm::parse(&row.algorithm).ok_or(UNREADABLE)?;
    let stored = app.peppers.sealer().open(&purpose(&row.kid), &row.sealed).map_err(|_| UNREADABLE)?;
    SigningKey::read(algorithm, &stored).map_err(|_| UNREADABLE)
}

fn purpose(kid: &str) -> String {
    format!("signing_key/{kid}")
}

/// Turns the keys whose time has come, if there are any.
///
/// # Errors
/// The database's, and a key that cannot be made.
pub async fn turn_if_used(app: &App) -> Result<(), GatewayError> {
    let used = !rows::all(&mut app.db.read().await?).await?.is_empty();
    if used { turn(app).await } else { Ok(()) }
}

async fn turn(app: &App) -> Result<(), GatewayError> {
    let now = app.clock.now();
    let stored = rows::all(&mut app.db.read().await?).await?;
    let wanted: Vec<_> = Algorithm::ALL.into_iter().filter(|algorithm| lacks(&stored, *algorithm, now)).collect();
    let gone = stored.iter().any(|row| is_gone(row, now));
    let due = Algorithm::ALL.into_iter().any(|algorithm| successor(&stored, algorithm, now).is_some());
    if wanted.is_empty() && !gone && !due {
        return Ok(());
    }
    let mut fresh = HashMap::new();
    for algorithm in wanted {
        fresh.insert(algorithm, make(algorithm).await?);
    }
    let mut tx = app.db.write().await?;
    rows::lock(&mut tx).await?;
    let stored = rows::all(&mut tx).await?;
    let mut last = String::new();
    for row in stored.iter().filter(|row| is_gone(row, now)) {
        rows::remove(&mut tx, &row.kid).await?;
        last.clone_from(&row.kid);
    }
    for algorithm in Algorithm::ALL {
        if let Some((old, new)) = successor(&stored, algorithm, now) {
            rows::advance(&mut tx, &old.kid, RETIRED, now).await?;
            rows::advance(&mut tx, &new.kid, CURRENT, now).await?;
            last.clone_from(&new.kid);
        } else if lacks(&stored, algorithm, now)
            && let Some((key, pkcs8)) = fresh.remove(&algorithm)
        {
            let state = if of(&stored, algorithm, CURRENT).is_some() { NEXT } else { CURRENT };
            add(app, &mut tx, (&key, &pkcs8), state, now).await?;
            last = key.kid().to_owned();
        }
    }
    // Another node has turned them meanwhile.
    if last.is_empty() {
        return Ok(());
    }
    feed::append(&mut tx, Kind::SigningKey, &last, Numbers::default(), now).await?;
    let node = app.clone();
    tx.after_commit(move || forget(&node));
    tx.commit().await?;
    Ok(())
}

type Fresh = (SigningKey, Zeroizing<Vec<u8>>);

async fn make(algorithm: Algorithm) -> Result<Fresh, GatewayError> {
    let made = tokio::task::spawn_blocking(move || {
        let pkcs8 = SigningKey::generate(algorithm)?;
        SigningKey::read(algorithm, &pkcs8).map(|key| (key, pkcs8))
    });
    made.await.ok().and_then(Result::ok).ok_or(UNREADABLE)
}

async fn add(
    app: &App,
    tx: &mut Tx,
    (key, pkcs8): (&SigningKey, &[u8]),
    state: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    let row = rows::SigningKey {
        kid: key.kid().to_owned(),
        algorithm: key.algorithm().as_str().to_owned(),
        state: state.to_owned(),
        sealed: app.peppers.sealer().seal(&*app.random, &purpose(key.kid()), pkcs8),
        since: now,
    };
    rows::add(tx, &row).await
}

fn of<'r>(stored: &'r [rows::SigningKey], algorithm: Algorithm, state: &str) -> Option<&'r rows::SigningKey> {
    stored.iter().find(|row| row.algorithm == algorithm.as_str() && row.state == state)
}

/// Whether a key has to be made: the first one, or the one whose turn comes soon.
fn lacks(stored: &[rows::SigningKey], algorithm: Algorithm, now: Timestamp) -> bool {
    match of(stored, algorithm, CURRENT) {
        None => true,
        Some(current) => now.since(current.since) + AHEAD >= LIFE && of(stored, algorithm, NEXT).is_none(),
    }
}

/// The key that has signed long enough, and the one whose turn it is.
fn successor(
    stored: &[rows::SigningKey],
    algorithm: Algorithm,
    now: Timestamp,
) -> Option<(&rows::SigningKey, &rows::SigningKey)> {
    let (old, new) = (of(stored, algorithm, CURRENT)?, of(stored, algorithm, NEXT)?);
    (now.since(old.since) >= LIFE && now.since(new.since) >= AHEAD).then_some((old, new))
}

fn is_gone(row: &rows::SigningKey, now: Timestamp) -> bool {
    row.state == RETIRED && now.since(row.since) >= KEEP
}
