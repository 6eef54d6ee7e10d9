//! The client: what it needs, what it asks, what can go wrong.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::{RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};
use url::{Host, Url, form_urlencoded};

use crate::following;
use crate::memory::{Limits, Memory};
use crate::question::{Answer, Asked, Keep, Question, Verdict};

/// The largest answer, in bytes: ours have a few hundred.
const LARGEST: usize = 64 << 10;

/// The gateway closes a connection that says nothing for ten seconds: before that, nobody begins on it any more.
const IDLE: Duration = Duration::from_secs(8);

/// What a client needs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the gateway is: `https`, or `http` on loopback.
    pub url: String,
    /// The client's id at the gateway; it must be a resource server.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How many answers are remembered at the most; 0 for none, and then the feed is not followed.
    pub most_entries: usize,
    /// How much memory they may take, in bytes.
    pub most_bytes: usize,
}

impl Settings {
    /// Five seconds for an answer, and 10,000 of them in at most 16 MiB.
    #[must_use]
    pub fn new(url: &str, client_id: &str, client_secret: &str) -> Self {
        Self {
            url: url.to_owned(),
            client_id: client_id.to_owned(),
            client_secret: client_secret.into(),
            timeout: Duration::from_secs(5),
            most_entries: 10_000,
            most_bytes: 16 << 20,
        }
    }
}

/// Why there is no client, or no answer. None of them means that a key may do anything.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The secret and every key would go over the line as they are.
    #[error("the gateway's address must begin with https://, or with http:// on loopback")]
    Address,
    /// A client is made within a tokio runtime, which follows the feed for it.
    #[error("no tokio runtime runs here")]
    NoRuntime,
    /// There is no way to speak HTTP.
    #[error("the HTTP client could not be built")]
    Http(#[source] reqwest::Error),
    /// The gateway knows no such client and secret (401).
    #[error("the gateway does not take these credentials")]
    Credentials,
    /// The client may not check keys (403).
    #[error("the gateway says that this client is no resource server")]
    NotAResourceServer,
    /// The gateway does not take the question (any other 4xx): too long, or with too many labels.
    #[error("the gateway does not take the question: it answered {0}")]
    Question(u16),
    /// The gateway cannot answer now (503 and the like); ask again.
    #[error("the gateway cannot answer now: it answered {0}")]
    Unavailable(u16),
    /// No answer came in time; ask again.
    #[error("the gateway did not answer in time")]
    TimedOut,
    /// The gateway was not reached, or the line was cut; ask again.
    #[error("the gateway was not reached")]
    Unreached(#[source] reqwest::Error),
    /// What came is no answer.
    #[error("what came from the gateway is no answer")]
    Unreadable,
}

/// Asks the gateway. Cheap to clone; a process needs one.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    /// Nothing where nothing is remembered.
    following: Option<AbortHandle>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(following) = &self.following {
            following.abort();
        }
    }
}

/// What the client and the follower of the feed have in common.
pub(crate) struct Shared {
    http: reqwest::Client,
    base: Url,
    id: String,
    secret: SecretString,
    pub(crate) timeout: Duration,
    memory: Mutex<Memory>,
    /// Moved whenever a word of the feed was heard.
    pub(crate) heard: watch::Sender<u64>,
}

