//! A person's key, ended by an admin: what it does before it is done.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use cardea_gateway::keys::{self, Whose};
use cardea_gateway::{App, people};
use cardea_model::Permission;
use cardea_model::key::KeyKind;

use super::done::Done;
use super::keys::key_id;
use super::reader::Reader;
use super::{key_form, person};
use crate::console::frame::Room;
use crate::console::person::RevokeKeyPage;
use crate::login::{page, see_other};
use crate::problem::Problem;

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/o/{org}/people/{user}/keys/{key}/revoke", get(ask).post(revoke))
}

/// What revoking does, before it does.
async fn ask(
    State(app): State<App>,
    reader: Reader,
    Path((org, user, id)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::RevokeKeys).await?.id;
    let detail = people::show(&app, &reader.ctx, account, &user).await?;
    let key = keys::get(&app, &reader.ctx, &Whose::User(account, user), key_id(&id)?).await?;
    let legacy = key.kind == KeyKind::Legacy;
    let (frame, person) = (reader.frame(Room::People), person::link(&detail));
    page(StatusCode::OK, &RevokeKeyPage { frame, person, key: key_form::row(&app, key), legacy })
}

async fn revoke(
    State(app): State<App>,
    reader: Reader,
    Path((org, user, id)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::RevokeKeys).await?.id;
    let person = people::show(&app, &reader.ctx, account, &user).await?.user.id;
    keys::revoke(&app, &reader.ctx, &Whose::User(account, user), key_id(&id)?).await?;
    see_other(&format!("{}?done={}", reader.at(&format!("people/{person}")), Done::PersonsKeyRevoked.word()))
}
