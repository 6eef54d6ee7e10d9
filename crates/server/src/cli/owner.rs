//! `cardea owner list`, `add` and `remove`: who owns an org, over the API.

use super::answer::{is, items, text};
use super::invite;
use super::output::rows;
use super::place::{At, Of, Sure};
use crate::environment::Environment;
use clap::Subcommand;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Owners of an org.
#[derive(Debug, Subcommand)]
pub(crate) enum Owners {
    /// List the owners of an org, and who is invited to become one
    #[command(after_help = "Example:\n  cardea owner list --org acme")]
    List(Of),
    /// Ask somebody to own the org too; three own it at the most
    #[command(after_help = "Example:\n  cardea owner add ada@acme.example --org acme")]
    Add {
        /// Their address, of the same domain as the other owners'
        email: String,
        #[command(flatten)]
        text: invite::Text,
        #[command(flatten)]
        of: Of,
    },
    /// Remove an owner; they stay a member without roles, and the remaining owners are told
    #[command(after_help = "Example:\n  cardea owner remove ada@acme.example --org acme --yes")]
    Remove {
        /// Their address or id
        user: String,
        /// The owner who takes the account, if its one owner goes
        #[arg(long, value_name = "USER")]
        account_owner: Option<String>,
        #[command(flatten)]
        sure: Sure,
        #[command(flatten)]
        of: Of,
    },
}

/// `cardea owner …` at the running gateway.
pub(crate) async fn owner(environment: &Environment, owner: &Owners) -> anyhow::Result<ExitCode> {
    match owner {
        Owners::List(of) => list(&of.at(environment).await?).await?,
        Owners::Add { email, text, of } => {
            let at = of.at(environment).await?;
            invite::send(&at, text.wanted(json!({"email": email, "owner": true, "account_role": "admin"}))).await?;
        }
        Owners::Remove { user, account_owner, sure, of } => {
            let at = of.at(environment).await?;
            sure.mean(&format!("{user} owns {} no longer and has no role there; the other owners are told", at.org))?;
            let heir = account_owner.as_deref().unwrap_or_default();
            at.delete(&["owners", user], &[("account_owner", heir)]).await?;
            rows(at.form, ["REMOVED"], &[[user.clone()]], &json!({"removed": user}))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(at: &At) -> anyhow::Result<()> {
    let listed = at.get(&["owners"]).await?;
    let row = |owner: &Value| {
        let state = if is(owner, "active") { "" } else { "suspended" };
        [text(owner, "email"), text(owner, "name"), text(owner, "account_role"), state.to_owned()]
    };
    let invited = items(&listed, "invited").filter_map(Value::as_str);
    let invited = invited.map(|email| [email.to_owned(), String::new(), String::new(), "invited".to_owned()]);
    let lines: Vec<_> = items(&listed, "items").map(row).chain(invited).collect();
    rows(at.form, ["OWNER", "NAME", "IN THE ACCOUNT", "STATE"], &lines, &listed)
}
