//! Collects problems, and checks what many sections share.

use cardea_model::name::is_slug;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use url::Url;

/// The roles of a service; nothing for a service that the catalogue does not have.
pub type Catalogue<'a> = &'a dyn Fn(&str) -> Option<Vec<String>>;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, such as `accounts[0].connections[1].issuer`.
    pub path: String,
    /// What, lower case, no full stop.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)
    }
}

/// Names that only one thing may have, in the instance or in what holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Name {
    Operator,
    Account,
    Org,
    Connection,
    Signal,
    Client,
    Domain,
    Service,
    Team,
    Directory,
    DirectoryToken,
    Rule,
    RuleInForce,
    User,
    Identity,
    Webhook,
}

/// The problems so far, and the names that are taken.
pub(super) struct Report<'a> {
    pub(super) problems: Vec<Problem>,
    pub(super) catalogue: Catalogue<'a>,
    taken: HashMap<(Name, String, String), String>,
}

impl<'a> Report<'a> {
    pub(super) fn new(catalogue: Catalogue<'a>) -> Self {
        Self { problems: Vec::new(), catalogue, taken: HashMap::new() }
    }

    pub(super) fn say(&mut self, path: &str, what: impl Into<String>) {
        self.problems.push(Problem { path: path.to_owned(), what: what.into() });
    }

    /// Takes `name` in the whole instance for what stands at `path`.
    pub(super) fn unique(&mut self, kind: Name, name: &str, path: &str) {
        self.unique_in("", kind, name, path);
    }

    /// Takes `name` in what stands at `within` for what stands at `path`.
    pub(super) fn unique_in(&mut self, within: &str, kind: Name, name: &str, path: &str) {
        match self.taken.entry((kind, within.to_owned(), name.to_owned())) {
            Entry::Occupied(first) => {
                let what = format!("`{name}` is taken by `{}`", first.get());
                self.say(path, what);
            }
            Entry::Vacant(free) => drop(free.insert(path.to_owned())),
        }
    }

    pub(super) fn slug(&mut self, path: &str, name: &str) {
        if !is_slug(name) {
            self.say(path, format!("`{name}` must be 1 to 63 of `a-z0-9`, with `.`, `_` and `-` inside"));
        }
    }

    /// A name that stands in addresses.
    pub(super) fn label(&mut self, path: &str, name: &str) {
        if !is_slug(name) || name.contains(['.', '_']) {
            self.say(path, format!("`{name}` must be 1 to 63 of `a-z0-9`, with `-` inside"));
        }
    }

    /// Free text of one line, possibly empty. PostgreSQL refuses NUL, and a terminal obeys the rest.
    pub(super) fn text(&mut self, path: &str, text: &str, most: usize) {
        if text.len() > most || text.chars().any(char::is_control) {
            self.say(path, format!("must be at most {most} bytes of one line"));
        }
    }

    /// Text of one line that says something.
    pub(super) fn filled(&mut self, path: &str, text: &str) {
        if text.trim().is_empty() {
            self.say(path, "must not be empty");
        }
        self.text(path, text, 1_000);
    }

    /// An address that we call; private ones are the operator's `outbound.allow_cidrs` to permit.
    pub(super) fn address(&mut self, path: &str, text: &str) {
        let good = Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "https" | "http")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.fragment().is_none()
        });
        if !good {
            // It may hold a password, so it is not repeated.
            self.say(path, "must be an https address without user name and fragment");
        }
    }

    pub(super) fn services<'s>(&mut self, within: &str, services: impl Iterator<Item = &'s str>) {
        for (index, service) in services.enumerate() {
            let path = format!("{within}[{index}]");
            if (self.catalogue)(service).is_none() {
                self.say(&path, format!("the catalogue has no service `{service}`"));
            }
            self.unique_in(within, Name::Service, service, &path);
        }
    }
}
