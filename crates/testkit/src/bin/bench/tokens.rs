//! Tokens: what they cost here, and beside the certified provider of npm in the same run.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cardea_testkit::world::{PORTAL_SECRET, state};
use cardea_testkit::{Browser, Engine};
use cardea_tokens::hash::{base64url, sha256};
use cardea_tokens::jose::{Algorithm, SigningKey};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;
use url::Url;

use crate::checks::Checks;
use crate::loader::{self, Connection, Script};
use crate::process::{Child, Meter, Used};
use crate::report::{Mark, Report, float, median, rounded};
use crate::scene::{KEYS_A_MEMBER, Scene};

const CONNECTIONS: usize = 32;
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(3);
/// So many keys are asked for in one request.
const BATCH: usize = 100;
const FLOWS: usize = 8;
const SECRET: &str = "secret-of-the-benchmark";
const CALLBACK: &str = "https://web.example/cb";
const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more-0";

/// Measures.
pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    mint(report)?;
    let scene = Scene::new(Engine::Sqlite, 1_000 / KEYS_A_MEMBER).await?;
    declare(&scene).await?;
    let ours = scene.serve("tokens")?;
    let peer = peer()?;
    batch(report, &ours, &scene.keys).await?;
    let (at_ours, at_peer) = (Paths::OURS, Paths::PEER);
    let own = form(at_ours.token, "robot", "grant_type=client_credentials");
    let issued = cost(&ours, Same::of(own, b"access_token")).await?;
    report.figure("client_credentials_cpu", "us", issued, Mark::AtMost(44.0), &json!({"signed": "ES256"}));
    introspection(report, (&ours, &at_ours), (&peer, &at_peer), &scene.keys).await?;
    for (figure, client, least) in [("code_flow_es256", "small", 3.0), ("code_flow_rs256", "web", 1.5)] {
        let sides = [Flows::sign_in(&ours, &at_ours, client).await?, Flows::sign_in(&peer, &at_peer, client).await?];
        let mut ratios = Vec::new();
        let mut last = [0.0, 0.0];
        for _ in 0..ROUNDS {
            for (side, last) in sides.iter().zip(&mut last) {
                *last = side.round().await?;
            }
            ratios.push(last[1] / last[0]);
        }
        let details =
            json!({"at_once": FLOWS, "rounds": ROUNDS, "ours_us": rounded(last[0]), "peer_us": rounded(last[1])});
        report.figure(figure, "ratio", median(ratios), Mark::AtLeast(least), &details);
    }
    Ok(())
}

/// Where things are.
struct Paths {
    authorize: &'static str,
    token: &'static str,
    introspect: &'static str,
}

impl Paths {
    const OURS: Self =
        Self { authorize: "/oauth2/authorize", token: "/oauth2/token", introspect: "/oauth2/introspect" };
    const PEER: Self = Self { authorize: "/auth", token: "/token", introspect: "/token/introspection" };
}

/// A signature with everything around it, of a key that was read once.
fn mint(report: &mut Report) -> Result<()> {
    let key = SigningKey::read(Algorithm::Es256, &SigningKey::generate(Algorithm::Es256)?)?;
    let payload =
        json!({"iss": "https://cardea.example", "sub": "app", "aud": "https://store.example", "exp": 1, "iat": 1,
        "jti": "0123456789ab", "client_id": "app", "scope": "catalog registry"})
        .to_string();
    let mut rounds = Vec::new();
    for _ in 0..9 {
        let began = Instant::now();
        for _ in 0..1_000 {
            ensure!(key.token("at+jwt", &payload)?.len() > 100, "no token");
        }
        rounds.push(began.elapsed().as_secs_f64() * 1e6 / 1e3);
    }
    report.figure("mint_es256", "us", median(rounds), Mark::AtMost(20.0), &json!({"payload_bytes": payload.len()}));
    Ok(())
}

