//! For services behind Cardea that are written in Rust: may this key do this?
//!
//! ```text
//! let client = Client::new(Settings::new("https://cardea.example", "registry", secret))?;
//! let question = Question { key, service: "registry", action: "download_container", ..Question::default() };
//! match client.check(&question).await? { Verdict::Allowed(who) => …, Verdict::Refused { reason } => … }
//! ```
//! A client follows the gateway's feed of what has changed. While it hears it, it remembers answers and gives them without
//! asking again; what a change may alter it forgets as soon as it hears of it. When it has heard nothing for longer than the
//! gateway's `revocation.bound`, it asks each time; and when it gets no answer it says so, and never "allowed". So an end of
//! access holds here as soon as it holds on another node of the gateway.
//!
//! | module | is for |
//! |---|---|
//! | [`client`] | settings, questions on the wire, errors |
//! | [`question`] | questions and answers |
//! | [`memory`] | answers that are remembered, and when they are not |
//! | [`lease`] | for how long what is remembered may be trusted |
//! | [`following`] | the connection to the feed |
//! | [`events`] | the feed's language |

mod client;
mod events;
mod following;
mod lease;
mod memory;
mod question;

pub use client::{Client, ClientError, Settings};
pub use question::{Allowed, Question, Verdict};
