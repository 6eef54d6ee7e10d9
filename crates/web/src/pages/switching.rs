//! The accounts that the reader is in, and from one to another.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use cardea_gateway::App;
use cardea_gateway::switching::{self, Place, SwitchError};
use serde::Deserialize;

use super::fields::Fields;
use super::reader::Reader;
use crate::console::account::AccountsPage;
use crate::console::frame::{OrgChoice, OrgWay, Room};
use crate::extract::Somebody;
use crate::login::{keep_session, page, see_other};
use crate::problem::Problem;

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/me/accounts", get(list)).route("/me/switch", post(switch))
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    q: String,
}

async fn list(State(app): State<App>, reader: Reader, Query(search): Query<Search>) -> Result<Response, Problem> {
    let found = switching::orgs(&app, &reader.ctx, &search.q).await?;
    let frame = reader.frame(Room::Accounts);
    page(StatusCode::OK, &AccountsPage { frame, query: search.q, found: found.into_iter().map(choice).collect() })
}

/// An org as the person chooses it.
pub(super) fn choice(place: Place) -> OrgChoice {
    OrgChoice {
        name: place.org,
        account: place.account,
        number: place.number,
        owner: place.owner,
        way: match (place.current, place.sign_in) {
            (true, _) => OrgWay::Here,
            (false, Some(address)) => OrgWay::SignIn(address),
            (false, None) => OrgWay::Switch,
        },
    }
}

/// Moves the session; an org that wants another sign-in gets it first.
async fn switch(State(app): State<App>, Somebody(ctx): Somebody, fields: Fields) -> Result<Response, Problem> {
    match switching::switch(&app, &ctx, fields.one("org")).await {
        Ok(switched) => {
            let mut response = see_other("/")?;
            keep_session(&app, &mut response, &switched.session);
            Ok(response)
        }
        Err(SwitchError::SignIn(address)) => see_other(&address),
        Err(error) => Err(error.into()),
    }
}
