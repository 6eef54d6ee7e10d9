//! A clock that tests move, and chance that nobody else shares.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use cardea_model::{Clock, Random, Timestamp};
use cardea_tokens::hash::sha256;

/// Stands still but for one microsecond a look, so that no two instants are equal.
pub struct ManualClock {
    micros: AtomicI64,
    monotonic: AtomicU64,
}

impl Default for ManualClock {
    /// 2026-11-21T10:00:00Z.
    fn default() -> Self {
        Self { micros: AtomicI64::new(1_795_255_200_000_000), monotonic: AtomicU64::new(0) }
    }
}

impl ManualClock {
    /// Moves both clocks.
    pub fn advance(&self, span: Duration) {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(i64::try_from(micros).unwrap_or(i64::MAX), Ordering::SeqCst);
        self.monotonic.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros.fetch_add(1, Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.monotonic.load(Ordering::SeqCst))
    }
}

/// The real clock, for stories about real spans.
pub struct RealClock;

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one real clock of the tests")]
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        static START: std::sync::OnceLock<tokio::time::Instant> = std::sync::OnceLock::new();
        START.get_or_init(tokio::time::Instant::now).elapsed()
    }
}

/// Bytes that are different at every draw of this process and in every process.
pub struct TestRandom;

static DRAWS: AtomicU64 = AtomicU64::new(0);

impl Random for TestRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let draw = DRAWS.fetch_add(1, Ordering::Relaxed);
            let seed = format!("{}:{draw}", std::process::id());
            let block = sha256(seed.as_bytes());
            chunk.iter_mut().zip(block).for_each(|(byte, fresh)| *byte = fresh);
        }
    }
}
