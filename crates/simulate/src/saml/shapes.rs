//! What the responses of real products look like: prefixes, names of attributes, kinds of NameID,
//! times, types.

use aws_lc_rs::digest;
use serde_json::Value;

use super::document::{
    Assertion, Attribute, Authentication, BEARER, Conditions, Confirmation, Draft, Envelope, NameId, SUCCESS, Spaces,
    Typed,
};
use super::time::{fractional, instant};
use crate::people::Person;

/// Seconds that an assertion is good for.
const ASSERTION_LIFE: i64 = 300;
/// Seconds before issue from which it is good, as most products write it.
const ALLOWED_BEFORE: i64 = 30;
/// Seconds that a session lasts at the provider.
const SESSION_LIFE: i64 = 8 * 3_600;

/// The product whose responses are imitated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A plain provider: persistent NameID, short attribute names.
    Generic,
    /// Microsoft Entra ID: claim URIs, groups by object id.
    Entra,
    /// Microsoft Entra ID for somebody in more than 150 groups: a link instead of groups.
    EntraOverage,
    /// Okta: names by an administrator, typed values under a prefix list.
    Okta,
    /// Active Directory Federation Services: claim URIs, groups by name.
    AdFs,
    /// Google Workspace.
    Google,
    /// PingFederate and PingOne: groups as distinguished names.
    Ping,
    /// OneLogin: groups in one value, separated by semicolons.
    OneLogin,
    /// Shibboleth: transient NameID, attributes by object identifier.
    Shibboleth,
    /// Keycloak: one attribute element a role.
    Keycloak,
}

/// Where a shape says what about a person: names of attributes, `name_id` for the NameID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeNames {
    /// What identifies the person for good.
    pub subject: &'static str,
    /// The address.
    pub email: &'static str,
    /// The first name.
    pub given_name: &'static str,
    /// The last name.
    pub family_name: &'static str,
    /// The groups.
    pub groups: &'static str,
}

/// What the shapes differ in besides their names.
struct Style {
    spaces: Spaces,
    typed: Typed,
    name_id_format: &'static str,
    attribute_format: Option<&'static str>,
    time: fn(i64) -> String,
    class: &'static str,
}

const UNSPECIFIED_ID: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
const EMAIL_ID: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const PERSISTENT_ID: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
const TRANSIENT_ID: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
const BASIC: Option<&str> = Some("urn:oasis:names:tc:SAML:2.0:attrname-format:basic");
const BY_URI: Option<&str> = Some("urn:oasis:names:tc:SAML:2.0:attrname-format:uri");
const UNSPECIFIED_NAME: Option<&str> = Some("urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified");
const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";
const PROTECTED_PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
/// The link by which Entra ID says that there are too many groups.
const GROUPS_LINK: &str = "http://schemas.microsoft.com/claims/groups.link";

impl Shape {
    /// Every shape.
    pub const ALL: [Shape; 10] = [
        Shape::Generic,
        Shape::Entra,
        Shape::EntraOverage,
        Shape::Okta,
        Shape::AdFs,
        Shape::Google,
        Shape::Ping,
        Shape::OneLogin,
        Shape::Shibboleth,
        Shape::Keycloak,
    ];

