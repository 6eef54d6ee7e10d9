//! Attempts to sign in: kept when they begin, used up when the browser comes back.

use cardea_connect::{Arrival, Flow as Attempt};
use cardea_model::{Timestamp, chance};
use cardea_store::connection::{self, Connection};
use cardea_store::flow::{self, Flow};
use cardea_tokens::hash::{same, sha256};
use secrecy::{ExposeSecret, SecretString};

use super::{ATTEMPT_LIFE, LoginError, is_open, safe_return, way_back};
use crate::app::App;
use crate::context::Ctx;
use crate::rules::Claims;

const VERIFIER: &str = "login.pkce_verifier";

/// Keeps a fresh attempt at a connection; with it, the connection and what the browser keeps in a cookie meanwhile.
pub(super) async fn keep(
    app: &App,
    ctx: &Ctx,
    name: &str,
    return_to: &str,
    login_hint: Option<&str>,
) -> Result<(Attempt, Connection, String), LoginError> {
    let mut attempt = Attempt::fresh(&*app.random);
    attempt.login_hint = login_hint.filter(|hint| hint.len() <= 254).map(str::to_owned);
    attempt.prompt = way_back::prompt(safe_return(return_to));
    let browser = chance::base62(&*app.random, 43);
    // What the writer reads it has at hand, where a reader would begin anew after each commit.
    let mut tx = app.db.write().await?;
    let row = connection::named(&mut tx, name).await?.filter(|row| is_open(&row.stage));
    let row = row.ok_or(LoginError::NoConnection)?;
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
    Ok((attempt, row, browser))
}

fn seal(app: &App, verifier: &SecretString) -> Vec<u8> {
    app.peppers.sealer().seal(&*app.random, VERIFIER, verifier.expose_secret().as_bytes())
}

/// An attempt that was begun here and is used up.
pub(super) struct Taken {
    pub(super) flow: Flow,
    pub(super) attempt: Attempt,
    /// Where it was begun, as it is now.
    pub(super) connection: Connection,
    /// What rules want to know besides.
    pub(super) claims: Claims,
}

/// Reads and uses up the attempt to which the answer belongs. Nothing is written for an invented answer, nor for one that
/// another browser brings, and neither waits for whoever writes.
pub(super) async fn take(
    app: &App,
    now: Timestamp,
    name: &str,
    arrival: &Arrival,
    browser: Option<&str>,
) -> Result<Taken, LoginError> {
    let state = arrival.state().ok_or(LoginError::NoAttempt)?;
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
        state: state.to_owned(),
        nonce: flow.nonce.clone(),
        pkce_verifier: verifier.into(),
        login_hint: None,
        prompt: None,
    };
    Ok(Taken { flow, attempt, connection, claims })
}
