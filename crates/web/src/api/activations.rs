//! `/api/v1/activations`: services that somebody may claim. Operators offer them; whoever has the link, and the address that
//! it was sent to, claims one for an account of theirs or hands it on. `{activation}` is the secret of its link, for operators
//! its id.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cardea_gateway::App;
use cardea_gateway::activations::{self, ActivationError, ActivationView, Claimed, For, Look, Offer};
use cardea_model::Timestamp;
use cardea_model::key::{Expiry, Span};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::shapes;
use super::orgs::{Cut, Page};
use crate::extract::{Anybody, Json as Body, Somebody};
use crate::problem::Problem;

/// How long a link is good if nobody says otherwise: thirty days.
const LIFE: Span = Span::from_seconds(30 * 86_400);

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, offer))
        .routes(routes!(look, withdraw))
        .routes(routes!(claim))
        .routes(routes!(transfer))
}

/// Every activation of the instance.
#[utoipa::path(get, path = "/api/v1/activations", tag = "activations", responses(
    (status = 200, body = shapes::Activations, description = "The oldest first; without their secrets"), (status = 403, description = "Only operators")))]
async fn list(State(app): State<App>, Somebody(ctx): Somebody, Query(cut): Query<Cut>) -> Result<Response, Problem> {
    let list = activations::list(&app, &ctx, &cut.cursor, cut.limit()).await?;
    Ok(Json(Page::of(list, cut.limit(), |row: &ActivationView| row.id.to_string())).into_response())
}

/// What is offered, and to whom.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewActivation)]
#[serde(deny_unknown_fields)]
struct Offered {
    service: String,
    /// To whom; the link is mailed there.
    email: String,
    /// Whether they may hand it on. What may not be is a certificate.
    #[serde(default)]
    transferable: bool,
    /// How long the link is good, 5m to 1y: a span such as `30d` (the default), or a number of seconds.
    #[schema(value_type = Option<String>, nullable = false)]
    expires_in: Option<Expiry>,
    /// When the entitlement ends; never, if left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    entitlement_ends_at: Option<Timestamp>,
}

/// An activation, and the secret of its link for this one answer.
#[derive(Serialize, ToSchema)]
#[schema(as = ActivationWithSecret)]
struct WithSecret {
    #[serde(flatten)]
    #[schema(value_type = shapes::Activation)]
    activation: ActivationView,
    /// It stands in this answer, in the message, and nowhere else.
    secret: String,
}

/// Offer a service to somebody: the link is mailed to them, and its secret stands in this answer once.
#[utoipa::path(post, path = "/api/v1/activations", tag = "activations", request_body = Offered, responses(
    (status = 201, body = WithSecret, description = "It is offered"), (status = 403, description = "Only operators"),
    (status = 422, description = "An address, a service or a time that cannot be")))]
async fn offer(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Body(body): Body<Offered>,
) -> Result<Response, Problem> {
    let expires_in = match body.expires_in {
        None => LIFE,
        Some(Expiry::In(span)) => span,
        Some(Expiry::At(_) | Expiry::Never) => return Err(ActivationError::Life.into()),
    };
    let Offered { service, email, transferable, entitlement_ends_at, .. } = body;
    let offer = Offer { service, email, transferable, expires_in, entitlement_ends_at };
    let offered = activations::offer(&app, &ctx, offer).await?;
    let body = WithSecret { activation: offered.activation, secret: offered.secret.reveal() };
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// What a link is good for, and for which of your accounts. Looking at it does not use it.
#[utoipa::path(get, path = "/api/v1/activations/{activation}", tag = "activations", responses(
    (status = 200, body = shapes::Look, description = "What it gives"), (status = 403, description = "`other_address`: it was sent to another address than yours"),
    (status = 404, description = "No such link"), (status = 409, description = "`activation_used`, `activation_expired` or `activation_withdrawn`")))]
async fn look(
    State(app): State<App>,
    Anybody(ctx): Anybody,
    Path(secret): Path<String>,
) -> Result<Json<Look>, Problem> {
    Ok(Json(activations::look(&app, &ctx, &secret).await?))
}

/// Withdraw an activation that nobody has claimed, by its id.
#[utoipa::path(delete, path = "/api/v1/activations/{activation}", tag = "activations", responses(
    (status = 204, description = "Its link is dead"), (status = 403, description = "Only operators"),
    (status = 404, description = "No such activation"), (status = 409, description = "`activation_used` or `activation_withdrawn`")))]
async fn withdraw(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    activations::withdraw(&app, &ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// For which account: exactly one of `account` and `new_account`.
#[derive(Deserialize, ToSchema)]
#[schema(as = ActivationClaim)]
#[serde(deny_unknown_fields)]
struct Claim {
    /// One that you own, by its name or id.
    #[schema(nullable = false)]
    account: Option<String>,
    /// The name of a new one, without spaces, which you own then.
    #[schema(nullable = false)]
    new_account: Option<String>,
    /// For a new account of somebody who is not known here yet: what they sign in with.
    #[schema(nullable = false)]
    password: Option<String>,
}

/// Claim what a link gives, once. Whoever is not known here yet names a new account and chooses a password.
#[utoipa::path(post, path = "/api/v1/activations/{activation}/claim", tag = "activations", request_body = Claim, responses(
    (status = 200, body = shapes::Claimed, description = "The account has the service"),
    (status = 401, description = "`sign_in_first`: this address is known here"),
    (status = 403, description = "`not_owner` or `other_address`"), (status = 404, description = "No such link"),
    (status = 409, description = "`activation_used`, `activation_expired`, `activation_withdrawn`, `not_eligible` or `name_taken`"),
    (status = 422, description = "A name or password that cannot be")))]
async fn claim(
    State(app): State<App>,
    Anybody(ctx): Anybody,
    Path(secret): Path<String>,
    Body(Claim { account, new_account, password }): Body<Claim>,
) -> Result<Json<Claimed>, Problem> {
    let wanted = match (account, new_account) {
        (Some(account), None) => For::Standing(account),
        (None, Some(name)) => For::New { name, password: password.map(Into::into) },
        (Some(_), Some(_)) | (None, None) => return Err(ActivationError::OneWay.into()),
    };
    Ok(Json(activations::claim(&app, &ctx, &secret, wanted).await?))
}

/// To whom it goes.
#[derive(Deserialize, ToSchema)]
#[schema(as = ActivationHandover)]
#[serde(deny_unknown_fields)]
struct Handover {
    /// Whose it is from now on.
    email: String,
    /// Your words to them, in plain text.
    #[schema(nullable = false)]
    message: Option<String>,
}

/// Hand a link on, for good: the other address is sent a new one, and yours is dead.
#[utoipa::path(post, path = "/api/v1/activations/{activation}/transfer", tag = "activations", request_body = Handover, responses(
    (status = 204, description = "It is theirs"), (status = 403, description = "`other_address`: it is not yours"),
    (status = 404, description = "No such link"),
    (status = 409, description = "`not_transferable`, `activation_used`, `activation_expired` or `activation_withdrawn`"),
    (status = 422, description = "An address or a message that cannot be")))]
async fn transfer(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(secret): Path<String>,
    Body(Handover { email, message }): Body<Handover>,
) -> Result<StatusCode, Problem> {
    activations::transfer(&app, &ctx, &secret, (&email, message)).await?;
    Ok(StatusCode::NO_CONTENT)
}
