//! A sign-in, from the first click to the session.
//!
//! ```text
//! begin   connection ─► flow row (state, nonce, PKCE verifier, hash of the browser's cookie) ─► to the provider
//! finish  ─► take the flow row, once ─► commit ─► verify with the provider, no transaction open
//!         ─► admit: who is it? ─► touch the member ─► bind, roles, session, audit ─► commit
//! ```
//! Every failure reads the same to the person; [`LoginError::reason`] tells the admin's trace them apart.

pub mod admission;
pub mod connector;
pub mod local;
mod way_back;

pub use cardea_connect::Arrival;
use cardea_connect::{ConnectError, Departure, Flow as Attempt};
use cardea_model::{Fault, Kind, Timestamp, chance, fault::whole};
use cardea_store::connection::{self, Connection};
use cardea_store::db::{Conn, DbError};
use cardea_store::flow::{self, Flow};
use cardea_tokens::hash::{same, sha256};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use url::Url;
pub use way_back::safe_return;

use crate::app::App;
use crate::context::Ctx;
use crate::password::PasswordError;
use crate::rules::Claims;
use crate::session::Opened;
use crate::tries;

/// How long a person has between the first click and coming back.
pub const ATTEMPT_LIFE: Duration = Duration::from_secs(600);
const VERIFIER: &str = "login.pkce_verifier";

/// Why somebody did not get in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// There is no such connection, or it does not let anybody in now.
    #[error("there is no such way to sign in")]
    NoConnection,
    /// The connection is declared, but this release does not speak what it needs.
    #[error("{0} is not served by this release yet")]
    NotServed(&'static str),
    /// No sign-in was begun with this state, or it was finished, or it is too late.
    #[error("no sign-in was begun with this state, or it is over")]
    NoAttempt,
    /// Another browser began it, or none: login cross-site request forgery.
    #[error("the sign-in was begun by another browser")]
    OtherBrowser,
    /// A service wanted the person to prove anew who they are, and the provider let them through as it knew them.
    #[error("the provider was asked to sign the person in anew and did not")]
    NotAgain,
    /// Another connection began it: mix-up.
    #[error("the sign-in was begun at another connection")]
    OtherConnection,
    /// Access ended after the sign-in was begun.
    #[error("access ended while the sign-in was on its way")]
    Overtaken,
    /// A hold stands.
    #[error("the person is deactivated")]
    Deactivated,
    /// The directory has deleted the person.
    #[error("the directory has deleted the person")]
    Deleted,
    /// Nobody like that is known and this connection creates nobody.
    #[error("the person is not provisioned, and this connection creates nobody at sign-in")]
    NotProvisioned,
    /// Several records could be meant.
    #[error("several records of the directory could be this person")]
    Ambiguous,
    /// The record belongs to another subject of this connection.
    #[error("the record of the directory belongs to another subject")]
    OtherSubject,
    /// The address is another person's, who may not be joined.
    #[error("the address belongs to somebody else")]
    EmailTaken,
    /// Wrong address or password.
    #[error("the address or the password is wrong")]
    Credentials,
    /// The password was made for them, and is good for choosing another one only.
    #[error("the password is temporary")]
    Temporary,
    /// Too many tries; again after these seconds.
    #[error("too many tries")]
    TooMany(u32),
    /// No password could be checked now.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The provider or its answer.
    #[error(transparent)]
    Provider(#[from] ConnectError),
    /// A stored connection or flow cannot be read.
    #[error("a stored {0} cannot be read")]
    Corrupt(&'static str),
    /// The database did not do it.
    #[error("the database did not answer")]
    Database(#[source] DbError),
}

impl From<DbError> for LoginError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl LoginError {
    /// A stable word for the trace, the audit log and the metric.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NoConnection => "no_connection",
            Self::NotServed(_) => "not_served",
            Self::NoAttempt => "no_attempt",
            Self::OtherBrowser => "other_browser",
            Self::OtherConnection => "other_connection",
            Self::NotAgain => "not_again",
            Self::Overtaken => "overtaken",
            Self::Deactivated => "deactivated",
            Self::Deleted => "deleted",
            Self::NotProvisioned => "not_provisioned",
            Self::Ambiguous => "ambiguous",
            Self::OtherSubject => "other_subject",
            Self::EmailTaken => "email_taken",
            Self::Credentials => "credentials",
            Self::Temporary => "temporary_password",
            Self::TooMany(_) => "too_many",
            Self::Password(_) => "password",
            Self::Provider(error) => error.reason(),
            Self::Corrupt(_) => "corrupt",
            Self::Database(_) => "database",
        }
    }
}

impl Fault for LoginError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoConnection | Self::NotServed(_) => Kind::Missing,
            Self::TooMany(seconds) => Kind::TooMany(*seconds),
            Self::Password(error) => error.kind(),
            Self::Corrupt(_) => Kind::Internal,
            Self::Provider(error) => error.kind(),
            Self::Database(error) => error.kind(),
            Self::NoAttempt
            | Self::OtherBrowser
            | Self::OtherConnection
            | Self::NotAgain
            | Self::Overtaken
            | Self::Deactivated
            | Self::Deleted
            | Self::NotProvisioned
            | Self::Ambiguous
            | Self::OtherSubject
            | Self::EmailTaken
            | Self::Credentials
            | Self::Temporary => Kind::Unauthenticated,
        }
    }

    fn code(&self) -> &'static str {
        match self.kind() {
            Kind::Unavailable => "temporarily_unavailable",
            Kind::TooMany(_) => "too_many_attempts",
            Kind::Missing => "not_found",
            Kind::Internal => "internal",
            Kind::Invalid
            | Kind::Unprocessable
            | Kind::Unauthenticated
            | Kind::Refused
            | Kind::Conflict
            | Kind::Stale => "login_failed",
        }
    }
}

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
    /// Where the browser goes now.
    pub redirect: Url,
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
    let mut attempt = Attempt::fresh(&*app.random);
    attempt.login_hint = login_hint.filter(|hint| hint.len() <= 254).map(str::to_owned);
    attempt.prompt = way_back::prompt(safe_return(return_to));
    let browser = chance::base62(&*app.random, 43);
    // What the writer reads it has at hand, where a reader would begin anew after each commit.
    let mut tx = app.db.write().await?;
    let row = connection::named(&mut tx, name).await?.filter(|row| is_open(&row.stage));
    let row = row.ok_or(LoginError::NoConnection)?;
    let connector = connector::build(app, &row, Vec::new())?;
    let stored = Flow {
        connection: row.id,
        nonce: attempt.nonce.clone(),
        verifier: seal(app, &attempt.pkce_verifier),
        browser_hash: sha256(browser.as_bytes()).to_vec(),
        return_to: safe_return(return_to).to_owned(),
        begun_at: ctx.now,
        expires_at: ctx.now.after(ATTEMPT_LIFE),
    };
    flow::add(&mut tx, &sha256(attempt.state.as_bytes()), &stored).await?;
    tx.commit().await?;
    let Departure::Redirect(redirect) = connector.begin(&attempt).await?;
    Ok(Begun { redirect, browser })
}

