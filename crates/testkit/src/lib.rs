//! What the stories in `tests/` are told with: a gateway on either engine, several nodes on one database, a browser,
//! a clock that stands still until it is told to move.
//!
//! ```text
//! let world = World::new(engine).await?;               // a database, a provider, one node, the account `acme`
//! let ana = world.sign_in("ana").await?;               // a browser with a session, through the provider
//! let key = ana.make_key("laptop", &["registry"]).await?;
//! world.node().check(&key.secret, …).await?;
//! ```

pub mod browser;
pub mod certificate;
pub mod clock;
pub mod mailbox;
pub mod node;
pub mod postgres;
pub mod smtp;
pub mod tamper;
pub mod world;

pub use browser::{Answer, Browser, MadeKey};
pub use certificate::Certified;
pub use clock::ManualClock;
pub use mailbox::Letter;
pub use node::{Database, Engine, Node, NodeBuilder};
pub use reqwest;
pub use smtp::MailServer;
pub use world::World;

/// Tells each story of a file on both engines: `stories! { a_name, another }` runs `async fn a_name(Engine) -> Result<()>`.
#[macro_export]
macro_rules! stories {
    ($($name:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() -> anyhow::Result<()> { super::$name($crate::Engine::Sqlite).await })*
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() -> anyhow::Result<()> { super::$name($crate::Engine::Postgres).await })*
        }
    };
}

/// How often a race is run: 1,000 times, or as often as `CARDEA_RACES` says (`make chaos`).
#[must_use]
pub fn races() -> usize {
    asked("CARDEA_RACES").unwrap_or(1000)
}

/// How often a process is killed: 25 times, or as often as `CARDEA_KILLS` says (`make chaos`).
#[must_use]
pub fn kills() -> usize {
    asked("CARDEA_KILLS").unwrap_or(25)
}

#[expect(clippy::disallowed_methods, reason = "the knobs of the tests")]
fn asked(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}
