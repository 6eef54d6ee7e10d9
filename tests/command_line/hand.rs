//! Somebody at a command line: a folder of their own, in which they have signed in.

use anyhow::Result;
use cardea_testkit::Node;
use serde_json::Value;

use super::program::{Ran, run};

/// Somebody who types.
pub(crate) struct Hand(tempfile::TempDir);

impl Hand {
    /// Somebody who has signed in at this node.
    pub(crate) async fn of(node: &Node, (email, password): (&str, &str)) -> Result<Self> {
        let hand = Self(tempfile::tempdir()?);
        hand.sign_in(node, (email, password)).await?;
        Ok(hand)
    }

    /// Signs in once more.
    pub(crate) async fn sign_in(&self, node: &Node, (email, password): (&str, &str)) -> Result<()> {
        std::fs::write(self.0.path().join("password"), password)?;
        let login = ["login", "--url", &node.url, "--email", email, "--password-file", "password"];
        self.say(&login).await?.good()?;
        Ok(())
    }

    /// Types these words.
    pub(crate) async fn say(&self, words: &[&str]) -> Result<Ran> {
        run(self.0.path(), words).await
    }

    /// Types a line without quotes, which must work; what it prints.
    pub(crate) async fn done(&self, line: &str) -> Result<String> {
        Ok(self.say(&line.split(' ').collect::<Vec<_>>()).await?.good()?.out)
    }

    /// Types a line with `--json`, which must work; the answer.
    pub(crate) async fn json(&self, line: &str) -> Result<Value> {
        self.say(&line.split(' ').chain(["--json"]).collect::<Vec<_>>()).await?.good()?.json()
    }

    /// Types a line that must fail with 1; what is said about that.
    pub(crate) async fn refused(&self, line: &str) -> Result<String> {
        self.say(&line.split(' ').collect::<Vec<_>>()).await?.bad()
    }
}
