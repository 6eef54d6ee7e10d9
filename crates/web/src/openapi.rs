//! The description of our API, made from its functions: `/openapi.json`, and a page to read it at `/docs`.

mod failures;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use cardea_gateway::App;
use std::sync::Arc;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::login::page;
use crate::pages::docs;
use crate::problem::{Body, Problem};

/// What stands above the routes.
#[derive(OpenApi)]
#[openapi(
    paths(crate::check::answer, crate::check::answer_batch, crate::feed::follow, crate::proxy::whole),
    components(schemas(Body<'_>)),
    info(
        title = "Cardea",
        description = "The API of the identity-federation gateway. Sign in with a session cookie or a bearer token."
    )
)]
struct Head;

/// Splits documented routes into the routes and the finished document.
pub(crate) fn with_document(routes: OpenApiRouter<App>) -> (Router<App>, Arc<utoipa::openapi::OpenApi>) {
    let (router, paths) = routes.split_for_parts();
    let mut document = Head::openapi();
    document.merge(paths);
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    failures::describe(&mut document);
    (router, Arc::new(document))
}

/// The routes that show the document.
pub(crate) fn routes(document: Arc<utoipa::openapi::OpenApi>) -> Router<App> {
    let json = document.to_pretty_json().unwrap_or_default();
    let as_json = Arc::<str>::from(json);
    Router::new()
        .route("/openapi.json", get(move |_: State<App>| show(as_json)))
        .route("/docs", get(move |_: State<App>| read(document)))
}

async fn read(document: Arc<utoipa::openapi::OpenApi>) -> Result<Response, Problem> {
    page(StatusCode::OK, &docs::whole(&document))
}

async fn show(json: Arc<str>) -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], json.to_string()).into_response()
}

#[cfg(test)]
mod tests;
