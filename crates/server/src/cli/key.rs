//! `cardea key …`: keys of one's own and of an org, over the API; `inspect` asks nobody.

use super::Printed;
use super::answer::{id_of, items, text};
use super::output::{Form, note, rows};
use super::remote::{Remote, ask_as_client};
use crate::complaint::Complaint;
use crate::environment::Environment;
use anyhow::Context as _;
use cardea_gateway::state::format::{BadFormat, Prefix, parse};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Who asks, for `cardea key check`: a client that is a resource server.
const CLIENT: (&str, &str) = ("CARDEA_CLIENT_ID", "CARDEA_CLIENT_SECRET");

/// API keys and the other secrets that Cardea issues.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Say what a key is and whether it is unchanged; asks no database and no network
    #[command(
        after_help = "Examples:\n  cardea key inspect \"$API_KEY\"\n  pass show api-key | cardea key inspect -    keeps it out of the shell's history"
    )]
    Inspect {
        /// The key, or `-` to read it from stdin
        key: String,
        #[command(flatten)]
        printed: Printed,
    },
    /// Make a key; its secret is printed this once
    #[command(
        after_help = "Examples:\n  cardea key create laptop --service registry\n  cardea key create ci --org acme --grants grants.yaml --expires 90d"
    )]
    Create {
        /// Unique among the keys of its owner
        name: String,
        #[command(flatten)]
        granted: Granted,
        /// `30d`, an instant, or `never`
        #[arg(long, value_name = "WHEN", default_value = "30d")]
        expires: String,
        /// A key for every org of yours that wants such keys; it revokes the one that you have
        #[arg(long, conflicts_with = "org")]
        legacy: bool,
        #[command(flatten)]
        of: Of,
    },
    /// List keys
    #[command(after_help = "Examples:\n  cardea key list\n  cardea key list --org acme")]
    List(Of),
    /// Give a key another secret, which is printed this once
    #[command(after_help = "Examples:\n  cardea key rotate laptop\n  cardea key rotate ci --org acme --leak")]
    Rotate {
        /// Its name or id
        key: String,
        /// How long the old secret works beside the new one [default: 24h]
        #[arg(long, value_name = "SPAN", conflicts_with = "leak")]
        grace: Option<String>,
        /// Somebody else knows the old secret: it ends now
        #[arg(long)]
        leak: bool,
        /// Another expiry: `30d`, an instant, or `never`
        #[arg(long, value_name = "WHEN")]
        expires: Option<String>,
        #[command(flatten)]
        of: Of,
    },
    /// Switch a key off
    #[command(after_help = "Example:\n  cardea key disable laptop")]
    Disable {
        /// Its name or id
        key: String,
        #[command(flatten)]
        of: Of,
    },
    /// Switch a key on again
    #[command(after_help = "Example:\n  cardea key enable laptop")]
    Enable {
        /// Its name or id
        key: String,
        #[command(flatten)]
        of: Of,
    },
    /// Delete a key for good
    #[command(after_help = "Example:\n  cardea key delete laptop")]
    Delete {
        /// Its name or id
        key: String,
        #[command(flatten)]
        of: Of,
    },
    /// Show what a key would reach, before it is made
    #[command(after_help = "Example:\n  cardea key preview --service registry")]
    Preview {
        #[command(flatten)]
        granted: Granted,
        #[command(flatten)]
        of: Of,
    },
    /// Ask what a key may do, as the service that CARDEA_CLIENT_ID and CARDEA_CLIENT_SECRET name; exit code 1 for a no
    #[command(
        after_help = "Example:\n  cardea key check - --service registry --action get_container --entity-type container --entity acme/app"
    )]
    Check {
        /// The key, or `-` to read it from stdin
        key: String,
        /// The service
        #[arg(long)]
        service: String,
        /// The scope
        #[arg(long)]
        action: String,
        /// The type of the entity
        #[arg(long)]
        entity_type: Option<String>,
        /// What is acted on: `org/name` or `org/team/name`
        #[arg(long)]
        entity: Option<String>,
        #[command(flatten)]
        printed: Printed,
    },
}

