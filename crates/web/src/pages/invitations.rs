//! Invitations: listed, their roles chosen before they are accepted, sent again, withdrawn.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use cardea_gateway::invitations::{self, InvitationError, InvitationView, InvitedAs};
use cardea_gateway::{App, members, people};
use cardea_model::id::{AccountId, InvitationId};
use cardea_model::rule::{AccountRole, RuleGrant};
use cardea_model::{Fault, Kind, Permission};
use serde::Deserialize;

use super::done::Done;
use super::fields::Fields;
use super::reader::Reader;
use super::role_form::{Chosen, OWNER, with_owner, wrong};
use super::{invite, roles};
use crate::console::frame::Room;
use crate::console::invitations::{InvitationPage, InvitationRow, InvitationsPage, RevokePage, State as Stands};
use crate::console::people::{Tab, Tabs};
use crate::console::{Notice, Pages, Problems, Tone};
use crate::login::{page, see_other, sentence};
use crate::problem::{Problem, status};

/// A page has so many invitations.
const MANY: i64 = 50;

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/o/{org}/invitations", get(list))
        .route("/o/{org}/invitations/{invitation}", get(show))
        .route("/o/{org}/invitations/{invitation}/roles", post(change))
        .route("/o/{org}/invitations/{invitation}/resend", post(resend))
        .route("/o/{org}/invitations/{invitation}/revoke", get(ask).post(revoke))
}

/// The account of an org and the invitation of an address.
async fn named(
    app: &App,
    reader: &Reader,
    (org, invitation): &(String, String),
) -> Result<(AccountId, InvitationId), Problem> {
    let account = people::account_of(app, &reader.ctx, org, Permission::SeeOrg).await?.id;
    Ok((account, invitation.parse().map_err(|_| InvitationError::Missing)?))
}

/// The address of an invitation, with what was done there.
fn done(reader: &Reader, id: InvitationId, done: Done) -> Result<Response, Problem> {
    see_other(&format!("{}?done={}", reader.at(&format!("invitations/{id}")), done.word()))
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    state: String,
    #[serde(default)]
    cursor: String,
}

const fn asked(state: Stands) -> invitations::State {
    match state {
        Stands::Pending => invitations::State::Pending,
        Stands::Expired => invitations::State::Expired,
        Stands::Accepted => invitations::State::Accepted,
        Stands::Revoked => invitations::State::Revoked,
    }
}

const fn stands(state: invitations::State) -> Stands {
    match state {
        invitations::State::Pending => Stands::Pending,
        invitations::State::Expired => Stands::Expired,
        invitations::State::Accepted => Stands::Accepted,
        invitations::State::Revoked => Stands::Revoked,
    }
}

async fn list(
    State(app): State<App>,
    reader: Reader,
    Path(org): Path<String>,
    Query(search): Query<Search>,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::SeeOrg).await?.id;
    let state = Stands::ALL.into_iter().find(|(_, word)| *word == search.state).map(|(state, _)| state);
    let from = (search.cursor.as_str(), state.map(asked));
    let (found, last) = invitations::list(&app, &reader.ctx, account, from, MANY).await?;
    let shown = InvitationsPage {
        frame: reader.frame(Room::People),
        tabs: Tabs { open: Tab::Invitations, invitations: true },
        state,
        invitations: found.iter().map(|view| row(&app, view)).collect(),
        pages: Pages { previous: None, next: last.map(|id| id.to_string()) },
    };
    page(StatusCode::OK, &shown)
}

fn row(app: &App, view: &InvitationView) -> InvitationRow {
    let invited_as = match (view.kind, view.account_role) {
        (InvitedAs::Owner, _) => "owner",
        (InvitedAs::Member, AccountRole::Admin | AccountRole::Owner) => "account admin",
        (InvitedAs::Member, AccountRole::Member) => "member",
    };
    InvitationRow {
        id: view.id.to_string(),
        email: view.email.clone(),
        invited_as,
        roles: roles::promised(app, &view.roles),
        state: stands(view.state),
        invited_by: view.invited_by.clone(),
        created: view.created_at,
        expires: view.expires_at,
        ended: view.ended_at,
    }
}

async fn show(State(app): State<App>, reader: Reader, Path(path): Path<(String, String)>) -> Result<Response, Problem> {
    let (account, id) = named(&app, &reader, &path).await?;
    page(StatusCode::OK, &whole(&app, &reader, (account, id), (Chosen::default(), Problems::default())).await?)
}

async fn whole(
    app: &App,
    reader: &Reader,
    (account, id): (AccountId, InvitationId),
    (chosen, problems): (Chosen, Problems),
) -> Result<InvitationPage, Problem> {
    let view = invitations::show(app, &reader.ctx, account, id).await?;
    let offer = members::offer(app, &reader.ctx, account).await?;
    let row = row(app, &view);
    let changes = row.state.is_open() && (view.kind == InvitedAs::Member || offer.owner);
    let gives = changes && view.kind == InvitedAs::Member && !offer.is_empty();
    let form = || {
        let form = chosen.form(app, &offer, problems);
        if offer.owner { with_owner(form) } else { form }
    };
    Ok(InvitationPage {
        frame: reader.frame(Room::People),
        message: view.message,
        valid_for: view.valid_for.to_string(),
        version: view.version,
        // Whoever invites into teams only leaves no invitation without a role.
        takes: gives && (offer.org || row.roles.len() > 1),
        give: gives.then(form),
        changes,
        row,
        sign_in: None,
    })
}

