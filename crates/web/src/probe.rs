//! Probes: alive, ready, and what is counted.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use cardea_gateway::App;
use serde_json::json;

/// The routes.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/healthz", get(health)).route("/readyz", get(ready)).route("/metrics", get(metrics))
}

/// The process runs; and under which catalogue, for nodes should agree.
async fn health(State(app): State<App>) -> Response {
    let (version, name) = (env!("CARGO_PKG_VERSION"), &app.settings.node_name);
    let catalogue = &app.catalogue_digest;
    let body = json!({"status": "ok", "version": version, "node": app.feed.node, "name": name, "catalogue": catalogue});
    Json(body).into_response()
}

/// The node may answer: it has read the feed within the bound.
async fn ready(State(app): State<App>) -> Response {
    let ready = app.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({"ready": ready, "feed": app.feed.tail()}))).into_response()
}

async fn metrics(State(app): State<App>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], cardea_gateway::metrics::text(&app)).into_response()
}
