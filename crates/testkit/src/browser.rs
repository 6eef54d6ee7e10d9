//! A browser: a cookie jar that follows no redirect by itself, so that a story sees each step.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use reqwest::cookie::{CookieStore as _, Jar};
use reqwest::{Client, Method, RequestBuilder, StatusCode, redirect};
use serde_json::{Value, json};
use url::Url;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// A header's text, empty if absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The stable code of a problem.
    #[must_use]
    pub fn code(&self) -> String {
        self.json().get("code").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Reads a response whole.
    ///
    /// # Errors
    /// The connection's.
    pub async fn read(response: reqwest::Response) -> Result<Self> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Self { status, headers, body: response.text().await? })
    }
}

/// A key that was made.
#[derive(Clone, Debug)]
pub struct MadeKey {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

/// A person at a computer.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    jar: Arc<Jar>,
    base: String,
}

impl Browser {
    /// A fresh browser in front of the node at `base`.
    ///
    /// # Errors
    /// The client cannot be built.
    pub fn new(base: &str) -> Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "a browser is the other side, not our way out")]
        let builder = Client::builder();
        let jar = Arc::new(Jar::default());
        let client = builder.cookie_provider(Arc::clone(&jar)).redirect(redirect::Policy::none()).no_proxy().build()?;
        Ok(Self { client, jar, base: base.to_owned() })
    }

    /// The same browser in front of another node: cookies are for the host, whatever its port.
    #[must_use]
    pub fn at(&self, base: &str) -> Self {
        Self { client: self.client.clone(), jar: Arc::clone(&self.jar), base: base.to_owned() }
    }

    /// The value of a cookie of ours.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn cookie(&self, name: &str) -> Result<String> {
        let header = self.cookies()?;
        let pairs = header.split("; ").filter_map(|pair| pair.split_once('='));
        let value = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next();
        value.with_context(|| format!("no cookie `{name}`"))
    }

    /// All cookies for this node, as a request carries them.
    ///
    /// # Errors
    /// There are none.
    pub fn cookies(&self) -> Result<String> {
        Ok(self.jar.cookies(&Url::parse(&self.base)?).context("no cookies")?.to_str()?.to_owned())
    }

    /// A request to a path of ours or a whole address.
    pub fn request(&self, method: Method, address: &str) -> RequestBuilder {
        let whole = if address.starts_with('/') { format!("{}{address}", self.base) } else { address.to_owned() };
        self.client.request(method, whole)
    }

    /// GET.
    ///
    /// # Errors
    /// The connection's.
    pub async fn get(&self, address: &str) -> Result<Answer> {
        Answer::read(self.request(Method::GET, address).send().await?).await
    }

    /// A JSON request.
    ///
    /// # Errors
    /// The connection's.
    pub async fn send(&self, method: Method, address: &str, body: &Value) -> Result<Answer> {
        Answer::read(self.request(method, address).json(body).send().await?).await
    }

    /// A form as a page posts it.
    ///
    /// # Errors
    /// The connection's.
    pub async fn post_form(&self, address: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        Answer::read(self.request(Method::POST, address).form(fields).send().await?).await
    }

    /// Follows redirects from an answer, choosing `person` at the simulated provider, until a page of ours is reached or
    /// the address starts with `stop_at`; returns where it ended.
    ///
    /// # Errors
    /// More than ten steps, or the connection's.
    pub async fn follow(&self, mut answer: Answer, person: &str, stop_at: Option<&str>) -> Result<(String, Answer)> {
        let mut address = self.base.clone();
        for _ in 0..10 {
            if !StatusCode::from_u16(answer.status)?.is_redirection() {
                return Ok((address, answer));
            }
            let mut next = Url::parse(&self.base)?.join(answer.header("location"))?;
            if next.path().ends_with("/authorize") {
                next.query_pairs_mut().append_pair("simulate_user", person);
            }
            address = next.to_string();
            if stop_at.is_some_and(|stop| next.path().starts_with(stop)) {
                return Ok((address, answer));
            }
            answer = self.get(&address).await?;
        }
        anyhow::bail!("more than ten redirects, the last to {address}")
    }

    /// Signs in through a connection as a simulated person; the last answer tells how it ended.
    ///
    /// # Errors
    /// The connection's.
    pub async fn sign_in(&self, connection: &str, person: &str) -> Result<Answer> {
        let begun = self.get(&format!("/login/{connection}?return_to=/api/v1/me")).await?;
        Ok(self.follow(begun, person, None).await?.1)
    }

    /// Makes a key that expires in 30 days.
    ///
    /// # Errors
    /// It was not made.
    pub async fn make_key(&self, name: &str, services: &[&str]) -> Result<MadeKey> {
        let body = json!({"name": name, "expires_in": "30d", "services": services});
        let made = self.send(Method::POST, "/api/v1/me/keys", &body).await?;
        ensure!(made.status == 201, "the key was not made: {} {}", made.status, made.body);
        let json = made.json();
        let text =
            |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned).context("a made key lacks a member");
        Ok(MadeKey { id: text("id")?, secret: text("secret")? })
    }
}
