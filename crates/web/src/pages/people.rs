//! The people of an org: find someone, see what they may do and why, end it, and let them in again.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use cardea_gateway::App;
use cardea_gateway::members;
use cardea_gateway::people::{self, Find, Show};
use cardea_model::Permission;
use cardea_model::name::is_label;
use serde::Deserialize;

use super::done::Done;
use super::fields::Fields;
use super::reader::Reader;
use super::role_form::Chosen;
use super::{person, roles};
use crate::console::frame::Room;
use crate::console::people::{PeoplePage, Tab, Tabs};
use crate::console::{Pages, Problem as FieldProblem, Problems};
use crate::login::{page, see_other};
use crate::problem::Problem;

/// A page has so many people.
const MANY: i64 = 50;
/// The longest reason for a deactivation, in bytes.
const LONGEST_REASON: usize = 200;

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/o/{org}/people", get(list))
        .route("/o/{org}/people/{user}", get(show))
        .route("/o/{org}/people/{user}/deactivate", get(ask).post(deactivate))
        .route("/o/{org}/people/{user}/reactivate", post(reactivate))
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    q: String,
    #[serde(default)]
    cursor: String,
    #[serde(default)]
    show: String,
}

/// The word of the list that was asked for, with what it means; everybody for any other.
fn shown(word: &str) -> (&'static str, Show) {
    match word {
        "by_hand" => ("by_hand", Show::ByHand),
        "by_rules" => ("by_rules", Show::ByRules),
        "without_role" => ("without_role", Show::WithoutRole),
        "suspended" => ("suspended", Show::Suspended),
        _ => ("everybody", Show::Everybody),
    }
}

async fn list(
    State(app): State<App>,
    reader: Reader,
    Path(org): Path<String>,
    Query(search): Query<Search>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::SeeUsers).await?;
    let (word, show) = shown(&search.show);
    let find = Find { after: &search.cursor, part: search.q.trim(), show, team: None };
    let found = people::list(&app, &reader.ctx, account.id, find, MANY).await?;
    let adds = !members::offer(&app, &reader.ctx, account.id).await?.is_empty();
    let shown = PeoplePage {
        frame: reader.frame(Room::People),
        tabs: Tabs { open: Tab::Users, invitations: adds },
        query: search.q,
        show: word,
        adds,
        people: found.users.into_iter().map(|user| roles::person_row(&app, user)).collect(),
        pages: Pages { previous: None, next: found.next },
    };
    page(StatusCode::OK, &shown)
}

async fn show(
    State(app): State<App>,
    reader: Reader,
    Path((org, user)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::SeeUsers).await?;
    page(
        StatusCode::OK,
        &person::whole(&app, &reader, account.id, &user, (Chosen::default(), Problems::default())).await?,
    )
}

/// What would end, before it does.
async fn ask(
    State(app): State<App>,
    reader: Reader,
    Path((org, user)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::DeactivateUsers).await?;
    let shown = person::before_the_end(&app, &reader, account.id, &user, (String::new(), Problems::default())).await?;
    page(StatusCode::OK, &shown)
}

async fn deactivate(
    State(app): State<App>,
    reader: Reader,
    Path((org, user)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::DeactivateUsers).await?;
    let reason = fields.one("reason").trim().to_owned();
    if let Some(problem) = reason_problem(&reason) {
        let shown = person::before_the_end(&app, &reader, account.id, &user, (reason, problem)).await?;
        return page(StatusCode::UNPROCESSABLE_ENTITY, &shown);
    }
    let ended = people::deactivate_because(&app, &reader.ctx, account.id, &user, &reason).await?;
    see_other(&format!("/o/{}/revocations/{}", reader.here.org, ended.receipt))
}

fn reason_problem(reason: &str) -> Option<Problems> {
    let text = match reason {
        "" => "Enter a reason, such as `left the company`",
        long if long.len() > LONGEST_REASON => "Enter a reason of at most 200 letters",
        odd if !is_label(odd, LONGEST_REASON) => "Enter a reason on one line, of letters only",
        _ => return None,
    };
    Some(Problems(vec![FieldProblem { field: "reason", text: text.to_owned() }]))
}

async fn reactivate(
    State(app): State<App>,
    reader: Reader,
    Path((org, user)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::DeactivateUsers).await?;
    let lifted = people::reactivate(&app, &reader.ctx, account.id, &user).await?;
    let id = people::show(&app, &reader.ctx, account.id, &user).await?.user.id;
    let done = if lifted { Done::Reactivated } else { Done::NothingToLift };
    see_other(&format!("/o/{}/people/{id}?done={}", reader.here.org, done.word()))
}
