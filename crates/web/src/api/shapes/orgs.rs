//! The shapes of orgs, teams and the users of an account.

use utoipa::ToSchema;

use super::Role;

/// An org as its people see it.
#[derive(ToSchema)]
pub(crate) struct Org {
    /// `org_…`
    id: String,
    /// Unique in the instance.
    name: String,
    /// The name of the account that it is linked to, one to one.
    account: String,
    /// The number that account and org share.
    number: i64,
    /// `individual` or `enterprise`.
    kind: String,
    description: String,
    services: Vec<Service>,
    /// Whether an identity provider of it has passed its test, so that rules can read groups.
    linked: bool,
    owners: Vec<Owner>,
    /// Raised by each change of the account; the ETag.
    version: i64,
}

/// A service of an org.
#[derive(ToSchema)]
#[schema(as = OrgService)]
pub(crate) struct Service {
    service: String,
    title: String,
    /// `active`, `suspended` or `ended`.
    state: String,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    ends_at: Option<String>,
}

/// An owner of an org.
#[derive(ToSchema)]
pub(crate) struct Owner {
    /// `usr_…`
    id: String,
    name: String,
    /// For those who may see the org's users.
    email: Option<String>,
}

/// A team of an org.
#[derive(ToSchema)]
pub(crate) struct Team {
    /// `tem_…`
    id: String,
    /// Unique in the org for ever.
    name: String,
    description: String,
    /// Raised by each change; the ETag.
    version: i64,
}

/// The teams of an org, by name.
#[derive(ToSchema)]
pub(crate) struct Teams {
    items: Vec<Team>,
    /// Where the next page begins; without one this is the last.
    #[schema(nullable = false)]
    cursor: Option<String>,
}

/// The roles that a user has from now on.
#[derive(ToSchema)]
pub(crate) struct Roles {
    roles: Vec<Role>,
}

/// A user of an account.
#[derive(ToSchema)]
pub(crate) struct Tenant {
    /// `usr_…`
    id: String,
    name: String,
    email: Option<String>,
    email_verified: bool,
    /// `owner`, `admin` or `member` of the account.
    account_role: String,
    /// Whether they own the org.
    owner: bool,
    /// Whether nothing holds them.
    active: bool,
    #[schema(format = DateTime)]
    left_org_at: Option<String>,
    #[schema(format = DateTime)]
    left_account_at: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_login_at: Option<String>,
}

/// A page of an account's users, by id.
#[derive(ToSchema)]
pub(crate) struct Tenants {
    items: Vec<Tenant>,
    /// Where the next page begins; without one this is the last.
    #[schema(nullable = false)]
    cursor: Option<String>,
}
