//! Whether a token holds (RFC 7662, and RFC 9701 where that is to be kept), and its end by the client that has it (RFC 7009).

use cardea_model::Timestamp;
use cardea_model::key::KeyKind;
use cardea_store::db::{Conn, DbError};
use cardea_store::family::{self, Family};
use cardea_store::member::{self, Member};
use cardea_store::token::{self, Token};
use cardea_tokens::format::{self, Prefix};
use cardea_tokens::jose;
use cardea_tokens::pepper::Mac;
use serde::Serialize;
use serde_json::json;

use super::claims::subject;
use super::{Client, OAuthError, client, keyring};
use crate::app::App;
use crate::check::{self, Sight};
use crate::context::Ctx;
use crate::session;

/// The type of a signed statement (RFC 9701 §5).
const SIGNED_TYPE: &str = "token-introspection+jwt";

/// What is said of a token that holds.
#[derive(Debug, Serialize)]
pub struct Inspection {
    active: bool,
    /// `Bearer`, or `api_key`.
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<String>,
    iss: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<String>>,
    /// The kind of key.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<KeyKind>,
}

/// A token with what it hangs on.
pub(super) struct Found {
    pub(super) token: Token,
    pub(super) family: Family,
}

/// What a token or key is, for the service that it was shown to; `None` for whatever does not hold or is not for this
/// service, without a word why.
///
/// # Errors
/// [`OAuthError::NotAResourceServer`] and the database's.
pub async fn introspect(app: &App, ctx: &Ctx, asker: &Client, text: &str) -> Result<Option<Inspection>, OAuthError> {
    if !asker.0.resource_server {
        return Err(OAuthError::NotAResourceServer);
    }
    if let Ok(parsed) = format::parse(text)
        && parsed.prefix.key_kind().is_some()
    {
        let facts = check::inspect(app, Sight::of(&asker.0), text, ctx.now).await?;
        return Ok(facts.map(|facts| of_key(app, facts)));
    }
    let mut conn = app.db.read().await?;
    let Some(found) = find(app, &mut conn, text).await? else { return Ok(None) };
    // A refresh token opens nothing: whoever has one learns where it is redeemed whether it holds.
    let for_asker = found.token.kind == "access" && asker.answers_for(app, &found.family.audience);
    let Some(client) = client::with_id(app, &mut conn, found.family.client).await? else { return Ok(None) };
    if !for_asker || !holds(app, &mut conn, &found, ctx.now).await? {
        return Ok(None);
    }
    let Some(member) = member_of(&mut conn, &found.family).await? else {
        let foreign = asker.0.account.is_some_and(|account| client.0.account != Some(account));
        return Ok((!foreign).then(|| of_client(app, &client, &found)));
    };
    // A service of one account sees that account's people only.
    if asker.0.account.is_some_and(|account| account != member.account) {
        return Ok(None);
    }
    let person = subject(app, &mut conn, &member, asker, ctx.now).await?;
    Ok(Some(Inspection {
        sub: person.user.to_string(),
        auth_time: Some(found.family.auth_time.as_seconds()),
        username: person.person.email.filter(|_| person.person.email_proven),
        org: Some(person.org),
        roles: Some(person.roles),
        ..of_client(app, &client, &found)
    }))
}

/// The same as a statement that is signed, for this service and nobody else (RFC 9701 §5): with the algorithm of its ID
/// tokens. What is said of the token stands inside, so that nothing of ours takes the statement for a token.
///
/// # Errors
/// The database's, and a key that does not sign.
pub async fn signed(app: &App, ctx: &Ctx, asker: &Client, said: Option<&Inspection>) -> Result<String, OAuthError> {
    let said = said.map_or_else(|| json!({"active": false}), |said| json!(said));
    let claims = json!({"iss": app.settings.public_url, "aud": asker.client_id(), "iat": ctx.now.as_seconds(),
        "token_introspection": said});
    keyring::sign(app, asker.id_token_algorithm(), SIGNED_TYPE, &claims).await
}

fn of_client(app: &App, client: &Client, found: &Found) -> Inspection {
    Inspection {
        active: true,
        token_type: "Bearer",
        scope: Some(found.family.scope.clone()),
        client_id: Some(client.client_id().to_owned()),
        sub: client.client_id().to_owned(),
        aud: Some(found.family.audience.clone()),
        iss: app.settings.public_url.clone(),
        exp: Some(found.token.expires_at.as_seconds()),
        iat: Some(found.token.issued_at.as_seconds()),
        jti: found.token.kid.clone(),
        auth_time: None,
        username: None,
        org: None,
        roles: None,
        kind: None,
    }
}

