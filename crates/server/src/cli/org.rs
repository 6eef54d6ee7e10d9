//! `cardea org …`: the orgs that you are in.

use super::Printed;
use super::answer::{is, items, text};
use super::output::{Form, note, rows, settings};
use super::place::{At, Of, Sure};
use super::remote::{Remote, asking};
use crate::environment::Environment;
use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Orgs.
#[derive(Debug, Subcommand)]
pub(crate) enum Org {
    /// List the orgs that you are in
    #[command(after_help = "Example:\n  cardea org list --search acme")]
    List {
        /// A part of the org's or account's name
        #[arg(long, value_name = "PART", default_value = "", hide_default_value = true)]
        search: String,
        #[command(flatten)]
        printed: Printed,
    },
    /// Show what an org is, has, and who owns it
    #[command(after_help = "Example:\n  cardea org show --org acme")]
    Show(Of),
    /// Describe an org anew; for the account's owner
    #[command(after_help = "Example:\n  cardea org edit --org acme --description Anvils")]
    Edit {
        /// What it is, in at most 1000 bytes
        #[arg(long, value_name = "TEXT")]
        description: String,
        #[command(flatten)]
        of: Of,
    },
    /// Go to another org of yours; the commands that follow act there
    #[command(after_help = "Example:\n  cardea org switch globex")]
    Switch {
        /// Its name
        org: String,
        #[command(flatten)]
        printed: Printed,
    },
    /// Leave the org that you are signed in to: every role, session and key of yours there ends
    #[command(after_help = "Example:\n  cardea org leave --yes")]
    Leave {
        #[command(flatten)]
        sure: Sure,
        #[command(flatten)]
        printed: Printed,
    },
    /// Write to the owners of an org; their answer goes to your address
    #[command(after_help = "Example:\n  cardea org contact --about product-request --message Please --org acme")]
    Contact(Contact),
}

/// A message to the owners.
#[derive(Debug, Args)]
pub(crate) struct Contact {
    /// What it is about
    #[arg(long, value_enum)]
    about: About,
    /// Its subject [default: the template's]
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// What you write, in plain text
    #[arg(long, value_name = "TEXT")]
    message: String,
    /// The team that it is about
    #[arg(long, value_name = "NAME")]
    team: Option<String>,
    #[command(flatten)]
    of: Of,
}

/// What a message to the owners can be about.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum About {
    ProductRequest,
    TeamAccessRequest,
}

/// `cardea org …`
pub(crate) async fn org(environment: &Environment, org: &Org) -> anyhow::Result<ExitCode> {
    match org {
        Org::List { search, printed } => list(&Remote::open(environment)?, search, printed.json).await?,
        Org::Show(of) => {
            let at = of.at(environment).await?;
            show(&at, &at.get(&[]).await?)?;
        }
        Org::Edit { description, of } => {
            let at = of.at(environment).await?;
            show(&at, &at.send(Method::PATCH, &[], &json!({"description": description})).await?)?;
        }
        Org::Switch { org, printed } => {
            let switched = Remote::open(environment)?.switch(environment, org).await?;
            rows(Form::choose(printed.json), ["ORG"], &[[text(&switched, "org")]], &switched)?;
        }
        Org::Leave { sure, printed } => {
            sure.mean("every role, session and key of yours in this org ends, this sign-in too")?;
            let ended = Remote::open(environment)?.send(Method::POST, "/api/v1/me/leave", None).await?;
            rows(Form::choose(printed.json), ["RECEIPT"], &[[text(&ended, "receipt")]], &ended)?;
        }
        Org::Contact(contact) => write(environment, contact).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(gateway: &Remote, search: &str, json: bool) -> anyhow::Result<()> {
    let listed = gateway.get(&asking("/api/v1/me/orgs", &[("q", search)])).await?;
    let row = |place: &Value| {
        let here = if is(place, "current") { "here" } else { "" };
        let owner = if is(place, "owner") { "owner" } else { "" };
        [text(place, "org"), text(place, "account"), text(place, "number"), owner.to_owned(), here.to_owned()]
    };
    let lines: Vec<_> = items(&listed, "orgs").map(row).collect();
    rows(Form::choose(json), ["ORG", "ACCOUNT", "NUMBER", "YOU ARE", "SIGNED IN"], &lines, &listed)
}

fn show(at: &At, org: &Value) -> anyhow::Result<()> {
    let service = |service: &Value| match (text(service, "state").as_str(), text(service, "ends_at").as_str()) {
        ("active", "") => text(service, "service"),
        (state, "") => format!("{} ({state})", text(service, "service")),
        (state, end) => format!("{} ({state}, until {end})", text(service, "service")),
    };
    let owner = |owner: &Value| match text(owner, "email").as_str() {
        "" => text(owner, "name"),
        email => email.to_owned(),
    };
    let lines = [
        ("kind", text(org, "kind")),
        ("account", format!("{} ({})", text(org, "account"), text(org, "number"))),
        ("description", text(org, "description")),
        ("services", items(org, "services").map(service).collect::<Vec<_>>().join(", ")),
        ("identity provider", if is(org, "linked") { "linked" } else { "not linked" }.to_owned()),
        ("owners", items(org, "owners").map(owner).collect::<Vec<_>>().join(", ")),
    ];
    settings(at.form, &text(org, "name").to_uppercase(), &lines, org)
}

async fn write(environment: &Environment, contact: &Contact) -> anyhow::Result<()> {
    let at = contact.of.at(environment).await?;
    let template = match contact.about {
        About::ProductRequest => "product_request",
        About::TeamAccessRequest => "team_access_request",
    };
    let body = json!({"template": template, "subject": contact.subject, "body": contact.message, "team": contact.team});
    at.send(Method::POST, &["contact"], &body).await?;
    if at.is_for_people() {
        note(&format!("the owners of {} have it; their answer goes to your address", at.org));
    }
    Ok(())
}
