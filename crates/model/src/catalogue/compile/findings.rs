//! Collects what is wrong, and checks what many parts share.

use std::collections::BTreeSet;
use std::fmt::Display;

use crate::catalogue::{CatalogueError, UnknownName};
use crate::name::{excerpt, is_label};

/// A file with more mistakes than this is another file; the rest would only cost memory.
const MOST: usize = 1_000;
/// The longest name, in bytes.
const LONGEST: usize = 63;
/// What was found so far.
#[derive(Default)]
pub(super) struct Findings(Vec<CatalogueError>);

impl Findings {
    pub(super) fn say(&mut self, at: &str, problem: impl Into<String>) {
        self.push(at, problem.into(), None);
    }

    pub(super) fn demand(&mut self, held: bool, at: &str, problem: impl FnOnce() -> String) {
        if !held {
            self.say(at, problem());
        }
    }

    /// `name` is none of `known`, which are what `what` says.
    pub(super) fn unknown<'k>(&mut self, at: &str, name: &str, what: &str, known: impl IntoIterator<Item = &'k str>) {
        let name = excerpt(name);
        // One that is too long is no name either, and comparing with it would take long.
        let known = known.into_iter().filter(|known| known.len() <= LONGEST).map(str::to_owned).collect();
        self.push(at, format!("is `{name}`, which is {what}"), Some(UnknownName { name, known }));
    }

    fn push(&mut self, at: &str, problem: String, unknown: Option<UnknownName>) {
        if self.0.len() < MOST {
            self.0.push(CatalogueError { at: at.to_owned(), problem, unknown });
        }
    }

    /// Names stand in keys, rules and addresses: lower-case letters, digits, `_` and `-`.
    pub(super) fn word(&mut self, at: &str, name: &str) {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
        let good =
            name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= LONGEST && name.bytes().all(plain);
        self.demand(good, at, || {
            let name = excerpt(name);
            format!("is no name: `{name}` must be lower-case letters, digits, `_` and `-`, a letter first, at most {LONGEST}")
        });
    }

    /// What people read, where it is given.
    pub(super) fn label(&mut self, at: &str, text: Option<&str>) {
        self.demand(text.is_none_or(|text| is_label(text, 120)), at, || {
            "must be 1 to 120 bytes of one line".to_owned()
        });
    }

    /// Nothing stands in the list twice.
    pub(super) fn once<T: Ord + Display>(&mut self, at: &str, list: impl IntoIterator<Item = T>) {
        let mut seen = BTreeSet::new();
        for (index, item) in list.into_iter().enumerate() {
            let text = excerpt(&item.to_string());
            self.demand(seen.insert(item), &format!("{at}[{index}]"), || format!("names `{text}` again"));
        }
    }

    /// All that was found, in the order of the places, each once; nothing if all is well.
    pub(super) fn take(&mut self) -> Option<Vec<CatalogueError>> {
        self.0.sort();
        self.0.dedup();
        (!self.0.is_empty()).then(|| std::mem::take(&mut self.0))
    }
}
