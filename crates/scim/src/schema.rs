//! The attribute table: what RFC 7643 says about each attribute, as data.
//!
//! Reading, paths, filters, PATCH, projection and discovery all look here, so that a rule is stated once.

mod user;

pub use user::{ENTERPRISE_USER, USER, USER_TYPE};

/// The names of schemas and messages (RFC 7643 §10, RFC 7644 §8.2).
pub mod urn {
    /// The core user.
    pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
    /// The enterprise extension of the user.
    pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    /// A schema document.
    pub const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
    /// A resource type document.
    pub const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
    /// The service provider's configuration.
    pub const SERVICE_PROVIDER_CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
    /// A page of resources.
    pub const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
    /// A PATCH request.
    pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
    /// An error body.
    pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
}

/// The data types of RFC 7643 §2.3 that our schemas use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Unicode text.
    String,
    /// `true` or `false`.
    Boolean,
    /// An RFC 3339 instant.
    DateTime,
    /// A URI.
    Reference,
    /// Base64.
    Binary,
    /// An object of sub-attributes.
    Complex,
}

/// Who may write an attribute (RFC 7643 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    /// Only the server.
    ReadOnly,
    /// The client.
    ReadWrite,
    /// The client, and nobody reads it.
    WriteOnly,
}

/// When an attribute is shown (RFC 7643 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    /// In every answer, whatever the projection says.
    Always,
    /// In no answer.
    Never,
    /// Unless the projection leaves it out.
    Default,
}

/// Within what an attribute's value is unique (RFC 7643 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uniqueness {
    /// Not unique.
    None,
    /// Among the resources of one directory.
    Server,
}

/// One attribute or sub-attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// The canonical spelling; names compare without case.
    pub name: &'static str,
    /// The data type.
    pub kind: Type,
    /// Whether the value is an array.
    pub multi_valued: bool,
    /// Whether a resource must have it.
    pub required: bool,
    /// Whether values compare with case.
    pub case_exact: bool,
    /// Who may write it.
    pub mutability: Mutability,
    /// When it is shown.
    pub returned: Returned,
    /// Within what it is unique.
    pub uniqueness: Uniqueness,
    /// A sentence for readers of `/Schemas`.
    pub description: &'static str,
    /// Suggested values; others are accepted.
    pub canonical_values: &'static [&'static str],
    /// What a reference may point to.
    pub reference_types: &'static [&'static str],
    /// The parts of a complex attribute.
    pub sub_attributes: &'static [Attribute],
}

/// A named set of attributes.
#[derive(Debug, PartialEq, Eq)]
pub struct Schema {
    /// The schema's URN, which is its id.
    pub urn: &'static str,
    /// The name for people.
    pub name: &'static str,
    /// A sentence for readers of `/Schemas`.
    pub description: &'static str,
    /// The top-level attributes.
    pub attributes: &'static [Attribute],
}

/// A kind of resource: its endpoint, its core schema and its extensions (RFC 7643 §6).
#[derive(Debug, PartialEq, Eq)]
pub struct ResourceType {
    /// The id and name, such as `User`.
    pub name: &'static str,
    /// The path below the base URL, such as `/Users`.
    pub endpoint: &'static str,
    /// A sentence for readers of `/ResourceTypes`.
    pub description: &'static str,
    /// The core schema.
    pub schema: &'static Schema,
    /// The extensions, none of them required.
    pub extensions: &'static [&'static Schema],
}

impl ResourceType {
    /// A top-level attribute of the core schema or one that all resources have (RFC 7643 §3.1).
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        find(self.schema.attributes, name).or_else(|| find(COMMON, name))
    }

    /// The extension with this URN.
    pub fn extension(&self, urn: &str) -> Option<&'static Schema> {
        self.extensions.iter().copied().find(|schema| schema.urn.eq_ignore_ascii_case(urn))
    }
}

impl Attribute {
    /// The sub-attribute with this name.
    pub fn sub(&self, name: &str) -> Option<&'static Attribute> {
        find(self.sub_attributes, name)
    }

    const fn of(name: &'static str, kind: Type, description: &'static str) -> Self {
        Self {
            name,
            kind,
            multi_valued: false,
            required: false,
            case_exact: false,
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: Uniqueness::None,
            description,
            canonical_values: &[],
            reference_types: &[],
            sub_attributes: &[],
        }
    }

    const fn text(name: &'static str, description: &'static str) -> Self {
        Self::of(name, Type::String, description)
    }

    const fn reference(name: &'static str, to: &'static [&'static str], description: &'static str) -> Self {
        Self { reference_types: to, ..Self::of(name, Type::Reference, description).exact() }
    }

    const fn complex(name: &'static str, parts: &'static [Attribute], description: &'static str) -> Self {
        Self { sub_attributes: parts, ..Self::of(name, Type::Complex, description) }
    }

    const fn many(self) -> Self {
        Self { multi_valued: true, ..self }
    }

    const fn exact(self) -> Self {
        Self { case_exact: true, ..self }
    }

    const fn read_only(self) -> Self {
        Self { mutability: Mutability::ReadOnly, ..self }
    }

    const fn always(self) -> Self {
        Self { returned: Returned::Always, ..self }
    }

    const fn suggesting(self, values: &'static [&'static str]) -> Self {
        Self { canonical_values: values, ..self }
    }
}

/// The attribute with this name, without regard to case (RFC 7643 §2.1).
pub(crate) fn find(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

const META: &[Attribute] = &[
    Attribute::text("resourceType", "The kind of resource.").exact().read_only(),
    Attribute::of("created", Type::DateTime, "When it was created.").read_only(),
    Attribute::of("lastModified", Type::DateTime, "When it was last changed.").read_only(),
    Attribute::reference("location", &["uri"], "Its own URL.").read_only(),
    Attribute::text("version", "Its weak entity tag.").exact().read_only(),
];

/// What every resource has and no schema document lists (RFC 7643 §3 and §3.1). `externalId` stands in
/// the schemas themselves, because clients look for it there.
const COMMON: &[Attribute] = &[
    Attribute::reference("schemas", &["uri"], "The schemas in use.").many().read_only().always(),
    Attribute::text("id", "The server's identifier.").exact().read_only().always(),
    Attribute::complex("meta", META, "Facts about the resource.").read_only(),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_without_case() {
        assert_eq!(USER_TYPE.attribute("USERNAME").unwrap().name, "userName");
        assert_eq!(USER_TYPE.attribute("Id").unwrap().name, "id");
        assert!(USER_TYPE.attribute("department").is_none());
        assert!(USER_TYPE.extension(&urn::ENTERPRISE_USER.to_uppercase()).is_some());
    }

    #[test]
    fn case_rules_are_those_that_matching_relies_on() {
        let exact = |name: &str| USER_TYPE.attribute(name).unwrap().case_exact;
        assert!(exact("id") && exact("externalId"));
        assert!(!exact("userName") && !exact("displayName"));
        let emails = USER_TYPE.attribute("emails").unwrap();
        assert!(!emails.sub("value").unwrap().case_exact);
    }

    #[test]
    fn only_complex_attributes_have_parts_and_all_of_them_do() {
        fn check(attributes: &[Attribute]) {
            for attribute in attributes {
                assert_eq!(attribute.kind == Type::Complex, !attribute.sub_attributes.is_empty(), "{}", attribute.name);
                check(attribute.sub_attributes);
            }
        }
        check(COMMON);
        check(USER.attributes);
        check(ENTERPRISE_USER.attributes);
    }
}
