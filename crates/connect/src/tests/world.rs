//! A provider, a connection to it, a browser and a clock, in one process.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use cardea_model::{Clock, Random, Timestamp};
use cardea_simulate::oidc::{Algorithm, OidcProvider, ProviderSettings};
use http::Request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;

use crate::*;

/// A clock that moves when a test says so.
pub(crate) struct ManualClock(AtomicI64);

impl ManualClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_795_255_200_000_000)))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::SeqCst).unsigned_abs())
    }
}

/// Bytes that differ each time; a test needs no more.
#[derive(Default)]
pub(crate) struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&next.to_be_bytes()[..chunk.len()]);
        }
    }
}

/// A policy for peers on this machine.
pub(crate) fn loopback() -> OutboundPolicy {
    OutboundPolicy {
        allow: vec!["127.0.0.0/8".parse().unwrap()],
        allow_plain_http_loopback: true,
        total_timeout: Duration::from_millis(800),
        ..OutboundPolicy::default()
    }
}

/// A server that answers each connection with what the test says, and counts them.
pub(crate) struct Peer {
    pub(crate) port: u16,
    connections: Arc<AtomicUsize>,
}

impl Peer {
    /// `answer` makes the raw answer; nothing keeps the connection open without one.
    pub(crate) async fn start(answer: impl Fn() -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let (count, answer) = (Arc::clone(&connections), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let answer = Arc::clone(&answer);
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    let _ = stream.read(&mut request).await;
                    match answer() {
                        Some(bytes) => drop(stream.write_all(&bytes).await),
                        None => std::future::pending().await,
                    }
                });
            }
        });
        Self { port, connections }
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        format!("http://127.0.0.1:{}{path}", self.port).parse().unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// A raw answer with a body.
pub(crate) fn raw(status: &str, headers: &str, body: &str) -> Option<Vec<u8>> {
    let length = body.len();
    Some(
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
            .into_bytes(),
    )
}

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) provider: OidcProvider,
    pub(crate) outside: Outside,
    pub(crate) settings: OidcSettings,
    random: Counting,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut ProviderSettings)) -> Self {
        let clock = ManualClock::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let providers = Arc::clone(&clock);
        let now = Arc::new(move || providers.now().as_seconds());
        let mut provider = ProviderSettings::new(&issuer, "gw", "s3cr%t: ä", now);
        provider.algorithm = Algorithm::Es256;
        change(&mut provider);
        let settings = OidcSettings {
            connection: "okta".into(),
            issuer: provider.issuer.clone(),
            client_id: "gw".into(),
            client_secret: Some("s3cr%t: ä".into()),
            token_auth: TokenAuth::Basic,
            assertion: None,
            answers: Answers::Query,
            scopes: ["openid", "profile", "email"].map(str::to_owned).into(),
            redirect_uri: "http://127.0.0.1:8700/oidc/okta/callback".into(),
            groups: GroupsClaim { claim: Some("groups".into()), ..GroupsClaim::default() },
            claims: Vec::new(),
            subject_claim: "sub".into(),
        };
        provider.redirect_uris.push(settings.redirect_uri.clone());
        let provider = OidcProvider::start(listener, provider).await.unwrap();
        let fetch = Fetch::new(loopback()).unwrap();
        let outside = Outside::new(fetch, clock.clone());
        Self { clock, provider, outside, settings, random: Counting::default() }
    }

    pub(crate) fn connector(&self) -> Connector {
        Connector::Oidc(Box::new(OidcConnector::new(self.settings.clone(), self.outside.clone())))
    }

    /// The browser's part: departs, signs in as `person`, comes back.
    pub(crate) async fn visit(&self, person: &str) -> Result<(Flow, Parameters), ConnectError> {
        let flow = Flow::fresh(&self.random);
        let mut url = self.depart(&flow).await?;
        url.query_pairs_mut().append_pair("simulate_user", person);
        Ok((flow, self.browse(&url).await))
    }

    /// Where the browser goes.
    pub(crate) async fn depart(&self, flow: &Flow) -> Result<Url, ConnectError> {
        match self.connector().begin(flow, self.clock.now()).await? {
            Departure::Redirect(url) => Ok(url),
            Departure::Post { to, .. } => panic!("a form for {to}"),
        }
    }

    async fn browse(&self, url: &Url) -> Parameters {
        let request = Request::get(url.as_str()).body(Vec::new()).unwrap();
        let answer = self.outside.fetch.send(request).await.unwrap();
        let text = String::from_utf8_lossy(answer.body());
        let location = answer.headers().get("location").unwrap_or_else(|| panic!("no redirect: {text}"));
        let location = Url::parse(location.to_str().unwrap()).unwrap();
        Parameters(location.query_pairs().into_owned().collect())
    }

    pub(crate) async fn finish(&self, flow: &Flow, arrival: Parameters) -> Result<Identity, ConnectError> {
        self.connector().finish(flow, Arrival::Parameters(arrival), self.clock.now()).await
    }

    /// One whole sign-in.
    pub(crate) async fn sign_in(&self, person: &str) -> Result<Identity, ConnectError> {
        let (flow, arrival) = self.visit(person).await?;
        self.finish(&flow, arrival).await
    }

    /// One whole sign-in of `ana`: nothing, or the reason why not.
    pub(crate) async fn verdict(&self) -> Result<(), &'static str> {
        self.sign_in("ana").await.map(drop).map_err(|error| error.reason())
    }
}
