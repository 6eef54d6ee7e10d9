//! SCIM 2.0 without a store: RFC 7643 and 7644 as pure functions, in the dialects that Okta, Entra ID and
//! others really speak.
//!
//! | file | for |
//! |---|---|
//! | `schema` | the attribute table that everything else looks up |
//! | `body` | bytes to a bounded JSON object |
//! | `input`, `value` | the body of a POST or PUT to a [`User`] |
//! | `patch` | a PATCH applied to a [`User`], all or nothing |
//! | `path`, `filter` | attribute paths and filters: parse, print, evaluate, index keys |
//! | `present`, `projection` | a [`User`] to the body of an answer, its `meta`, its entity tag |
//! | `list` | the query and the page of a list |
//! | `discovery` | `/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas` |
//! | `error` | the refusal of every function here, and the error body |
//!
//! Whoever stores a user keeps [`User`] as its JSON beside the indexed keys that [`User::user_name`],
//! [`User::external_id`] and [`User::emails`] give, and finds it by [`Filter::narrowing`].

mod body;
mod discovery;
mod error;
mod filter;
mod input;
mod list;
mod patch;
mod path;
mod present;
mod projection;
mod resource;
mod schema;
mod value;

pub use body::{MAX_BODY, MAX_DEPTH, parse_body};
pub use discovery::{refuse_filter, resource_type, resource_types, schema, schemas, service_provider_config};
pub use error::{ScimError, ScimType};
pub use filter::{Filter, Literal, Lookup, MAX_FILTER, MAX_FILTER_DEPTH, MAX_TERMS, Narrowing, Operator};
pub use list::{DEFAULT_PAGE, ListQuery, ListResponse, MAX_PAGE, Page, projection};
pub use patch::{MAX_OPERATIONS, Patch, Patched};
pub use path::{AttributePath, Named, PatchPath, resolve};
pub use present::{Meta, etag, names_version, present};
pub use projection::Projection;
pub use resource::{Accepted, Email, MAX_KEY, MAX_RESOURCE, User};
pub use schema::{
    Attribute, ENTERPRISE_USER, Mutability, ResourceType, Returned, Schema, Type, USER, USER_TYPE, Uniqueness, urn,
};
pub use value::MAX_ELEMENTS;

/// The media type of every answer; requests may also say `application/json` (RFC 7644 §3.1).
pub const MEDIA_TYPE: &str = "application/scim+json";
