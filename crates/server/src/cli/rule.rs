//! `cardea rule …`: membership rules of an org, over the API.

use super::answer::{is, items, roles, text, unknown, who};
use super::output::{note, rows};
use super::place::{At, Of, Sure};
use super::progress::spinner;
use super::role;
use crate::complaint::Complaint;
use crate::environment::Environment;
use anyhow::Context as _;
use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Membership rules.
#[derive(Debug, Subcommand)]
pub(crate) enum Rule {
    /// List the rules as they are edited, and whether they are in force
    #[command(after_help = "Example:\n  cardea rule list --org acme")]
    List(Of),
    /// Add a rule from a file in YAML, or replace the one of its name
    #[command(after_help = "Example:\n  cardea rule put rule.yaml --org acme")]
    Put {
        /// The rule, as in the `rules:` of a state file
        file: PathBuf,
        #[command(flatten)]
        of: Of,
    },
    /// Remove a rule; what is in force stays until the next activation
    #[command(after_help = "Example:\n  cardea rule remove Admins --org acme")]
    Remove {
        /// Its name
        name: String,
        #[command(flatten)]
        of: Of,
    },
    /// Show what activation would do, person by person
    #[command(after_help = "Example:\n  cardea rule preview --org acme")]
    Preview(Of),
    /// Put the rules in force, as the preview with this digest showed them
    #[command(after_help = "Example:\n  cardea rule activate --digest Zm9v --org acme --confirm acme")]
    Activate {
        /// The digest that `preview` printed
        #[arg(long)]
        digest: String,
        /// The org's name, where the preview has guards
        #[arg(long, value_name = "ORG")]
        confirm: Option<String>,
        #[command(flatten)]
        of: Of,
    },
    /// Take the last activation back
    #[command(after_help = "Example:\n  cardea rule undo --org acme --yes")]
    Undo {
        #[command(flatten)]
        sure: Sure,
        #[command(flatten)]
        of: Of,
    },
    /// Take the rules out of force, and with them what they gave, unless it is kept
    #[command(after_help = "Example:\n  cardea rule deactivate --keep-roles --org acme --yes")]
    Deactivate {
        /// Everybody keeps what the rules gave, as roles by hand
        #[arg(long)]
        keep_roles: bool,
        #[command(flatten)]
        sure: Sure,
        #[command(flatten)]
        of: Of,
    },
    /// Say what the rules as they are edited would make of somebody's claims
    #[command(after_help = "Example:\n  cardea rule test claims.json --connection okta --org acme")]
    Test {
        /// The claims of an ID token, in JSON
        file: PathBuf,
        /// The connection that would have said them
        #[arg(long, value_name = "NAME")]
        connection: String,
        #[command(flatten)]
        of: Of,
    },
    /// Say why somebody has the roles that they have
    #[command(after_help = "Example:\n  cardea rule explain ana@corp.example --org acme")]
    Explain {
        /// Their address or id
        user: String,
        #[command(flatten)]
        of: Of,
    },
}

