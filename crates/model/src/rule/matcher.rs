//! What a rule looks for in a group.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use super::RuleProblem;
use crate::name;

/// What a rule looks for, written `{equals: X}`, `{one_of: [X, Y]}`, `{claim: Y, regex: X, ignore_case: true}` and so on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Matcher {
    /// The claim that it reads, or with a slash at its start a pointer into the claims (RFC 6901); none for the
    /// connection's own. That of a compound one stands for its parts that name none.
    pub claim: Option<String>,
    /// How it compares. Text is compared in NFC.
    pub operation: Operation,
    /// Whether letters count the same in either case.
    pub ignore_case: bool,
}

/// How a matcher compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The group is this.
    Equals(String),
    /// The group is one of these.
    OneOf(Vec<String>),
    /// The group starts with this.
    StartsWith(String),
    /// The group ends with this.
    EndsWith(String),
    /// The whole group is described by this expression.
    Regex(String),
    /// The group's id at the identity provider is this.
    ExternalId(String),
    /// Somebody's groups meet all of the first and none of the second, which are all plain.
    Compound {
        /// Each is met by some group.
        all_of: Vec<Matcher>,
        /// None is met by any group.
        none_of: Vec<Matcher>,
    },
}

impl Operation {
    /// The values that it compares whole; nothing for the operations that meet more than they name.
    pub(super) const fn exact_values(&self) -> Option<&[String]> {
        match self {
            Self::Equals(value) | Self::ExternalId(value) => Some(std::slice::from_ref(value)),
            Self::OneOf(values) => Some(values.as_slice()),
            Self::StartsWith(_) | Self::EndsWith(_) | Self::Regex(_) | Self::Compound { .. } => None,
        }
    }
}

impl Matcher {
    /// Itself, or the parts that it is made of.
    fn parts(&self) -> impl Iterator<Item = &Self> {
        let (own, all, none): (&[Self], &[Self], &[Self]) = match &self.operation {
            Operation::Compound { all_of, none_of } => (&[], all_of, none_of),
            Operation::Equals(_)
            | Operation::OneOf(_)
            | Operation::StartsWith(_)
            | Operation::EndsWith(_)
            | Operation::Regex(_)
            | Operation::ExternalId(_) => (std::slice::from_ref(self), &[], &[]),
        };
        own.iter().chain(all).chain(none)
    }

    /// How many plain matchers it is made of, and how many of them meet more than they name.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let broad = self.parts().filter(|part| part.operation.exact_values().is_none());
        (self.parts().count(), broad.count())
    }

    /// The claim that each part reads; empty for the connection's own.
    pub fn claims(&self) -> impl Iterator<Item = &str> {
        self.parts().map(|part| part.claim_in(self))
    }

    /// The claim that it reads as a part of another, or of itself.
    #[must_use]
    pub fn claim_in<'a>(&'a self, whole: &'a Self) -> &'a str {
        self.claim.as_deref().or(whole.claim.as_deref()).unwrap_or_default()
    }

    /// Whether the claims that it names can be names.
    pub(super) fn has_claims(&self) -> bool {
        let named = self.parts().chain([self]).filter_map(|part| part.claim.as_deref());
        named.into_iter().all(|claim| name::is_label(claim, LONGEST_CLAIM) && claim != "/")
    }

    /// Whether it names anything.
    pub(super) fn has_text(&self) -> bool {
        self.parts().all(|part| part.operation.has_text())
    }

    /// Whether it compares whole values only.
    pub(super) fn is_exact(&self) -> bool {
        self.parts().all(|part| part.operation.exact_values().is_some())
    }

    /// Whether it asks for some group, and is made of plain parts if of any.
    pub(super) fn is_bounded(&self) -> bool {
        let Operation::Compound { all_of, .. } = &self.operation else { return true };
        !all_of.is_empty() && self.parts().all(|part| !matches!(part.operation, Operation::Compound { .. }))
    }
}

impl Operation {
    fn has_text(&self) -> bool {
        match self {
            Self::Equals(text)
            | Self::StartsWith(text)
            | Self::EndsWith(text)
            | Self::Regex(text)
            | Self::ExternalId(text) => !text.is_empty(),
            Self::OneOf(values) => !values.is_empty() && values.iter().all(|value| !value.is_empty()),
            Self::Compound { all_of, none_of } => !(all_of.is_empty() && none_of.is_empty()),
        }
    }
}

