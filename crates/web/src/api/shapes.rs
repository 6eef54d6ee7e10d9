//! The shapes of what our API answers, for its description: the wire's side of the gateway's own types.
//!
//! A test asks every route and holds the answer against these, so neither can change alone.
#![expect(dead_code, reason = "described and never made: what is sent are the gateway's types")]

pub(crate) mod apps;
pub(crate) mod invitations;
pub(crate) mod keys;
pub(crate) mod orgs;
pub(crate) mod owners;
mod receipts;
pub(crate) mod rules;
pub(crate) mod users;

pub(crate) use receipts::{Receipt, ReceiptLink};
use utoipa::ToSchema;

/// The caller, in the account whose door they came through.
#[derive(ToSchema)]
pub(crate) struct Me {
    user: MeUser,
    /// The account's name.
    account: String,
    orgs: Vec<MeOrg>,
    /// What you should know, such as that your groups could not be read.
    notices: Vec<Notice>,
}

/// The user in `Me`.
#[derive(ToSchema)]
pub(crate) struct MeUser {
    /// `usr_…`
    id: String,
    email: Option<String>,
    /// Whether the address is proven to be theirs.
    email_verified: bool,
    name: String,
}

/// An org and your roles there.
#[derive(ToSchema)]
pub(crate) struct MeOrg {
    /// The org's name.
    org: String,
    roles: Vec<Role>,
}

/// Something that you should know.
#[derive(ToSchema)]
pub(crate) struct Notice {
    /// A stable word.
    code: String,
}

/// A role with every reason for it.
#[derive(ToSchema)]
pub(crate) struct Role {
    /// The team; without one the role is for the whole org.
    #[schema(nullable = false)]
    team: Option<String>,
    service: String,
    role: String,
    /// Why.
    because: Vec<Because>,
}

/// One reason for a role.
#[derive(ToSchema)]
pub(crate) struct Because {
    /// The rule's name; empty for what was given by hand.
    rule: String,
    /// `manual`, `rule` or `owner`.
    source: String,
    /// The claim that said the group, where it is not the connection's own.
    #[schema(nullable = false)]
    claim: Option<String>,
    /// The group that matched.
    value: String,
}

/// A user as an admin sees them in the list.
#[derive(ToSchema)]
pub(crate) struct User {
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
    /// Whether a source has deleted them; nothing lifts that.
    deleted: bool,
    /// How many keys of theirs live.
    keys: i64,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_login_at: Option<String>,
    /// Where their roles come from: `owner`, `left`, `manual` or `rules`.
    source: String,
    roles: Vec<Role>,
}

/// Which users.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Show {
    Everybody,
    ByHand,
    ByRules,
    WithoutRole,
    Suspended,
}

/// A user with all that an admin can know.
#[derive(ToSchema)]
pub(crate) struct UserDetail {
    #[serde(flatten)]
    user: User,
    /// Where they sign in and are provisioned.
    identities: Vec<Identity>,
    /// Why they may not act.
    holds: Vec<Hold>,
    /// When they left the org; then they have no roles until somebody adds them again.
    #[schema(format = DateTime)]
    left_org_at: Option<String>,
    /// How many sessions of theirs live.
    sessions: i64,
}

/// A user at one connection.
#[derive(ToSchema)]
pub(crate) struct Identity {
    /// The connection's name.
    connection: String,
    /// Who signs in there; nothing until they have.
    subject: Option<String>,
    /// The name that the directory knows them by.
    user_name: String,
    /// The directory's own id for them.
    external_id: Option<String>,
    /// Whether the directory manages them.
    managed: bool,
    /// What the directory last said.
    active: bool,
    #[schema(format = DateTime)]
    last_login_at: Option<String>,
}

/// A reason why somebody may not act.
#[derive(ToSchema)]
pub(crate) struct Hold {
    /// Who put it there.
    source: String,
    /// `disabled` or `deleted`.
    kind: String,
    #[schema(format = DateTime)]
    since: String,
    /// The receipt of that end of access.
    receipt: String,
}

/// An identity provider; no secrets.
#[derive(ToSchema)]
pub(crate) struct Connection {
    /// Unique in the instance; it stands in addresses.
    name: String,
    /// `oidc` or `saml`.
    kind: String,
    /// `draft`, `tested`, `live` or `off`.
    stage: String,
    /// Of an OIDC connection.
    issuer: Option<String>,
    /// Where the provider must send people back to.
    callback_url: String,
    /// The domains whose people sign in here.
    domains: Vec<String>,
    /// The names of its directory's tokens; a directory exists if there is one.
    directory_tokens: Vec<String>,
    #[schema(format = DateTime)]
    last_login_at: Option<String>,
}

/// Something that was done, and by whom.
#[derive(ToSchema)]
pub(crate) struct Event {
    id: String,
    #[schema(format = DateTime)]
    at: String,
    /// Who did it: `person:usr_…`, `directory:idp_…`, `operator:opr_…`, `system:…` or `nobody`.
    actor: String,
    /// What, in a stable word.
    action: String,
    /// To what.
    target: String,
    request_id: String,
    /// More about it, by action.
    #[schema(value_type = Object)]
    detail: String,
}

/// A page of users, by id.
#[derive(ToSchema)]
pub(crate) struct Users {
    items: Vec<User>,
    /// Where the next page begins; without one this is the last.
    #[schema(nullable = false)]
    cursor: Option<String>,
}

/// A page of receipts, newest first.
#[derive(ToSchema)]
pub(crate) struct Receipts {
    items: Vec<Receipt>,
    /// Where the next page begins; without one this is the last.
    #[schema(nullable = false)]
    cursor: Option<String>,
}

/// The identity providers, by name.
#[derive(ToSchema)]
pub(crate) struct Connections {
    items: Vec<Connection>,
    /// Where the next page begins; without one this is the last.
    #[schema(nullable = false)]
    cursor: Option<String>,
}

/// A page of the audit log, newest first.
#[derive(ToSchema)]
pub(crate) struct Events {
    items: Vec<Event>,
    /// Where the next page begins; without one this is the last.
    #[schema(nullable = false)]
    cursor: Option<String>,
}
