//! Membership rules out of force: with what they gave, or leaving it with everybody.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use cardea_gateway::App;
use cardea_gateway::rules::{self, Deactivation, RulesError};
use cardea_model::id::AccountId;
use serde::Deserialize;

use super::done::Done;
use super::fields::Fields;
use super::reader::Reader;
use super::rule_words as words;
use super::rules::{account, at, unconfirmed};
use crate::console::Problems;
use crate::console::frame::Room;
use crate::console::rules::OffPage;
use crate::login::{page, see_other};
use crate::problem::Problem;

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/o/{org}/rules/off", get(before_off).post(off))
}

/// Who loses what, before it happens.
async fn before_off(
    State(app): State<App>,
    reader: Reader,
    Path(org): Path<String>,
    Query(asked): Query<Off>,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    page(StatusCode::OK, &out_of_force(&app, &reader, account, (asked.how, Problems::default())).await?)
}

/// What becomes of the roles.
#[derive(Deserialize)]
struct Off {
    #[serde(default)]
    how: Deactivation,
}

async fn out_of_force(
    app: &App,
    reader: &Reader,
    account: AccountId,
    (how, problems): (Deactivation, Problems),
) -> Result<OffPage, RulesError> {
    let preview = rules::before_deactivating(app, &reader.ctx, account, how).await?;
    Ok(OffPage {
        frame: reader.frame(Room::Rules),
        freeze: how == Deactivation::Freeze,
        managed: usize::try_from(preview.counts.managed).unwrap_or(usize::MAX),
        difference: words::difference(app, &preview),
        problems,
    })
}

async fn off(
    State(app): State<App>,
    reader: Reader,
    Path(org): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    let (how, done) = match fields.one("how") {
        "freeze" => (Deactivation::Freeze, Done::RulesFrozen),
        _ => (Deactivation::Revoke, Done::RulesOff),
    };
    match rules::deactivate(&app, &reader.ctx, account, how, Some(fields.one("confirm").trim())).await {
        Ok(_) => see_other(&at(&reader, &format!("/in-force?done={}", done.word()))),
        Err(RulesError::Confirm(_)) => {
            let shown = out_of_force(&app, &reader, account, (how, unconfirmed(&reader))).await?;
            page(StatusCode::CONFLICT, &shown)
        }
        Err(error) => Err(error.into()),
    }
}
