//! The only HTTP client. Whatever an address that somebody else wrote may say, it reaches the public
//! internet by https on port 443 and nothing else, unless the operator lists the network.
//!
//! | guard | where |
//! |---|---|
//! | scheme, user info, port, host literal | [`Fetch::check`], before every request (a client asks no resolver for literals) |
//! | every address that a name resolves to | the resolver (`fetch/resolve.rs`); the connection uses exactly those, so a second look-up cannot differ |
//! | redirects, proxies | none |
//! | time | to connect, and in total |
//! | size | counted while reading |

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, Response};
use ipnet::IpNet;
use reqwest::{Client, ClientBuilder};
use url::{Host, Url};

mod address;
mod failure;
mod resolve;

pub use failure::{FetchError, Forbidden};
use resolve::{Lookup, Reach, Resolver};

/// What may be reached, and how long and how much it may take.
#[derive(Clone, Debug)]
pub struct OutboundPolicy {
    /// Networks that may be reached although they are private, on any port.
    pub allow: Vec<IpNet>,
    /// Whether `http:` will do for `localhost` and loopback addresses, which must be in `allow` too.
    pub allow_plain_http_loopback: bool,
    /// For name resolution, connection and TLS together.
    pub connect_timeout: Duration,
    /// For the whole exchange, the body included.
    pub total_timeout: Duration,
    /// The most bytes of a body.
    pub max_body: usize,
    /// Certificate authorities to trust besides those of the operating system, each in PEM.
    pub authorities: Vec<Vec<u8>>,
}

impl Default for OutboundPolicy {
    /// The public internet; 2 s to connect, 5 s in total, 1 MiB.
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            allow_plain_http_loopback: false,
            connect_timeout: Duration::from_secs(2),
            total_timeout: Duration::from_secs(5),
            max_body: 1024 * 1024,
            authorities: Vec::new(),
        }
    }
}

/// An answer, whatever its status; redirects are answers too.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Type`, as sent.
    pub content_type: Option<String>,
    /// `Cache-Control`, as sent.
    pub cache_control: Option<String>,
    /// The body, at most as long as the policy says.
    pub body: Vec<u8>,
}

impl Fetched {
    /// Whether the answer says that its body is JSON: `application/json` or a `+json` type.
    #[must_use]
    pub fn is_json(&self) -> bool {
        let essence = self.content_type.as_deref().and_then(|t| t.split(';').next()).unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
            || (essence.starts_with("application/") && essence.ends_with("+json"))
    }

    /// How long the answer may be remembered by its `Cache-Control` (RFC 9111 §5.2.2): at least 5 minutes, so that
    /// nobody can make us ask at every sign-in, at most a day; an hour if nothing is said.
    #[must_use]
    pub fn life(&self) -> Duration {
        const LEAST: u64 = 300;
        const MOST: u64 = 24 * 3600;
        let mut seconds = 3600;
        for directive in self.cache_control.as_deref().unwrap_or_default().split(',') {
            let directive = directive.trim().to_ascii_lowercase();
            if directive == "no-cache" || directive == "no-store" {
                return Duration::from_secs(LEAST);
            }
            if let Some(age) = directive.strip_prefix("max-age=").and_then(|age| age.trim_matches('"').parse().ok()) {
                seconds = age;
            }
        }
        Duration::from_secs(seconds.clamp(LEAST, MOST))
    }
}

/// The HTTP client; clones share their connections.
#[derive(Clone)]
pub struct Fetch(Arc<Parts>);

struct Parts {
    policy: OutboundPolicy,
    /// For port 443: names may resolve to public addresses and to listed ones.
    usual: Client,
    /// For every other port: names must resolve to listed addresses.
    listed: Client,
}

impl std::fmt::Debug for Fetch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Fetch").field(&self.0.policy).finish()
    }
}

impl Fetch {
    /// A client under this policy, which asks the operating system's resolver.
    ///
    /// # Errors
    /// [`FetchError::Setup`] if an authority is not a certificate in PEM.
    pub fn new(policy: OutboundPolicy) -> Result<Self, FetchError> {
        Self::with_lookup(policy, &Lookup::System)
    }

    pub(crate) fn with_lookup(policy: OutboundPolicy, lookup: &Lookup) -> Result<Self, FetchError> {
        let client = |reach| client(&policy, Resolver::new(policy.allow.clone(), reach, lookup.clone()));
        let (usual, listed) = (client(Reach::Public)?, client(Reach::Listed)?);
        Ok(Self(Arc::new(Parts { policy, usual, listed })))
    }

    /// Whether plain http to this machine itself is allowed.
    #[must_use]
    pub fn allows_plain_http(&self) -> bool {
        self.0.policy.allow_plain_http_loopback
    }

