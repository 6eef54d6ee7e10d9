//! May this key do this? Asked tens of thousands of times a second, and answered from memory.
//!
//! ```text
//! parse, checksum ─► kid in memory ─► HMAC ─► state, expiry, epoch ─► client ─► role ∩ grant ─► yes
//!   garbage costs      not there, or the feed is not fresh, or roles have changed:
//!   no look-up         the same steps on rows read from the database now; if it is away: 503
//! ```
//! A yes from memory takes no SQL, no lock that a writer of another key could hold, no log line and no write; when a key
//! was last used is noted in its entry and written by [`crate::usage`].

mod fill;
mod holder;
mod inspect;
mod keep;
mod why;

use std::borrow::Cow;
use std::sync::Arc;

use cardea_model::catalogue::ServiceSet;
use cardea_model::id::{AccountId, ClientId, KeyId, UserId};
use cardea_model::key::{KeyKind, KeyState, Question, Reason, decide, unlocked};
use cardea_model::{Fault, Kind, Timestamp};
use cardea_store::db::{Conn, DbError};
use cardea_store::secret::{self, Resident};
use cardea_tokens::format::{self, Kid};
use cardea_tokens::pepper::Mac;

pub(crate) use fill::{client_entry, clients_of, fill, fill_clients, keep_keys, reload_key, reload_org};
use fill::{entry, read_client};
pub(crate) use holder::sum;
pub(crate) use inspect::{Facts, inspect};
pub use keep::{Keep, check_to_keep};
pub use why::KeyVerdict;
pub(crate) use why::why;

use crate::app::App;
use crate::memory::{ClientEntry, KeyEntry, Memory, Profile};
use crate::pause::Point;

/// The domain of clients' secrets, which keeps their MACs apart from all others.
pub const CLIENT_SECRET: &str = "client";

/// What a service asks.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The key as it was presented.
    pub key: &'a str,
    /// The service.
    pub service: &'a str,
    /// The scope.
    pub action: &'a str,
    /// The type of the entity, where the service has several.
    pub entity_type: Option<&'a str>,
    /// What is acted on.
    pub entity: Option<&'a str>,
    /// What the service has marked it with, where it is not for every org.
    pub labels: &'a [Cow<'a, str>],
    /// By which operation, where the service keeps some from service keys.
    pub operation: Option<&'a str>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Allowed(Allowed),
    /// No, and why: for the service, not for whoever holds the key.
    Denied(Reason),
}

/// Whose key it was that may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The key.
    pub key: KeyId,
    /// Its kind.
    pub kind: KeyKind,
    /// The name of its org.
    pub org: Arc<str>,
    /// Its user; none for a service key.
    pub user: Option<UserId>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The client's credentials are not valid (401).
    #[error("the client's credentials are not valid")]
    Client,
    /// The client is no resource server (403).
    #[error("this client may not check keys")]
    NotAResourceServer,
    /// Neither memory nor the database can be trusted now (503).
    #[error("no answer can be given now")]
    Unavailable(#[source] DbError),
}

impl Fault for CheckError {
    fn kind(&self) -> Kind {
        match self {
            Self::Client => Kind::Unauthenticated,
            Self::NotAResourceServer => Kind::Refused,
            Self::Unavailable(_) => Kind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Client => "invalid_client",
            Self::NotAResourceServer => "not_a_resource_server",
            Self::Unavailable(_) => "temporarily_unavailable",
        }
    }
}

/// A client whose credentials were checked.
#[derive(Clone)]
pub struct Asker(Arc<ClientEntry>);

impl Asker {
    /// The client.
    #[must_use]
    pub fn id(&self) -> ClientId {
        self.0.id
    }

    /// Whether it may hear of keys of this account.
    pub(crate) fn sees(&self, account: AccountId) -> bool {
        self.0.account.is_none_or(|own| own == account)
    }

    /// Whether this is the client of that name.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.0.declared.client_id == name
    }
}

/// What whoever asks may hear of.
#[derive(Clone, Copy)]
pub(crate) struct Sight {
    /// The account whose keys they see; those of all accounts if none.
    pub(crate) account: Option<AccountId>,
    /// The services that they run; all of them if none.
    pub(crate) services: Option<ServiceSet>,
}

impl Sight {
    /// Of one who holds the key: all that it may do is theirs to know.
    pub(crate) const HOLDER: Self = Self { account: None, services: None };

    /// Of a client.
    pub(crate) fn of(client: &ClientEntry) -> Self {
        Self { account: client.account, services: Some(client.services) }
    }
}

/// Makes out the client that asks, by its id and secret.
///
/// # Errors
/// [`CheckError::Client`] for whatever does not fit, in the same time.
pub async fn authenticate(app: &App, client_id: &str, secret: &str) -> Result<Asker, CheckError> {
    let entry = prove_client(app, client_id, secret).await?;
    if entry.resource_server { Ok(Asker(entry)) } else { Err(CheckError::NotAResourceServer) }
}

