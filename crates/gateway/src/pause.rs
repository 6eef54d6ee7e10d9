//! Points between a read and the write that rests on it, where a test can hold a use case up and let another one pass.

use std::future::Future;
use std::pin::Pin;

/// A point in a use case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// A sign-in has read the member and not yet touched it.
    Login,
    /// The creation of a key has read the member and not yet touched it.
    KeyCreation,
    /// A key and its owner's numbers have been read and are not yet in memory.
    CacheFill,
    /// The feed is about to be read.
    FeedRead,
    /// A sign-in has found nobody and is about to create a person, or a record and is about to bind to it.
    Admission,
    /// A request of a signed-in person was let through and has not begun its transaction.
    Speaking,
    /// The jobs that are due are about to be looked for.
    Jobs,
    /// An activation was found good, and is about to be taken.
    Claim,
    /// An invitation was found good, and is about to be accepted.
    Acceptance,
    /// A link was found good, and the password that it is for is about to be set.
    Choice,
    /// A key was found good for a registry's token, and its member is not yet touched.
    RegistryToken,
    /// A directory's POST has found nobody and is about to create a person.
    Creation,
}

/// Stands at the points.
pub trait Pause: Send + Sync {
    /// A use case has come to this point; it goes on when the future is done.
    fn at(&self, point: Point) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Holds nothing up.
pub struct Never;

impl Pause for Never {
    fn at(&self, _: Point) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}
