//! What is changed of people: roles by hand, leaving and coming back, and who is in an account. `{user}` is an id or an
//! address, `{account}` a name or an id.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use cardea_gateway::App;
use cardea_gateway::members::{self, Role, TenantView};
use cardea_gateway::people::{self, RoleView, UserDetail};
use cardea_gateway::revocation::Ended;
use cardea_model::Permission;
use cardea_model::rule::{AccountRole, CONTROL_PLANE};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::orgs::{Cut, Page};
use super::shapes::{self, orgs};
use crate::extract::{Json as Body, Somebody};
use crate::problem::Problem;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(give, take))
        .routes(routes!(add))
        .routes(routes!(remove))
        .routes(routes!(leave))
        .routes(routes!(tenants, readmit))
        .routes(routes!(set_account_role, remove_from_account))
}

/// A role of an org, or of one team of it.
#[derive(Deserialize, ToSchema, IntoParams)]
#[schema(as = RoleByHand)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Named {
    /// The team, by name or id; without one the role is for the whole org.
    #[serde(default)]
    team: Option<String>,
    /// The service; left out for `user_admin`, which is a role in the gateway itself.
    #[serde(default = "control_plane")]
    service: String,
    /// The role.
    role: String,
}

fn control_plane() -> String {
    CONTROL_PLANE.to_owned()
}

impl From<Named> for Role {
    fn from(named: Named) -> Self {
        Self { team: named.team, service: named.service, role: named.role }
    }
}

fn roles(roles: &[RoleView]) -> Json<Value> {
    Json(json!({"roles": roles}))
}

fn receipt(ended: Ended) -> Json<Value> {
    Json(json!({"receipt": ended.receipt}))
}

/// Give a user a role by hand. Who has it already keeps it.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/users/{user}/roles", tag = "people", request_body = Named, responses(
    (status = 200, body = orgs::Roles, description = "The roles from now on, as you see them"),
    (status = 403, description = "Not a role that you may give there"), (status = 404, description = "No such user in this org"),
    (status = 409, description = "`owner_immutable`, `rule_managed`, `individual_org` or `left_org`"),
    (status = 422, description = "`unknown_role` or `unknown_team`")))]
async fn give(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, user)): Path<(String, String)>,
    Body(role): Body<Named>,
) -> Result<Json<Value>, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SeeUsers).await?;
    Ok(roles(&members::give(&app, &ctx, account.id, &user, &role.into()).await?))
}

/// Take a role from a user that was given by hand.
#[utoipa::path(delete, path = "/api/v1/orgs/{org}/users/{user}/roles", tag = "people", responses(
    (status = 200, body = orgs::Roles, description = "The roles from now on, as you see them"),
    (status = 403, description = "Not a role that you may take there"), (status = 404, description = "No such user in this org, or they do not have the role"),
    (status = 409, description = "`owner_immutable`, `rule_managed`, `individual_org` or `left_org`"),
    (status = 422, description = "`unknown_team`")))]
async fn take(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, user)): Path<(String, String)>,
    Query(role): Query<Named>,
) -> Result<Json<Value>, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SeeUsers).await?;
    Ok(roles(&members::take(&app, &ctx, account.id, &user, &role.into()).await?))
}

/// A user of the account: an id or an address.
#[derive(Deserialize, ToSchema)]
#[schema(as = UserToAdd)]
#[serde(deny_unknown_fields)]
struct Whom {
    /// `usr_…`, or an address.
    #[serde(alias = "email")]
    user: String,
}

/// Put a user of the account who had left back into the org. What ended stays dead: they sign in again and make new keys.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/users", tag = "people", request_body = Whom, responses(
    (status = 200, body = shapes::UserDetail, description = "The user, who has no role by hand yet"),
    (status = 403, description = "Only owners and user_admins of the org"),
    (status = 404, description = "Nobody whom this account knows; invite them"), (status = 409, description = "`in_org` or `individual_org`")))]
async fn add(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    Body(whom): Body<Whom>,
) -> Result<Json<UserDetail>, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::InviteUsers).await?;
    Ok(Json(members::add(&app, &ctx, account.id, &whom.user).await?))
}

/// Remove a user from the org: every role, session and key of theirs ends. They stay in the account.
#[utoipa::path(delete, path = "/api/v1/orgs/{org}/users/{user}", tag = "people", responses(
    (status = 200, body = shapes::ReceiptLink, description = "It is over; the receipt tells what ended"),
    (status = 403, description = "Only owners and user_admins of the org; only owners remove owners"), (status = 404, description = "No such user in this org"),
    (status = 409, description = "`last_owner`, `account_owner` or `left_org`")))]
