//! `/sign-up`: somebody new asks for an account of their own, where the operator lets them.

use axum::Router;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use cardea_gateway::App;
use cardea_gateway::accounts::{self, AccountError};
use cardea_model::Fault;
use serde::Deserialize;

use crate::console::door::SignUpPage;
use crate::console::{Problem as FieldProblem, Problems};
use crate::extract::Visitor;
use crate::login::{environment, page, say_when, sentence};
use crate::problem::{Problem, status};

/// What a newcomer's browser does.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/sign-up", get(show).post(ask))
}

async fn show(State(app): State<App>) -> Result<Response, Problem> {
    if !app.settings.sign_up {
        return Err(AccountError::SignUpOff.into());
    }
    page(StatusCode::OK, &sign_up(&app, String::new(), Problems::default()))
}

fn sign_up(app: &App, email: String, problems: Problems) -> SignUpPage {
    SignUpPage { email, sent: false, problems, environment: environment(app) }
}

#[derive(Deserialize)]
struct Asked {
    email: String,
}

async fn ask(State(app): State<App>, Visitor(ctx): Visitor, Form(form): Form<Asked>) -> Result<Response, Problem> {
    match accounts::sign_up(&app, &ctx, &form.email).await {
        Ok(()) => page(StatusCode::OK, &SignUpPage { sent: true, ..sign_up(&app, form.email, Problems::default()) }),
        Err(error @ (AccountError::Email | AccountError::TooMany(_))) => {
            let problem = FieldProblem { field: "email", text: sentence(&error.to_string()) };
            let mut response = page(status(error.kind()), &sign_up(&app, form.email, Problems(vec![problem])))?;
            say_when(&mut response, error.kind());
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}
