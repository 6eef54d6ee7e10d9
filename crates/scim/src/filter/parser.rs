//! Recursive descent over the grammar of RFC 7644 Figure 1, with bounds on size, depth and terms.
//!
//! ```text
//! or      = and *( "or" and )
//! and     = term *( "and" term )
//! term    = "not" "(" or ")" / "(" or ")" / attribute test / attribute "[" or "]" [ "." sub test ]
//! test    = "pr" / operator literal
//! ```
//! The last form of `term`, a test behind the brackets, is outside the RFC; Entra ID sends it.

use jiff::Timestamp;

use super::{Filter, Literal, Operator};
use crate::error::{ScimError, shown};
use crate::path::{AttributePath, Named, resolve};
use crate::schema::{Attribute, Mutability, ResourceType, Type};

/// The longest filter or path in bytes.
pub const MAX_FILTER: usize = 4096;
/// The deepest nesting of parentheses and brackets.
pub const MAX_FILTER_DEPTH: usize = 32;
/// The most comparisons in one filter.
pub const MAX_TERMS: usize = 256;

/// What is being read; it chooses the keyword of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A `filter` parameter.
    Filter,
    /// A PATCH `path`.
    Path,
}

/// Where a name is looked up.
#[derive(Clone, Copy)]
enum Scope {
    Resource(&'static ResourceType),
    Element(&'static Attribute),
}

impl Scope {
    fn find(self, word: &str) -> Option<AttributePath> {
        match self {
            Self::Resource(kind) => match resolve(kind, word)? {
                Named::Attribute(path) => Some(path),
                Named::Extension(_) => None,
            },
            Self::Element(attribute) => {
                Some(AttributePath { extension: None, attribute: attribute.sub(word)?, sub: None })
            }
        }
    }
}

/// A literal before it is typed.
enum Raw {
    Text(String),
    Boolean(bool),
    Null,
    Other,
}

/// The reading position in one text.
pub(crate) struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    terms: usize,
    purpose: Purpose,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str, purpose: Purpose) -> Result<Self, ScimError> {
        let parser = Self { text, at: 0, depth: 0, terms: 0, purpose };
        if text.len() > MAX_FILTER {
            return Err(parser.wrong(0, format!("it is longer than {MAX_FILTER} bytes")));
        }
        Ok(parser)
    }

    /// The whole text as a filter.
    pub(crate) fn filter(mut self, kind: &'static ResourceType) -> Result<Filter, ScimError> {
        let filter = self.or(Scope::Resource(kind))?;
        self.end()?;
        Ok(filter)
    }

    /// What follows `attribute[` in a path: the filter, `]`, and perhaps `.sub`.
    pub(crate) fn element(&mut self, path: AttributePath) -> Result<(AttributePath, Filter), ScimError> {
        if !path.attribute.multi_valued {
            let name = path.attribute.name;
            return Err(self.wrong(self.at, format!("`{name}` has one value and takes no filter")));
        }
        let filter = self.brackets(path)?;
        let sub = self.sub_after_brackets(path)?;
        Ok((AttributePath { sub, ..path }, filter))
    }

    /// The characters up to a space, quote, bracket or parenthesis.
    pub(crate) fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c: char| c.is_whitespace() || "()[]\"".contains(c)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// Steps over `wanted` if it is next.
    pub(crate) fn take(&mut self, wanted: char) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    /// Nothing but space may follow.
    pub(crate) fn end(&mut self) -> Result<(), ScimError> {
        self.spaces();
        if self.rest().is_empty() {
            return Ok(());
        }
        Err(self.wrong(self.at, "nothing more was expected"))
    }

