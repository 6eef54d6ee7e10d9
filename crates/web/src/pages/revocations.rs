//! Receipts of ended access: the list, and the one that fills itself in while nodes are still to come.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use cardea_gateway::{App, GatewayError, people, revocation};
use cardea_model::Permission;
use serde::Deserialize;

use super::reader::Reader;
use super::receipt;
use crate::console::Pages;
use crate::console::frame::Room;
use crate::console::revocations::{ReceiptPage, RevocationsPage};
use crate::login::page;
use crate::problem::Problem;

/// A page has so many receipts.
const MANY: i64 = 50;

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/o/{org}/revocations", get(list)).route("/o/{org}/revocations/{id}", get(show))
}

#[derive(Deserialize)]
struct Place {
    #[serde(default)]
    cursor: String,
}

async fn list(
    State(app): State<App>,
    reader: Reader,
    Path(org): Path<String>,
    Query(place): Query<Place>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::SeeReceipts).await?;
    let mut found = revocation::receipts(&app, &reader.ctx, account.id, place.cursor.parse().ok(), MANY + 1).await?;
    let next = super::cut(&mut found, MANY, |receipt| receipt.seq.to_string());
    let receipts = found.iter().map(receipt::row).collect::<Result<_, _>>()?;
    let pages = Pages { previous: None, next };
    page(StatusCode::OK, &RevocationsPage { frame: reader.frame(Room::Revocations), receipts, pages })
}

async fn show(
    State(app): State<App>,
    reader: Reader,
    Path((org, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::SeeReceipts).await?;
    let id = id.parse().map_err(|_| GatewayError::Missing("receipt"))?;
    let shown = revocation::receipt(&app, &reader.ctx, account.id, id).await?;
    let receipt = receipt::whole(&app, &shown)?;
    page(StatusCode::OK, &ReceiptPage { frame: reader.frame(Room::Revocations), receipt })
}
