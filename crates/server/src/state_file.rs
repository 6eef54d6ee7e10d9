//! The declarative state as YAML: read with the place of every mistake, written so that equal states are equal texts.

use crate::complaint::{Complaint, Complaints, nearest};
use crate::environment::Environment;
use crate::sources::{self, Sources};
use cardea_gateway::state::State;
use serde_saphyr::{DuplicateKeyPolicy, Error, Options};
use std::path::Path;

/// A larger document is refused unread.
const LARGEST: u64 = 16 << 20;
/// The keys that may be given as `NAME_file` and `NAME_env` too.
const SOURCED: &[&str] = &["token", "password", "client_secret", "secret", "authorization", "metadata"];

/// Reads the document in the file `path`; the paths in it start from its folder.
pub(crate) fn load(path: &Path, environment: &Environment) -> Result<State, Complaints> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| Complaint::new(&name, format!("cannot be read: {error}"));
    if std::fs::metadata(path).map_err(unreadable)?.len() > LARGEST {
        let hint = "split it: accounts that a file does not name are left alone";
        return Err(Complaint::new(&name, "is larger than 16 MiB").hint(hint).into());
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let base = path.parent().unwrap_or(Path::new(""));
    Ok(read(&name, &text, base, environment)?)
}

/// The document as YAML. Keys stand in the order of the types and no secret is in it.
pub(crate) fn write(state: &State) -> anyhow::Result<String> {
    let options = serde_saphyr::ser_options! { compact_list_indent: false };
    Ok(serde_saphyr::to_string_with_options(state, options)?)
}

fn read(name: &str, text: &str, base: &Path, environment: &Environment) -> Result<State, Complaint> {
    let sources = Sources { keys: SOURCED, base, environment };
    serde_saphyr::with_deserializer_from_str_with_options(text, options(), |parser| sources::read(parser, &sources))
        .map_err(|error| complaint(name, &error))
}

fn options() -> Options {
    serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::Error,
        strict_booleans: true,
        // A quoted line of the file could hold a secret.
        with_snippet: false,
        // Room for everything that 16 MiB can honestly hold.
        budget: serde_saphyr::budget! {
            max_events: 8_000_000,
            max_nodes: 4_000_000,
            max_depth: 32,
            max_aliases: 1_000,
        },
        // A few lines of aliases of aliases would otherwise unfold into gigabytes.
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 100_000,
            max_replay_stack_depth: 8,
            max_alias_expansions_per_anchor: 1_000,
        },
    }
}

fn complaint(name: &str, error: &Error) -> Complaint {
    let error = error.without_snippet();
    let place = match error.location() {
        Some(at) => format!("{name}:{}:{}", at.line(), at.column()),
        None => name.to_owned(),
    };
    if let Error::SerdeUnknownField { field, expected, .. } = error {
        return Complaint::unknown_key(place, field, expected);
    }
    if let Error::SerdeMissingField { field, .. } = error {
        return Complaint::new(place, format!("`{field}` is missing"));
    }
    if let Error::DuplicateMappingKey { key: Some(key), .. } = error {
        return Complaint::new(place, format!("`{key}` stands here twice"));
    }
    if let Error::Budget { breach, .. } = error {
        return Complaint::new(place, format!("asks for more than any honest document: {breach:?}"));
    }
    if let Error::MultipleDocuments { .. } = error {
        return Complaint::new(place, "a second document begins here; a state is one document");
    }
    if let Error::Eof { .. } = error {
        return Complaint::new(place, "the document ends too early");
    }
    if let Error::SerdeUnknownVariant { variant, expected, .. } = error
        && let Some(nearest) = nearest(variant, expected)
    {
        let known = expected.join("`, `");
        return Complaint::new(place, format!("`{variant}` is none of `{known}`"))
            .hint(format!("did you mean `{nearest}`?"));
    }
    Complaint::new(place, without_place(&error.to_string()))
}

/// The parser's message in our words; it ends with the place, which stands before ours already.
fn without_place(message: &str) -> String {
    let end = message.find(" at line ").unwrap_or(message.len());
    let message = message.get(..end).unwrap_or(message);
    message.replace("sequence start", "a list").replace("mapping start", "a mapping").replace('\n', ", ")
}

#[cfg(test)]
mod tests;
