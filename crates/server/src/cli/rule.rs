//! `cardea rule …`: membership rules of an org, over the API.

use super::Printed;
use super::output::{Form, note, rows};
use super::progress::spinner;
use super::remote::Remote;
use crate::complaint::{Complaint, nearest};
use crate::environment::Environment;
use anyhow::Context as _;
use clap::{Args, Subcommand};
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
    #[command(after_help = "Example:\n  cardea rule undo --org acme")]
    Undo(Of),
    /// Take the rules out of force
    #[command(after_help = "Example:\n  cardea rule deactivate --keep-roles --org acme --confirm acme")]
    Deactivate {
        /// Everybody keeps what the rules gave, as roles by hand; without it they lose it
        #[arg(long)]
        keep_roles: bool,
        /// The org's name; without it the preview is shown
        #[arg(long, value_name = "ORG")]
        confirm: Option<String>,
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

/// Of which org.
#[derive(Debug, Args)]
pub(crate) struct Of {
    /// The org's name
    #[arg(long, value_name = "NAME")]
    org: String,
    #[command(flatten)]
    printed: Printed,
}

impl Of {
    fn path(&self, rest: &str) -> String {
        let org: String = url::form_urlencoded::byte_serialize(self.org.as_bytes()).collect();
        format!("/api/v1/orgs/{org}/{rest}")
    }

    fn form(&self) -> Form {
        Form::choose(self.printed.json)
    }
}

/// `cardea rule …`
pub(crate) async fn rule(environment: &Environment, rule: &Rule) -> anyhow::Result<ExitCode> {
    let gateway = Remote::open(environment)?;
    match rule {
        Rule::List(of) => list(&gateway, of).await?,
        Rule::Put { file, of } => put(&gateway, of, file).await?,
        Rule::Remove { name, of } => remove(&gateway, of, name).await?,
        Rule::Preview(of) => preview(&gateway, of).await?,
        Rule::Activate { digest, confirm, of } => {
            let bar = spinner("putting the rules in force");
            let wanted = json!({"digest": digest, "confirm": confirm});
            let done = gateway.send(Method::POST, &of.path("rules/activate"), Some(&wanted)).await;
            bar.finish_and_clear();
            in_force(of, &done?)?;
        }
        Rule::Undo(of) => in_force(of, &gateway.send(Method::POST, &of.path("rules/undo"), Some(&json!({}))).await?)?,
        Rule::Deactivate { keep_roles, confirm, of } => {
            deactivate(&gateway, of, *keep_roles, confirm.as_deref()).await?;
        }
        Rule::Explain { user, of } => explain(&gateway, of, user).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn text(value: &Value, name: &str) -> String {
    match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// Roles in words, such as `vision/catalog:read`.
fn roles(value: &Value, name: &str) -> String {
    let word = |role: &Value| match text(role, "team").as_str() {
        "" => format!("{}:{}", text(role, "service"), text(role, "role")),
        team => format!("{team}/{}:{}", text(role, "service"), text(role, "role")),
    };
    items(value, name).map(word).collect::<Vec<_>>().join(", ")
}

async fn list(gateway: &Remote, of: &Of) -> anyhow::Result<()> {
    let listed = gateway.get(&of.path("rules")).await?;
    let row =
        |rule: &Value| [text(rule, "name"), text(rule, "connection"), text(rule, "any_of"), roles(rule, "grants")];
    let lines: Vec<_> = items(&listed, "rules").map(row).collect();
    if of.form() != Form::Json {
        let state = match (listed.get("active") == Some(&json!(true)), listed.get("pending") == Some(&json!(true))) {
            (true, false) => "in force",
            (true, true) => "in force, but edited since: `cardea rule preview`",
            (false, _) => "not in force: `cardea rule preview`",
        };
        note(&format!("rules of {}: {state}", of.org));
        for rule in items(&listed, "rules") {
            for problem in items(rule, "broken").filter_map(Value::as_str) {
                note(&format!("broken: {}: {problem}", text(rule, "name")));
            }
        }
    }
    rows(of.form(), ["RULE", "CONNECTION", "IF ANY OF", "GIVES"], &lines, &listed)
}

async fn named(gateway: &Remote, of: &Of, name: &str) -> anyhow::Result<Option<String>> {
    let listed = gateway.get(&of.path("rules")).await?;
    Ok(items(&listed, "rules").find(|rule| text(rule, "name") == name).map(|rule| text(rule, "id")))
}

async fn put(gateway: &Remote, of: &Of, file: &Path) -> anyhow::Result<()> {
    let written = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let rule: Value = serde_saphyr::from_str(&written)
        .map_err(|error| Complaint::new(file.display().to_string(), error.to_string()))?;
    let stored = match named(gateway, of, &text(&rule, "name")).await? {
        Some(id) => gateway.send(Method::PUT, &of.path(&format!("rules/{id}")), Some(&rule)).await?,
        None => gateway.send(Method::POST, &of.path("rules"), Some(&rule)).await?,
    };
    let lines = [[text(&stored, "name"), text(&stored, "id")]];
    rows(of.form(), ["RULE", "ID"], &lines, &stored)
}

async fn remove(gateway: &Remote, of: &Of, name: &str) -> anyhow::Result<()> {
    let listed = gateway.get(&of.path("rules")).await?;
    let names: Vec<String> = items(&listed, "rules").map(|rule| text(rule, "name")).collect();
    let Some(id) = items(&listed, "rules").find(|rule| text(rule, "name") == name).map(|rule| text(rule, "id")) else {
        let complaint = Complaint::new(&of.org, format!("there is no rule `{name}`"));
        let near = nearest(name, &names).map(|near| format!("did you mean `{near}`?"));
        return Err(near.into_iter().fold(complaint, Complaint::hint).into());
    };
    gateway.send(Method::DELETE, &of.path(&format!("rules/{id}")), None).await?;
    rows(of.form(), ["REMOVED"], &[[name.to_owned()]], &json!({"removed": name}))
}

async fn preview(gateway: &Remote, of: &Of) -> anyhow::Result<()> {
    let preview = compared(gateway, of, "rules/preview", &json!({})).await?;
    if of.form() != Form::Json {
        note(&format!("cardea rule activate --org {} --digest {}", of.org, text(&preview, "digest")));
    }
    Ok(())
}

/// Takes the rules out of force; without the org's name, what that would do.
async fn deactivate(gateway: &Remote, of: &Of, keep_roles: bool, confirm: Option<&str>) -> anyhow::Result<()> {
    let how = if keep_roles { "freeze" } else { "revoke" };
    let Some(confirm) = confirm else {
        compared(gateway, of, "rules/deactivate/preview", &json!({"how": how})).await?;
        if of.form() != Form::Json {
            let keep = if keep_roles { " --keep-roles" } else { "" };
            note(&format!("cardea rule deactivate{keep} --org {0} --confirm {0}", of.org));
        }
        return Ok(());
    };
    let wanted = json!({"how": how, "confirm": confirm});
    in_force(of, &gateway.send(Method::POST, &of.path("rules/deactivate"), Some(&wanted)).await?)
}

/// A preview, printed.
async fn compared(gateway: &Remote, of: &Of, path: &str, asked: &Value) -> anyhow::Result<Value> {
    let bar = spinner("comparing everybody");
    let preview = gateway.send(Method::POST, &of.path(path), Some(asked)).await;
    bar.finish_and_clear();
    let preview = preview?;
    let row = |person: &Value| {
        let who = text(person, "email");
        let who = if who.is_empty() { text(person, "name") } else { who };
        [who, roles(person, "added"), roles(person, "removed")]
    };
    let lines: Vec<_> = items(&preview, "people").map(row).collect();
    rows(of.form(), ["WHO", "GAINS", "LOSES"], &lines, &preview)?;
    if of.form() != Form::Json {
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
        for guard in items(&preview, "guards").filter_map(Value::as_str) {
            note(&format!("careful: {} (activation asks for --confirm {})", guard.replace('_', " "), of.org));
        }
    }
    Ok(preview)
}

fn in_force(of: &Of, done: &Value) -> anyhow::Result<()> {
    rows(of.form(), ["GENERATION IN FORCE"], &[[text(done, "generation")]], done)
}

async fn explain(gateway: &Remote, of: &Of, user: &str) -> anyhow::Result<()> {
    let user: String = url::form_urlencoded::byte_serialize(user.as_bytes()).collect();
    let why = gateway.get(&of.path(&format!("users/{user}/explain"))).await?;
    let row = |role: &Value| {
        let reasons = items(role, "because").map(|because| match text(because, "rule").as_str() {
            "" => text(because, "source"),
            rule => format!("{rule} ({})", text(because, "value")),
        });
        [text(role, "team"), text(role, "service"), text(role, "role"), reasons.collect::<Vec<_>>().join(", ")]
    };
    let lines: Vec<_> = items(&why, "roles").map(row).collect();
    rows(of.form(), ["TEAM", "SERVICE", "ROLE", "BECAUSE"], &lines, &why)?;
    if of.form() != Form::Json {
        for code in items(&why, "codes").filter_map(Value::as_str) {
            note(&code.replace('_', " "));
        }
        for miss in items(&why, "near_misses") {
            let (rule, wanted, group) = (text(miss, "rule"), text(miss, "wanted"), text(miss, "group"));
            note(&format!("nearly: {rule} looks for `{wanted}`, and the group is `{group}`"));
        }
    }
    Ok(())
}
