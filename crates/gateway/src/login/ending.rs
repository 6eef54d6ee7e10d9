//! A provider signs somebody out.
//!
//! | by | proven by | ends |
//! |---|---|---|
//! | a logout token (OpenID Connect Back-Channel Logout 1.0) | the provider's signature, once | the named session, or all of the subject's |
//! | a frame in the browser (Front-Channel Logout 1.0) | knowing the session's name | that session |
//! | a SAML logout request | the provider's signature, once | the named sessions of that person, or all of theirs |
//!
//! Only sessions that came through this connection end, and nothing else of the person: what a provider says when access is
//! to end altogether is a security event.

use cardea_connect::saml::{LogoutMessage, LogoutOutcome, LogoutRequest, SamlConnector};
use cardea_connect::{Connector, LogoutToken};
use cardea_model::fault::whole;
use cardea_model::name::fold;
use cardea_model::{Timestamp, chance};
use cardea_store::connection::{self, Connection};
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::session::{
    self,
    provider::{self, Meant},
};
use cardea_store::{identity, saml};
use cardea_tokens::hash::sha256;
use serde_json::{Value, json};
use url::Url;

use super::{LoginError, connector, limit};
use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::state::Protocol;

/// A SAML logout message as it came.
pub enum Message {
    /// The raw query (SAML bindings §3.4).
    Query(String),
    /// Form fields (SAML bindings §3.5).
    Form {
        /// `SAMLRequest` or `SAMLResponse`.
        parameter: String,
        /// Its value.
        value: String,
        /// `RelayState`.
        relay_state: Option<String>,
    },
}

/// Ends what a logout token names.
///
/// # Errors
/// [`LoginError`]; the token is for nothing then.
pub async fn by_token(app: &App, ctx: &Ctx, name: &str, token: &str) -> Result<(), LoginError> {
    let result = try_by_token(app, ctx, name, token).await;
    told(ctx, name, &result);
    result
}

async fn try_by_token(app: &App, ctx: &Ctx, name: &str, token: &str) -> Result<(), LoginError> {
    limit(app, ctx, "backchannel_logout")?;
    let row = known(app, name).await?;
    let Connector::Oidc(upstream) = connector::build(app, &row, Vec::new()).await? else {
        return Err(LoginError::NoConnection);
    };
    let said = upstream.logout_token(token, ctx.now).await?;
    let mut tx = app.db.write().await?;
    once(&mut tx, &row, &said.id, said.until).await?;
    let meant = meant_by(&mut tx, &row, &said).await?;
    end(app, tx, ctx, &row, meant).await
}

/// Ends the session of this name at the provider of that issuer. Whatever does not fit is passed over: a frame has nobody to
/// tell.
///
/// # Errors
/// [`LoginError`].
pub async fn by_frame(app: &App, ctx: &Ctx, name: &str, issuer: &str, session: &str) -> Result<(), LoginError> {
    limit(app, ctx, "frontchannel_logout")?;
    let row = known(app, name).await?;
    let protocol = connector::settings(&row)?.protocol();
    if !matches!(protocol, Some(Protocol::Oidc(oidc)) if oidc.issuer == issuer) || session.is_empty() {
        return Ok(());
    }
    let mut tx = app.db.write().await?;
    let meant = provider::named(&mut tx, row.id, session).await?;
    end(app, tx, ctx, &row, meant).await
}

/// Ends what a SAML logout request names. Where the browser goes then, if the provider is to be told; nothing after a
/// provider's answer to a request of ours.
///
/// # Errors
/// [`LoginError`]; nothing has ended then.
pub async fn by_message(app: &App, ctx: &Ctx, name: &str, message: Message) -> Result<Option<Url>, LoginError> {
    let result = try_by_message(app, ctx, name, message).await;
    told(ctx, name, &result);
    result
}

