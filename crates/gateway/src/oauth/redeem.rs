//! Codes and refresh tokens become tokens: each once. Whoever brings one a second time may have stolen it, or been stolen
//! from; everything that came of the same sign-in ends (RFC 9700 §2.1.1 and §4.14).

use cardea_model::ShownOnce;
use cardea_model::id::FamilyId;
use cardea_store::db::{DbError, Tx};
use cardea_store::family::{self, Family};
use cardea_store::member;
use cardea_store::token::{self, Token};
use cardea_store::{code, session as sessions};
use cardea_tokens::format::Prefix;
use cardea_tokens::hash::{base64url, same, sha256};

use super::claims::{Subject, id_token, subject};
use super::inspect::{self, holds, member_of, stands};
use super::issue::{access, opaque};
use super::{Client, Issued, OAuthError, TOKEN_LIFE, client};
use crate::app::App;
use crate::context::Ctx;
use crate::state::GrantType;

const WRONG_CODE: OAuthError = OAuthError::Grant("the code is not valid, or not for this client");
const WRONG_TOKEN: OAuthError = OAuthError::Grant("the refresh token is not valid, or not for this client");

/// What is about to be given, not yet stored.
pub(super) struct Prepared {
    access: (String, Token),
    refresh: Option<(String, Token)>,
    id_token: Option<String>,
}

/// A code for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5).
///
/// # Errors
/// [`OAuthError`].
pub async fn redeem(
    app: &App,
    ctx: &Ctx,
    client: &Client,
    text: &str,
    redirect_uri: &str,
    verifier: &str,
) -> Result<Issued, OAuthError> {
    client.may(GrantType::AuthorizationCode)?;
    let hash = sha256(text.as_bytes());
    let mut conn = app.db.read().await?;
    let found = code::find(&mut conn, &hash).await?.ok_or(WRONG_CODE)?;
    let family = family::find(&mut conn, found.family).await?.ok_or(WRONG_CODE)?;
    if family.client != client.0.id {
        return Err(WRONG_CODE);
    }
    if found.used_at.is_some() {
        drop(conn);
        return Err(reused(app, ctx, family.id, WRONG_CODE).await?);
    }
    let proven = same(base64url(&sha256(verifier.as_bytes())).as_bytes(), found.challenge.as_bytes());
    let sized = (43..=128).contains(&verifier.len());
    if !proven || !sized || found.redirect_uri != redirect_uri || ctx.now >= found.expires_at {
        return Err(WRONG_CODE);
    }
    if !stands(app, &mut conn, &family, ctx.now).await? {
        return Err(WRONG_CODE);
    }
    let member = member_of(&mut conn, &family).await?.ok_or(WRONG_CODE)?;
    let subject = subject(app, &mut conn, &member, client, ctx.now).await?;
    drop(conn);
    let prepared = prepare(app, ctx, client, &family, &subject).await?;
    let mut tx = fenced(app, ctx, &family).await?.ok_or(WRONG_CODE)?;
    if !code::spend(&mut tx, &hash, ctx.now).await? {
        drop(tx);
        return Err(reused(app, ctx, family.id, WRONG_CODE).await?);
    }
    give(tx, prepared, &family).await
}

/// A refresh token for the next one (RFC 6749 §6). What was granted stays as it was, whatever scope is asked for.
///
/// # Errors
/// [`OAuthError`].
pub async fn refresh(
    app: &App,
    ctx: &Ctx,
    client: &Client,
    text: &str,
    scope: Option<&str>,
) -> Result<Issued, OAuthError> {
    client.may(GrantType::RefreshToken)?;
    let mut conn = app.db.read().await?;
    let found = inspect::find(app, &mut conn, text).await?.ok_or(WRONG_TOKEN)?;
    let family = found.family.clone();
    if family.client != client.0.id || found.token.kind != "refresh" {
        return Err(WRONG_TOKEN);
    }
    if found.token.used_at.is_some() {
        drop(conn);
        return Err(reused(app, ctx, family.id, WRONG_TOKEN).await?);
    }
    if !holds(app, &mut conn, &found, ctx.now).await? {
        return Err(WRONG_TOKEN);
    }
    let granted: Vec<&str> = family.scope.split(' ').collect();
    if !scope.unwrap_or_default().split(' ').all(|scope| scope.is_empty() || granted.contains(&scope)) {
        return Err(OAuthError::Scope);
    }
    let member = member_of(&mut conn, &family).await?.ok_or(WRONG_TOKEN)?;
    let subject = subject(app, &mut conn, &member, client, ctx.now).await?;
    drop(conn);
    let prepared = prepare(app, ctx, client, &family, &subject).await?;
    let mut tx = fenced(app, ctx, &family).await?.ok_or(WRONG_TOKEN)?;
    if !token::spend(&mut tx, &found.token.kid, ctx.now).await? {
        drop(tx);
        return Err(reused(app, ctx, family.id, WRONG_TOKEN).await?);
    }
    if let Some(session) = family.session.filter(|_| !family.offline) {
        // Whoever works at the service has not left.
        sessions::seen(&mut tx, session, ctx.now).await?;
    }
    give(tx, prepared, &family).await
}

/// A transaction that begins with the fence of everything that issues: nobody whose access has ended gets past it. What else
/// ends a grant may have done so since it was read.
async fn fenced(app: &App, ctx: &Ctx, family: &Family) -> Result<Option<Tx>, DbError> {
    let Some(id) = family.member else { return Ok(None) };
    let mut tx = app.db.write().await?;
    if !member::touch(&mut tx, id, family.epoch).await? || client::with_id(app, &mut tx, family.client).await?.is_none()
    {
        return Ok(None);
    }
    let Some(family) = family::find(&mut tx, family.id).await? else { return Ok(None) };
    Ok(stands(app, &mut tx, &family, ctx.now).await?.then_some(tx))
}

/// Ends what was granted, and says no.
async fn reused(app: &App, ctx: &Ctx, id: FamilyId, answer: OAuthError) -> Result<OAuthError, DbError> {
    let mut tx = app.db.write().await?;
    family::end(&mut tx, id, ctx.now).await?;
    tx.commit().await?;
    Ok(answer)
}

pub(super) async fn prepare(
    app: &App,
    ctx: &Ctx,
    client: &Client,
    family: &Family,
    subject: &Subject,
) -> Result<Prepared, OAuthError> {
    let access = access(app, ctx.now, client, family, Some(subject)).await?;
    let refreshes = client.may(GrantType::RefreshToken).is_ok();
    let id_token = match family.scope.split(' ').any(|scope| scope == "openid") {
        true => Some(id_token(app, ctx.now, client, family, subject, &access.0).await?),
        false => None,
    };
    let refresh = refreshes.then(|| opaque(app, ctx.now, Prefix::Refresh, family));
    Ok(Prepared { access, refresh, id_token })
}

pub(super) async fn give(mut tx: Tx, prepared: Prepared, family: &Family) -> Result<Issued, OAuthError> {
    let (text, access) = prepared.access;
    token::add(&mut tx, &access).await?;
    let mut refresh_token = None;
    if let Some((text, refresh)) = prepared.refresh {
        token::add(&mut tx, &refresh).await?;
        refresh_token = Some(ShownOnce::new(text));
    }
    tx.commit().await?;
    Ok(Issued {
        access_token: ShownOnce::new(text),
        refresh_token,
        id_token: prepared.id_token,
        expires_in: TOKEN_LIFE.as_secs(),
        scope: family.scope.clone(),
    })
}
