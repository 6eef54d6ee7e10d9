//! `cardea role …`: roles that are given and taken by hand.

use super::answer::{RoleName, items, text};
use super::output::rows;
use super::place::{At, Of};
use crate::environment::Environment;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Roles by hand. What rules give is changed by `cardea rule`.
#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    /// List somebody's roles, with the reason for each
    #[command(after_help = "Example:\n  cardea role list ana@corp.example --org acme")]
    List {
        /// Their address or id
        user: String,
        #[command(flatten)]
        of: Of,
    },
    /// Give somebody a role in the org or in a team
    #[command(
        after_help = "Examples:\n  cardea role grant ana@corp.example registry:admin --org acme\n  cardea role grant ana@corp.example vision/catalog:read\n  cardea role grant ana@corp.example user_admin"
    )]
    Grant(Given),
    /// Take a role from somebody that was given by hand
    #[command(after_help = "Example:\n  cardea role revoke ana@corp.example vision/catalog:read --org acme")]
    Revoke(Given),
}

/// A role of somebody.
#[derive(Debug, Args)]
pub(crate) struct Given {
    /// Their address or id
    user: String,
    /// `SERVICE:ROLE`, `TEAM/SERVICE:ROLE` or `user_admin`
    role: RoleName,
    #[command(flatten)]
    of: Of,
}

/// `cardea role …`
pub(crate) async fn role(environment: &Environment, role: &Role) -> anyhow::Result<ExitCode> {
    match role {
        Role::List { user, of } => {
            let at = of.at(environment).await?;
            let shown = at.get(&["users", user]).await?;
            roles(&at, &json!({"roles": shown.get("roles")}))?;
        }
        Role::Grant(given) => {
            let at = given.of.at(environment).await?;
            roles(&at, &at.send(Method::POST, &["users", &given.user, "roles"], &given.role.json()).await?)?;
        }
        Role::Revoke(given) => {
            let at = given.of.at(environment).await?;
            let which: Vec<_> = given.role.fields().collect();
            roles(&at, &at.delete(&["users", &given.user, "roles"], &which).await?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Somebody's roles from now on.
fn roles(at: &At, answer: &Value) -> anyhow::Result<()> {
    let lines: Vec<_> = items(answer, "roles").map(row).collect();
    rows(at.form, HEADINGS, &lines, answer)
}

/// What stands over [`row`]s.
pub(super) const HEADINGS: [&str; 4] = ["TEAM", "SERVICE", "ROLE", "BECAUSE"];

/// A role with the reasons for it.
pub(super) fn row(role: &Value) -> [String; 4] {
    let reasons = items(role, "because").map(|because| match text(because, "rule").as_str() {
        "" => text(because, "source"),
        rule => format!("{rule} ({})", text(because, "value")),
    });
    [text(role, "team"), text(role, "service"), text(role, "role"), reasons.collect::<Vec<_>>().join(", ")]
}
