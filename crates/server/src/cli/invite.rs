//! `cardea invite …`: asking people to come.

use super::answer::{RoleName, items, roles, text, unknown};
use super::output::{note, rows};
use super::place::{At, Of, Sure};
use crate::environment::Environment;
use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Invitations.
#[derive(Debug, Subcommand)]
pub(crate) enum Invite {
    /// Ask somebody to come; they get a message with a link that is good once
    #[command(
        after_help = "Example:\n  cardea invite create ben@acme.example --role registry:user --role vision/catalog:read --valid-for 24h --org acme"
    )]
    Create {
        /// Their address
        email: String,
        /// What they get when they accept, as `SERVICE:ROLE` or `TEAM/SERVICE:ROLE`; may be repeated
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<RoleName>,
        /// What they become in the account
        #[arg(long, value_enum, default_value_t = AccountRole::Member)]
        account_role: AccountRole,
        #[command(flatten)]
        text: Text,
        #[command(flatten)]
        of: Of,
    },
    /// List the invitations, newest first
    #[command(after_help = "Example:\n  cardea invite list --org acme")]
    List(Of),
    /// Send an invitation again with a new link; the old one is dead at once
    #[command(after_help = "Example:\n  cardea invite resend ben@acme.example --org acme")]
    Resend(Which),
    /// Withdraw an invitation; its link is good for nothing any more
    #[command(after_help = "Example:\n  cardea invite revoke ben@acme.example --org acme --yes")]
    Revoke {
        #[command(flatten)]
        sure: Sure,
        #[command(flatten)]
        which: Which,
    },
    /// Roles that an invitation gives, before it is accepted
    #[command(subcommand)]
    Role(Change),
}

/// What an invitation gives.
#[derive(Debug, Subcommand)]
pub(crate) enum Change {
    /// Let an invitation give a role
    #[command(after_help = "Example:\n  cardea invite role add ben@acme.example registry:user --org acme")]
    Add(Given),
    /// Let an invitation give a role no longer
    #[command(after_help = "Example:\n  cardea invite role remove ben@acme.example registry:user --org acme")]
    Remove(Given),
}

/// A role of an invitation.
#[derive(Debug, Args)]
pub(crate) struct Given {
    /// The address that was invited, or the invitation's id
    invitation: String,
    /// `SERVICE:ROLE`, `TEAM/SERVICE:ROLE` or `user_admin`
    role: RoleName,
    #[command(flatten)]
    of: Of,
}

/// One invitation.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The address that was invited, or the invitation's id
    invitation: String,
    #[command(flatten)]
    of: Of,
}

/// What the message says, and how long its link is good.
#[derive(Debug, Args)]
pub(crate) struct Text {
    /// What you want to say, in plain text
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// How long the link is good, such as `6h` or `7d` [default: the gateway's]
    #[arg(long, value_name = "SPAN")]
    valid_for: Option<String>,
}

impl Text {
    /// The body of a request, with the message and the span.
    pub(super) fn wanted(&self, mut body: Value) -> Value {
        for (name, value) in [("message", &self.message), ("valid_for", &self.valid_for)] {
            if let (Some(fields), Some(value)) = (body.as_object_mut(), value) {
                fields.insert(name.to_owned(), value.clone().into());
            }
        }
        body
    }
}

/// What somebody can be made in an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccountRole {
    /// Nothing but a member of it
    Member,
    /// Manages the users of the account
    Admin,
}

impl AccountRole {
    /// The API's word.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }
}

