//! The overview: what needs the reader, what was taken away, who came in.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use cardea_gateway::connections::{self, ConnectionView};
use cardea_gateway::people::{self, SignIn};
use cardea_gateway::{App, revocation};
use cardea_model::{Permission, Standing};

use super::reader::Reader;
use super::{receipt, roles};
use crate::console::frame::Room;
use crate::console::overview::{Need, OverviewPage, SignIn as SignInRow};
use crate::login::{page, see_other};
use crate::problem::Problem;

/// The overview shows so many of each.
const FEW: i64 = 5;

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/", get(start)).route("/o/{org}", get(overview))
}

/// Where a person begins: who administers an org at its overview, everybody else at their keys.
async fn start(reader: Reader) -> Result<Response, Problem> {
    match reader.here.standing {
        Standing::Member => see_other("/me/keys"),
        Standing::UserAdmin | Standing::Owner => see_other(&format!("/o/{}", reader.here.org)),
    }
}

async fn overview(State(app): State<App>, reader: Reader, Path(org): Path<String>) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::SeeUsers).await?;
    let connections = connections::list(&app, &reader.ctx, account.id).await?;
    let sign_ins = people::signed_in_lately(&app, &reader.ctx, account.id, FEW).await?;
    let receipts = revocation::receipts(&app, &reader.ctx, account.id, None, FEW).await?;
    let shown = OverviewPage {
        frame: reader.frame(Room::Overview),
        needs: needs(&account.org_name, &connections),
        sign_ins: sign_ins.into_iter().map(sign_in).collect(),
        receipts: receipts.iter().map(receipt::row).collect::<Result<_, _>>()?,
    };
    page(StatusCode::OK, &shown)
}

fn sign_in(row: SignIn) -> SignInRow {
    SignInRow {
        person: roles::link(row.user, &row.name, row.email.as_deref()),
        through: row.connection.unwrap_or_else(|| "password".to_owned()),
        at: row.at,
    }
}

/// What waits for an admin.
fn needs(org: &str, connections: &[ConnectionView]) -> Vec<Need> {
    let href = format!("/o/{org}/connections");
    if !connections.iter().any(|connection| connection.stage == "live") {
        return vec![Need {
            text: "No identity provider is live".to_owned(),
            why: "Until one is, nobody but the owners can sign in.".to_owned(),
            action: "See the connections".to_owned(),
            href,
        }];
    }
    let blind = connections.iter().filter(|one| one.stage == "live" && one.directory_tokens.is_empty());
    blind
        .map(|connection| Need {
            text: format!("`{}` has no directory", connection.name),
            why: "Who leaves the company keeps their access until their next sign-in.".to_owned(),
            action: "See the connection".to_owned(),
            href: href.clone(),
        })
        .collect()
}
