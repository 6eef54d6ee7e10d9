//! How often something may be tried in a span of time: sign-ins by account and by network.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cardea_model::Timestamp;

use crate::app::App;
use crate::context::Ctx;

/// The span in which wrong passwords are counted.
const GUESSES: Duration = Duration::from_secs(15 * 60);
/// How many times the tries of one account a whole network has, and an account before it counts as attacked.
const MANY: u32 = 10;
/// The most names that are counted at once; what comes on top is counted together.
const MOST_NAMES: usize = 50_000;
/// The name of what is counted together.
const REST: &str = "rest";

/// What was tried on this node, by name, each until its span is over.
#[derive(Default)]
pub struct Tries(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    by_name: HashMap<String, Count>,
    swept: Option<Timestamp>,
}

#[derive(Clone, Copy)]
struct Count {
    until: Timestamp,
    tries: u32,
}

impl Tries {
    /// How often this was tried in the span that runs.
    pub(crate) fn count(&self, name: &str, now: Timestamp) -> u32 {
        self.with(|counts| counts.running(name, now).map_or(0, |count| count.tries))
    }

    /// How long to wait if this was tried `most` times; nothing if it may be tried now.
    pub(crate) fn must_wait(&self, name: &str, most: u32, now: Timestamp) -> Option<Duration> {
        let count = self.with(|counts| counts.running(name, now))?;
        (count.tries >= most).then(|| count.until.since(now))
    }

    /// Counts a try; the first one begins a span.
    pub(crate) fn add(&self, name: &str, span: Duration, now: Timestamp) {
        self.with(|counts| counts.add(name, span, now));
    }

    /// Counts a try, unless this was tried `most` times: then says how long to wait.
    pub(crate) fn take(&self, name: &str, most: u32, span: Duration, now: Timestamp) -> Result<(), Duration> {
        match self.must_wait(name, most, now) {
            Some(wait) => Err(wait),
            None => {
                self.add(name, span, now);
                Ok(())
            }
        }
    }

    /// Forgets what was counted under this name.
    pub(crate) fn forget(&self, name: &str) {
        self.with(|counts| counts.by_name.remove(name));
    }

    fn with<T>(&self, look: impl FnOnce(&mut Counts) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Counts {
    fn running(&mut self, name: &str, now: Timestamp) -> Option<Count> {
        self.sweep(now);
        let count = self.by_name.get(self.place(name))?;
        (count.until > now).then_some(*count)
    }

    fn add(&mut self, name: &str, span: Duration, now: Timestamp) {
        let fresh = Count { until: now.after(span), tries: 0 };
        let count = self.by_name.entry(self.place(name).to_owned()).or_insert(fresh);
        if count.until <= now {
            *count = fresh;
        }
        count.tries = count.tries.saturating_add(1);
    }

    /// Under which name this is counted: its own while there is room.
    fn place<'a>(&self, name: &'a str) -> &'a str {
        let full = self.by_name.len() >= MOST_NAMES && !self.by_name.contains_key(name);
        if full { REST } else { name }
    }

    /// Forgets what is over, once a second at the most, when there is no room.
    fn sweep(&mut self, now: Timestamp) {
        let lately = self.swept.is_some_and(|swept| swept.after(Duration::from_secs(1)) > now);
        if self.by_name.len() >= MOST_NAMES && !lately {
            self.by_name.retain(|_, count| count.until > now);
            self.swept = Some(now);
        }
    }
}

/// The tries of a password: under which names they are counted.
pub(crate) struct Guesses {
    /// The account from this network.
    here: String,
    /// The account from anywhere.
    everywhere: String,
    /// Any account from this network.
    network: String,
}

impl Guesses {
    /// Those of an account, by the address that was typed, from where it was typed.
    pub(crate) fn of(account: &str, ctx: &Ctx) -> Self {
        let network = network(ctx.ip);
        Self {
            here: format!("here {network} {account}"),
            everywhere: format!("account {account}"),
            network: format!("network {network}"),
        }
    }

    /// How long to wait before the next try. However often others try an account, its owner has tries from their own
    /// network: they become few, but nobody can lock somebody else out.
    pub(crate) fn must_wait(&self, app: &App, now: Timestamp) -> Option<Duration> {
        let most = app.settings.password_tries;
        let many = most.saturating_mul(MANY);
        let attacked = app.tries.count(&self.everywhere, now) >= many;
        let here = if attacked { (most / 5).max(1) } else { most };
        app.tries.must_wait(&self.here, here, now).max(app.tries.must_wait(&self.network, many, now))
    }

    /// Counts a wrong password.
    pub(crate) fn failed(&self, app: &App, now: Timestamp) {
        for name in [&self.here, &self.everywhere, &self.network] {
            app.tries.add(name, GUESSES, now);
        }
    }

    /// Forgets the wrong passwords of somebody who knew the right one in the end.
    pub(crate) fn succeeded(&self, app: &App) {
        app.tries.forget(&self.here);
    }
}

/// A wait in whole seconds, never too few.
pub(crate) fn seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
}

/// The network from which tries are counted together: an IPv4 /24, an IPv6 /48.
pub(crate) fn network(ip: Option<IpAddr>) -> String {
    match ip.map(|ip| ip.to_canonical()) {
        None => "local".to_owned(),
        Some(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}")
        }
        Some(IpAddr::V6(address)) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Duration = Duration::from_secs(60);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_name_has_its_tries_and_new_ones_when_the_span_is_over() {
        let tries = Tries::default();
        for second in 0..3 {
            assert_eq!(tries.take("a", 3, SPAN, at(100 + second)), Ok(()));
        }
        assert_eq!(tries.take("a", 3, SPAN, at(110)), Err(Duration::from_secs(50)));
        assert_eq!(tries.count("a", at(110)), 3, "what is refused is not counted");
        assert_eq!(tries.take("b", 3, SPAN, at(110)), Ok(()));
        assert_eq!(tries.take("a", 3, SPAN, at(160)), Ok(()));
        assert_eq!(tries.count("a", at(160)), 1);
        tries.forget("a");
        assert_eq!(tries.count("a", at(160)), 0);
    }

    #[test]
    fn endless_names_take_no_endless_room_and_are_not_free() {
        let tries = Tries::default();
        for name in 0..MOST_NAMES + 10 {
            tries.add(&name.to_string(), SPAN, at(100));
        }
        assert!(tries.with(|counts| counts.by_name.len()) <= MOST_NAMES + 1);
        assert_eq!(tries.count("another", at(100)), 10);
        assert_eq!(tries.count("0", at(100)), 1, "who was there before keeps their own count");
        assert_eq!(tries.take("another", 10, SPAN, at(160)), Ok(()));
        assert_eq!(tries.with(|counts| counts.by_name.len()), 1);
    }

    #[test]
    fn neighbours_are_one_network_in_either_clothes() {
        let of = |text: &str| network(text.parse().ok());
        assert_eq!(of("10.1.2.3"), of("10.1.2.99"));
        assert_eq!(of("10.1.2.3"), of("::ffff:10.1.2.3"));
        assert_ne!(of("10.1.2.3"), of("10.1.3.3"));
        assert_eq!(of("2001:db8:7:1::1"), of("2001:db8:7:2::9"));
        assert_ne!(of("2001:db8:7::1"), of("2001:db8:8::1"));
    }
}
