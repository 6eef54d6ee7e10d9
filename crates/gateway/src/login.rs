//! A sign-in, from the first click to the session.
//!
//! ```text
//! begin   connection ─► flow row (state, nonce, PKCE verifier, hash of the browser's cookie) ─► to the provider
//! finish  ─► take the flow row, once ─► commit ─► verify with the provider, no transaction open
//!         ─► admit: who is it? ─► touch the member ─► bind, roles, session, audit ─► commit
//! ```
//! Every failure reads the same to the person; [`LoginError::reason`] tells the admin's trace them apart.

pub mod admission;
mod attempt;
pub mod connector;
pub mod ending;
mod error;
pub mod local;
mod posted;
mod way_back;

use cardea_connect::Arrival;
pub use cardea_connect::{Departure, Parameters};
use cardea_model::fault::whole;
use cardea_store::connection::{self, Connection};
use cardea_store::db::{Conn, DbError};
pub use error::LoginError;
use std::time::Duration;
pub use way_back::safe_return;

use crate::app::App;
use crate::context::Ctx;
use crate::session::Opened;
use crate::tries;
use attempt::Taken;

/// How long a person has between the first click and coming back.
pub const ATTEMPT_LIFE: Duration = Duration::from_secs(600);

/// Where the e-mail page sends somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// To the identity provider of this connection.
    Connection(String),
    /// To the page that asks for a local password. People are indistinguishable here: whoever is not federated comes here.
    Password,
}

/// Where people with this address sign in, by its domain.
///
/// # Errors
/// The database's.
pub async fn route(app: &App, email: &str) -> Result<Route, LoginError> {
    Ok(route_of(&mut app.db.read().await?, email).await?)
}

/// As [`route`].
pub(crate) async fn route_of(conn: &mut Conn, email: &str) -> Result<Route, DbError> {
    let Some(email) = cardea_model::name::Email::parse(email) else { return Ok(Route::Password) };
    let owner = connection::of_domain(conn, &email.domain).await?;
    Ok(match owner {
        Some(connection) if connection.stage == "live" => Route::Connection(connection.name),
        _ => Route::Password,
    })
}

/// A sign-in that was begun.
pub struct Begun {
    /// How the browser goes to the provider now.
    pub departure: Departure,
    /// What the browser keeps in a cookie meanwhile.
    pub browser: String,
}

/// Begins a sign-in at a connection.
///
/// # Errors
/// [`LoginError`].
pub async fn begin(
    app: &App,
    ctx: &Ctx,
    name: &str,
    return_to: &str,
    login_hint: Option<&str>,
) -> Result<Begun, LoginError> {
    limit(app, ctx, "begin")?;
    let (flow, row, browser) = attempt::keep(app, ctx, name, return_to, login_hint).await?;
    let departure = connector::build(app, &row, Vec::new()).await?.begin(&flow, ctx.now).await?;
    Ok(Begun { departure, browser })
}

/// Whether this connection lets people in.
pub(crate) fn is_open(stage: &str) -> bool {
    matches!(stage, "tested" | "live")
}

/// Somebody who got in.
pub struct SignedIn {
    /// Their session.
    pub session: Opened,
    /// Where they go now.
    pub return_to: String,
}

/// What the provider sent back through the browser.
pub enum Received {
    /// An OpenID Connect answer, from the address or a form.
    Parameters(Parameters),
    /// The form field `SAMLResponse` (SAML bindings §3.5.4).
    Response(String),
}

/// What came of an answer.
pub enum Finished {
    /// Somebody is in.
    In(SignedIn),
    /// The provider began by itself, and the connection allows that: a sign-in of our own is to be begun there. Whoever has a
    /// session at the provider hardly sees it, and nobody is signed in by what they did not ask for.
    Begin,
}

/// Finishes a sign-in with what the provider sent back through the browser.
///
/// # Errors
/// [`LoginError`]; the attempt is used up in any case, unless another browser than the one that began it brings the answer.
pub async fn finish(
    app: &App,
    ctx: &Ctx,
    name: &str,
    received: Received,
    browser: Option<&str>,
) -> Result<Finished, LoginError> {
    let result = try_finish(app, ctx, name, received, browser).await;
    match &result {
        Ok(Finished::In(_)) => app.metrics.login("signed_in"),
        Ok(Finished::Begin) => app.metrics.login("begun_by_provider"),
        Err(error) => {
            app.metrics.login(error.reason());
            // Whoever asks chose the name.
            let name: String = name.chars().take(64).collect();
            tracing::info!(connection = name, reason = error.reason(), request.id = %ctx.request, error = whole(error), "a sign-in was refused");
        }
    }
    result
}

async fn try_finish(
    app: &App,
    ctx: &Ctx,
    name: &str,
    received: Received,
    browser: Option<&str>,
) -> Result<Finished, LoginError> {
    limit(app, ctx, "finish")?;
    let arrival = match received {
        Received::Parameters(parameters) => Arrival::Parameters(parameters),
        Received::Response(field) => match posted::read(app, name, field).await? {
            Some(posted) => Arrival::Response(posted),
            None => return Ok(Finished::Begin),
        },
    };
    let begun = attempt::take(app, ctx.now, name, &arrival, browser).await?;
    let result = answer(app, ctx, name, &begun, arrival).await;
    if let Err(error) = &result {
        rejected(app, ctx, &begun.connection, error).await;
    }
    Ok(Finished::In(SignedIn { session: result?, return_to: begun.flow.return_to }))
}

async fn answer(app: &App, ctx: &Ctx, name: &str, begun: &Taken, arrival: Arrival) -> Result<Opened, LoginError> {
    let row = &begun.connection;
    // Each connection has its own callback address: an answer for another one is a mix-up (RFC 9700 §4.4).
    if row.name != name {
        return Err(LoginError::OtherConnection);
    }
    // Whether the connection still lets people in is asked at the response, not only at the request.
    if !is_open(&row.stage) {
        return Err(LoginError::NoConnection);
    }
    let claims = begun.claims.clone().all(app, row.id).await?;
    let identity = connector::build(app, row, claims).await?.finish(&begun.attempt, arrival, ctx.now).await?;
    if way_back::waved_through(&begun.flow.return_to, begun.flow.begun_at, identity.auth_time) {
        return Err(LoginError::NotAgain);
    }
    admission::admit(app, ctx, row, &begun.flow, &identity).await
}

/// Writes the end of an attempt that was begun here into the audit log of its own account: nobody can fill that log, which
/// is kept for ever, with answers to nothing. A failure to do so must not hide the refusal itself.
async fn rejected(app: &App, ctx: &Ctx, row: &Connection, error: &LoginError) {
    let write = async {
        let mut tx = app.db.write().await?;
        let detail = serde_json::json!({"reason": error.reason()});
        crate::audit::record(app, &mut tx, ctx, Some(row.account), "login.rejected", &row.name, detail).await?;
        tx.commit().await
    };
    if let Err(error) = write.await {
        tracing::warn!(error = whole(&error), "a refused sign-in could not be written into the audit log");
    }
}

/// Refuses a network that begins or finishes more sign-ins than people do.
fn limit(app: &App, ctx: &Ctx, step: &str) -> Result<(), LoginError> {
    tries::crowd(app, ctx, step, app.settings.sign_ins_per_minute).map_err(LoginError::TooMany)
}