async fn try_by_message(app: &App, ctx: &Ctx, name: &str, message: Message) -> Result<Option<Url>, LoginError> {
    limit(app, ctx, "saml_logout")?;
    let row = known(app, name).await?;
    let Connector::Saml(upstream) = connector::build(app, &row, Vec::new()).await? else {
        return Err(LoginError::NoConnection);
    };
    let (reader, now) = (std::sync::Arc::clone(&upstream), ctx.now);
    let read = tokio::task::spawn_blocking(move || read(&reader, message, now)).await;
    let request = match read.map_err(|_| LoginError::Corrupt("message"))?? {
        LogoutMessage::Request(request) => request,
        LogoutMessage::Response(_) => return Ok(None),
    };
    let mut tx = app.db.write().await?;
    once(&mut tx, &row, &request.id, request.replay_until).await?;
    let meant = meant_by_request(&mut tx, &row, &request).await?;
    end(app, tx, ctx, &row, meant).await?;
    // A provider without an address for answers hears none.
    let state = chance::base62(&*app.random, 43);
    Ok(upstream.logged_out(&state, &request, LogoutOutcome::Done, ctx.now).ok())
}

fn read(
    upstream: &SamlConnector,
    message: Message,
    now: Timestamp,
) -> Result<LogoutMessage, cardea_connect::saml::SamlError> {
    match message {
        Message::Query(query) => upstream.logout_by_redirect(&query, now),
        Message::Form { parameter, value, relay_state } => {
            upstream.logout_by_post(&parameter, &value, relay_state, now)
        }
    }
}

/// The connection, also one that lets nobody in any more: its sessions are dead, and it may say so.
async fn known(app: &App, name: &str) -> Result<Connection, LoginError> {
    connection::named(&mut app.db.read().await?, name).await?.ok_or(LoginError::NoConnection)
}

/// A message counts once: whoever has seen it cannot sign the person out later on.
async fn once(tx: &mut Tx, row: &Connection, id: &str, until: Timestamp) -> Result<(), LoginError> {
    let hash = sha256(format!("logout {id}").as_bytes());
    if saml::use_assertion(tx, row.id, &hash, until).await? { Ok(()) } else { Err(LoginError::Replayed) }
}

async fn meant_by(conn: &mut Conn, row: &Connection, said: &LogoutToken) -> Result<Vec<Meant>, DbError> {
    let member = match &said.subject {
        Some(subject) => identity::of_subject(conn, row.id, subject).await?.map(|identity| identity.member),
        None => None,
    };
    match (&said.session, &said.subject, member) {
        (Some(session), None, _) => provider::named(conn, row.id, session).await,
        (Some(session), Some(_), Some(member)) => {
            let all = provider::named(conn, row.id, session).await?;
            Ok(all.into_iter().filter(|session| session.member == member).collect())
        }
        (None, _, Some(member)) => provider::through(conn, row.id, member).await,
        (_, _, None) => Ok(Vec::new()),
    }
}

async fn meant_by_request(conn: &mut Conn, row: &Connection, request: &LogoutRequest) -> Result<Vec<Meant>, DbError> {
    let name = &request.name_id.value;
    let mut all = Vec::new();
    for session in &request.sessions {
        all.extend(provider::named(conn, row.id, session).await?);
    }
    if request.sessions.is_empty() {
        let mut people: Vec<_> = identity::of_subject(conn, row.id, name).await?.into_iter().collect();
        people.extend(identity::of_user_name(conn, row.id, &fold(name)).await?);
        for member in people.into_iter().map(|identity| identity.member) {
            all.extend(provider::through(conn, row.id, member).await?);
        }
    }
    // The name of a session alone ends nothing: it may be a small number that others have too.
    let named = |meant: &Meant| {
        let stored = meant.subject.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
        stored.is_some_and(|stored| stored.get("value").and_then(Value::as_str) == Some(name))
    };
    Ok(all.into_iter().filter(named).collect())
}

async fn end(app: &App, mut tx: Tx, ctx: &Ctx, row: &Connection, meant: Vec<Meant>) -> Result<(), LoginError> {
    for one in meant {
        if session::end(&mut tx, one.id, ctx.now).await? {
            let (target, detail) = (one.id.to_string(), json!({"connection": row.name}));
            audit::record(app, &mut tx, ctx, Some(row.account), "session.ended_by_provider", &target, detail).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

fn told<T>(ctx: &Ctx, name: &str, result: &Result<T, LoginError>) {
    if let Err(error) = result {
        let name: String = name.chars().take(64).collect();
        tracing::info!(connection = name, reason = error.reason(), request.id = %ctx.request, error = whole(error), "a logout message was refused");
    }
}
