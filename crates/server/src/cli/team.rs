//! `cardea team …`: the isolated parts of an org.

use super::answer::{items, text};
use super::output::{rows, settings};
use super::place::{At, Of, Sure};
use crate::environment::Environment;
use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Teams.
#[derive(Debug, Subcommand)]
pub(crate) enum Team {
    /// List the teams
    #[command(after_help = "Example:\n  cardea team list --org acme")]
    List(Of),
    /// Make a team
    #[command(after_help = "Example:\n  cardea team create vision --description Cameras --org acme")]
    Create {
        /// Its name, in lower case; never one that a team of the org has had
        team: String,
        /// What it is for
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        description: String,
        #[command(flatten)]
        of: Of,
    },
    /// Show a team
    #[command(after_help = "Example:\n  cardea team show vision --org acme")]
    Show {
        /// Its name or id
        team: String,
        #[command(flatten)]
        of: Of,
    },
    /// Describe a team anew; its name stays for ever
    #[command(after_help = "Example:\n  cardea team edit vision --description Lenses --org acme")]
    Edit {
        /// Its name or id
        team: String,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        description: String,
        #[command(flatten)]
        of: Of,
    },
    /// End a team, and with it every role in it; its name is never given again
    #[command(after_help = "Example:\n  cardea team delete vision --org acme --yes")]
    Delete {
        /// Its name or id
        team: String,
        #[command(flatten)]
        sure: Sure,
        #[command(flatten)]
        of: Of,
    },
}

/// `cardea team …`
pub(crate) async fn team(environment: &Environment, team: &Team) -> anyhow::Result<ExitCode> {
    match team {
        Team::List(of) => {
            let at = of.at(environment).await?;
            let listed = at.all(&["teams"], &[]).await?;
            let row = |team: &Value| [text(team, "name"), text(team, "description")];
            let lines: Vec<_> = items(&listed, "items").map(row).collect();
            rows(at.form, ["TEAM", "DESCRIPTION"], &lines, &listed)?;
        }
        Team::Create { team, description, of } => {
            let at = of.at(environment).await?;
            let new = json!({"name": team, "description": description});
            show(&at, &at.send(Method::POST, &["teams"], &new).await?)?;
        }
        Team::Show { team, of } => {
            let at = of.at(environment).await?;
            show(&at, &at.get(&["teams", team]).await?)?;
        }
        Team::Edit { team, description, of } => {
            let at = of.at(environment).await?;
            let change = json!({"description": description});
            show(&at, &at.send(Method::PATCH, &["teams", team], &change).await?)?;
        }
        Team::Delete { team, sure, of } => {
            let at = of.at(environment).await?;
            let effect =
                format!("every role in the team {team} of {} ends, and nobody can ever use its name again", at.org);
            sure.mean(&effect)?;
            at.delete(&["teams", team], &[]).await?;
            rows(at.form, ["ENDED"], &[[team.clone()]], &json!({"ended": team}))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(at: &At, team: &Value) -> anyhow::Result<()> {
    let lines = [("id", text(team, "id")), ("description", text(team, "description"))];
    settings(at.form, &text(team, "name").to_uppercase(), &lines, team)
}
