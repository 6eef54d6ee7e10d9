//! `cardea user …`: the people of an org and its account, over the API.

use super::answer::{is, items, roles, text, who};
use super::invite::AccountRole;
use super::output::{note, rows, settings};
use super::place::{At, Of, Sure};
use super::progress::spinner;
use super::remote::path;
use super::{Member, role};
use crate::environment::Environment;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use std::process::ExitCode;

/// People.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// List the users of an org with their roles
    #[command(after_help = "Example:\n  cardea user list --search corp.example --org acme")]
    List {
        /// A part of a name or an address
        #[arg(long, value_name = "PART", default_value = "", hide_default_value = true)]
        search: String,
        /// Everybody in the account, those who left the org too; for the account's owner and admins
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        of: Of,
    },
    /// Show all that an admin can know of a user
    #[command(after_help = "Example:\n  cardea user show ana@corp.example --org acme")]
    Show(Whom),
    /// Say what a user is in the account: one of its admins, or a plain member
    #[command(after_help = "Example:\n  cardea user edit ana@corp.example --account-role admin --org acme")]
    Edit {
        /// What they become
        #[arg(long, value_enum)]
        account_role: AccountRole,
        #[command(flatten)]
        whom: Whom,
    },
    /// Put somebody back who had left the org; they have no role by hand yet
    #[command(after_help = "Example:\n  cardea user add ana@corp.example --org acme")]
    Add(Whom),
    /// Remove a user from the org: every role, session and key of theirs ends there
    #[command(
        after_help = "Examples:\n  cardea user remove ana@corp.example --org acme --yes\n  cardea user remove ana@corp.example --from-account    from the account too, and so from every service"
    )]
    Remove {
        /// From the account too: everything of theirs ends in every service, and they are held
        #[arg(long)]
        from_account: bool,
        #[command(flatten)]
        sure: Sure,
        #[command(flatten)]
        whom: Whom,
    },
    /// Let a user who had left the account into it again; they are in the org when they are added there
    #[command(after_help = "Example:\n  cardea user readmit ana@corp.example --org acme")]
    Readmit(Whom),
    /// End all access of somebody, at once and on every node; it does not ask
    ///
    /// With --org the running gateway does it, as you. With --account this machine does it on the database itself, which
    /// works when no gateway runs: it needs the configuration and no sign-in, and the audit log says so.
    #[command(
        after_help = "Examples:\n  cardea user deactivate ada@acme.example --org acme\n  cardea user deactivate ada@acme.example --account acme    on this machine"
    )]
    Deactivate(Member),
    /// Let somebody in again; keys and sessions that were ended stay ended
    ///
    /// With --org the running gateway does it, as you. With --account this machine does it on the database itself.
    #[command(
        after_help = "Examples:\n  cardea user reactivate ada@acme.example --org acme\n  cardea user reactivate ada@acme.example --account acme    on this machine"
    )]
    Reactivate(Member),
}

/// A user of an org.
#[derive(Debug, Args)]
pub(crate) struct Whom {
    /// Their address or id
    user: String,
    #[command(flatten)]
    of: Of,
}

