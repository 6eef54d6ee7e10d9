//! Simulated provisioning clients: they send what Okta and Entra ID send, byte for byte where it
//! matters, over real HTTP.
//!
//! | | Okta | Entra ID | Entra ID with `?aadOptscim062020` |
//! |---|---|---|---|
//! | test of the connection | `GET /Users?startIndex=1&count=2` | filter for a random UUID | same |
//! | update | GET, then PUT of the whole object | PATCH, one operation an attribute | PATCH, one operation without path, dotted names |
//! | deactivate | `replace` without path, `false` | `Replace` of `active`, the string `"False"` | `replace` of `active`, `false` |
//! | delete | never by itself | about 30 days after deactivation | same |

mod exchange;
mod payload;

use reqwest::header::{ACCEPT, ACCEPT_CHARSET, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;
use url::{Url, form_urlencoded};

use crate::chance::random_uuid;
use crate::people::Person;
pub use exchange::Exchange;
pub use payload::OKTA_PASSWORD;

/// Okta gives up after a minute.
const TIMEOUT: Duration = Duration::from_secs(60);

const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json; charset=utf-8");

/// Whose manner of speaking the client takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// An Okta integration that deactivates by PATCH.
    Okta,
    /// Entra ID as it is without a flag: capitalised operations, booleans as strings.
    EntraDefault,
    /// Entra ID with the feature flag `aadOptscim062020` on the tenant URL.
    EntraCompliant,
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum ScimClientError {
    /// The base address is no URL.
    #[error("the base address `{0}` is not a URL")]
    BaseUrl(String),
    /// The token cannot stand in a header.
    #[error("the token holds characters that a header cannot carry")]
    Token,
    /// The request failed on its way.
    #[error("the request failed")]
    Http(#[from] reqwest::Error),
    /// What the server had returned before is no JSON object, so it cannot be sent back changed.
    #[error("the server returned no object to change")]
    NoObject,
    /// No random number was to be had.
    #[error("the system's source of chance failed")]
    Chance,
}

/// A provisioning client of one directory. It keeps no state between calls.
pub struct ScimClient {
    dialect: Dialect,
    base_url: String,
    http: Client,
}

impl ScimClient {
    /// A client for `base_url` (ending in `/scim/v2` or alike) with this bearer token.
    pub fn new(dialect: Dialect, base_url: &str, token: &str) -> Result<Self, ScimClientError> {
        let base_url = base_url.trim_end_matches('/').to_owned();
        if Url::parse(&base_url).is_err() {
            return Err(ScimClientError::BaseUrl(base_url));
        }
        let http = http_client(headers(dialect, token)?)?;
        Ok(ScimClient { dialect, base_url, http })
    }

    /// What an administrator's "test connection" sends.
    pub async fn probe(&self) -> Result<Exchange, ScimClientError> {
        match self.dialect {
            Dialect::Okta => self.send(Method::GET, "/Users?startIndex=1&count=2", None).await,
            Dialect::EntraDefault | Dialect::EntraCompliant => {
                self.find(&random_uuid().map_err(|_| ScimClientError::Chance)?).await
            }
        }
    }

    /// Looks a person up by `userName`.
    pub async fn find(&self, user_name: &str) -> Result<Exchange, ScimClientError> {
        self.send(Method::GET, &payload::lookup(self.dialect, user_name), None).await
    }

    /// Reads one resource.
    pub async fn get(&self, id: &str) -> Result<Exchange, ScimClientError> {
        self.send(Method::GET, &user(id), None).await
    }

    /// Creates a person.
    pub async fn create(&self, person: &Person) -> Result<Exchange, ScimClientError> {
        self.send(Method::POST, "/Users", Some(payload::create(self.dialect, person))).await
    }

    /// Switches a person off.
    pub async fn deactivate(&self, id: &str) -> Result<Exchange, ScimClientError> {
        self.patch(id, payload::active(self.dialect, false)).await
    }

    /// Switches a person on again.
    pub async fn reactivate(&self, id: &str) -> Result<Exchange, ScimClientError> {
        self.patch(id, payload::active(self.dialect, true)).await
    }

    /// Brings name and addresses up to date; Okta needs two exchanges for it, Entra ID one.
    pub async fn replace(&self, id: &str, person: &Person) -> Result<Vec<Exchange>, ScimClientError> {
        match self.dialect {
            Dialect::Okta => self.read_and_put(id, person).await,
            Dialect::EntraDefault => Ok(vec![self.patch(id, payload::update_by_attribute(person)).await?]),
            Dialect::EntraCompliant => Ok(vec![self.patch(id, payload::update_at_once(person)).await?]),
        }
    }

    /// Puts any object in the place of a person.
    pub async fn put(&self, id: &str, resource: &Value) -> Result<Exchange, ScimClientError> {
        self.send(Method::PUT, &user(id), Some(resource.to_string())).await
    }

    /// Sends a PATCH with this body, for operations that have no method of their own.
    pub async fn patch(&self, id: &str, body: String) -> Result<Exchange, ScimClientError> {
        self.send(Method::PATCH, &user(id), Some(body)).await
    }

    /// Deletes a person for good. Okta itself never does so; an administrator's script may.
    pub async fn delete(&self, id: &str) -> Result<Exchange, ScimClientError> {
        self.send(Method::DELETE, &user(id), None).await
    }

    async fn read_and_put(&self, id: &str, person: &Person) -> Result<Vec<Exchange>, ScimClientError> {
        let read = self.get(id).await?;
        let mut resource = read.json().ok_or(ScimClientError::NoObject)?;
        payload::edit(&mut resource, person).ok_or(ScimClientError::NoObject)?;
        let written = self.put(id, &resource).await?;
        Ok(vec![read, written])
    }

    async fn send(&self, method: Method, path: &str, body: Option<String>) -> Result<Exchange, ScimClientError> {
        let address = format!("{}{path}", self.base_url);
        let mut request = self.http.request(method.clone(), address);
        if let Some(body) = &body {
            request = request.header(CONTENT_TYPE, SCIM_JSON).body(body.clone());
        }
        let begun = Instant::now();
        let response = request.send().await?;
        let (url, status) = (response.url().clone(), response.status().as_u16());
        let response_body = response.text().await?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Ok(Exchange {
            method: method.to_string(),
            path: format!("{}{query}", url.path()),
            request_body: body,
            status,
            response_body,
            took: begun.elapsed(),
        })
    }
}

/// The address of one person; an id is the server's and may hold anything.
fn user(id: &str) -> String {
    let escaped: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("/Users/{}", escaped.replace('+', "%20"))
}

/// Okta names itself; what name Entra ID gives is not documented, so it gives none here.
fn headers(dialect: Dialect, token: &str) -> Result<HeaderMap, ScimClientError> {
    let mut headers = HeaderMap::new();
    let bearer = HeaderValue::from_str(&format!("Bearer {token}"));
    let mut bearer = bearer.map_err(|_| ScimClientError::Token)?;
    bearer.set_sensitive(true);
    headers.insert(AUTHORIZATION, bearer);
    headers.insert(ACCEPT, HeaderValue::from_static("application/scim+json"));
    if dialect == Dialect::Okta {
        headers.insert(ACCEPT_CHARSET, HeaderValue::from_static("utf-8"));
        let agent = HeaderValue::from_static("Okta SCIM Client 1.0.0");
        headers.insert(reqwest::header::USER_AGENT, agent);
    }
    Ok(headers)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a simulated client speaks to our own gateway and depends on nothing of ours"
)]
fn http_client(headers: HeaderMap) -> Result<Client, reqwest::Error> {
    Client::builder().default_headers(headers).redirect(Policy::none()).no_proxy().timeout(TIMEOUT).build()
}

#[cfg(test)]
mod tests;
