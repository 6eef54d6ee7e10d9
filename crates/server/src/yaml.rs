//! YAML that a person wrote: the limits of what is read, and what is said about a mistake.

mod reader;
mod tree;

use crate::complaint::{Complaint, nearest};
use serde_saphyr::{DuplicateKeyPolicy, Error, Options};

pub(crate) use reader::{Mistake, read};
pub(crate) use tree::{Place, parse};

/// How documents are read; nothing in them is unfolded beyond what a file honestly holds.
pub(crate) fn options(duplicate_keys: DuplicateKeyPolicy) -> Options {
    serde_saphyr::options! {
        duplicate_keys: duplicate_keys,
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

/// What the parser found wrong in the file `name`, in our words.
pub(crate) fn complaint(name: &str, error: &Error) -> Complaint {
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
        return Complaint::new(place, "a second document begins here; a file is one document");
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
