//! Teams: listed, made, described, filled with people, and ended for good.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use cardea_gateway::App;
use cardea_gateway::members::{self, MemberError};
use cardea_gateway::orgs::OrgError;
use cardea_gateway::orgs::teams::{self, TeamView};
use cardea_gateway::people::{self, Find, UserView};
use cardea_model::id::AccountId;
use cardea_model::{Fault, Kind, Permission};
use serde::Deserialize;

use super::done::Done;
use super::fields::Fields;
use super::reader::Reader;
use super::role_form::{self, Chosen, wrong};
use super::roles;
use crate::console::frame::Room;
use crate::console::people::{Tab, Tabs};
use crate::console::teams::{DescriptionForm, EndTeamPage, NewTeamPage, TeamPage, TeamRoleForm, TeamRow, TeamsPage};
use crate::console::{Notice, Pages, Problems, Tone};
use crate::login::{page, see_other, sentence};
use crate::problem::{Problem, status};

/// A page has so many people.
const MANY: i64 = 50;
/// So many may lose something without the name being typed.
const FEW: usize = 10;

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/o/{org}/teams", get(list))
        // Beside the teams and not among them: a team may be called `new`.
        .route("/o/{org}/new-team", get(new).post(create))
        .route("/o/{org}/teams/{team}", get(show).post(describe))
        .route("/o/{org}/teams/{team}/people", post(give))
        .route("/o/{org}/teams/{team}/end", get(ask).post(end))
}

async fn account(app: &App, reader: &Reader, org: &str, permission: Permission) -> Result<AccountId, Problem> {
    Ok(people::account_of(app, &reader.ctx, org, permission).await?.id)
}

/// The address of a team, with what was done there.
fn done(reader: &Reader, team: &str, done: Done) -> Result<Response, Problem> {
    see_other(&format!("{}?done={}", reader.at(&format!("teams/{team}")), done.word()))
}

async fn list(State(app): State<App>, reader: Reader, Path(org): Path<String>) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org, Permission::SeeUsers).await?;
    let offer = members::offer(&app, &reader.ctx, account).await?;
    let row = |team: TeamView| TeamRow {
        managed: !offer.org && offer.reaches(Some(&team.name)),
        name: team.name,
        description: team.description,
    };
    let known = teams::list(&app, &reader.ctx, account).await?;
    let shown = TeamsPage {
        frame: reader.frame(Room::People),
        tabs: Tabs { open: Tab::Teams, invitations: !offer.is_empty() },
        teams: known.into_iter().map(row).collect(),
        makes: offer.org && reader.ctx.may(Permission::ManageTeams, account).is_ok(),
    };
    page(StatusCode::OK, &shown)
}

async fn new(State(app): State<App>, reader: Reader, Path(org): Path<String>) -> Result<Response, Problem> {
    account(&app, &reader, &org, Permission::ManageTeams).await?;
    page(StatusCode::OK, &form(&reader, (String::new(), String::new()), Problems::default()))
}

fn form(reader: &Reader, (name, description): (String, String), problems: Problems) -> NewTeamPage {
    NewTeamPage { frame: reader.frame(Room::People), name, description, problems }
}

async fn create(
    State(app): State<App>,
    reader: Reader,
    Path(org): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org, Permission::ManageTeams).await?;
    let (name, description) = (fields.one("name").trim(), fields.one("description"));
    match teams::create(&app, &reader.ctx, account, name, &one_paragraph(description)).await {
        Ok(team) => done(&reader, &team.name, Done::TeamMade),
        Err(error) => {
            let Some(field) = field_of(&error) else { return Err(error.into()) };
            let typed = (name.to_owned(), description.to_owned());
            page(status(error.kind()), &form(&reader, typed, wrong(field, &sentence(&error.to_string()))))
        }
    }
}

/// A description has one paragraph: lines that a text area broke are joined.
fn one_paragraph(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The field that an error is about; nothing for those that no typing mends.
const fn field_of(error: &OrgError) -> Option<&'static str> {
    match error {
        OrgError::TeamName | OrgError::Capitals(_) | OrgError::TeamNameTaken | OrgError::TeamNameEnded => Some("name"),
        OrgError::Description => Some("description"),
        OrgError::Denied(_) | OrgError::Missing(_) | OrgError::Individual | OrgError::Stale | OrgError::Database(_) => {
            None
        }
    }
}

#[derive(Deserialize)]
struct Cut {
    #[serde(default)]
    cursor: String,
}

/// What was typed on a team's page, and what was wrong with it.
#[derive(Default)]
struct Typed {
    description: Option<(String, Problems)>,
    theirs: Option<String>,
    who: String,
    chosen: Chosen,
    problems: Problems,
}

async fn show(
    State(app): State<App>,
    reader: Reader,
    Path((org, team)): Path<(String, String)>,
    Query(cut): Query<Cut>,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org, Permission::SeeUsers).await?;
    page(StatusCode::OK, &whole(&app, &reader, account, (&team, &cut.cursor), Typed::default()).await?)
}

