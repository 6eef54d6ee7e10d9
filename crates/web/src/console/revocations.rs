//! Receipts of ended access: the cause, the commit, each node with its milliseconds, what ended, what was left and why.

use std::time::Duration;

use askama::Template;
use cardea_model::Timestamp;
use cardea_model::numbers::{Cause, What};

use super::frame::Frame;
use super::people::PersonLink;
use super::{Pages, Tone, count, time};

/// What brought it about and who said so.
#[derive(Clone, Debug)]
pub struct CauseLine {
    /// The cause.
    pub cause: Cause,
    /// Who: the connection's name, the admin's address, the operator's name.
    pub by: String,
    /// The message as it came, or the reason that was typed: `{"active": false}`.
    pub message: Option<String>,
}

impl CauseLine {
    /// What happened, as the rest of a sentence that starts with [`Self::by`].
    #[must_use]
    pub const fn words(&self) -> &'static str {
        match self.cause {
            Cause::DirectoryDeactivated => "deactivated the person in its directory",
            Cause::DirectoryDeleted => "deleted the person from its directory",
            Cause::AdminDeactivated | Cause::OperatorDeactivated => "deactivated the person",
            Cause::SignedOutEverywhere => "signed out everywhere",
            Cause::AdminSignedOut => "signed the person out",
            Cause::PasswordChanged => "changed the password",
            Cause::PasswordReset => "took the password away",
            Cause::ConnectionOff => "switched the connection off",
            Cause::RemovedFromOrg => "removed the person from the org",
            Cause::RemovedFromAccount => "removed the person from the account",
            Cause::LeftOrg => "left the org",
        }
    }

    /// The way it came, in a word or two.
    #[must_use]
    pub const fn channel(&self) -> &'static str {
        match self.cause {
            Cause::DirectoryDeactivated | Cause::DirectoryDeleted => "SCIM",
            Cause::AdminDeactivated
            | Cause::AdminSignedOut
            | Cause::PasswordReset
            | Cause::RemovedFromOrg
            | Cause::RemovedFromAccount => "Admin",
            Cause::OperatorDeactivated | Cause::PasswordChanged | Cause::ConnectionOff => "Operator",
            Cause::SignedOutEverywhere | Cause::LeftOrg => "Themselves",
        }
    }
}

/// A node that was alive at the commit.
#[derive(Clone, Debug)]
pub struct NodeMark {
    /// Its name or id.
    pub name: String,
    /// When it had applied the end; `None` while it has not.
    pub applied: Option<Timestamp>,
}

/// One delivery downstream: a logout, an event, a mail.
#[derive(Clone, Debug)]
pub struct DeliveryMark {
    /// To whom, with what: `portal, back-channel logout`.
    pub to: String,
    /// How far it is.
    pub state: DeliveryState,
}

/// How far a delivery is.
#[derive(Clone, Debug)]
pub enum DeliveryState {
    /// Not yet answered.
    Waiting,
    /// Answered well.
    Delivered(Timestamp),
    /// Given up, for this reason.
    Failed(String),
}

/// Something that ended, or was left: what it is and its name.
#[derive(Clone, Debug)]
pub struct Thing {
    /// `key`, `session`, `token`, `invitation`, `share`.
    pub kind: String,
    /// Its name, or what tells it from the others.
    pub name: String,
    /// More about it: the services of a key; for what was left, why.
    pub detail: String,
}

/// A receipt where it is only mentioned: one row and a small drawing.
#[derive(Clone, Debug)]
pub struct ReceiptRow {
    /// Its id.
    pub id: String,
    /// Whose access ended.
    pub person: PersonLink,
    /// Why.
    pub cause: CauseLine,
    /// When it was committed.
    pub committed: Timestamp,
    /// The nodes.
    pub nodes: Vec<NodeMark>,
    /// How many keys ended.
    pub keys: usize,
    /// How many sessions ended.
    pub sessions: usize,
}

impl ReceiptRow {
    /// `3 keys, 2 sessions`, or `nothing in use`.
    #[must_use]
    pub fn ended(&self) -> String {
        let (keys, sessions) = (count(self.keys, "key", "keys"), count(self.sessions, "session", "sessions"));
        match (self.keys, self.sessions) {
            (0, 0) => "nothing in use".to_owned(),
            (0, _) => sessions,
            (_, 0) => keys,
            (_, _) => format!("{keys}, {sessions}"),
        }
    }

