//! The connection to the feed: kept for as long as it speaks, and begun anew with patience.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use reqwest::{StatusCode, header};
use tokio::time::{Instant, sleep, timeout};

use crate::client::Shared;
use crate::events::{Reader, Said};

/// The pause after the first failure, and the longest; between them each is twice the one before.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(30);
/// After a silence of so many bounds the line is taken for dead. A node that cannot hear is silent too, and goes on when it
/// can.
const SILENCE: u32 = 8;

/// Follows the feed until it is aborted.
pub(crate) async fn follow(shared: Arc<Shared>) {
    let mut failures = 0;
    loop {
        let spoke = listen(&shared).await;
        shared.memory().lose();
        shared.heard.send_modify(|words| *words += 1);
        failures = if spoke { 1 } else { failures + 1 };
        sleep(pause(failures, chance())).await;
    }
}

/// Listens until the stream ends; returns whether it spoke at all.
async fn listen(shared: &Shared) -> bool {
    let request = shared.feed().header(header::ACCEPT, "text/event-stream");
    let Ok(Ok(mut response)) = timeout(shared.timeout, request.send()).await else { return false };
    if response.status() != StatusCode::OK {
        return false;
    }
    let (mut reader, mut patience, mut spoke) = (Reader::default(), shared.timeout, false);
    loop {
        let Ok(Ok(Some(piece))) = timeout(patience, response.chunk()).await else { return spoke };
        let now = Instant::now();
        let Ok(words) = reader.take(&piece) else { return spoke };
        for said in words {
            match &said {
                Said::Hello { bound, .. } => {
                    (patience, spoke) = (bound.saturating_mul(SILENCE).max(shared.timeout), true);
                }
                Said::Drop(_) | Said::Alive { .. } | Said::Unknown => {}
            }
            shared.memory().hear(said, now);
            shared.heard.send_modify(|words| *words += 1);
        }
    }
}

/// How long to wait after so many failures in a row: between half of the span and all of it, so that not all who were cut off
/// together come back together.
fn pause(failures: u32, chance: f64) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
    FIRST.saturating_mul(doubled).min(LONGEST).mul_f64(0.5 + chance / 2.0)
}

/// Between 0 and 1, by the seeds of the standard library's tables: it only has to be another one in each process.
fn chance() -> f64 {
    let drawn = u32::try_from(RandomState::new().hash_one(()) >> 32).unwrap_or(0);
    f64::from(drawn) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute_and_differ_by_half() {
        let spans = |chance: f64| [1, 2, 3, 9, 10, 1000].map(|failures| pause(failures, chance).as_millis());
        assert_eq!(spans(0.0), [50, 100, 200, 12_800, 15_000, 15_000]);
        assert_eq!(spans(1.0), [100, 200, 400, 25_600, 30_000, 30_000]);
        let drawn: std::collections::HashSet<u64> = (0..100).map(|_| chance().to_bits()).collect();
        assert!(drawn.len() > 90, "{}", drawn.len());
    }
}
