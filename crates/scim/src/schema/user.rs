//! The user: core schema and enterprise extension (RFC 7643 §4.1, §4.3, §8.7.1).

use super::{Attribute, Mutability, ResourceType, Returned, Schema, Type, Uniqueness, urn};

/// The kind of resource behind `/Users`.
pub static USER_TYPE: ResourceType = ResourceType {
    name: "User",
    endpoint: "/Users",
    description: "A person of the directory.",
    schema: &USER,
    extensions: &[&ENTERPRISE_USER],
};

/// The core user.
pub static USER: Schema =
    Schema { urn: urn::USER, name: "User", description: "A person's account.", attributes: USER_ATTRIBUTES };

/// The enterprise extension.
pub static ENTERPRISE_USER: Schema = Schema {
    urn: urn::ENTERPRISE_USER,
    name: "EnterpriseUser",
    description: "A person's place in the enterprise.",
    attributes: ENTERPRISE_ATTRIBUTES,
};

const USER_ATTRIBUTES: &[Attribute] = &[
    Attribute {
        required: true,
        uniqueness: Uniqueness::Server,
        ..Attribute::text("userName", "The name that the person signs in with.")
    },
    Attribute::text("externalId", "The client's own identifier of the person.").exact(),
    Attribute::complex("name", NAME, "The parts of the person's name."),
    Attribute::text("displayName", "The name to show."),
    Attribute::text("nickName", "The casual name."),
    Attribute::reference("profileUrl", &["external"], "A page about the person."),
    Attribute::text("title", "The job title, such as Vice President."),
    Attribute::text("userType", "The relation to the organization, such as Contractor."),
    Attribute::text("preferredLanguage", "The preferred languages, as in Accept-Language."),
    Attribute::text("locale", "The locale for dates and numbers, such as en-US."),
    Attribute::text("timezone", "The IANA time zone, such as Europe/Madrid."),
    Attribute::of("active", Type::Boolean, "Whether the person may have access."),
    Attribute {
        mutability: Mutability::WriteOnly,
        returned: Returned::Never,
        ..Attribute::text("password", "Accepted from clients that send one, and not kept.").exact()
    },
    Attribute::complex("emails", EMAIL, "E-mail addresses.").many(),
    Attribute::complex("phoneNumbers", PHONE_NUMBER, "Telephone numbers.").many(),
    Attribute::complex("ims", IM, "Instant messaging addresses.").many(),
    Attribute::complex("photos", PHOTO, "URLs of pictures.").many(),
    Attribute::complex("addresses", ADDRESS, "Postal addresses.").many(),
    Attribute::complex("groups", GROUP, "The groups that the person is in.").many().read_only(),
    Attribute::complex("entitlements", ENTITLEMENT, "Things the person is entitled to.").many(),
    Attribute::complex("roles", ROLE, "Roles given by the directory.").many(),
    Attribute::complex("x509Certificates", CERTIFICATE, "Certificates, DER in base64.").many(),
];

const ENTERPRISE_ATTRIBUTES: &[Attribute] = &[
    Attribute::text("employeeNumber", "The number that the organization gave the person."),
    Attribute::text("costCenter", "The cost center."),
    Attribute::text("organization", "The organization."),
    Attribute::text("division", "The division."),
    Attribute::text("department", "The department."),
    Attribute::complex("manager", MANAGER, "The person's manager."),
];

const NAME: &[Attribute] = &[
    Attribute::text("formatted", "The whole name, ready to show."),
    Attribute::text("familyName", "The family name."),
    Attribute::text("givenName", "The given name."),
    Attribute::text("middleName", "The middle names."),
    Attribute::text("honorificPrefix", "The title before the name, such as Dr."),
    Attribute::text("honorificSuffix", "What follows the name, such as III."),
];

const EMAIL: &[Attribute] = &plural(Attribute::text("value", "The address."), &["work", "home", "other"]);
const PHONE_NUMBER: &[Attribute] = &plural(
    Attribute::text("value", "The number, kept as it was sent."),
    &["work", "home", "mobile", "fax", "pager", "other"],
);
const IM: &[Attribute] =
    &plural(Attribute::text("value", "The address."), &["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]);
const PHOTO: &[Attribute] =
    &plural(Attribute::reference("value", &["external"], "The picture's URL."), &["photo", "thumbnail"]);
const ENTITLEMENT: &[Attribute] = &plural(Attribute::text("value", "The entitlement."), &[]);
const ROLE: &[Attribute] = &plural(Attribute::text("value", "The role."), &[]);
const CERTIFICATE: &[Attribute] = &plural(Attribute::of("value", Type::Binary, "The certificate.").exact(), &[]);

const ADDRESS: &[Attribute] = &[
    Attribute::text("formatted", "The whole address, ready to show."),
    Attribute::text("streetAddress", "Street, house, apartment."),
    Attribute::text("locality", "The city."),
    Attribute::text("region", "The state or region."),
    Attribute::text("postalCode", "The postal code."),
    Attribute::text("country", "The ISO 3166-1 alpha-2 code."),
    Attribute::text("type", "What it is for.").suggesting(&["work", "home", "other"]),
    Attribute::of("primary", Type::Boolean, "Whether it is the preferred one."),
];

const GROUP: &[Attribute] = &[
    Attribute::text("value", "The group's id.").exact().read_only(),
    Attribute::reference("$ref", &["Group"], "The group's URL.").read_only(),
    Attribute::text("display", "The group's name.").read_only(),
    Attribute::text("type", "Whether by itself or through another group.")
        .suggesting(&["direct", "indirect"])
        .read_only(),
];

const MANAGER: &[Attribute] = &[
    Attribute::text("value", "The manager's id.").exact(),
    Attribute::reference("$ref", &["User"], "The manager's URL."),
    Attribute::text("displayName", "The manager's name.").read_only(),
];

/// The parts that RFC 7643 §2.4 gives to most multi-valued attributes.
const fn plural(value: Attribute, types: &'static [&'static str]) -> [Attribute; 4] {
    [
        value,
        Attribute::text("display", "A name to show."),
        Attribute::text("type", "What it is for.").suggesting(types),
        Attribute::of("primary", Type::Boolean, "Whether it is the preferred one."),
    ]
}
