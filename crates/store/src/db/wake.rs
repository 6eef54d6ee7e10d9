//! The bell that tells followers of the feed to look now. It is a hint: the feed's row is the truth.

use tokio::sync::watch;

/// What a transaction asks to happen once it is durable.
pub(super) type Effect = Box<dyn FnOnce() + Send>;

/// Rings for everyone who waits on this node.
#[derive(Clone)]
pub(super) struct Bell(watch::Sender<u64>);

impl Default for Bell {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Bell {
    /// Wakes everyone who waits, and everyone's next wait if they are busy now.
    pub(super) fn ring(&self) {
        self.0.send_modify(|rings| *rings = rings.wrapping_add(1));
    }

    pub(super) fn wakes(&self) -> Wakes {
        Wakes(self.0.subscribe())
    }
}

/// Hears the bell.
pub struct Wakes(watch::Receiver<u64>);

impl Wakes {
    /// Waits for a commit that asked for it, on this node or (PostgreSQL) on another, or for the
    /// return of the connection that hears of other nodes. Rings that came meanwhile count as one.
    /// After the database was closed it never returns.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// What happens once a commit is durable.
#[derive(Default)]
pub(super) struct After {
    pub(super) effects: Vec<Effect>,
    pub(super) bell: Option<Bell>,
}

impl After {
    /// Runs every effect, also when one of them panics, and then rings.
    pub(super) fn run(self) {
        for effect in self.effects {
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(effect)).is_err() {
                tracing::error!("an effect of a commit panicked; the commit stands");
            }
        }
        if let Some(bell) = self.bell {
            bell.ring();
        }
    }
}
