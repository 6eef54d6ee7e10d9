//! Signing in and out: the e-mail page, the way to the provider and back, the local password, one-time links.

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Form, Path, Query, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use cardea_gateway::accounts::{self, AccountError, Filled, LinkFor};
use cardea_gateway::login::local::Entrance;
use cardea_gateway::login::{self, Begun, Departure, Finished, LoginError, Parameters, Received, Route, SignedIn};
use cardea_gateway::oauth::logout;
use cardea_gateway::session::Opened;
use cardea_gateway::{App, Ctx};
use cardea_model::{Fault, Kind};
use serde::Deserialize;
use url::Url;

use crate::console::door::{
    ChoosePasswordPage, DeparturePage, FirstStartPage, LoginFailedPage, LoginPage, NewAccountPage, OwnerInvitePage,
    PasswordPage, SignedOutPage,
};
use crate::console::frame::Environment;
use crate::console::{Problem as FieldProblem, Problems};
use crate::cookie::Cookie;
use crate::extract::{Anybody, Visitor};
use crate::problem::{Problem, status};

/// What a browser does.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/login", get(email_page).post(email_given))
        .route("/login/password", get(password_page).post(password_given))
        .route("/login/{connection}", get(begin))
        .route("/logout", post(sign_out))
        .route("/link/{secret}", get(link_page).post(link_used))
}

/// What an identity provider sends a browser to.
pub(crate) fn callbacks() -> Router<App> {
    Router::new().route("/oidc/{connection}/callback", get(callback).post(callback_posted))
}

#[derive(Deserialize)]
struct Hints {
    #[serde(default)]
    return_to: String,
    #[serde(default)]
    login_hint: Option<String>,
    #[serde(default)]
    email: String,
}

async fn email_page(State(app): State<App>, Query(hints): Query<Hints>) -> Result<Response, Problem> {
    page(StatusCode::OK, &login_page(&app, hints, Problems::default()))
}

fn login_page(app: &App, hints: Hints, problems: Problems) -> LoginPage {
    let email = hints.login_hint.unwrap_or(hints.email);
    let sign_up = app.settings.sign_up;
    LoginPage { email, return_to: hints.return_to, sign_up, problems, environment: environment(app) }
}

/// Routes by the address's domain; known and unknown people are answered alike.
async fn email_given(State(app): State<App>, Form(form): Form<Hints>) -> Result<Response, Problem> {
    if cardea_model::name::Email::parse(&form.email).is_none() {
        let problem =
            FieldProblem { field: "email", text: "Enter an e-mail address, like name@example.com".to_owned() };
        return page(StatusCode::UNPROCESSABLE_ENTITY, &login_page(&app, form, Problems(vec![problem])));
    }
    let (path, pairs) = match login::route(&app, &form.email).await? {
        Route::Connection(name) => {
            (format!("/login/{name}"), [("login_hint", &form.email), ("return_to", &form.return_to)])
        }
        Route::Password => ("/login/password".to_owned(), [("email", &form.email), ("return_to", &form.return_to)]),
    };
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    see_other(&format!("{path}?{query}"))
}

async fn password_page(State(app): State<App>, Query(hints): Query<Hints>) -> Result<Response, Problem> {
    page(StatusCode::OK, &enter_password(&app, hints.email, hints.return_to, Problems::default()))
}

fn enter_password(app: &App, email: String, return_to: String, problems: Problems) -> PasswordPage {
    PasswordPage { email, return_to, problems, environment: environment(app) }
}

#[derive(Deserialize)]
struct Credentials {
    email: String,
    password: String,
    #[serde(default)]
    return_to: String,
}

async fn password_given(
    State(app): State<App>,
    Visitor(ctx): Visitor,
    Form(form): Form<Credentials>,
) -> Result<Response, Problem> {
    match login::local::enter(&app, &ctx, &form.email, form.password.into()).await {
        Ok(Entrance::Choose(secret)) => {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("return_to", &form.return_to);
            see_other(&format!("/link/{}?{}", secret.reveal(), query.finish()))
        }
        Ok(Entrance::In(session)) => {
            let return_to = login::safe_return(&form.return_to).to_owned();
            signed_in(&app, SignedIn { session, return_to })
        }
        Err(error) => {
            let text = match error.kind() {
                Kind::TooMany(seconds) => format!("Too many tries. Try again in {} minutes", seconds.div_ceil(60)),
                Kind::Unavailable => "Too many people sign in at this moment. Try again in a few seconds".to_owned(),
                // One text for a wrong password, an unknown address and a person who may not: nobody is looked up here.
                Kind::Invalid
                | Kind::Unprocessable
                | Kind::Unauthenticated
                | Kind::Refused
                | Kind::Missing
                | Kind::Conflict
                | Kind::Stale
                | Kind::Internal => "The address or the password is wrong".to_owned(),
            };
            let problems = Problems(vec![FieldProblem { field: "password", text }]);
            let mut response = page(status(error.kind()), &enter_password(&app, form.email, form.return_to, problems))?;
            say_when(&mut response, error.kind());
            Ok(response)
        }
    }
}