/// `cardea invite …`
pub(crate) async fn invite(environment: &Environment, invite: &Invite) -> anyhow::Result<ExitCode> {
    match invite {
        Invite::Create { email, roles, account_role, text, of } => {
            let roles: Vec<Value> = roles.iter().map(RoleName::json).collect();
            let body = json!({"email": email, "account_role": account_role.as_str(), "roles": roles});
            send(&of.at(environment).await?, text.wanted(body)).await?;
        }
        Invite::List(of) => {
            let at = of.at(environment).await?;
            let listed = at.all(&["invitations"], &[]).await?;
            let lines: Vec<_> = items(&listed, "items").map(row).collect();
            rows(at.form, HEADINGS, &lines, &listed)?;
        }
        Invite::Resend(which) => {
            let at = which.of.at(environment).await?;
            let id = id(&at, &which.invitation).await?;
            show(&at, &at.send(Method::POST, &["invitations", &id, "resend"], &json!({})).await?)?;
        }
        Invite::Revoke { sure, which } => {
            let at = which.of.at(environment).await?;
            let id = id(&at, &which.invitation).await?;
            sure.mean(&format!("the link that {} was sent is good for nothing any more", which.invitation))?;
            at.delete(&["invitations", &id], &[]).await?;
            rows(at.form, ["WITHDRAWN"], &[[which.invitation.clone()]], &json!({"withdrawn": id}))?;
        }
        Invite::Role(Change::Add(given)) => {
            change(environment, given, |roles, role| {
                roles.retain(|known| known != role);
                roles.push(role.clone());
            })
            .await?;
        }
        Invite::Role(Change::Remove(given)) => {
            change(environment, given, |roles, role| roles.retain(|known| known != role)).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Invites, and says what is unusual about it.
pub(super) async fn send(at: &At, wanted: Value) -> anyhow::Result<()> {
    let invited = at.send(Method::POST, &["invitations"], &wanted).await?;
    show(at, &invited)?;
    for warning in items(&invited, "warnings").filter(|_| at.is_for_people()) {
        note(&format!("careful: {}", text(warning, "detail")));
    }
    Ok(())
}

const HEADINGS: [&str; 6] = ["INVITED", "AS", "STATE", "UNTIL", "ROLES", "ID"];

fn row(invitation: &Value) -> [String; 6] {
    let kind = match text(invitation, "kind").as_str() {
        "owner" => "owner".to_owned(),
        _ => text(invitation, "account_role"),
    };
    let [email, state, until, id] = ["email", "state", "expires_at", "id"].map(|name| text(invitation, name));
    [email, kind, state, until, roles(invitation, "roles"), id]
}

fn show(at: &At, invitation: &Value) -> anyhow::Result<()> {
    rows(at.form, HEADINGS, &[row(invitation)], invitation)
}

/// The invitation that is meant by an address or an id; of an address the one that can still be changed.
async fn find(at: &At, meant: &str) -> anyhow::Result<Value> {
    let listed = at.all(&["invitations"], &[]).await?;
    let is_meant = |invitation: &&Value| {
        let open = matches!(text(invitation, "state").as_str(), "pending" | "expired");
        text(invitation, "id") == meant || open && text(invitation, "email").eq_ignore_ascii_case(meant)
    };
    if let Some(found) = items(&listed, "items").find(is_meant) {
        return Ok(found.clone());
    }
    let open: Vec<String> = items(&listed, "items").map(|invitation| text(invitation, "email")).collect();
    Err(unknown(&at.org, "open invitation for", meant, &open).into())
}

async fn id(at: &At, meant: &str) -> anyhow::Result<String> {
    if meant.starts_with("inv_") {
        return Ok(meant.to_owned());
    }
    Ok(text(&find(at, meant).await?, "id"))
}

async fn change(
    environment: &Environment,
    given: &Given,
    to: impl FnOnce(&mut Vec<RoleName>, &RoleName),
) -> anyhow::Result<()> {
    let at = given.of.at(environment).await?;
    let found = find(&at, &given.invitation).await?;
    let mut roles: Vec<RoleName> = items(&found, "roles").map(RoleName::of).collect();
    to(&mut roles, &given.role);
    let roles: Vec<Value> = roles.iter().map(RoleName::json).collect();
    let id = text(&found, "id");
    show(&at, &at.send(Method::PATCH, &["invitations", &id], &json!({"roles": roles})).await?)
}