    /// The drawing's numbers.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress::of(self.committed, &self.nodes)
    }
}

/// A receipt as a whole.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Its id.
    pub id: String,
    /// Whose access ended.
    pub person: PersonLink,
    /// Everything, or sessions only.
    pub what: What,
    /// Why.
    pub cause: CauseLine,
    /// When the cause reached us; `None` where that was not recorded.
    pub received: Option<Timestamp>,
    /// When it was committed: from here on nothing of it is accepted where the database is asked.
    pub committed: Timestamp,
    /// Its number in the feed.
    pub feed: i64,
    /// The nodes alive at the commit.
    pub nodes: Vec<NodeMark>,
    /// What was sent downstream.
    pub deliveries: Vec<DeliveryMark>,
    /// What ended, each named.
    pub ended: Vec<Thing>,
    /// What was left, and why.
    pub left: Vec<Thing>,
    /// Whether the lines above are all written, or still being written.
    pub lines: Lines,
    /// How long a node may take before it stops trusting its caches.
    pub bound: Duration,
}

/// The lines of a receipt are written by a job right after the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// The job is still at it.
    Writing,
    /// All are there.
    Complete,
}

impl Receipt {
    /// The drawing's numbers.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress::of(self.committed, &self.nodes)
    }

    /// Whether anything is still to come: the page then asks again every second.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.lines == Lines::Writing || !self.progress().is_complete()
    }

    /// How long the cause took from reaching us to its commit.
    #[must_use]
    pub fn handled_in(&self) -> Option<String> {
        self.received.map(|received| time::span(&self.committed.since(received)))
    }

    /// What ended, as the beginning of a sentence.
    #[must_use]
    pub const fn what_word(&self) -> &'static str {
        match self.what {
            What::All => "Everything held",
            What::Sessions => "Every session, with its tokens,",
        }
    }

    /// The bound in words, `1 s`.
    #[must_use]
    pub fn bound_words(&self) -> String {
        time::span(&self.bound)
    }
}

/// How far an end of access has come, and where its marks stand on the drawing's scale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    committed: Timestamp,
    applied: usize,
    total: usize,
    last: Option<Duration>,
    end: Duration,
}

impl Progress {
    /// Reads the nodes of a receipt that was committed at `committed`.
    #[must_use]
    pub fn of(committed: Timestamp, nodes: &[NodeMark]) -> Self {
        let spans: Vec<Duration> = nodes.iter().filter_map(|node| node.applied).map(|at| at.since(committed)).collect();
        let last = spans.iter().max().copied();
        Self { committed, applied: spans.len(), total: nodes.len(), last, end: scale_end(last.unwrap_or_default()) }
    }

    /// Whether every node has applied it.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.applied == self.total
    }

    /// `Applied on 3 nodes`, `Applied on 2 of 3 nodes`.
    #[must_use]
    pub fn words(&self) -> String {
        match (self.is_complete(), self.total) {
            (true, 1) => "Applied on 1 node".to_owned(),
            (true, total) => format!("Applied on {total} nodes"),
            (false, total) => format!("Applied on {} of {total} nodes", self.applied),
        }
    }

    /// How long the slowest node that has answered took.
    #[must_use]
    pub fn last_words(&self) -> Option<String> {
        self.last.map(|last| time::span(&last))
    }

    /// The badge's colour.
    #[must_use]
    pub const fn tone(&self) -> Tone {
        if self.is_complete() { Tone::Good } else { Tone::Information }
    }

    /// How long after the commit `at` was.
    #[must_use]
    pub fn after_commit(&self, at: &Timestamp) -> String {
        time::span(&at.since(self.committed))
    }

    /// Where `at` stands between the commit (0) and the end of the scale (1000).
    #[must_use]
    pub fn per_mille(&self, at: &Timestamp) -> u128 {
        (at.since(self.committed).as_micros().saturating_mul(1000) / self.end.as_micros().max(1)).min(1000)
    }

    /// Where `at` stands on the drawing, between `from` and `to` percent of its width: `42.5%`.
    #[must_use]
    pub fn x(&self, at: &Timestamp, from: u128, to: u128) -> String {
        percent(self.per_mille(at), from, to)
    }

    /// The ticks of the scale: where each stands between `from` and `to` percent, and what it says.
    #[must_use]
    pub fn ticks(&self, from: u128, to: u128) -> Vec<(String, String)> {
        (0..=4_u32)
            .map(|quarter| {
                let span = self.end * quarter / 4;
                let text = if quarter == 0 { "commit".to_owned() } else { tick_words(span) };
                (percent(u128::from(quarter) * 250, from, to), text)
            })
            .collect()
    }
}