async fn declare(scene: &Scene) -> Result<()> {
    let mut whole = state(scene.world.provider.issuer());
    let web = |id: &str, algorithm: &str| {
        json!({"client_id": id, "name": id, "secret": SECRET, "redirect_uris": [CALLBACK], "grants": ["authorization_code"],
            "id_token_alg": algorithm})
    };
    let robot = |id: &str, format: &str| {
        json!({"client_id": id, "name": id, "secret": SECRET, "grants": ["client_credentials"],
            "services": ["registry"], "token_format": format})
    };
    let clients = whole.pointer_mut("/clients").and_then(Value::as_array_mut).context("clients")?;
    clients.extend([web("web", "RS256"), web("small", "ES256"), robot("robot", "jwt"), robot("app", "opaque")]);
    let builder = cardea_testkit::NodeBuilder::default().on_real_time();
    let node = builder.start(&scene.world.database).await?;
    node.apply(whole).await?;
    node.stop().await;
    Ok(())
}

/// `oidc-provider` of npm, in memory, on the core of the servers.
fn peer() -> Result<Child> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/peers/token-server.mjs");
    Child::of("node", &[folder, CALLBACK, SECRET], &Value::Null).context("node is needed: run scripts/setup.sh test")
}

fn basic(client: &str, secret: &str) -> String {
    format!("authorization: Basic {}\r\n", STANDARD.encode(format!("{client}:{secret}")))
}

fn form(path: &str, client: &str, body: &str) -> Vec<u8> {
    let secret = if client == "portal" { PORTAL_SECRET } else { SECRET };
    let headers = format!("{}content-type: application/x-www-form-urlencoded\r\n", basic(client, secret));
    loader::request("POST", path, &headers, body).into_bytes()
}

/// The same request over and over; each answer has to be a good one.
struct Same {
    request: Vec<u8>,
    says: &'static [u8],
}

impl Same {
    fn of(request: Vec<u8>, says: &'static [u8]) -> Arc<Self> {
        Arc::new(Self { request, says })
    }
}

impl Script for Same {
    fn write(&self, _: usize, request: &mut Vec<u8>) -> bool {
        request.extend_from_slice(&self.request);
        true
    }

    fn read(&self, _: usize, status: u16, body: &[u8]) -> Result<()> {
        let said = String::from_utf8_lossy(body);
        ensure!(
            status == 200 && body.windows(self.says.len()).any(|part| part == self.says),
            "it said {status} {said}"
        );
        Ok(())
    }
}

/// Microseconds of processor time a request, the median of some rounds.
async fn cost(child: &Child, script: Arc<impl Script>) -> Result<f64> {
    loader::run(child.address, CONNECTIONS, Duration::from_secs(1), Arc::clone(&script)).await?;
    let mut costs = Vec::new();
    for _ in 0..ROUNDS {
        let meter = Meter::start(child)?;
        let answered = loader::run(child.address, CONNECTIONS, ROUND, Arc::clone(&script)).await?;
        costs.push(1e6 * meter.stop()?.server / float(answered));
    }
    Ok(median(costs))
}

async fn batch(report: &mut Report, ours: &Child, keys: &[String]) -> Result<()> {
    let question = |key: &String| {
        json!({"key": key, "service": "registry", "action": "download_container",
        "entity_type": "container", "entity": "acme/app"})
    };
    let body = json!({"checks": keys.iter().take(BATCH).map(question).collect::<Vec<_>>()}).to_string();
    let headers = format!("{}content-type: application/json\r\n", basic("portal", PORTAL_SECRET));
    let request = loader::request("POST", "/api/v1/keys/check/batch", &headers, &body).into_bytes();
    let each = cost(ours, Same::of(request, b"\"allowed\":true")).await? / float(BATCH);
    report.figure("key_check_batch", "us", each, Mark::AtMost(2.0), &json!({"keys": BATCH}));
    Ok(())
}

/// The check of a key beside the peer's introspection of an opaque token, which is what it has for that, and ours.
async fn introspection(
    report: &mut Report,
    (ours, at_ours): (&Child, &Paths),
    (peer, at_peer): (&Child, &Paths),
    keys: &[String],
) -> Result<()> {
    let checks = Arc::new(Checks::new(Arc::new(keys.to_vec()))?);
    let here = introspect(ours, at_ours, ("app", "portal")).await?;
    let there = introspect(peer, at_peer, ("web", "web")).await?;
    let mut sides = Vec::new();
    for _ in 0..ROUNDS {
        sides.push((cost(ours, Arc::clone(&checks)).await?, cost(peer, Arc::clone(&there)).await?));
    }
    let (check, peer_cost) =
        (median(sides.iter().map(|side| side.0).collect()), median(sides.iter().map(|side| side.1).collect()));
    let ratio = median(sides.iter().map(|(check, peer)| peer / check).collect());
    let details = json!({"check_us": rounded(check), "peer_us": rounded(peer_cost), "connections": CONNECTIONS});
    report.figure("key_check_beside_introspection", "ratio", ratio, Mark::AtLeast(12.0), &details);
    let own = cost(ours, here).await?;
    report.figure("introspection", "ratio", peer_cost / own, Mark::None, &json!({"ours_us": rounded(own)}));
    Ok(())
}

