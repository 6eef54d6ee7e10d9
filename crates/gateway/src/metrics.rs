//! What a node counts, for Prometheus. Every counter of a hot path is held here ready, never looked up.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::app::App;

/// The label of a metric that is split by outcome.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Outcome {
    /// A stable word, such as `allowed` or `signed_in`.
    pub outcome: &'static str,
}

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    /// Key checks answered with yes.
    pub checks_allowed: Counter,
    /// Key checks answered with no.
    pub checks_denied: Counter,
    /// Key checks that memory could not answer, so that the database was asked.
    pub checks_asked: Counter,
    /// Key checks refused because neither memory nor the database could be trusted.
    pub checks_unavailable: Counter,
    /// Sign-ins by outcome.
    pub logins: Family<Outcome, Counter>,
    /// Seconds from the commit of an end of access to this node's memory.
    pub propagation: Histogram,
    /// Feed rows that are committed and not yet in this node's memory.
    pub feed_lag: Gauge,
    /// Ends of access committed by this node.
    pub revocations: Counter,
    /// Jobs that failed and will be tried again.
    pub job_failures: Counter,
    /// Messages by what became of them.
    pub mail: Family<Outcome, Counter>,
    /// Transactions that wait for the writer.
    pub writers_waiting: Gauge,
    /// Keys in memory.
    pub keys_resident: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let checks = Family::<Outcome, Counter>::default();
        registry.register("key_checks", "Key checks by outcome", checks.clone());
        let check = |outcome| checks.get_or_create_owned(&Outcome { outcome });
        let logins = Family::<Outcome, Counter>::default();
        registry.register("logins", "Sign-ins by outcome", logins.clone());
        let buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
        let propagation = Histogram::new(buckets);
        registry.register_with_unit(
            "revocation_propagation",
            "From the commit of an end of access to this node's memory",
            Unit::Seconds,
            propagation.clone(),
        );
        let metrics = Self {
            checks_allowed: check("allowed"),
            checks_denied: check("denied"),
            checks_asked: check("asked_database"),
            checks_unavailable: check("unavailable"),
            logins,
            propagation,
            feed_lag: Gauge::default(),
            revocations: Counter::default(),
            job_failures: Counter::default(),
            mail: Family::default(),
            writers_waiting: Gauge::default(),
            keys_resident: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("feed_lag_rows", "Feed rows not yet in memory", metrics.feed_lag.clone());
        registry.register("revocations", "Ends of access committed here", metrics.revocations.clone());
        registry.register("job_failures", "Jobs to be tried again", metrics.job_failures.clone());
        registry.register("mail", "Messages by outcome of a try", metrics.mail.clone());
        registry.register("writer_queue", "Transactions that wait for the writer", metrics.writers_waiting.clone());
        registry.register("keys_resident", "Keys in memory", metrics.keys_resident.clone());
        Self { registry, ..metrics }
    }
}

/// Everything that a node counts, in the text format of OpenMetrics.
#[must_use]
pub fn text(app: &App) -> String {
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    app.metrics.writers_waiting.set(count(app.db.waiting_writers()));
    app.metrics.keys_resident.set(count(app.memory().key_count()));
    app.metrics.text()
}

impl Metrics {
    /// Counts a sign-in.
    pub fn login(&self, outcome: &'static str) {
        self.logins.get_or_create(&Outcome { outcome }).inc();
    }

    /// Counts a try to send a message.
    pub fn mailed(&self, outcome: &'static str) {
        self.mail.get_or_create(&Outcome { outcome }).inc();
    }

    fn text(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(std::fmt::Error) => String::new(),
        }
    }
}
