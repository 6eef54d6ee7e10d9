//! One request and its answer, kept so that a conversation can be printed.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

/// One request and its answer. The token is no part of it; `Debug` leaves the bodies out, for they
/// hold people.
#[derive(Clone)]
pub struct Exchange {
    /// `GET`, `POST`, `PUT`, `PATCH`, `DELETE`.
    pub method: String,
    /// Path and query as sent.
    pub path: String,
    /// The body as sent, if any.
    pub request_body: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// The body of the answer; empty for 204.
    pub response_body: String,
    /// From the first byte sent to the last byte read.
    pub took: Duration,
}

impl Exchange {
    /// The body of the answer as JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.response_body).ok()
    }

    /// The id of the resource, or of the only one in a list (RFC 7644 §3.4.2).
    pub fn resource_id(&self) -> Option<String> {
        let body = self.json()?;
        let resource = match body.get("Resources") {
            Some(Value::Array(found)) if found.len() == 1 => found.first()?,
            Some(_) => return None,
            None => &body,
        };
        resource.get("id")?.as_str().map(str::to_owned)
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, path) = (&self.method, &self.path);
        write!(formatter, "{method} {path} → {} in {:?}", self.status, self.took)
    }
}
