//! For how long what is remembered may be trusted.
//!
//! ```text
//! node      read ──age──► "alive", at ─┐
//! client                               └── on its way ──► heard
//!                  trusted from the read on, for one bound: until heard − held up − age + bound
//! ```
//! A sign of life that was held up on its way must not count from when it was heard. The two clocks are not compared; but of
//! all signs of one stream the one that came fastest says how late each other one is.

use std::time::Duration;

use tokio::time::Instant;

/// Two clocks may drift apart by one part in so many: the fastest sign is forgotten that slowly.
const DRIFT: u32 = 5000;

/// Trust that runs out by itself.
#[derive(Debug)]
pub(crate) struct Lease {
    bound: Duration,
    /// When the node said its first word, had every sign come as fast as the fastest.
    began: Option<Instant>,
    heard: Option<Instant>,
    until: Option<Instant>,
}

impl Lease {
    /// Trust in nothing yet.
    pub(crate) const fn new(bound: Duration) -> Self {
        Self { bound, began: None, heard: None, until: None }
    }

    /// A sign of life, given `at` after the node's first word, whose knowledge was of that `age`, was heard at `now`.
    pub(crate) fn renew(&mut self, now: Instant, at: Duration, age: Duration) {
        let Some(began) = now.checked_sub(at) else { return };
        let drift = self.heard.map_or(Duration::ZERO, |heard| now.saturating_duration_since(heard) / DRIFT);
        let began = self.began.map_or(began, |fastest| began.min(fastest + drift));
        self.began = Some(began);
        self.heard = Some(now);
        self.until = (began + at + self.bound).checked_sub(age);
    }

    /// Whether what is remembered may be trusted.
    pub(crate) fn holds(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now <= until)
    }
}

#[cfg(test)]
mod tests;
