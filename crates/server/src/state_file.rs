//! The declarative state as YAML: read with the place of every mistake, written so that equal states are equal texts.

use crate::complaint::{Complaint, Complaints};
use crate::environment::Environment;
use crate::sources::{self, Sources};
use crate::yaml;
use cardea_gateway::state::State;
use serde_saphyr::DuplicateKeyPolicy;
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
    let options = yaml::options(DuplicateKeyPolicy::Error);
    serde_saphyr::with_deserializer_from_str_with_options(text, options, |parser| sources::read(parser, &sources))
        .map_err(|error| yaml::complaint(name, &error))
}

#[cfg(test)]
mod tests;
