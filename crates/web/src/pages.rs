//! The console's pages: handlers that fill the view models of [`crate::console`].
//!
//! | module | pages |
//! |---|---|
//! | [`overview`] | `/`, `/o/{org}` |
//! | [`people`] | `/o/{org}/people…` and the end of a person's access |
//! | [`members`] | `/o/{org}/people/{user}/…`: roles given and taken, leaving and coming back |
//! | [`persons_keys`] | `/o/{org}/people/{user}/keys/{key}/revoke` |
//! | [`teams`] | `/o/{org}/teams…`, `/o/{org}/new-team` |
//! | [`invite`], [`invitations`] | `/o/{org}/people/add`, `/o/{org}/invitations…` |
//! | [`connections`] | `/o/{org}/connections` |
//! | [`rules`] | `/o/{org}/rules…`: membership rules |
//! | [`revocations`] | `/o/{org}/revocations…` |
//! | [`organization`], [`owners`] | `/o/{org}/profile`, `/o/{org}/subscriptions`, `/o/{org}/owners/…` |
//! | [`tenants`] | `/a/{account}/users…`: who is in the account |
//! | [`contact`] | `/o/{org}/contact`: a message to the owners |
//! | [`switching`] | `/me/accounts`, `/me/switch` |
//! | [`activations`] | `/activate/{secret}…` |
//! | [`keys`] | `/me/keys…` |
//! | [`service_keys`], [`service_key`] | `/o/{org}/service-keys…` |
//! | [`apps`] | `/o/{org}/apps…` |
//! | [`security`] | `/me/security…` |
//! | [`reader`] | who reads: the frame around each page |
//! | [`failure`] | what comes to nothing, as a page; nobody signed in, as the way to the door |

mod activations;
mod apps;
mod connections;
mod contact;
pub(crate) mod docs;
mod done;
mod expiry;
pub(crate) mod failure;
mod fields;
mod invitations;
mod invite;
mod key_form;
mod keys;
mod members;
mod organization;
mod overview;
mod owners;
mod people;
mod person;
mod persons_keys;
mod reader;
mod receipt;
mod revocations;
mod role_form;
mod roles;
mod rule_form;
mod rule_words;
mod rules;
mod rules_off;
mod security;
mod service_key;
mod service_key_form;
mod service_keys;
mod switching;
mod teams;
mod tenants;

use axum::Router;
use axum::http::{StatusCode, Uri, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use cardea_gateway::App;

use crate::console::assets;
use crate::problem::Problem;

/// The routes.
pub(crate) fn routes() -> Router<App> {
    let pages = overview::routes()
        .merge(people::routes())
        .merge(members::routes())
        .merge(persons_keys::routes())
        .merge(teams::routes())
        .merge(invitations::routes())
        .merge(invite::routes())
        .merge(connections::routes())
        .merge(revocations::routes())
        .merge(rules::routes())
        .merge(organization::routes())
        .merge(owners::routes())
        .merge(tenants::routes())
        .merge(contact::routes())
        .merge(switching::routes())
        .merge(activations::routes())
        .merge(keys::routes())
        .merge(service_keys::routes())
        .merge(apps::routes())
        .merge(security::routes())
        .layer(from_fn(failure::to_the_door));
    pages.route("/assets/{*path}", get(asset))
}

/// A file of the console, under a name that changes with its content.
async fn asset(uri: Uri) -> Result<Response, Problem> {
    let missing = || Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such file");
    let found = assets::asset(uri.path()).ok_or_else(missing)?;
    let headers = [(header::CONTENT_TYPE, found.content_type), (header::CACHE_CONTROL, assets::CACHE_CONTROL)];
    Ok((headers, found.bytes.as_slice()).into_response())
}

/// Shortens a list that was read one longer than a page; returns the cursor of the next page if there is one.
fn cut<T>(list: &mut Vec<T>, page: i64, cursor: impl Fn(&T) -> String) -> Option<String> {
    let page = usize::try_from(page).unwrap_or(usize::MAX);
    let more = list.len() > page;
    list.truncate(page);
    list.last().filter(|_| more).map(cursor)
}
