//! GitHub's secret scanning, as its partners hear of it: a signed list of what it has found, answered by what of it is ours.
//!
//! | question | answer |
//! |---|---|
//! | whose word it is | ECDSA on P-256 over the bytes of the body, by a key that GitHub publishes as current |
//! | how long its keys are good | a day |
//! | a key that is not among them | they are fetched again, once a minute at the most |
//! | an instance that does not reach GitHub | has the keys in a file |

use std::sync::Arc;
use std::time::Duration;

use cardea_model::{Caller, Timestamp};
use cardea_tokens::ecdsa::PublicKey;
use cardea_tokens::hash::{hex, sha256};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

use super::LeakError;
use crate::app::App;
use crate::context::Ctx;
use crate::keys;

/// Where GitHub publishes its keys.
pub const PUBLISHED_AT: &str = "https://api.github.com/meta/public_keys/secret_scanning";
const KEEP: Duration = Duration::from_secs(24 * 3600);
const PAUSE: Duration = Duration::from_secs(60);
/// The longest address of a find that is written down, in bytes.
const LONGEST: usize = 1000;

/// Where the keys are with which GitHub signs.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// At this address.
    At(String),
    /// These, from a file.
    These(Arc<[Key]>),
}

impl Default for KeySource {
    fn default() -> Self {
        Self::At(PUBLISHED_AT.to_owned())
    }
}

/// A key that may sign now.
#[derive(Clone, Debug)]
pub struct Key {
    id: String,
    public: PublicKey,
}

#[derive(Deserialize)]
struct Document {
    public_keys: Vec<Published>,
}

#[derive(Deserialize)]
struct Published {
    key_identifier: String,
    key: String,
    is_current: bool,
}

/// Reads what GitHub publishes: its current keys. Nothing if it is no such document, or has none.
#[must_use]
pub fn read(document: &[u8]) -> Option<Arc<[Key]>> {
    let document: Document = serde_json::from_slice(document).ok()?;
    let current = document.public_keys.into_iter().filter(|key| key.is_current);
    let keys: Arc<[Key]> = current
        .filter_map(|key| Some(Key { public: PublicKey::from_pem(&key.key)?, id: key.key_identifier }))
        .collect();
    (!keys.is_empty()).then_some(keys)
}

/// The keys that were fetched last.
#[derive(Default)]
pub(crate) struct KeyCache(Mutex<Held>);

#[derive(Default)]
struct Held {
    keys: Arc<[Key]>,
    fetched_at: Option<Timestamp>,
    asked_at: Option<Timestamp>,
}

impl Held {
    fn find(&self, id: &str) -> Option<PublicKey> {
        self.keys.iter().find(|key| key.id == id).map(|key| key.public.clone())
    }
}

/// A report as it came.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    /// The name of the key that signed it.
    pub key_id: &'a str,
    /// The signature, in DER and base 64.
    pub signature: &'a str,
    /// What was signed.
    pub body: &'a [u8],
}

#[derive(Deserialize)]
struct Match {
    token: String,
    r#type: String,
    #[serde(default)]
    url: Option<String>,
}

/// What is said of one text.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// SHA-256 of the text, in base 16: the text itself is not sent around any more.
    token_hash: String,
    /// As GitHub calls it.
    token_type: String,
    label: Label,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Label {
    /// A key of ours, whether it worked or not.
    TruePositive,
    /// None of ours.
    FalsePositive,
}

/// Takes a report of GitHub's: revokes what works, and says of each text whether it is a key.
///
/// # Errors
/// [`LeakError`]. What was revoked before the error stays so.
pub async fn scanned(app: &App, ctx: &Ctx, signed: Signed<'_>) -> Result<Vec<Verdict>, LeakError> {
    let key = key(app, signed.key_id, ctx.now).await?.ok_or(LeakError::UnknownKey)?;
    // Before anything in it is read: the bytes are signed, not what they say.
    if !key.signed(signed.body, signed.signature) {
        return Err(LeakError::Signature);
    }
    let matches: Vec<Match> = serde_json::from_slice(signed.body).map_err(|_| LeakError::Unreadable)?;
    let ctx = ctx.with(Caller::System("secret_scanning"));
    let mut verdicts = Vec::new();
    for found in matches {
        let place = found.url.as_deref().filter(|url| url.len() <= LONGEST && !url.chars().any(char::is_control));
        let ours = keys::end_leaked(app, &ctx, &found.token, place).await?;
        verdicts.push(Verdict {
            token_hash: hex(&sha256(found.token.as_bytes())),
            token_type: found.r#type,
            label: if ours { Label::TruePositive } else { Label::FalsePositive },
        });
    }
    Ok(verdicts)
}

/// The current key of this name.
async fn key(app: &App, id: &str, now: Timestamp) -> Result<Option<PublicKey>, LeakError> {
    let at = match &app.settings.github_keys {
        KeySource::These(keys) => return Ok(keys.iter().find(|key| key.id == id).map(|key| key.public.clone())),
        KeySource::At(address) => address,
    };
    // Whoever else asks meanwhile waits for the same answer.
    let mut held = app.github.0.lock().await;
    let fresh = held.fetched_at.is_some_and(|at| now < at.after(KEEP));
    if let Some(key) = held.find(id).filter(|_| fresh) {
        return Ok(Some(key));
    }
    // Made-up names of keys must not make us ask for ever.
    if held.asked_at.is_some_and(|at| now < at.after(PAUSE)) {
        return if fresh { Ok(None) } else { Err(LeakError::NoKeys) };
    }
    held.asked_at = Some(now);
    held.keys = fetch(app, at).await?;
    held.fetched_at = Some(now);
    Ok(held.find(id))
}

async fn fetch(app: &App, address: &str) -> Result<Arc<[Key]>, LeakError> {
    let url = Url::parse(address).map_err(|_| LeakError::NoKeys)?;
    let answer = app.outside.fetch.get(&url, "application/json").await.map_err(LeakError::Keys)?;
    if answer.status != 200 {
        return Err(LeakError::NoKeys);
    }
    read(&answer.body).ok_or(LeakError::NoKeys)
}