/// What a key is for.
#[derive(Debug, Args)]
pub(crate) struct Granted {
    /// A whole service; may be repeated
    #[arg(long = "service", value_name = "NAME", required_unless_present = "grants")]
    services: Vec<String>,
    /// A list of grants in YAML: service, scopes, entity_type, entity_values
    #[arg(long, value_name = "FILE", conflicts_with = "services")]
    grants: Option<PathBuf>,
}

/// Whose keys.
#[derive(Debug, Args)]
pub(crate) struct Of {
    /// The service keys of this org, instead of one's own keys
    #[arg(long, value_name = "NAME")]
    org: Option<String>,
    #[command(flatten)]
    printed: Printed,
}

impl Of {
    fn path(&self, rest: &str) -> String {
        match &self.org {
            Some(org) => {
                let org: String = url::form_urlencoded::byte_serialize(org.as_bytes()).collect();
                format!("/api/v1/orgs/{org}/service-keys{rest}")
            }
            None => format!("/api/v1/me/keys{rest}"),
        }
    }

    fn form(&self) -> Form {
        Form::choose(self.printed.json)
    }

    /// The body's member for what is granted.
    fn granted(&self, granted: &Granted) -> anyhow::Result<(&'static str, Value)> {
        let name = if self.org.is_some() { "grants" } else { "services" };
        let Some(file) = &granted.grants else {
            // A service key has no roles to follow: all of a service is every scope that there is now.
            let whole = |service: &String| match self.org {
                Some(_) => json!({"service": service, "scopes": ["*"]}),
                None => json!(service),
            };
            return Ok((name, granted.services.iter().map(whole).collect()));
        };
        let written = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let grants = serde_saphyr::from_str(&written)
            .map_err(|error| Complaint::new(file.display().to_string(), error.to_string()))?;
        Ok((name, grants))
    }
}