/// Adds a role, takes one off, or asks them to own the org instead.
async fn change(
    State(app): State<App>,
    reader: Reader,
    Path(path): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, Problem> {
    let (account, id) = named(&app, &reader, &path).await?;
    let chosen = Chosen::of(&fields);
    let outcome = match fields.one("edit").strip_prefix("remove-") {
        Some(number) => put(&app, &reader, (account, id), &fields, Change::Remove(number)).await,
        None if chosen.role == OWNER => {
            let asked = invitations::to_own(&app, &reader.ctx, account, id).await;
            asked.map(|_| Done::OwnerInvited)
        }
        None => match chosen.grant() {
            Ok(grant) => put(&app, &reader, (account, id), &fields, Change::Add(grant)).await,
            Err(problems) => {
                let shown = whole(&app, &reader, (account, id), (chosen, problems)).await?;
                return page(StatusCode::UNPROCESSABLE_ENTITY, &shown);
            }
        },
    };
    match outcome {
        Ok(what) => done(&reader, id, what),
        Err(error) => refused(&app, &reader, (account, id), chosen, error).await,
    }
}

/// What is changed of the roles.
enum Change<'f> {
    Add(RuleGrant),
    /// The number of the one that goes.
    Remove(&'f str),
}

/// Puts the roles as they stand in the version that the page showed, with the change.
async fn put(
    app: &App,
    reader: &Reader,
    (account, id): (AccountId, InvitationId),
    fields: &Fields,
    change: Change<'_>,
) -> Result<Done, InvitationError> {
    let mut roles = invitations::show(app, &reader.ctx, account, id).await?.roles;
    let what = match change {
        Change::Add(role) => {
            if !roles.contains(&role) {
                roles.push(role);
            }
            Done::RolePromised
        }
        Change::Remove(number) => {
            let number: usize = number.parse().unwrap_or(usize::MAX);
            if number < roles.len() {
                roles.remove(number);
            }
            Done::RoleNotPromised
        }
    };
    let version = fields.one("version").parse().unwrap_or(0);
    invitations::change_roles(app, &reader.ctx, account, id, (&roles, Some(version))).await?;
    Ok(what)
}

/// The page as it is now, with the reason why nothing was done; the answer of the API where the page is no help.
async fn refused(
    app: &App,
    reader: &Reader,
    (account, id): (AccountId, InvitationId),
    chosen: Chosen,
    error: InvitationError,
) -> Result<Response, Problem> {
    // Who is asked and as what stands: what is wrong with that is wrong with the role to own the org.
    let of_role = !matches!(error, InvitationError::AlreadyMember | InvitationError::Pending);
    let field = invite::field_of(&error).filter(|_| of_role && !chosen.role.is_empty());
    let asks = matches!(error, InvitationError::Reauthenticate);
    if field.is_none() && !asks && !matches!(error.kind(), Kind::Conflict | Kind::Stale | Kind::Unprocessable) {
        return Err(error.into());
    }
    let problems = field.map(|_| wrong("role", &sentence(&error.to_string()))).unwrap_or_default();
    let mut shown = whole(app, reader, (account, id), (chosen, problems)).await?;
    if asks {
        shown.sign_in = Some(reader.sign_in_for(&reader.at(&format!("invitations/{id}"))));
    } else if field.is_none() {
        shown.frame.notice = Some(Notice { tone: Tone::Warning, text: why_not(&error) });
    }
    page(status(error.kind()), &shown)
}

fn why_not(error: &InvitationError) -> String {
    if matches!(error, InvitationError::Stale) {
        let text = "Somebody else has changed this invitation since you opened it, so your change was not made. This is how \
                    it stands now: make your change again if it is still right.";
        return text.to_owned();
    }
    format!("Nothing was changed: {error}.")
}

async fn resend(
    State(app): State<App>,
    reader: Reader,
    Path(path): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (account, id) = named(&app, &reader, &path).await?;
    match invitations::resend(&app, &reader.ctx, account, id).await {
        Ok(_) => done(&reader, id, Done::InvitationResent),
        Err(error) => refused(&app, &reader, (account, id), Chosen::default(), error).await,
    }
}

/// What withdrawing does, before it does.
async fn ask(State(app): State<App>, reader: Reader, Path(path): Path<(String, String)>) -> Result<Response, Problem> {
    let (account, id) = named(&app, &reader, &path).await?;
    let view = invitations::show(&app, &reader.ctx, account, id).await?;
    page(StatusCode::OK, &RevokePage { frame: reader.frame(Room::People), row: row(&app, &view) })
}

async fn revoke(
    State(app): State<App>,
    reader: Reader,
    Path(path): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (account, id) = named(&app, &reader, &path).await?;
    match invitations::revoke(&app, &reader.ctx, account, id).await {
        Ok(()) => see_other(&format!("{}?done={}", reader.at("invitations"), Done::InvitationRevoked.word())),
        Err(error) => refused(&app, &reader, (account, id), Chosen::default(), error).await,
    }
}