    /// A refusal that points at byte `at`.
    pub(crate) fn wrong(&self, at: usize, why: impl std::fmt::Display) -> ScimError {
        let position = self.text.get(..at).unwrap_or_default().chars().count() + 1;
        match self.purpose {
            Purpose::Filter => {
                ScimError::invalid_filter(format!("The filter cannot be used, at character {position}: {why}."))
            }
            Purpose::Path => {
                ScimError::invalid_path(format!("The path cannot be used, at character {position}: {why}."))
            }
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Steps over the word `wanted`, in any case.
    fn keyword(&mut self, wanted: &str) -> bool {
        self.spaces();
        let start = self.at;
        if self.word().eq_ignore_ascii_case(wanted) {
            return true;
        }
        self.at = start;
        false
    }

    fn or(&mut self, scope: Scope) -> Result<Filter, ScimError> {
        let first = self.and(scope)?;
        let mut parts = vec![first];
        while self.keyword("or") {
            parts.push(self.and(scope)?);
        }
        Ok(one_or(parts, Filter::Or))
    }

    fn and(&mut self, scope: Scope) -> Result<Filter, ScimError> {
        let first = self.term(scope)?;
        let mut parts = vec![first];
        while self.keyword("and") {
            parts.push(self.term(scope)?);
        }
        Ok(one_or(parts, Filter::And))
    }

    fn term(&mut self, scope: Scope) -> Result<Filter, ScimError> {
        let negated = self.keyword("not");
        self.spaces();
        if self.take('(') {
            let inner = self.nested(scope, ')')?;
            return Ok(if negated { Filter::Not(Box::new(inner)) } else { inner });
        }
        if negated {
            return Err(self.wrong(self.at, "`not` needs parentheses, as in `not (title pr)`"));
        }
        self.condition(scope)
    }

    /// What an opening parenthesis or bracket holds, and its closing.
    fn nested(&mut self, scope: Scope, closing: char) -> Result<Filter, ScimError> {
        if self.depth == MAX_FILTER_DEPTH {
            let why = format!("more than {MAX_FILTER_DEPTH} levels of nesting");
            return Err(self.wrong(self.at, why));
        }
        self.depth += 1;
        let filter = self.or(scope)?;
        self.depth -= 1;
        self.spaces();
        if self.take(closing) {
            return Ok(filter);
        }
        Err(self.wrong(self.at, format!("`{closing}`, `and` or `or` was expected")))
    }

    fn condition(&mut self, scope: Scope) -> Result<Filter, ScimError> {
        let start = self.at;
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(self.wrong(start, format!("more than {MAX_TERMS} comparisons")));
        }
        let word = self.word();
        if word.is_empty() {
            return Err(self.wrong(start, "an attribute name was expected"));
        }
        let path =
            scope.find(word).ok_or_else(|| self.wrong(start, format!("attribute `{}` is not known", shown(word))))?;
        if path.attribute.mutability == Mutability::WriteOnly {
            let name = path.attribute.name;
            return Err(ScimError::sensitive(format!("`{name}` cannot be searched for. Leave it out of the filter.")));
        }
        if !self.take('[') {
            return self.test(path);
        }
        let inner = self.brackets(path)?;
        let filter = match self.sub_after_brackets(path)? {
            // The test concerns the element that the brackets select, so it belongs inside them.
            Some(sub) => conjoined(inner, self.test(within(sub))?),
            None => inner,
        };
        Ok(Filter::Element { path, filter: Box::new(filter) })
    }

    fn brackets(&mut self, path: AttributePath) -> Result<Filter, ScimError> {
        if path.leaf().kind != Type::Complex {
            let name = path.leaf().name;
            return Err(self.wrong(self.at, format!("`{name}` has no parts to filter by")));
        }
        self.nested(Scope::Element(path.attribute), ']')
    }

    fn sub_after_brackets(&mut self, path: AttributePath) -> Result<Option<&'static Attribute>, ScimError> {
        if !self.take('.') {
            return Ok(None);
        }
        let start = self.at;
        let word = self.word();
        let sub = path
            .attribute
            .sub(word)
            .ok_or_else(|| self.wrong(start, format!("sub-attribute `{}` is not known", shown(word))))?;
        Ok(Some(sub))
    }

