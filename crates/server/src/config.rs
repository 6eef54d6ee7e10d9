//! The configuration: built-in defaults, a TOML file over them, the environment over both.
//!
//! `CARDEA__DATABASE__URL` stands for `database.url`. Secrets may be given as `NAME`, `NAME_file` or `NAME_env`
//! ([`crate::sources`]). Relative paths start from the working directory.

mod check;
mod sections;
pub(crate) mod units;

use crate::complaint::{Complaint, Complaints, line_of, nearest};
use crate::environment::Environment;
use crate::sources::{self, Sources};
use std::path::Path;
use toml::de::DeTable;

pub(crate) use sections::{Config, Format, Http, Log, Transport};

/// Read when `--config` names no other and it exists.
const USUAL_FILE: &str = "cardea.toml";
const PREFIX: &str = "CARDEA__";
/// The keys that may be given as `NAME_file` and `NAME_env` too.
const SECRETS: &[&str] = &["url"];

impl Config {
    /// Reads the file `given`, or `cardea.toml` if there is one, and what `environment` overrides.
    pub(crate) fn load(given: Option<&Path>, environment: &Environment) -> Result<Self, Complaints> {
        let usual = Path::new(USUAL_FILE);
        let path = given.or_else(|| usual.exists().then_some(usual));
        let (name, text) = match path {
            None => ("built-in defaults".to_owned(), String::new()),
            Some(path) => {
                let name = path.display().to_string();
                let unreadable = |error: std::io::Error| {
                    Complaint::new(&name, format!("cannot be read: {error}"))
                        .hint("name another file with `--config FILE`")
                };
                let text = std::fs::read_to_string(path).map_err(unreadable)?;
                (name, text)
            }
        };
        Self::read(&name, &text, environment)
    }

    /// Reads `text`, the content of the file `name`, and what `environment` overrides.
    fn read(name: &str, text: &str, environment: &Environment) -> Result<Self, Complaints> {
        let sources = Sources { keys: SECRETS, base: Path::new(""), environment };
        let mut config: Self = toml::Deserializer::parse(text)
            .and_then(|parser| sources::read(parser, &sources))
            .map_err(|error| complaint(&place_of_offset(name, text, error.span()), error.message()))?;
        let mut table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| Complaint::new(name, error.message()))?;
        for (variable, value) in environment.iter() {
            if let Some(key) = variable.strip_prefix(PREFIX) {
                (config, table) =
                    overridden(&table, key, value, &sources).map_err(|what| complaint(variable, &what))?;
            }
        }
        let wrong = check::check(&config);
        if !wrong.is_empty() {
            let complain = |(key, what): check::Wrong| {
                Complaint::new(place_of_key(name, text, key, environment), format!("`{key}` {what}"))
            };
            return Err(Complaints(wrong.into_iter().map(complain).collect()));
        }
        config.public_url = check::public_url(&config.public_url).unwrap_or(config.public_url);
        Ok(config)
    }
}

/// `table` with `value` at `key`, such as `DATABASE__URL`, and what it says then.
///
/// A variable is text. Where no text belongs, it is read as a TOML value, and at last as a list with commas.
fn overridden(
    table: &toml::Table,
    key: &str,
    value: &str,
    sources: &Sources<'_>,
) -> Result<(Config, toml::Table), String> {
    let key = key.to_ascii_lowercase();
    let text = toml::Value::String(value.to_owned());
    let typed = format!("x = {value}").parse::<toml::Table>().ok().and_then(|mut table| table.remove("x"));
    let list = toml::Value::Array(value.split(',').map(|part| toml::Value::String(part.trim().to_owned())).collect());
    let mut first_error = None;
    for candidate in [Some(text), typed, Some(list)].into_iter().flatten() {
        let changed = with(table.clone(), &key, candidate)?;
        match sources::read(changed.clone(), sources) {
            Ok(config) => return Ok((config, changed)),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.map_or_else(String::new, |error: toml::de::Error| error.message().to_owned()))
}

/// `table` with `value` at `key`, such as `database__url`; the other ways to give the same secret make room.
fn with(mut table: toml::Table, key: &str, value: toml::Value) -> Result<toml::Table, String> {
    let Some((section, rest)) = key.split_once("__") else {
        for name in SECRETS
            .iter()
            .filter(|name| key.strip_prefix(**name).is_some_and(|end| ["", "_file", "_env"].contains(&end)))
        {
            for end in ["", "_file", "_env"] {
                table.remove(&format!("{name}{end}"));
            }
        }
        table.insert(key.to_owned(), value);
        return Ok(table);
    };
    let inner = match table.remove(section) {
        None => toml::Table::new(),
        Some(toml::Value::Table(inner)) => inner,
        Some(_) => return Err(format!("`{section}` has no keys of its own")),
    };
    table.insert(section.to_owned(), toml::Value::Table(with(inner, rest, value)?));
    Ok(table)
}

/// A complaint in our words; serde says which keys there are between backticks.
fn complaint(place: &str, message: &str) -> Complaint {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field")
        && let Some(key) = quoted.next()
    {
        return Complaint::unknown_key(place, key, &quoted.collect::<Vec<_>>());
    }
    if message.starts_with("unknown variant")
        && let Some(word) = quoted.next()
        && let Some(nearest) = nearest(word, &quoted.collect::<Vec<_>>())
    {
        return Complaint::new(place, message).hint(format!("did you mean `{nearest}`?"));
    }
    Complaint::new(place, message.replace('\n', ", "))
}

fn place_of_offset(name: &str, text: &str, span: Option<std::ops::Range<usize>>) -> String {
    span.map_or_else(|| name.to_owned(), |span| format!("{name}:{}", line_of(text, span.start)))
}

/// The variable or the line that set `key`, such as `revocation.bound`.
fn place_of_key(name: &str, text: &str, key: &str, environment: &Environment) -> String {
    let variable = format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase());
    if environment.get(&variable).is_some() {
        return variable;
    }
    place_of_offset(name, text, span_of_key(text, key))
}

/// Where `key` stands, or as much of it as does.
fn span_of_key(text: &str, key: &str) -> Option<std::ops::Range<usize>> {
    let root = DeTable::parse(text).ok()?;
    let mut table = Some(root.get_ref());
    let mut found = None;
    for part in key.split('.') {
        let Some((at, value)) = table.and_then(|table| table.get_key_value(part)) else {
            break;
        };
        found = Some(at.span());
        table = value.get_ref().as_table();
    }
    found
}

#[cfg(test)]
mod tests;
