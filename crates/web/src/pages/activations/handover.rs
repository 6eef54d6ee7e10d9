//! Handing a link on: to whom, with which words, and, asked for the last time, for good.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use cardea_gateway::activations::{self, ActivationError, Look};
use cardea_gateway::{App, Ctx};
use cardea_model::Fault;
use cardea_model::name::Email;

use super::{offered, over, speaker};
use crate::console::activation::{TransferPage, TransferredPage};
use crate::console::{Problem as FieldProblem, Problems};
use crate::extract::Anybody;
use crate::login::{environment, page, sentence};
use crate::pages::failure;
use crate::pages::fields::Fields;
use crate::problem::{Problem, status};

/// To whom, and which words to them.
struct Typed {
    email: String,
    message: String,
}

impl Typed {
    /// What somebody could write.
    fn template(look: &Look) -> Self {
        let message = format!(
            "Hello,\n\nthis activates {} for an account that you own, or for a new one. I hand it on to you.\n",
            look.title
        );
        Self { email: String::new(), message }
    }

    fn of(fields: &Fields) -> Self {
        // A browser ends the lines of a form with both.
        let message = fields.one("message").replace("\r\n", "\n");
        Self { email: fields.one("email").trim().to_owned(), message }
    }
}

pub(super) async fn ask(
    State(app): State<App>,
    Anybody(ctx): Anybody,
    Path(secret): Path<String>,
) -> Result<Response, Problem> {
    match look(&app, &ctx, &secret).await {
        Ok(Some(look)) => {
            let typed = Typed::template(&look);
            page(StatusCode::OK, &form(&app, (secret, &look), typed, Err(Problems::default())))
        }
        Ok(None) => failure::door(&format!("/activate/{secret}/transfer")),
        Err(error) => over(&app, &ctx, &secret, error).await,
    }
}

/// What the link is good for, if it can be handed on; nothing, if nobody is signed in.
async fn look(app: &App, ctx: &Ctx, secret: &str) -> Result<Option<Look>, ActivationError> {
    let look = activations::look(app, ctx, secret).await?;
    match (look.transferable, speaker(ctx)) {
        (false, _) => Err(ActivationError::NotTransferable),
        (true, None) => Ok(None),
        (true, Some(_)) => Ok(Some(look)),
    }
}

/// The form with what is wrong, or the question before it is done.
fn form(app: &App, (token, look): (String, &Look), typed: Typed, asked: Result<(), Problems>) -> TransferPage {
    TransferPage {
        offered: offered(token, look),
        email: typed.email,
        message: typed.message,
        confirm: asked.is_ok(),
        problems: asked.err().unwrap_or_default(),
        environment: environment(app),
    }
}

/// First shows what it does; done only after that.
pub(super) async fn hand_on(
    State(app): State<App>,
    Anybody(ctx): Anybody,
    Path(secret): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let look = match look(&app, &ctx, &secret).await {
        Ok(Some(look)) => look,
        Ok(None) => return failure::door(&format!("/activate/{secret}/transfer")),
        Err(error) => return over(&app, &ctx, &secret, error).await,
    };
    let typed = Typed::of(&fields);
    if fields.one("confirmed").is_empty() {
        let asked = can_be(&typed, &look);
        let status = if asked.is_ok() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        return page(status, &form(&app, (secret, &look), typed, asked));
    }
    done(&app, &ctx, (secret, look), typed).await
}

/// Whether there is anything to ask: the address is one, and another than theirs.
fn can_be(typed: &Typed, look: &Look) -> Result<(), Problems> {
    match (Email::parse(&typed.email), Email::parse(&look.email)) {
        (None, _) => Err(wrong("email", "Enter an e-mail address, like name@example.com".to_owned())),
        (Some(to), Some(own)) if to.normal == own.normal => {
            Err(wrong("email", sentence(&ActivationError::SameAddress.to_string())))
        }
        (Some(_), _) => Ok(()),
    }
}

fn wrong(field: &'static str, text: String) -> Problems {
    Problems(vec![FieldProblem { field, text }])
}

async fn done(app: &App, ctx: &Ctx, (secret, look): (String, Look), typed: Typed) -> Result<Response, Problem> {
    let message = Some(typed.message.trim().to_owned()).filter(|text| !text.is_empty());
    match activations::transfer(app, ctx, &secret, (&typed.email, message)).await {
        Ok(()) => {
            let (title, email) = (look.title, typed.email);
            page(StatusCode::OK, &TransferredPage { title, email, environment: environment(app) })
        }
        Err(error @ (ActivationError::Email | ActivationError::SameAddress)) => {
            let asked = Err(wrong("email", sentence(&error.to_string())));
            page(status(error.kind()), &form(app, (secret, &look), typed, asked))
        }
        Err(error @ ActivationError::Message) => {
            let asked = Err(wrong("message", sentence(&error.to_string())));
            page(status(error.kind()), &form(app, (secret, &look), typed, asked))
        }
        Err(error) => over(app, ctx, &secret, error).await,
    }
}
