//! `cardea key inspect`: what a key says about itself, without a database and without a network.

use super::output::{Form, rows};
use cardea_gateway::state::format::{BadFormat, Prefix, parse};
use serde::Serialize;
use std::io::Read as _;
use std::process::ExitCode;

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
    let mut typed = String::new();
    let key = if key == "-" {
        std::io::stdin().take(4_096).read_to_string(&mut typed)?;
        typed.trim()
    } else {
        key
    };
    let seen = look(key);
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
