//! What kind of failure an error is; each room's error says so, and the outer door maps it to a status once.

/// The kinds of failure that the outside can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request is wrong in itself (400).
    Invalid,
    /// The request is well formed but a value in it cannot be (422).
    Unprocessable,
    /// Nobody valid asks (401).
    Unauthenticated,
    /// The caller may know the thing but not do this (403).
    Refused,
    /// There is no such thing, or the caller may not know that there is (404).
    Missing,
    /// The thing exists already or is in another state (409).
    Conflict,
    /// A precondition of the caller no longer holds (412).
    Stale,
    /// Too many requests; try again after this many whole seconds (429).
    TooMany(u32),
    /// Something that the request needs, the database or an identity provider, is away; try later (503).
    Unavailable,
    /// Our own mistake (500).
    Internal,
}

/// An error that knows its kind and has a stable code for scripts.
pub trait Fault: std::error::Error + Send + Sync {
    /// What the outside may know about this failure.
    fn kind(&self) -> Kind;
    /// A stable word in snake case, such as `key_limit_reached`.
    fn code(&self) -> &'static str;
}

/// An error with all its sources in one line, for the log.
#[must_use]
pub fn whole(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |source| source.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}