    /// Whether this address may be asked, as far as can be said without resolving its name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, url: &Url) -> Result<(), Forbidden> {
        let policy = &self.0.policy;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Forbidden::UserInfo);
        }
        let literal = match url.host().ok_or(Forbidden::Host)? {
            Host::Ipv4(ip) => Some(IpAddr::V4(ip)),
            Host::Ipv6(ip) => Some(IpAddr::V6(ip)),
            Host::Domain(_) => None,
        };
        let loopback = literal.map_or(url.host_str() == Some("localhost"), |ip| ip.is_loopback());
        match url.scheme() {
            "https" => {}
            "http" if loopback && policy.allow_plain_http_loopback => {}
            "http" => return Err(Forbidden::PlainHttp),
            _ => return Err(Forbidden::Scheme),
        }
        let Some(ip) = literal else { return Ok(()) };
        match reach(url) {
            _ if address::is_listed(ip, &policy.allow) => Ok(()),
            Reach::Public if address::is_public(ip) => Ok(()),
            Reach::Listed if address::is_public(ip) => Err(Forbidden::Port),
            Reach::Public | Reach::Listed => Err(Forbidden::Address(ip)),
        }
    }

    /// Asks for a document. `accept` is the header's value.
    ///
    /// # Errors
    /// See [`FetchError`]; any status is an answer, no error.
    pub async fn get(&self, url: &Url, accept: &'static str) -> Result<Fetched, FetchError> {
        self.exchange(Method::GET, url, &[(ACCEPT.as_str(), accept)], Vec::new()).await
    }

    /// Asks for a document with a bearer token (RFC 6750 §2.1).
    ///
    /// # Errors
    /// See [`FetchError`]; a token that no header can carry is [`FetchError::Request`].
    pub async fn get_as(&self, url: &Url, accept: &'static str, token: &str) -> Result<Fetched, FetchError> {
        let bearer = format!("Bearer {token}");
        self.exchange(Method::GET, url, &[(ACCEPT.as_str(), accept), ("authorization", &bearer)], Vec::new()).await
    }

    /// Posts a form and asks for JSON.
    ///
    /// # Errors
    /// See [`FetchError`]; any status is an answer, no error.
    pub async fn post_form(&self, url: &Url, fields: &[(&str, &str)]) -> Result<Fetched, FetchError> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers =
            [(ACCEPT.as_str(), "application/json"), (CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded")];
        self.exchange(Method::POST, url, &headers, body.into_bytes()).await
    }

    async fn exchange(
        &self,
        method: Method,
        url: &Url,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Fetched, FetchError> {
        // Before the address is put into a request: some have no form there, and the answer should say what is wrong.
        self.check(url).map_err(FetchError::Forbidden)?;
        let mut request = Request::builder().method(method).uri(url.as_str());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.send(request.body(body).map_err(|_| FetchError::Request)?).await?;
        let header = |name| text(answer.headers(), &name);
        Ok(Fetched {
            status: answer.status().as_u16(),
            content_type: header(CONTENT_TYPE),
            cache_control: header(CACHE_CONTROL),
            body: answer.into_body(),
        })
    }

    /// Sends any request; every other way to ask goes through here.
    ///
    /// # Errors
    /// See [`FetchError`]; any status is an answer, no error.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, FetchError> {
        let request = reqwest::Request::try_from(request).map_err(|_| FetchError::Request)?;
        self.check(request.url()).map_err(FetchError::Forbidden)?;
        let client = match reach(request.url()) {
            Reach::Public => &self.0.usual,
            Reach::Listed => &self.0.listed,
        };
        let mut answer = client.execute(request).await.map_err(|e| failure::of(&e))?;
        let body = read(&mut answer, self.0.policy.max_body).await?;
        let mut whole = Response::new(body);
        *whole.status_mut() = answer.status();
        *whole.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(whole)
    }
}

/// A public address is reached on port 443 only; any other port needs a listed one.
fn reach(url: &Url) -> Reach {
    if url.port_or_known_default() == Some(443) { Reach::Public } else { Reach::Listed }
}

/// The length that is announced may lie, so what arrives is counted.
async fn read(answer: &mut reqwest::Response, most: usize) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|e| failure::of(&e))? {
        if body.len().saturating_add(chunk.len()) > most {
            return Err(FetchError::TooLarge(most));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn text(headers: &HeaderMap, name: &http::HeaderName) -> Option<String> {
    headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned)
}

fn client(policy: &OutboundPolicy, resolver: Resolver) -> Result<Client, FetchError> {
    let mut authorities = Vec::new();
    for pem in &policy.authorities {
        authorities.extend(reqwest::Certificate::from_pem_bundle(pem).map_err(|_| FetchError::Setup)?);
    }
    let resolver = Arc::new(resolver);
    let trusting = |builder: ClientBuilder| {
        builder
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(policy.connect_timeout)
            .timeout(policy.total_timeout)
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(concat!("cardea/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::clone(&resolver))
            .build()
    };
    trusting(builder().tls_certs_merge(authorities.clone())).or_else(|_| {
        // A machine without certificate authorities still reaches a provider on loopback; https fails by name there.
        tracing::warn!("this machine has no certificate authorities: install them (Debian: ca-certificates)");
        trusting(builder().tls_certs_only(authorities)).map_err(|_| FetchError::Setup)
    })
}

#[expect(clippy::disallowed_methods, reason = "this is the one door for outgoing requests")]
fn builder() -> ClientBuilder {
    Client::builder()
}

#[cfg(test)]
mod tests;