/// The name of a claim has at the most so many bytes.
const LONGEST_CLAIM: usize = 200;

/// A matcher as it is written: one of the operations as its key.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    equals: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    one_of: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_with: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_with: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    regex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    all_of: Vec<Matcher>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    none_of: Vec<Matcher>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    ignore_case: bool,
}

impl TryFrom<Written> for Matcher {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let (all_of, none_of) = (written.all_of, written.none_of);
        let compound = (!all_of.is_empty() || !none_of.is_empty()).then_some(Operation::Compound { all_of, none_of });
        let given = [
            written.equals.map(Operation::Equals),
            written.one_of.map(Operation::OneOf),
            written.starts_with.map(Operation::StartsWith),
            written.ends_with.map(Operation::EndsWith),
            written.regex.map(Operation::Regex),
            written.external_id.map(Operation::ExternalId),
            compound,
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(operation), None) => Ok(Self { claim: written.claim, operation, ignore_case: written.ignore_case }),
            _ => Err(
                "a matcher has exactly one of `equals`, `one_of`, `starts_with`, `ends_with`, `regex`, `external_id` and `all_of`",
            ),
        }
    }
}

impl From<Matcher> for Written {
    fn from(matcher: Matcher) -> Self {
        let mut written = Self { claim: matcher.claim, ignore_case: matcher.ignore_case, ..Self::default() };
        match matcher.operation {
            Operation::Equals(value) => written.equals = Some(value),
            Operation::OneOf(values) => written.one_of = Some(values),
            Operation::StartsWith(value) => written.starts_with = Some(value),
            Operation::EndsWith(value) => written.ends_with = Some(value),
            Operation::Regex(value) => written.regex = Some(value),
            Operation::ExternalId(value) => written.external_id = Some(value),
            Operation::Compound { all_of, none_of } => (written.all_of, written.none_of) = (all_of, none_of),
        }
        written
    }
}

/// A compiled matcher that meets more than it names.
#[derive(Debug)]
pub(super) struct Broad {
    shape: Shape,
    ignore_case: bool,
}

#[derive(Debug)]
enum Shape {
    Start(String),
    End(String),
    Whole(Regex),
}

/// The memory that one expression may take, in bytes.
const LARGEST_REGEX: usize = 64 * 1024;

impl Broad {
    /// Compiles a plain matcher that does not compare whole values.
    pub(super) fn compile(matcher: &Matcher) -> Result<Self, RuleProblem> {
        let ignore_case = matcher.ignore_case;
        let normal = |text: &str| {
            if ignore_case { name::fold(text) } else { text.nfc().collect() }
        };
        let shape = match &matcher.operation {
            Operation::Equals(_) | Operation::OneOf(_) | Operation::ExternalId(_) | Operation::Compound { .. } => {
                return Err(RuleProblem::Unbounded);
            }
            Operation::StartsWith(text) => Shape::Start(normal(text)),
            Operation::EndsWith(text) => Shape::End(normal(text)),
            Operation::Regex(text) => Shape::Whole(whole(text, ignore_case)?),
        };
        Ok(Self { shape, ignore_case })
    }

    /// Whether it meets a group, given in NFC and folded.
    pub(super) fn meets(&self, normal: &str, folded: &str) -> bool {
        let text = if self.ignore_case { folded } else { normal };
        match &self.shape {
            Shape::Start(start) => text.starts_with(start),
            Shape::End(end) => text.ends_with(end),
            Shape::Whole(regex) => regex.is_match(normal),
        }
    }
}

/// An expression that describes the whole group: `admin` does not meet `not-admins`.
fn whole(text: &str, ignore_case: bool) -> Result<Regex, RuleProblem> {
    let build = |pattern: &str| {
        RegexBuilder::new(pattern)
            .case_insensitive(ignore_case)
            .size_limit(LARGEST_REGEX)
            .dfa_size_limit(LARGEST_REGEX)
            .build()
    };
    let bad = |error: regex::Error| RuleProblem::Regex(text.to_owned(), error.to_string());
    let normal: String = text.nfc().collect();
    // Read alone first: `a)|(?:b` would otherwise close the group below and undo the anchors.
    build(&normal).map_err(bad)?;
    build(&format!(r"\A(?:{normal})\z")).map_err(bad)
}
