//! Answers that are remembered, and when they are not.
//!
//! An answer is remembered only if the node that is followed gave it, and if nothing was heard while the question was on its
//! way: each word of the feed begins a new *round*, and an answer belongs to the round in which its question was sent. Else an
//! answer that was given before an end of access, and came after the word of it, would be remembered with nobody left to say
//! that it is old.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::events::{Said, Subject};
use crate::lease::Lease;
use crate::question::{Keep, Verdict};

/// What an entry costs beside its words, in bytes: its digest, its place in two tables, their slack.
const ENTRY: usize = 640;

/// How much is remembered at the most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
}

/// The moment in which a question was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    round: u64,
    at: Instant,
}

struct Entry {
    verdict: Verdict,
    about: [Option<Subject>; 3],
    until: Instant,
    bytes: usize,
}

struct Followed {
    node: String,
    lease: Lease,
}

/// The answers of one client.
pub(crate) struct Memory {
    limits: Limits,
    entries: HashMap<Arc<[u8]>, Entry>,
    about: HashMap<Subject, HashSet<Arc<[u8]>>>,
    bytes: usize,
    round: u64,
    followed: Option<Followed>,
}

impl Memory {
    /// Remembers nothing, and follows nobody.
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, entries: HashMap::new(), about: HashMap::new(), bytes: 0, round: 0, followed: None }
    }

    /// Whether what is remembered may be trusted.
    pub(crate) fn is_trusted(&self, now: Instant) -> bool {
        self.followed.as_ref().is_some_and(|followed| followed.lease.holds(now))
    }

    /// The answer to this question, if it is known.
    pub(crate) fn look(&mut self, digest: &[u8], now: Instant) -> Option<Verdict> {
        if !self.is_trusted(now) {
            return None;
        }
        let entry = self.entries.get(digest)?;
        if now >= entry.until {
            self.remove(digest);
            return None;
        }
        Some(entry.verdict.clone())
    }

    /// To be taken before a question is sent.
    pub(crate) const fn sending(&self, now: Instant) -> Sent {
        Sent { round: self.round, at: now }
    }

    /// Remembers an answer, if it may be.
    pub(crate) fn keep(&mut self, digest: &[u8], sent: Sent, keep: Keep, verdict: &Verdict) {
        let is_theirs = self.followed.as_ref().is_some_and(|followed| followed.node == keep.node);
        // What was heard meanwhile may have been about this very answer.
        if !is_theirs || sent.round != self.round {
            return;
        }
        let Some(until) = sent.at.checked_add(Duration::from_millis(keep.for_ms)) else { return };
        let bytes =
            ENTRY + words(verdict) + keep.key.len() + keep.org.len() + keep.user.as_ref().map_or(0, String::len);
        self.remove(digest);
        if bytes > self.limits.bytes || self.limits.entries == 0 {
            return;
        }
        while self.entries.len() >= self.limits.entries || self.bytes + bytes > self.limits.bytes {
            // Whichever comes first in the table: which one that is nobody can choose.
            let Some(any) = self.entries.keys().next().cloned() else { return };
            self.remove(&any);
        }
        let digest: Arc<[u8]> = digest.into();
        let about = [Some(Subject::Key(keep.key)), Some(Subject::Org(keep.org)), keep.user.map(Subject::User)];
        for subject in about.iter().flatten() {
            self.about.entry(subject.clone()).or_default().insert(Arc::clone(&digest));
        }
        self.bytes += bytes;
        self.entries.insert(digest, Entry { verdict: verdict.clone(), about, until, bytes });
    }

    /// Hears a word of the feed.
    pub(crate) fn hear(&mut self, said: Said, now: Instant) {
        match said {
            Said::Hello { node, bound } => {
                self.forget_all();
                self.followed = Some(Followed { node, lease: Lease::new(bound) });
            }
            Said::Drop(subject) => {
                self.round += 1;
                for digest in self.about.remove(&subject).into_iter().flatten() {
                    self.remove(&digest);
                }
            }
            Said::Alive { at, age } => {
                if let Some(followed) = &mut self.followed {
                    followed.lease.renew(now, at, age);
                }
            }
            Said::Unknown => self.forget_all(),
        }
    }

    /// The feed was lost: what it would have said nobody knows.
    pub(crate) fn lose(&mut self) {
        self.forget_all();
        self.followed = None;
    }

    fn forget_all(&mut self) {
        self.round += 1;
        self.entries.clear();
        self.about.clear();
        self.bytes = 0;
    }

    fn remove(&mut self, digest: &[u8]) {
        let Some(entry) = self.entries.remove(digest) else { return };
        self.bytes = self.bytes.saturating_sub(entry.bytes);
        for subject in entry.about.into_iter().flatten() {
            if let Some(digests) = self.about.get_mut(&subject) {
                digests.remove(digest);
                if digests.is_empty() {
                    self.about.remove(&subject);
                }
            }
        }
    }
}

/// The words of an answer, in bytes.
fn words(verdict: &Verdict) -> usize {
    match verdict {
        Verdict::Allowed(allowed) => {
            let known = allowed.key_id.len() + allowed.kind.len() + allowed.org.len();
            known + allowed.user.as_ref().map_or(0, String::len) + allowed.expires_at.as_ref().map_or(0, String::len)
        }
        Verdict::Refused { reason } => reason.len(),
    }
}

#[cfg(test)]
mod tests;