/// The client of this name, from memory where that may be trusted.
pub(crate) async fn known_client(app: &App, client_id: &str) -> Result<Option<Arc<ClientEntry>>, DbError> {
    match app.memory().client(client_id) {
        // A fresh memory holds every client: whatever it lacks does not exist, and costs no look-up.
        known if is_fresh(app) => Ok(known),
        _ => Box::pin(read_client(app, client_id)).await,
    }
}

/// The client that has this id and this secret.
pub(crate) async fn prove_client(app: &App, client_id: &str, secret: &str) -> Result<Arc<ClientEntry>, CheckError> {
    let known = known_client(app, client_id).await.map_err(CheckError::Unavailable)?;
    let fits = |mac: &Mac| app.peppers.verify_secret(mac, CLIENT_SECRET, client_id, secret);
    let Some(entry) = known.filter(|entry| entry.mac.is_some()) else {
        // The same work for a client that does not exist or has no secret, so that the time tells nothing.
        let _never = fits(&app.peppers.mac(""));
        return Err(CheckError::Client);
    };
    if entry.macs(app.clock.now()).any(|mac| fits(&mac)) { Ok(entry) } else { Err(CheckError::Client) }
}

/// Answers a service.
///
/// # Errors
/// [`CheckError::Unavailable`] when no answer can be trusted.
pub async fn check(app: &App, asker: &Asker, ask: &Ask<'_>) -> Result<Verdict, CheckError> {
    check_with(app, Sight::of(&asker.0), ask).await
}

/// Answers whoever holds the key, or a proxy that stands in between: they hear nothing of any other key.
///
/// # Errors
/// [`CheckError::Unavailable`] when no answer can be trusted.
pub async fn check_for_holder(app: &App, ask: &Ask<'_>) -> Result<Verdict, CheckError> {
    check_with(app, Sight::HOLDER, ask).await
}

pub(crate) async fn check_with(app: &App, sight: Sight, ask: &Ask<'_>) -> Result<Verdict, CheckError> {
    let now = app.clock.now();
    let verdict = match check_in_memory(app, sight, ask, now) {
        Some(verdict) => verdict,
        // In a box: the rare way must not make the usual one carry its weight.
        None => match Box::pin(check_in_database(app, sight, ask, now)).await {
            Ok(verdict) => {
                app.metrics.checks_asked.inc();
                verdict
            }
            Err(error) => {
                app.metrics.checks_unavailable.inc();
                return Err(CheckError::Unavailable(error));
            }
        },
    };
    match &verdict {
        Verdict::Allowed(_) => app.metrics.checks_allowed.inc(),
        Verdict::Denied(_) => app.metrics.checks_denied.inc(),
    };
    Ok(verdict)
}

pub(crate) fn is_fresh(app: &App) -> bool {
    app.feed.is_fresh(app.clock.monotonic(), app.settings.bound)
}

/// The kid and the kind of a key that is well formed; nothing else gets as far as a look-up. The kind is believed once the
/// code is good, which is over the whole text.
pub(crate) fn well_formed(text: &str) -> Option<(Kid, KeyKind)> {
    let parsed = format::parse(text).ok()?;
    Some((parsed.kid, parsed.prefix.key_kind()?))
}

/// Answers from memory; `None` where memory does not know or may not be trusted.
fn check_in_memory(app: &App, sight: Sight, ask: &Ask<'_>, now: Timestamp) -> Option<Verdict> {
    let Some((kid, kind)) = well_formed(ask.key) else { return Some(Verdict::Denied(Reason::Malformed)) };
    if !is_fresh(app) {
        return None;
    }
    app.memory().with_key(&kid, |entry| {
        let profile = entry.holder.profile(now)?;
        let profile = profile.as_ref()?;
        // What a legacy key may in another org of its user is not in memory.
        if kind == KeyKind::Legacy && holder::is_elsewhere(ask, &profile.org.facts.load().name) {
            return None;
        }
        Some(judge(app, sight, (ask, kind), entry, profile, now))
    })?
}

