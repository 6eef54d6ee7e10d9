//! Questions and answers, as this side and as the gateway writes them.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

/// May this key do this? What is left out is not asked about.
#[derive(Clone, Copy, Default, Serialize)]
pub struct Question<'a> {
    /// The key, as it was presented.
    pub key: &'a str,
    /// The service, by the catalogue's name.
    pub service: &'a str,
    /// The scope.
    pub action: &'a str,
    /// The type of the entity, where the service has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_type: Option<&'a str>,
    /// What is acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity: Option<&'a str>,
    /// What you have marked it with, where it is not for every org; at most 8.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub labels: &'a [&'a str],
    /// By which operation, where you keep some from service keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<&'a str>,
}

impl fmt::Debug for Question<'_> {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question")
            .field("service", &self.service)
            .field("action", &self.action)
            .field("entity_type", &self.entity_type)
            .field("entity", &self.entity)
            .field("labels", &self.labels)
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}

impl Question<'_> {
    /// SHA-256 over all of it: what an answer is remembered under. Each part comes with its length, so that no two questions
    /// are written alike.
    pub(crate) fn digest(&self) -> Box<[u8]> {
        let mut context = Context::new(&SHA256);
        let mut put = |part: Option<&str>| {
            let length = part.map_or(u64::MAX, |part| u64::try_from(part.len()).unwrap_or(u64::MAX));
            context.update(&length.to_le_bytes());
            context.update(part.unwrap_or_default().as_bytes());
        };
        for part in
            [Some(self.key), Some(self.service), Some(self.action), self.entity_type, self.entity, self.operation]
        {
            put(part);
        }
        for label in self.labels {
            put(Some(label));
        }
        context.finish().as_ref().into()
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Allowed(Allowed),
    /// No. Why is for you, not for whoever holds the key.
    Refused {
        /// A stable word of the gateway's list, such as `expired`.
        reason: String,
    },
}

impl Verdict {
    /// Whether the key may.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        match self {
            Self::Allowed(_) => true,
            Self::Refused { .. } => false,
        }
    }
}

/// Whose key it was that may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The key's id.
    pub key_id: String,
    /// `personal`, `service` or `legacy`.
    pub kind: String,
    /// The name of its org.
    pub org: String,
    /// Its user; none for a service key.
    pub user: Option<String>,
    /// When it expires (RFC 3339), if ever.
    pub expires_at: Option<String>,
}

/// A question as it is sent.
#[derive(Serialize)]
pub(crate) struct Asked<'a> {
    #[serde(flatten)]
    pub(crate) question: &'a Question<'a>,
    pub(crate) keep: bool,
}

/// An answer as it is received.
#[derive(Deserialize)]
pub(crate) struct Answer {
    allowed: bool,
    reason: Option<String>,
    key_id: Option<String>,
    kind: Option<String>,
    org: Option<String>,
    user: Option<String>,
    expires_at: Option<String>,
    keep: Option<Keep>,
}

/// What an answer rests on, where it may be remembered.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Keep {
    /// The node that gave it.
    pub(crate) node: String,
    pub(crate) key: String,
    pub(crate) user: Option<String>,
    pub(crate) org: String,
    /// For how long it may be remembered at the most, in milliseconds from when the question was sent.
    pub(crate) for_ms: u64,
}

impl Answer {
    /// Nothing if it is neither a yes nor a no.
    pub(crate) fn read(self) -> Option<(Verdict, Option<Keep>)> {
        let verdict = if self.allowed {
            let (key_id, kind, org) = (self.key_id?, self.kind?, self.org?);
            Verdict::Allowed(Allowed { key_id, kind, org, user: self.user, expires_at: self.expires_at })
        } else {
            Verdict::Refused { reason: self.reason? }
        };
        Some((verdict, self.keep))
    }
}

#[cfg(test)]
mod tests;
