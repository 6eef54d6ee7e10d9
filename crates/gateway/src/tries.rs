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
    /// Counts a try, unless this was tried `most` times: then says how long to wait. The first one begins a span.
    pub(crate) fn take(&self, name: &str, most: u32, span: Duration, now: Timestamp) -> Result<(), Duration> {
        self.with(|counts| match counts.must_wait(name, most, now) {
            Some(wait) => Err(wait),
            None => {
                counts.add(name, span, now);
                Ok(())
            }
        })
    }

    /// How long to wait if this was tried `most` times; counts nothing.
    pub(crate) fn wait(&self, name: &str, most: u32, now: Timestamp) -> Option<Duration> {
        self.with(|counts| counts.must_wait(name, most, now))
    }

    /// Counts a try that has failed.
    pub(crate) fn count(&self, name: &str, span: Duration, now: Timestamp) {
        self.with(|counts| counts.add(name, span, now));
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

    /// How long to wait if this was tried `most` times; nothing if it may be tried now.
    fn must_wait(&mut self, name: &str, most: u32, now: Timestamp) -> Option<Duration> {
        let count = self.running(name, now)?;
        (count.tries >= most).then(|| count.until.since(now))
    }

    /// Counts one try less.
    fn give_back(&mut self, name: &str) {
        let place = self.place(name).to_owned();
        if let Some(count) = self.by_name.get_mut(&place) {
            count.tries = count.tries.saturating_sub(1);
        }
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

    /// Counts a try before its password is looked at, so that a crowd of them at once has no more than one after the
    /// other; or says how long to wait. However often others try an account, its owner has tries from their own network:
    /// they become few, but nobody can lock somebody else out.
    pub(crate) fn take(&self, app: &App, now: Timestamp) -> Result<(), Duration> {
        let most = app.settings.password_tries;
        let many = most.saturating_mul(MANY);
        app.tries.with(|counts| {
            let attacked = counts.running(&self.everywhere, now).is_some_and(|count| count.tries >= many);
            let here = if attacked { (most / 5).max(1) } else { most };
            let wait = counts.must_wait(&self.here, here, now).max(counts.must_wait(&self.network, many, now));
            if let Some(wait) = wait {
                return Err(wait);
            }
            for name in self.names() {
                counts.add(name, GUESSES, now);
            }
            Ok(())
        })
    }

    /// The password was right: forgets the wrong ones before it from this network, and that this one was tried.
    pub(crate) fn was_right(&self, app: &App) {
        self.was_none(app);
        app.tries.forget(&self.here);
    }

    /// No password was looked at after all.
    pub(crate) fn was_none(&self, app: &App) {
        app.tries.with(|counts| self.names().into_iter().for_each(|name| counts.give_back(name)));
    }

    fn names(&self) -> [&str; 3] {
        [&self.here, &self.everywhere, &self.network]
    }
}

/// Counts a step of this network, which may take so many in a minute; or says in how many seconds it may take the next one.
pub(crate) fn crowd(app: &App, ctx: &Ctx, step: &str, most: u32) -> Result<(), u32> {
    let name = format!("{step} {}", network(ctx.ip));
    app.tries.take(&name, most, Duration::from_secs(60), ctx.now).map_err(seconds)
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
mod tests;