/// The whole verdict, on whatever is at hand. The order decides which reason is given.
fn judge(
    app: &App,
    sight: Sight,
    (ask, kind): (&Ask<'_>, KeyKind),
    entry: &KeyEntry,
    profile: &Profile,
    now: Timestamp,
) -> Verdict {
    // Who does not hold the whole secret learns nothing, not even that the kid exists.
    if !app.peppers.verify(&entry.mac, ask.key) {
        return Verdict::Denied(Reason::UnknownKey);
    }
    // A client of one account sees that account's keys only.
    if sight.account.is_some_and(|account| account != profile.account) {
        return Verdict::Denied(Reason::UnknownKey);
    }
    match stands(app, sight.services, (ask, kind), (entry, profile), now) {
        Ok(org) => {
            entry.note_use(now);
            Verdict::Allowed(Allowed { key: entry.id(), kind, org, user: profile.user, expires_at: entry.expires_at() })
        }
        Err(reason) => Verdict::Denied(reason),
    }
}

fn dead(entry: &KeyEntry, now: Timestamp) -> Option<Reason> {
    match entry.state {
        KeyState::Active => {}
        KeyState::Disabled => return Some(Reason::Disabled),
        KeyState::Suspended => return Some(Reason::Suspended),
        KeyState::Expired => return Some(Reason::Expired),
        KeyState::Revoked | KeyState::Deleted => return Some(Reason::Revoked),
    }
    if !entry.holder.lives(entry.epoch.into()) {
        return Some(Reason::Ended);
    }
    let over = if entry.replaced { Reason::Superseded } else { Reason::Expired };
    (entry.expires_at <= now).then_some(over)
}

/// What is asked of a key that is known to be its own: the name of its org if it may. `served` are the services of whoever
/// asks, if that matters.
fn stands(
    app: &App,
    served: Option<ServiceSet>,
    (ask, kind): (&Ask<'_>, KeyKind),
    (entry, profile): (&KeyEntry, &Profile),
    now: Timestamp,
) -> Result<Arc<str>, Reason> {
    if let Some(reason) = dead(entry, now) {
        return Err(reason);
    }
    if profile.stale_at <= now {
        return Err(Reason::ReauthRequired);
    }
    let question = Question::read(&app.catalogue, ask.service, ask.action, ask.entity_type, ask.entity)?;
    if served.is_some_and(|served| !served.has(question.service())) {
        return Err(Reason::ServiceNotYours);
    }
    let org = profile.org.facts.load();
    if kind == KeyKind::Legacy && !org.legacy {
        return Err(Reason::LegacyOff);
    }
    decide(&question, &entry.grants, profile.holder(), &org.facts())?;
    if kind == KeyKind::Service && ask.operation.is_some_and(|operation| question.denies(operation)) {
        return Err(Reason::OperationDenied);
    }
    // A right scope is not enough for what is restricted to those who have subscribed.
    if !unlocked(&app.catalogue, question.service(), ask.labels, org.enabled) {
        return Err(Reason::NotEntitled);
    }
    Ok(Arc::clone(&org.name))
}

/// Answers from rows read now, and keeps them.
async fn check_in_database(app: &App, sight: Sight, ask: &Ask<'_>, now: Timestamp) -> Result<Verdict, DbError> {
    let Some((kid, kind)) = well_formed(ask.key) else { return Ok(Verdict::Denied(Reason::Malformed)) };
    // The memory that stands before the read: what is read is never kept in one that was begun after it.
    let memory = Arc::clone(&app.memory());
    let mut conn = app.db.read().await?;
    let Some((row, entry, profile)) = read_key(app, &memory, &mut conn, &kid, now).await? else {
        // The same work as for a key that exists, so that the time tells nothing.
        let _never = app.peppers.verify(&app.peppers.mac(""), ask.key);
        return Ok(Verdict::Denied(Reason::UnknownKey));
    };
    let elsewhere = match kind {
        KeyKind::Legacy => holder::elsewhere(app, &memory, &mut conn, (ask, &row, &profile), now).await?,
        KeyKind::Personal | KeyKind::Service => None,
    };
    drop(conn);
    let verdict = match &elsewhere {
        // What has ended at home has ended everywhere.
        Some((there, profile)) if dead(&entry, now).is_none() => judge(app, sight, (ask, kind), there, profile, now),
        Some(_) | None => judge(app, sight, (ask, kind), &entry, &profile, now),
    };
    if matches!(verdict, Verdict::Allowed(_)) {
        entry.note_use(now);
    }
    app.pause.at(Point::CacheFill).await;
    memory.keep_key(kid, entry);
    Ok(verdict)
}

/// Whether the text is a key that works for something: it is told from a wrong one where no key is of any use.
///
/// # Errors
/// The database's.
pub async fn is_living(app: &App, text: &str, now: Timestamp) -> Result<bool, DbError> {
    let Some((kid, _)) = well_formed(text) else { return Ok(false) };
    let memory = Arc::clone(&app.memory());
    let read = read_key(app, &memory, &mut app.db.read().await?, &kid, now).await?;
    Ok(read.is_some_and(|(_, entry, _)| app.peppers.verify(&entry.mac, text) && dead(&entry, now).is_none()))
}

/// A key's row with what a verdict on it needs, read now.
async fn read_key(
    app: &App,
    memory: &Memory,
    conn: &mut Conn,
    kid: &Kid,
    now: Timestamp,
) -> Result<Option<(Resident, KeyEntry, Arc<Profile>)>, DbError> {
    let Some(row) = secret::resident(conn, kid.as_str()).await? else { return Ok(None) };
    let Some((holder, profile)) = holder::load(app, memory, conn, &row, now).await? else { return Ok(None) };
    Ok(entry(app, memory, &row, holder).map(|entry| (row, entry, profile)))
}
