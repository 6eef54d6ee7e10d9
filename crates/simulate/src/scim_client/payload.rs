//! The bodies and filters in each dialect. Types instead of `json!`, for members keep the order in
//! which the real clients write them.

use serde::Serialize;
use serde_json::{Value, json};

use super::Dialect;
use crate::people::Person;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const WORK_ADDRESS: &str = "emails[type eq \"work\"].value";

/// The `password` that the simulated Okta sends on create, as the real one does even without
/// password sync. It must never come back, be stored readable or be logged; tests look for it.
pub const OKTA_PASSWORD: &str = "k3x-placeholder";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OktaUser<'a> {
    schemas: [&'static str; 1],
    user_name: &'a str,
    name: OktaName<'a>,
    emails: [OktaEmail<'a>; 1],
    display_name: String,
    locale: &'static str,
    external_id: &'a str,
    groups: [(); 0],
    password: &'static str,
    active: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OktaName<'a> {
    given_name: &'a str,
    family_name: &'a str,
}

#[derive(Serialize)]
struct OktaEmail<'a> {
    primary: bool,
    value: &'a str,
    r#type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EntraUser<'a> {
    schemas: [&'static str; 2],
    external_id: &'a str,
    user_name: &'a str,
    active: bool,
    display_name: String,
    emails: [EntraEmail<'a>; 1],
    meta: EntraMeta,
    name: EntraName<'a>,
    roles: [(); 0],
    // Unmapped attributes arrive as null, also `department` and `manager`, which the core schema lacks.
    addresses: (),
    phone_numbers: (),
    title: (),
    department: (),
    manager: (),
}

#[derive(Serialize)]
struct EntraEmail<'a> {
    primary: bool,
    r#type: &'static str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EntraMeta {
    resource_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EntraName<'a> {
    formatted: String,
    family_name: &'a str,
    given_name: &'a str,
}

#[derive(Serialize)]
struct Patch {
    schemas: [&'static str; 1],
    #[serde(rename = "Operations")]
    operations: Vec<Operation>,
}

#[derive(Serialize)]
struct Operation {
    op: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'static str>,
    value: Value,
}

/// The lookup by `userName`: Okta writes blanks as `%20` and asks for a page, Entra ID writes `+`.
pub(crate) fn lookup(dialect: Dialect, user_name: &str) -> String {
    let quoted = user_name.replace('\\', "\\\\").replace('"', "\\\"");
    let filter = format!("userName eq \"{quoted}\"");
    let encoded: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
    match dialect {
        Dialect::Okta => {
            format!("/Users?filter={}&startIndex=1&count=100", encoded.replace('+', "%20"))
        }
        Dialect::EntraDefault | Dialect::EntraCompliant => format!("/Users?filter={encoded}"),
    }
}

/// The body of a create.
pub(crate) fn create(dialect: Dialect, person: &Person) -> String {
    match dialect {
        Dialect::Okta => written(&okta_user(person)),
        Dialect::EntraDefault | Dialect::EntraCompliant => written(&entra_user(person)),
    }
}

/// The body that switches a person on or off.
pub(crate) fn active(dialect: Dialect, active: bool) -> String {
    patch(vec![match dialect {
        Dialect::Okta => operation("replace", None, json!({ "active": active })),
        Dialect::EntraDefault => {
            let text = if active { "True" } else { "False" };
            operation("Replace", Some("active"), json!(text))
        }
        Dialect::EntraCompliant => operation("replace", Some("active"), json!(active)),
    }])
}

/// Entra ID's update without the flag: one operation an attribute.
pub(crate) fn update_by_attribute(person: &Person) -> String {
    patch(vec![
        operation("Replace", Some("displayName"), json!(person.display_name())),
        operation("Replace", Some(WORK_ADDRESS), json!(person.email)),
        operation("Replace", Some("name.givenName"), json!(person.given_name)),
        operation("Replace", Some("name.familyName"), json!(person.family_name)),
    ])
}

/// Entra ID's update with the flag: filtered paths apart, all else in one operation whose keys are
/// paths.
pub(crate) fn update_at_once(person: &Person) -> String {
    let rest = json!({
        "displayName": person.display_name(),
        "name.givenName": person.given_name,
        "name.familyName": person.family_name,
    });
    patch(vec![operation("replace", Some(WORK_ADDRESS), json!(person.email)), operation("replace", None, rest)])
}

/// Okta's edit of the object that the server returned: readOnly members stay in it.
pub(crate) fn edit(resource: &mut Value, person: &Person) -> Option<()> {
    let members = resource.as_object_mut()?;
    members.insert("userName".to_owned(), json!(person.email));
    members.insert("displayName".to_owned(), json!(person.display_name()));
    let name = members.entry("name").or_insert_with(|| json!({})).as_object_mut()?;
    name.insert("givenName".to_owned(), json!(person.given_name));
    name.insert("familyName".to_owned(), json!(person.family_name));
    let emails = [OktaEmail { primary: true, value: &person.email, r#type: "work" }];
    members.insert("emails".to_owned(), json!(emails));
    Some(())
}

fn okta_user(person: &Person) -> OktaUser<'_> {
    OktaUser {
        schemas: [USER],
        user_name: &person.email,
        name: OktaName { given_name: &person.given_name, family_name: &person.family_name },
        emails: [OktaEmail { primary: true, value: &person.email, r#type: "work" }],
        display_name: person.display_name(),
        locale: "en-US",
        external_id: &person.subject,
        groups: [],
        password: OKTA_PASSWORD,
        active: true,
    }
}

fn entra_user(person: &Person) -> EntraUser<'_> {
    EntraUser {
        schemas: [USER, ENTERPRISE],
        external_id: &person.name,
        user_name: &person.email,
        active: true,
        display_name: person.display_name(),
        emails: [EntraEmail { primary: true, r#type: "work", value: &person.email }],
        meta: EntraMeta { resource_type: "User" },
        name: EntraName {
            formatted: person.display_name(),
            family_name: &person.family_name,
            given_name: &person.given_name,
        },
        roles: [],
        addresses: (),
        phone_numbers: (),
        title: (),
        department: (),
        manager: (),
    }
}

fn operation(op: &'static str, path: Option<&'static str>, value: Value) -> Operation {
    Operation { op, path, value }
}

fn patch(operations: Vec<Operation>) -> String {
    written(&Patch { schemas: [PATCH_OP], operations })
}

/// Strings, booleans and lists of them: nothing here can fail to be written.
fn written(body: &impl Serialize) -> String {
    serde_json::to_string(body).unwrap_or_default()
}
