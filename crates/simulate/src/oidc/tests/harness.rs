//! A relying party with a browser's manners, a provider on a free port, and a clock in hand.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::{Client, Method, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use url::{Url, form_urlencoded};

use super::super::{Algorithm, OidcProvider, ProviderSettings};

pub(super) const CALLBACK: &str = "http://127.0.0.1:9/oidc/okta/callback";
pub(super) const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-1";
pub(super) const NONCE: &str = "n-0S6_WzA2Mj";
pub(super) const STATE: &str = "af0ifjsldkj";
pub(super) const START: i64 = 1_800_000_000;

pub(super) struct Rp {
    pub(super) provider: OidcProvider,
    pub(super) base: String,
    pub(super) http: Client,
    clock: Arc<AtomicI64>,
}

/// A provider that signs with ES256, for its keys are made at once; tests of RSA say so.
pub(super) async fn start() -> Rp {
    start_with(|settings| settings.algorithm = Algorithm::Es256).await
}

pub(super) async fn start_with(change: impl FnOnce(&mut ProviderSettings)) -> Rp {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let clock = Arc::new(AtomicI64::new(START));
    let hand = clock.clone();
    let now = Arc::new(move || hand.load(Ordering::SeqCst));
    let mut settings = ProviderSettings::new(&base, "gw", "s3cret+/ &", now);
    settings.redirect_uris = vec![CALLBACK.to_owned()];
    change(&mut settings);
    let base = settings.issuer.trim_end_matches('/').to_owned();
    let provider = OidcProvider::start(listener, settings).await.unwrap();
    Rp { provider, base, http: client(), clock }
}

#[expect(clippy::disallowed_methods, reason = "a test's own client; simulators depend on nothing of ours")]
fn client() -> Client {
    Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

impl Rp {
    pub(super) fn advance(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(super) async fn get(&self, path: &str) -> Response {
        self.http.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    pub(super) async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await.text().await.unwrap()).unwrap()
    }

    /// The parameters of a good authorization request, with `changes` laid over; an empty value
    /// removes a parameter.
    pub(super) fn parameters(&self, changes: &[(&str, &str)]) -> Vec<(String, String)> {
        let challenge = challenge(VERIFIER);
        let good = [
            ("response_type", "code"),
            ("client_id", "gw"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid profile email groups"),
            ("state", STATE),
            ("nonce", NONCE),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let mut all: Vec<(String, String)> = Vec::new();
        for (name, value) in good.iter().chain(changes) {
            all.retain(|(present, _)| present != name);
            if !value.is_empty() {
                all.push(((*name).to_owned(), (*value).to_owned()));
            }
        }
        all
    }

    pub(super) async fn authorize(&self, changes: &[(&str, &str)]) -> Response {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(self.parameters(changes)).finish();
        self.get(&format!("/authorize?{query}")).await
    }

    /// The whole first half of a login, without a page.
    pub(super) async fn sign_in(&self, name: &str) -> Vec<(String, String)> {
        sent_back(&self.authorize(&[("simulate_user", name)]).await)
    }

    pub(super) async fn code_for(&self, name: &str) -> String {
        value(&self.sign_in(name).await, "code").unwrap()
    }

    pub(super) async fn post(&self, path: &str, authorization: Option<&str>, form: &[(&str, &str)]) -> Response {
        let mut request = self
            .http
            .request(Method::POST, format!("{}{path}", self.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(encoded(form));
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        request.send().await.unwrap()
    }

    pub(super) async fn bearer(&self, path: &str, token: &str) -> Response {
        let request = self.http.get(format!("{}{path}", self.base));
        request.header("authorization", format!("Bearer {token}")).send().await.unwrap()
    }

    /// A good redemption with `client_secret_basic`, with `changes` laid over the form.
    pub(super) async fn redeem(&self, code: &str, changes: &[(&str, &str)]) -> Response {
        let mut form: HashMap<&str, &str> = HashMap::from([
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ]);
        form.extend(changes.iter().copied());
        let form: Vec<(&str, &str)> = form.into_iter().filter(|(_, v)| !v.is_empty()).collect();
        self.post("/token", Some(&basic("gw", "s3cret+/ &")), &form).await
    }

    /// A whole login; the token response.
    pub(super) async fn tokens_of(&self, name: &str) -> Value {
        let response = self.redeem(&self.code_for(name).await, &[]).await;
        assert_eq!(response.status(), 200);
        body(response).await
    }
}

/// RFC 6749 §2.3.1: id and secret are form-encoded first.
pub(super) fn basic(id: &str, secret: &str) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
}

pub(super) async fn body(response: Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

/// The query of the redirect back.
pub(super) fn sent_back(response: &Response) -> Vec<(String, String)> {
    assert_eq!(response.status(), 303);
    let location = response.headers()["location"].to_str().unwrap();
    assert!(location.starts_with(CALLBACK), "{location}");
    Url::parse(location).unwrap().query_pairs().into_owned().collect()
}

pub(super) fn value(pairs: &[(String, String)], name: &str) -> Option<String> {
    pairs.iter().find(|(present, _)| present == name).map(|(_, value)| value.clone())
}