/// Introspection of a token that `holder` is given, by `reader`.
async fn introspect(child: &Child, paths: &Paths, (holder, reader): (&str, &str)) -> Result<Arc<Same>> {
    let mut connection = Connection::open(child.address).await?;
    connection.request = form(paths.token, holder, "grant_type=client_credentials");
    let (status, body) = connection.exchange().await?;
    let given: Value = serde_json::from_slice(body).with_context(|| format!("no token: {status}"))?;
    let token = given.get("access_token").and_then(Value::as_str).context("no token")?;
    Ok(Same::of(form(paths.introspect, reader, &format!("token={token}")), b"\"active\":true"))
}

/// People with a living session go from the service to the provider and back with a code, which becomes tokens.
struct Flows<'a> {
    child: &'a Child,
    authorize: Arc<[u8]>,
    token: &'static str,
    client: &'static str,
}

impl<'a> Flows<'a> {
    async fn sign_in(child: &'a Child, paths: &Paths, client: &'static str) -> Result<Self> {
        let mut address = Url::parse(&child.url())?.join(paths.authorize)?;
        let challenge = base64url(&sha256(VERIFIER.as_bytes()));
        address.query_pairs_mut().extend_pairs([
            ("client_id", client),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid profile email"),
            ("state", "state"),
            ("nonce", "nonce"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let browser = Browser::new(&child.url())?;
        if paths.token == Paths::OURS.token {
            browser.sign_in("okta", "ana").await?;
        }
        let mut next = address.clone();
        while !next.as_str().starts_with(CALLBACK) {
            let answer = browser.get(next.as_str()).await?;
            ensure!((300..400).contains(&answer.status), "{next}: {} {}", answer.status, answer.body);
            next = next.join(answer.header("location"))?;
        }
        let path = format!("{}?{}", address.path(), address.query().unwrap_or_default());
        let headers = format!("cookie: {}\r\n", browser.cookies()?);
        let authorize = loader::request("GET", &path, &headers, "").into_bytes().into();
        Ok(Self { child, authorize, token: paths.token, client })
    }

    /// Microseconds of processor time a flow.
    async fn round(&self) -> Result<f64> {
        let meter = Meter::start(self.child)?;
        let end = Instant::now() + ROUND;
        let mut tasks = JoinSet::new();
        for _ in 0..FLOWS {
            let (address, authorize) = (self.child.address, Arc::clone(&self.authorize));
            tasks.spawn(flows(address, authorize, (self.token, self.client), end));
        }
        let mut done = 0;
        while let Some(task) = tasks.join_next().await {
            done += task??;
        }
        let used: Used = meter.stop()?;
        Ok(1e6 * used.server / float(done))
    }
}

async fn flows(address: SocketAddr, authorize: Arc<[u8]>, (path, client): (&str, &str), end: Instant) -> Result<usize> {
    let mut connection = Connection::open(address).await?;
    let mut done = 0;
    while Instant::now() < end {
        connection.request.clear();
        connection.request.extend_from_slice(&authorize);
        let (status, _) = connection.exchange().await?;
        let back = Url::parse(connection.header("location").with_context(|| format!("no way back: {status}"))?)?;
        let code = back.query_pairs().find(|(name, _)| name == "code").context("no code")?.1.into_owned();
        let body = format!(
            "grant_type=authorization_code&redirect_uri=https%3A%2F%2Fweb.example%2Fcb&code_verifier={VERIFIER}&code={code}"
        );
        connection.request = form(path, client, &body);
        let (status, body) = connection.exchange().await?;
        ensure!(status == 200, "no tokens: {status} {}", String::from_utf8_lossy(body));
        done += 1;
    }
    Ok(done)
}
