//! The connections of an org.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use cardea_gateway::connections::{self, ConnectionView};
use cardea_gateway::{App, people};
use cardea_model::Permission;

use super::reader::Reader;
use crate::console::connections::{ConnectionCard, ConnectionsPage, Directory, Protocol, Stage};
use crate::console::frame::Room;
use crate::login::page;
use crate::problem::Problem;

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/o/{org}/connections", get(list))
}

async fn list(State(app): State<App>, reader: Reader, Path(org): Path<String>) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::SeeConnections).await?;
    let connections = connections::list(&app, &reader.ctx, account.id).await?;
    let cards = connections.into_iter().map(card).collect();
    page(StatusCode::OK, &ConnectionsPage { frame: reader.frame(Room::Connections), connections: cards })
}

fn card(view: ConnectionView) -> ConnectionCard {
    let directory = match view.directory_tokens.is_empty() {
        true => Directory::None,
        false => Directory::Provisions(view.directory_tokens),
    };
    ConnectionCard {
        protocol: if view.kind == "saml" { Protocol::Saml } else { Protocol::Oidc },
        issuer: view.issuer.unwrap_or_default(),
        callback_url: view.callback_url,
        domains: view.domains,
        stage: stage(&view.stage),
        directory,
        last_sign_in: view.last_login_at,
        name: view.name,
    }
}

/// The stage that a stored word means; a word of a newer release is shown as switched off.
fn stage(word: &str) -> Stage {
    match word {
        "draft" => Stage::Draft,
        "tested" => Stage::Tested,
        "live" => Stage::Live,
        _ => Stage::Off,
    }
}
