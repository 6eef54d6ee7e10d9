//! `cardea app …`: clients that an account makes for its scripts, over the API; those of the org that one is signed in to.

use super::Printed;
use super::answer::{id_of, is, items, text};
use super::output::{Form, note, rows};
use super::place::Sure;
use super::remote::{Remote, path};
use crate::config::units::read_span;
use crate::environment::Environment;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Apps.
#[derive(Debug, Subcommand)]
pub(crate) enum App {
    /// List the apps
    #[command(after_help = "Example:\n  cardea app list")]
    List(Printed),
    /// Make an app; its secret is printed this once
    #[command(after_help = "Example:\n  cardea app create nightly-report")]
    Create {
        /// Small letters, digits, `-` and `_`; the last two are dropped
        name: String,
        #[command(flatten)]
        printed: Printed,
    },
    /// Switch an app on again; the tokens from before do not come back
    #[command(after_help = "Example:\n  cardea app enable nightlyreport")]
    Enable(Named),
    /// Switch an app off; every token that it had ends
    #[command(after_help = "Example:\n  cardea app disable nightlyreport")]
    Disable(Named),
    /// Give an app another secret, which is printed this once
    #[command(
        after_help = "Examples:\n  cardea app secret nightlyreport\n  cardea app secret nightlyreport --grace 1h"
    )]
    Secret {
        #[command(flatten)]
        app: Named,
        /// How long the old secret works beside the new one, at most 1d [default: not at all]
        #[arg(long, value_name = "SPAN", value_parser = span)]
        grace: Option<u64>,
    },
    /// Delete an app for good, with every token that it had
    #[command(after_help = "Example:\n  cardea app delete nightlyreport --yes")]
    Delete {
        #[command(flatten)]
        app: Named,
        #[command(flatten)]
        sure: Sure,
    },
}

/// One app.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Its name or id
    app: String,
    #[command(flatten)]
    printed: Printed,
}

/// The seconds of a span such as `1h`.
fn span(word: &str) -> Result<u64, &'static str> {
    read_span(word).map(|span| span.as_secs()).ok_or("a span is written like `30m`, `1h` or `1d`")
}

/// `cardea app …`
pub(crate) async fn app(environment: &Environment, app: &App) -> anyhow::Result<ExitCode> {
    let gateway = Remote::open(environment)?;
    match app {
        App::List(printed) => list(*printed, &gateway.get("/api/v1/apps").await?)?,
        App::Create { name, printed } => {
            let made = gateway.send(Method::POST, "/api/v1/apps", Some(&json!({"name": name}))).await?;
            shown(*printed, &made)?;
        }
        App::Enable(named) => switch(&gateway, named, true).await?,
        App::Disable(named) => switch(&gateway, named, false).await?,
        App::Secret { app, grace } => {
            let standing = named(&gateway, app).await?;
            let body = json!({"graceSeconds": grace.unwrap_or_default()});
            let made = gateway.send(Method::POST, &at(&standing, &["secret"])?, Some(&body)).await?;
            let whole = json!({"id": text(&standing, "id"), "name": text(&standing, "name"),
                "clientId": text(&standing, "clientId"), "secret": text(&made, "secret")});
            shown(app.printed, &whole)?;
        }
        App::Delete { app, sure } => {
            let standing = named(&gateway, app).await?;
            sure.mean(&format!("the app {} ends for good, with every token that it had", text(&standing, "name")))?;
            gateway.send(Method::DELETE, &at(&standing, &[])?, None).await?;
            let form = Form::choose(app.printed.json);
            rows(form, ["DELETED"], &[[app.app.clone()]], &json!({"deleted": app.app}))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The app that is called by its name or id.
async fn named(gateway: &Remote, named: &Named) -> anyhow::Result<Value> {
    let listed = json!({"items": gateway.get("/api/v1/apps").await?});
    let id = id_of("app", &named.app, items(&listed, "items"))?;
    gateway.get(&path(&["apps", &id])?).await
}

fn at(app: &Value, rest: &[&str]) -> anyhow::Result<String> {
    path(&[&["apps", &text(app, "id")], rest].concat())
}

async fn switch(gateway: &Remote, app: &Named, enabled: bool) -> anyhow::Result<()> {
    let standing = named(gateway, app).await?;
    let now = gateway.send(Method::PATCH, &at(&standing, &[])?, Some(&json!({"enabled": enabled}))).await?;
    rows(Form::choose(app.printed.json), ["NAME", "STATE"], &[[text(&now, "name"), state(&now)]], &now)
}

fn state(app: &Value) -> String {
    if is(app, "enabled") { "active" } else { "disabled" }.to_owned()
}

fn list(printed: Printed, listed: &Value) -> anyhow::Result<()> {
    let row = |app: &Value| [text(app, "name"), text(app, "clientId"), state(app), text(app, "createdAt")];
    let lines: Vec<_> = listed.as_array().into_iter().flatten().map(row).collect();
    rows(Form::choose(printed.json), ["NAME", "CLIENT ID", "STATE", "CREATED"], &lines, listed)
}

/// An app that has a new secret.
fn shown(printed: Printed, made: &Value) -> anyhow::Result<()> {
    let form = Form::choose(printed.json);
    let row = [text(made, "name"), text(made, "clientId"), text(made, "secret")];
    rows(form, ["NAME", "CLIENT ID", "SECRET"], &[row], made)?;
    if form != Form::Json {
        note("keep the secret now: it is not shown again");
    }
    Ok(())
}