/// A service key is nobody's, and so its own subject.
fn of_key(app: &App, facts: check::Facts) -> Inspection {
    Inspection {
        active: true,
        token_type: "api_key",
        scope: None,
        client_id: None,
        sub: facts.user.map_or_else(|| facts.key.to_string(), |user| user.to_string()),
        aud: None,
        iss: app.settings.public_url.clone(),
        exp: facts.expires_at.map(Timestamp::as_seconds),
        iat: None,
        jti: facts.key.to_string(),
        auth_time: None,
        username: None,
        org: Some(facts.org.to_string()),
        roles: None,
        kind: Some(facts.kind),
    }
}

/// The token of this text, if we made it; whether it holds is another question.
pub(super) async fn find(app: &App, conn: &mut Conn, text: &str) -> Result<Option<Found>, DbError> {
    let Some(kid) = kid(text) else { return Ok(None) };
    let Some(token) = token::find(conn, &kid).await? else { return Ok(None) };
    // The code of the whole text stands for the signature of a signed token too.
    if !Mac::from_bytes(&token.mac).is_some_and(|mac| app.peppers.verify(&mac, text)) {
        return Ok(None);
    }
    let family = family::find(conn, token.family).await?;
    Ok(family.map(|family| Found { token, family }))
}

/// The public part of an opaque token, or the id in a signed one.
fn kid(text: &str) -> Option<String> {
    if let Ok(parsed) = format::parse(text) {
        let token = matches!(parsed.prefix, Prefix::Access | Prefix::Refresh);
        return token.then(|| parsed.kid.to_string());
    }
    let payload: serde_json::Value = serde_json::from_slice(&jose::payload(text)?).ok()?;
    payload.get("jti")?.as_str().map(str::to_owned)
}

/// Whether nothing has ended it: not time, not use, not its client, not an end of access.
pub(super) async fn holds(app: &App, conn: &mut Conn, found: &Found, now: Timestamp) -> Result<bool, DbError> {
    let Found { token, family } = found;
    if now >= token.expires_at || token.used_at.is_some() {
        return Ok(false);
    }
    stands(app, conn, family, now).await
}

/// Whether what was granted still stands.
pub(super) async fn stands(app: &App, conn: &mut Conn, family: &Family, now: Timestamp) -> Result<bool, DbError> {
    if family.ended_at.is_some() || now >= family.expires_at {
        return Ok(false);
    }
    if let Some(id) = family.session {
        let lasts = match family.offline {
            true => session::may_be_outlived(conn, id).await?,
            false => session::living(app, conn, id, now).await?.is_some(),
        };
        if !lasts {
            return Ok(false);
        }
    }
    let Some(id) = family.member else { return Ok(true) };
    let Some(member) = member::find(conn, id).await? else { return Ok(false) };
    let numbers = &member.numbers;
    Ok(!numbers.held && numbers.epoch == family.epoch && family.minted_at > numbers.session_floor)
}

pub(super) async fn member_of(conn: &mut Conn, family: &Family) -> Result<Option<Member>, DbError> {
    match family.member {
        Some(id) => member::find(conn, id).await,
        None => Ok(None),
    }
}

/// Ends a token at the word of the client that it was made for: an access token alone, a refresh token with everything
/// that came of the same grant. What is no token of ours is as good as ended (RFC 7009 §2.2).
///
/// # Errors
/// [`OAuthError::NotGranted`] for another client's token, and the database's.
pub async fn revoke(app: &App, ctx: &Ctx, client: &Client, text: &str) -> Result<(), OAuthError> {
    let Some(found) = find(app, &mut app.db.read().await?, text).await? else { return Ok(()) };
    if found.family.client != client.0.id {
        return Err(OAuthError::NotGranted);
    }
    let mut tx = app.db.write().await?;
    match found.token.kind.as_str() {
        "access" => token::remove(&mut tx, &found.token.kid).await?,
        _ => drop(family::end(&mut tx, found.family.id, ctx.now).await?),
    }
    tx.commit().await?;
    Ok(())
}
