//! `/scim/v2/…`: what provisioning clients call (RFC 7644). The bearer token alone chooses the directory.
//!
//! | route | |
//! |---|---|
//! | `GET POST /Users`, `GET PUT PATCH DELETE /Users/{id}` | people |
//! | `GET /ServiceProviderConfig`, `/ResourceTypes`, `/Schemas` | what is served |
//! | `/Me`, `/Bulk`, `/.search`, `/Users/.search` | 501 |
//!
//! Every answer is `application/scim+json`, an error too. One of success goes out only after its effect is committed.

mod answer;
mod request;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{any, get};
use cardea_gateway::App;
use cardea_gateway::provisioning::{self, Change};
use cardea_scim::{ListQuery, ListResponse, MAX_BODY, ScimError, USER_TYPE, names_version, projection};

use answer::{Failure, json, not_modified, resource, shown};
use request::{Call, Document};

/// The routes, below [`provisioning::PATH`].
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/Users", get(list).post(create))
        .route("/Users/{id}", get(show).put(replace).patch(patch).delete(remove))
        .route("/ServiceProviderConfig", get(service_provider_config))
        .route("/ResourceTypes", get(resource_types))
        .route("/ResourceTypes/{id}", get(resource_type))
        .route("/Schemas", get(schemas))
        .route("/Schemas/{id}", get(schema))
        .route("/Me", any(not_served))
        .route("/Bulk", any(not_served))
        .route("/.search", any(not_served))
        .route("/Users/.search", any(not_served))
        .fallback(no_endpoint)
        .method_not_allowed_fallback(no_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

async fn list(State(app): State<App>, call: Call) -> Result<Response, Failure> {
    let query = ListQuery::parse(&USER_TYPE, &call.parameters)?;
    let found = provisioning::list(&app, &call.directory, &query).await?;
    let resources = found.records.iter().map(|record| shown(record, &query.projection)).collect();
    Ok(json(StatusCode::OK, &ListResponse::new(query.page, found.total, resources)))
}

async fn create(State(app): State<App>, call: Call, Document(body): Document) -> Result<Response, Failure> {
    let projection = projection(&USER_TYPE, &call.parameters)?;
    let record = provisioning::create(&app, &call.directory, body).await?;
    Ok(resource(StatusCode::CREATED, &record, &projection))
}

async fn show(State(app): State<App>, call: Call) -> Result<Response, Failure> {
    let projection = projection(&USER_TYPE, &call.parameters)?;
    let record = provisioning::show(&app, &call.directory, &call.id).await?;
    if call.if_none_match.as_deref().is_some_and(|header| names_version(header, record.meta.version)) {
        return Ok(not_modified(&record));
    }
    Ok(resource(StatusCode::OK, &record, &projection))
}

async fn replace(State(app): State<App>, call: Call, Document(body): Document) -> Result<Response, Failure> {
    change(&app, &call, Change::Replace(body)).await
}

async fn patch(State(app): State<App>, call: Call, Document(body): Document) -> Result<Response, Failure> {
    change(&app, &call, Change::Patch(body)).await
}

async fn change(app: &App, call: &Call, change: Change) -> Result<Response, Failure> {
    let projection = projection(&USER_TYPE, &call.parameters)?;
    let record = provisioning::change(app, &call.directory, &call.id, change, call.if_match.as_deref()).await?;
    Ok(resource(StatusCode::OK, &record, &projection))
}

async fn remove(State(app): State<App>, call: Call) -> Result<StatusCode, Failure> {
    provisioning::delete(&app, &call.directory, &call.id, call.if_match.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn service_provider_config(State(app): State<App>, call: Call) -> Result<Response, Failure> {
    cardea_scim::refuse_filter(&call.parameters)?;
    Ok(json(StatusCode::OK, &cardea_scim::service_provider_config(&provisioning::base_url(&app))))
}

async fn resource_types(State(app): State<App>, call: Call) -> Result<Response, Failure> {
    cardea_scim::refuse_filter(&call.parameters)?;
    Ok(json(StatusCode::OK, &cardea_scim::resource_types(&provisioning::base_url(&app))))
}

async fn resource_type(State(app): State<App>, call: Call) -> Result<Response, Failure> {
    Ok(json(StatusCode::OK, &cardea_scim::resource_type(&provisioning::base_url(&app), &call.id)?))
}

async fn schemas(State(app): State<App>, call: Call) -> Result<Response, Failure> {
    cardea_scim::refuse_filter(&call.parameters)?;
    Ok(json(StatusCode::OK, &cardea_scim::schemas(&provisioning::base_url(&app))))
}

async fn schema(State(app): State<App>, call: Call) -> Result<Response, Failure> {
    Ok(json(StatusCode::OK, &cardea_scim::schema(&provisioning::base_url(&app), &call.id)?))
}

async fn not_served(_: Call) -> Failure {
    ScimError::new(501, "This endpoint is not served. `/ServiceProviderConfig` says what is.").into()
}

async fn no_endpoint(_: Call) -> Failure {
    ScimError::new(404, "There is no such endpoint. `/ResourceTypes` says which resources there are.").into()
}

async fn no_method(_: Call) -> Failure {
    ScimError::new(405, "This endpoint does not answer this method.").into()
}
