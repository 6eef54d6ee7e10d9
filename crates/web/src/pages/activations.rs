//! `/activate/{secret}`: what whoever is offered a service opens. Looking changes nothing, for mail scanners follow links too.

mod handover;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use cardea_gateway::accounts::AccountError;
use cardea_gateway::activations::{self, ActivationError, Claimed, For, Look};
use cardea_gateway::{App, Ctx, login, people};
use cardea_model::{Caller, Denied, Fault, Person};

use super::failure;
use super::fields::Fields;
use crate::console::activation::{ActivatedPage, ActivationPage, EligibleRow, Offered, Onward, OverPage, Step};
use crate::console::organization::Kind;
use crate::console::{Problem as FieldProblem, Problems, time};
use crate::extract::Anybody;
use crate::login::{environment, keep_session, page, sentence};
use crate::problem::{Problem, status};

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/activate/{secret}", get(show).post(claim))
        .route("/activate/{secret}/transfer", get(handover::ask).post(handover::hand_on))
}

/// What was typed and chosen.
struct Typed {
    account: Option<String>,
    new_account: String,
}

async fn show(State(app): State<App>, Anybody(ctx): Anybody, Path(secret): Path<String>) -> Result<Response, Problem> {
    let typed = Typed { account: None, new_account: String::new() };
    match activations::look(&app, &ctx, &secret).await {
        Ok(look) => page(StatusCode::OK, &form(&app, &ctx, (secret, look), typed, Problems::default())),
        Err(error) => over(&app, &ctx, &secret, error).await,
    }
}

/// Whoever is signed in.
fn speaker(ctx: &Ctx) -> Option<&Person> {
    if let Caller::Person(person) = &ctx.caller { Some(person) } else { None }
}

fn offered(token: String, look: &Look) -> Offered {
    Offered {
        token,
        title: look.title.clone(),
        premium: look.premium,
        email: look.email.clone(),
        until: time::exact(&look.expires_at),
        ends: look.entitlement_ends_at.as_ref().map(time::exact),
        transferable: look.transferable,
    }
}

/// The page; the first account that gains something is chosen, unless another was.
fn form(app: &App, ctx: &Ctx, (token, look): (String, Look), typed: Typed, problems: Problems) -> ActivationPage {
    let offered = offered(token, &look);
    let eligible = |row: activations::Eligible| EligibleRow {
        converts: look.premium && Kind::of(&row.kind) == Kind::Individual,
        account: row.account,
        number: row.number,
        org: row.org,
    };
    let rows: Vec<EligibleRow> = look.accounts.into_iter().map(eligible).collect();
    let first = || rows.first().map(|row| row.account.clone()).unwrap_or_default();
    ActivationPage {
        offered,
        account: typed.account.unwrap_or_else(first),
        new_account: typed.new_account,
        step: match (speaker(ctx), look.sign_in) {
            (Some(_), _) => Step::Choose(rows),
            (None, true) => Step::SignIn,
            (None, false) => Step::New,
        },
        problems,
        environment: environment(app),
    }
}

async fn claim(
    State(app): State<App>,
    Anybody(ctx): Anybody,
    Path(secret): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let look = match activations::look(&app, &ctx, &secret).await {
        Ok(look) => look,
        Err(error) => return over(&app, &ctx, &secret, error).await,
    };
    match activations::claim(&app, &ctx, &secret, wanted(&fields)).await {
        Ok(claimed) => activated(&app, &ctx, (look, claimed), fields.one("password")).await,
        Err(error) => {
            let Some(problems) = problems(&error) else { return over(&app, &ctx, &secret, error).await };
            let typed = Typed {
                account: Some(fields.one("account").to_owned()),
                new_account: fields.one("new_account").to_owned(),
            };
            page(status(error.kind()), &form(&app, &ctx, (secret, look), typed, problems))
        }
    }
}

fn wanted(fields: &Fields) -> For {
    match fields.one("account") {
        "" => {
            let password = Some(fields.one("password")).filter(|typed| !typed.is_empty());
            For::New { name: fields.one("new_account").trim().to_owned(), password: password.map(Into::into) }
        }
        account => For::Standing(account.to_owned()),
    }
}

