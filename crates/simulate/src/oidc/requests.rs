//! The log of requests that the provider has seen, for tests to read.

use std::fmt;

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use url::form_urlencoded;

/// Parameters whose values are never printed.
const SECRET: [&str; 5] = ["client_secret", "code", "code_verifier", "access_token", "id_token_hint"];

/// A request that the provider has seen.
#[derive(Clone)]
pub struct RequestSeen {
    /// `GET`, `POST`.
    pub method: String,
    /// The path under the issuer, for example `/token`.
    pub path: String,
    /// The query, decoded, in its order.
    pub query: Vec<(String, String)>,
    /// The form of a POST, decoded, in its order.
    pub form: Vec<(String, String)>,
    /// The scheme of the `Authorization` header in lower case: `basic`, `bearer`.
    pub authorization: Option<String>,
}

impl RequestSeen {
    pub(crate) fn read(parts: &Parts, body: &[u8]) -> RequestSeen {
        let scheme = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(' ').next())
            .map(str::to_ascii_lowercase);
        RequestSeen {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: pairs(parts.uri.query().unwrap_or_default().as_bytes()),
            form: pairs(body),
            authorization: scheme,
        }
    }

    /// The first value of a parameter, of the form before the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters().find(|(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }

    /// Every parameter, the form's before the query's.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &(String, String)> {
        self.form.iter().chain(&self.query)
    }
}

impl fmt::Debug for RequestSeen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.path)?;
        for (name, value) in self.parameters() {
            let shown = if SECRET.contains(&name.as_str()) { "…" } else { value };
            write!(formatter, " {name}={shown:?}")?;
        }
        Ok(())
    }
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}
