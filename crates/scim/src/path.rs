//! Attribute paths: `name.givenName`, `urn:…:User:department`, `emails[type eq "work"].value`
//! (RFC 7644 §3.10 and §3.5.2, Figure 7).
//!
//! A path is resolved against the attribute table while it is read, so an unknown name never gets
//! further than here.

use std::fmt;

use crate::error::{ScimError, shown};
use crate::filter::{Filter, Parser, Purpose};
use crate::schema::{Attribute, ResourceType, Schema, find};

/// An attribute, or one of its sub-attributes, in the core schema or in an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttributePath {
    /// The extension whose object holds the attribute; none for the core.
    pub extension: Option<&'static Schema>,
    /// The attribute.
    pub attribute: &'static Attribute,
    /// The sub-attribute, if the path goes that far.
    pub sub: Option<&'static Attribute>,
}

impl AttributePath {
    /// The last attribute that the path names; its type and case rule govern comparisons.
    pub fn leaf(&self) -> &'static Attribute {
        self.sub.unwrap_or(self.attribute)
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(extension) = self.extension {
            write!(f, "{}:", extension.urn)?;
        }
        f.write_str(self.attribute.name)?;
        match self.sub {
            Some(sub) => write!(f, ".{}", sub.name),
            None => Ok(()),
        }
    }
}

/// What a name without filter stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// The whole object of an extension.
    Extension(&'static Schema),
    /// An attribute.
    Attribute(AttributePath),
}

/// Resolves a name such as `userName`, `emails.value` or `urn:…:User:manager`; `None` when unknown.
///
/// Two deviations from RFC 7644 §3.10 are read besides, because Entra ID sends them: a dot instead of the
/// colon after an extension's URN, and an extension's attribute without any URN (`manager`).
pub fn resolve(kind: &'static ResourceType, text: &str) -> Option<Named> {
    if let Some(rest) = strip_urn(text, kind.schema) {
        return attribute_in(None, kind.attribute(head(rest)?), rest);
    }
    for extension in kind.extensions {
        if text.eq_ignore_ascii_case(extension.urn) {
            return Some(Named::Extension(extension));
        }
        if let Some(rest) = strip_urn(text, extension) {
            return attribute_in(Some(extension), find(extension.attributes, head(rest)?), rest);
        }
    }
    let name = head(text)?;
    if let Some(attribute) = kind.attribute(name) {
        return attribute_in(None, Some(attribute), text);
    }
    kind.extensions
        .iter()
        .copied()
        .find_map(|extension| attribute_in(Some(extension), find(extension.attributes, name), text))
}

/// The target of a PATCH operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatchPath {
    /// The whole object of an extension.
    Extension(&'static Schema),
    /// An attribute, or those elements of it that the filter selects.
    Attribute {
        /// The attribute and, behind the filter if there is one, the sub-attribute.
        path: AttributePath,
        /// The filter in brackets; its paths are sub-attributes of the attribute.
        filter: Option<Filter>,
    },
}

impl PatchPath {
    /// Reads a `path`; 400 `invalidPath` with the position when it cannot be read or names nothing known.
    pub fn parse(kind: &'static ResourceType, text: &str) -> Result<Self, ScimError> {
        let mut parser = Parser::new(text, Purpose::Path)?;
        let word = parser.word();
        let named =
            resolve(kind, word).ok_or_else(|| parser.wrong(0, format!("attribute `{}` is not known", shown(word))))?;
        let path = match named {
            Named::Extension(schema) => {
                parser.end()?;
                return Ok(Self::Extension(schema));
            }
            Named::Attribute(path) => path,
        };
        if !parser.take('[') {
            parser.end()?;
            return Ok(Self::Attribute { path, filter: None });
        }
        let (path, filter) = parser.element(path)?;
        parser.end()?;
        Ok(Self::Attribute { path, filter: Some(filter) })
    }
}