    /// The product's name.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Generic => "Generic",
            Shape::Entra => "Entra ID",
            Shape::EntraOverage => "Entra ID with too many groups",
            Shape::Okta => "Okta",
            Shape::AdFs => "AD FS",
            Shape::Google => "Google Workspace",
            Shape::Ping => "Ping Identity",
            Shape::OneLogin => "OneLogin",
            Shape::Shibboleth => "Shibboleth",
            Shape::Keycloak => "Keycloak",
        }
    }

    /// What this shape calls a group of this name, where it sends each group by itself.
    pub fn group(self, name: &str) -> String {
        groups(self, &[name.to_owned()]).pop().unwrap_or_default()
    }

    /// Where this shape says what.
    pub fn attributes(self) -> AttributeNames {
        let names = |subject, email, given_name, family_name, groups| AttributeNames {
            subject,
            email,
            given_name,
            family_name,
            groups,
        };
        match self {
            Shape::Generic => names("name_id", "email", "given_name", "family_name", "groups"),
            Shape::Okta | Shape::Google => names("name_id", "email", "firstName", "lastName", "groups"),
            Shape::Entra | Shape::EntraOverage => names(
                "http://schemas.microsoft.com/identity/claims/objectidentifier",
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
                "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
            ),
            Shape::AdFs => names(
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
                "http://schemas.xmlsoap.org/claims/Group",
            ),
            Shape::Ping => names("name_id", "mail", "givenName", "sn", "memberOf"),
            Shape::OneLogin => names("name_id", "User.email", "User.FirstName", "User.LastName", "memberOf"),
            Shape::Shibboleth => names(
                "urn:oasis:names:tc:SAML:attribute:subject-id",
                "urn:oid:0.9.2342.19200300.100.1.3",
                "urn:oid:2.5.4.42",
                "urn:oid:2.5.4.4",
                "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
            ),
            Shape::Keycloak => names("name_id", "email", "firstName", "lastName", "Role"),
        }
    }

    fn style(self) -> Style {
        let style = |spaces, typed, name_id_format, attribute_format, time, class| Style {
            spaces,
            typed,
            name_id_format,
            attribute_format,
            time,
            class,
        };
        let samlp = Spaces::new("samlp", "saml", "ds");
        let saml2p = Spaces::new("saml2p", "saml2", "ds");
        let microsoft = Spaces::new("samlp", "", "");
        match self {
            Shape::Generic => style(samlp, Typed::No, PERSISTENT_ID, BASIC, instant, PROTECTED_PASSWORD),
            Shape::Entra | Shape::EntraOverage => style(microsoft, Typed::No, EMAIL_ID, None, fractional, PASSWORD),
            Shape::Okta => {
                let typed = Typed::Protected("string");
                style(saml2p, typed, UNSPECIFIED_ID, UNSPECIFIED_NAME, fractional, PROTECTED_PASSWORD)
            }
            Shape::AdFs => {
                let microsoft = Spaces::new("samlp", "", "ds");
                style(microsoft, Typed::No, UNSPECIFIED_ID, None, fractional, PROTECTED_PASSWORD)
            }
            Shape::Google => {
                let class = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified";
                style(saml2p, Typed::Loose("anyType"), EMAIL_ID, None, fractional, class)
            }
            Shape::Ping => style(samlp, Typed::Loose("string"), UNSPECIFIED_ID, BASIC, fractional, PASSWORD),
            Shape::OneLogin => style(samlp, Typed::Loose("string"), EMAIL_ID, BASIC, instant, PROTECTED_PASSWORD),
            Shape::Shibboleth => style(saml2p, Typed::No, TRANSIENT_ID, BY_URI, fractional, PROTECTED_PASSWORD),
            Shape::Keycloak => style(samlp, Typed::Loose("string"), PERSISTENT_ID, BASIC, fractional, PASSWORD),
        }
    }
}

/// What a response is an answer to.
pub(crate) struct Occasion<'a> {
    /// The provider's entity id.
    pub(crate) issuer: &'a str,
    /// The service's entity id.
    pub(crate) audience: &'a str,
    /// Where the response is posted.
    pub(crate) acs: &'a str,
    /// The request's id; `None` for a response that nobody asked for.
    pub(crate) request_id: Option<&'a str>,
    /// Seconds since 1970.
    pub(crate) now: i64,
    /// Ids of the response, the assertion and the session; no two documents share one.
    pub(crate) ids: [String; 3],
}

/// What a provider of this shape says about the person.
pub(crate) fn draft(shape: Shape, occasion: &Occasion<'_>, person: &Person) -> Draft {
    let style = shape.style();
    let time = |offset: i64| (style.time)(occasion.now.saturating_add(offset));
    let [response_id, assertion_id, session_index] = occasion.ids.clone();
    let until = time(ASSERTION_LIFE);
    let request_id = occasion.request_id.map(str::to_owned);
    let envelope = Envelope {
        spaces: style.spaces,
        id: response_id,
        version: Some("2.0".to_owned()),
        issued: time(0),
        destination: Some(occasion.acs.to_owned()),
        in_response_to: request_id.clone(),
        issuer: Some(occasion.issuer.to_owned()),
        extensions: String::new(),
        status: vec![SUCCESS.to_owned()],
        status_detail: String::new(),
    };
    let assertion = Assertion {
        spaces: style.spaces,
        id: Some(assertion_id),
        version: Some("2.0".to_owned()),
        issued: time(0),
        issuer: Some(occasion.issuer.to_owned()),
        has_subject: true,
        name_id: Some(name_id(shape, &style, occasion, person)),
        confirmations: vec![Confirmation {
            method: BEARER.to_owned(),
            recipient: Some(occasion.acs.to_owned()),
            in_response_to: request_id,
            not_before: None,
            not_on_or_after: Some(until.clone()),
        }],
        conditions: Some(Conditions {
            not_before: Some(time(-ALLOWED_BEFORE)),
            not_on_or_after: Some(until),
            audiences: vec![vec![occasion.audience.to_owned()]],
            further: String::new(),
        }),
        advice: String::new(),
        authentication: Some(Authentication {
            instant: time(0),
            session_index: Some(session_index),
            session_until: (shape == Shape::OneLogin || shape == Shape::Keycloak).then(|| time(SESSION_LIFE)),
            class: style.class.to_owned(),
        }),
        attributes: attributes(shape, &style, person),
        typed: style.typed,
        further: String::new(),
    };
    Draft { envelope, assertion }
}

