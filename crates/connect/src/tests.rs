//! Sign-ins at a simulated provider that keeps every rule, and then breaks one at a time.

mod answers;
mod keys;
mod metadata;
mod people;
mod tokens;
pub(crate) mod world;