async fn begin(
    State(app): State<App>,
    Visitor(ctx): Visitor,
    Path(connection): Path<String>,
    Query(hints): Query<Hints>,
) -> Result<Response, Problem> {
    match login::begin(&app, &ctx, &connection, &hints.return_to, hints.login_hint.as_deref()).await {
        Ok(begun) => departing(&app, &begun),
        Err(error) => failed(&app, &ctx, &error, &hints.return_to),
    }
}

fn departing(app: &App, begun: &Begun) -> Result<Response, Problem> {
    let mut response = match &begun.departure {
        Departure::Redirect(to) => see_other(to.as_str())?,
        Departure::Post { to, fields } => {
            let fields = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let host = to.host_str().unwrap_or_default();
            page(StatusCode::OK, &DeparturePage { to: to.as_str(), host, fields, environment: environment(app) })?
        }
    };
    append_cookie(&mut response, Cookie::Attempt.set(app, &begun.browser, login::ATTEMPT_LIFE.as_secs()));
    Ok(response)
}

async fn callback(
    State(app): State<App>,
    Visitor(ctx): Visitor,
    Path(connection): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    finish(&app, &ctx, &connection, &headers, query.unwrap_or_default().as_bytes()).await
}

/// `response_mode=form_post`: the browser posts what would have stood in the address.
async fn callback_posted(
    State(app): State<App>,
    Visitor(ctx): Visitor,
    Path(connection): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    finish(&app, &ctx, &connection, &headers, &body).await
}

async fn finish(app: &App, ctx: &Ctx, connection: &str, headers: &HeaderMap, form: &[u8]) -> Result<Response, Problem> {
    let parameters = Parameters(url::form_urlencoded::parse(form).into_owned().collect());
    come_back(app, ctx, connection, headers, Received::Parameters(parameters)).await
}

/// What becomes of an answer.
pub(crate) async fn come_back(
    app: &App,
    ctx: &Ctx,
    connection: &str,
    headers: &HeaderMap,
    received: Received,
) -> Result<Response, Problem> {
    let browser = Cookie::Attempt.read(app, headers);
    match login::finish(app, ctx, connection, received, browser).await {
        Ok(Finished::In(entered)) => signed_in(app, entered),
        Ok(Finished::Begin) => match login::begin(app, ctx, connection, "/", None).await {
            Ok(begun) => departing(app, &begun),
            Err(error) => failed(app, ctx, &error, ""),
        },
        Err(error) => failed(app, ctx, &error, ""),
    }
}

fn signed_in(app: &App, entered: SignedIn) -> Result<Response, Problem> {
    let mut response = see_other(&entered.return_to)?;
    let seconds = app.settings.session_max_age.as_secs();
    append_cookie(&mut response, Cookie::Session.set(app, &entered.session.secret, seconds));
    append_cookie(&mut response, Cookie::Attempt.clear(app));
    Ok(response)
}

/// Gives the browser the secret under which its session goes on, for as long as it has left.
pub(crate) fn keep_session(app: &App, response: &mut Response, opened: &Opened) {
    let left = opened.expires_at.since(app.clock.now()).as_secs();
    append_cookie(response, Cookie::Session.set(app, &opened.secret, left));
}

/// After how many seconds whoever could not be answered should try again.
const TRY_AGAIN: u32 = 1;

/// Says when to come back, if that helps.
pub(crate) fn say_when(response: &mut Response, kind: Kind) {
    let seconds = match kind {
        Kind::TooMany(seconds) => seconds,
        Kind::Unavailable => TRY_AGAIN,
        Kind::Invalid
        | Kind::Unprocessable
        | Kind::Unauthenticated
        | Kind::Refused
        | Kind::Missing
        | Kind::Conflict
        | Kind::Stale
        | Kind::Internal => return,
    };
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
}

/// One page for every failure; its trace is the request's id, by which an admin finds the cause.
fn failed(app: &App, ctx: &Ctx, error: &LoginError, return_to: &str) -> Result<Response, Problem> {
    let trace = ctx.request.to_string();
    let shown = LoginFailedPage { trace, return_to: return_to.to_owned(), environment: environment(app) };
    let mut response = page(status(error.kind()), &shown)?;
    say_when(&mut response, error.kind());
    append_cookie(&mut response, Cookie::Attempt.clear(app));
    Ok(response)
}