fn name_id(shape: Shape, style: &Style, occasion: &Occasion<'_>, person: &Person) -> NameId {
    let value = match shape {
        Shape::Generic | Shape::Keycloak => person.subject.clone(),
        Shape::Shibboleth => format!("_{}", hash(&occasion.ids.concat())),
        Shape::Entra
        | Shape::EntraOverage
        | Shape::Okta
        | Shape::AdFs
        | Shape::Google
        | Shape::Ping
        | Shape::OneLogin => person.email.clone(),
    };
    let qualified = shape == Shape::Shibboleth;
    NameId {
        value,
        format: Some(style.name_id_format.to_owned()),
        name_qualifier: qualified.then(|| occasion.issuer.to_owned()),
        sp_name_qualifier: qualified.then(|| occasion.audience.to_owned()),
    }
}

fn attributes(shape: Shape, style: &Style, person: &Person) -> Vec<Attribute> {
    let names = shape.attributes();
    let one = |name: &str, values: Vec<String>| Attribute {
        name: name.to_owned(),
        format: style.attribute_format.map(str::to_owned),
        friendly: None,
        values,
    };
    let mut all = further_attributes(shape, person)
        .into_iter()
        .map(|(name, value)| one(name, vec![value]))
        .collect::<Vec<Attribute>>();
    all.push(one(names.email, vec![person.email.clone()]));
    all.push(one(names.given_name, vec![person.given_name.clone()]));
    all.push(one(names.family_name, vec![person.family_name.clone()]));
    match shape {
        Shape::Keycloak => all.extend(person.groups.iter().map(|group| one(names.groups, vec![group.clone()]))),
        Shape::EntraOverage => {
            let object = guid(&person.subject);
            let link = format!("https://graph.windows.net/{}/users/{object}/getMemberObjects", guid("tenant"));
            all.push(one(GROUPS_LINK, vec![link]));
        }
        Shape::Generic
        | Shape::Entra
        | Shape::Okta
        | Shape::AdFs
        | Shape::Google
        | Shape::Ping
        | Shape::OneLogin
        | Shape::Shibboleth => {
            let values = groups(shape, &person.groups);
            if !values.is_empty() {
                all.push(one(names.groups, values));
            }
        }
    }
    lay_over(&mut all, person, &one);
    all
}

/// What the shape says besides address, names and groups.
fn further_attributes(shape: Shape, person: &Person) -> Vec<(&'static str, String)> {
    let upn = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";
    match shape {
        Shape::Entra | Shape::EntraOverage => vec![
            ("http://schemas.microsoft.com/identity/claims/tenantid", guid("tenant")),
            ("http://schemas.microsoft.com/identity/claims/objectidentifier", guid(&person.subject)),
            ("http://schemas.microsoft.com/identity/claims/displayname", person.display_name()),
            ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", person.email.clone()),
        ],
        Shape::AdFs => vec![(upn, person.email.clone())],
        Shape::Ping => vec![("SAML_SUBJECT", person.email.clone())],
        Shape::Shibboleth => {
            let scoped = format!("{}@corp.example", person.subject);
            let principal = ("urn:oid:1.3.6.1.4.1.5923.1.1.1.6", person.email.clone());
            vec![("urn:oasis:names:tc:SAML:attribute:subject-id", scoped), principal]
        }
        Shape::Generic | Shape::Okta | Shape::Google | Shape::OneLogin | Shape::Keycloak => Vec::new(),
    }
}

/// Groups as the product spells them.
fn groups(shape: Shape, groups: &[String]) -> Vec<String> {
    match shape {
        Shape::Entra => groups.iter().map(|group| guid(group)).collect(),
        Shape::Ping => groups.iter().map(|group| format!("CN={group},OU=Groups,DC=corp,DC=example")).collect(),
        Shape::OneLogin if !groups.is_empty() => vec![groups.join(";")],
        Shape::Generic
        | Shape::EntraOverage
        | Shape::Okta
        | Shape::AdFs
        | Shape::Google
        | Shape::OneLogin
        | Shape::Shibboleth
        | Shape::Keycloak => groups.to_vec(),
    }
}

/// The person's own claims laid over: text and lists of text set an attribute, `null` removes it.
fn lay_over(all: &mut Vec<Attribute>, person: &Person, one: &dyn Fn(&str, Vec<String>) -> Attribute) {
    for (name, value) in &person.claims {
        let values: Option<Vec<String>> = match value {
            Value::String(text) => Some(vec![text.clone()]),
            Value::Array(list) => Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
        };
        all.retain(|attribute| attribute.name != *name);
        all.extend(values.map(|values| one(name, values)));
    }
}

/// The id that Entra ID would give this thing: always the same for the same text.
pub(crate) fn guid(text: &str) -> String {
    let hex = hash(text);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// 160 bits of SHA-256 in hexadecimal.
pub(crate) fn hash(text: &str) -> String {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    digest.as_ref().iter().take(20).map(|byte| format!("{byte:02x}")).collect()
}
