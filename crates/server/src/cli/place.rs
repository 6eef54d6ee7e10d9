//! Which org a command is about, and what is asked before something ends.

use super::Printed;
use super::answer::{items, text};
use super::output::{Form, note};
use super::remote::{Remote, asking, path};
use crate::complaint::Complaint;
use crate::environment::Environment;
use clap::Args;
use reqwest::Method;
use serde_json::Value;
use std::io::IsTerminal as _;

/// Of which org.
#[derive(Debug, Args)]
pub(crate) struct Of {
    /// The org's name [default: the org that you are signed in to]
    #[arg(long, value_name = "NAME")]
    org: Option<String>,
    #[command(flatten)]
    printed: Printed,
}

/// An org at a running gateway, and the form in which its answers are printed.
pub(super) struct At {
    pub(super) gateway: Remote,
    /// The org's name.
    pub(super) org: String,
    pub(super) form: Form,
}

impl Of {
    /// Whether JSON is wanted.
    pub(super) fn json(&self) -> bool {
        self.printed.json
    }

    /// The org, at the gateway that was signed in to.
    pub(super) async fn at(&self, environment: &Environment) -> anyhow::Result<At> {
        let gateway = Remote::open(environment)?;
        let org = match &self.org {
            Some(org) => org.clone(),
            None => own(&gateway).await?,
        };
        Ok(At { gateway, org, form: Form::choose(self.printed.json) })
    }
}

/// The org that the session speaks in.
async fn own(gateway: &Remote) -> anyhow::Result<String> {
    let me = gateway.get("/api/v1/me").await?;
    let org = items(&me, "orgs").map(|org| text(org, "org")).next();
    Ok(org.ok_or_else(|| Complaint::new("org", "which one is meant?").hint("name it with --org"))?)
}

impl At {
    /// The address of something of the org.
    fn path(&self, parts: &[&str]) -> anyhow::Result<String> {
        path(&[&["orgs", &self.org], parts].concat())
    }

    /// What a GET answers.
    pub(super) async fn get(&self, parts: &[&str]) -> anyhow::Result<Value> {
        self.gateway.get(&self.path(parts)?).await
    }

    /// Every page of a list as one: its `items`.
    pub(super) async fn all(&self, parts: &[&str], query: &[(&str, &str)]) -> anyhow::Result<Value> {
        self.gateway.all(&self.path(parts)?, query).await
    }

    /// What a request with a body answers.
    pub(super) async fn send(&self, method: Method, parts: &[&str], body: &Value) -> anyhow::Result<Value> {
        self.gateway.send(method, &self.path(parts)?, Some(body)).await
    }

    /// What a DELETE answers.
    pub(super) async fn delete(&self, parts: &[&str], query: &[(&str, &str)]) -> anyhow::Result<Value> {
        self.gateway.send(Method::DELETE, &asking(&self.path(parts)?, query), None).await
    }

    /// The account that the org belongs to.
    pub(super) async fn account(&self) -> anyhow::Result<String> {
        Ok(text(&self.get(&[]).await?, "account"))
    }

    /// Whether notes for people are wanted beside the data.
    pub(super) fn is_for_people(&self) -> bool {
        self.form != Form::Json
    }
}

/// For what cannot be taken back.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Sure {
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Sure {
    /// Whether nobody is to be asked.
    pub(super) const fn is_said(self) -> bool {
        self.yes
    }

    /// Goes on only if whoever typed the command means what it does.
    pub(super) fn mean(self, effect: &str) -> anyhow::Result<()> {
        if self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            return Err(Complaint::new("nothing was done", effect).hint("say --yes if that is meant").into());
        }
        note(effect);
        let terminal = console::Term::stderr();
        terminal.write_str("go on? [y/N] ")?;
        match terminal.read_line()?.trim() {
            "y" | "Y" | "yes" => Ok(()),
            _ => anyhow::bail!("nothing was done"),
        }
    }
}
