//! What is wrong with a file that a person wrote, said so that they can mend it.

use std::fmt;

/// One thing that is wrong, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// `cardea.toml:12`, `state.yaml:3:7`, or the name of an environment variable.
    pub(crate) place: String,
    /// What is wrong, lower case, no full stop.
    pub(crate) what: String,
    /// What to do next.
    pub(crate) hint: Option<String>,
}

/// Everything that is wrong, at least one thing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub(crate) struct Complaints(pub(crate) Vec<Complaint>);

impl Complaint {
    /// A complaint without a hint.
    pub(crate) fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into(), hint: None }
    }

    /// With what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// About a key that nobody knows; names the nearest that somebody does.
    pub(crate) fn unknown_key(place: impl Into<String>, key: &str, known: &[impl AsRef<str>]) -> Self {
        let complaint = Self::new(place, format!("unknown key `{key}`"));
        match nearest(key, known) {
            Some(nearest) => complaint.hint(format!("did you mean `{nearest}`?")),
            None => complaint.hint("nothing can be set here"),
        }
    }
}

impl std::error::Error for Complaint {}

impl From<Complaint> for Complaints {
    fn from(complaint: Complaint) -> Self {
        Self(vec![complaint])
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// The word of `known` that needs the fewest changes to become `word`.
pub(crate) fn nearest<'a>(word: &str, known: &'a [impl AsRef<str>]) -> Option<&'a str> {
    known.iter().map(AsRef::as_ref).min_by_key(|candidate| strsim::damerau_levenshtein(word, candidate))
}

/// The line, counted from 1, in which the byte `offset` of `text` stands.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let complaint = Complaint::unknown_key("cardea.toml:3", "lisen", &["public_url", "listen", "log"]);
        assert_eq!(complaint.to_string(), "cardea.toml:3: unknown key `lisen`");
        assert_eq!(complaint.hint.as_deref(), Some("did you mean `listen`?"));
        assert_eq!(nearest("x", &Vec::<String>::new()), None);
    }

    #[test]
    fn lines_count_from_one() {
        assert_eq!(line_of("a\nb\nc", 0), 1);
        assert_eq!(line_of("a\nb\nc", 2), 2);
        assert_eq!(line_of("a\nb\nc", 99), 3);
    }
}
