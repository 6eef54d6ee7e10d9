//! `/api/v1/users`: local people of an account, in the words of scripts that were written for another gateway.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use cardea_gateway::App;
use cardea_gateway::users::{self, LocalUser, Made, Way};
use cardea_model::ShownOnce;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::orgs::{Cut, Page};
use super::shapes::{ReceiptLink, users as shapes};
use crate::extract::{Json as Body, Somebody};
use crate::problem::Problem;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one))
        .routes(routes!(password))
        .routes(routes!(logout))
}

/// A local person, and the password that was made for them, if one was.
#[derive(Serialize, ToSchema)]
#[schema(as = LocalUserWithPassword)]
#[serde(rename_all = "camelCase")]
struct WithPassword {
    #[serde(flatten)]
    #[schema(value_type = shapes::LocalUser)]
    user: LocalUser,
    /// Good for choosing another one, and for nothing else. It stands in this answer and nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    temp_password: Option<String>,
}

impl From<Made> for WithPassword {
    fn from(made: Made) -> Self {
        Self { user: made.user, temp_password: made.password.map(ShownOnce::reveal) }
    }
}

/// Who shall be made, and how they come to a password.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewLocalUser)]
#[serde(rename_all = "camelCase")]
struct Create {
    /// The address that they sign in with. Nobody outside is told that it is verified until they have used a link that was
    /// mailed there.
    email: String,
    /// `false`: no password is made; the person cannot sign in until `…/{id}/password` gives them a way.
    #[serde(default)]
    reset_password: Option<bool>,
    /// `true`: no password is made either; they choose one by a link that is mailed to them and good once.
    #[serde(default)]
    notify: Option<bool>,
}

impl Create {
    fn way(&self) -> Way {
        match (self.notify, self.reset_password) {
            (Some(true), _) => Way::Mailed,
            (Some(false) | None, Some(false)) => Way::Later,
            (Some(false) | None, Some(true) | None) => Way::Made,
        }
    }
}

/// The local people of your account: those who have a password here, or nothing else to sign in with.
#[utoipa::path(get, path = "/api/v1/users", tag = "users", responses(
    (status = 200, body = shapes::LocalUsers, description = "By id"), (status = 403, description = "Only owners and user_admins")))]
async fn list(State(app): State<App>, Somebody(ctx): Somebody, Query(cut): Query<Cut>) -> Result<Response, Problem> {
    let found = users::list(&app, &ctx, &cut.cursor, cut.limit()).await?;
    Ok(Json(Page::of(found, cut.limit(), |user: &LocalUser| user.id.to_string())).into_response())
}

/// Make a local person: a member of your account and its org, without roles. They sign in with the password in the answer,
/// which leads to choosing another one and to nothing else.
#[utoipa::path(post, path = "/api/v1/users", tag = "users", request_body = Create, responses(
    (status = 201, body = WithPassword, description = "The person, with their password unless it is left out"),
    (status = 403, description = "Only owners and user_admins"),
    (status = 409, description = "`user_exists`, `domain_federated` or `individual_org`"),
    (status = 422, description = "`invalid_email`")))]
async fn create(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Body(body): Body<Create>,
) -> Result<Response, Problem> {
    let made: WithPassword = users::create(&app, &ctx, &body.email, body.way()).await?.into();
    let headers = [(header::LOCATION, format!("/api/v1/users/{}", made.user.id))];
    Ok((StatusCode::CREATED, headers, Json(made)).into_response())
}

/// One of the local people of your account.
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "users", responses(
    (status = 200, body = shapes::LocalUser, description = "The person"), (status = 403, description = "Only owners and user_admins"),
    (status = 404, description = "There is none")))]
async fn one(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(id): Path<String>,
) -> Result<Json<LocalUser>, Problem> {
    Ok(Json(users::get(&app, &ctx, &id).await?))
}

/// How the person comes to another password.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewPasswordOfUser)]
struct Another {
    /// `true`: by a link that is mailed to them and good once, instead of a password in the answer.
    #[serde(default)]
    notify: Option<bool>,
}

/// Take a local person's password away, for another one to be chosen. Every session of theirs ends; their keys live on, and
/// they are told by mail. `{id}` may be their address.
#[utoipa::path(post, path = "/api/v1/users/{id}/password", tag = "users", request_body = Another, responses(
    (status = 200, body = WithPassword, description = "The person, with the password that was made for them unless it is left out"),
    (status = 403, description = "An owner or account admin whom you do not reach, or `reauthentication_required`"),
    (status = 404, description = "There is none"),
    (status = 409, description = "`federated_user`, `domain_federated`, `own_password` or `other_accounts`")))]
async fn password(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(id): Path<String>,
    Body(body): Body<Another>,
) -> Result<Json<WithPassword>, Problem> {
    let way = if body.notify == Some(true) { Way::Mailed } else { Way::Made };
    Ok(Json(users::reset(&app, &ctx, &id, way).await?.into()))
}

/// Sign a person out: every session of theirs in your account ends, on every node. `{id}` may be their address.
#[utoipa::path(post, path = "/api/v1/users/{id}/logout", tag = "users", responses(
    (status = 200, body = ReceiptLink, description = "The receipt"),
    (status = 403, description = "An owner or account admin whom you do not reach"), (status = 404, description = "There is none")))]
async fn logout(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let ended = users::log_out(&app, &ctx, &id).await?;
    Ok(Json(json!({"receipt": ended.receipt})))
}
