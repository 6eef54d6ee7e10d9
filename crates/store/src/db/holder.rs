//! Who holds SQLite's only transaction, so that whoever would wait for themselves is told at once.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ThreadId;

use tokio::task;

/// Who holds the transaction: the task that last used it, or the thread of a `block_on`.
///
/// A task that asks for a second transaction would wait for itself, so it is refused at once. That
/// includes two transactions side by side in one task (`join!`): spawn them instead. A transaction
/// that was handed to another task counts as that task's from its first statement there; until
/// then a nested ask of the new task ends as `Busy` after two seconds.
#[derive(Clone, Default)]
pub(super) struct Holder(Arc<Mutex<Option<Who>>>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Task(task::Id),
    Thread(ThreadId),
}

impl Who {
    fn me() -> Self {
        task::try_id().map_or_else(|| Self::Thread(std::thread::current().id()), Self::Task)
    }
}

impl Holder {
    pub(super) fn is_me(&self) -> bool {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) == Some(Who::me())
    }

    pub(super) fn set(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Who::me());
    }

    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