impl fmt::Display for PatchPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extension(schema) => f.write_str(schema.urn),
            Self::Attribute { path, filter: None } => write!(f, "{path}"),
            Self::Attribute { path, filter: Some(filter) } => {
                let whole = AttributePath { sub: None, ..*path };
                write!(f, "{whole}[{filter}]")?;
                match path.sub {
                    Some(sub) => write!(f, ".{}", sub.name),
                    None => Ok(()),
                }
            }
        }
    }
}

/// What follows the schema's URN and its `:` (or Entra's `.`); the URN itself holds dots, so it must be
/// matched whole before the rest is split.
fn strip_urn<'a>(text: &'a str, schema: &Schema) -> Option<&'a str> {
    let prefix = text.get(..schema.urn.len())?;
    let rest = text.get(schema.urn.len()..)?;
    let rest = rest.strip_prefix([':', '.'])?;
    prefix.eq_ignore_ascii_case(schema.urn).then_some(rest)
}

/// The part before the first dot.
fn head(text: &str) -> Option<&str> {
    text.split('.').next()
}

/// The attribute with the sub-attribute that follows the dot in `text`.
fn attribute_in(
    extension: Option<&'static Schema>,
    attribute: Option<&'static Attribute>,
    text: &str,
) -> Option<Named> {
    let attribute = attribute?;
    let sub = match text.split_once('.') {
        Some((_, name)) => Some(attribute.sub(name)?),
        None => None,
    };
    Some(Named::Attribute(AttributePath { extension, attribute, sub }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ScimType;
    use crate::schema::{USER_TYPE, urn};

    fn printed(text: &str) -> String {
        PatchPath::parse(&USER_TYPE, text).unwrap().to_string()
    }

    #[test]
    fn every_form_that_clients_send_is_read() {
        let enterprise = urn::ENTERPRISE_USER;
        for (sent, meant) in [
            ("active", "active".to_owned()),
            ("ActiVe", "active".to_owned()),
            ("name.givenName", "name.givenName".to_owned()),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName", "userName".to_owned()),
            ("URN:IETF:params:scim:schemas:core:2.0:user:NAME.familyname", "name.familyName".to_owned()),
            (r#"emails[type eq "work"].value"#, r#"emails[type eq "work"].value"#.to_owned()),
            (r#"emails[type eq "work"]"#, r#"emails[type eq "work"]"#.to_owned()),
            (r#"roles[primary eq "True"].value"#, "roles[primary eq true].value".to_owned()),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
                format!("{enterprise}:department"),
            ),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.manager", format!("{enterprise}:manager")),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.manager.value",
                format!("{enterprise}:manager.value"),
            ),
            ("manager", format!("{enterprise}:manager")),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", enterprise.to_owned()),
        ] {
            assert_eq!(printed(sent), meant);
        }
    }

    #[test]
    fn what_is_not_known_or_not_a_path_is_refused_with_its_position() {
        for (text, needle) in [
            ("nonsense", "character 1"),
            ("", "character 1"),
            ("name.nonsense", "is not known"),
            ("name.givenName.more", "is not known"),
            ("emails[type eq \"work\"", "character 22"),
            ("emails[type eq \"work\"].nonsense", "character 24"),
            ("emails[type eq \"work\"]value", "character 23"),
            ("emails[0].value", "character 8"),
            ("userName[value eq \"x\"]", "one value"),
            ("name[givenName eq \"x\"]", "one value"),
            ("active eq true", "character 8"),
            ("urn:example:other:User:department", "is not known"),
            ("urn:ietf:params:scim:schemas:core:2.0:User", "is not known"),
        ] {
            let error = PatchPath::parse(&USER_TYPE, text).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::InvalidPath), "{text}");
            assert!(error.detail.contains(needle), "{text}: {}", error.detail);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in ".{0,80}") {
            let _ = PatchPath::parse(&USER_TYPE, &text);
        }

        #[test]
        fn near_misses_are_answered(text in r#"(emails|name|urn:ietf:params:scim:schemas:extension:enterprise:2\.0:User)[\[\]\.: "a-z]{0,30}"#) {
            if let Ok(path) = PatchPath::parse(&USER_TYPE, &text) {
                prop_assert_eq!(PatchPath::parse(&USER_TYPE, &path.to_string()).unwrap(), path);
            }
        }
    }
}
