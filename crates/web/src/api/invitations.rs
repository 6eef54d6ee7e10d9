//! `/api/v1/orgs/{org}/invitations`: asking people to come.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cardea_gateway::App;
use cardea_gateway::invitations::{self, InvitationError, InvitationView, InvitedAs, Wanted};
use cardea_gateway::people;
use cardea_model::Permission;
use cardea_model::id::InvitationId;
use cardea_model::key::Span;
use cardea_model::rule::{AccountRole, RuleGrant};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::orgs::{Cut, Page};
use super::shapes::invitations as shapes;
use super::version::{if_match, with_etag};
use crate::extract::{Json as Body, Somebody};
use crate::problem::Problem;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, revoke))
        .routes(routes!(resend))
        .routes(routes!(to_own))
}

/// Who shall come, as what.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewInvitation)]
#[serde(deny_unknown_fields)]
struct Create {
    email: String,
    /// What they become in the account: `admin` or `member`, which it is if nothing is said.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    account_role: AccountRole,
    /// Whether they shall own the org; then their account role is `admin`.
    #[serde(default)]
    owner: bool,
    /// What you want to say, in plain text.
    #[serde(default)]
    message: Option<String>,
    /// How long the link is good: a span such as `6h`, or a number of seconds.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    valid_for: Option<ValidFor>,
    /// What they get when they accept; nothing that you could not give.
    #[serde(default)]
    #[schema(value_type = Vec<shapes::GivenRole>)]
    roles: Vec<RuleGrant>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a span such as `6h`, or a number of seconds")]
enum ValidFor {
    Seconds(u64),
    Span(Span),
}

impl From<Create> for Wanted {
    fn from(body: Create) -> Self {
        let valid_for = body.valid_for.map(|valid| match valid {
            ValidFor::Seconds(seconds) => Span::from_seconds(seconds),
            ValidFor::Span(span) => span,
        });
        Self {
            email: body.email,
            invited_as: if body.owner { InvitedAs::Owner } else { InvitedAs::Member },
            account_role: body.account_role,
            message: body.message,
            valid_for,
            roles: body.roles,
        }
    }
}

/// The roles of an invitation.
#[derive(Deserialize, ToSchema)]
#[schema(as = InvitationChange)]
#[serde(deny_unknown_fields)]
struct Patch {
    /// All of them; what is left out is not given.
    #[schema(value_type = Vec<shapes::GivenRole>)]
    roles: Vec<RuleGrant>,
}

fn invitation_id(text: &str) -> Result<InvitationId, Problem> {
    text.parse().map_err(|_| InvitationError::Missing.into())
}

/// Which invitations.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Those that stand so: `pending`, `expired`, `accepted` or `revoked`; all of them, if left out.
    #[param(value_type = Option<shapes::InvitationState>)]
    state: Option<invitations::State>,
}

/// Invitations, newest first; whoever manages the users of teams sees those into their teams.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/invitations", tag = "people", responses(
    (status = 200, body = shapes::Invitations, description = "Newest first; no links"),
    (status = 403, description = "Only owners and user_admins")))]
async fn list(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    Query(cut): Query<Cut>,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SeeOrg).await?;
    let from = (cut.cursor.as_str(), which.state);
    let (items, last) = invitations::list(&app, &ctx, account.id, from, cut.limit()).await?;
    Ok(Json(Page { items, cursor: last.map(|id| id.to_string()) }).into_response())
}

/// Ask somebody to come. They get a message with a link, which is good once.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/invitations", tag = "people", request_body = Create, responses(
    (status = 201, body = shapes::Invited, description = "The message is on its way"),
    (status = 403, description = "You may not, or `reauthentication_required` to invite an owner"),
    (status = 409, description = "`already_member`, `invitation_pending`, `individual_org` or `owner_limit_reached`"),
    (status = 422, description = "An address, role or span that cannot be; `owner_domain_mismatch`")))]
async fn create(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(org): Path<String>,
    Body(body): Body<Create>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SeeOrg).await?;
    let invited = invitations::create(&app, &ctx, account.id, body.into()).await?;
    let location = format!("/api/v1/orgs/{}/invitations/{}", account.org_name, invited.invitation.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(invited)).into_response())
}

/// One invitation.
#[utoipa::path(get, path = "/api/v1/orgs/{org}/invitations/{invitation}", tag = "people", responses(
    (status = 200, body = shapes::Invitation, description = "The invitation, without its link; its version is the ETag"),
    (status = 404, description = "No such invitation for you")))]
async fn show(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, invitation)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SeeOrg).await?;
    let found = invitations::show(&app, &ctx, account.id, invitation_id(&invitation)?).await?;
    Ok(with_etag(found.version, &found))
}

/// Change the roles that an invitation gives, before it is accepted.
#[utoipa::path(patch, path = "/api/v1/orgs/{org}/invitations/{invitation}", tag = "people", request_body = Patch, responses(
    (status = 200, body = shapes::Invitation, description = "The invitation as it is now"),
    (status = 404, description = "No such invitation for you"), (status = 409, description = "It has been accepted or withdrawn"),
    (status = 412, description = "Changed since you read it"), (status = 422, description = "A role that cannot be")))]
async fn change(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, invitation)): Path<(String, String)>,
    headers: HeaderMap,
    Body(patch): Body<Patch>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SeeOrg).await?;
    let wanted = (patch.roles.as_slice(), if_match(&headers)?);
    let changed = invitations::change_roles(&app, &ctx, account.id, invitation_id(&invitation)?, wanted).await?;
    Ok(with_etag(changed.version, &changed))
}

/// Send an invitation again, with a new link that is good for as long as the first one; the old one is dead at once.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/invitations/{invitation}/resend", tag = "people", responses(
    (status = 200, body = shapes::Invitation, description = "The message is on its way"),
    (status = 404, description = "No such invitation for you"), (status = 409, description = "It has been accepted or withdrawn")))]
async fn resend(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, invitation)): Path<(String, String)>,
) -> Result<Json<InvitationView>, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SeeOrg).await?;
    Ok(Json(invitations::resend(&app, &ctx, account.id, invitation_id(&invitation)?).await?))
}

/// Make an invitation one to own the org: its roles fall away, and a message with a new link says so. The old link is dead at
/// once.
#[utoipa::path(post, path = "/api/v1/orgs/{org}/invitations/{invitation}/owner", tag = "people", responses(
    (status = 200, body = shapes::Invitation, description = "The message is on its way"),
    (status = 403, description = "Only owners; `reauthentication_required`"), (status = 404, description = "No such invitation for you"),
    (status = 409, description = "It has been accepted or withdrawn, or `owner_limit_reached`"),
    (status = 422, description = "`owner_domain_mismatch`")))]
async fn to_own(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, invitation)): Path<(String, String)>,
) -> Result<Json<InvitationView>, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SeeOrg).await?;
    Ok(Json(invitations::to_own(&app, &ctx, account.id, invitation_id(&invitation)?).await?))
}

/// Withdraw an invitation; its link is good for nothing any more.
#[utoipa::path(delete, path = "/api/v1/orgs/{org}/invitations/{invitation}", tag = "people", responses(
    (status = 204, description = "Withdrawn"), (status = 404, description = "No such invitation for you"),
    (status = 409, description = "It has been accepted or withdrawn")))]
async fn revoke(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path((org, invitation)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let account = people::account_of(&app, &ctx, &org, Permission::SeeOrg).await?;
    invitations::revoke(&app, &ctx, account.id, invitation_id(&invitation)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