/// What an error means for the form; nothing for those that no typing mends.
fn problems(error: &ActivationError) -> Option<Problems> {
    let (field, text) = match error {
        ActivationError::Account(AccountError::Name) => (
            "new_account",
            "Enter a name of 1 to 63 letters, digits, `.`, `_` or `-`, without spaces, that starts and ends with a letter or digit"
                .to_owned(),
        ),
        ActivationError::Account(AccountError::NameTaken) => ("new_account", sentence(&error.to_string())),
        ActivationError::Account(AccountError::Password(_)) | ActivationError::NoPassword => {
            ("password", sentence(&error.to_string()))
        }
        ActivationError::NotOwner | ActivationError::NotEligible(_) => ("account", sentence(&error.to_string())),
        ActivationError::Account(_)
        | ActivationError::Unknown
        | ActivationError::Used
        | ActivationError::Expired
        | ActivationError::Withdrawn
        | ActivationError::OtherAddress
        | ActivationError::SignIn
        | ActivationError::OneWay
        | ActivationError::NotTransferable
        | ActivationError::SameAddress
        | ActivationError::Message
        | ActivationError::Email
        | ActivationError::NoService(_)
        | ActivationError::Life
        | ActivationError::Ended => return None,
    };
    Some(Problems(vec![FieldProblem { field, text }]))
}

/// What has come of it; somebody new is signed in with the password that they chose.
async fn activated(
    app: &App,
    ctx: &Ctx,
    (look, claimed): (Look, Claimed),
    password: &str,
) -> Result<Response, Problem> {
    let opened = match speaker(ctx) {
        Some(_) => None,
        None => Some(login::local::sign_in(app, ctx, &look.email, password.into()).await?),
    };
    let is_here = speaker(ctx).is_none_or(|person| person.account == claimed.account.id);
    let shown = ActivatedPage {
        title: look.title,
        account: claimed.account.name,
        org: claimed.account.org,
        ends: claimed.ends_at.as_ref().map(time::exact),
        is_new: claimed.new,
        converted: claimed.converted,
        onward: if is_here { Onward::Here } else { Onward::Switch },
        environment: environment(app),
    };
    let mut response = page(StatusCode::OK, &shown)?;
    if let Some(opened) = &opened {
        keep_session(app, &mut response, opened);
    }
    Ok(response)
}

/// The page of a link that is of no use, or the way to sign in first.
async fn over(app: &App, ctx: &Ctx, secret: &str, error: ActivationError) -> Result<Response, Problem> {
    if matches!(error, ActivationError::SignIn | ActivationError::Account(AccountError::Denied(Denied::Unknown))) {
        return failure::door(&format!("/activate/{secret}"));
    }
    let Some((title, text)) = words(&error) else { return Err(error.into()) };
    let mut not_as = None;
    if matches!(error, ActivationError::OtherAddress) {
        let here = people::here(app, ctx).await?;
        not_as = Some(here.email.unwrap_or(here.name));
    }
    page(status(error.kind()), &OverPage { title, text, not_as, environment: environment(app) })
}

/// What has become of a link, and the next step.
const fn words(error: &ActivationError) -> Option<(&'static str, &'static str)> {
    Some(match error {
        ActivationError::Unknown => (
            "This link is not known here",
            "Nothing was changed. Check that you opened the whole address. If it was handed on, the other address has a new link.",
        ),
        ActivationError::Used => (
            "This was activated already",
            "A link activates once. The account that has the service shows it under Subscriptions.",
        ),
        ActivationError::Expired => {
            ("This link has expired", "Nothing was activated. Ask whoever sent it for a new one.")
        }
        ActivationError::Withdrawn => {
            ("This offer was withdrawn", "Nothing was activated. Ask whoever sent the link why.")
        }
        ActivationError::OtherAddress => (
            "This was sent to another address",
            "Only whoever has that address, and it is proven to be theirs, can activate it. Sign out, and open the link again.",
        ),
        ActivationError::NotTransferable => (
            "This cannot be handed on",
            "It is a certificate for the address that it was sent to. Activate it yourself, or ask whoever sent it.",
        ),
        ActivationError::Account(_)
        | ActivationError::SignIn
        | ActivationError::NotOwner
        | ActivationError::NotEligible(_)
        | ActivationError::OneWay
        | ActivationError::NoPassword
        | ActivationError::SameAddress
        | ActivationError::Message
        | ActivationError::Email
        | ActivationError::NoService(_)
        | ActivationError::Life
        | ActivationError::Ended => return None,
    })
}
