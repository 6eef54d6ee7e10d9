//! My sessions and my password: see where I am signed in, end it, change the password.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use cardea_gateway::factors::{self, FactorError};
use cardea_gateway::password::PasswordError;
use cardea_gateway::session::own::{self, OwnSession};
use cardea_gateway::{App, GatewayError};
use cardea_model::Fault;
use serde::Deserialize;

use super::done::Done;
use super::fields::Fields;
use super::reader::Reader;
use crate::console::frame::Room;
use crate::console::security::{PasswordForm, SecurityPage, SessionLine};
use crate::console::{Pages, Problem as FieldProblem, Problems};
use crate::login::{keep_session, page, say_when, see_other, sentence};
use crate::problem::{Problem, status};

/// A page has so many sessions.
const MANY: i64 = 50;

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/me/security", get(show))
        .route("/me/security/sessions/{id}/end", post(end))
        .route("/me/security/sessions/end-others", post(end_others))
        .route("/me/security/password", post(change))
}

#[derive(Deserialize)]
struct Cut {
    #[serde(default)]
    cursor: String,
}

async fn show(State(app): State<App>, reader: Reader, Query(cut): Query<Cut>) -> Result<Response, Problem> {
    page(StatusCode::OK, &whole(&app, &reader, &cut.cursor, Problems::default()).await?)
}

async fn whole(app: &App, reader: &Reader, cursor: &str, problems: Problems) -> Result<SecurityPage, Problem> {
    let mut found = own::list(app, &reader.ctx, cursor, MANY + 1).await?;
    let next = super::cut(&mut found, MANY, |session| session.id.to_string());
    let email = reader.here.email.clone().unwrap_or_default();
    let is_local = factors::has_password(app, &reader.ctx).await?;
    Ok(SecurityPage {
        frame: reader.frame(Room::Security),
        sessions: found.into_iter().map(line).collect(),
        pages: Pages { previous: None, next },
        password: is_local.then_some(PasswordForm { email, problems }),
    })
}

fn line(session: OwnSession) -> SessionLine {
    SessionLine {
        id: session.id.to_string(),
        through: session.through,
        began: session.began_at,
        last_used: session.last_used_at,
        current: session.current,
    }
}

async fn end(State(app): State<App>, reader: Reader, Path(id): Path<String>) -> Result<Response, Problem> {
    let ended = match id.parse() {
        Ok(id) => own::end(&app, &reader.ctx, id).await,
        Err(_) => Err(GatewayError::Missing("session")),
    };
    let done = match ended {
        Ok(()) => Done::SessionEnded,
        Err(GatewayError::Missing(_)) => Done::SessionGone,
        Err(error) => return Err(error.into()),
    };
    see_other(&format!("/me/security?done={}", done.word()))
}

async fn end_others(State(app): State<App>, reader: Reader) -> Result<Response, Problem> {
    let opened = own::end_others(&app, &reader.ctx).await?;
    let mut response = see_other(&format!("/me/security?done={}", Done::OthersEnded.word()))?;
    keep_session(&app, &mut response, &opened);
    Ok(response)
}

async fn change(State(app): State<App>, reader: Reader, fields: Fields) -> Result<Response, Problem> {
    let (current, new) = (fields.one("current"), fields.one("new"));
    match factors::change_password(&app, &reader.ctx, current.into(), new.into()).await {
        Ok(opened) => {
            let mut response = see_other(&format!("/me/security?done={}", Done::PasswordChanged.word()))?;
            keep_session(&app, &mut response, &opened);
            Ok(response)
        }
        Err(error) => {
            let Some(field) = field_of(&error) else { return Err(error.into()) };
            let problems = Problems(vec![FieldProblem { field, text: format!("{}.", sentence(&error.to_string())) }]);
            let mut response = page(status(error.kind()), &whole(&app, &reader, "", problems).await?)?;
            say_when(&mut response, error.kind());
            Ok(response)
        }
    }
}

/// The field that an error is about; nothing for those that no typing mends.
const fn field_of(error: &FactorError) -> Option<&'static str> {
    match error {
        FactorError::Wrong | FactorError::TooMany(_) | FactorError::Password(PasswordError::Busy) => Some("current"),
        FactorError::Same | FactorError::Password(PasswordError::Weak(_)) => Some("new"),
        FactorError::Denied(_)
        | FactorError::NoPassword
        | FactorError::Password(PasswordError::Failed)
        | FactorError::Database(_) => None,
    }
}
