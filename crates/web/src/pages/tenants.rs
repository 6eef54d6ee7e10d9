//! Who is in the account, for its owner and admins: what they are there, out of it, and in again. Nothing in the org is
//! given here.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use cardea_gateway::App;
use cardea_gateway::members::{self, MemberError, TenantView};
use cardea_gateway::people;
use cardea_model::id::AccountId;
use cardea_model::rule::AccountRole;
use cardea_model::{Fault, Kind, Permission};
use serde::Deserialize;

use super::done::Done;
use super::fields::Fields;
use super::reader::Reader;
use super::{person, roles};
use crate::console::account::{Place, RemoveTenantPage, TenantRow, TenantsPage};
use crate::console::frame::Room;
use crate::console::{Notice, Pages, Tone};
use crate::login::{page, see_other, sentence};
use crate::problem::{Problem, status};

/// A page has so many people.
const MANY: i64 = 50;

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/a/{account}/users", get(list))
        .route("/a/{account}/users/{user}/role", post(change_role))
        .route("/a/{account}/users/{user}/readmit", post(readmit))
        .route("/a/{account}/users/{user}/remove", get(ask).post(remove))
}

#[derive(Default, Deserialize)]
struct Search {
    #[serde(default)]
    q: String,
    #[serde(default)]
    cursor: String,
}

async fn account(app: &App, reader: &Reader, name: &str) -> Result<AccountId, Problem> {
    Ok(people::account_named(app, &reader.ctx, name, Permission::ManageAccountUsers).await?.id)
}

async fn list(
    State(app): State<App>,
    reader: Reader,
    Path(name): Path<String>,
    Query(search): Query<Search>,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &name).await?;
    page(StatusCode::OK, &whole(&app, &reader, account, search).await?)
}

async fn whole(app: &App, reader: &Reader, account: AccountId, search: Search) -> Result<TenantsPage, Problem> {
    let part = (search.cursor.as_str(), search.q.trim());
    let mut found = members::tenants(app, &reader.ctx, account, part, MANY + 1).await?;
    let next = super::cut(&mut found, MANY, |tenant| tenant.id.to_string());
    Ok(TenantsPage {
        frame: reader.frame(Room::Tenants),
        query: search.q,
        people: found.into_iter().map(row).collect(),
        pages: Pages { previous: None, next },
    })
}

fn row(tenant: TenantView) -> TenantRow {
    let place = match (tenant.left_account_at, tenant.left_org_at, tenant.active) {
        (Some(_), _, _) => Place::LeftAccount,
        (None, _, false) => Place::Held,
        (None, Some(_), true) => Place::LeftOrg,
        (None, None, true) => Place::InOrg,
    };
    TenantRow {
        person: roles::link(tenant.id, &tenant.name, tenant.email.as_deref()),
        role: tenant.account_role,
        is_org_owner: tenant.owner,
        place,
        last_sign_in: tenant.last_login_at,
    }
}

async fn change_role(
    State(app): State<App>,
    reader: Reader,
    Path((name, user)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &name).await?;
    let role = AccountRole::parse(fields.one("role"));
    let changed = members::set_account_role(&app, &reader.ctx, account, &user, role).await;
    answer(&app, &reader, account, changed.map(|_| Done::AccountRoleChanged)).await
}

async fn readmit(
    State(app): State<App>,
    reader: Reader,
    Path((name, user)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &name).await?;
    let readmitted = members::readmit(&app, &reader.ctx, account, &user).await;
    answer(&app, &reader, account, readmitted.map(|_| Done::Readmitted)).await
}

/// Back to the list; with the reason, if nothing was changed because of how somebody stands.
async fn answer(
    app: &App,
    reader: &Reader,
    account: AccountId,
    outcome: Result<Done, MemberError>,
) -> Result<Response, Problem> {
    let error = match outcome {
        Ok(done) => return see_other(&format!("{}?done={}", reader.account_users(), done.word())),
        Err(error) if error.kind() != Kind::Conflict => return Err(error.into()),
        Err(error) => error,
    };
    let mut shown = whole(app, reader, account, Search::default()).await?;
    let text = format!("Nothing was changed. {}.", sentence(&error.to_string()));
    shown.frame.notice = Some(Notice { tone: Tone::Warning, text });
    page(status(error.kind()), &shown)
}

/// What would end, before it does.
async fn ask(
    State(app): State<App>,
    reader: Reader,
    Path((name, user)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &name).await?;
    let detail = people::show(&app, &reader.ctx, account, &user).await?;
    let keys = people::keys_of(&app, &reader.ctx, account, &user).await?;
    let sessions = people::sessions_of(&app, &reader.ctx, account, &user).await?;
    let mut blast = person::blast(&keys, &sessions, reader.ctx.now);
    blast.others = roles::rows(&app, &detail.user.roles).iter().map(roles::in_words).collect();
    let person = roles::link(detail.user.id, &detail.user.name, detail.user.email.as_deref());
    page(StatusCode::OK, &RemoveTenantPage { frame: reader.frame(Room::Tenants), person, blast })
}

async fn remove(
    State(app): State<App>,
    reader: Reader,
    Path((name, user)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &name).await?;
    match members::remove_from_account(&app, &reader.ctx, account, &user).await {
        Ok(ended) if reader.ctx.may(Permission::SeeReceipts, account).is_ok() => {
            see_other(&format!("/o/{}/revocations/{}", reader.here.org, ended.receipt))
        }
        outcome => answer(&app, &reader, account, outcome.map(|_| Done::RemovedFromAccount)).await,
    }
}