/// `cardea key …`, but for `inspect`.
pub(crate) async fn key(environment: &Environment, key: &Key) -> anyhow::Result<ExitCode> {
    match key {
        Key::Inspect { key, printed } => return inspect(key, printed.json),
        Key::Check { key, service, action, entity_type, entity, printed } => {
            let question = json!({"key": typed(key)?, "service": service, "action": action, "entity_type": entity_type,
                "entity": entity});
            return check(environment, &question, *printed).await;
        }
        Key::Create { name, granted, expires, legacy, of } => {
            let (member, grants) = of.granted(granted)?;
            let mut body = json!({"name": name, "expires_in": expires, member: grants});
            if let (true, Some(body)) = (*legacy, body.as_object_mut()) {
                body.insert("kind".to_owned(), json!("legacy"));
            }
            let gateway = Remote::open(environment)?;
            shown(of, &gateway.send(Method::POST, &of.path(""), Some(&body)).await?)?;
        }
        Key::List(of) => list(of, &Remote::open(environment)?.get(&of.path("")).await?)?,
        Key::Rotate { key, grace, leak, expires, of } => {
            let gateway = Remote::open(environment)?;
            let path = of.path(&format!("/{}/rotate", id(&gateway, of, key).await?));
            let reason = if *leak { "leak" } else { "routine" };
            let body = json!({"grace": grace, "reason": reason, "expires_in": expires});
            shown(of, &gateway.send(Method::POST, &path, Some(&body)).await?)?;
        }
        Key::Disable { key, of } => switch(environment, of, key, false).await?,
        Key::Enable { key, of } => switch(environment, of, key, true).await?,
        Key::Delete { key, of } => {
            let gateway = Remote::open(environment)?;
            let path = of.path(&format!("/{}", id(&gateway, of, key).await?));
            gateway.send(Method::DELETE, &path, None).await?;
            rows(of.form(), ["DELETED"], &[[key.clone()]], &json!({"deleted": key}))?;
        }
        Key::Preview { granted, of } => {
            let (member, grants) = of.granted(granted)?;
            let gateway = Remote::open(environment)?;
            preview(of, &gateway.send(Method::POST, &of.path("/preview"), Some(&json!({member: grants}))).await?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A key that has a new secret.
fn shown(of: &Of, made: &Value) -> anyhow::Result<()> {
    let row = [text(made, "name"), text(made, "id"), text(made, "secret"), text(made, "expires_at")];
    rows(of.form(), ["NAME", "ID", "SECRET", "EXPIRES"], &[row], made)?;
    if of.form() != Form::Json {
        note("keep the secret now: it is not shown again");
        items(made, "warnings").filter_map(Value::as_str).for_each(note);
    }
    Ok(())
}

fn list(of: &Of, listed: &Value) -> anyhow::Result<()> {
    let row = |key: &Value| {
        let services: Vec<String> = items(key, "grants").map(|grant| text(grant, "service")).collect();
        ["name", "kind", "state", "display", "expires_at", "last_used_at"].map(|name| {
            if name == "kind" { format!("{} {}", text(key, name), services.join(",")) } else { text(key, name) }
        })
    };
    let lines: Vec<_> = items(listed, "keys").map(row).collect();
    rows(of.form(), ["NAME", "FOR", "STATE", "BEGINS WITH", "EXPIRES", "LAST USED"], &lines, listed)
}

/// The id of a key that is called by its name or id.
async fn id(gateway: &Remote, of: &Of, called: &str) -> anyhow::Result<String> {
    let listed = gateway.get(&of.path("")).await?;
    Ok(id_of("key", called, items(&listed, "keys"))?)
}

async fn switch(environment: &Environment, of: &Of, key: &str, active: bool) -> anyhow::Result<()> {
    let gateway = Remote::open(environment)?;
    let path = of.path(&format!("/{}", id(&gateway, of, key).await?));
    let now = gateway.send(Method::PATCH, &path, Some(&json!({"active": active}))).await?;
    rows(of.form(), ["NAME", "STATE"], &[[text(&now, "name"), text(&now, "state")]], &now)
}

fn preview(of: &Of, reached: &Value) -> anyhow::Result<()> {
    let row = |line: &Value| {
        let scopes: Vec<&str> = items(line, "scopes").filter_map(Value::as_str).collect();
        let teams: Vec<&str> = items(line, "teams").filter_map(Value::as_str).collect();
        [text(line, "service"), text(line, "entity_type"), text(line, "entities"), scopes.join(","), teams.join(",")]
    };
    let lines: Vec<_> = items(reached, "reaches").map(row).collect();
    rows(of.form(), ["SERVICE", "TYPE", "ENTITIES", "SCOPES", "TEAMS NOW"], &lines, reached)?;
    if of.form() != Form::Json {
        items(reached, "warnings").filter_map(Value::as_str).for_each(note);
    }
    Ok(())
}

async fn check(environment: &Environment, question: &Value, printed: Printed) -> anyhow::Result<ExitCode> {
    let client = environment.get(CLIENT.0).zip(environment.get(CLIENT.1));
    let hint = "set CARDEA_CLIENT_ID and CARDEA_CLIENT_SECRET to those of a client that is a resource server";
    let client = client.ok_or_else(|| Complaint::new("key check", "nobody says which service asks").hint(hint))?;
    let verdict = ask_as_client(environment, client, "/api/v1/keys/check", question).await?;
    let allowed = verdict.get("allowed") == Some(&json!(true));
    let line = [allowed.to_string(), text(&verdict, "reason"), text(&verdict, "key_id"), text(&verdict, "org")];
    rows(Form::choose(printed.json), ["ALLOWED", "REASON", "KEY", "ORG"], &[line], &verdict)?;
    Ok(if allowed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A key as it was typed, or what stands on stdin for `-`.
fn typed(key: &str) -> anyhow::Result<String> {
    if key != "-" {
        return Ok(key.to_owned());
    }
    let mut typed = String::new();
    std::io::stdin().take(4_096).read_to_string(&mut typed)?;
    Ok(typed.trim().to_owned())
}

/// What can be seen from outside.
#[derive(Serialize)]
struct Inspection<'a> {
    /// The first word, if it is one of ours.
    prefix: Option<&'a str>,
    /// What it stands for.
    kind: Option<&'static str>,
    /// The public id, by which logs and receipts name the key.
    kid: Option<&'a str>,
    /// Whether the whole is unchanged.
    checksum: &'static str,
    /// Why it is no key, if it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Inspects `key`, or what stands on stdin for `-`; exit code 1 if it cannot be a key.
pub(crate) fn inspect(key: &str, json: bool) -> anyhow::Result<ExitCode> {
    let key = typed(key)?;
    let seen = look(&key);
    let row = |name: &str, value: Option<&str>| [name.to_owned(), value.unwrap_or("unknown").to_owned()];
    let mut lines = vec![
        row("prefix", seen.prefix),
        row("kind", seen.kind),
        row("kid", seen.kid),
        row("checksum", Some(seen.checksum)),
    ];
    lines.extend(seen.problem.as_deref().map(|problem| row("problem", Some(problem))));
    rows(Form::choose(json), ["FIELD", "VALUE"], &lines, &seen)?;
    Ok(if seen.problem.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn look(key: &str) -> Inspection<'_> {
    let mut words = key.split('_');
    match parse(key) {
        Ok(parsed) => Inspection {
            prefix: words.next(),
            kind: Some(kind(parsed.prefix)),
            kid: words.next(),
            checksum: "good",
            problem: None,
        },
        // Its form is right: what it says can be told, to find out which key was meant.
        Err(error @ BadFormat::Checksum) => Inspection {
            prefix: words.next(),
            kind: None,
            kid: words.next(),
            checksum: "bad",
            problem: Some(error.to_string()),
        },
        Err(error @ (BadFormat::Length | BadFormat::Prefix | BadFormat::Alphabet)) => {
            Inspection { prefix: None, kind: None, kid: None, checksum: "none", problem: Some(error.to_string()) }
        }
    }
}

const fn kind(prefix: Prefix) -> &'static str {
    match prefix {
        Prefix::Personal => "personal key",
        Prefix::Service => "service key",
        Prefix::Legacy => "legacy key",
        Prefix::Access => "access token",
        Prefix::Refresh => "refresh token",
        Prefix::Directory => "directory token",
        Prefix::Client => "client secret",
        Prefix::Link => "one-time link",
        Prefix::Operator => "operator token",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "cdap_000000000000_00000000000000000000000000000000000000000002JmOGF";

    #[test]
    fn a_key_says_what_it_is_and_not_its_secret() {
        let seen = look(KEY);
        assert_eq!(
            (seen.prefix, seen.kind, seen.kid, seen.checksum),
            (Some("cdap"), Some("personal key"), Some("000000000000"), "good")
        );
        assert!(!serde_json::to_string(&seen).unwrap().contains("2JmOGF"));
    }

    #[test]
    fn one_changed_character_is_seen() {
        let changed = KEY.replacen('0', "1", 1);
        let seen = look(&changed);
        assert_eq!((seen.prefix, seen.kid, seen.checksum), (Some("cdap"), Some("100000000000"), "bad"));
        assert!(seen.problem.is_some());
    }

    #[test]
    fn what_is_no_key_is_not_repeated() {
        let seen = look("hunter2_hunter2_hunter2");
        assert_eq!((seen.prefix, seen.kid, seen.checksum), (None, None, "none"));
    }
}