impl Client {
    /// A client that begins to follow the feed, and does so until it is dropped.
    ///
    /// # Errors
    /// [`ClientError::Address`], [`ClientError::NoRuntime`] or [`ClientError::Http`].
    pub fn new(settings: Settings) -> Result<Self, ClientError> {
        let base = Url::parse(&settings.url).ok().filter(is_safe).ok_or(ClientError::Address)?;
        let runtime = Handle::try_current().map_err(|_| ClientError::NoRuntime)?;
        #[expect(clippy::disallowed_methods, reason = "this is for other programs; theirs go to their gateway")]
        let http = reqwest::Client::builder()
            .connect_timeout(settings.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .pool_idle_timeout(IDLE)
            .build()
            .map_err(ClientError::Http)?;
        let limits = Limits { entries: settings.most_entries, bytes: settings.most_bytes };
        let shared = Arc::new(Shared {
            http,
            base,
            // Both are form-encoded before they are joined (RFC 6749 §2.3.1).
            id: encoded(&settings.client_id),
            secret: encoded(settings.client_secret.expose_secret()).into(),
            timeout: settings.timeout,
            memory: Mutex::new(Memory::new(limits)),
            heard: watch::Sender::new(0),
        });
        let following =
            (limits.entries > 0).then(|| runtime.spawn(following::follow(Arc::clone(&shared))).abort_handle());
        Ok(Self(Arc::new(Inner { shared, following })))
    }

    /// May this key do this? Answered from memory where that may be trusted; else the gateway is asked.
    ///
    /// # Errors
    /// Whatever keeps the gateway from answering; treat it as a no that may be asked again.
    pub async fn check(&self, question: &Question<'_>) -> Result<Verdict, ClientError> {
        let (shared, digest) = (&self.0.shared, question.digest());
        let sent = {
            let (mut memory, now) = (shared.memory(), Instant::now());
            if let Some(verdict) = memory.look(&digest, now) {
                return Ok(verdict);
            }
            memory.sending(now)
        };
        let asking = shared.ask(question, self.0.following.is_some());
        let (verdict, keep) = timeout(shared.timeout, asking).await.map_err(|_| ClientError::TimedOut)??;
        if let Some(keep) = keep {
            shared.memory().keep(&digest, sent, keep, &verdict);
        }
        Ok(verdict)
    }

    /// Whether answers may come from memory now: the feed was heard within the gateway's bound.
    #[must_use]
    pub fn is_following(&self) -> bool {
        self.0.shared.memory().is_trusted(Instant::now())
    }

    /// Waits until the feed is heard; for ever where nothing is to be remembered.
    pub async fn followed(&self) {
        let mut heard = self.0.shared.heard.subscribe();
        while !self.is_following() {
            // The sender lives as long as `self`.
            let _more = heard.changed().await;
        }
    }
}

impl Shared {
    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request to the feed.
    pub(crate) fn feed(&self) -> RequestBuilder {
        self.prove(self.http.get(self.at("/api/v1/keys/feed")))
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url
    }

    fn prove(&self, request: RequestBuilder) -> RequestBuilder {
        request.basic_auth(&self.id, Some(self.secret.expose_secret()))
    }

    async fn ask(&self, question: &Question<'_>, keep: bool) -> Result<(Verdict, Option<Keep>), ClientError> {
        let body = serde_json::to_vec(&Asked { question, keep }).map_err(|_| ClientError::Unreadable)?;
        let request = self.prove(self.http.post(self.at("/api/v1/keys/check")));
        let request = request.header(reqwest::header::CONTENT_TYPE, "application/json").body(body);
        let response = request.send().await.map_err(ClientError::Unreached)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => return Err(ClientError::Credentials),
            StatusCode::FORBIDDEN => return Err(ClientError::NotAResourceServer),
            // Those that say "later".
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                return Err(ClientError::Unavailable(response.status().as_u16()));
            }
            status if status.is_client_error() => return Err(ClientError::Question(status.as_u16())),
            status => return Err(ClientError::Unavailable(status.as_u16())),
        }
        let answer: Answer = serde_json::from_slice(&body_of(response).await?).map_err(|_| ClientError::Unreadable)?;
        answer.read().ok_or(ClientError::Unreadable)
    }
}

async fn body_of(mut response: Response) -> Result<Vec<u8>, ClientError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(ClientError::Unreached)? {
        body.extend_from_slice(&piece);
        if body.len() > LARGEST {
            return Err(ClientError::Unreadable);
        }
    }
    Ok(body)
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Whether nobody on the way can listen.
fn is_safe(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    };
    url.scheme() == "https" || url.scheme() == "http" && is_loopback
}

#[cfg(test)]
mod tests;
