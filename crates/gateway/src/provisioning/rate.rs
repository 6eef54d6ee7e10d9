//! How often each directory may ask, on this node.
//!
//! A directory may send a second's worth of requests at once, and then one each time the next falls due. What is kept is
//! only when that is: `due` moves on by one interval a request, and never lies further ahead than a second.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cardea_model::id::ConnectionId;

const SECOND: Duration = Duration::from_secs(1);

/// When each directory's next request falls due.
#[derive(Default)]
pub struct Rates(Mutex<HashMap<ConnectionId, Duration>>);

impl Rates {
    /// Counts a request of this directory at the monotonic time `now`; refused, it says after how many whole seconds the
    /// next one is welcome. A rate of 0 refuses nothing.
    ///
    /// # Errors
    /// The seconds to wait.
    pub fn take(&self, directory: ConnectionId, per_second: u32, now: Duration) -> Result<(), u32> {
        let Some(interval) = SECOND.checked_div(per_second) else { return Ok(()) };
        let mut due = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = due.entry(directory).or_default();
        let next = (*due).max(now).saturating_add(interval);
        let wait = next.saturating_sub(now.saturating_add(SECOND));
        if wait.is_zero() {
            *due = next;
            return Ok(());
        }
        Err(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use cardea_model::{Random, Timestamp};

    use super::*;

    struct Fixed(u8);
    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn directory(number: u8) -> ConnectionId {
        ConnectionId::new(Timestamp::from_seconds(1), &Fixed(number))
    }

    /// How many of `tries` requests at one instant are let through.
    fn passed(rates: &Rates, directory: ConnectionId, tries: u32, now: Duration) -> usize {
        (0..tries).filter(|_| rates.take(directory, 500, now).is_ok()).count()
    }

    #[test]
    fn a_second_s_worth_may_come_at_once_and_then_as_much_as_falls_due() {
        let (rates, start) = (Rates::default(), Duration::from_secs(1000));
        assert_eq!(passed(&rates, directory(1), 700, start), 500);
        assert_eq!(rates.take(directory(1), 500, start), Err(1));
        assert_eq!(passed(&rates, directory(1), 700, start + Duration::from_millis(100)), 50);
        assert_eq!(passed(&rates, directory(1), 700, start + Duration::from_secs(60)), 500);
    }

    #[test]
    fn directories_do_not_use_up_each_other_s_rate() {
        let (rates, start) = (Rates::default(), Duration::from_secs(1000));
        assert_eq!(passed(&rates, directory(1), 700, start), 500);
        assert_eq!(passed(&rates, directory(2), 700, start), 500);
    }

    #[test]
    fn the_wait_is_a_whole_number_of_seconds_and_no_rate_is_no_limit() {
        let (rates, start) = (Rates::default(), Duration::from_secs(1000));
        assert_eq!(rates.take(directory(1), 1, start), Ok(()));
        assert_eq!(rates.take(directory(1), 1, start), Err(2));
        assert_eq!(rates.take(directory(1), 1, start + Duration::from_millis(1)), Err(1));
        assert_eq!(rates.take(directory(1), 1, start + SECOND), Ok(()));
        assert!((0..10_000).all(|_| rates.take(directory(2), 0, start).is_ok()));
    }
}