/// Whether this connection lets people in.
pub(crate) fn is_open(stage: &str) -> bool {
    matches!(stage, "tested" | "live")
}

fn seal(app: &App, verifier: &SecretString) -> Vec<u8> {
    app.peppers.sealer().seal(&*app.random, VERIFIER, verifier.expose_secret().as_bytes())
}

/// Somebody who got in.
pub struct SignedIn {
    /// Their session.
    pub session: Opened,
    /// Where they go now.
    pub return_to: String,
}

/// Finishes a sign-in with what the provider sent back through the browser.
///
/// # Errors
/// [`LoginError`]; the attempt is used up in any case, unless another browser than the one that began it brings the answer.
pub async fn finish(
    app: &App,
    ctx: &Ctx,
    name: &str,
    arrival: Arrival,
    browser: Option<&str>,
) -> Result<SignedIn, LoginError> {
    let result = try_finish(app, ctx, name, arrival, browser).await;
    match &result {
        Ok(_) => app.metrics.login("signed_in"),
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
    arrival: Arrival,
    browser: Option<&str>,
) -> Result<SignedIn, LoginError> {
    limit(app, ctx, "finish")?;
    let begun = take(app, ctx.now, name, &arrival, browser).await?;
    let result = answer(app, ctx, name, &begun, arrival).await;
    if let Err(error) = &result {
        rejected(app, ctx, &begun.connection, error).await;
    }
    Ok(SignedIn { session: result?, return_to: begun.flow.return_to })
}

/// An attempt that was begun here and is used up.
struct Taken {
    flow: Flow,
    attempt: Attempt,
    /// Where it was begun, as it is now.
    connection: Connection,
    /// What rules want to know besides.
    claims: Claims,
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
    let identity = connector::build(app, row, claims)?.finish(&begun.attempt, arrival, ctx.now).await?;
    if way_back::waved_through(&begun.flow.return_to, begun.flow.begun_at, identity.auth_time) {
        return Err(LoginError::NotAgain);
    }
    admission::admit(app, ctx, row, &begun.flow, &identity).await
}

/// Reads and uses up the attempt to which the answer belongs. Nothing is written for an invented answer, nor for one that
/// another browser brings, and neither waits for whoever writes.
async fn take(
    app: &App,
    now: Timestamp,
    name: &str,
    arrival: &Arrival,
    browser: Option<&str>,
) -> Result<Taken, LoginError> {
    let mut states = arrival.parameters.iter().filter(|(name, _)| name == "state").map(|(_, value)| value);
    let (Some(state), None) = (states.next(), states.next()) else { return Err(LoginError::NoAttempt) };
    let hash = sha256(state.as_bytes());
    let mut conn = app.db.read().await?;
    let Some(flow) = flow::find(&mut conn, &hash).await?.filter(|flow| now < flow.expires_at) else {
        let known = connection::named(&mut conn, name).await?;
        return Err(if known.is_some() { LoginError::NoAttempt } else { LoginError::NoConnection });
    };
    drop(conn);
    // A finished callback of another browser must not sign this one in (RFC 6749 §10.12).
    if !browser.is_some_and(|browser| same(&sha256(browser.as_bytes()), &flow.browser_hash)) {
        return Err(LoginError::OtherBrowser);
    }
    let mut tx = app.db.write().await?;
    let connection = connection::find(&mut tx, flow.connection).await?.ok_or(LoginError::NoConnection)?;
    let claims = Claims::read(&mut tx, &connection).await?.ok_or(LoginError::NoConnection)?;
    // Of several answers at once, one finds it.
    if !flow::take(&mut tx, &hash).await? {
        return Err(LoginError::NoAttempt);
    }
    tx.commit().await?;
    let verifier = app.peppers.sealer().open(VERIFIER, &flow.verifier).map_err(|_| LoginError::Corrupt("flow"))?;
    let verifier = std::str::from_utf8(&verifier).map_err(|_| LoginError::Corrupt("flow"))?.to_owned();
    let attempt = Attempt {
        state: state.clone(),
        nonce: flow.nonce.clone(),
        pkce_verifier: verifier.into(),
        login_hint: None,
        prompt: None,
    };
    Ok(Taken { flow, attempt, connection, claims })
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
