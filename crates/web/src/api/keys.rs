//! `/api/v1/me/keys`: a person's own keys.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cardea_gateway::App;
use cardea_gateway::keys::{self, Change, Choice, KeyView, Wanted};
use cardea_model::id::KeyId;
use cardea_model::key::{BadExpiry, Expiry, GrantSpec};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::shapes;
use super::version::{if_match, with_etag};
use crate::extract::{Json as Body, Somebody};
use crate::problem::Problem;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, change, delete)).routes(routes!(services))
}

/// What a new key shall be; exactly one of `expires_in`, `expires_at` and `never`.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewKey)]
#[serde(deny_unknown_fields)]
struct Create {
    /// Unique among your keys.
    name: String,
    /// A span such as `30d`, or a number of seconds.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    expires_in: Option<Expiry>,
    /// The last instant.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Expiry>,
    /// It does not expire.
    #[serde(default)]
    never: bool,
    /// What it may do; nothing that you may not.
    #[schema(value_type = Vec<shapes::ServiceOfKey>)]
    services: Vec<Service>,
    #[serde(default)]
    kind: Kind,
    /// The org, if it is not the one whose door you came through.
    #[serde(default)]
    org: Option<String>,
}

/// A whole service by its name, or a part of one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Service {
    Whole(String),
    Part(GrantSpec),
}

/// Which kind; legacy keys are not made here yet.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = NewKeyKind)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Personal,
}

/// A key, and its secret for this one answer.
#[derive(Serialize, ToSchema)]
#[schema(as = KeyWithSecret)]
struct Created {
    #[serde(flatten)]
    #[schema(value_type = shapes::Key)]
    key: KeyView,
    /// It stands in this answer and nowhere else.
    secret: String,
}

/// Keys, oldest first.
#[derive(Serialize, ToSchema)]
struct Keys {
    #[schema(value_type = Vec<shapes::Key>)]
    keys: Vec<KeyView>,
}

/// The services of an org.
#[derive(Serialize, ToSchema)]
struct Services {
    #[schema(value_type = Vec<shapes::Choice>)]
    services: Vec<Choice>,
}

/// Your keys.
#[utoipa::path(get, path = "/api/v1/me/keys", tag = "keys", responses(
    (status = 200, body = Keys, description = "Oldest first"), (status = 401, description = "No live session")))]
async fn list(State(app): State<App>, Somebody(ctx): Somebody) -> Result<Response, Problem> {
    Ok(Json(Keys { keys: keys::list(&app, &ctx).await? }).into_response())
}

/// The services of your org, and which of them a key of yours can have.
#[utoipa::path(get, path = "/api/v1/me/services", tag = "keys", responses(
    (status = 200, body = Services, description = "The services that take keys of people"), (status = 401, description = "No live session")))]
async fn services(State(app): State<App>, Somebody(ctx): Somebody) -> Result<Response, Problem> {
    Ok(Json(Services { services: keys::choices(&app, &ctx).await? }).into_response())
}

/// Make a key. Its secret stands in this answer and nowhere else, ever.
#[utoipa::path(post, path = "/api/v1/me/keys", tag = "keys", request_body = Create, responses(
    (status = 201, body = Created, description = "The key with its secret"),
    (status = 409, description = "`key_limit_reached` or `key_name_taken`"),
    (status = 422, description = "A name, expiry or service that cannot be")))]
async fn create(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Body(body): Body<Create>,
) -> Result<Response, Problem> {
    let Kind::Personal = body.kind;
    let expiry = Expiry::of_request(body.expires_in, body.expires_at, body.never);
    let expiry = expiry.map_err(|error: BadExpiry| keys::KeyError::Expiry(error))?;
    let grants = body.services.into_iter().map(|service| match service {
        Service::Whole(name) => GrantSpec::whole(&name),
        Service::Part(part) => part,
    });
    let wanted = Wanted { name: body.name, expiry, grants: grants.collect(), org: body.org };
    let created = keys::create(&app, &ctx, wanted).await?;
    let location = format!("/api/v1/me/keys/{}", created.key.id);
    let body = Created { key: created.key, secret: created.secret.reveal() };
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(body)).into_response())
}

/// One of your keys.
#[utoipa::path(get, path = "/api/v1/me/keys/{id}", tag = "keys", responses(
    (status = 200, body = shapes::Key, description = "The key; its version is the ETag"), (status = 404, description = "Not one of yours")))]
async fn get(State(app): State<App>, Somebody(ctx): Somebody, Path(id): Path<String>) -> Result<Response, Problem> {
    let key = keys::get(&app, &ctx, key_id(&id)?).await?;
    Ok(with_etag(key.version, &key))
}

fn key_id(text: &str) -> Result<KeyId, Problem> {
    text.parse().map_err(|_| keys::KeyError::Missing.into())
}

/// What changes of a key; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[schema(as = KeyChange)]
#[serde(deny_unknown_fields)]
struct Patch {
    #[serde(default)]
    name: Option<String>,
    /// `false` switches it off, `true` on again.
    #[serde(default)]
    active: Option<bool>,
}

/// Rename a key, or switch it off or on. Off holds on this node at once and on every node within the bound.
#[utoipa::path(patch, path = "/api/v1/me/keys/{id}", tag = "keys", request_body = Patch, responses(
    (status = 200, body = shapes::Key, description = "The key as it is now"), (status = 404, description = "Not one of yours"),
    (status = 409, description = "Ended keys do not change"), (status = 412, description = "Changed since you read it")))]
async fn change(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(patch): Body<Patch>,
) -> Result<Response, Problem> {
    let change = Change { name: patch.name, active: patch.active, version: if_match(&headers)? };
    let key = keys::change(&app, &ctx, key_id(&id)?, change).await?;
    Ok(with_etag(key.version, &key))
}

/// Delete a key, at once and for good.
#[utoipa::path(delete, path = "/api/v1/me/keys/{id}", tag = "keys", responses(
    (status = 204, description = "Gone"), (status = 404, description = "Not one of yours")))]
async fn delete(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    keys::delete(&app, &ctx, key_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
