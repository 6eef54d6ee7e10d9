//! `/invitations/{secret}`: what an invited person opens. Looking changes nothing, for mail scanners follow links too.

use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use cardea_gateway::accounts::AccountError;
use cardea_gateway::invitations::{self, Accepted, InvitationError, InvitedAs, Look, Way};
use cardea_gateway::{App, login};
use cardea_model::Fault;
use serde::Deserialize;

use crate::console::invitation::{AcceptedPage, InvitationPage, Step};
use crate::console::{Problem as FieldProblem, Problems, time};
use crate::extract::Anybody;
use crate::login::{environment, keep_session, page, sentence};
use crate::problem::{Problem, status};

/// What an invited person's browser does.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/invitations/{secret}", get(show).post(accept))
}

async fn show(State(app): State<App>, Anybody(ctx): Anybody, Path(secret): Path<String>) -> Result<Response, Problem> {
    let look = invitations::look(&app, &ctx, &secret).await?;
    page(StatusCode::OK, &invitation(&app, secret, look, Problems::default()))
}

fn invitation(app: &App, token: String, look: Look, problems: Problems) -> InvitationPage {
    InvitationPage {
        token,
        account: look.account,
        org: look.org,
        owner: look.invited_as == InvitedAs::Owner,
        email: look.email,
        inviter: look.inviter,
        message: look.message,
        until: time::exact(&look.expires_at),
        step: match look.way {
            Way::AsYou => Step::Accept,
            Way::NotAs(other) => Step::SignOut(other),
            Way::SignIn => Step::SignIn,
            Way::ChoosePassword => Step::ChoosePassword,
        },
        problems,
        environment: environment(app),
    }
}

/// What somebody new fills in.
#[derive(Deserialize)]
struct Filled {
    #[serde(default)]
    password: Option<String>,
}

async fn accept(
    State(app): State<App>,
    Anybody(ctx): Anybody,
    Path(secret): Path<String>,
    Form(form): Form<Filled>,
) -> Result<Response, Problem> {
    match invitations::accept(&app, &ctx, &secret, form.password.clone().map(Into::into)).await {
        Ok(accepted) => {
            let mut response = page(StatusCode::OK, &said(&app, &accepted))?;
            if let Some(password) = form.password.filter(|_| accepted.is_new) {
                let session = login::local::sign_in(&app, &ctx, &accepted.email, password.into()).await?;
                keep_session(&app, &mut response, &session);
            }
            Ok(response)
        }
        Err(error) if is_about_password(&error) => {
            let look = invitations::look(&app, &ctx, &secret).await?;
            let problem = FieldProblem { field: "password", text: sentence(&error.to_string()) };
            page(status(error.kind()), &invitation(&app, secret, look, Problems(vec![problem])))
        }
        Err(error) => Err(error.into()),
    }
}

const fn is_about_password(error: &InvitationError) -> bool {
    matches!(error, InvitationError::Password | InvitationError::Account(AccountError::Password(_)))
}

fn said(app: &App, accepted: &Accepted) -> AcceptedPage {
    let role = |dropped: &invitations::Dropped| {
        let (role, why) = (&dropped.role, &dropped.why);
        let team = role.team.as_ref().map_or_else(String::new, |team| format!(" in the team `{team}`"));
        format!("`{}` of `{}`{team}: {why}", role.role, role.service)
    };
    AcceptedPage {
        org: accepted.org.clone(),
        signed_in: accepted.is_new,
        dropped: accepted.dropped.iter().map(role).collect(),
        environment: environment(app),
    }
}