async fn sign_out(
    State(app): State<App>,
    Anybody(ctx): Anybody,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let back = logout::confirmed(&app, &ctx, &crate::oauth::logout::said(&headers, &body)?).await?;
    signed_out(&app, back.as_ref())
}

/// Takes the browser's session away and sends it back to the service, or says that it is over.
pub(crate) fn signed_out(app: &App, back: Option<&Url>) -> Result<Response, Problem> {
    let mut response = match back {
        Some(back) => see_other(back.as_str())?,
        None => page(StatusCode::OK, &SignedOutPage { connection: None, environment: environment(app) })?,
    };
    append_cookie(&mut response, Cookie::Session.clear(app));
    Ok(response)
}

#[derive(Deserialize)]
struct LinkForm {
    #[serde(default)]
    account: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    return_to: String,
    password: String,
}

/// What was typed at a link before, and where to go afterwards.
#[derive(Default)]
struct Typed {
    account: String,
    email: String,
    return_to: String,
}

/// Shows what the link is for. Looking changes nothing: mail scanners follow links too.
async fn link_page(
    State(app): State<App>,
    Path(secret): Path<String>,
    Query(hints): Query<Hints>,
) -> Result<Response, Problem> {
    let what = accounts::look_at_link(&app, &secret).await?;
    let typed = Typed { return_to: hints.return_to, ..Typed::default() };
    show_link(&app, StatusCode::OK, secret, what, typed, Problems::default())
}

fn show_link(
    app: &App,
    status: StatusCode,
    token: String,
    what: LinkFor,
    typed: Typed,
    problems: Problems,
) -> Result<Response, Problem> {
    let environment = environment(app);
    let Typed { account, email, return_to } = typed;
    match what {
        LinkFor::Password { email } => {
            page(status, &ChoosePasswordPage { token, email, return_to, problems, environment })
        }
        LinkFor::FirstStart => page(status, &FirstStartPage { token, account, email, problems, environment }),
        LinkFor::SignUp { email } => page(status, &NewAccountPage { token, account, email, problems, environment }),
        LinkFor::Owner { account, email } => {
            page(status, &OwnerInvitePage { token, account, email, problems, environment })
        }
    }
}

async fn link_used(
    State(app): State<App>,
    Visitor(ctx): Visitor,
    Path(secret): Path<String>,
    Form(form): Form<LinkForm>,
) -> Result<Response, Problem> {
    let what = accounts::look_at_link(&app, &secret).await?;
    let typed = Typed {
        account: form.account.clone().unwrap_or_default(),
        email: form.email.clone().unwrap_or_default(),
        return_to: form.return_to.clone(),
    };
    let filled = Filled { account: form.account, email: form.email, password: form.password.clone().into() };
    match accounts::use_link(&app, &ctx, &secret, filled).await {
        Ok(email) => {
            let session = login::local::sign_in(&app, &ctx, &email, form.password.into()).await?;
            signed_in(&app, SignedIn { session, return_to: login::safe_return(&form.return_to).to_owned() })
        }
        Err(error) => {
            let Some(field) = field_of(&error) else { return Err(error.into()) };
            let problems = Problems(vec![FieldProblem { field, text: sentence(&error.to_string()) }]);
            show_link(&app, status(error.kind()), secret, what, typed, problems)
        }
    }
}

/// The field that an error is about; nothing for those that no typing mends.
const fn field_of(error: &AccountError) -> Option<&'static str> {
    match error {
        AccountError::Email | AccountError::EmailTaken | AccountError::OwnerDomain(_) => Some("email"),
        AccountError::Name | AccountError::NameTaken => Some("account"),
        AccountError::Password(_)
        | AccountError::OtherPassword
        | AccountError::TemporaryPassword
        | AccountError::SamePassword
        | AccountError::TooMany(_) => Some("password"),
        AccountError::Denied(_)
        | AccountError::Link
        | AccountError::SignUpOff
        | AccountError::NoAccount(_)
        | AccountError::Individual
        | AccountError::Description
        | AccountError::Recovery
        | AccountError::Owners
        | AccountError::Database(_) => None,
    }
}

/// An error's words as a sentence for people.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Live or demo.
pub(crate) fn environment(app: &App) -> Environment {
    if app.settings.demo { Environment::Demo } else { Environment::Live }
}

/// A page.
pub(crate) fn page(status: StatusCode, page: &impl Template) -> Result<Response, Problem> {
    let text = page
        .render()
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the page could not be made"))?;
    Ok((status, Html(text)).into_response())
}

/// `303 See Other`.
pub(crate) fn see_other(address: &str) -> Result<Response, Problem> {
    let bad = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the address could not be written");
    let value = HeaderValue::from_str(address).map_err(bad)?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, value)]).into_response())
}

fn append_cookie(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}
