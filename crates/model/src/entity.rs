//! Entities and the patterns that name them.
//!
//! ```text
//! entity   org/name  or  org/team/name
//! pattern  the same, where `*` may stand for a whole segment: never the first, and nothing literal after it
//! segment  [a-z0-9](?:[a-z0-9._-]{0,126}[a-z0-9])?  without `..`
//! ```
//!
//! A tag or digest is not part of an entity: the service strips it before it asks. Upper case is refused, not folded.

use std::fmt;

/// What a scope acts on: `org/name` or `org/team/name`, borrowed from the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entity<'a> {
    org: &'a str,
    team: Option<&'a str>,
    name: &'a str,
}

/// What a key is granted: an entity, or several by `*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntityPattern(Box<str>);

/// Whether `org/*/*` also reaches what lies in no team, `org/name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TeamWildcard {
    /// Only `org/team/name`.
    TeamsOnly,
    /// `org/name` too.
    TeamsAndRoot,
}

/// Why text is no entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEntity {
    /// One segment, or more than three.
    #[error("an entity is `org/name` or `org/team/name`")]
    Depth,
    /// Nothing between two slashes, or before or after one.
    #[error("a segment of an entity is empty")]
    Empty,
    /// More than 128 characters in a segment.
    #[error("a segment of an entity has at most 128 characters")]
    Long,
    /// Anything but lower-case letters, digits, `.`, `_` and `-`.
    #[error("an entity has only lower-case letters, digits, `.`, `_` and `-`, without tag or digest")]
    Character,
    /// A mark at an end of a segment.
    #[error("a segment of an entity starts and ends with a letter or digit")]
    Edge,
    /// Two dots in a row, which some services read as a path upwards.
    #[error("an entity has no `..`")]
    Dots,
}

/// Why text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// A segment that breaks the rules of entities.
    #[error(transparent)]
    Entity(#[from] BadEntity),
    /// `*` as the org.
    #[error("the org of a pattern is written out, never `*`")]
    AnyOrg,
    /// `*` beside other characters.
    #[error("`*` stands for a whole segment")]
    PartOfSegment,
    /// `org/*/name`.
    #[error("after `*` only `*` may follow")]
    LiteralAfterWildcard,
}

impl<'a> Entity<'a> {
    /// Reads an entity; allocates nothing.
    ///
    /// # Errors
    /// The first rule that the text breaks.
    pub fn parse(text: &'a str) -> Result<Self, BadEntity> {
        let (org, second, third) = segments(text)?;
        check(org)?;
        check(second)?;
        let Some(name) = third else {
            return Ok(Self { org, team: None, name: second });
        };
        check(name)?;
        Ok(Self { org, team: Some(second), name })
    }

    /// The org that has it.
    #[must_use]
    pub const fn org(&self) -> &'a str {
        self.org
    }

    /// The team that has it, if any.
    #[must_use]
    pub const fn team(&self) -> Option<&'a str> {
        self.team
    }
}

impl fmt::Display for Entity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.team {
            Some(team) => write!(f, "{}/{team}/{}", self.org, self.name),
            None => write!(f, "{}/{}", self.org, self.name),
        }
    }
}

impl EntityPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// The first rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, BadPattern> {
        let (org, second, third) = segments(text)?;
        if org == "*" {
            return Err(BadPattern::AnyOrg);
        }
        for segment in [Some(org), Some(second), third].into_iter().flatten() {
            match segment {
                "*" => {}
                part if part.contains('*') => return Err(BadPattern::PartOfSegment),
                literal => check(literal)?,
            }
        }
        if second == "*" && third.is_some_and(|name| name != "*") {
            return Err(BadPattern::LiteralAfterWildcard);
        }
        Ok(Self(text.into()))
    }

    /// The org that the pattern names.
    #[must_use]
    pub fn org(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// Whether the pattern names this entity; allocates nothing.
    #[must_use]
    pub fn matches(&self, entity: &Entity<'_>, team_wildcard: TeamWildcard) -> bool {
        let Ok((org, second, third)) = segments(&self.0) else {
            return false;
        };
        let hit = |pattern: &str, segment: &str| pattern == "*" || pattern == segment;
        org == entity.org
            && match (third, entity.team) {
                (None, None) => hit(second, entity.name),
                (Some(third), Some(team)) => hit(second, team) && hit(third, entity.name),
                (Some("*"), None) => second == "*" && team_wildcard == TeamWildcard::TeamsAndRoot,
                (None | Some(_), _) => false,
            }
    }
}

impl fmt::Display for EntityPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `text` can be a segment: the name of an org or team in an entity.
pub(crate) fn is_segment(text: &str) -> bool {
    check(text).is_ok()
}

fn segments(text: &str) -> Result<(&str, &str, Option<&str>), BadEntity> {
    let mut parts = text.split('/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(org), Some(second), third, None) => Ok((org, second, third)),
        _ => Err(BadEntity::Depth),
    }
}

fn check(segment: &str) -> Result<(), BadEntity> {
    let bytes = segment.as_bytes();
    let alphanumeric = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return Err(BadEntity::Empty);
    };
    if bytes.len() > 128 {
        return Err(BadEntity::Long);
    }
    if !bytes.iter().all(|b| alphanumeric(b) || matches!(b, b'.' | b'_' | b'-')) {
        return Err(BadEntity::Character);
    }
    if segment.contains("..") {
        return Err(BadEntity::Dots);
    }
    if !alphanumeric(first) || !alphanumeric(last) {
        return Err(BadEntity::Edge);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