/// `cardea rule …`
pub(crate) async fn rule(environment: &Environment, rule: &Rule) -> anyhow::Result<ExitCode> {
    match rule {
        Rule::List(of) => list(&of.at(environment).await?).await?,
        Rule::Put { file, of } => put(&of.at(environment).await?, file).await?,
        Rule::Remove { name, of } => remove(&of.at(environment).await?, name).await?,
        Rule::Preview(of) => preview(&of.at(environment).await?).await?,
        Rule::Activate { digest, confirm, of } => {
            let at = of.at(environment).await?;
            let wanted = json!({"digest": digest, "confirm": confirm});
            flip(&at, "putting the rules in force", ("activate", &wanted)).await?;
        }
        Rule::Undo { sure, of } => {
            let at = of.at(environment).await?;
            sure.mean(&format!("the rules that were in force in {} before the last activation are again", at.org))?;
            flip(&at, "taking the activation back", ("undo", &json!({}))).await?;
        }
        Rule::Deactivate { keep_roles, sure, of } => deactivate(&of.at(environment).await?, *keep_roles, *sure).await?,
        Rule::Test { file, connection, of } => test(&of.at(environment).await?, file, connection).await?,
        Rule::Explain { user, of } => explain(&of.at(environment).await?, user).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Changes which rules are in force, and shows for how long that takes.
async fn flip(at: &At, doing: &str, (verb, body): (&str, &Value)) -> anyhow::Result<()> {
    let bar = spinner(doing);
    let done = at.send(Method::POST, &["rules", verb], body).await;
    bar.finish_and_clear();
    let done = done?;
    rows(at.form, ["GENERATION IN FORCE"], &[[text(&done, "generation")]], &done)
}

async fn list(at: &At) -> anyhow::Result<()> {
    let listed = at.get(&["rules"]).await?;
    let row =
        |rule: &Value| [text(rule, "name"), text(rule, "connection"), text(rule, "any_of"), roles(rule, "grants")];
    let lines: Vec<_> = items(&listed, "rules").map(row).collect();
    if at.is_for_people() {
        let state = match (is(&listed, "active"), is(&listed, "pending")) {
            (true, false) => "in force",
            (true, true) => "in force, but edited since: `cardea rule preview`",
            (false, _) => "not in force: `cardea rule preview`",
        };
        note(&format!("rules of {}: {state}", at.org));
        for rule in items(&listed, "rules") {
            for problem in items(rule, "broken").filter_map(Value::as_str) {
                note(&format!("broken: {}: {problem}", text(rule, "name")));
            }
        }
    }
    rows(at.form, ["RULE", "CONNECTION", "IF ANY OF", "GIVES"], &lines, &listed)
}

/// The id of a rule, and the names of all of them.
async fn named(at: &At, name: &str) -> anyhow::Result<(Option<String>, Vec<String>)> {
    let listed = at.get(&["rules"]).await?;
    let known = items(&listed, "rules").find(|rule| text(rule, "name") == name).map(|rule| text(rule, "id"));
    Ok((known, items(&listed, "rules").map(|rule| text(rule, "name")).collect()))
}

async fn put(at: &At, file: &Path) -> anyhow::Result<()> {
    let rule: Value = serde_saphyr::from_str(&read(file)?)
        .map_err(|error| Complaint::new(file.display().to_string(), error.to_string()))?;
    let stored = match named(at, &text(&rule, "name")).await? {
        (Some(id), _) => at.send(Method::PUT, &["rules", &id], &rule).await?,
        (None, _) => at.send(Method::POST, &["rules"], &rule).await?,
    };
    rows(at.form, ["RULE", "ID"], &[[text(&stored, "name"), text(&stored, "id")]], &stored)
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| file.display().to_string())
}

async fn remove(at: &At, name: &str) -> anyhow::Result<()> {
    let (known, names) = named(at, name).await?;
    let id = known.ok_or_else(|| unknown(&at.org, "rule", name, &names))?;
    at.delete(&["rules", &id], &[]).await?;
    rows(at.form, ["REMOVED"], &[[name.to_owned()]], &json!({"removed": name}))
}

async fn preview(at: &At) -> anyhow::Result<()> {
    let (preview, guarded) = compared(at, "preview", &json!({})).await?;
    if at.is_for_people() {
        let confirm = if guarded { format!(" --confirm {}", at.org) } else { String::new() };
        note(&format!("cardea rule activate --org {} --digest {}{confirm}", at.org, text(&preview, "digest")));
    }
    Ok(())
}

/// Takes the rules out of force; whoever has to be asked sees first what that does.
async fn deactivate(at: &At, keep_roles: bool, sure: Sure) -> anyhow::Result<()> {
    let how = if keep_roles { "freeze" } else { "revoke" };
    let effect = match keep_roles {
        true => format!("everybody in {} keeps what the rules gave, as roles by hand, and no rule changes it", at.org),
        false => format!("everybody in {} loses what the rules gave; roles by hand do not come back", at.org),
    };
    if !sure.is_said() {
        compared(at, "deactivate/preview", &json!({"how": how})).await?;
    }
    sure.mean(&effect)?;
    flip(at, "taking the rules out of force", ("deactivate", &json!({"how": how, "confirm": at.org}))).await
}

/// A preview, printed, and whether something in it asks for the org's name.
async fn compared(at: &At, what: &str, asked: &Value) -> anyhow::Result<(Value, bool)> {
    let bar = spinner("comparing everybody");
    let path: Vec<&str> = ["rules"].into_iter().chain(what.split('/')).collect();
    let preview = at.send(Method::POST, &path, asked).await;
    bar.finish_and_clear();
    let preview = preview?;
    let row = |person: &Value| [who(person), roles(person, "added"), roles(person, "removed")];
    let lines: Vec<_> = items(&preview, "people").map(row).collect();
    rows(at.form, ["WHO", "GAINS", "LOSES"], &lines, &preview)?;
    if at.is_for_people() {
        sum_up(&preview);
    }
    let guarded = items(&preview, "guards").next().is_some();
    Ok((preview, guarded))
}

fn sum_up(preview: &Value) {
    let counts = preview.get("counts").cloned().unwrap_or_default();
    for (name, says) in [
        ("people", "in the org"),
        ("matched", "match a rule"),
        ("gaining", "gain a role"),
        ("losing", "lose a role"),
        ("losing_everything", "lose every role"),
        ("migrated", "go from roles by hand to rules"),
        ("unmatched", "keep their roles by hand"),
        ("never_seen", "have not signed in at the identity provider yet"),
    ] {
        note(&format!("{:>8} {says}", text(&counts, name)));
    }
    for unasked in items(preview, "unasked") {
        let (rule, claim) = (text(unasked, "rule"), text(unasked, "claim"));
        note(&format!("careful: {rule} reads the claim `{claim}`, which no sign-in has told yet"));
    }
    for guard in items(preview, "guards").filter_map(Value::as_str) {
        note(&format!("careful: {}", guard.replace('_', " ")));
    }
}

async fn test(at: &At, file: &Path, connection: &str) -> anyhow::Result<()> {
    let claims: Value = serde_json::from_str(&read(file)?)
        .map_err(|error| Complaint::new(file.display().to_string(), error.to_string()))?;
    let tried = at.send(Method::POST, &["rules", "test"], &json!({"connection": connection, "claims": claims})).await?;
    because(at, &tried, "remarks")
}

async fn explain(at: &At, user: &str) -> anyhow::Result<()> {
    because(at, &at.get(&["users", user, "explain"]).await?, "codes")
}

/// Roles with their reasons, and why there are no others.
fn because(at: &At, why: &Value, remarks: &str) -> anyhow::Result<()> {
    let lines: Vec<_> = items(why, "roles").map(role::row).collect();
    rows(at.form, role::HEADINGS, &lines, why)?;
    if at.is_for_people() {
        for remark in items(why, remarks).filter_map(Value::as_str) {
            note(&remark.replace('_', " "));
        }
        for miss in items(why, "near_misses") {
            let (rule, wanted, group) = (text(miss, "rule"), text(miss, "wanted"), text(miss, "group"));
            note(&format!("nearly: {rule} looks for `{wanted}`, and the group is `{group}`"));
        }
    }
    Ok(())
}