/// `cardea user …` at the running gateway.
pub(crate) async fn user(environment: &Environment, user: &User) -> anyhow::Result<ExitCode> {
    match user {
        User::List { search, all: false, of } => list(&of.at(environment).await?, search).await?,
        User::List { search, all: true, of } => tenants(&of.at(environment).await?, search).await?,
        User::Show(whom) => {
            let at = whom.of.at(environment).await?;
            show(&at, &at.get(&["users", &whom.user]).await?)?;
        }
        User::Edit { account_role, whom } => {
            let at = whom.of.at(environment).await?;
            let change = json!({"account_role": account_role.as_str()});
            let changed = at.gateway.send(Method::PATCH, &in_account(&at, &[&whom.user]).await?, Some(&change)).await?;
            rows(at.form, TENANT, &[tenant(&changed)], &changed)?;
        }
        User::Add(whom) => {
            let at = whom.of.at(environment).await?;
            show(&at, &at.send(Method::POST, &["users"], &json!({"user": whom.user})).await?)?;
        }
        User::Remove { from_account, sure, whom } => {
            let at = whom.of.at(environment).await?;
            remove(&at, &whom.user, (*from_account, *sure)).await?;
        }
        User::Readmit(whom) => {
            let at = whom.of.at(environment).await?;
            let whom = json!({"user": whom.user});
            let changed = at.gateway.send(Method::POST, &in_account(&at, &[]).await?, Some(&whom)).await?;
            rows(at.form, TENANT, &[tenant(&changed)], &changed)?;
        }
        User::Deactivate(member) => {
            let at = member.of.at(environment).await?;
            ended(&at, &at.send(Method::POST, &["users", &member.email, "deactivate"], &json!({})).await?)?;
        }
        User::Reactivate(member) => {
            let at = member.of.at(environment).await?;
            at.send(Method::POST, &["users", &member.email, "reactivate"], &json!({})).await?;
            rows(at.form, ["REACTIVATED"], &[[member.email.clone()]], &json!({"reactivated": true}))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The address of the users of the org's account, or of one of them.
async fn in_account(at: &At, parts: &[&str]) -> anyhow::Result<String> {
    path(&[&["accounts", &at.account().await?, "users"], parts].concat())
}

async fn list(at: &At, search: &str) -> anyhow::Result<()> {
    let bar = spinner("reading the users");
    let listed = at.all(&["users"], &[("q", search)]).await;
    bar.finish_and_clear();
    let listed = listed?;
    let row = |user: &Value| [who(user), text(user, "name"), standing(user), roles(user, "roles"), text(user, "keys")];
    let lines: Vec<_> = items(&listed, "items").map(row).collect();
    rows(at.form, ["USER", "NAME", "IS", "ROLES", "KEYS"], &lines, &listed)
}

async fn tenants(at: &At, search: &str) -> anyhow::Result<()> {
    let bar = spinner("reading the users");
    let listed = at.gateway.all(&in_account(at, &[]).await?, &[("q", search)]).await;
    bar.finish_and_clear();
    let listed = listed?;
    let lines: Vec<_> = items(&listed, "items").map(tenant).collect();
    rows(at.form, TENANT, &lines, &listed)
}

const TENANT: [&str; 4] = ["USER", "NAME", "IS", "LEFT"];

fn tenant(user: &Value) -> [String; 4] {
    let left = match (text(user, "left_account_at").as_str(), text(user, "left_org_at").as_str()) {
        ("", "") => String::new(),
        ("", _) => "the org".to_owned(),
        (_, _) => "the account".to_owned(),
    };
    [who(user), text(user, "name"), standing(user), left]
}

/// What somebody is, in a word or two.
fn standing(user: &Value) -> String {
    let role = if is(user, "owner") { "owner".to_owned() } else { text(user, "account_role") };
    if is(user, "active") { role } else { format!("{role}, deactivated") }
}

fn show(at: &At, user: &Value) -> anyhow::Result<()> {
    let identity = |identity: &Value| {
        let by = if is(identity, "managed") { ", by its directory" } else { "" };
        format!("{} ({}{by})", text(identity, "connection"), text(identity, "user_name"))
    };
    let hold = |hold: &Value| format!("{} since {}", text(hold, "source"), text(hold, "since"));
    let joined =
        |name: &str, word: &dyn Fn(&Value) -> String| items(user, name).map(word).collect::<Vec<_>>().join(", ");
    let lines = [
        ("id", text(user, "id")),
        ("name", text(user, "name")),
        ("is", standing(user)),
        ("identities", joined("identities", &identity)),
        ("held by", joined("holds", &hold)),
        ("left the org", text(user, "left_org_at")),
        ("last sign-in", text(user, "last_login_at")),
        ("keys", text(user, "keys")),
        ("sessions", text(user, "sessions")),
    ];
    settings(at.form, &who(user), &lines, user)?;
    if at.is_for_people() {
        let lines: Vec<_> = items(user, "roles").map(role::row).collect();
        rows(at.form, role::HEADINGS, &lines, user)?;
    }
    Ok(())
}

async fn remove(at: &At, user: &str, (from_account, sure): (bool, Sure)) -> anyhow::Result<()> {
    if from_account {
        sure.mean(&format!(
            "everything that {user} has ends in every service, and they are held until they are readmitted"
        ))?;
        let path = in_account(at, &[user]).await?;
        return ended(at, &at.gateway.send(Method::DELETE, &path, None).await?);
    }
    sure.mean(&format!("every role, session and key of {user} in {} ends; they stay in the account", at.org))?;
    ended(at, &at.delete(&["users", user], &[]).await?)
}

/// The receipt of an end of access.
fn ended(at: &At, answer: &Value) -> anyhow::Result<()> {
    let receipt = text(answer, "receipt");
    rows(at.form, ["RECEIPT"], &[[receipt.clone()]], answer)?;
    if at.is_for_people() {
        note(&format!("it is over; what ended: {}/o/{}/revocations/{receipt}", at.gateway.url(), at.org));
    }
    Ok(())
}