async fn whole(
    app: &App,
    reader: &Reader,
    account: AccountId,
    (team, cursor): (&str, &str),
    typed: Typed,
) -> Result<TeamPage, Problem> {
    let ctx = &reader.ctx;
    let team = teams::show(app, ctx, account, team).await?;
    let offer = members::offer(app, ctx, account).await?;
    let find = Find { after: cursor, team: Some(&team.name), ..Find::default() };
    let found = people::list(app, ctx, account, find, MANY).await?;
    let manages = ctx.may(Permission::ManageTeams, account).is_ok();
    let (text, problems) = typed.description.unwrap_or_else(|| (team.description.clone(), Problems::default()));
    let form = DescriptionForm { text, theirs: typed.theirs, version: team.version, problems };
    let give = offer
        .reaches(Some(&team.name))
        .then(|| TeamRoleForm { who: typed.who, role: typed.chosen.form(app, &offer, typed.problems) });
    let here = |user: UserView| {
        let mut row = roles::person_row(app, user);
        row.roles.retain(|role| role.team.as_ref() == Some(&team.name));
        row
    };
    Ok(TeamPage {
        frame: reader.frame(Room::People),
        people: found.users.into_iter().map(here).collect(),
        pages: Pages { previous: None, next: found.next },
        form: manages.then_some(form),
        give,
        ends: manages,
        description: team.description,
        name: team.name,
    })
}

/// The version that a page was made of; none that there is, if the page does not say.
fn version(fields: &Fields) -> i64 {
    fields.one("version").parse().unwrap_or(0)
}

async fn describe(
    State(app): State<App>,
    reader: Reader,
    Path((org, team)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org, Permission::ManageTeams).await?;
    let text = fields.one("description").to_owned();
    let wanted = (one_paragraph(&text), Some(version(&fields)));
    let error = match teams::describe(&app, &reader.ctx, account, &team, (&wanted.0, wanted.1)).await {
        Ok(team) => return done(&reader, &team.name, Done::TeamDescribed),
        Err(error) => error,
    };
    let (problems, theirs) = if matches!(error, OrgError::Description) {
        (wrong("description", &sentence(&error.to_string())), None)
    } else if matches!(error, OrgError::Stale) {
        let now = teams::show(&app, &reader.ctx, account, &team).await?.description;
        (wrong("description", "Somebody else has changed it since you opened this page"), Some(now))
    } else {
        return Err(error.into());
    };
    let typed = Typed { description: Some((text, problems)), theirs, ..Typed::default() };
    page(status(error.kind()), &whole(&app, &reader, account, (&team, ""), typed).await?)
}

async fn give(
    State(app): State<App>,
    reader: Reader,
    Path((org, team)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org, Permission::SeeUsers).await?;
    let name = teams::show(&app, &reader.ctx, account, &team).await?.name;
    let who = fields.one("who").trim().to_owned();
    let chosen = Chosen { team: name.clone(), ..Chosen::of(&fields) };
    let asked = match chosen.role() {
        Ok(_) if who.is_empty() => Err(wrong("who", "Enter the address of somebody in the org")),
        other => other,
    };
    let (code, problems) = match asked {
        Err(problems) => (StatusCode::UNPROCESSABLE_ENTITY, problems),
        Ok(role) => match members::give(&app, &reader.ctx, account, &who, &role).await {
            Ok(_) => return done(&reader, &name, Done::RoleGiven),
            Err(error) => (status(error.kind()), refused(error)?),
        },
    };
    let typed = Typed { who, chosen, problems, ..Typed::default() };
    page(code, &whole(&app, &reader, account, (&name, ""), typed).await?)
}

/// What the error means for the form of a role in a team.
fn refused(error: MemberError) -> Result<Problems, Problem> {
    if let Some(problems) = role_form::problems(&error) {
        return Ok(problems);
    }
    match (&error, error.kind()) {
        (MemberError::Missing("user"), _) => {
            Ok(wrong("who", "Nobody in this org has this address. Add them as a user first"))
        }
        (_, Kind::Conflict) => Ok(wrong("who", &sentence(&error.to_string()))),
        _ => Err(error.into()),
    }
}

/// What ends with the team, before it does.
async fn ask(
    State(app): State<App>,
    reader: Reader,
    Path((org, team)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org, Permission::ManageTeams).await?;
    page(StatusCode::OK, &before_the_end(&app, &reader, account, &team, Problems::default()).await?)
}

async fn before_the_end(
    app: &App,
    reader: &Reader,
    account: AccountId,
    team: &str,
    problems: Problems,
) -> Result<EndTeamPage, Problem> {
    let team = teams::show(app, &reader.ctx, account, team).await?;
    let find = Find { team: Some(&team.name), ..Find::default() };
    let found = people::list(app, &reader.ctx, account, find, MANY).await?;
    let link = |user: UserView| roles::link(user.id, &user.name, user.email.as_deref());
    Ok(EndTeamPage {
        frame: reader.frame(Room::People),
        asks: found.users.len() > FEW || found.next.is_some(),
        people: found.users.into_iter().map(link).collect(),
        more: found.next.is_some(),
        name: team.name,
        version: team.version,
        problems,
    })
}

async fn end(
    State(app): State<App>,
    reader: Reader,
    Path((org, team)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org, Permission::ManageTeams).await?;
    let mut shown = before_the_end(&app, &reader, account, &team, Problems::default()).await?;
    if shown.asks && fields.one("confirm").trim() != shown.name {
        shown.problems = wrong("confirm", &format!("Type `{}`, or change nothing", shown.name));
        return page(StatusCode::UNPROCESSABLE_ENTITY, &shown);
    }
    match teams::end(&app, &reader.ctx, account, &team, Some(version(&fields))).await {
        Ok(()) => see_other(&format!("{}?done={}", reader.at("teams"), Done::TeamEnded.word())),
        Err(OrgError::Stale) => {
            let text = "Nothing has ended: somebody has changed the team since you opened this page. It says now what would end.";
            shown.frame.notice = Some(Notice { tone: Tone::Warning, text: text.to_owned() });
            page(StatusCode::PRECONDITION_FAILED, &shown)
        }
        Err(error) => Err(error.into()),
    }
}
