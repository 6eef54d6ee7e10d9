//! `/api/v1/me/keys`: a person's own keys.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cardea_gateway::App;
use cardea_gateway::keys::{self, Change, Choice, KeyError, KeyView, Reached, Rotation, Wanted, Whose};
use cardea_model::Timestamp;
use cardea_model::id::KeyId;
use cardea_model::key::{BadExpiry, Expiry, GrantSpec, KeyKind, Span};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::shapes::keys as shapes;
use super::version::{if_match, with_etag};
use crate::extract::{Json as Body, Somebody, once};
use crate::problem::Problem;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(preview))
        .routes(routes!(get, change, delete))
        .routes(routes!(rotate))
        .routes(routes!(end_grace))
        .routes(routes!(reach))
        .routes(routes!(services))
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

fn grants(services: Vec<Service>) -> Vec<GrantSpec> {
    let grant = |service| match service {
        Service::Whole(name) => GrantSpec::whole(&name),
        Service::Part(part) => part,
    };
    services.into_iter().map(grant).collect()
}

/// A personal key is for this org; a legacy key for every org of yours that wants such keys, and a new one revokes the old.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = NewKeyKind)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Personal,
    Legacy,
}

/// A key, and its secret for this one answer.
#[derive(Serialize, ToSchema)]
#[schema(as = KeyWithSecret)]
pub(super) struct Created {
    #[serde(flatten)]
    #[schema(value_type = shapes::Key)]
    key: KeyView,
    /// It stands in this answer and nowhere else.
    secret: String,
    /// After a rotation: until when the secret before this one works.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    old_valid_until: Option<Timestamp>,
    /// What is missing for the key to be of use, in words.
    warnings: Vec<String>,
}

impl From<keys::Created> for Created {
    fn from(made: keys::Created) -> Self {
        let old_valid_until = made.key.old.as_ref().map(|old| old.valid_until);
        Self { key: made.key, secret: made.secret.reveal(), old_valid_until, warnings: made.warnings }
    }
}

/// The answer to a creation; to a repeated one the key without its secret, in a problem that says so.
pub(super) fn created(made: Result<keys::Created, KeyError>, folder: &str) -> Result<Response, Problem> {
    let made = made.map_err(|error| {
        let key = if let KeyError::Replayed(key) = &error { serde_json::to_value(key).ok() } else { None };
        Problem { key: key.map(Box::new), ..Problem::from(error) }
    })?;
    let location = format!("{folder}/{}", made.key.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(Created::from(made))).into_response())
}

/// Keys, oldest first.
#[derive(Serialize, ToSchema)]
pub(super) struct Keys {
    #[schema(value_type = Vec<shapes::Key>)]
    pub(super) keys: Vec<KeyView>,
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
    Ok(Json(Keys { keys: keys::list(&app, &ctx, &Whose::Own).await? }).into_response())
}

/// The services of your org, and which of them a key of yours can have.
#[utoipa::path(get, path = "/api/v1/me/services", tag = "keys", responses(
    (status = 200, body = Services, description = "The services that take keys of people"), (status = 401, description = "No live session")))]
async fn services(State(app): State<App>, Somebody(ctx): Somebody) -> Result<Response, Problem> {
    Ok(Json(Services { services: keys::choices(&app, &ctx).await? }).into_response())
}

/// Make a key. Its secret stands in this answer and nowhere else, ever. With an `Idempotency-Key` a repeated request makes no
/// second key: it answers 409 `idempotency_replay` with the first one, without its secret.
#[utoipa::path(post, path = "/api/v1/me/keys", tag = "keys", request_body = Create, responses(
    (status = 201, body = Created, description = "The key with its secret"),
    (status = 403, description = "`legacy_off`, or `key_not_allowed`: keys make no keys"),
    (status = 409, description = "`key_limit_reached`, `key_name_taken` or `idempotency_replay`"),
    (status = 422, description = "A name, expiry or service that cannot be")))]
async fn create(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    headers: HeaderMap,
    Body(body): Body<Create>,
) -> Result<Response, Problem> {
    let kind = match body.kind {
        Kind::Personal => KeyKind::Personal,
        Kind::Legacy => KeyKind::Legacy,
    };
    let expiry = expiry(body.expires_in, body.expires_at, body.never)?;
    let (grants, once) = (grants(body.services), once(&headers));
    let wanted = Wanted { name: body.name, expiry, grants, org: body.org, kind, once };
    created(keys::create(&app, &ctx, wanted).await, "/api/v1/me/keys")
}

/// The one expiry of a body.
pub(super) fn expiry(within: Option<Expiry>, at: Option<Expiry>, never: bool) -> Result<Expiry, KeyError> {
    Expiry::of_request(within, at, never).map_err(|error: BadExpiry| KeyError::Expiry(error))
}

/// One of your keys.
#[utoipa::path(get, path = "/api/v1/me/keys/{id}", tag = "keys", responses(
    (status = 200, body = shapes::Key, description = "The key; its version is the ETag"), (status = 404, description = "Not one of yours")))]
async fn get(State(app): State<App>, Somebody(ctx): Somebody, Path(id): Path<String>) -> Result<Response, Problem> {
    let key = keys::get(&app, &ctx, &Whose::Own, key_id(&id)?).await?;
    Ok(with_etag(key.version, &key))
}