/// `per_mille` of the way from `from` to `to` percent.
fn percent(per_mille: u128, from: u128, to: u128) -> String {
    let tenths = from * 10 + per_mille * to.saturating_sub(from) / 100;
    format!("{}.{}%", tenths / 10, tenths % 10)
}

/// A tick's text; below ten milliseconds quarters are no whole numbers.
fn tick_words(span: Duration) -> String {
    let micros = span.as_micros();
    if micros < 10_000 && !micros.is_multiple_of(1000) {
        format!("{}.{} ms", micros / 1000, micros % 1000 / 100)
    } else {
        time::span(&span)
    }
}

/// The next round number, so that the last mark stands well inside: 1, 2, 4, 8 or 10 times a power of ten.
fn scale_end(last: Duration) -> Duration {
    let mut power = Duration::from_millis(1);
    for _ in 0..9 {
        for times in [2, 4, 8] {
            let end = power * times;
            // The last mark stands at nine tenths of the scale at the most.
            if last * 10 <= end * 9 {
                return end;
            }
        }
        power *= 10;
    }
    last
}

/// `GET /o/{org}/revocations?cursor=`.
#[derive(Template)]
#[template(path = "revocations/index.html")]
pub struct RevocationsPage {
    /// The frame.
    pub frame: Frame,
    /// This page of receipts, newest first.
    pub receipts: Vec<ReceiptRow>,
    /// The pages before and after.
    pub pages: Pages,
}

/// `GET /o/{org}/revocations/{id}`: the receipt. While it is live, htmx fetches the same address every second.
#[derive(Template)]
#[template(path = "revocations/receipt.html")]
pub struct ReceiptPage {
    /// The frame.
    pub frame: Frame,
    /// The receipt.
    pub receipt: Receipt,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(millis: &[Option<u64>]) -> Vec<NodeMark> {
        let node = |at: &Option<u64>| NodeMark {
            name: "node".to_owned(),
            applied: at.map(|at| Timestamp::from_seconds(10).after(Duration::from_millis(at))),
        };
        millis.iter().map(node).collect()
    }

    #[test]
    fn the_drawing_counts_from_the_commit() {
        let commit = Timestamp::from_seconds(10);
        let progress = Progress::of(commit, &marks(&[Some(0), Some(9), Some(15)]));
        assert_eq!(progress.words(), "Applied on 3 nodes");
        assert_eq!(progress.last_words().as_deref(), Some("15 ms"));
        assert_eq!(progress.x(&commit, 20, 100), "20.0%");
        // The scale ends at 20 ms: 10 ms stand in the middle of what is right of the commit.
        assert_eq!(progress.x(&commit.after(Duration::from_millis(10)), 20, 100), "60.0%");
        assert_eq!(progress.x(&commit.after(Duration::from_secs(60)), 20, 100), "100.0%");
    }

    #[test]
    fn a_receipt_is_incomplete_until_every_node_has_applied_it() {
        let progress = Progress::of(Timestamp::from_seconds(10), &marks(&[Some(3), None]));
        assert!(!progress.is_complete());
        assert_eq!(progress.words(), "Applied on 1 of 2 nodes");
    }

    #[test]
    fn the_last_mark_always_stands_inside_the_scale() {
        for millis in (0..5000).chain([60_000, 3_600_000]) {
            let last = Duration::from_millis(millis);
            let end = scale_end(last);
            assert!(last * 10 <= end * 9, "{last:?} on {end:?}");
        }
    }
}
