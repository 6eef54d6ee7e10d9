//! The feed's language: server-sent events (WHATWG HTML, "Server-sent events"), of which there are three.

use std::time::Duration;

use serde::Deserialize;

/// Whose answers may be others now, by the words of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Subject {
    /// All keys of a user.
    User(String),
    /// One key.
    Key(String),
    /// All keys of an org, by its name.
    Org(String),
}

/// What was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// A node says who it is, and for how long its silence is borne.
    Hello { node: String, bound: Duration },
    /// Something has changed.
    Drop(Subject),
    /// All that the node knew was said.
    Alive { at: Duration, age: Duration },
    /// Something that this release does not understand.
    Unknown,
}

#[derive(Deserialize)]
struct Hello {
    node: String,
    bound_ms: u64,
}

#[derive(Deserialize)]
struct Alive {
    at_ms: u64,
    age_ms: u64,
}

impl Said {
    fn read(event: &str, data: &str) -> Self {
        let said = match event {
            "hello" => serde_json::from_str(data)
                .map(|Hello { node, bound_ms }| Self::Hello { node, bound: Duration::from_millis(bound_ms) }),
            "drop" => serde_json::from_str(data).map(Self::Drop),
            "alive" => serde_json::from_str(data).map(|Alive { at_ms, age_ms }| Self::Alive {
                at: Duration::from_millis(at_ms),
                age: Duration::from_millis(age_ms),
            }),
            _ => return Self::Unknown,
        };
        said.unwrap_or(Self::Unknown)
    }
}

/// The longest event, in bytes: ours have a hundred.
const LONGEST: usize = 64 << 10;

/// An event was longer than any of ours: this is no feed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Puts together what comes in pieces.
#[derive(Default)]
pub(crate) struct Reader {
    rest: Vec<u8>,
    event: String,
    data: String,
}

impl Reader {
    /// What the next piece completes.
    pub(crate) fn take(&mut self, piece: &[u8]) -> Result<Vec<Said>, TooLong> {
        let mut said = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.rest.extend_from_slice(part);
            if self.rest.len() + self.data.len() > LONGEST {
                return Err(TooLong);
            }
            if self.rest.ends_with(b"\n") {
                let line = std::mem::take(&mut self.rest);
                said.extend(self.line(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r'])));
            }
        }
        Ok(said)
    }

    /// An empty line ends an event; one that begins with a colon is a comment.
    fn line(&mut self, line: &str) -> Option<Said> {
        if line.is_empty() {
            let (event, data) = (std::mem::take(&mut self.event), std::mem::take(&mut self.data));
            return (!data.is_empty()).then(|| Said::read(&event, data.trim_end_matches('\n')));
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests;