pub(super) fn key_id(text: &str) -> Result<KeyId, Problem> {
    text.parse().map_err(|_| KeyError::Missing.into())
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
    /// What it may do from now on, in the place of all that it might.
    #[serde(default)]
    #[schema(value_type = Option<Vec<shapes::ServiceOfKey>>)]
    services: Option<Vec<Service>>,
}

/// Rename a key, give it other services, or switch it off or on. Off holds on this node at once and on every node within the
/// bound.
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
    let (grants, version) = (patch.services.map(grants), if_match(&headers)?);
    let change = Change { name: patch.name, active: patch.active, grants, version };
    let key = keys::change(&app, &ctx, &Whose::Own, key_id(&id)?, change).await?;
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
    keys::delete(&app, &ctx, &Whose::Own, key_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How a key is rotated.
#[derive(Deserialize, ToSchema)]
#[schema(as = KeyRotation)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotate {
    /// How long the old secret works beside the new one, such as `24h`, or seconds; `24h` if you do not say, `7d` at the most.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    grace: Option<Expiry>,
    /// `leak` ends the old secret now.
    #[serde(default)]
    reason: Option<RotationReason>,
    /// A span such as `30d`, or a number of seconds; a key that has expired needs one of the three.
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
}

/// Why a key is rotated.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RotationReason {
    /// As every now and then.
    Routine,
    /// Somebody else knows the secret.
    Leak,
}

impl Rotate {
    pub(super) fn rotation(self, headers: &HeaderMap) -> Result<Rotation, Problem> {
        let said = self.expires_in.is_some() || self.expires_at.is_some() || self.never;
        let expiry = said.then(|| expiry(self.expires_in, self.expires_at, self.never)).transpose()?;
        let grace = match self.grace {
            None => None,
            Some(Expiry::In(span)) => Some(span),
            Some(Expiry::At(_) | Expiry::Never) => return Err(KeyError::Grace.into()),
        };
        let leak = self.reason == Some(RotationReason::Leak);
        Ok(Rotation { grace, leak, expiry, version: if_match(headers)? })
    }
}

/// Give a key another secret. The old one works beside it until its grace is over, or is ended; a further rotation ends it.
#[utoipa::path(post, path = "/api/v1/me/keys/{id}/rotate", tag = "keys", request_body = Rotate, responses(
    (status = 200, body = Created, description = "The key with its new secret"), (status = 404, description = "Not one of yours"),
    (status = 409, description = "`key_state`, or `legacy_key`: it has one secret for life"),
    (status = 412, description = "Changed since you read it"),
    (status = 422, description = "A grace or an expiry that cannot be, or none where one is needed")))]
async fn rotate(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body<Rotate>,
) -> Result<Response, Problem> {
    let rotated = keys::rotate(&app, &ctx, &Whose::Own, key_id(&id)?, body.rotation(&headers)?).await?;
    Ok(with_etag(rotated.key.version, &Created::from(rotated)))
}

/// End the grace of the old secret now.
#[utoipa::path(post, path = "/api/v1/me/keys/{id}/end-grace", tag = "keys", responses(
    (status = 200, body = shapes::Key, description = "The key, of which one secret works"), (status = 404, description = "Not one of yours"),
    (status = 409, description = "`no_grace`: no old secret works any more")))]
async fn end_grace(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let key = keys::end_grace(&app, &ctx, &Whose::Own, key_id(&id)?).await?;
    Ok(with_etag(key.version, &key))
}

/// What one of your keys reaches now, and in the future.
#[utoipa::path(get, path = "/api/v1/me/keys/{id}/reach", tag = "keys", responses(
    (status = 200, body = shapes::Reached, description = "Part by part; nothing else is reached"), (status = 404, description = "Not one of yours")))]
async fn reach(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Path(id): Path<String>,
) -> Result<Json<Reached>, Problem> {
    Ok(Json(keys::reach_of(&app, &ctx, &Whose::Own, key_id(&id)?).await?))
}

/// What a key is to be for.
#[derive(Deserialize, ToSchema)]
#[schema(as = KeyDraft)]
#[serde(deny_unknown_fields)]
struct Draft {
    #[schema(value_type = Vec<shapes::ServiceOfKey>)]
    services: Vec<Service>,
}

/// What a personal key with these services would reach.
#[utoipa::path(post, path = "/api/v1/me/keys/preview", tag = "keys", request_body = Draft, responses(
    (status = 200, body = shapes::Reached, description = "Part by part; nothing else is reached"),
    (status = 422, description = "A service that cannot be")))]
async fn preview(
    State(app): State<App>,
    Somebody(ctx): Somebody,
    Body(body): Body<Draft>,
) -> Result<Json<Reached>, Problem> {
    Ok(Json(keys::preview(&app, &ctx, &Whose::Own, grants(body.services)).await?))
}

/// A span of a body, where one may stand.
pub(super) fn span(text: Option<&str>) -> Result<Option<Span>, KeyError> {
    text.map(|text| Span::parse(text).ok_or(KeyError::MaxAge)).transpose()
}