    fn test(&mut self, path: AttributePath) -> Result<Filter, ScimError> {
        self.spaces();
        let start = self.at;
        let word = self.word();
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        let operator = Operator::parse(word).ok_or_else(|| {
            let why = "an operator was expected: eq, ne, co, sw, ew, gt, ge, lt, le or pr";
            self.wrong(start, why)
        })?;
        self.spaces();
        let start = self.at;
        let raw = self.literal()?;
        let path = comparable(path)
            .ok_or_else(|| self.wrong(start, format!("`{path}` is an object; name one of its parts")))?;
        let literal = typed(path.leaf(), operator, raw).map_err(|why| self.wrong(start, why))?;
        Ok(Filter::Compare { path, operator, literal })
    }

    fn literal(&mut self) -> Result<Raw, ScimError> {
        if !self.rest().starts_with('"') {
            let word = self.word().to_ascii_lowercase();
            return Ok(match word.as_str() {
                "true" => Raw::Boolean(true),
                "false" => Raw::Boolean(false),
                "null" => Raw::Null,
                _ => Raw::Other,
            });
        }
        let start = self.at;
        let mut values = serde_json::Deserializer::from_str(self.rest()).into_iter::<String>();
        let text = match values.next() {
            Some(Ok(text)) => text,
            Some(Err(_)) | None => {
                return Err(self.wrong(start, "the text in double quotes does not end or has a bad escape"));
            }
        };
        self.at += values.byte_offset();
        if text.contains('\0') {
            return Err(self.wrong(start, "the character U+0000 cannot be stored or searched for"));
        }
        Ok(Raw::Text(text))
    }
}

/// `parts` joined, unless there is only one.
fn one_or(mut parts: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}

fn conjoined(left: Filter, right: Filter) -> Filter {
    let mut parts = if let Filter::And(parts) = left { parts } else { vec![left] };
    parts.push(right);
    Filter::And(parts)
}

fn within(sub: &'static Attribute) -> AttributePath {
    AttributePath { extension: None, attribute: sub, sub: None }
}

/// `emails co "x"` means `emails.value co "x"` (RFC 7644 §3.4.2.2); an object without `value` has no such reading.
fn comparable(path: AttributePath) -> Option<AttributePath> {
    if path.leaf().kind != Type::Complex {
        return Some(path);
    }
    let sub = Some(path.attribute.sub("value")?);
    Some(AttributePath { sub, ..path })
}

fn typed(attribute: &Attribute, operator: Operator, raw: Raw) -> Result<Literal, String> {
    let name = attribute.name;
    let equality = matches!(operator, Operator::Equal | Operator::NotEqual);
    let substring = matches!(operator, Operator::Contains | Operator::StartsWith | Operator::EndsWith);
    match (raw, attribute.kind) {
        (Raw::Null, _) if equality => Ok(Literal::Null),
        (Raw::Text(text), Type::String | Type::Reference) => Ok(Literal::Text(text)),
        (Raw::Text(text), Type::Binary) if equality => Ok(Literal::Text(text)),
        (Raw::Boolean(value), Type::Boolean) if equality => Ok(Literal::Boolean(value)),
        // Entra ID writes `primary eq "True"`.
        (Raw::Text(text), Type::Boolean) if equality && text.eq_ignore_ascii_case("true") => Ok(Literal::Boolean(true)),
        (Raw::Text(text), Type::Boolean) if equality && text.eq_ignore_ascii_case("false") => {
            Ok(Literal::Boolean(false))
        }
        (Raw::Text(text), Type::DateTime) if !substring => text
            .parse::<Timestamp>()
            .map(Literal::Instant)
            .map_err(|_| format!("`{name}` compares with an instant such as \"2026-01-31T09:00:00Z\"")),
        (Raw::Text(_) | Raw::Boolean(_) | Raw::Null | Raw::Other, kind) => Err(match kind {
            Type::String | Type::Reference => {
                format!("`{name}` compares with text in double quotes")
            }
            Type::Boolean => format!("`{name}` takes only `eq` and `ne`, with true or false"),
            Type::Binary => format!("`{name}` takes only `eq` and `ne`, with text in double quotes"),
            Type::DateTime => {
                format!("`{name}` takes eq, ne, gt, ge, lt and le, with an instant such as \"2026-01-31T09:00:00Z\"")
            }
            Type::Complex => format!("`{name}` is an object; name one of its parts"),
        }),
    }
}