async fn remove(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, user)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::RemoveUsers).await?;
    Ok(receipt(members::remove(&app, &ctx, account.id, &user).await?))
}

/// Leave the org: every role, session and key of yours there ends, this session too.
#[utoipa::path(post, path = "/api/v1/me/leave", tag = "me", responses(
    (status = 200, body = shapes::ReceiptLink, description = "It is over; the receipt tells what ended"), (status = 401, description = "No live session"),
    (status = 409, description = "`last_owner`, `account_owner` or `left_org`")))]
async fn leave(State(app): State<App>, Somebody(ctx): Somebody) -> Result<Json<Value>, Problem> {
    Ok(receipt(members::leave(&app, &ctx).await?))
}

/// The users of an account, those who left too; `q` searches names and addresses. Nothing in the org is given here.
#[utoipa::path(get, path = "/api/v1/accounts/{account}/users", tag = "accounts", responses(
    (status = 200, body = orgs::Tenants, description = "By id"), (status = 403, description = "Only the account's owner and admins"),
    (status = 404, description = "No such account for you")))]
async fn tenants(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(account): Path<String>,
    Query(cut): Query<Cut>,
) -> Result<Response, Problem> {
    let account = people::account_named(&app, &ctx, &account, Permission::ManageAccountUsers).await?;
    let list = members::tenants(&app, &ctx, account.id, (&cut.cursor, &cut.q), cut.limit()).await?;
    Ok(Json(Page::of(list, cut.limit(), |user: &TenantView| user.id.to_string())).into_response())
}

/// Let a user who had left the account into it again. They have nothing in the org until they are added there.
#[utoipa::path(post, path = "/api/v1/accounts/{account}/users", tag = "accounts", request_body = Whom, responses(
    (status = 200, body = orgs::Tenant, description = "The user as they are now"), (status = 403, description = "Only the account's owner and admins"),
    (status = 404, description = "Nobody whom this account knows; invite them"), (status = 409, description = "`in_account`")))]
async fn readmit(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(account): Path<String>,
    Body(whom): Body<Whom>,
) -> Result<Json<TenantView>, Problem> {
    let account = people::account_named(&app, &ctx, &account, Permission::ManageAccountUsers).await?;
    Ok(Json(members::readmit(&app, &ctx, account.id, &whom.user).await?))
}

/// What changes of a user of an account.
#[derive(Deserialize, ToSchema)]
#[schema(as = AccountRoleChange)]
#[serde(deny_unknown_fields)]
struct Change {
    /// `admin` or `member`.
    #[schema(value_type = String)]
    account_role: AccountRole,
}

/// Make a user an admin of the account, or a plain member.
#[utoipa::path(patch, path = "/api/v1/accounts/{account}/users/{user}", tag = "accounts", request_body = Change, responses(
    (status = 200, body = orgs::Tenant, description = "The user as they are now"), (status = 403, description = "Only the account's owner and admins, and never `owner`"),
    (status = 404, description = "No such user in this account"), (status = 409, description = "`owner_immutable`, `rule_managed` or `left_account`")))]
async fn set_account_role(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((account, user)): Path<(String, String)>,
    Body(change): Body<Change>,
) -> Result<Json<TenantView>, Problem> {
    let account = people::account_named(&app, &ctx, &account, Permission::ManageAccountUsers).await?;
    Ok(Json(members::set_account_role(&app, &ctx, account.id, &user, change.account_role).await?))
}

/// Remove a user from the account: everything of theirs ends in every service, and they are held until somebody adds them to
/// the org again.
#[utoipa::path(delete, path = "/api/v1/accounts/{account}/users/{user}", tag = "accounts", responses(
    (status = 200, body = shapes::ReceiptLink, description = "It is over; the receipt tells what ended"), (status = 403, description = "Only the account's owner and admins"),
    (status = 404, description = "No such user in this account"), (status = 409, description = "`account_owner`, `owner_immutable` or `left_account`")))]
async fn remove_from_account(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((account, user)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let account = people::account_named(&app, &ctx, &account, Permission::ManageAccountUsers).await?;
    Ok(receipt(members::remove_from_account(&app, &ctx, account.id, &user).await?))
}
